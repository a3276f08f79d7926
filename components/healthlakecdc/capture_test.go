package healthlakecdc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// played is an execution of the capture workflow with its services mocked, and the calls that it made: the states' names with
// their arguments.
type played struct {
	execution *asl.Execution
	calls     []string
}

func play(t *testing.T, input string, mocks map[string]string) played {
	t.Helper()
	text, err := asl.Fill([]byte(captureDefinition), map[string]string{
		"partition": "aws", "resourceTypes": `["Patient","Encounter","Observation"]`, "hydratorArn": "arn:aws:lambda:us-east-1:123456789012:function:hydrator",
		"ledgerTableName": "ledger", "queueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/queue", "eventBusName": "changes",
	})
	if err != nil {
		t.Fatal(err)
	}
	machine, err := asl.Parse(text, asl.Options{Express: true})
	if err != nil {
		t.Fatal(err)
	}
	var messages []json.RawMessage
	if err := json.Unmarshal([]byte(input), &messages); err != nil {
		t.Fatal(err)
	}
	in := &jsonvalue.Array{}
	for _, m := range messages {
		body, err := jsonvalue.Parse(m)
		if err != nil {
			t.Fatal(err)
		}
		in.Items = append(in.Items, jsonvalue.NewObject(jsonvalue.Member{Name: "body", Value: body}))
	}
	all := []string{`"Claim":[{"result":{}}]`, `"Publish":[{"result":{"FailedEntryCount":0}}]`, `"Mark":[{"result":{}}]`, `"Advance":[{"result":{}}]`, `"Continue":[{"result":{}}]`}
	for state, answers := range mocks {
		all = slices.DeleteFunc(all, func(m string) bool { return strings.HasPrefix(m, `"`+state+`"`) })
		all = append(all, fmt.Sprintf("%q:%s", state, answers))
	}
	answers, err := asl.ParseMocks([]byte("{" + strings.Join(all, ",") + "}"))
	if err != nil {
		t.Fatal(err)
	}
	p := played{}
	p.execution = asl.RunMock(machine, in, answers, asl.MockOptions{Recorder: func(e asl.Event) {
		if e.Type == "TaskScheduled" {
			p.calls = append(p.calls, fmt.Sprint(e.Details))
		}
	}, Rand: func() float64 { return 0.5 }})
	return p
}

// of are the calls whose text has all the parts.
func (p played) of(parts ...string) []string {
	return slices.DeleteFunc(slices.Clone(p.calls), func(call string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(call, part) })
	})
}

const nothing = `[{"result":{"Payload":{"batches":[],"continuation":null,"held":0,"watermark":{"key":{"PK":"ds#WATERMARK","SK":"Patient"},"value":"2026-01-01T00:00:00.000000000Z","mode":"trigger"}}}}]`

