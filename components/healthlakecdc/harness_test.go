package healthlakecdc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/carepath/carepath/fhir"
	"github.com/carepath/carepath/handlers/hydrator/hydrate"
	"github.com/carepath/carepath/handlers/subscriptions/subscriptions"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/cloudtrail"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/eventbridge"
	"github.com/carepath/carepath/localcloud/healthlake"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/pipes"
	"github.com/carepath/carepath/localcloud/scheduler"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/carepath/carepath/localcloud/wire"
)

const (
	account = "000000000000"
	region  = "us-east-1"
	queues  = "https://sqs." + region + ".amazonaws.com/" + account + "/"

	// What the data store is called while nobody has made it.
	unknownID       = "0123456789abcdef0123456789abcdef"
	unknownEndpoint = "http://localhost:4566/datastore/" + unknownID + "/r4/"
)

type members = map[string]any

// system is the deployed component on the embedded AWS, in a bubble of testing/synctest, where its clock takes no time. Encryption
// is left out: it changes nothing of what is tested here.
type system struct {
	testing.TB
	d       *dispatch.Dispatcher
	records *healthlake.Service
	trail   *cloudtrail.Service
	events  *eventbridge.Service
	states  *stepfunctions.Service
	pipes   *pipes.Service
	sched   *scheduler.Service
	id      string // of the data store

	plan     []asked
	handlers map[string]func(context.Context, []byte) (any, error) // functions, by their names
	fhir     http.Handler
	api      http.Handler
	logs     *bytes.Buffer // of the hydrator
	logMu    sync.Mutex
	counter  *counter // nil: nothing is counted
}

// bare is the embedded AWS with an empty data store and, if it is wanted, a trail.
func bare(t testing.TB, o options) *system {
	t.Helper()
	s := &system{TB: t, d: dispatch.New(clock.Real{}, account, region), handlers: map[string]func(context.Context, []byte) (any, error){}, logs: &bytes.Buffer{}}
	s.d.Logf = func(format string, args ...any) { fmt.Fprintf(writer{s}, format+"\n", args...) }
	s.d.Journal = dispatch.NewJournal(64)
	if o.counting {
		s.count()
	}
	memory := store.Memory()
	var err error
	for _, start := range []func() error{
		func() error { _, err := iam.New(s.d, memory); return err },
		func() error { _, err := sqs.New(s.d, memory); return err },
		func() error { _, err := dynamodb.New(s.d, memory); return err },
		func() error { s.records, err = healthlake.New(s.d, memory); return err },
		func() error { s.trail, err = cloudtrail.New(s.d, memory); return err },
		func() error { s.events, err = eventbridge.New(s.d, memory); return err },
		func() error { s.states, err = stepfunctions.New(s.d, memory); return err },
		func() error { s.pipes, err = pipes.New(s.d, memory); return err },
		func() error { s.sched, err = scheduler.New(s.d, memory); return err },
	} {
		if err := start(); err != nil {
			t.Fatal(err)
		}
	}
	s.register()
	s.states.Start()
	s.events.Start()
	s.pipes.Start()
	s.sched.Start()
	t.Cleanup(func() {
		ctx := context.Background()
		s.records.Close()
		s.trail.Close()
		for _, closing := range []func(context.Context) error{s.sched.Close, s.events.Close, s.pipes.Close, s.states.Close} {
			if err := closing(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	s.records.SetCreation(0)
	var made struct{ DatastoreID string }
	s.call("healthlake", "CreateFHIRDatastore", members{"DatastoreTypeVersion": "R4", "DatastoreName": "records"}, &made)
	s.id = made.DatastoreID
	s.pass(time.Second)
	s.fhir, s.api = s.records.Handler(keys{s}), wire.New(s.d, keys{s})
	if o.feed == CloudTrail {
		s.call("cloudtrail", "CreateTrail", members{"Name": "trail", "S3BucketName": "logs"}, nil)
		s.call("cloudtrail", "StartLogging", members{"Name": "trail"}, nil)
	}
	return s
}

// register adds what the harness has in place of services: functions in this process, and a bucket that forgets.
func (s *system) register() {
	onFunction := dispatch.On(func(_ *dispatch.Call, in *lambda.InvokeInput) []string { return []string{in.FunctionName} })
	dispatch.Register(s.d, dispatch.Operation{Service: "lambda", Action: "Invoke", Permission: "lambda:InvokeFunction"}, onFunction,
		func(ctx context.Context, _ *dispatch.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			name := in.FunctionName[strings.LastIndex(in.FunctionName, ":")+1:]
			handle := s.handlers[name]
			if handle == nil {
				return nil, &dispatch.Error{Code: "ResourceNotFoundException", Status: 404, Message: "Function not found: " + in.FunctionName}
			}
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			out := &lambda.InvokeOutput{StatusCode: 200}
			answer, err := handle(ctx, in.Payload)
			if err != nil {
				out.FunctionError, answer = "Unhandled", members{"errorType": "Error", "errorMessage": err.Error()}
			}
			out.Payload, err = json.Marshal(answer)
			return out, err
		})
	type object struct {
		Bucket, Key, ACL, SSEKMSKeyID string
		Body, SSEKMSEncryptionContext []byte
	}
	for _, action := range []string{"GetBucketAcl", "PutObject"} {
		dispatch.Register(s.d, dispatch.Operation{Service: "s3", Action: action, Open: true}, dispatch.Anywhere[object](),
			func(context.Context, *dispatch.Call, *object) (*struct{}, error) { return &struct{}{}, nil })
	}
}

// keys says whose an access key is: the role's whose name it is.
type keys struct{ s *system }

func (k keys) Principal(accessKeyID string) (dispatch.Principal, error) {
	role := "arn:aws:iam::" + account + ":role/" + accessKeyID
	return dispatch.Principal{ARN: "arn:aws:sts::" + account + ":assumed-role/" + accessKeyID + "/function", RoleARN: role}, nil
}

// client is an HTTP client of handlers in this process, as a role.
type client struct {
	s       *system
	handler http.Handler
}

func (c client) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	c.s.noteItems(r)
	recorder := httptest.NewRecorder()
	c.handler.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer := recorder.Result()
	answer.Request = r
	return answer, nil
}

func credentials(role string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: role, SecretAccessKey: "x", SessionToken: "x"}, nil
	})
}

