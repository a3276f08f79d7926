package asl

import (
	"strings"
	"testing"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/google/go-cmp/cmp"
)

// readerMachine is a distributed Map with a reader's configuration, over getObject or listObjectsV2.
func readerMachine(action, config string) string {
	return `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:` + action + `",
		"Parameters":{"Bucket":"b","Key.$":"$.key"}` + config + `},"ItemProcessor":{"ProcessorConfig":
		{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},
		"Catch":[{"ErrorEquals":["States.ItemReaderFailed"],"Next":"Caught"}]},"Caught":{"Type":"Pass","End":true}}}`
}

func TestItemReaderOfObjects(t *testing.T) {
	for _, c := range []struct{ config, body, want string }{
		{`"InputType":"JSON"`, `[1,[2],{"a":3}]`, `[1,[2],{"a":3}]`},
		{`"InputType":"JSON","MaxItems":2`, `[1,2,3]`, `[1,2]`},
		{`"InputType":"JSON"`, `[]`, `[]`},
		{`"InputType":"JSON"`, `{"a":1}`, `Attempting to map over non-iterable node.`},
		{`"InputType":"JSONL"`, "{\"a\":1}\n\n[2]\n", `[{"a":1},[2]]`},
		{`"InputType":"JSONL","MaxItemsPath":"$.most"`, "1\n2\nnot JSON", `[1]`},
		{`"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW"`, "a,b\n1,\"2,3\"\n4\n5,6,7\n", `[{"a":"1","b":"2,3"},{"a":"4","b":""},{"a":"5","b":"6"}]`},
		{`"InputType":"CSV","CSVHeaderLocation":"GIVEN","CSVHeaders":["x","y"],"CSVDelimiter":"PIPE"`, "1|2\n", `[{"x":"1","y":"2"}]`},
		{`"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW"`, "a,a\n1,2\n", `CSV headers cannot contain duplicates.`},
		{`"InputType":"JSON","MaxItemsPath":"$.none"`, `[1]`, `field MaxItems must be positive`},
	} {
		w := begin(t, readerMachine("getObject", `,"ReaderConfig":{`+c.config+`}`), `{"key":"k","most":1,"none":-1}`, nil)
		w.run(func(task *Task) {
			if !task.ItemReader || task.Resource != "arn:aws:states:::s3:getObject" {
				t.Errorf("%s asks for %+v", c.config, task)
			}
			if diff := cmp.Diff(`{"Bucket":"b","Key":"k"}`, jsonvalue.Text(task.Parameters)); diff != "" {
				t.Error(diff)
			}
			w.e.Complete(task.ID, fields("Body", c.body), w.now)
		})
		got := w.result()
		if v, ok := mustJSON(t, got).(*jsonvalue.Object); ok {
			got = text(v, "Cause")
		}
		if got != c.want {
			t.Errorf("%s over %q gives %s, want %s", c.config, c.body, got, c.want)
		}
	}
}

// Every page of a list is read, up to MaxItems, and each begins where the one before it ended.
func TestItemReaderOfLists(t *testing.T) {
	for _, c := range []struct{ config, want, tokens string }{
		{"", `[{"Key":"1"},{"Key":"2"},{"Key":"3"}]`, " 1 2"},
		{`,"ReaderConfig":{"MaxItems":2}`, `[{"Key":"1"},{"Key":"2"}]`, " 1"},
	} {
		w := begin(t, readerMachine("listObjectsV2", c.config), `{"key":"k"}`, nil)
		var tokens []string
		w.run(func(task *Task) {
			token := text(object(task.Parameters), "ContinuationToken")
			tokens = append(tokens, token)
			next := decimal(int64(len(tokens)))
			w.e.Complete(task.ID, fields("Contents", jsonvalue.NewArray(fields("Key", next)), "IsTruncated", len(tokens) < 3,
				"NextContinuationToken", next), w.now)
		})
		w.want(c.want)
		if got := strings.Join(tokens, " "); got != c.tokens {
			t.Errorf("the pages are asked for with %q, want %q", got, c.tokens)
		}
	}
}

// What the reader's call fails with is the cause of the Map's failure, which its Catch sees.
func TestItemReaderFails(t *testing.T) {
	w := begin(t, readerMachine("getObject", `,"ReaderConfig":{"InputType":"JSON"}`), `{"key":"k"}`, nil)
	w.run(func(task *Task) { w.e.FailTask(task.ID, "S3.NoSuchKeyException", "no such key", w.now) })
	w.want(`{"Error":"States.ItemReaderFailed","Cause":"no such key"}`)
	if !strings.Contains(strings.Join(w.lines, "\n"), `MapRunFailed {"error":"States.ItemReaderFailed","cause":"no such key"}`) {
		t.Errorf("the history does not tell the failure: %s", strings.Join(w.lines, "\n"))
	}
}
