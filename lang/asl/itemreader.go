package asl

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// itemReader is ItemReader: where the items of a distributed Map come from
// (https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html).
type itemReader struct {
	resource   string
	list       bool      // listObjectsV2: the items are the objects' descriptions
	parameters *template // of a JSONPath state
	arguments  *query    // of a JSONata state
	static     any       // either as in the definition, for Permissions

	inputType   string   // JSON, JSONL or CSV
	headers     []string // CSVHeaders
	headerFirst bool     // CSVHeaderLocation is FIRST_ROW
	delimiter   rune
	max         int64 // MaxItems; 0 for none
	maxPath     *path
	maxQuery    *query
}

// maxItems is how many items a reader takes at most, whatever MaxItems says.
const maxItems = 100_000_000

// delimiters are the values of CSVDelimiter.
var delimiters = map[string]rune{"": ',', "COMMA": ',', "PIPE": '|', "SEMICOLON": ';', "SPACE": ' ', "TAB": '\t'}

// itemReaderOf compiles a Map state's ItemReader; nil for none.
func itemReaderOf(o *jsonvalue.Object, jsonata bool) *itemReader {
	in := object(value(o, "ItemReader"))
	if in == nil {
		return nil
	}
	r := &itemReader{resource: text(in, "Resource")}
	r.list = strings.HasSuffix(r.resource, ":listObjectsV2")
	config := object(value(in, "ReaderConfig"))
	r.inputType, r.headers = text(config, "InputType"), texts(value(config, "CSVHeaders"))
	r.headerFirst, r.delimiter = text(config, "CSVHeaderLocation") == "FIRST_ROW", delimiters[text(config, "CSVDelimiter")]
	r.max, _ = integer(value(config, "MaxItems"))
	r.maxPath = valueOf(config, "MaxItemsPath")
	if jsonata {
		r.arguments, r.static = queryOf(in, "ItemReader/", "Arguments"), staticArguments(value(in, "Arguments"))
		if config != nil {
			r.maxQuery = queryOf(config, "ItemReader/ReaderConfig/", "MaxItems")
		}
	} else {
		r.parameters, r.static = templateOf(in, "Parameters"), value(in, "Parameters")
	}
	return r
}

// asTask is the call of the reader as a Task would make it.
func (r *itemReader) asTask() *taskState {
	action := "getObject"
	if r.list {
		action = "listObjectsV2"
	}
	return &taskState{resource: Resource{Kind: SDK, Service: "s3", Action: action}, resourceText: r.resource, arguments: r.static}
}

// reading is the progress of an ItemReader.
type reading struct {
	reader      *itemReader
	concurrency int64
	limit       int64 // items at most
	items       []any // of the pages so far
}

func readerFailure(cause string) *failure { return &failure{name: errItemReaderFailed, cause: cause} }

// read asks for the items.
func (s *mapState) read(t *thread, env *environment, concurrency int64) *failure {
	r := s.reader
	var parameters any = &jsonvalue.Object{}
	var f *failure
	switch {
	case r.arguments != nil:
		parameters, f = r.arguments.evaluate(t.queries())
	case r.parameters != nil:
		parameters, f = r.parameters.evaluate(env)
	}
	if f != nil {
		return f
	}
	t.recordMapStarted(0)
	t.recordMapRunStarted(s)
	t.reading = &reading{reader: r, concurrency: concurrency}
	if t.reading.limit, f = r.limit(t, env); f != nil {
		return s.notRead(t, f)
	}
	if !r.list && r.inputType != "JSON" && r.inputType != "JSONL" && r.inputType != "CSV" {
		return s.notRead(t, readerFailure("InputType "+r.inputType+" is not available here"))
	}
	t.ask(&Task{StateName: t.state.name, Resource: r.resource, Parameters: parameters, Attempt: t.retryCount, ItemReader: true})
	return nil
}

// ask starts a task and waits for it.
func (t *thread) ask(task *Task) {
	e := t.e
	t.task = task
	e.lastTask++
	task.ID = e.lastTask
	if e.tasks == nil {
		e.tasks = map[uint64]*thread{}
	}
	e.tasks[task.ID] = t
	e.started = append(e.started, task)
	t.await(resuming)
}

