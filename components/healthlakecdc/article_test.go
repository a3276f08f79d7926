package healthlakecdc

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/localcloud/cloudtrail"
	"github.com/carepath/carepath/localcloud/eventbridge"
	"github.com/carepath/carepath/localcloud/healthlake"
)

// articleDefinition is the workflow of the published design, which PATTERNS and docs/decisions speak of.
//
//go:embed testdata/article.asl.json
var articleDefinition string

// article puts the published design beside the component: its rule, its workflow, its three functions, its table and its bus.
func (s *system) article() {
	s.Helper()
	for name, service := range map[string]string{"article": "states", "article-rule": "events", "article-hydrator": "lambda", "article-deduper": "lambda"} {
		s.call("iam", "CreateRole", members{"RoleName": name, "AssumeRolePolicyDocument": fmt.Sprintf(
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"%s.amazonaws.com"},"Action":"sts:AssumeRole"}}`, service)}, nil)
		s.call("iam", "PutRolePolicy", members{"RoleName": name, "PolicyName": "all",
			"PolicyDocument": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["states:*","lambda:*","events:*","dynamodb:*","healthlake:*","logs:*"],"Resource":"*"}}`}, nil)
	}
	s.call("dynamodb", "CreateTable", members{"TableName": "article", "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions": []members{{"AttributeName": "PK", "AttributeType": "S"}, {"AttributeName": "SK", "AttributeType": "S"}},
		"KeySchema":            []members{{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}}}, nil)
	s.call("events", "CreateEventBus", members{"Name": "article"}, nil)
	s.call("sqs", "CreateQueue", members{"QueueName": "article"}, nil)
	s.call("sqs", "SetQueueAttributes", members{"QueueUrl": queues + "article", "Attributes": map[string]string{"Policy": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}}`}}, nil)
	s.call("events", "PutRule", members{"Name": "changes", "EventBusName": "article", "EventPattern": `{"source":["com.fhir-patient"]}`}, nil)
	s.call("events", "PutTargets", members{"Rule": "changes", "EventBusName": "article", "Targets": []members{{"Id": "q", "Arn": arn("sqs", "article")}}}, nil)
	machine := members{"name": "article", "type": "EXPRESS", "roleArn": "arn:aws:iam::" + account + ":role/article", "definition": articleDefinition}
	s.call("states", "CreateStateMachine", s.counted(machine), nil)
	s.call("events", "PutRule", members{"Name": "article", "EventPattern": `{"source":["aws.healthlake"],"detail-type":["AWS API Call via CloudTrail"],"detail":{"eventSource":["healthlake.amazonaws.com"],` +
		`"eventName":["CreateResource","UpdateResource"],"requestParameters":{"datastoreId":["` + s.id + `"]},"responseElements":{"statusCode":[200,201]}}}`}, nil)
	s.call("events", "PutTargets", members{"Rule": "article", "Targets": []members{{"Id": "machine", "Arn": arn("states", "stateMachine:article"), "RoleArn": "arn:aws:iam::" + account + ":role/article-rule",
		"RetryPolicy": members{"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 7200}}}}, nil)

	reader := http.Client{Transport: client{s, s.fhir}}
	s.handlers["article-hydrator"] = func(ctx context.Context, payload []byte) (any, error) {
		return articleHydrator(ctx, s, &reader, payload)
	}
	s.handlers["article-publisher"] = func(_ context.Context, payload []byte) (any, error) { return json.RawMessage(payload), nil }
	table := awsdynamodb.New(awsdynamodb.Options{Region: region, Credentials: credentials("article-deduper"), BaseEndpoint: aws.String("http://localhost:4566"),
		HTTPClient: &http.Client{Transport: client{s, s.api}}})
	s.handlers["article-deduper"] = func(ctx context.Context, payload []byte) (any, error) { return articleDeduper(ctx, table, payload) }
}

type articleChange struct {
	Key     string `json:"key"` // type, id and day of the change
	Trigger string `json:"trigger"`
	Detail  string `json:"detail"`
	IsDupe  bool   `json:"isDupe"`
}

// articleHydrator reads the first page of a search, and looks at no status.
func articleHydrator(ctx context.Context, s *system, reader *http.Client, payload []byte) (any, error) {
	var in struct{ Detail struct{ EventTime string } }
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.Replace(unknownEndpoint, unknownID, s.id, 1)+"Patient?_lastUpdated=ge"+in.Detail.EventTime, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=article-hydrator/20000101/"+region+"/healthlake/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := reader.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var bundle struct {
		Entry []struct {
			Resource struct {
				ID   string `json:"id"`
				Meta struct {
					VersionID   string `json:"versionId"`
					LastUpdated string `json:"lastUpdated"`
				} `json:"meta"`
			} `json:"resource"`
		} `json:"entry"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&bundle); err != nil {
		return nil, err
	}
	found := []articleChange{}
	for _, e := range bundle.Entry {
		at, err := time.Parse(time.RFC3339, e.Resource.Meta.LastUpdated)
		if err != nil {
			continue
		}
		detail, err := json.Marshal(e.Resource)
		if err != nil {
			return nil, err
		}
		found = append(found, articleChange{Key: "Patient:" + e.Resource.ID + ":" + at.Format("01:02:2006"), Trigger: in.Detail.EventTime, Detail: string(detail)})
	}
	return members{"changes": found}, nil
}

