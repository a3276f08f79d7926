// Package wire is the embedded AWS's HTTP front: it reads requests in the protocols that AWS's SDKs speak (JSON 1.0 and
// 1.1, Query, REST-JSON and RPC v2 CBOR), makes the call through the dispatcher and writes the answer as AWS would.
package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// CallJSON makes a call with a request in AWS's JSON protocol and returns what AWS would send: the HTTP status, the body
// and the request's id (the x-amzn-RequestId header). A body that is not a JSON object, or that has a member of the wrong
// type, is answered with a SerializationException as AWS's services do.
func CallJSON(ctx context.Context, d *dispatch.Dispatcher, p dispatch.Principal, service, action string, body []byte) (status int, response []byte, requestID string) {
	out, requestID, err := call(ctx, d, p, service, action, body)
	if err != nil {
		apiErr := dispatch.AsError(err)
		return apiErr.HTTPStatus(), errorJSON(service, apiErr), requestID
	}
	text, err := EncodeJSON(out)
	if err != nil {
		apiErr := dispatch.AsError(err)
		return apiErr.HTTPStatus(), errorJSON(service, apiErr), requestID
	}
	return http.StatusOK, text, requestID
}

// call decodes a JSON request and makes the call.
func call(ctx context.Context, d *dispatch.Dispatcher, p dispatch.Principal, service, action string, body []byte) (any, string, error) {
	op, ok := d.Operation(service, action)
	if !ok {
		return d.DoWithID(ctx, p, service, action, nil) // says that it is not emulated
	}
	in := op.NewInput()
	if err := DecodeJSON(body, in); err != nil {
		return nil, dispatch.NewRequestID(), err
	}
	return d.DoWithID(ctx, p, service, action, in)
}

// EncodeJSON writes a response structure as AWS's JSON protocols do: timestamps as seconds, bytes in base64, and < > &
// as they are.
func EncodeJSON(out any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, fmt.Errorf("writing a response: %w", err)
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if bytes.Equal(text, []byte("null")) {
		return []byte("{}"), nil
	}
	return text, nil
}

// DecodeJSON reads a request in AWS's JSON protocols into a request structure. Names are case-sensitive, as with AWS;
// a member that the structure does not have is refused, because the embedded AWS would otherwise ignore what AWS heeds.
// Its errors are SerializationExceptions, and ValidationExceptions for unknown members.
func DecodeJSON(body []byte, into any) error {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return &dispatch.Error{Code: "SerializationException"}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return serializationError(err)
	}
	if path := unknownMember(body, reflect.TypeOf(into)); path != "" {
		return dispatch.Errorf("ValidationException", "the embedded AWS does not have the member %s in a %s", path, strings.TrimPrefix(fmt.Sprintf("%T", into), "*"))
	}
	return nil
}

// serializationError says what AWS's JSON parser says of a value of the wrong type. It says nothing of text that is not
// JSON.
func serializationError(err error) error {
	var apiErr *dispatch.Error
	if errors.As(err, &apiErr) {
		return apiErr
	}
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return &dispatch.Error{Code: "SerializationException"}
	}
	token, wanted := wrong.Value, "a String"
	switch kind := wrong.Type.Kind(); {
	case wrong.Value == "object":
		return dispatch.Errorf("SerializationException", "Start of structure or map found where not expected.")
	case kind == reflect.Slice || kind == reflect.Array:
		return dispatch.Errorf("SerializationException", "Expected list or null")
	case kind == reflect.Struct || kind == reflect.Map:
		return dispatch.Errorf("SerializationException", "Expected null")
	case wrong.Value == "array":
		return dispatch.Errorf("SerializationException", "Start of list found where not expected")
	case kind == reflect.Bool:
		wanted = "a Boolean"
	case kind == reflect.Float32 || kind == reflect.Float64:
		wanted = "a Double"
	case kind == reflect.Int64:
		wanted = "a Long"
	case kind != reflect.String:
		wanted = "an Integer"
	}
	switch {
	case strings.HasPrefix(token, "number"):
		token = "NUMBER_VALUE"
	case strings.HasPrefix(token, "bool"):
		token = "TRUE_VALUE"
	default:
		token = "STRING_VALUE"
	}
	return dispatch.Errorf("SerializationException", "%s can not be converted to %s", token, wanted)
}

