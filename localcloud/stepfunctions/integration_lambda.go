package stepfunctions

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/lambda"
)

// invokeFunction is a task whose resource is a function's ARN: the parameters are the payload, the payload the result.
func (r *request) invokeFunction() answer {
	in := &lambda.InvokeInput{FunctionName: r.task.Resource, Payload: jsonvalue.Append(nil, r.task.Parameters)}
	out, _, failed := r.invokeWith(optimised["lambda"], in)
	if failed != nil {
		return refused(failed)
	}
	return answer{result: payload(out.Payload)}
}

// invoke is lambda:invoke: https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html. A Payload that is a
// string is taken for the payload's JSON text, as recorded on AWS.
func (r *request) invoke(v service) answer {
	in := &lambda.InvokeInput{}
	if failed := r.fill(in); failed != nil {
		return refused(failed)
	}
	if in.Payload == nil {
		in.Payload = []byte("{}")
	}
	out, requestID, failed := r.invokeWith(v, in)
	if failed != nil {
		// As recorded: here, unlike with a function's ARN, the error goes through a JSON parser and loses its white space.
		if said, err := jsonvalue.Parse(failed.Cause); err == nil {
			failed.Cause = jsonvalue.Text(said)
		}
		return refused(failed)
	}
	version := out.ExecutedVersion
	if version == "" {
		version = "$LATEST"
	}
	result := jsonvalue.NewObject(
		jsonvalue.Member{Name: "ExecutedVersion", Value: version},
		jsonvalue.Member{Name: "Payload", Value: payload(out.Payload)},
	)
	var headers []header
	if out.LogResult != "" {
		result.Set("LogResult", out.LogResult)
		headers = append(headers, header{"X-Amz-Log-Result", out.LogResult})
	}
	headers = append(headers,
		header{"X-Amz-Executed-Version", version},
		header{"x-amzn-Remapped-Content-Length", "0"},
		header{"Connection", "keep-alive"},
		header{"x-amzn-RequestId", requestID},
		header{"Content-Length", strconv.Itoa(len(out.Payload))},
		header{"Date", r.date()},
		header{"X-Amzn-Trace-Id", r.trace(requestID)},
		header{"Content-Type", "application/json"})
	addMetadata(result, headers, requestID)
	result.Set("StatusCode", jsonvalue.NumberFromInt(int64(out.StatusCode)))
	return answer{result: result}
}

// trace is a trace id of X-Ray (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html) for a request that is
// not traced.
func (r *request) trace(requestID string) string {
	digits := strings.ReplaceAll(requestID, "-", "")
	return fmt.Sprintf("Root=1-%08x-%.24s;Parent=%.16s;Sampled=0", r.s.d.Clock.Now().Unix(), digits[len(digits)-24:], digits)
}

// invokeWith calls the function. What the function itself reports as its failure is a failure of the task.
func (r *request) invokeWith(v service, in *lambda.InvokeInput) (*lambda.InvokeOutput, string, *failure) {
	response, requestID, err := r.s.d.DoWithID(r.s.ctx, r.principal, v.signing, "Invoke", in)
	if err != nil {
		return nil, requestID, v.failure(err, requestID)
	}
	out, ok := response.(*lambda.InvokeOutput)
	if !ok {
		return nil, requestID, &failure{"Lambda.SdkClientException", "the answer of lambda:Invoke is not one of Lambda's"}
	}
	if out.FunctionError == "" {
		return out, requestID, nil
	}
	text := string(out.Payload)
	if said, ok := payload(out.Payload).(*jsonvalue.Object); ok {
		if name, _ := said.Get("errorType"); name != nil {
			if name, ok := name.(string); ok && name != "" {
				return nil, requestID, &failure{name, text}
			}
		}
	}
	return nil, requestID, &failure{"Lambda.Unknown", "The cause could not be determined because Lambda did not return an error type. Returned payload: " + text}
}

// payload reads what a function returned; what is not JSON is text.
func payload(text []byte) any {
	if len(text) == 0 {
		return nil
	}
	v, err := jsonvalue.Parse(text)
	if err != nil {
		return string(text)
	}
	return v
}
