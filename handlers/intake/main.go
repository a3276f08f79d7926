// Command intake is the Lambda function that handles what the intake API has accepted. Its work is in package intake.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/carepath/carepath/handlers/intake/intake"
)

func main() {
	handler := intake.Handler{Log: slog.New(slog.NewJSONHandler(os.Stdout, nil))}
	lambda.Start(handler.Handle)
}
