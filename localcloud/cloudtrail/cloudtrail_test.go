package cloudtrail_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/cloudtrail"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/healthlake"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/store"
)

type event struct{ Source, DetailType, Detail string }

// world is CloudTrail between HealthLake and as much of EventBridge and S3 as it needs.
type world struct {
	t      *testing.T
	d      *dispatch.Dispatcher
	clock  *clock.Driven
	s      *cloudtrail.Service
	events []event
	broken error
	closed bool // the bucket lets CloudTrail in no more
	files  map[string][]byte
	id     string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, clock: clock.NewDriven(time.Date(2026, 3, 1, 12, 0, 0, 500_000_000, time.UTC)), files: map[string][]byte{}}
	w.d = dispatch.New(w.clock, "000000000000", "us-east-1")
	w.d.Logf = t.Logf
	memory := store.Memory()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(iam.New(w.d, memory))
	must(healthlake.New(w.d, memory))
	var err error
	w.s, err = cloudtrail.New(w.d, memory)
	must(nil, err)
	type put struct{ Entries []json.RawMessage }
	type putOutput struct{ FailedEntryCount int }
	open := func(service, action string) dispatch.Operation {
		return dispatch.Operation{Service: service, Action: action, Open: true}
	}
	dispatch.Register(w.d, open("events", "PutEvents"), dispatch.Anywhere[put](), func(_ context.Context, c *dispatch.Call, in *put) (*putOutput, error) {
		if w.broken != nil {
			return nil, w.broken
		}
		for _, text := range in.Entries {
			var e event
			if err := json.Unmarshal(text, &e); err != nil {
				t.Error(err)
			}
			if !strings.HasPrefix(e.DetailType, "Data Store ") {
				w.events = append(w.events, e)
			}
		}
		return &putOutput{}, nil
	})
	type object struct {
		Bucket, Key, ACL, SSEKMSKeyID string
		Body, SSEKMSEncryptionContext []byte
	}
	access := func(in *object) error {
		if in.Bucket != "logs" {
			return &dispatch.Error{Code: "NoSuchBucket", Status: 404}
		}
		if w.closed {
			return &dispatch.Error{Code: "AccessDenied", Status: 403}
		}
		return nil
	}
	dispatch.Register(w.d, open("s3", "GetBucketAcl"), dispatch.Anywhere[object](), func(_ context.Context, _ *dispatch.Call, in *object) (*struct{}, error) {
		return &struct{}{}, access(in)
	})
	dispatch.Register(w.d, open("s3", "PutObject"), dispatch.Anywhere[object](), func(_ context.Context, c *dispatch.Call, in *object) (*struct{}, error) {
		if c.Principal.Service != "cloudtrail.amazonaws.com" || in.ACL != "bucket-owner-full-control" {
			t.Errorf("%+v puts with the ACL %q", c.Principal, in.ACL)
		}
		w.files[in.Key] = in.Body
		return &struct{}{}, access(in)
	})
	made, err := dispatch.Do[healthlake.DatastoreStatusOutput](t.Context(), w.d, w.d.Root(), "healthlake", "CreateFHIRDatastore", &healthlake.CreateFHIRDatastoreInput{DatastoreTypeVersion: "R4"})
	must(nil, err)
	w.id = made.DatastoreID
	w.clock.Advance(time.Minute)
	return w
}

func (w *world) do(action string, in any) any {
	w.t.Helper()
	out, err := w.d.Do(w.t.Context(), w.d.Root(), "cloudtrail", action, in)
	if err != nil {
		w.t.Fatalf("%s: %v", action, err)
	}
	return out
}

func (w *world) code(action string, in any) string {
	w.t.Helper()
	_, err := w.d.Do(w.t.Context(), w.d.Root(), "cloudtrail", action, in)
	var e *dispatch.Error
	if !errors.As(err, &e) {
		w.t.Fatalf("%s did not fail: %v", action, err)
	}
	return e.Code
}

