package hydrate_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/carepath/carepath/fhir"
	"github.com/carepath/carepath/handlers/hydrator/hydrate"
)

// endless is a data store whose pages are made while they are read, and a ledger that knows nothing. Ten resources were written in
// each second.
type endless struct {
	resources int
	filler    string
	peak      uint64 // of the heap, whenever a page is asked for
}

var beginning = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

const perSecond = 10

func (e *endless) resource(n int) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":"pt-%d","meta":{"versionId":"1","lastUpdated":%q},"x":"%s"}`, n, beginning.Add(time.Duration(n)*time.Second/perSecond).Format(time.RFC3339Nano), e.filler)
}

// RoundTrip answers FHIR requests and DynamoDB's.
func (e *endless) RoundTrip(r *http.Request) (*http.Response, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	e.peak = max(e.peak, m.HeapAlloc)
	target := r.Header.Get("X-Amz-Target")
	steps := strings.Split(r.URL.Path, "/")
	reader, writer := io.Pipe()
	h := http.Header{}
	switch {
	case strings.HasSuffix(target, "GetItem") && !strings.HasSuffix(target, "BatchGetItem"):
		return text(`{}`), nil
	case target != "":
		return text(`{"Responses":{}}`), nil
	case steps[len(steps)-1] == "_search":
		from := 0
		if since := form(r).Get("_lastUpdated"); since != "" {
			at, err := time.Parse(time.RFC3339, strings.TrimPrefix(since, "ge"))
			if err != nil {
				return nil, err
			}
			from = int(at.Sub(beginning) / time.Second * perSecond)
		}
		go func() { _ = writer.CloseWithError(e.page(writer, from)) }()
	case steps[len(steps)-1] == "_history":
		return text(`{"resourceType":"Bundle","type":"history"}`), nil
	default:
		n, err := strconv.Atoi(strings.TrimPrefix(steps[5], "pt-"))
		if err != nil {
			return nil, err
		}
		return text(e.resource(n)), nil
	}
	return &http.Response{StatusCode: 200, Header: h, Body: reader, ContentLength: -1}, nil
}

func (e *endless) page(w io.Writer, from int) error {
	if _, err := io.WriteString(w, `{"resourceType":"Bundle","type":"searchset"`); err != nil {
		return err
	}
	if from+100 < e.resources {
		if _, err := io.WriteString(w, `,"link":[{"relation":"next","url":"x"}]`); err != nil {
			return err
		}
	}
	separator := `,"entry":[`
	for n := from; n < min(from+100, e.resources); n++ {
		if _, err := io.WriteString(w, separator+`{"resource":`+e.resource(n)+`}`); err != nil {
			return err
		}
		separator = ","
	}
	_, err := io.WriteString(w, `]}`)
	return err
}

func text(body string) *http.Response {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// BenchmarkWindow hydrates a window of 100,000 resources of which none is published. Its figure is the highest heap that was
// seen while a page was asked for, the test's own included.
func BenchmarkWindow(b *testing.B) {
	for _, size := range []int{1 << 10, 20 << 10} {
		b.Run(fmt.Sprintf("resources of %d KB", size>>10), func(b *testing.B) {
			e := &endless{resources: 100_000, filler: strings.Repeat("y", size)}
			if size > 10<<10 {
				e.resources = 2_000
			}
			identity := credentials.NewStaticCredentialsProvider("test", "test", "")
			client, err := fhir.New(fhir.Config{Endpoint: "https://healthlake.us-east-1.amazonaws.com/datastore/d/r4/", Region: "us-east-1", Credentials: identity, Transport: e})
			if err != nil {
				b.Fatal(err)
			}
			h := &hydrate.Hydrator{FHIR: client, Table: table, DataStoreID: "d", Overlap: 15 * time.Minute, TriggerOverlap: time.Minute, Now: time.Now, Log: slog.New(slog.DiscardHandler), Metrics: io.Discard,
				DynamoDB: awsdynamodb.New(awsdynamodb.Options{Region: "us-east-1", Credentials: identity, BaseEndpoint: aws.String("http://localhost:4566"), HTTPClient: &http.Client{Transport: e}})}
			for b.Loop() {
				runtime.GC()
				in, found, pages := hydrate.Request{ResourceType: "Patient", Mode: hydrate.Sweep}, 0, 0
				for {
					page, err := h.Handle(context.Background(), in)
					if err != nil {
						b.Fatal(err)
					}
					for _, batch := range page.Batches {
						found += len(batch.Entries)
					}
					pages++
					if in.Continuation = page.Continuation; in.Continuation == nil {
						break
					}
				}
				if found < e.resources {
					b.Fatalf("%d of %d", found, e.resources)
				}
				b.ReportMetric(float64(pages), "pages")
			}
			b.ReportMetric(float64(e.peak)/(1<<20), "peak-MB")
			b.ReportMetric(float64(e.resources)*float64(b.N)/b.Elapsed().Seconds(), "resources/s")
		})
	}
}
