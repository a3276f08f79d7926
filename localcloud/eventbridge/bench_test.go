package eventbridge_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/eventbridge"
	"github.com/carepath/carepath/localcloud/store"
)

// BenchmarkPutEventsToQueue puts ten events in each call and has them delivered to a queue, with all that is kept on disk.
func BenchmarkPutEventsToQueue(b *testing.B) {
	st, err := store.Open(filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	w := newWorld(b, st)
	w.d.Logf = func(string, ...any) {}
	w.queue("q", events+"rule/r")
	w.rule("r", members{"Id": "q", "Arn": queueARN("q")})
	in := &eventbridge.PutEventsInput{}
	for i := range 10 {
		in.Entries = append(in.Entries, eventbridge.PutEventsEntry{Source: "app", DetailType: "t", Detail: fmt.Sprintf(`{"n":%d,"url":"https://healthlake.us-east-1.amazonaws.com/datastore/0/r4/Patient/1"}`, i)})
	}
	n := 0
	for b.Loop() {
		out, err := dispatch.Do[eventbridge.PutEventsOutput](b.Context(), w.d, w.d.Root(), "events", "PutEvents", in)
		if err != nil || out.FailedEntryCount > 0 {
			b.Fatal(out, err)
		}
		if n += 10; n%5000 == 0 {
			w.settle()
			w.do("sqs", "PurgeQueue", members{"QueueUrl": base + "q"})
			w.clock.Advance(61e9)
		}
	}
	w.settle()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