func TestMessagesMakeOnePassForEachType(t *testing.T) {
	for name, c := range map[string]struct {
		input string
		want  []string // of each pass: what the hydrator is asked
	}{
		"triggers of a type": {
			`[{"reason":"trigger","resourceType":"Patient","eventName":"UpdateResource"},{"reason":"trigger","resourceType":"Patient","eventName":"CreateResource"}]`,
			[]string{`{"resourceType":"Patient","mode":"trigger","deletes":false,"references":[],"continuation":null}`},
		},
		"a deletion among them": {
			`[{"reason":"trigger","resourceType":"Patient","eventName":"DeleteResource"},{"reason":"trigger","resourceType":"Encounter","eventName":"CreateResource"}]`,
			[]string{
				`{"resourceType":"Patient","mode":"trigger","deletes":true,"references":[],"continuation":null}`,
				`{"resourceType":"Encounter","mode":"trigger","deletes":false,"references":[],"continuation":null}`,
			},
		},
		"a bundle": {
			`[{"reason":"trigger"}]`,
			[]string{
				`{"resourceType":"Patient","mode":"trigger","deletes":true,"references":[],"continuation":null}`,
				`{"resourceType":"Encounter","mode":"trigger","deletes":true,"references":[],"continuation":null}`,
				`{"resourceType":"Observation","mode":"trigger","deletes":true,"references":[],"continuation":null}`,
			},
		},
		"a sweep beside a trigger": {
			`[{"reason":"trigger","resourceType":"Patient","eventName":"UpdateResource"},{"reason":"sweep"}]`,
			[]string{
				`{"resourceType":"Patient","mode":"sweep","deletes":true,"references":[],"continuation":null}`,
				`{"resourceType":"Encounter","mode":"sweep","deletes":true,"references":[],"continuation":null}`,
				`{"resourceType":"Observation","mode":"sweep","deletes":true,"references":[],"continuation":null}`,
			},
		},
		"the rest of a pass": {
			`[{"reason":"continue","resourceType":"Encounter","mode":"sweep","deletes":true,"continuation":{"position":"p"},"whole":true}]`,
			[]string{`{"resourceType":"Encounter","mode":"sweep","deletes":true,"references":[],"continuation":{"position":"p"}}`},
		},
		"notifications": {
			`[{"reason":"notification","entry":[{"resource":{"resourceType":"SubscriptionStatus","notificationEvent":[{"focus":"Observation/a","additionalContext":"Observation/a/_history/1"},{"focus":"Observation/b"}]}}]},` +
				`{"reason":"notification","entry":[{"resource":{"resourceType":"SubscriptionStatus","type":"handshake"}}]},` +
				`{"reason":"notification","entry":[{"resource":{"notificationEvent":[{"focus":"Patient/c","additionalContext":"Patient/c/_history/2"},{"focus":"Device/d","additionalContext":"Device/d/_history/2"}]}}]}]`,
			[]string{
				`{"resourceType":"Patient","mode":"references","deletes":false,"references":["Patient/c/_history/2"],"continuation":null}`,
				`{"resourceType":"Observation","mode":"references","deletes":false,"references":["Observation/a/_history/1","Observation/b"],"continuation":null}`,
			},
		},
		"a type that is not captured": {`[{"reason":"trigger","resourceType":"Device","eventName":"UpdateResource"}]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := play(t, c.input, map[string]string{"Hydrate": nothing})
			if p.execution.Status() != asl.Succeeded {
				t.Fatal(p.execution.Error())
			}
			got := p.of("hydrator")
			if len(got) != len(c.want) {
				t.Errorf("%d passes, want %d: %v", len(got), len(c.want), got)
			}
			for _, want := range c.want {
				if len(p.of("hydrator", jsonvalue.Text(want)[1:len(jsonvalue.Text(want))-1]))+len(p.of("hydrator", want)) != 1 {
					t.Errorf("no pass %s\ngot %v", want, got)
				}
			}
		})
	}
}

const page = `{"result":{"Payload":{"batches":[{"resources":[{"key":{"PK":"p","SK":"a"},"from":"0","to":"2","deleted":false,"lastUpdated":"t"},{"key":{"PK":"p","SK":"b"},"from":"0","to":"1","deleted":true,"lastUpdated":"t"}],` +
	`"entries":[{"resource":0,"source":"s","detailType":"d","detail":"{\"n\":1.00}"},{"resource":0,"source":"s","detailType":"d","detail":"second"},{"resource":1,"source":"s","detailType":"d","detail":"third"}]}],` +
	`"continuation":null,"held":0,"watermark":{"key":{"PK":"ds#WATERMARK","SK":"Patient"},"value":"2026-01-01T00:00:00.000000000Z","mode":"sweep"}}}}`

func TestAPageIsClaimedPublishedAndMarked(t *testing.T) {
	trigger := `[{"reason":"trigger","resourceType":"Patient","eventName":"UpdateResource"}]`
	const conditional = `{"error":"DynamoDB.ConditionalCheckFailedException","cause":"x"}`
	for name, c := range map[string]struct {
		mocks                             map[string]string
		claims, published, marks, advance int
		entries                           []string // of the last call of PutEvents
		status                            asl.Status
	}{
		"in order":                     {nil, 2, 1, 2, 1, []string{"1.00", "second", "third"}, asl.Succeeded},
		"one is another's":             {map[string]string{"Claim": `[` + conditional + `,{"result":{}}]`}, 2, 1, 1, 0, []string{"third"}, asl.Succeeded},
		"all are another's":            {map[string]string{"Claim": `[` + conditional + `]`}, 2, 0, 0, 0, nil, asl.Succeeded},
		"an entry fails once":          {map[string]string{"Publish": `[{"error":"EventBridge.FailedEntry"},{"result":{}}]`}, 2, 2, 2, 1, []string{"1.00", "second", "third"}, asl.Succeeded},
		"publishing fails":             {map[string]string{"Publish": `[{"error":"EventBridge.FailedEntry"}]`}, 2, 5, 0, 0, []string{"third"}, asl.Succeeded},
		"a mark is another's":          {map[string]string{"Mark": `[` + conditional + `,{"result":{}}]`}, 2, 1, 2, 0, []string{"third"}, asl.Succeeded},
		"the watermark is ahead":       {map[string]string{"Advance": `[` + conditional + `]`}, 2, 1, 2, 1, []string{"third"}, asl.Succeeded},
		"the watermark cannot be set":  {map[string]string{"Advance": `[{"error":"DynamoDB.InternalServerError"}]`}, 2, 1, 2, 5, []string{"third"}, asl.Failed},
		"the hydrator fails":           {map[string]string{"Hydrate": `[{"error":"Lambda.Unknown"}]`}, 0, 0, 0, 0, nil, asl.Failed},
		"the hydrator fails at first":  {map[string]string{"Hydrate": `[{"error":"Lambda.Unknown"},` + page + `]`}, 2, 1, 2, 1, []string{"third"}, asl.Succeeded},
		"something of a page was held": {map[string]string{"Hydrate": `[` + strings.Replace(page, `{"key":{"PK":"ds#WATERMARK","SK":"Patient"},"value":"2026-01-01T00:00:00.000000000Z","mode":"sweep"}`, "null", 1) + `]`}, 2, 1, 2, 0, []string{"third"}, asl.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			mocks := map[string]string{"Hydrate": "[" + page + "]"}
			for state, answers := range c.mocks {
				mocks[state] = answers
			}
			p := play(t, trigger, mocks)
			if p.execution.Status() != c.status {
				errorName, cause := p.execution.Error()
				t.Errorf("ended %s: %s %s", p.execution.Status(), errorName, cause)
			}
			puts := p.of("Entries")
			for what, n := range map[string][2]int{
				"claims": {len(p.of("claimedAt = :now")), c.claims}, "calls of PutEvents": {len(puts), c.published},
				"marks": {len(p.of("SET version = :to")), c.marks}, "moves of the watermark": {len(p.of("SET #mode = :value", "swept")), c.advance},
			} {
				if n[0] != n[1] {
					t.Errorf("%d %s, want %d", n[0], what, n[1])
				}
			}
			for _, entry := range c.entries {
				if last := puts[len(puts)-1]; !strings.Contains(last, entry) {
					t.Errorf("%s lacks %s", last, entry)
				}
			}
		})
	}
}

func TestAPassGoesOnByPages(t *testing.T) {
	more := strings.Replace(page, `"continuation":null`, `"continuation":{"position":"next"}`, 1)
	p := play(t, `[{"reason":"sweep"}]`, map[string]string{"Hydrate": `[` + strings.Join(slices.Repeat([]string{more}, 5), ",") + `,` + page + `]`})
	if p.execution.Status() != asl.Succeeded || len(p.of("hydrator")) != 8 || len(p.of("SET #mode = :value")) != 3 {
		t.Errorf("ended %s after %d pages, with %d passes", p.execution.Status(), len(p.of("hydrator")), len(p.of("SET #mode = :value")))
	}
	// A pass that contends with another at its first page does not advance the watermark at its last.
	p = play(t, `[{"reason":"trigger","resourceType":"Patient"}]`, map[string]string{
		"Hydrate": `[` + more + `,` + page + `]`, "Claim": `[{"error":"DynamoDB.ConditionalCheckFailedException"},{"result":{}}]`,
	})
	if len(p.of("hydrator")) != 2 || len(p.of("SET #mode = :value")) != 0 {
		t.Errorf("%d pages, the watermark moved %d times", len(p.of("hydrator")), len(p.of("SET #mode = :value")))
	}
	// Retries of a data store that is slow to answer take the time of the execution: the rest is a message.
	p = play(t, `[{"reason":"continue","resourceType":"Patient","mode":"sweep","deletes":true,"continuation":{"position":"p"},"whole":false}]`, map[string]string{
		"Hydrate": `[` + more + `]`, "Publish": `[{"error":"EventBridge.Throttled"}]`,
	})
	left := p.of("MessageBody")
	if p.execution.Status() != asl.Succeeded || len(left) != 1 {
		t.Fatalf("ended %s with %d messages", p.execution.Status(), len(left))
	}
	for _, part := range []string{"continue", "Patient", "sweep", "next", "false"} {
		if !strings.Contains(left[0], part) {
			t.Errorf("%s lacks %s", left[0], part)
		}
	}
}

func TestTheDefinitionHasNoFindings(t *testing.T) {
	for _, f := range asl.Lint([]byte(captureDefinition), asl.Options{Express: true}) {
		t.Errorf("%d:%d: %s", f.Line, f.Column, f.Message)
	}
}