// namespaces are what stands before # in the __type of a service's own errors. Services that are not here send the code
// alone.
var namespaces = map[string]string{
	"states":   "com.amazonaws.swf.service.v2.model#",
	"sqs":      "com.amazonaws.sqs#",
	"dynamodb": "com.amazonaws.dynamodb.v20120810#",
}

// common are the errors that AWS's frame raises before the service sees the request.
var common = map[string]bool{
	"AccessDeniedException": true, "ExpiredTokenException": true, "IncompleteSignatureException": true,
	"InternalFailure": true, "InvalidSignatureException": true, "MissingAuthenticationTokenException": true,
	"SerializationException": true, "ServiceUnavailable": true, "ThrottlingException": true,
	"UnknownOperationException": true, "UnrecognizedClientException": true,
}

// errorJSON writes an error as AWS's JSON protocols do. The frame's own errors have "Message", those of services
// "message".
func errorJSON(service string, e *dispatch.Error) []byte {
	typ, member := e.Code, "message"
	if namespace := namespaces[service]; namespace != "" {
		switch {
		case service == "sqs" && !common[e.Code]:
			typ = namespace + sqsShape(e.Code)
		case common[e.Code] && !(service == "dynamodb" && e.Code == "ThrottlingException"):
			typ = "com.amazon.coral.service#" + e.Code
			if e.Code == "SerializationException" || e.Code == "AccessDeniedException" {
				member = "Message"
			}
		case e.Code == "ValidationException":
			typ = "com.amazon.coral.validate#" + e.Code
		default:
			typ = namespace + e.Code
		}
	}
	var b bytes.Buffer
	b.WriteString(`{"__type":`)
	writeJSON(&b, typ)
	if e.Message != "" {
		b.WriteString(`,"` + member + `":`)
		writeJSON(&b, e.Message)
	}
	for _, name := range sortedKeys(e.Fields) {
		b.WriteByte(',')
		writeJSON(&b, name)
		b.WriteByte(':')
		writeJSON(&b, e.Fields[name])
	}
	b.WriteByte('}')
	return b.Bytes()
}

// writeJSON appends a value; one that JSON cannot hold is written as null, so that the error's other members still arrive.
func writeJSON(b *bytes.Buffer, v any) {
	text, err := EncodeJSON(v)
	if err != nil {
		text = []byte("null")
	}
	b.Write(text)
}

// sqsQueryCodes are the codes of the Query protocol by the name of the error's structure, where they differ: SQS sends
// them in the header x-amzn-query-error, and older clients know only them.
var sqsQueryCodes = map[string]string{
	"BatchEntryIdsNotDistinct":     "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"BatchRequestTooLong":          "AWS.SimpleQueueService.BatchRequestTooLong",
	"EmptyBatchRequest":            "AWS.SimpleQueueService.EmptyBatchRequest",
	"InvalidBatchEntryId":          "AWS.SimpleQueueService.InvalidBatchEntryId",
	"MessageNotInflight":           "AWS.SimpleQueueService.MessageNotInflight",
	"PurgeQueueInProgress":         "AWS.SimpleQueueService.PurgeQueueInProgress",
	"QueueDeletedRecently":         "AWS.SimpleQueueService.QueueDeletedRecently",
	"QueueDoesNotExist":            "AWS.SimpleQueueService.NonExistentQueue",
	"QueueNameExists":              "QueueAlreadyExists",
	"TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	"UnsupportedOperation":         "AWS.SimpleQueueService.UnsupportedOperation",
}

// sqsShape is the name of an error's structure, for a code of the Query protocol or the name itself.
func sqsShape(code string) string {
	for shape, query := range sqsQueryCodes {
		if query == code {
			return shape
		}
	}
	return code
}

// sqsQueryCode is the Query protocol's code of an error.
func sqsQueryCode(code string) string {
	if query, ok := sqsQueryCodes[code]; ok {
		return query
	}
	return code
}
