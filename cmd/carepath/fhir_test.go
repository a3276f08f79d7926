package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/localcloud"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/spf13/cobra"
)

// records is a data store and a queue of changes in an embedded AWS, as the outputs of a stack that was not deployed. Nothing
// fills the queue but the test.
type records struct {
	*testing.T
	cloud   *localcloud.Cloud
	queue   *sqs.Client
	outputs map[string]any
}

func newRecords(t *testing.T) *records {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("CAREPATH_PORT", port)
	t.Setenv("CAREPATH_HOME", filepath.Join(t.TempDir(), "home"))
	cloud, err := localcloud.New(localcloud.Options{Addr: "127.0.0.1:" + port, Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) }) // nothing is to be kept
	if err := cloud.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &records{T: t, cloud: cloud, outputs: map[string]any{"changeBusName": "the-bus"}}
	var made struct{ DatastoreEndpoint string }
	d := cloud.Dispatcher()
	if err := d.DoInto(t.Context(), d.Root(), "healthlake", "CreateFHIRDatastore", []byte(`{"DatastoreTypeVersion":"R4"}`), &made); err != nil {
		t.Fatal(err)
	}
	r.outputs["fhirEndpoint"] = made.DatastoreEndpoint
	r.queue = sqs.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(cloud.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	queue, err := r.queue.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("changes")})
	if err != nil {
		t.Fatal(err)
	}
	r.outputs["changeQueueUrl"] = *queue.QueueUrl
	active, err := within(t.Context(), 20*time.Second, func() (bool, error) {
		code, _, stderr := r.run("", "fhir", "get", "Patient/nobody")
		return code == exitFailed && strings.Contains(stderr, "answered 404 (not-found)"), nil
	})
	if err != nil || !active {
		t.Fatalf("the data store does not become active: %v", err)
	}
	return r
}

// run runs a command on the stack.
func (r *records) run(stdin string, args ...string) (code int, stdout, stderr string) {
	return r.runIn(r.Context(), strings.NewReader(stdin), args...)
}

func (r *records) runIn(ctx context.Context, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	var out bytes.Buffer
	code, stderr = r.runTo(ctx, stdin, &out, args...)
	return code, out.String(), stderr
}

func (r *records) runTo(ctx context.Context, stdin io.Reader, stdout io.Writer, args ...string) (code int, stderr string) {
	var err bytes.Buffer
	root, g := newRootCommand(&streams{in: stdin, out: stdout, err: &err})
	g.outputs = func(*cobra.Command) (map[string]any, error) { return r.outputs, nil }
	code = g.execute(ctx, root, args)
	return code, err.String()
}

// until calls done once it has been written a text.
type until struct {
	bytes.Buffer
	text string
	done func()
}

func (u *until) Write(p []byte) (int, error) {
	n, err := u.Buffer.Write(p)
	if strings.Contains(u.String(), u.text) {
		u.done()
	}
	return n, err
}

// want runs a command, which must end with the code, and print what matches, on standard error if it fails.
func (r *records) want(code int, stdin, pattern string, args ...string) (stdout string) {
	r.Helper()
	got, stdout, stderr := r.run(stdin, args...)
	text := stdout
	if code != exitDone {
		text = stderr
	}
	if got != code || !regexp.MustCompile(pattern).MatchString(text) {
		r.Errorf("carepath %s: exit code %d, want %d and %s\n%s%s", strings.Join(args, " "), got, code, pattern, stdout, stderr)
	}
	return stdout
}

func TestFHIRCommands(t *testing.T) {
	r := newRecords(t)
	const patient = `{ "resourceType":"Patient","id":"p-1","x-decimal":1.00, "name":[{"family":"Lovelace"}] }`
	r.want(0, patient, `^created Patient/p-1 version 1\n$`, "fhir", "put", "-")
	r.want(0, patient, `^updated Patient/p-1 version 2\n$`, "fhir", "put", "-")
	file := filepath.Join(t.TempDir(), "patient.json")
	if err := os.WriteFile(file, []byte(patient), 0o600); err != nil {
		t.Fatal(err)
	}
	r.want(0, "", `"versionId": "3"`, "fhir", "put", file, "--json")
	r.want(0, `{"resourceType":"Patient"}`, `^created Patient/[0-9a-f-]{36} version 1\n$`, "fhir", "put", "-")
	r.want(0, "", `"x-decimal":1.00,.*"versionId":"3"|"versionId":"3".*"x-decimal":1.00`, "fhir", "get", "Patient/p-1")
	first := r.want(0, "", `"versionId":"1"`, "fhir", "get", "Patient/p-1/_history/1", "--json")
	if !json.Valid([]byte(first)) {
		t.Errorf("%s is not one JSON document", first)
	}
	r.want(0, "", `^deleted Patient/p-1\n$`, "fhir", "delete", "Patient/p-1")
	r.want(0, "", `"deleted": true`, "fhir", "delete", "Patient/p-1", "--json")
	r.want(1, "", `answered 410 .*\n  it was deleted; carepath fhir get TYPE/ID/_history/VERSION`, "fhir", "get", "Patient/p-1")
	r.want(1, "", `answered 404 .*\n  it is not in the data store`, "fhir", "get", "Patient/p-9")
	r.want(2, `{"resourceType":"Patient","id":"p-2"}{`, `- is no FHIR resource`, "fhir", "put", "-")
	r.want(1, `{"resourceType":"Human","id":"p-2"}`, `answered 404 \(not-supported\).*Unknown resource type: Human`, "fhir", "put", "-")

	for _, wrong := range [][]string{{"get", "Patient"}, {"get", "Patient/p/_history"}, {"get", "patient/p"}, {"get", "r4/Patient/p"}, {"delete", "Patient/p/_history/1"}, {"delete", "Patient/p q"},
		{"put"}, {"put", "/no/such/file"}, {"load", "/no/such/file"}, {"load", "-", "--parallel", "0"}, {"load", "-", "--from-line", "0"},
		{"generate", "--count", "0"}, {"generate", "--types", "Human"}} {
		r.want(2, "", "error: ", append([]string{"fhir"}, wrong...)...)
	}
	r.want(2, `{"id":"p"}`, "- is no FHIR resource", "fhir", "put", "-")
}

