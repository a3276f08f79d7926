// Package awsjson calls AWS APIs of the JSON protocols for which there is no need of a client of their own. See
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html.
package awsjson

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// API is one that is called.
type API struct {
	Service string // its name in hosts and signatures, such as "cognito-idp"
	Target  string // before the operation in X-Amz-Target, such as "AWSCognitoIdentityProviderService"
	Version string // of the protocol: "1.0" or "1.1"
}

// Error is what AWS refused a call with.
type Error struct {
	Operation string
	Status    int
	Code      string // AWS's name for the error
}

// Error names the operation, the status and AWS's name for the error; AWS's text may hold what was asked for.
func (e *Error) Error() string { return fmt.Sprintf("%s answers %d %s", e.Operation, e.Status, e.Code) }

const longestAnswer = 4 << 20

// Call calls an operation as the configuration says: its region, its credentials, its endpoint if it has one, once. Client nil is
// http.DefaultClient; into may be nil. What AWS refuses is an *Error.
func (a API) Call(ctx context.Context, reach aws.Config, client *http.Client, operation string, in, into any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	endpoint := "https://" + a.Service + "." + reach.Region + ".amazonaws.com"
	if reach.BaseEndpoint != nil {
		endpoint = *reach.BaseEndpoint
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	request.Header.Set("X-Amz-Target", a.Target+"."+operation)
	request.Header.Set("Content-Type", "application/x-amz-json-"+a.Version)
	if reach.Credentials == nil {
		return fmt.Errorf("%s: there are no credentials", operation)
	}
	credentials, err := reach.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("%s: looking for credentials: %w", operation, err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), a.Service, reach.Region, time.Now()); err != nil {
		return fmt.Errorf("%s: signing: %w", operation, err)
	}
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return fmt.Errorf("%s: reading the answer: %w", operation, err)
	}
	if response.StatusCode != http.StatusOK {
		var refusal struct {
			Type string `json:"__type"`
		}
		_ = json.Unmarshal(text, &refusal) // without a name the status must do
		return &Error{Operation: operation, Status: response.StatusCode, Code: refusal.Type[strings.LastIndex(refusal.Type, "#")+1:]}
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: reading the answer: %w", operation, err)
	}
	return nil
}
