// Command hydrator is the Lambda function that finds what has changed in the HealthLake data store. Its work is in package
// hydrate.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/carepath/carepath/fhir"
	"github.com/carepath/carepath/handlers/hydrator/hydrate"
)

func main() {
	h, err := hydrator(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "hydrator:", err)
		os.Exit(1)
	}
	lambda.Start(h.Handle)
}

// hydrator reads the function's environment: DATA_STORE_ENDPOINT, DATA_STORE_ID, LEDGER_TABLE, PAYLOAD (full or reference), and
// OVERLAP_SECONDS and TRIGGER_OVERLAP_SECONDS, 15 and 2 minutes if they are not set.
func hydrator(ctx context.Context) (*hydrate.Hydrator, error) {
	overlap, err := seconds("OVERLAP_SECONDS", "900")
	if err != nil {
		return nil, err
	}
	triggerOverlap, err := seconds("TRIGGER_OVERLAP_SECONDS", "120")
	if err != nil {
		return nil, err
	}
	h := &hydrate.Hydrator{Table: os.Getenv("LEDGER_TABLE"), DataStoreID: os.Getenv("DATA_STORE_ID"), Overlap: overlap, TriggerOverlap: triggerOverlap,
		Now: time.Now, Log: slog.New(slog.NewJSONHandler(os.Stdout, nil)), Metrics: os.Stdout}
	if h.Table == "" || h.DataStoreID == "" {
		return nil, fmt.Errorf("LEDGER_TABLE and DATA_STORE_ID must be set")
	}
	switch payload := os.Getenv("PAYLOAD"); payload {
	case "full":
	case "reference":
		h.Reference = true
	default:
		return nil, fmt.Errorf("PAYLOAD must be full or reference, not %q", payload)
	}
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	h.DynamoDB = dynamodb.NewFromConfig(aws)
	h.FHIR, err = fhir.New(fhir.Config{Endpoint: os.Getenv("DATA_STORE_ENDPOINT"), Region: aws.Region, Credentials: aws.Credentials})
	return h, err
}

// seconds reads a variable that is a number of seconds, 0 or more. Otherwise is the value of one that is not set.
func seconds(name, otherwise string) (time.Duration, error) {
	value := cmp.Or(os.Getenv(name), otherwise)
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%s must be a whole number of seconds, not %q", name, value)
	}
	return time.Duration(n) * time.Second, nil
}