func TestFHIRErrorsHaveCodes(t *testing.T) {
	r := newRecords(t)
	d := r.cloud.Dispatcher()
	for _, test := range []struct {
		status     int
		code, want string
	}{
		{403, "AccessDeniedException", `"code": "access_denied"`},
		{401, "UnrecognizedClientException", `"code": "no_credentials"`},
	} {
		d.Faults.Inject(dispatch.Fault{Service: "healthlake", Action: "ReadResource", Times: 1, Err: &dispatch.Error{Code: test.code, Status: test.status}})
		code, stdout, _ := r.run("", "fhir", "get", "Patient/p", "--json")
		if code != exitFailed || !strings.Contains(stdout, test.want) {
			t.Errorf("%d: exit code %d, %s", test.status, code, stdout)
		}
	}
}

func TestLoad(t *testing.T) {
	r := newRecords(t)
	_, people, _ := r.run("", "fhir", "generate", "--count", "200", "--seed", "3")
	if n := strings.Count(people, "\n"); n != 200 {
		t.Fatalf("%d lines", n)
	}
	r.want(0, people, `^loaded 200 resources: 200 created, 0 updated, 0 failed\n$`, "fhir", "load", "-")
	r.want(0, people, `^loaded 101 resources: 0 created, 101 updated, 0 failed\n$`, "fhir", "load", "-", "--from-line", "100")

	bad := strings.Repeat("\n", 4) + `{"resourceType":"Patient","name":[{"family":"Lovelace"}]}` + "\n" + `{"resourceType":"Patient","id":"ok"}` + "\n" + `{"resourceType":"Human","id":"x"}`
	code, stdout, stderr := r.run(bad, "fhir", "load", "-", "--json")
	var document struct {
		Created, Failed, NextLine int
		Failures                  []lineFailure
		Error                     struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(stdout), &document); err != nil || code != exitFailed {
		t.Fatalf("exit code %d: %s, %v", code, stdout, err)
	}
	if document.Created != 1 || document.Failed != 2 || document.NextLine != 8 || document.Error.Message != "2 of 3 resources were not loaded" ||
		len(document.Failures) != 2 || document.Failures[0].Line != 5 || document.Failures[1].Status != 404 {
		t.Errorf("it says %+v", document)
	}
	if strings.Contains(stdout+stderr, "Lovelace") || !strings.Contains(stderr, "! line 5: Patient: the resource has no id") {
		t.Errorf("it tells %s", stderr)
	}
	r.want(1, bad, `line 5: the resource has no id .*\n  carepath fhir load - --from-line \d goes on`, "fhir", "load", "-", "--stop")

	r.cloud.Dispatcher().Faults.Inject(dispatch.Fault{Service: "healthlake", Action: "UpdateResource", Err: &dispatch.Error{Code: "AccessDeniedException", Status: 403}})
	r.want(1, people, `answered 403 .*\n  your policies must allow .*; then carepath fhir load - --from-line 1 goes on`, "fhir", "load", "-")
	r.cloud.Dispatcher().Faults.Clear()

	ctx, cancel := context.WithCancel(t.Context())
	endless, writer := io.Pipe()
	go func() {
		_, _ = io.WriteString(writer, people[:strings.Index(people, "\n")+1])
		cancel()
		_ = writer.CloseWithError(context.Canceled)
	}()
	if code, _, stderr := r.runIn(ctx, endless, "fhir", "load", "-"); code != exitFailed || !strings.Contains(stderr, "error: interrupted\n  carepath fhir load - --from-line ") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// arrive sends changes to the queue as a rule on the change bus does.
func (r *records) arrive(versions ...int64) {
	r.Helper()
	for _, v := range versions {
		c := changes.Change{
			DataStoreID: "store", ResourceType: "Patient", ResourceID: "p-1", Version: v, Interaction: changes.Update, LastUpdated: "2026-01-02T03:04:05.678Z",
			URL: fmt.Sprintf("http://localhost/r4/Patient/p-1/_history/%d", v), Resource: json.RawMessage(`{"family":"Lovelace"}`),
		}
		detail, err := c.Append(nil)
		if err != nil {
			r.Fatal(err)
		}
		body := fmt.Sprintf(`{"source":%q,"detail-type":%q,"detail":%s}`, changes.Source, changes.DetailType, detail)
		if _, err := r.queue.SendMessage(r.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(r.outputs["changeQueueUrl"].(string)), MessageBody: &body}); err != nil {
			r.Fatal(err)
		}
	}
}

