package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/cognitoidp"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/eventbridge"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/s3"
	"github.com/carepath/carepath/localcloud/sns"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/carepath/carepath/localcloud/wire"
)

// servicesRig is an embedded AWS with what one row finds there, and the state machine of the row. Lambda is played by
// the rig: see invoke.
type servicesRig struct {
	row     *servicesRow
	d       *dispatch.Dispatcher
	clock   *clock.Driven
	states  *stepfunctions.Service
	machine string // ARN
	pool    string // the row's user pool
	table   string // the row's last table

	functions  map[string]function // by name
	mocked     function            // of every function, in rows with the answers of a mock file
	queues     []string            // URLs
	activities map[string]string   // ARNs, by what eventsOf makes of them
	resources  map[string]string   // placeholders in the row's input, and what they stand for
	answers    []aslEvent          // how the tasks with a token ended, in order

	done    chan struct{} // closed at the end: functions do not wait any longer
	mu      sync.Mutex
	calls   int                // of functions that let time pass
	changed context.CancelFunc // ends the wait for rest when calls has changed
}

func newServicesRig(row *servicesRow) (_ *servicesRig, err error) {
	g := &servicesRig{row: row, clock: clock.NewDriven(aslStart), functions: map[string]function{}, resources: map[string]string{}, activities: map[string]string{}, done: make(chan struct{})}
	g.d = dispatch.New(g.clock, recordedAccount, "us-east-1")
	g.d.SetAuthorizer(everyone{})
	st := store.Memory()
	dispatch.Register(g.d, dispatch.Operation{Service: "lambda", Action: "Invoke"}, dispatch.Anywhere[lambda.InvokeInput](), g.invoke)
	for _, start := range []func() error{
		func() error { _, err := logs.New(g.d, st); return err },
		func() error { _, err := sqs.New(g.d, st); return err },
		func() error { _, err := s3.New(g.d, st); return err },
		func() error { _, err := sns.New(g.d, st); return err },
		func() error { _, err := eventbridge.New(g.d, st); return err },
		func() error { _, err := dynamodb.New(g.d, st); return err },
		func() error { _, err := cognitoidp.New(g.d, st); return err },
		func() (err error) { g.states, err = stepfunctions.New(g.d, st); return err },
	} {
		if err := start(); err != nil {
			return nil, err
		}
	}
	g.states.Start()
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	for _, e := range row.History {
		if strings.HasSuffix(e.Resource, ".waitForTaskToken") || strings.Contains(e.Resource, ".sync") || strings.HasPrefix(e.Type, "Activity") {
			switch e.Type {
			case "TaskSucceeded", "TaskFailed", "TaskTimedOut", "ActivitySucceeded", "ActivityFailed", "ActivityTimedOut":
				g.answers = append(g.answers, e)
			}
		}
	}
	for _, raw := range row.Setup {
		if err := g.set(raw); err != nil {
			return nil, err
		}
	}
	if len(row.Definition) == 0 {
		return g, nil
	}
	g.machine, err = g.create("machine", row.Type, g.withResources(string(row.Definition)))
	return g, err
}

func (g *servicesRig) close() {
	close(g.done)
	_ = g.states.Close(context.Background()) // nothing of it is kept
}

// withResources puts the row's resources into a text that has placeholders for them.
func (g *servicesRig) withResources(text string) string {
	text = strings.ReplaceAll(text, "${pool}", g.pool)
	for name, of := range g.resources {
		text = strings.ReplaceAll(text, `"`+name+`"`, `"`+of+`"`)
	}
	return text
}