// put writes a Patient as root.
func (w *world) put(id string) {
	w.t.Helper()
	_, err := w.d.Do(w.t.Context(), w.d.Root(), "healthlake", "UpdateResource", &healthlake.UpdateResourceInput{
		ReadResourceInput: healthlake.ReadResourceInput{Target: healthlake.Target{DatastoreID: w.id, ResourceType: "Patient"}, ResourceID: id},
		Body:              json.RawMessage(`{"resourceType":"Patient","id":"` + id + `"}`)})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) logging() {
	w.do("CreateTrail", &cloudtrail.CreateTrailInput{Name: "audit", Settings: cloudtrail.Settings{S3BucketName: "logs"}})
	w.do("StartLogging", &cloudtrail.NameInput{Name: "audit"})
}

// records returns the records that have reached EventBridge, and forgets them.
func (w *world) records() []cloudtrail.Record {
	w.t.Helper()
	var all []cloudtrail.Record
	for _, e := range w.events {
		var r cloudtrail.Record
		if err := json.Unmarshal([]byte(e.Detail), &r); err != nil || e.Source != "aws.healthlake" || e.DetailType != "AWS API Call via CloudTrail" {
			w.t.Fatalf("%+v %v", e, err)
		}
		all = append(all, r)
	}
	w.events = nil
	return all
}

