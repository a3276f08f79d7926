package stepfunctions

import (
	"testing"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// BenchmarkExecution runs executions of a Lambda task with retries and a dead-letter queue end to end, the function
// answering at once. Of Standard ones it is run in memory too, to see what surviving kill -9 costs.
func BenchmarkExecution(b *testing.B) {
	for _, c := range []struct {
		name, kind string
		open       func(testing.TB, string) *store.Store
	}{
		{"STANDARD", "STANDARD", open},
		{"EXPRESS", "EXPRESS", open},
		{"STANDARD in memory", "STANDARD", func(testing.TB, string) *store.Store { return store.Memory() }},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := newWorld(b, c.open(b, b.TempDir()))
			created, err := dispatch.Do[CreateStateMachineOutput](b.Context(), w.d, w.d.Root(), "states", "CreateStateMachine",
				&CreateStateMachineInput{Name: "m", Type: c.kind, RoleArn: role, Definition: intake})
			if err != nil {
				b.Fatal(err)
			}
			in := &StartExecutionInput{StateMachineArn: created.StateMachineArn, Input: `{"requestId":"c6af9ac6-7b61-11e6-9a41-93e8deadbeef","body":{"patient":{"id":"123","name":"O'Brien"},"items":[1,2,3]}}`}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.d.Do(b.Context(), w.d.Root(), "states", "StartExecution", in); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.s.pool.wait(b.Context(), 0); err != nil {
				b.Fatal(err)
			}
			if n := w.invoked.Load(); n < int64(b.N) {
				b.Fatalf("%d invocations of %d executions", n, b.N)
			}
		})
	}
}