// set makes one resource.
func (g *servicesRig) set(raw json.RawMessage) error {
	var r struct {
		Call         string          `json:"call"`
		Params       json.RawMessage `json:"params"`
		Lambda       string          `json:"lambda"`
		File         string          `json:"file"`
		StateMachine string          `json:"state_machine"`
		Definition   json.RawMessage `json:"definition"`
		Type         string          `json:"type"`
		MockConfig   *mockConfig     `json:"mock_config"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	switch {
	case r.Call != "":
		return g.call(r.Call, r.Params)
	case r.Lambda != "":
		f, ok := functionOf(r.File)
		if !ok {
			return &absentService{"the code of the function " + r.File}
		}
		g.functions[r.Lambda] = f
	case r.StateMachine != "":
		_, err := g.create(r.StateMachine, r.Type, string(r.Definition))
		return err
	case r.MockConfig != nil:
		return g.mock(r.MockConfig)
	}
	return nil
}

// call makes a call such as dynamodb:put_item.
func (g *servicesRig) call(name string, params json.RawMessage) error {
	service, snake, _ := strings.Cut(name, ":")
	action := ""
	for word := range strings.SplitSeq(snake, "_") {
		action += strings.ToUpper(word[:1]) + word[1:]
	}
	if _, ok := g.d.Operation(service, action); !ok {
		return &absentService{serviceName(service)}
	}
	v, err := jsonvalue.Parse([]byte(params))
	if err != nil {
		return err
	}
	in := v.(*jsonvalue.Object)
	if _, has := in.Get("UserPoolId"); service == "cognito-idp" && !has && g.pool != "" {
		in.Set("UserPoolId", g.pool)
	}
	if err := inBase64(in, "Body"); err != nil {
		return err
	}
	status, body, _ := wire.CallJSON(context.Background(), g.d, g.d.Root(), service, action, jsonvalue.Append(nil, in))
	if status != 200 {
		return fmt.Errorf("%s: %s", name, body)
	}
	var out struct {
		QueueURL string `json:"QueueUrl"`
		UserPool struct{ Id string }
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return err
	}
	if out.QueueURL != "" {
		g.queues = append(g.queues, out.QueueURL)
	}
	if out.UserPool.Id != "" {
		g.pool = out.UserPool.Id
	}
	if table, ok := in.Get("TableName"); ok {
		g.table, _ = table.(string)
	}
	return nil
}

// inBase64 writes a member that is a blob as JSON protocols do: the recordings have text, and {"__bytes__": base64}.
func inBase64(in *jsonvalue.Object, name string) error {
	v, ok := in.Get(name)
	if !ok {
		return nil
	}
	var blob []byte
	switch v := v.(type) {
	case string:
		blob = []byte(v)
	case *jsonvalue.Object:
		given, _ := v.Get("__bytes__")
		encoded, _ := given.(string)
		var err error
		if blob, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return fmt.Errorf("the setup's %s: %w", name, err)
		}
	default:
		return fmt.Errorf("the setup's %s is neither text nor bytes", name)
	}
	in.Set(name, base64.StdEncoding.EncodeToString(blob))
	return nil
}

// create makes a state machine. Express ones log everything, so that their end can be seen.
func (g *servicesRig) create(name, kind, definition string) (string, error) {
	if service := absentIn(definition, g.d); service != "" {
		return "", &absentService{service}
	}
	in := &stepfunctions.CreateStateMachineInput{Name: name, Type: kind, Definition: definition,
		RoleArn: "arn:aws:iam::" + recordedAccount + ":role/sfn-role"}
	if kind == "EXPRESS" {
		if _, err := g.d.Do(context.Background(), g.d.Root(), "logs", "CreateLogGroup", &logs.CreateLogGroupInput{LogGroupName: logGroup}); err != nil {
			return "", err
		}
		in.LoggingConfiguration = &stepfunctions.LoggingConfiguration{Level: "ALL", IncludeExecutionData: true, Destinations: []stepfunctions.LogDestination{
			{CloudWatchLogsLogGroup: &stepfunctions.LogGroup{LogGroupArn: g.d.ARN("logs", "log-group:"+logGroup+":*")}}}}
	}
	for _, arn := range activityARN.FindAllString(definition, -1) {
		_, name, _ := strings.Cut(arn, ":activity:")
		if _, err := g.d.Do(context.Background(), g.d.Root(), "states", "CreateActivity", &stepfunctions.CreateActivityInput{Name: name}); err != nil {
			return "", err
		}
		g.activities[string(withoutNames([]byte(arn)))] = arn
	}
	out, err := dispatch.Do[stepfunctions.CreateStateMachineOutput](context.Background(), g.d, g.d.Root(), "states", "CreateStateMachine", in)
	if err != nil {
		return "", err
	}
	return out.StateMachineArn, nil
}

var activityARN = regexp.MustCompile(`arn:aws:states:[a-z0-9-]+:[0-9]+:activity:[^"]+`)

const logGroup = "/aws/vendedlogs/states/machine"

// absentIn names a service that a definition needs and the embedded AWS does not have; "" when there is none.
func absentIn(definition string, d *dispatch.Dispatcher) string {
	v, err := jsonvalue.Parse([]byte(definition))
	if err != nil {
		return ""
	}
	absent := ""
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case *jsonvalue.Object:
			if resource, ok := v.Get("Resource"); ok {
				text, _ := resource.(string)
				if r, err := asl.ParseResource(text); err == nil && !emulated(r, d) {
					absent = serviceName(r.Service)
				}
			}
			for _, item := range v.All() {
				walk(item)
			}
		case *jsonvalue.Array:
			for _, item := range v.Items {
				walk(item)
			}
		}
	}
	walk(v)
	return absent
}

// signingNames are the names of services in integrations that are not those of the dispatcher.
var signingNames = map[string]string{"cognitoidentityprovider": "cognito-idp", "eventbridge": "events", "sfn": "states"}

func emulated(r asl.Resource, d *dispatch.Dispatcher) bool {
	if r.Kind != asl.Optimized && r.Kind != asl.SDK {
		return true
	}
	signing := r.Service
	if name, ok := signingNames[signing]; ok {
		signing = name
	}
	_, ok := d.Operation(signing, strings.ToUpper(r.Action[:1])+r.Action[1:])
	return ok
}

func serviceName(name string) string {
	switch name {
	case "s3":
		return "Amazon S3"
	case "sns":
		return "Amazon SNS"
	case "events":
		return "EventBridge"
	case "secretsmanager":
		return "Secrets Manager"
	}
	return name
}

// rest waits until executions do no more work by themselves.
func (g *servicesRig) rest(ctx context.Context) error {
	for {
		g.mu.Lock()
		calls := g.calls
		waiting, cancel := context.WithCancel(ctx)
		g.changed = cancel
		g.mu.Unlock()
		err := g.states.Rest(waiting, calls)
		cancel()
		g.mu.Lock()
		same := calls == g.calls
		g.mu.Unlock()
		switch {
		case same && err == nil, ctx.Err() != nil:
			return err
		case same && !errors.Is(err, context.Canceled):
			return err
		}
	}
}

// count notes that a function begins or ends to let time pass.
func (g *servicesRig) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls += n
	if g.changed != nil {
		g.changed()
	}
}

