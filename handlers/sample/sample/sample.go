// Package sample answers requests of an API below a custom domain's base path. It stands where an API of one's own does its
// work, and shows what API Gateway makes of a request: which part of its path chose the API, and which chose the route.
package sample

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
)

// Answer is what the client gets, as JSON.
type Answer struct {
	Message   string `json:"message"`
	Path      string `json:"path"`     // that the client asked for: with the base path
	Resource  string `json:"resource"` // of the API: without it
	RequestID string `json:"requestId"`
}

// Handler answers requests. Log gets one record a request.
type Handler struct {
	Log *slog.Logger
}

// Handle answers a request with 200. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html.
func (h Handler) Handle(ctx context.Context, r events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	body, err := json.Marshal(Answer{Message: "this is one", Path: r.Path, Resource: r.Resource, RequestID: r.RequestContext.RequestID})
	if err != nil {
		return events.APIGatewayProxyResponse{}, fmt.Errorf("writing the answer: %w", err)
	}
	h.Log.InfoContext(ctx, "answered", "correlationId", r.RequestContext.RequestID, "resource", r.Resource)
	return events.APIGatewayProxyResponse{
		StatusCode: http.StatusOK, Headers: map[string]string{"Content-Type": "application/json"}, Body: string(body),
	}, nil
}
