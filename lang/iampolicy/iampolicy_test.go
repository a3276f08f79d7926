package iampolicy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/lang/iampolicy"
)

const (
	account = "000000000000"
	role    = "arn:aws:iam::000000000000:role/app"
	session = "arn:aws:sts::000000000000:assumed-role/app/s"
	queue   = "arn:aws:sqs:us-east-1:000000000000:orders"
)

func parse(t testing.TB, text string) *iampolicy.Policy {
	t.Helper()
	p, err := iampolicy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

func request(keys ...iampolicy.Key) iampolicy.Request {
	return iampolicy.Request{
		Principal: iampolicy.Principal{Account: account, ARN: role, Session: session},
		Action:    "sqs:SendMessage", Resource: queue, Keys: keys,
	}
}

func TestEvaluate(t *testing.T) {
	service := request()
	service.Principal = iampolicy.Principal{Service: "states.amazonaws.com"}
	root := request()
	root.Principal = iampolicy.Principal{Account: account, ARN: "arn:aws:iam::000000000000:root"}
	for name, c := range map[string]struct {
		statements string
		request    iampolicy.Request
		want       iampolicy.Decision
	}{
		"literal":                        {`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"` + queue + `"}`, request(), iampolicy.Allow},
		"actions are not case-sensitive": {`{"Effect":"Allow","Action":"SQS:sendmessage","Resource":"` + queue + `"}`, request(), iampolicy.Allow},
		"resources are":                  {`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"` + strings.Replace(queue, "orders", "Orders", 1) + `"}`, request(), iampolicy.NoMatch},
		"other action":                   {`{"Effect":"Allow","Action":["sqs:Receive*","sqs:SendMessageBatch"],"Resource":"*"}`, request(), iampolicy.NoMatch},
		"action wildcards":               {`{"Effect":"Allow","Action":"sqs:S?nd*age","Resource":"*"}`, request(), iampolicy.Allow},
		"resource wildcards":             {`{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:*:0000*:ord?rs"}`, request(), iampolicy.Allow},
		"? is one character":             {`{"Effect":"Allow","Action":"*","Resource":"` + queue + `?"}`, request(), iampolicy.NoMatch},
		"deny prevails":                  {`{"Effect":"Deny","Action":"sqs:*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}`, request(), iampolicy.Deny},
		"deny prevails, later":           {`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"sqs:*","Resource":"*"}`, request(), iampolicy.Deny},
		"NotAction":                      {`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, request(), iampolicy.Allow},
		"NotAction names it":             {`{"Effect":"Allow","NotAction":"sqs:*","Resource":"*"}`, request(), iampolicy.NoMatch},
		"NotResource":                    {`{"Effect":"Deny","Action":"*","NotResource":"arn:aws:sqs:us-east-1:000000000000:other"}`, request(), iampolicy.Deny},

		"principal *":                  {`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`, service, iampolicy.Allow},
		"principal role":               {`{"Effect":"Allow","Principal":{"AWS":"` + role + `"},"Action":"*","Resource":"*"}`, request(), iampolicy.Allow},
		"principal session":            {`{"Effect":"Allow","Principal":{"AWS":["` + session + `"]},"Action":"*","Resource":"*"}`, request(), iampolicy.Allow},
		"principal account":            {`{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"*","Resource":"*"}`, request(), iampolicy.AllowAccount},
		"principal account, as root":   {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"*","Resource":"*"}`, root, iampolicy.Allow},
		"principal other account":      {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"*","Resource":"*"}`, request(), iampolicy.NoMatch},
		"account denied":               {`{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"*","Resource":"*"}`, request(), iampolicy.Deny},
		"principal service":            {`{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","states.amazonaws.com"]},"Action":"*","Resource":"*"}`, service, iampolicy.Allow},
		"principal service's region":   {`{"Effect":"Allow","Principal":{"Service":"states.us-east-1.amazonaws.com"},"Action":"*","Resource":"*"}`, service, iampolicy.Allow},
		"service is not of an account": {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"*","Resource":"*"}`, service, iampolicy.NoMatch},
		"NotPrincipal":                 {`{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::000000000000:role/other"},"Action":"*","Resource":"*"}`, request(), iampolicy.Deny},
		"NotPrincipal names it":        {`{"Effect":"Deny","NotPrincipal":{"AWS":"` + role + `"},"Action":"*","Resource":"*"}`, request(), iampolicy.NoMatch},
	} {
		p := parse(t, `{"Version":"2012-10-17","Statement":[`+c.statements+`]}`)
		if got := p.Evaluate(&c.request); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestConditions(t *testing.T) {
	keys := []iampolicy.Key{
		{Name: "aws:SourceArn", Value: "arn:aws:states:us-east-1:000000000000:stateMachine:intake"},
		{Name: "aws:SourceAccount", Value: account},
		{Name: "aws:SecureTransport", Value: "true"},
		{Name: "aws:SourceIp", Value: "10.1.2.3"},
		{Name: "s3:max-keys", Value: "10"},
		{Name: "aws:TagKeys", Values: []string{"owner", "stage"}},
		{Name: "aws:username", Value: "*"},
		{Name: "aws:Empty", Values: []string{}},
	}
	for condition, want := range map[string]bool{
		`{"StringEquals":{"aws:SourceAccount":"000000000000"}}`:                                                        true,
		`{"StringEquals":{"AWS:sourceaccount":["1","000000000000"]}}`:                                                  true,
		`{"StringEquals":{"aws:SourceAccount":"0000*"}}`:                                                               false,
		`{"StringLike":{"aws:SourceAccount":"0000*"}}`:                                                                 true,
		`{"StringNotLike":{"aws:SourceAccount":["1*","0*"]}}`:                                                          false,
		`{"StringNotEquals":{"aws:SourceAccount":"1"}}`:                                                                true,
		`{"StringNotEquals":{"aws:Missing":"1"}}`:                                                                      true,
		`{"StringEquals":{"aws:Missing":"1"}}`:                                                                         false,
		`{"StringEqualsIfExists":{"aws:Missing":"1"}}`:                                                                 true,
		`{"StringEqualsIfExists":{"aws:SourceAccount":"1"}}`:                                                           false,
		`{"StringEqualsIgnoreCase":{"aws:SecureTransport":"TRUE"}}`:                                                    true,
		`{"StringNotEqualsIgnoreCase":{"aws:SecureTransport":"TRUE"}}`:                                                 false,
		`{"ArnLike":{"aws:SourceArn":"arn:aws:states:*:000000000000:stateMachine:*"}}`:                                 true,
		`{"ArnEquals":{"aws:SourceArn":"arn:aws:states:us-east-1:000000000000:stateMachine:in?ake"}}`:                  true,
		`{"ArnLike":{"aws:SourceArn":"arn:aws:*:stateMachine:intake"}}`:                                                false,
		`{"ArnNotLike":{"aws:SourceArn":"arn:aws:lambda:*:*:*"}}`:                                                      true,
		`{"Bool":{"aws:SecureTransport":true}}`:                                                                        true,
		`{"Bool":{"aws:SecureTransport":"false"}}`:                                                                     false,
		`{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`:                                                                  true,
		`{"NotIpAddress":{"aws:SourceIp":["10.1.2.3"]}}`:                                                               false,
		`{"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}`:                                               true,
		`{"DateLessThanEquals":{"aws:CurrentTime":"2026-01-01"}}`:                                                      false,
		`{"DateLessThan":{"aws:CurrentTime":"4000000000"}}`:                                                            true,
		`{"NumericLessThan":{"aws:EpochTime":"1772366401"},"NumericGreaterThanEquals":{"aws:EpochTime":"1772366400"}}`: true,
		`{"NumericLessThanEquals":{"s3:max-keys":10}}`:                                                                 true,
		`{"NumericGreaterThan":{"s3:max-keys":"10"}}`:                                                                  false,
		`{"NumericNotEquals":{"s3:max-keys":["9","11"]}}`:                                                              true,
		`{"Null":{"aws:Missing":"true"}}`:                                                                              true,
		`{"Null":{"aws:SourceIp":"true"}}`:                                                                             false,
		`{"Null":{"aws:SourceIp":false}}`:                                                                              true,
		`{"ForAllValues:StringEquals":{"aws:TagKeys":["owner","stage","team"]}}`:                                       true,
		`{"ForAllValues:StringEquals":{"aws:TagKeys":["owner"]}}`:                                                      false,
		`{"ForAllValues:StringEquals":{"aws:Missing":["owner"]}}`:                                                      true,
		`{"ForAllValues:StringEquals":{"aws:Empty":["owner"]}}`:                                                        true,
		`{"ForAnyValue:StringEquals":{"aws:TagKeys":["owner"]}}`:                                                       true,
		`{"ForAnyValue:StringEquals":{"aws:TagKeys":["team"]}}`:                                                        false,
		`{"ForAnyValue:StringNotEquals":{"aws:Missing":["team"]}}`:                                                     false,
		`{"ForAnyValue:StringLike":{"aws:SourceAccount":["0*"]}}`:                                                      true,
		`{"StringEquals":{"aws:SourceAccount":"000000000000"},"Bool":{"aws:SecureTransport":"false"}}`:                 false,
		`{"StringEquals":{"aws:SourceAccount":"${aws:SourceAccount}"}}`:                                                true,
		`{"StringLike":{"aws:SourceArn":"arn:aws:states:us-east-1:${aws:SourceAccount}:stateMachine:*"}}`:              true,
		`{"StringLike":{"aws:SourceArn":"${aws:username}"}}`:                                                           false,
		`{"StringLike":{"aws:username":"${*}"}}`:                                                                       true,
		`{"StringLike":{"aws:SourceAccount":"${*}"}}`:                                                                  false,
		`{"StringEquals":{"aws:SourceAccount":"${aws:Missing}"}}`:                                                      false,
		`{"StringEquals":{"aws:SourceAccount":"${aws:Missing, '000000000000'}"}}`:                                      true,
		`{"StringEquals":{"aws:SecureTransport":"true"},"StringLike":{"aws:SourceAccount":["9*","${aws:nil}"]}}`:       false,
	} {
		p := parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+condition+`}}`)
		r := request(keys...)
		r.Time = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		if got := p.Evaluate(&r) == iampolicy.Allow; got != want {
			t.Errorf("%s: %v, want %v", condition, got, want)
		}
	}
	old := parse(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:SourceAccount":"${aws:SourceAccount}"}}}}`)
	if r := request(keys...); old.Evaluate(&r) != iampolicy.NoMatch {
		t.Error("version 2008-10-17 has no policy variables")
	}
}

func TestMalformed(t *testing.T) {
	statement := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	for text, want := range map[string]string{
		`{`:                        "The policy is not in the valid JSON format.",
		`[]`:                       "Syntax errors in policy.",
		`{"Version":"2012-10-17"}`: "Syntax errors in policy.",
		`{"Version":"2020-01-01","Statement":[]}`:                                                                                      "Syntax errors in policy.",
		statement(`{"Effect":"allow","Action":"*","Resource":"*"}`):                                                                    "Syntax errors in policy.",
		statement(`{"effect":"Allow","Action":"*","Resource":"*"}`):                                                                    "Syntax errors in policy.",
		statement(`{"Action":"*","Resource":"*"}`):                                                                                     "Missing required field Effect",
		statement(`{"Effect":"Allow","Resource":"*"}`):                                                                                 "Policy statement must contain actions.",
		statement(`{"Effect":"Allow","Action":[],"Resource":"*"}`):                                                                     "Policy statement must contain actions.",
		statement(`{"Effect":"Allow","Action":"Send","Resource":"*"}`):                                                                 "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
		statement(`{"Effect":"Allow","Action":"*","Resource":"orders"}`):                                                               `Resource orders must be in ARN format or "*".`,
		statement(`{"Effect":"Allow","Action":"*","Resource":"arn:azure:x:::y"}`):                                                      `Partition "azure" is not valid for resource "arn:azure:x:::y".`,
		statement(`{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}`):                                                    "Syntax errors in policy.",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"AWS":"app"}}`):                                          `Invalid principal in policy: "AWS":"app"`,
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"Service":"lambda"}}`):                                   `Invalid principal in policy: "Service":"lambda"`,
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","NotPrincipal":"*"}`):                                                 "Allow with NotPrincipal is not allowed.",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"aws:x":"1"}}}`):                             "Invalid Condition type : StringIs.",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"x":"1"}}}`):                             "Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"aws:x":"one"}}}`):                      `The value "one" is not one that the condition operator NumericEquals can compare.`,
		statement(`{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}`): "Statement IDs (SID) in a single policy must be unique.",
		statement(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username"}`):                                        `Syntax error in policy: the policy variable in "arn:aws:s3:::b/${aws:username" is not closed.`,
		statement(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username, x}"}`):                                    "The default of the policy variable ${aws:username, x} must stand in single quotes.",
		statement(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::\u0000"}`):                                                  "Syntax errors in policy.",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:x":{"a":1}}}}`):                     "Syntax errors in policy.",
		statement(`{"Effect":"Allow","Action":"sqs:Send Message","Resource":"*"}`):                                                     `The action "sqs:Send Message" is not one: it must be a service's name, a colon and an action's name.`,
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:Null":{"aws:x":"true"}}}`):                 "Invalid Condition type : ForAllValues:Null.",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"Robot":"x"}}`):                                          `Invalid principal in policy: "Robot":"x"`,
		statement(`{"Effect":"Allow","Action":"*","Resource":["arn:aws:sqs:us-east-1:1:q", 5]}`):                                       "Syntax errors in policy.",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"AWS":"arn:aws:iam::000000000000:role/*"}}`):             `Invalid principal in policy: "AWS":"arn:aws:iam::000000000000:role/*"`,
	} {
		_, err := iampolicy.Parse([]byte(text))
		var e *iampolicy.Error
		if !errors.As(err, &e) || e.Message != want {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestValidFor(t *testing.T) {
	const (
		identity = `{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}`
		resource = `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}}`
		trust    = `{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	)
	for _, c := range []struct {
		text string
		use  iampolicy.Use
		want string
	}{
		{identity, iampolicy.Identity, ""},
		{resource, iampolicy.Resource, ""},
		{trust, iampolicy.Trust, ""},
		{resource, iampolicy.Identity, "Policy document should not specify a principal."},
		{identity, iampolicy.Resource, "Missing required field Principal"},
		{identity, iampolicy.Trust, "Missing required field Principal"},
		{resource, iampolicy.Trust, "Has prohibited field Resource"},
		{trust, iampolicy.Resource, "Policy statement must contain resources."},
		{strings.Replace(trust, "sts:AssumeRole", "sqs:*", 1), iampolicy.Trust, "AssumeRole policy may only specify STS AssumeRole actions."},
		{strings.Replace(identity, `{"Effect"`, `{"Sid":"a b","Effect"`, 1), iampolicy.Identity, "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},
	} {
		got := ""
		if err := parse(t, c.text).ValidFor(c.use); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s for %d: %q, want %q", c.text, c.use, got, c.want)
		}
	}
}

func TestEvaluateDoesNotAllocate(t *testing.T) {
	p := parse(t, benchmarkPolicy)
	r := request()
	if n := testing.AllocsPerRun(100, func() { p.Evaluate(&r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

const benchmarkPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/x:*"},
	{"Effect":"Deny","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}},
	{"Effect":"Allow","Action":["sqs:*Batch","sqs:Send*"],"Resource":["arn:aws:sqs:*:000000000000:dead-*","` + queue + `"]}]}`

func BenchmarkEvaluate(b *testing.B) {
	p := parse(b, benchmarkPolicy)
	r := request()
	b.ReportAllocs()
	for b.Loop() {
		if p.Evaluate(&r) != iampolicy.Allow {
			b.Fatal("not allowed")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := iampolicy.Parse([]byte(benchmarkPolicy)); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(benchmarkPolicy), "sqs:SendMessage", queue)
	f.Add([]byte(`{"Statement":{"Effect":"Deny","NotAction":"a:*","NotResource":["arn:aws:*:${aws:username,'x'}*?"],"Principal":{"AWS":"000000000000"},"Condition":{"ForAnyValue:ArnLikeIfExists":{"a:b":["*:*","x"]}}}}`), "x", "")
	f.Fuzz(func(t *testing.T, text []byte, action, resource string) {
		p, err := iampolicy.Parse(text)
		if err != nil {
			var e *iampolicy.Error
			if !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		r := iampolicy.Request{Action: action, Resource: resource, Keys: []iampolicy.Key{{Name: "a:b", Value: resource}}}
		first := p.Evaluate(&r)
		if second := p.Evaluate(&r); second != first {
			t.Fatal("two answers to one question")
		}
	})
}
