package logs_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/store"
)

type world struct {
	*testing.T
	d     *dispatch.Dispatcher
	clock *clock.Driven
}

func newWorld(t *testing.T, s *store.Store) *world {
	t.Helper()
	c := clock.NewDriven(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	d := dispatch.New(c, "000000000000", "us-east-1")
	if _, err := logs.New(d, s); err != nil {
		t.Fatal(err)
	}
	return &world{t, d, c}
}

func (w *world) try(action string, in any) (any, error) {
	return w.d.Do(w.Context(), w.d.Root(), "logs", action, in)
}

func (w *world) do(action string, in any) any {
	w.Helper()
	out, err := w.try(action, in)
	if err != nil {
		w.Fatalf("%s: %v", action, err)
	}
	return out
}

func (w *world) put(stream string, messages ...string) {
	w.Helper()
	in := &logs.PutLogEventsInput{LogGroupName: "g", LogStreamName: stream}
	for _, m := range messages {
		in.LogEvents = append(in.LogEvents, logs.InputLogEvent{Timestamp: w.clock.Now().UnixMilli(), Message: m})
	}
	w.do("PutLogEvents", in)
	w.clock.Advance(time.Second)
}

func (w *world) filter(pattern string) string {
	w.Helper()
	var all []string
	in := &logs.FilterLogEventsInput{LogGroupName: "g", FilterPattern: pattern, Limit: 2}
	for {
		out := w.do("FilterLogEvents", in).(*logs.FilterLogEventsOutput)
		for _, e := range out.Events {
			all = append(all, e.Message)
		}
		if out.NextToken == "" {
			return strings.Join(all, "|")
		}
		in.NextToken = out.NextToken
	}
}

func TestEventsAndPatterns(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.do("CreateLogGroup", map[string]any{"logGroupName": "g"})
	w.do("CreateLogStream", map[string]any{"logGroupName": "g", "logStreamName": "a"})
	w.do("CreateLogStream", map[string]any{"logGroupName": "g", "logStreamName": "b"})
	const info, warn = `{"level":"INFO","n":1,"list":[{"x":true}]}`, `{"level":"WARN","n":5,"why":null}`
	w.put("a", "ERROR one", "two words here")
	w.put("b", info)
	w.put("a", warn)
	all := strings.Join([]string{"ERROR one", "two words here", info, warn}, "|")
	for pattern, want := range map[string]string{
		"":                         all,
		"ERROR":                    "ERROR one",
		`"two words"`:              "two words here",
		"?ERROR ?words":            "ERROR one|two words here",
		`-ERROR -two`:              info + "|" + warn,
		"words here":               "two words here",
		`{ $.level = "INFO" }`:     info,
		`{ $.level = "*A*" }`:      warn,
		`{ $.n > 1 }`:              warn,
		`{ $.n = 1 || $.n >= 5 }`:  info + "|" + warn,
		`{ ($.n = 1) && $.n = 5 }`: "",
		`{ $.level != "INFO" }`:    warn,
		`{ $.list[0].x IS TRUE }`:  info,
		`{ $.why IS NULL }`:        warn,
		`{ $.why NOT EXISTS }`:     info,
		`{ $.["level"] = "INFO" }`: "error",
		`[a, b]`:                   "error",
		`{ $.n `:                   "error",
		`"open`:                    "error",
	} {
		if want == "error" {
			if _, err := w.try("FilterLogEvents", &logs.FilterLogEventsInput{LogGroupName: "g", FilterPattern: pattern}); dispatch.AsError(err).Code != "InvalidParameterException" {
				t.Errorf("%s: %v", pattern, err)
			}
			continue
		}
		if got := w.filter(pattern); got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}
	first := w.do("GetLogEvents", map[string]any{"logGroupName": "g", "logStreamName": "a", "limit": 2, "startFromHead": true}).(*logs.GetLogEventsOutput)
	rest := w.do("GetLogEvents", map[string]any{"logGroupName": "g", "logStreamName": "a", "nextToken": first.NextForwardToken}).(*logs.GetLogEventsOutput)
	end := w.do("GetLogEvents", map[string]any{"logGroupName": "g", "logStreamName": "a", "nextToken": rest.NextForwardToken}).(*logs.GetLogEventsOutput)
	if len(first.Events) != 2 || len(rest.Events) != 1 || rest.Events[0].Message != warn || len(end.Events) != 0 || end.NextForwardToken != rest.NextForwardToken {
		t.Errorf("%+v %+v %+v", first, rest, end)
	}
	last := w.do("GetLogEvents", map[string]any{"logGroupName": "g", "logStreamName": "a", "limit": 1}).(*logs.GetLogEventsOutput)
	if len(last.Events) != 1 || last.Events[0].Message != warn {
		t.Errorf("%+v", last)
	}
	w.do("PutRetentionPolicy", map[string]any{"logGroupName": "g", "retentionInDays": 1})
	w.clock.Advance(24*time.Hour - time.Second)
	if got := w.filter(""); got != warn {
		t.Errorf("after a day: %s", got)
	}
	streams := w.do("DescribeLogStreams", map[string]any{"logGroupName": "g", "orderBy": "LastEventTime", "descending": true}).(*logs.DescribeLogStreamsOutput)
	if len(streams.LogStreams) != 2 || streams.LogStreams[0].LogStreamName != "a" {
		t.Errorf("%+v", streams)
	}
}

func TestAGroupKeepsItsLatestEvents(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.do("CreateLogGroup", map[string]any{"logGroupName": "g"})
	w.do("CreateLogStream", map[string]any{"logGroupName": "g", "logStreamName": "a"})
	text := strings.Repeat("x", 1<<19)
	for i := range 40 {
		w.put("a", fmt.Sprintf("%d %s", i, text))
	}
	groups := w.do("DescribeLogGroups", map[string]any{"logGroupNamePrefix": "g"}).(*logs.DescribeLogGroupsOutput).LogGroups
	if n := groups[0].StoredBytes; n > 16<<20 || n < 15<<20 {
		t.Errorf("%d bytes are kept", n)
	}
	if got := w.filter(""); !strings.HasPrefix(got, "9 ") || !strings.Contains(got, "|39 ") {
		t.Errorf("kept from %.10s", got)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.do("CreateLogGroup", map[string]any{"logGroupName": "g"})
	now := w.clock.Now().UnixMilli()
	for _, c := range []struct {
		action, in, code string
	}{
		{"CreateLogGroup", `{"logGroupName":"g"}`, "ResourceAlreadyExistsException"},
		{"CreateLogGroup", `{"logGroupName":"a b"}`, "InvalidParameterException"},
		{"CreateLogStream", `{"logGroupName":"none","logStreamName":"a"}`, "ResourceNotFoundException"},
		{"PutRetentionPolicy", `{"logGroupName":"g","retentionInDays":2}`, "InvalidParameterException"},
		{"PutLogEvents", fmt.Sprintf(`{"logGroupName":"g","logStreamName":"a","logEvents":[{"timestamp":%d,"message":"x"}]}`, now), "ResourceNotFoundException"},
		{"PutLogEvents", fmt.Sprintf(`{"logGroupName":"g","logStreamName":"a","logEvents":[{"timestamp":%d,"message":"x"},{"timestamp":%d,"message":"x"}]}`, now, now-1), "InvalidParameterException"},
		{"DeleteLogGroup", `{"logGroupName":"none"}`, "ResourceNotFoundException"},
		{"GetLogDelivery", `{"deliveryId":"none"}`, "ResourceNotFoundException"},
	} {
		if _, err := w.try(c.action, []byte(c.in)); dispatch.AsError(err).Code != c.code {
			t.Errorf("%s %s: %v, want %s", c.action, c.in, err, c.code)
		}
	}
	w.do("CreateLogStream", map[string]any{"logGroupName": "g", "logStreamName": "a"})
	out := w.do("PutLogEvents", &logs.PutLogEventsInput{LogGroupName: "g", LogStreamName: "a", LogEvents: []logs.InputLogEvent{{Timestamp: now - 15*86400_000, Message: "old"}}}).(*logs.PutLogEventsOutput)
	if r := out.RejectedLogEventsInfo; r == nil || *r.TooOldLogEventEndIndex != 1 {
		t.Errorf("%+v", out)
	}
}

func TestAGroupsKeyMustLetLogsIn(t *testing.T) {
	w := newWorld(t, store.Memory())
	s := store.Memory()
	if _, err := iam.New(w.d, s); err != nil {
		t.Fatal(err)
	}
	if _, err := kms.New(w.d, s); err != nil {
		t.Fatal(err)
	}
	const root = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"}`
	service := func(without string) string {
		actions := slices.DeleteFunc([]string{"kms:Decrypt*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"}, func(a string) bool { return a == without })
		return `,{"Effect":"Allow","Principal":{"Service":"logs.us-east-1.amazonaws.com"},"Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*",` +
			`"Condition":{"ArnEquals":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:us-east-1:000000000000:log-group:mine"}}}`
	}
	for _, c := range []struct{ policy, group, code string }{
		{"", "mine", "AccessDeniedException"}, {service(""), "other", "AccessDeniedException"},
		{service("kms:Decrypt*"), "mine", "AccessDeniedException"}, {service("kms:Encrypt*"), "mine", "AccessDeniedException"},
		{service("kms:GenerateDataKey*"), "mine", "AccessDeniedException"}, {service("kms:ReEncrypt*"), "mine", "AccessDeniedException"},
		{service(""), "mine", ""},
	} {
		key := w.key(root + c.policy)
		if _, err := w.try("CreateLogGroup", map[string]any{"logGroupName": c.group, "kmsKeyId": key}); (err == nil) != (c.code == "") || err != nil && dispatch.AsError(err).Code != c.code {
			t.Errorf("%s with %q: %v", c.group, c.policy, err)
		}
	}
}

func (w *world) key(statements string) string {
	w.Helper()
	out, err := dispatch.Do[kms.KeyMetadataOutput](w.Context(), w.d, w.d.Root(), "kms", "CreateKey", map[string]any{"Policy": `{"Version":"2012-10-17","Statement":[` + statements + `]}`})
	if err != nil {
		w.Fatal(err)
	}
	return out.KeyMetadata.Arn
}

func TestEventsSurviveACleanStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, s)
	w.do("CreateLogGroup", map[string]any{"logGroupName": "g", "tags": map[string]string{"a": "b"}})
	w.do("CreateLogStream", map[string]any{"logGroupName": "g", "logStreamName": "a"})
	w.put("a", "one", "two")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(path); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w = newWorld(t, s)
	if got := w.filter(""); got != "one|two" {
		t.Error(got)
	}
	tags := w.do("ListTagsForResource", map[string]any{"resourceArn": "arn:aws:logs:us-east-1:000000000000:log-group:g"}).(*logs.ListTagsForResourceOutput)
	if tags.Tags["a"] != "b" {
		t.Error(tags)
	}
}
