// Command subscriptions is the Lambda function that makes, renews and removes the FHIR Subscriptions by which a HealthLake data
// store tells of its changes. Its work is in package subscriptions.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/carepath/carepath/fhir"
	"github.com/carepath/carepath/handlers/subscriptions/subscriptions"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	handler, err := newHandler(log)
	if err != nil {
		log.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler.Handle)
}

func newHandler(log *slog.Logger) (*subscriptions.Handler, error) {
	c, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		return nil, err
	}
	client, err := fhir.New(fhir.Config{Endpoint: os.Getenv("DATA_STORE_ENDPOINT"), Region: c.Region, Credentials: c.Credentials})
	if err != nil {
		return nil, err
	}
	return &subscriptions.Handler{FHIR: client, EventBusARN: os.Getenv("EVENT_BUS_ARN"), Now: time.Now, Log: log}, nil
}