func TestTail(t *testing.T) {
	r := newRecords(t)
	r.arrive(1, 2, 2)
	const line = `2026-01-02T03:04:05.678Z +update +Patient/p-1 +version %d\n`
	r.want(0, "", fmt.Sprintf("^"+line+line+"2 distinct versions, 1 duplicates\n$", 1, 2), "changes", "tail")
	r.want(0, "", "^0 distinct versions, 0 duplicates\n$", "changes", "tail")

	r.arrive(3, 4)
	stdout := r.want(0, "", "", "changes", "tail", "--count", "2", "--timeout", "10s", "--json")
	var document struct {
		Changes    []*changes.Change
		Versions   int
		Duplicates int
	}
	if err := json.Unmarshal([]byte(stdout), &document); err != nil || document.Versions != 2 || len(document.Changes) != 2 || document.Changes[1].Version != 4 || strings.Contains(stdout, "Lovelace") {
		t.Errorf("%s: %v", stdout, err)
	}
	r.arrive(5)
	r.want(0, "", `"resource":\{"family":"Lovelace"\}`, "changes", "tail", "--json", "--resource")
	if stdout := r.want(0, "", `"changes": \[\],`, "changes", "tail", "--json"); !json.Valid([]byte(stdout)) {
		t.Errorf("%s is not JSON", stdout)
	}

	r.arrive(6)
	code, stdout, _ := r.run("", "changes", "tail", "--count", "2", "--timeout", "1s", "--json")
	if code != exitFailed || !json.Valid([]byte(stdout)) || !strings.Contains(stdout, ` of 2 changes came within 1s"`) {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.arrive(7)
	out := &until{text: "version 7", done: cancel}
	if code, stderr := r.runTo(ctx, strings.NewReader(""), out, "changes", "tail", "--follow"); code != exitDone || !strings.HasSuffix(out.String(), "version 7\n1 distinct versions, 0 duplicates\n") {
		t.Errorf("exit code %d: %s%s", code, out, stderr)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if code, _, stderr := r.runIn(cancelled, strings.NewReader(""), "changes", "tail", "--count", "2"); code != exitFailed || !strings.Contains(stderr, "interrupted after 0 of 2 changes") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for _, wrong := range [][]string{{"--count", "-1"}, {"--timeout", "-1s"}, {"--resource"}, {"extra"}} {
		r.want(2, "", "error: ", append([]string{"changes", "tail"}, wrong...)...)
	}
}

func TestStacksWithoutADataStore(t *testing.T) {
	r := &records{T: t, outputs: map[string]any{"changeBusName": "the-bus", "fhirEndpoint": "http://localhost:1/datastore/x/r4/"}}
	t.Setenv("CAREPATH_HOME", t.TempDir())
	r.want(1, "", `the stack local has no queue of changes\n  carepath:healthlake.subscriber: true in Pulumi.local.yaml and carepath up --stack local make one; or a rule of your own on the event bus the-bus`, "changes", "tail")
	r.outputs = nil
	for _, args := range [][]string{{"changes", "tail"}, {"fhir", "get", "Patient/p"}, {"fhir", "load", "-"}} {
		r.want(1, "", `the stack local has no FHIR data store\n  carepath:healthlake.enabled: true in Pulumi.local.yaml and carepath up --stack local make one`, args...)
	}
}

func TestNoCredentials(t *testing.T) {
	r := &records{T: t, outputs: map[string]any{"fhirEndpoint": "https://healthlake.us-east-1.amazonaws.com/datastore/x/r4/", "changeQueueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/q"}}
	for name, value := range map[string]string{"HOME": t.TempDir(), "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""} {
		t.Setenv(name, value)
	}
	for _, args := range [][]string{{"fhir", "get", "Patient/p"}, {"changes", "tail"}} {
		r.want(1, "", `there are no credentials for AWS: (.|\n)*\n  export AWS_PROFILE`, append(args, "--stack", "dev")...)
	}
}

func TestRegionOfAnAddress(t *testing.T) {
	for address, want := range map[string]string{
		"https://sqs.eu-west-1.amazonaws.com/111122223333/q":                  "eu-west-1",
		"https://healthlake.us-west-2.amazonaws.com/datastore/0123456789/r4/": "us-west-2",
		"https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q":              "cn-north-1",
		"http://localhost:4566/datastore/x/r4/":                               "",
		"http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/q": "",
		"%": "",
	} {
		if got := regionOf(address); got != want {
			t.Errorf("%s is in %q, not %q", address, got, want)
		}
	}
}
