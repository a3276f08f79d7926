package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// on is the demo of a stack that the server is all of.
func on(t *testing.T, answer http.HandlerFunc, outputs ...string) *Demo {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	d := &Demo{Stack: "test", Outputs: map[string]any{}, Config: aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), RetryMaxAttempts: 1,
	}}
	for _, name := range outputs {
		d.Outputs[name] = server.URL + "/" + name
	}
	return d
}

func outcomes(t *testing.T, d *Demo) (*Report, map[string]Outcome) {
	t.Helper()
	r, err := d.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Outcome{}
	for _, c := range r.Checks {
		all[c.System+": "+c.Promise] = c.Outcome
		if c.Outcome != Held && c.Detail == "" {
			t.Errorf("%s: %s is %s without a reason", c.System, c.Promise, c.Outcome)
		}
	}
	if r.Held+r.Broken+r.Skipped != len(r.Checks) {
		t.Errorf("%+v", r)
	}
	return r, all
}

func TestAServerThatTakesEverythingKeepsNoPromise(t *testing.T) {
	d := on(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"message":"fine"}`) }, "intakeUrl", "usersUrl", "samplesUrl", "apiUrl", "closedUrl")
	told := 0
	d.Progress = func(Check) { told++ }
	r, all := outcomes(t, d)
	if r.Held != 0 || r.Broken == 0 || told != len(r.Checks) {
		t.Errorf("%+v", r)
	}
	for promise, want := range map[string]Outcome{
		"intake: what is no JSON is refused": Broken, "intake: what cannot be handled waits in the dead-letter queue": Skipped,
		"users: an e-mail address is registered once": Broken, "domain: the APIs' default endpoints are closed": Broken,
		"intake: what was accepted reaches the workflow equal in value, and is handled": Skipped,
	} {
		if all[promise] != want {
			t.Errorf("%s: %s, want %s", promise, all[promise], want)
		}
	}
	if r.Checks[0].System != "intake" || r.Checks[len(r.Checks)-1].System != "domain" {
		t.Error("the checks are not in the order of the systems")
	}
}

func TestWhatTheStackHasNotIsNotTried(t *testing.T) {
	d := on(t, nil)
	if _, err := d.Run(t.Context()); !errors.Is(err, ErrNothing) {
		t.Errorf("a stack without a system: %v", err)
	}
	d = on(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "Url"):
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, `{"status":"accepted","executionArn":"arn:aws:states:us-east-1:1:express:x:y:z"}`)
		default:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"message":"Forbidden"}`)
		}
	}, "intakeUrl")
	d.Outputs["apiUrl"] = d.Outputs["intakeUrl"] // as without a domain
	_, all := outcomes(t, d)
	for promise, want := range map[string]Outcome{
		"intake: a payload is accepted": Held, "intake: what was accepted reaches the workflow equal in value, and is handled": Skipped,
		"intake: a repeat with the same Idempotency-Key starts nothing": Skipped,
		"domain: a path that no API is under is forbidden":              Skipped, "domain: the APIs' default endpoints are closed": Skipped,
	} {
		if all[promise] != want {
			t.Errorf("%s: %s, want %s", promise, all[promise], want)
		}
	}
}

func TestChanges(t *testing.T) {
	version, taken, patient := 0, 0, ""
	answer := func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		switch target := r.Header.Get("X-Amz-Target"); {
		case target == "AmazonSQS.ReceiveMessage":
			detail := func(version int, interaction, resource string) string {
				return fmt.Sprintf(`{"source":"carepath.healthlake","detail-type":"FHIR Resource Changed","detail":{"schemaVersion":"1.0","idempotencyKey":"%[3]s/Patient/%[1]s/%[2]d","dataStoreId":"%[3]s",`+
					`"resourceType":"Patient","resourceId":"%[1]s","versionId":"%[2]d","interaction":"%[4]s","lastUpdated":"2026-01-01T00:00:00Z","url":"https://x/Patient/%[1]s/_history/%[2]d"%[5]s}}`,
					patient, version, "0123456789abcdef0123456789abcdef", interaction, resource)
			}
			var messages []string
			for i, text := range []string{detail(3, "delete", ""), detail(1, "create", ""), `{"somebody":"else's"}`, detail(2, "update", ""), detail(1, "create", "")} {
				messages = append(messages, fmt.Sprintf(`{"MessageId":"%d","ReceiptHandle":"%d","Body":%q}`, i, i, text))
			}
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			fmt.Fprintf(w, `{"Messages":[%s]}`, strings.Join(messages, ","))
		case target == "AmazonSQS.DeleteMessage":
			taken++
			fmt.Fprint(w, `{}`)
		case r.Method == http.MethodPut:
			version++
			patient = id
			w.Header().Set("ETag", fmt.Sprintf(`W/"%d"`, version))
			fmt.Fprintf(w, `{"resourceType":"Patient","id":%q,"meta":{"versionId":"%d","lastUpdated":"2026-01-01T00:00:00Z"}}`, id, version)
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		default:
			w.WriteHeader(http.StatusGone)
			fmt.Fprint(w, `{"resourceType":"OperationOutcome"}`)
		}
	}
	d := on(t, answer, "fhirEndpoint", "changeQueueUrl")
	d.Config.RetryMaxAttempts = 0
	r, _ := outcomes(t, d)
	if r.Broken != 0 || r.Held != 2 || taken != 4 || r.Checks[1].Detail != "version 1 create, version 2 update, version 3 delete" {
		t.Errorf("%+v, %d messages taken", r, taken)
	}
	delete(d.Outputs, "changeQueueUrl")
	if r, _ := outcomes(t, d); r.Skipped != 1 {
		t.Errorf("without a subscriber: %+v", r)
	}
}

func TestPollTellsWhatItSawLast(t *testing.T) {
	r := &run{Demo: &Demo{Pause: time.Millisecond}}
	ctx, cancel := context.WithCancel(t.Context())
	looks := 0
	err := r.poll(ctx, func() (bool, string, error) {
		if looks++; looks == 3 {
			cancel()
		}
		return false, fmt.Sprint("look ", looks), nil
	})
	if err == nil || !strings.Contains(err.Error(), "there was no more time: look 3") {
		t.Errorf("got %v", err)
	}
}