// answerTokens does what somebody else did when the row was recorded: it reads the queues and answers for the tasks
// whose tokens the messages have, as the history says that these tasks ended.
func (g *servicesRig) answerTokens(ctx context.Context) (answered bool, err error) {
	for _, url := range g.queues {
		out, err := dispatch.Do[sqs.ReceiveMessageOutput](ctx, g.d, g.d.Root(), "sqs", "ReceiveMessage", &sqs.ReceiveMessageInput{QueueURL: url})
		if err != nil {
			return answered, err
		}
		for _, m := range out.Messages {
			if _, err := g.d.Do(ctx, g.d.Root(), "sqs", "DeleteMessage", &sqs.DeleteMessageInput{QueueURL: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return answered, err
			}
			var body struct{ TaskToken string }
			if json.Unmarshal([]byte(m.Body), &body) != nil || body.TaskToken == "" {
				continue
			}
			if err := g.answerToken(ctx, body.TaskToken); err != nil {
				return answered, err
			}
			answered = true
		}
	}
	return answered, nil
}

// answerToken answers for a task as the next task with a token ended.
func (g *servicesRig) answerToken(ctx context.Context, token string) error {
	if len(g.answers) == 0 {
		return errors.New("a task token whose task the history does not have")
	}
	end := g.answers[0]
	g.answers = g.answers[1:]
	action, in := "SendTaskSuccess", any(&stepfunctions.SendTaskSuccessInput{TaskToken: token, Output: string(end.Output)})
	switch {
	case strings.HasSuffix(end.Type, "TimedOut"):
		return nil // nobody answered
	case strings.HasSuffix(end.Type, "Failed"):
		action, in = "SendTaskFailure", &stepfunctions.SendTaskFailureInput{TaskToken: token, Error: text(end.Error), Cause: end.causeText()}
	}
	_, err := g.d.Do(ctx, g.d.Root(), "states", action, in)
	return err
}

// work does what an activity's worker did when the row was recorded, if the execution's last event is that a task of an
// activity waits: the worker takes the task and answers as the history says that it ended.
func (g *servicesRig) work(ctx context.Context, execution string) (worked bool, err error) {
	last, err := dispatch.Do[stepfunctions.GetExecutionHistoryOutput](ctx, g.d, g.d.Root(), "states", "GetExecutionHistory",
		&stepfunctions.GetExecutionHistoryInput{ExecutionArn: execution, ReverseOrder: true, MaxResults: 1})
	if err != nil {
		return false, err
	}
	events, err := eventsOf(last)
	if err != nil || events[0].Type != "ActivityScheduled" {
		return false, err
	}
	resource, _ := events[0].Details.Get("resource")
	arn, _ := resource.(string)
	in := &stepfunctions.GetActivityTaskInput{ActivityArn: g.activities[string(withoutNames([]byte(arn)))]}
	for _, e := range g.row.History {
		if e.Type == "ActivityStarted" {
			in.WorkerName = e.WorkerName
		}
	}
	if in.WorkerName == "" {
		return false, nil // nobody did
	}
	out, err := dispatch.Do[stepfunctions.GetActivityTaskOutput](ctx, g.d, g.d.Root(), "states", "GetActivityTask", in)
	if err != nil {
		return false, err
	}
	return true, g.answerToken(ctx, out.TaskToken)
}