func (s *system) fhirClient(role string) *fhir.Client {
	s.Helper()
	c, err := fhir.New(fhir.Config{Endpoint: strings.Replace(unknownEndpoint, unknownID, s.id, 1), Region: region, Credentials: credentials(role), Transport: client{s, s.fhir}, MaxAttempts: 3})
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// call makes a call as the account's administrator. Out may be nil.
func (s *system) call(service, action string, in, out any) {
	s.Helper()
	got, err := s.d.Do(context.Background(), s.d.Root(), service, action, in)
	if err != nil {
		s.Fatalf("%s:%s: %v", service, action, err)
	}
	if out == nil {
		return
	}
	text, err := json.Marshal(got)
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		s.Fatal(err)
	}
}

// pass waits until the embedded AWS's clock has moved on by d, which takes no time in a bubble.
func (s *system) pass(d time.Duration) {
	passed := make(chan struct{})
	s.d.Clock.AfterFunc(d, func() { close(passed) })
	<-passed
}

// options are what histories vary of the deployment.
type options struct {
	feed     Feed
	types    []string
	counting bool // of calls and state transitions
}

// newSystem deploys the component.
func newSystem(t testing.TB, plan []asked, o options) *system {
	t.Helper()
	s := bare(t, o)
	text, err := json.Marshal(planText(plan))
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Kind, Name string
		Inputs     members
	}
	if err := json.Unmarshal(bytes.ReplaceAll(text, []byte(unknownID), []byte(s.id)), &all); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		s.plan = append(s.plan, asked{a.Kind, a.Name, a.Inputs})
	}
	for _, kind := range []string{"aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy", "aws:dynamodb/table:Table", "aws:sqs/queue:Queue", "aws:cloudwatch/eventBus:EventBus",
		"aws:cloudwatch/eventRule:EventRule", "aws:sqs/queuePolicy:QueuePolicy", "aws:cloudwatch/eventTarget:EventTarget", "aws:cloudwatch/eventBusPolicy:EventBusPolicy",
		"aws:sfn/stateMachine:StateMachine", "aws:lambda/function:Function", "aws:pipes/pipe:Pipe", "aws:lambda/invocation:Invocation", "aws:scheduler/schedule:Schedule"} {
		for _, a := range s.of(kind) {
			s.make(a)
		}
	}
	return s
}