// articleDeduper writes a record that a change was handled, before it is.
func articleDeduper(ctx context.Context, table *awsdynamodb.Client, payload []byte) (any, error) {
	var c articleChange
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, err
	}
	_, err := table.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: aws.String("article"), ConditionExpression: aws.String("attribute_not_exists(SK)"),
		Item: map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: c.Key}, "SK": &types.AttributeValueMemberS{Value: c.Trigger}}})
	if taken := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &taken) {
		c.IsDupe, err = true, nil
	}
	return c, err
}

// counts are what became of versions.
type counts struct {
	written, patients      int // patients: versions of Patients that were no deletions
	ours, theirs           int // versions that had an event
	oursAgain, theirsAgain int // events beyond the first of a version
}

func (c *counts) add(o counts) {
	c.written += o.written
	c.patients += o.patients
	c.ours += o.ours
	c.oursAgain += o.oursAgain
	c.theirs += o.theirs
	c.theirsAgain += o.theirsAgain
}

// TestThePublishedDesign runs the published design and this one side by side, on the same histories, and reports what each loses
// and what it publishes again.
func TestThePublishedDesign(t *testing.T) {
	plan := recorded(t, CloudTrail, captured...)
	n := 20
	if *large {
		n = 100
	}
	for _, faults := range []bool{false, true} {
		var mu sync.Mutex
		var all counts
		var workers sync.WaitGroup
		next := make(chan uint64, n)
		for i := range n {
			next <- uint64(i + 1)
		}
		close(next)
		for range 2 {
			workers.Go(func() {
				for seed := range next {
					t.Run(fmt.Sprint(seed, " faults ", faults), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							c := sideBySide(t, plan, seed, faults)
							mu.Lock()
							defer mu.Unlock()
							all.add(c)
						})
					})
				}
			})
		}
		workers.Wait()
		t.Logf("faults %v, %d histories, %d versions, %d of them of Patients that were not deletions: ours lost %d and published %d again; the published design lost %d (%.0f%%) and published %d again (%.0f%% of the versions that it published)",
			faults, n, all.written, all.patients, all.written-all.ours, all.oursAgain, all.written-all.theirs, 100*float64(all.written-all.theirs)/float64(all.written), all.theirsAgain, 100*float64(all.theirsAgain)/float64(all.theirs))
		if all.ours != all.written {
			t.Errorf("faults %v: ours lost %d", faults, all.written-all.ours)
		}
		if all.theirs == 0 || all.theirs == all.written {
			t.Errorf("faults %v: the published design does not do what it is known for: %+v", faults, all)
		}
	}
}

// sideBySide runs a history. Without faults there is what AWS has been seen to do: an index that is 5 to 30 s behind, and
// records that come after 2 to 5 minutes.
func sideBySide(t *testing.T, plan []asked, seed uint64, faults bool) (c counts) {
	s := newSystem(t, plan, options{feed: CloudTrail, types: captured})
	s.article()
	st := newStorm(s, seed)
	var events atomic.Int64
	st.published = func(e *eventbridge.PutEventsEntry, refused bool) {
		if e.Source == changes.Source && !refused {
			events.Add(1)
		}
	}
	h := newHistory(s, seed, captured...)
	if faults {
		st.begin()
	} else {
		s.asOnAWS(st)
	}
	h.run(3 + h.IntN(15))
	s.pass(time.Duration(h.IntN(600)) * time.Second)
	if faults {
		st.end()
	}
	s.pass(2*sweepEvery + 6*time.Minute)
	seen := consume(func(format string, args ...any) { t.Errorf(format, args...) }, s.received("fhir-subscriber-1"))
	published := map[string]int{}
	for _, body := range s.received("article") {
		var e struct {
			Detail struct {
				ID   string
				Meta struct{ VersionID string }
			}
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatal(err)
		}
		published[s.id+"/Patient/"+e.Detail.ID+"/"+e.Detail.Meta.VersionID]++
	}
	for key, v := range h.captured() {
		c.written++
		if v.typ == "Patient" && v.interaction != "delete" {
			c.patients++
		}
		if seen[key] != nil {
			c.ours++
		}
		if published[key] > 0 {
			c.theirs++
			c.theirsAgain += published[key] - 1
		}
	}
	c.oursAgain = int(events.Load()) - len(seen)
	return c
}

// asOnAWS lets the index and the records be as late as they have been seen to be on AWS.
func (s *system) asOnAWS(st *storm) {
	s.trail.SetDelivery(func(r cloudtrail.Record) []time.Duration {
		return []time.Duration{2*time.Minute + time.Duration(st.number(180, "record"))*time.Second}
	})
	s.events.Refuse(func(e *eventbridge.PutEventsEntry) bool { return st.accept(e, false) })
	s.records.SetLag(healthlake.Lag{Index: func() time.Duration { return 5*time.Second + time.Duration(st.number(25, "lag"))*time.Second }})
}
