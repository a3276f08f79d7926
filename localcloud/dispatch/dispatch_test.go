package dispatch_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
)

type greetInput struct{ Name string }
type greetOutput struct{ Greeting string }

func newDispatcher() *dispatch.Dispatcher {
	d := dispatch.New(clock.NewDriven(time.Unix(0, 0)), "111111111111", "us-east-1")
	dispatch.Register(d, dispatch.Operation{Service: "greeter", Action: "Greet"},
		dispatch.On(func(c *dispatch.Call, in *greetInput) []string { return []string{d.ARN("greeter", in.Name)} }),
		func(_ context.Context, _ *dispatch.Call, in *greetInput) (*greetOutput, error) {
			if in.Name == "" {
				return nil, dispatch.Errorf("ValidationException", "Name is empty")
			}
			return &greetOutput{"hello " + in.Name}, nil
		})
	return d
}

func TestDoTakesStructuresAndText(t *testing.T) {
	d := newDispatcher()
	for _, in := range []any{&greetInput{"you"}, []byte(`{"Name":"you"}`), map[string]string{"Name": "you"}} {
		out, err := dispatch.Do[greetOutput](t.Context(), d, d.Root(), "greeter", "Greet", in)
		if err != nil || out.Greeting != "hello you" {
			t.Errorf("%T: %v %v", in, out, err)
		}
	}
	for in, code := range map[string]string{`{"Nam":"x"}`: "SerializationException", `{}`: "ValidationException"} {
		_, err := d.Do(t.Context(), d.Root(), "greeter", "Greet", []byte(in))
		if e := dispatch.AsError(err); e.Code != code {
			t.Errorf("%s: %v, want %s", in, err, code)
		}
	}
	_, err := d.Do(t.Context(), d.Root(), "greeter", "Wave", []byte(`{}`))
	if e := dispatch.AsError(err); e.Code != "UnknownOperationException" {
		t.Error(err)
	}
}

func TestNobodyButRootWithoutAnAuthorizer(t *testing.T) {
	d := newDispatcher()
	_, err := d.Do(t.Context(), dispatch.Principal{ARN: "x", RoleARN: "arn:aws:iam::111111111111:role/x"}, "greeter", "Greet", &greetInput{"you"})
	var e *dispatch.Error
	if !errors.As(err, &e) || e.Code != "AccessDeniedException" {
		t.Error(err)
	}
	if last := d.Journal.Latest(); len(last) != 1 || last[0].ErrorCode != "AccessDeniedException" || last[0].Resources[0] != "arn:aws:greeter:us-east-1:111111111111:you" {
		t.Errorf("%+v", last)
	}
}

func TestFaults(t *testing.T) {
	d := newDispatcher()
	d.Faults.Inject(dispatch.Fault{Service: "greeter", Times: 1, Err: dispatch.Errorf("ThrottlingException", "Rate exceeded")})
	remove := d.Faults.Inject(dispatch.Fault{Action: "Greet", After: true, Err: dispatch.Errorf("ServiceUnavailable", "lost")})
	for _, want := range []string{"ThrottlingException", "ServiceUnavailable", "ServiceUnavailable"} {
		_, err := d.Do(t.Context(), d.Root(), "greeter", "Greet", &greetInput{"you"})
		if e := dispatch.AsError(err); e.Code != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	remove()
	if _, err := d.Do(t.Context(), d.Root(), "greeter", "Greet", &greetInput{"you"}); err != nil {
		t.Error(err)
	}
}

func BenchmarkDo(b *testing.B) {
	d := newDispatcher()
	in := &greetInput{"you"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Do(b.Context(), d.Root(), "greeter", "Greet", in); err != nil {
			b.Fatal(err)
		}
	}
}
