package usercreation

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/cognitoidp"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
)

// cloud is the two state machines on the embedded AWS, with exactly the permissions that follow from their definitions. In
// the bubbles of testing/synctest its clock takes no time.
type cloud struct {
	testing.TB
	d             *dispatch.Dispatcher
	tables        *dynamodb.Service
	users         *cognitoidp.Service
	pool          string
	create, sweep string // ARNs
	definition    string // of create, filled
}

type setup struct {
	allocation Allocation
	firstID    int64
	attributes []Attribute
	kind       string // of the state machine that creates users: EXPRESS, or STANDARD, whose executions can be stopped
	definition string // of that state machine, if it is not the deployed one
	sweepKind  string // of the sweep
}

const tableName = "users"

func newCloud(t testing.TB, s setup) *cloud {
	t.Helper()
	d := dispatch.New(clock.Real{}, "000000000000", "us-east-1")
	c, st := &cloud{TB: t, d: d}, store.Memory()
	for _, start := range []func() error{
		func() error { _, err := iam.New(d, st); return err },
		func() error { _, err := kms.New(d, st); return err },
		func() (err error) { c.tables, err = dynamodb.New(d, st); return err },
		func() (err error) { c.users, err = cognitoidp.New(d, st); return err },
	} {
		if err := start(); err != nil {
			t.Fatal(err)
		}
	}
	states, err := stepfunctions.New(d, st)
	if err != nil {
		t.Fatal(err)
	}
	states.Start()
	t.Cleanup(func() {
		if err := states.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c.call("dynamodb", "CreateTable", `{"TableName":"users","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"PK","AttributeType":"S"},{"AttributeName":"SK","AttributeType":"S"},{"AttributeName":"Pending","AttributeType":"S"},{"AttributeName":"LeaseUntil","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"SK","KeyType":"RANGE"}],
		"GlobalSecondaryIndexes":[{"IndexName":"`+pendingIndex+`","KeySchema":[{"AttributeName":"Pending","KeyType":"HASH"},{"AttributeName":"LeaseUntil","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]}`, nil)
	var pool struct{ UserPool struct{ Id string } }
	c.call("cognito-idp", "CreateUserPool", `{"PoolName":"users","AliasAttributes":["email"],"AutoVerifiedAttributes":["email"],"UsernameConfiguration":{"CaseSensitive":false},
		"AdminCreateUserConfig":{"AllowAdminCreateUserOnly":true},
		"Schema":[{"Name":"email","AttributeDataType":"String","Required":true,"Mutable":true},{"Name":"claim","AttributeDataType":"String","Mutable":false,"StringAttributeConstraints":{"MinLength":"0","MaxLength":"256"}}]}`, &pool)
	c.pool = pool.UserPool.Id
	if s.allocation == "" {
		s.allocation = Atomic
	}
	if s.firstID == 0 {
		s.firstID = DefaultFirstID
	}
	s.kind, s.sweepKind = cmp.Or(s.kind, "EXPRESS"), cmp.Or(s.sweepKind, "EXPRESS")
	if s.definition == "" {
		s.definition = createDefinition
	}
	attributes, err := attributesText(s.attributes)
	if err != nil {
		t.Fatal(err)
	}
	c.definition = c.fill(s.definition, map[string]string{
		"allocation": string(s.allocation), "beforeFirstId": fmt.Sprint(s.firstID - 1), "attributes": attributes,
	})
	c.create = c.machine("create", s.kind, c.definition)
	c.sweep = c.machine("sweep", s.sweepKind, c.fill(sweepDefinition, map[string]string{"pendingIndex": pendingIndex}))
	return c
}

func (c *cloud) fill(definition string, values map[string]string) string {
	values = maps.Clone(values)
	values["partition"], values["tableName"], values["userPoolId"] = "aws", tableName, c.pool
	for name, value := range values {
		quoted, err := json.Marshal(value)
		if err != nil {
			c.Fatal(err)
		}
		definition = strings.ReplaceAll(definition, "${"+name+"}", string(quoted[1:len(quoted)-1]))
	}
	return definition
}

// machine makes a state machine whose role may do what follows from its definition.
func (c *cloud) machine(name, kind, definition string) (arn string) {
	c.Helper()
	parsed, err := asl.Parse([]byte(definition), asl.Options{Express: kind == "EXPRESS"})
	if err != nil {
		c.Fatal(err)
	}
	permissions, err := asl.DerivePermissions(parsed, asl.PermissionsOptions{Region: "us-east-1", Account: "000000000000"})
	if err != nil {
		c.Fatal(err)
	}
	type statement struct{ Effect, Action, Resource any }
	var statements []statement
	for _, p := range permissions {
		statements = append(statements, statement{"Allow", p.Actions, p.Resources})
	}
	policy := c.json(map[string]any{"Version": "2012-10-17", "Statement": statements})
	c.call("iam", "CreateRole", c.json(map[string]any{"RoleName": name,
		"AssumeRolePolicyDocument": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}}`}), nil)
	c.call("iam", "PutRolePolicy", c.json(map[string]any{"RoleName": name, "PolicyName": "derived", "PolicyDocument": policy}), nil)
	var made struct{ StateMachineArn string }
	c.call("states", "CreateStateMachine", c.json(map[string]any{"name": name, "type": kind, "roleArn": "arn:aws:iam::000000000000:role/" + name, "definition": definition}), &made)
	return made.StateMachineArn
}

func (c *cloud) json(v any) string {
	c.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		c.Fatal(err)
	}
	return string(text)
}

// call makes a call as the account's administrator. Out may be nil.
func (c *cloud) call(service, action, in string, out any) {
	c.Helper()
	got, err := c.d.Do(context.Background(), c.d.Root(), service, action, []byte(in))
	if err != nil {
		c.Fatalf("%s:%s: %v", service, action, err)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(c.json(got)), out); err != nil {
		c.Fatal(err)
	}
}

// answer is what the workflow answers a client.
type answer struct {
	StatusCode int
	Body       map[string]string
	Message    string
	err        string // of an execution that did not succeed
}

func (a answer) String() string {
	return fmt.Sprintf("%d %v%s%s", a.StatusCode, a.Body, a.Message, a.err)
}

// user is a valid request.
func user(email string) map[string]any {
	return map[string]any{"firstName": "Ada", "lastName": "Lovelace", "emailAddress": email}
}

func (c *cloud) input(body any, key string) string {
	return c.json(map[string]any{"body": body, "metadata": map[string]any{"requestId": "r", "idempotencyKey": key}})
}

// post creates a user as the API does.
func (c *cloud) post(body any, key string) answer {
	c.Helper()
	out, err := dispatch.Do[stepfunctions.StartSyncExecutionOutput](context.Background(), c.d, c.d.Root(), "states", "StartSyncExecution",
		&stepfunctions.StartSyncExecutionInput{StateMachineArn: c.create, Input: c.input(body, key)})
	if err != nil {
		c.Fatal(err)
	}
	if out.Status != "SUCCEEDED" {
		return answer{err: out.Status + " " + out.Error + " " + out.Cause}
	}
	return c.answer(*out.Output)
}

func (c *cloud) answer(output string) answer {
	c.Helper()
	var parsed struct{ Response answer }
	if err := json.Unmarshal([]byte(output), &parsed); err != nil {
		c.Fatalf("%s: %v", output, err)
	}
	return parsed.Response
}

// runSweep runs the sweep once and returns its status.
func (c *cloud) runSweep() string {
	c.Helper()
	out, err := dispatch.Do[stepfunctions.StartSyncExecutionOutput](context.Background(), c.d, c.d.Root(), "states", "StartSyncExecution",
		&stepfunctions.StartSyncExecutionInput{StateMachineArn: c.sweep, Input: "{}"})
	if err != nil {
		c.Fatal(err)
	}
	if out.Status != "SUCCEEDED" {
		return out.Status + " " + out.Error + " " + out.Cause
	}
	return out.Status
}

// state is everything that is kept of users.
type state struct {
	last     string
	profiles map[string]map[string]string // by number
	claims   map[string]map[string]string // by e-mail address
	requests map[string]map[string]string // by key
	cognito  map[string]map[string]string // attributes by user name
}

func (c *cloud) state() state {
	c.Helper()
	s := state{profiles: map[string]map[string]string{}, claims: map[string]map[string]string{}, requests: map[string]map[string]string{}, cognito: map[string]map[string]string{}}
	from := ""
	for {
		var page struct {
			Items            []map[string]map[string]string
			LastEvaluatedKey json.RawMessage
		}
		c.call("dynamodb", "Scan", `{"TableName":"users","ConsistentRead":true`+from+`}`, &page)
		for _, item := range page.Items {
			flat := map[string]string{}
			for name, value := range item {
				for _, text := range value {
					flat[name] = text
				}
			}
			kind, name, _ := strings.Cut(flat["PK"], "#")
			switch kind {
			case "USERMETADATA":
				s.last = flat["LastId"]
			case "USERPROFILE":
				s.profiles[name] = flat
			case "USEREMAIL":
				s.claims[name] = flat
			case "USERREQUEST":
				s.requests[name] = flat
			default:
				c.Fatalf("an item that nothing writes: %v", flat)
			}
		}
		if page.LastEvaluatedKey == nil {
			break
		}
		from = `,"ExclusiveStartKey":` + string(page.LastEvaluatedKey)
	}
	token := ""
	for {
		var page struct {
			Users []struct {
				Username   string
				Attributes []struct{ Name, Value string }
			}
			PaginationToken string
		}
		c.call("cognito-idp", "ListUsers", c.json(map[string]string{"UserPoolId": c.pool})[:len(c.json(map[string]string{"UserPoolId": c.pool}))-1]+token+`}`, &page)
		for _, u := range page.Users {
			flat := map[string]string{}
			for _, a := range u.Attributes {
				flat[a.Name] = a.Value
			}
			s.cognito[u.Username] = flat
		}
		if page.PaginationToken == "" {
			return s
		}
		token = `,"PaginationToken":` + c.json(page.PaginationToken)
	}
}

// broken returns what is not as it must be: every user has a profile, an ended claim and a Cognito user that belong together,
// and there is nothing else.
func (s state) broken() []string {
	var problems []string
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	seen := map[string]bool{}
	for email, claim := range s.claims {
		id := claim["UserId"]
		seen[id] = true
		profile, user := s.profiles[id], s.cognito[id]
		switch {
		case claim["Pending"] != "" || claim["LeaseUntil"] != "":
			say("the claim of %s is open", email)
		case id == "":
			say("the claim of %s has no number", email)
		case profile == nil || strings.ToLower(profile["EmailAddress"]) != email || profile["Claim"] != claim["Claim"]:
			say("the profile %s of %s is %v", id, email, profile)
		case user == nil || strings.ToLower(user["email"]) != email || user["custom:claim"] != claim["Claim"] || user["email_verified"] != "true":
			say("the Cognito user %s of %s is %v", id, email, user)
		}
		if s.requests[strings.TrimPrefix(claim["RequestPK"], "USERREQUEST#")] == nil {
			say("the request of %s is missing", email)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.profiles)) {
		if !seen[id] {
			say("the profile %s has no claim", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.cognito)) {
		if !seen[id] {
			say("the Cognito user %s has no claim", id)
		}
	}
	if len(s.requests) != len(s.claims) {
		say("%d requests, %d claims", len(s.requests), len(s.claims))
	}
	return problems
}

// pass waits until the embedded AWS's clock has moved on by d. In a bubble of testing/synctest, where that clock runs by
// itself as soon as nothing else does, it takes no time.
func (c *cloud) pass(d time.Duration) {
	passed := make(chan struct{})
	c.d.Clock.AfterFunc(d, func() { close(passed) })
	<-passed
}

// settle lets the sweeps of some minutes run, as the schedule does.
func (c *cloud) settle() {
	c.Helper()
	for range 8 {
		c.pass(time.Minute)
		if got := c.runSweep(); got != "SUCCEEDED" {
			c.Errorf("the sweep ended %s", got)
		}
	}
}
