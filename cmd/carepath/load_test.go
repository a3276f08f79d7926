package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// BenchmarkPost is POST {intakeUrl} against the running local stack, every process included, with 16 clients. Beside the
// time it reports requests a second, the 95th percentile, and the embedded AWS's resident memory at the end.
//
//	go test ./cmd/carepath -run '^$' -bench BenchmarkPost -benchtime 20000x
func BenchmarkPost(b *testing.B) {
	l := deployLocal(b)
	body := `{"resourceType":"Observation","status":"final","note":"` + strings.Repeat("it's fine. ", 80) + `"}`
	load(b, l.outputs["intakeUrl"], http.StatusAccepted, func() string { return body })
}

// BenchmarkPostUsers is POST {usersUrl} against the running local stack, every process included, with 16 clients: every
// request creates a user. It reports what BenchmarkPost does.
//
//	go test ./cmd/carepath -run '^$' -bench BenchmarkPostUsers -benchtime 5000x
func BenchmarkPostUsers(b *testing.B) {
	l := deployLocal(b)
	var users atomic.Int64 // of all runs
	load(b, l.outputs["usersUrl"], http.StatusCreated, func() string {
		return userBody(fmt.Sprintf("user-%d@example.org", users.Add(1)), nil)
	})
}

// load posts b.N bodies with 16 clients and reports what it took.
func load(b *testing.B, url string, status int, body func() string) {
	const clients = 16
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients, DialContext: dialLocalhost}}
	latencies := make([][]time.Duration, clients)
	var next, failures atomic.Int64
	b.ResetTimer()
	start := time.Now()
	var clientsDone sync.WaitGroup
	for c := range clients {
		clientsDone.Go(func() {
			for next.Add(1) <= int64(b.N) {
				sent := time.Now()
				response, err := client.Post(url, "application/json", strings.NewReader(body()))
				if err != nil {
					failures.Add(1)
					continue
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				if response.StatusCode != status {
					failures.Add(1)
				}
				latencies[c] = append(latencies[c], time.Since(sent))
			}
		})
	}
	clientsDone.Wait()
	elapsed := time.Since(start)
	b.StopTimer()
	all := slices.Concat(latencies...)
	slices.Sort(all)
	if n := failures.Load(); n > 0 || len(all) == 0 {
		b.Fatalf("%d of %d requests failed", n, b.N)
	}
	b.ReportMetric(float64(b.N)/elapsed.Seconds(), "req/s")
	b.ReportMetric(float64(all[len(all)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(residentBytes(b))/1e6, "resident-MB")
}

// residentBytes is the embedded AWS's resident memory.
func residentBytes(t testing.TB) int {
	var status deploy.LocalStatus
	if err := json.Unmarshal([]byte(carepath(t, exitDone, "local", "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", status.PID))
	if err != nil {
		return 0 // only Linux tells it there
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// BenchmarkUp is `carepath up` from a built binary: the first iteration deploys, the others change nothing.
func BenchmarkUp(b *testing.B) {
	l := deployLocal(b)
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			l.up(b)
		}
	})
	b.Run("from nothing", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			carepath(b, exitDone, "destroy", "--yes")
			b.StartTimer()
			l.up(b)
		}
	})
}

// FuzzIntake posts any body to the running local stack: the state machine's input equals it, or the answer is a 4xx with a
// reason. Every worker deploys a stack of its own, so run it with few:
//
//	go test ./cmd/carepath -run '^$' -fuzz FuzzIntake -fuzztime 10m -parallel 1
func FuzzIntake(f *testing.F) {
	for _, seed := range []string{`{}`, `[1,"x",null]`, `"'\""`, `{"a":1e400}`, `{a:1}`, `{'a':1}`, `1 2`, `1,"metadata":{}`, "\"\u2028\"", `"\ud800"`, "\xff", ``, ` `, `NaN`, `[1,]`, `{"a":1}}`, `{"a":{"a":1},"a":2}`} {
		f.Add([]byte(seed))
	}
	if testing.Short() {
		f.Skip("-short: deploying needs the Pulumi CLI, which may have to be built")
	}
	l := deployLocal(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		a := l.post(t, string(body))
		if a.status >= 400 && a.status < 500 {
			if a.fields["message"] == "" {
				t.Errorf("POST %q answers %d without a reason: %s", body, a.status, a.body)
			}
			if json.Valid(body) && utf8.Valid(body) && a.status == http.StatusBadRequest {
				t.Errorf("valid JSON %q is refused: %s", body, a.body)
			}
			return
		}
		got, _ := l.input(t, a).Get("body")
		if len(body) == 0 {
			body = []byte("{}") // API Gateway hands templates an empty body as an empty object
		}
		want, err := jsonvalue.Parse(body)
		if err != nil {
			t.Fatalf("POST %q was accepted: %v", body, err)
		}
		if !jsonvalue.Equal(got, want) {
			t.Errorf("posted %q, got %s", body, jsonvalue.Text(got))
		}
	})
}
