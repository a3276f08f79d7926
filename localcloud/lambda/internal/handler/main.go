// Command handler is the function that Lambda's tests run.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type request struct {
	Do    string `json:"do"`
	Count int    `json:"count"`
}

type custom struct{ text string }

func (c *custom) Error() string { return c.text }

func handle(ctx context.Context, in request) (any, error) {
	switch in.Do {
	case "error":
		return nil, errors.New("it failed")
	case "custom":
		return nil, &custom{"it failed in its own way"}
	case "panic":
		panic("it panicked")
	case "exit":
		os.Exit(in.Count)
	case "sleep":
		<-ctx.Done()
		time.Sleep(time.Hour)
	case "until": // a file says when
		for {
			if _, err := os.Stat(os.Getenv("GATE_FILE")); err == nil {
				return os.Getpid(), nil
			}
			time.Sleep(time.Millisecond)
		}
	case "env":
		return os.Environ(), nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "seconds": int(time.Until(deadline).Seconds() + 0.5)}, nil
	case "big":
		return strings.Repeat("x", in.Count), nil
	case "log":
		for i := range in.Count {
			fmt.Println("line", i)
		}
		fmt.Fprint(os.Stderr, "unfinished")
	case "pid":
		return os.Getpid(), nil
	}
	return in, nil
}

func main() {
	if os.Getenv("INIT") == "exit" {
		os.Exit(7)
	}
	if os.Getenv("INIT") == "hang" {
		time.Sleep(time.Hour)
	}
	lambda.Start(func(ctx context.Context, raw json.RawMessage) (any, error) {
		var in request
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, err
		}
		return handle(ctx, in)
	})
}
