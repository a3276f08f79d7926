// Command sample is the Lambda function behind GET {samplesUrl}/one. Its work is in package sample.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/carepath/carepath/handlers/sample/sample"
)

func main() {
	handler := sample.Handler{Log: slog.New(slog.NewJSONHandler(os.Stdout, nil))}
	lambda.Start(handler.Handle)
}