// function takes a function's handler into this process, with its environment and as its role.
func (s *system) function(a asked) {
	s.Helper()
	environment := a.object("environment").object("variables")
	role := a.text("role")[strings.LastIndex(a.text("role"), "/")+1:]
	store := s.fhirClient(role)
	seconds := func(name string, otherwise time.Duration) time.Duration {
		n, err := strconv.Atoi(environment.text(name))
		if err != nil {
			return otherwise
		}
		return time.Duration(n) * time.Second
	}
	log := slog.New(slog.NewJSONHandler(writer{s}, nil))
	if environment.text("LEDGER_TABLE") == "" {
		h := &subscriptions.Handler{FHIR: store, EventBusARN: environment.text("EVENT_BUS_ARN"), Now: time.Now, Log: log}
		s.handlers[a.text("name")] = func(ctx context.Context, payload []byte) (any, error) {
			var in subscriptions.Request
			if err := json.Unmarshal(payload, &in); err != nil {
				return nil, err
			}
			return h.Handle(ctx, in)
		}
		return
	}
	h := &hydrate.Hydrator{
		FHIR: store, DynamoDB: awsdynamodb.New(awsdynamodb.Options{Region: region, Credentials: credentials(role), BaseEndpoint: aws.String("http://localhost:4566"),
			HTTPClient: &http.Client{Transport: client{s, s.api}}}),
		Table: environment.text("LEDGER_TABLE"), DataStoreID: environment.text("DATA_STORE_ID"), Reference: environment.text("PAYLOAD") == string(Reference),
		Overlap: seconds("OVERLAP_SECONDS", 15*time.Minute), TriggerOverlap: seconds("TRIGGER_OVERLAP_SECONDS", 2*time.Minute), Now: time.Now, Log: log, Metrics: io.Discard,
	}
	s.handlers[a.text("name")] = func(ctx context.Context, payload []byte) (any, error) {
		var in hydrate.Request
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		return h.Handle(ctx, in)
	}
}

// writer takes the functions' logs.
type writer struct{ s *system }

func (w writer) Write(p []byte) (int, error) {
	w.s.logMu.Lock()
	defer w.s.logMu.Unlock()
	return w.s.logs.Write(p)
}

// received takes the bodies of all messages that a queue has now.
func (s *system) received(queue string) []string {
	s.Helper()
	var bodies []string
	for {
		var out struct {
			Messages []struct{ Body, ReceiptHandle string }
		}
		s.call("sqs", "ReceiveMessage", members{"QueueUrl": queues + queue, "MaxNumberOfMessages": 10}, &out)
		if len(out.Messages) == 0 {
			return bodies
		}
		entries := make([]members, len(out.Messages))
		for i, m := range out.Messages {
			bodies = append(bodies, m.Body)
			entries[i] = members{"Id": strconv.Itoa(i), "ReceiptHandle": m.ReceiptHandle}
		}
		s.call("sqs", "DeleteMessageBatch", members{"QueueUrl": queues + queue, "Entries": entries}, nil)
	}
}

// watermarks are the ledger's, by type.
func (s *system) watermarks() map[string]map[string]string {
	s.Helper()
	var out struct {
		Items []map[string]map[string]any
	}
	s.call("dynamodb", "Query", members{"TableName": s.of("aws:dynamodb/table:Table")[0].text("name"), "ConsistentRead": true, "KeyConditionExpression": "PK = :pk",
		"ExpressionAttributeValues": members{":pk": members{"S": s.id + "#WATERMARK"}}}, &out)
	all := map[string]map[string]string{}
	for _, item := range out.Items {
		flat := map[string]string{}
		for name, value := range item {
			flat[name] = fmt.Sprint(slices.Collect(maps.Values(value))[0])
		}
		all[flat["SK"]] = flat
	}
	return all
}

// logText is the beginning and the end of what the functions and the embedded AWS have logged.
func (s *system) logText() string {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	text := s.logs.String()
	if len(text) > 6000 {
		text = text[:3000] + "\n...\n" + text[len(text)-3000:]
	}
	return text
}
