package wire_test

import (
	"context"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/wire"
)

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

type startInput struct {
	StateMachineArn string            `json:"stateMachineArn"`
	Input           *string           `json:"input"`
	Count           int32             `json:"count"`
	Tags            []tag             `json:"tags"`
	Labels          map[string]string `json:"labels"`
	Any             any               `json:"any"`
}

type startOutput struct {
	ExecutionArn string        `json:"executionArn"`
	StartDate    dispatch.Time `json:"startDate"`
}

func startDispatcher() *dispatch.Dispatcher {
	d := dispatch.New(clock.NewDriven(time.UnixMilli(1_700_000_000_123)), "000000000000", "us-east-1")
	dispatch.Register(d, dispatch.Operation{Service: "states", Action: "StartExecution"}, dispatch.Anywhere[startInput](),
		func(_ context.Context, _ *dispatch.Call, in *startInput) (*startOutput, error) {
			switch in.StateMachineArn {
			case "":
				return nil, dispatch.Errorf("ValidationException", "1 validation error")
			case "gone":
				return nil, dispatch.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", in.StateMachineArn)
			case "denied":
				return nil, dispatch.Errorf("AccessDeniedException", "no")
			}
			return &startOutput{"<" + in.StateMachineArn + ">", dispatch.Time{Time: d.Clock.Now()}}, nil
		})
	return d
}

func TestCallJSON(t *testing.T) {
	d := startDispatcher()
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"stateMachineArn":"a&b","input":"{}"}`, 200, `{"executionArn":"<a&b>","startDate":1700000000.123}`},
		{` {"stateMachineArn":"a", "tags" : [ {"key":"k"} , {"key":"l","value":"v"} ], "labels":{"x":"y"}, "any":{"b":[1,{"c":null}]}, "count":3 }`, 200, `{"executionArn":"<a>","startDate":1700000000.123}`},
		{`{"state\u004dachineArn":"a"}`, 200, `{"executionArn":"<a>","startDate":1700000000.123}`},
		{`{"stateMachineArn":"gone"}`, 400, `{"__type":"com.amazonaws.swf.service.v2.model#StateMachineDoesNotExist","message":"State Machine Does Not Exist: 'gone'"}`},
		{`{"stateMachineArn":"denied"}`, 400, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}`},
		{`{}`, 400, `{"__type":"com.amazon.coral.validate#ValidationException","message":"1 validation error"}`},
		{``, 400, `{"__type":"com.amazon.coral.service#SerializationException"}`},
		{`"text"`, 400, `{"__type":"com.amazon.coral.service#SerializationException"}`},
		{`{"input":"it\'s"}`, 400, `{"__type":"com.amazon.coral.service#SerializationException"}`},
		{`{"input":"a"} x`, 400, `{"__type":"com.amazon.coral.service#SerializationException"}`},
		{`{"input":{"a":1}}`, 400, `{"__type":"com.amazon.coral.service#SerializationException","Message":"Start of structure or map found where not expected."}`},
		{`{"input":[1]}`, 400, `{"__type":"com.amazon.coral.service#SerializationException","Message":"Start of list found where not expected"}`},
		{`{"input":1}`, 400, `{"__type":"com.amazon.coral.service#SerializationException","Message":"NUMBER_VALUE can not be converted to a String"}`},
		{`{"count":"1"}`, 400, `{"__type":"com.amazon.coral.service#SerializationException","Message":"STRING_VALUE can not be converted to an Integer"}`},
		{`{"tags":"1"}`, 400, `{"__type":"com.amazon.coral.service#SerializationException","Message":"Expected list or null"}`},
		{`{"statemachinearn":"a"}`, 400, `{"__type":"com.amazon.coral.validate#ValidationException","message":"the embedded AWS does not have the member statemachinearn in a wire_test.startInput"}`},
		{`{"any":{"x":1},"tags":[{"key":"a"},{"kay":"b"}]}`, 400, `{"__type":"com.amazon.coral.validate#ValidationException","message":"the embedded AWS does not have the member tags.kay in a wire_test.startInput"}`},
	} {
		status, response, id := wire.CallJSON(t.Context(), d, d.Root(), "states", "StartExecution", []byte(c.body))
		if status != c.status || string(response) != c.want || len(id) != 36 {
			t.Errorf("%s: %d %s (%s)\nwant %d %s", c.body, status, response, id, c.status, c.want)
		}
	}
	status, response, _ := wire.CallJSON(t.Context(), d, d.Root(), "states", "Fly", []byte(`{}`))
	if want := `{"__type":"com.amazon.coral.service#UnknownOperationException","message":"the embedded AWS does not emulate states:Fly"}`; status != 501 || string(response) != want {
		t.Errorf("%d %s", status, response)
	}
}

func BenchmarkCallJSON(b *testing.B) {
	d := startDispatcher()
	body := []byte(`{"stateMachineArn":"arn:aws:states:us-east-1:000000000000:stateMachine:intake","input":"{\"a\":{\"b\":[1,2,3]},\"text\":\"some text with \\\"quotes\\\"\"}"}`)
	b.ReportAllocs()
	for b.Loop() {
		if status, _, _ := wire.CallJSON(b.Context(), d, d.Root(), "states", "StartExecution", body); status != 200 {
			b.Fatal(status)
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, text := range []string{`{}`, `{"tags":[{"key":"a\\"}]}`, `{"any":[1,"]",{"}":2}]}`, `{"labels":{"":""}}`, `{"\u0061ny":1e9}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var in startInput
		_ = wire.DecodeJSON(text, &in) // must not panic or hang
	})
}