// A record says which type of resource has changed in which store, with which status, and not which resource it was.
func TestRecordsOfFHIRWrites(t *testing.T) {
	w := newWorld(t)
	w.put("before")
	w.logging()
	w.put("secret-id")
	target := healthlake.ReadResourceInput{Target: healthlake.Target{DatastoreID: w.id, ResourceType: "Patient"}, ResourceID: "secret-id"}
	if _, err := w.d.Do(t.Context(), w.d.Root(), "healthlake", "ReadResource", &target); err != nil {
		t.Fatal(err)
	}
	if _, err := w.d.Do(t.Context(), w.d.Root(), "healthlake", "DeleteResource", &healthlake.DeleteResourceInput{ReadResourceInput: target}); err != nil {
		t.Fatal(err)
	}
	target.ResourceID = "nobody"
	if _, err := w.d.Do(t.Context(), w.d.Root(), "healthlake", "DeleteResource", &healthlake.DeleteResourceInput{ReadResourceInput: target}); err == nil {
		t.Fatal("what is not there was deleted")
	}
	if len(w.events) != 0 {
		t.Error("records arrive at once")
	}
	w.clock.Advance(cloudtrail.DefaultDelay)
	if strings.Contains(fmt.Sprint(w.events), "secret-id") {
		t.Errorf("the id shows in %s", w.events)
	}
	var got []string
	for _, r := range w.records() {
		text, err := json.Marshal([]any{r.RequestParameters, r.ResponseElements})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %v %s %s %s", r.EventTime, r.EventName, r.ReadOnly, r.EventCategory, r.ErrorCode, text))
	}
	hidden := `{"datastoreId":"` + w.id + `","resourceId":"HIDDEN_DUE_TO_SECURITY_REASONS","resourceType":"Patient"}`
	want := []string{
		`2026-03-01T12:01:00Z UpdateResource false Management  [` + hidden + `,{"statusCode":201}]`,
		`2026-03-01T12:01:00Z DeleteResource false Management  [` + hidden + `,{"statusCode":204}]`,
		`2026-03-01T12:01:00Z DeleteResource false Management ResourceNotFoundException [` + hidden + `,null]`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Tests make records late, out of order, twice and lost.
func TestDeliveryIsBestEffort(t *testing.T) {
	w := newWorld(t)
	w.logging()
	delays := [][]time.Duration{{time.Hour}, {time.Minute, time.Minute}, nil, {time.Second}}
	w.s.SetDelivery(func(cloudtrail.Record) []time.Duration { d := delays[0]; delays = delays[1:]; return d })
	var ids []string
	for i := range 4 {
		w.put(fmt.Sprint(i))
	}
	w.clock.Advance(2 * time.Hour)
	for _, r := range w.records() {
		ids = append(ids, r.RequestID)
	}
	var put []string
	for _, e := range w.d.Journal.Latest() {
		if e.Action == "UpdateResource" {
			put = append(put, e.RequestID)
		}
	}
	if want := []string{put[3], put[1], put[1], put[0]}; strings.Join(ids, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, want %v", ids, want)
	}
	// EventBridge that fails for a moment gets them later; one that goes on failing, never.
	w.s.SetDelivery(func(cloudtrail.Record) []time.Duration { return []time.Duration{0} })
	w.broken = errors.New("down")
	w.put("a")
	w.clock.Advance(time.Second)
	w.broken = nil
	w.clock.Advance(time.Minute)
	if n := len(w.records()); n != 1 {
		t.Errorf("%d records after EventBridge has recovered", n)
	}
}

func TestSelectorsAndLogging(t *testing.T) {
	w := newWorld(t)
	w.logging()
	count := func() int {
		w.put("p")
		w.clock.Advance(time.Minute)
		return len(w.records())
	}
	no := false
	for _, c := range []struct {
		in   cloudtrail.PutEventSelectorsInput
		want int
	}{
		{cloudtrail.PutEventSelectorsInput{EventSelectors: []cloudtrail.EventSelector{{ReadWriteType: "WriteOnly"}}}, 1},
		{cloudtrail.PutEventSelectorsInput{EventSelectors: []cloudtrail.EventSelector{{ReadWriteType: "ReadOnly"}}}, 0},
		{cloudtrail.PutEventSelectorsInput{EventSelectors: []cloudtrail.EventSelector{{IncludeManagementEvents: &no}}}, 0},
		{advanced(cloudtrail.AdvancedFieldSelector{Field: "readOnly", Equals: []string{"false"}}), 1},
		{advanced(cloudtrail.AdvancedFieldSelector{Field: "readOnly", Equals: []string{"true"}}), 0},
		{advanced(cloudtrail.AdvancedFieldSelector{Field: "eventSource", NotStartsWith: []string{"healthlake."}}), 0},
		{advanced(cloudtrail.AdvancedFieldSelector{Field: "eventName", EndsWith: []string{"Resource"}}), 1},
	} {
		c.in.TrailName = "audit"
		w.do("PutEventSelectors", &c.in)
		if got := count(); got != c.want {
			t.Errorf("%+v: %d records", c.in, got)
		}
	}
	w.do("StopLogging", &cloudtrail.NameInput{Name: "arn:aws:cloudtrail:us-east-1:000000000000:trail/audit"})
	if status := w.do("GetTrailStatus", &cloudtrail.NameInput{Name: "audit"}).(*cloudtrail.GetTrailStatusOutput); status.IsLogging || status.StopLoggingTime == nil {
		t.Errorf("%+v", status)
	}
	w.do("DeleteTrail", &cloudtrail.NameInput{Name: "audit"})
	if got := count(); got != 0 {
		t.Errorf("%d records without a trail", got)
	}
	for _, in := range []cloudtrail.PutEventSelectorsInput{{}, {EventSelectors: []cloudtrail.EventSelector{{ReadWriteType: "Some"}}},
		{EventSelectors: []cloudtrail.EventSelector{{DataResources: []cloudtrail.DataResource{{Type: "AWS::S3::Object"}}}}},
		advanced(cloudtrail.AdvancedFieldSelector{Field: "resources.type", Equals: []string{"x"}})} {
		if code := w.code("PutEventSelectors", &in); code != "InvalidEventSelectorsException" {
			t.Errorf("%+v: %s", in, code)
		}
	}
}

func advanced(f cloudtrail.AdvancedFieldSelector) cloudtrail.PutEventSelectorsInput {
	return cloudtrail.PutEventSelectorsInput{AdvancedEventSelectors: []cloudtrail.AdvancedEventSelector{{FieldSelectors: []cloudtrail.AdvancedFieldSelector{
		{Field: "eventCategory", Equals: []string{"Management"}}, f}}}}
}

func TestTrails(t *testing.T) {
	w := newWorld(t)
	prefix := "carepath"
	made := w.do("CreateTrail", &cloudtrail.CreateTrailInput{Name: "audit", Settings: cloudtrail.Settings{S3BucketName: "logs", S3KeyPrefix: &prefix}, TagsList: []cloudtrail.Tag{{Key: "a", Value: "1"}}}).(*cloudtrail.TrailOutput)
	if made.TrailARN != "arn:aws:cloudtrail:us-east-1:000000000000:trail/audit" || !made.IncludeGlobalServiceEvents || made.IsMultiRegionTrail {
		t.Errorf("%+v", made)
	}
	multi := true
	w.do("UpdateTrail", &cloudtrail.UpdateTrailInput{Name: "audit", Settings: cloudtrail.Settings{IsMultiRegionTrail: &multi}})
	list := w.do("DescribeTrails", &cloudtrail.DescribeTrailsInput{}).(*cloudtrail.DescribeTrailsOutput)
	if len(list.TrailList) != 1 || !list.TrailList[0].IsMultiRegionTrail || list.TrailList[0].HasCustomEventSelectors || list.TrailList[0].S3KeyPrefix != prefix {
		t.Errorf("%+v", list)
	}
	w.do("AddTags", &cloudtrail.TagsInput{ResourceID: made.TrailARN, TagsList: []cloudtrail.Tag{{Key: "b", Value: "2"}}})
	w.do("RemoveTags", &cloudtrail.TagsInput{ResourceID: made.TrailARN, TagsList: []cloudtrail.Tag{{Key: "a"}}})
	tags := w.do("ListTags", &cloudtrail.ListTagsInput{ResourceIDList: []string{made.TrailARN}}).(*cloudtrail.ListTagsOutput)
	if fmt.Sprint(tags.ResourceTagList[0].TagsList) != "[{b 2}]" {
		t.Errorf("%+v", tags)
	}

	// Log files are in the bucket after five minutes.
	w.do("StartLogging", &cloudtrail.NameInput{Name: "audit"})
	w.put("p")
	w.clock.Advance(5 * time.Minute)
	found := 0
	for key, body := range w.files {
		if !strings.HasPrefix(key, "carepath/AWSLogs/000000000000/CloudTrail/us-east-1/") {
			t.Errorf("an object %s", key)
		}
		if !strings.HasSuffix(key, ".json.gz") {
			continue
		}
		found++
		zip, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Records []cloudtrail.Record }
		if err := json.NewDecoder(zip).Decode(&file); err != nil || len(file.Records) != 1 || file.Records[0].EventName != "UpdateResource" {
			t.Errorf("%+v %v", file, err)
		}
	}
	if found != 1 {
		t.Errorf("%d log files", found)
	}

	settings := cloudtrail.Settings{S3BucketName: "logs"}
	for code, in := range map[string]cloudtrail.CreateTrailInput{
		"TrailAlreadyExistsException":   {Name: "audit", Settings: settings},
		"InvalidTrailNameException":     {Name: "a..b", Settings: settings},
		"InvalidS3BucketNameException":  {Name: "other"},
		"S3BucketDoesNotExistException": {Name: "other", Settings: cloudtrail.Settings{S3BucketName: "none"}},
		"UnsupportedOperationException": {Name: "other", Settings: cloudtrail.Settings{S3BucketName: "logs", SnsTopicName: "x"}},
	} {
		if got := w.code("CreateTrail", &in); got != code {
			t.Errorf("%+v: %s", in, got)
		}
	}
	w.closed = true
	if got := w.code("CreateTrail", &cloudtrail.CreateTrailInput{Name: "other", Settings: settings}); got != "InsufficientS3BucketPolicyException" {
		t.Error(got)
	}
	if got := w.code("GetTrail", &cloudtrail.NameInput{Name: "none"}); got != "TrailNotFoundException" {
		t.Error(got)
	}
}