// limit is how many items are taken.
func (r *itemReader) limit(t *thread, env *environment) (int64, *failure) {
	n, f := r.max, (*failure)(nil)
	switch {
	case r.maxQuery != nil:
		n, f = r.maxQuery.optional(t, 0)
	case r.maxPath != nil:
		var v any
		if v, f = r.maxPath.evalField(env); f != nil {
			break
		}
		var ok bool
		if n, ok = lenientInteger(v); !ok {
			f = runtimeFailure("The MaxItemsPath field refers to value \"%s\" which is not a valid integer: %s", plainText(v), r.maxPath.source)
		} else if n < 0 {
			f = readerFailure("field MaxItems must be positive")
		}
	}
	if n == 0 {
		n = maxItems
	}
	return min(n, maxItems), f
}

// notRead is the failure of a Map Run that has begun and has no items.
func (s *mapState) notRead(t *thread, f *failure) *failure {
	t.reading = nil
	t.recordMapRunFailed(f)
	return f
}

// hasRead goes on with the answer to what read has asked.
func (s *mapState) hasRead(t *thread) *failure {
	a, at, asked := t.answered, t.reading, t.task
	t.answered, t.task = taskAnswer{}, nil
	if a.failure != nil {
		return s.notRead(t, readerFailure(a.failure.cause))
	}
	result, _ := a.result.(*jsonvalue.Object)
	var f *failure
	if at.reader.list {
		at.items = append(at.items, list(value(result, "Contents"))...)
		if int64(len(at.items)) < at.limit && value(result, "IsTruncated") == true {
			next := *asked
			parameters := jsonvalue.NewObject(object(asked.Parameters).Members()...)
			parameters.Set("ContinuationToken", value(result, "NextContinuationToken"))
			next.Parameters = parameters
			t.ask(&next)
			return nil
		}
	} else {
		at.items, f = at.reader.parse(text(result, "Body"), at.limit)
	}
	if f != nil {
		return s.notRead(t, f)
	}
	t.reading = nil
	items := at.items[:min(int64(len(at.items)), at.limit)]
	if f := s.iterate(t, &environment{thread: t, input: t.effective}, items, at.concurrency); f != nil {
		return f
	}
	return nil
}

// parse reads the items in the text of an object.
func (r *itemReader) parse(body string, limit int64) ([]any, *failure) {
	switch r.inputType {
	case "CSV":
		return r.parseCSV(body, limit)
	case "JSONL":
		return parseLines(body, limit)
	}
	v, err := jsonvalue.Parse(body)
	if err != nil {
		return nil, readerFailure("The object is not valid JSON.")
	}
	a, ok := v.(*jsonvalue.Array)
	if !ok {
		return nil, readerFailure("Attempting to map over non-iterable node.")
	}
	return a.Items, nil
}

// parseLines reads one item from each line that is not empty.
func parseLines(body string, limit int64) ([]any, *failure) {
	var items []any
	lines := bufio.NewScanner(strings.NewReader(body))
	lines.Buffer(nil, len(body)+1)
	for int64(len(items)) < limit && lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		v, err := jsonvalue.Parse(line)
		if err != nil {
			return nil, readerFailure("The object is not valid JSONL.")
		}
		items = append(items, v)
	}
	return items, nil
}

// parseCSV reads one item from each row: an object of strings. Fields beyond the headers are left out, those that a row
// does not have are empty.
func (r *itemReader) parseCSV(body string, limit int64) ([]any, *failure) {
	rows := csv.NewReader(strings.NewReader(body))
	rows.Comma, rows.FieldsPerRecord, rows.LazyQuotes = r.delimiter, -1, true
	headers := r.headers
	if r.headerFirst {
		first, err := rows.Read()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, readerFailure("The object is not valid CSV.")
		}
		headers = first
	}
	seen := map[string]bool{}
	for _, name := range headers {
		if seen[name] {
			return nil, readerFailure("CSV headers cannot contain duplicates.")
		}
		seen[name] = true
	}
	var items []any
	rows.ReuseRecord = true
	for int64(len(items)) < limit {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, readerFailure("The object is not valid CSV.")
		}
		o := &jsonvalue.Object{}
		for i, name := range headers {
			field := ""
			if i < len(row) {
				field = row[i]
			}
			o.Set(name, field)
		}
		items = append(items, o)
	}
	return items, nil
}
