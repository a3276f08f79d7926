package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/cognitoidp"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/sns"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/wire"
)

// function is a Lambda function by what it does: how long it takes and what it answers to an event.
type function struct {
	takes  time.Duration
	answer func(event []byte) (payload []byte, failed bool)
}

// functionOf returns the function of a file of the recordings' functions.
func functionOf(file string) (function, bool) {
	constant := func(payload string) function {
		return function{answer: func([]byte) ([]byte, bool) { return []byte(payload), false }}
	}
	switch strings.TrimSuffix(path.Base(file), ".py") {
	case "id_function":
		return function{answer: func(event []byte) ([]byte, bool) { return event, false }}, true
	case "echo_function":
		return constant(`{"Return": "HelloWorld"}`), true
	case "return_bytes_str":
		return constant(`"HelloWorld!"`), true
	case "return_decorated_input":
		return function{answer: func(event []byte) ([]byte, bool) {
			shown := string(event)
			if s, err := jsonvalue.Parse(event); err == nil {
				if text, ok := s.(string); ok {
					shown = text
				}
			}
			return []byte(jsonvalue.Text("input-event-" + shown)), false
		}}, true
	case "large_output_string":
		return constant(`"` + strings.Repeat("a", 257<<10) + `"`), true
	case "wait_60_seconds":
		f := constant("null")
		f.takes = time.Minute
		return f, true
	case "raise_exception":
		return raising("Exception", "Some exception was raised.", 2, `raise Exception("Some exception was raised.")`), true
	case "raise_custom_exception":
		return raising("CustomException", "", 9, "raise CustomException()"), true
	}
	return function{}, false
}

// raising is a Python function that raises an exception in a line of its file.
func raising(name, message string, line int, statement string) function {
	return function{answer: func([]byte) ([]byte, bool) {
		return []byte(fmt.Sprintf(`{"errorMessage": %s, "errorType": %s, "requestId": %q, "stackTrace": [%s]}`, jsonvalue.Text(message), jsonvalue.Text(name),
			dispatch.NewRequestID(), jsonvalue.Text(fmt.Sprintf("  File \"/var/task/handler.py\", line %d, in handler\n    %s\n", line, statement)))), true
	}}
}

// invoke plays Lambda.
func (g *servicesRig) invoke(_ context.Context, _ *dispatch.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
	name, _, _ := strings.Cut(in.FunctionName[strings.LastIndex(in.FunctionName, ":function:")+1:], ":$")
	name = strings.TrimPrefix(name, "function:")
	f, ok := g.functions[name]
	if !ok && g.mocked.answer != nil {
		f, ok = g.mocked, true
	}
	if !ok {
		return nil, &dispatch.Error{Code: "ResourceNotFoundException", Status: 404, Message: "Function not found: " + g.d.ARN("lambda", "function:"+name+":$LATEST")}
	}
	if f.takes > 0 {
		over := make(chan struct{})
		g.clock.AfterFunc(f.takes, func() { g.count(-1); close(over) })
		g.count(1)
		select {
		case <-over:
		case <-g.done:
		}
	}
	out := &lambda.InvokeOutput{StatusCode: 200, ExecutedVersion: "$LATEST"}
	payload, failed := f.answer(in.Payload)
	if failed {
		out.FunctionError = "Unhandled"
	}
	if in.LogType == "Tail" {
		out.LogResult = "U1RBUlQ="
	}
	out.Payload = payload
	return out, nil
}

// mockConfig is a mock file of Step Functions Local: the answers of tasks by state. The recorded executions called the
// services all the same; what the answers tell is which resources there were.
type mockConfig struct {
	MockedResponses map[string]map[string]struct {
		Return json.RawMessage
		Throw  *struct{ Error, Cause string }
	}
}

// mock makes the resources that a row with mocked answers names by placeholders.
func (g *servicesRig) mock(config *mockConfig) error {
	var answers []json.RawMessage
	for _, name := range slices.Sorted(maps.Keys(config.MockedResponses)) {
		response := config.MockedResponses[name]
		for _, n := range slices.Sorted(maps.Keys(response)) {
			answers = append(answers, response[n].Return)
		}
	}
	g.mocked = function{answer: func([]byte) ([]byte, bool) {
		var out struct{ Payload json.RawMessage }
		for _, a := range answers {
			if json.Unmarshal(a, &out) == nil && out.Payload != nil {
				break
			}
		}
		return out.Payload, false
	}}
	var input struct{ QueueUrl, StateMachineArn, TopicArn string }
	if err := json.Unmarshal(g.row.Input, &input); err != nil {
		return err
	}
	if url := input.QueueUrl; url != "" && !strings.Contains(url, ":") {
		out, err := dispatch.Do[sqs.QueueURLOutput](context.Background(), g.d, g.d.Root(), "sqs", "CreateQueue", &sqs.CreateQueueInput{QueueName: "queue"})
		if err != nil {
			return err
		}
		g.queues = append(g.queues, out.QueueURL)
		g.resources[url] = out.QueueURL
	}
	if arn := input.TopicArn; arn != "" && !strings.Contains(arn, ":") {
		out, err := dispatch.Do[sns.TopicInput](context.Background(), g.d, g.d.Root(), "sns", "CreateTopic", &sns.CreateTopicInput{Name: "topic"})
		if err != nil {
			return err
		}
		g.resources[arn] = out.TopicArn
	}
	if arn := input.StateMachineArn; arn != "" && !strings.Contains(arn, ":") && len(answers) > 0 {
		var nested struct{ Output json.RawMessage }
		if err := json.Unmarshal(answers[0], &nested); err != nil {
			return err
		}
		var text string
		if json.Unmarshal(nested.Output, &text) == nil {
			nested.Output = json.RawMessage(text)
		}
		created, err := g.create("nested", "STANDARD", `{"StartAt":"P","States":{"P":{"Type":"Pass","Result":`+string(nested.Output)+`,"End":true}}}`)
		if err != nil {
			return err
		}
		g.resources[arn] = created
	}
	return nil
}

// differsAfter says what of what an execution is to leave behind is not there.
func (g *servicesRig) differsAfter(want *aftermath) string {
	if want == nil {
		return ""
	}
	for _, what := range slices.Sorted(maps.Keys(want.DynamoDB)) {
		key, attribute, _ := strings.Cut(what, ".")
		k := jsonvalue.Text(key)
		_, body, _ := wire.CallJSON(context.Background(), g.d, g.d.Root(), "dynamodb", "GetItem",
			[]byte(`{"TableName":`+jsonvalue.Text(g.table)+`,"Key":{"PK":{"S":`+k+`},"SK":{"S":`+k+`}}}`))
		var out struct{ Item map[string]map[string]any }
		if err := json.Unmarshal(body, &out); err != nil {
			return err.Error()
		}
		got := "absent"
		if out.Item != nil {
			got = "exists"
		}
		if attribute != "" {
			got = fmt.Sprint(slices.Collect(maps.Values(out.Item[attribute])))
			got = strings.Trim(got, "[]")
		}
		if got != want.DynamoDB[what] {
			return what + " is " + got
		}
	}
	if want.Cognito == nil {
		return ""
	}
	out, err := dispatch.Do[cognitoidp.ListUsersOutput](context.Background(), g.d, g.d.Root(), "cognito-idp", "ListUsers", &cognitoidp.ListUsersInput{UserPoolId: g.pool})
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, u := range out.Users {
		names = append(names, u.Username)
	}
	if slices.Sort(names); !slices.Equal(names, want.Cognito) {
		return fmt.Sprintf("the pool has the users %v", names)
	}
	return ""
}
