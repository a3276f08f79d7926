package asl

import (
	"github.com/carepath/carepath/lang/jsonpath"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// compiler turns a definition that has passed [validate] into a [Machine].
type compiler struct {
	express bool
	jsonata bool // the machine's query language
}

func (c *compiler) machine(doc *jsonvalue.Object) *Machine {
	c.jsonata = isJSONata(doc, false)
	m := &Machine{express: c.express, comment: text(doc, "Comment")}
	m.timeout, _ = integer(value(doc, "TimeoutSeconds"))
	m.root = c.workflow(doc)
	return m
}

func value(o *jsonvalue.Object, name string) any {
	v, _ := o.Get(name)
	return v
}

func text(o *jsonvalue.Object, name string) string {
	s, _ := value(o, name).(string)
	return s
}

func has(o *jsonvalue.Object, name string) bool {
	_, ok := o.Get(name)
	return ok
}

func object(v any) *jsonvalue.Object {
	o, _ := v.(*jsonvalue.Object)
	return o
}

func list(v any) []any {
	if a, ok := v.(*jsonvalue.Array); ok {
		return a.Items
	}
	return nil
}

func texts(v any) []string {
	var all []string
	for _, item := range list(v) {
		s, _ := item.(string)
		all = append(all, s)
	}
	return all
}

func (c *compiler) workflow(o *jsonvalue.Object) *workflow {
	w := &workflow{}
	states := object(value(o, "States"))
	for name := range states.All() {
		w.states = append(w.states, &state{name: name})
	}
	for i, m := range states.Members() {
		c.state(w, w.states[i], object(m.Value))
	}
	w.start = w.find(text(o, "StartAt"))
	return w
}

func (c *compiler) state(w *workflow, s *state, o *jsonvalue.Object) {
	s.kind = text(o, "Type")
	s.entered, s.exited, s.aborted = s.kind+"StateEntered", s.kind+"StateExited", s.kind+"StateAborted"
	jsonata := isJSONata(o, c.jsonata)
	s.next = w.find(text(o, "Next"))
	if jsonata {
		own := outcomeOf(o, "")
		s.own = &own
	} else {
		s.inputPath, s.outputPath = fieldPathOf(o, "InputPath"), fieldPathOf(o, "OutputPath")
		s.assign = templateOf(o, "Assign")
	}
	for _, r := range list(value(o, "Retry")) {
		s.retriers = append(s.retriers, compileRetrier(object(r)))
	}
	for i, v := range list(value(o, "Catch")) {
		r := object(v)
		if jsonata {
			own := outcomeOf(r, index("Catch", i)+"/")
			s.catchers = append(s.catchers, catcher{errors: texts(value(r, "ErrorEquals")), own: &own, next: w.find(text(r, "Next"))})
			continue
		}
		path, discard := referencePathOf(r, "ResultPath")
		s.catchers = append(s.catchers, catcher{errors: texts(value(r, "ErrorEquals")), path: path, discard: discard,
			assign: templateOf(r, "Assign"), next: w.find(text(r, "Next"))})
	}
	s.behaviour = c.behaviour(w, s, o)
}

func (c *compiler) behaviour(w *workflow, s *state, o *jsonvalue.Object) behaviour {
	switch s.kind {
	case "Pass":
		b := &passState{resultFields: resultFieldsOf(o)}
		if b.result, b.hasResult = o.Get("Result"); b.hasResult {
			s.inputPath = fieldPath{} // neither it nor Parameters is looked at, as TestState shows
		} else {
			b.parameters = templateOf(o, "Parameters")
		}
		return b
	case "Task":
		return compileTask(o, s.own != nil)
	case "Choice":
		b := &choiceState{fallback: w.find(text(o, "Default"))}
		for i, v := range list(value(o, "Choices")) {
			r := object(v)
			if s.own != nil {
				own := outcomeOf(r, index("Choices", i)+"/")
				b.rules = append(b.rules, choiceRule{condition: queryOf(r, index("Choices", i)+"/", "Condition"), own: &own,
					next: w.find(text(r, "Next"))})
				continue
			}
			b.rules = append(b.rules, choiceRule{test: compileTest(r), next: w.find(text(r, "Next")), assign: templateOf(r, "Assign")})
		}
		return b
	case "Wait":
		return compileWait(o, s.own != nil)
	case "Succeed":
		return succeedState{}
	case "Fail":
		b := &failState{err: text(o, "Error"), cause: text(o, "Cause"), errPath: valueOf(o, "ErrorPath"), causePath: valueOf(o, "CausePath")}
		if s.own != nil {
			return &failState{errQuery: queryOf(o, "", "Error"), causeQuery: queryOf(o, "", "Cause")}
		}
		_, b.hasErr = o.Get("Error")
		_, b.hasCause = o.Get("Cause")
		return b
	case "Parallel":
		b := &parallelState{resultFields: resultFieldsOf(o), parameters: templateOf(o, "Parameters")}
		if s.own != nil {
			b.arguments = queryOf(o, "", "Arguments")
		}
		for _, v := range list(value(o, "Branches")) {
			b.branches = append(b.branches, c.workflow(object(v)))
		}
		return b
	}
	return c.mapState(o, s.own != nil)
}

func compileTask(o *jsonvalue.Object, jsonata bool) *taskState {
	if jsonata {
		b := &taskState{resourceText: text(o, "Resource"), arguments: staticArguments(value(o, "Arguments"))}
		b.resource, _ = ParseResource(b.resourceText) // validate has seen to it
		b.query = &taskQueries{arguments: queryOf(o, "", "Arguments"), timeout: queryOf(o, "", "TimeoutSeconds"),
			heartbeat: queryOf(o, "", "HeartbeatSeconds")}
		if credentials := object(value(o, "Credentials")); credentials != nil {
			b.query.role = queryOf(credentials, "Credentials/", "RoleArn")
		}
		return b
	}
	b := &taskState{resultFields: resultFieldsOf(o), resourceText: text(o, "Resource"), parameters: templateOf(o, "Parameters"),
		arguments: value(o, "Parameters"), timeoutPath: valueOf(o, "TimeoutSecondsPath"),
		heartbeatPath: valueOf(o, "HeartbeatSecondsPath"), credentials: templateOf(o, "Credentials")}
	b.resource, _ = ParseResource(b.resourceText) // validate has seen to it
	b.timeout, _ = integer(value(o, "TimeoutSeconds"))
	b.heartbeat, _ = integer(value(o, "HeartbeatSeconds"))
	return b
}

func compileWait(o *jsonvalue.Object, jsonata bool) *waitState {
	if jsonata {
		b := &waitState{query: queryOf(o, "", "Seconds")}
		if b.query == nil {
			b.query = queryOf(o, "", "Timestamp")
		}
		return b
	}
	b := &waitState{secondsPath: valueOf(o, "SecondsPath"), timestampPath: valueOf(o, "TimestampPath")}
	b.seconds, b.hasSeconds = integer(value(o, "Seconds"))
	b.until, _ = parseTimestamp(text(o, "Timestamp"))
	return b
}

func (c *compiler) mapState(o *jsonvalue.Object, jsonata bool) *mapState {
	b := &mapState{resultFields: resultFieldsOf(o), itemsPath: valueOf(o, "ItemsPath"), selector: templateOf(o, "ItemSelector"),
		label: text(o, "Label"), concurrencyPath: valueOf(o, "MaxConcurrencyPath"), countPath: valueOf(o, "ToleratedFailureCountPath"),
		percentPath: valueOf(o, "ToleratedFailurePercentagePath")}
	if b.selector == nil {
		b.selector = templateOf(o, "Parameters")
	}
	if jsonata {
		b.query, b.selector = compileMapQueries(o), nil
	}
	b.concurrency, _ = integer(value(o, "MaxConcurrency"))
	b.count, _ = integer(value(o, "ToleratedFailureCount"))
	if n, ok := value(o, "ToleratedFailurePercentage").(jsonvalue.Number); ok {
		b.percent = n.Float64()
	}
	processor := object(value(o, "ItemProcessor"))
	if processor == nil {
		processor = object(value(o, "Iterator"))
	}
	b.processor = c.workflow(processor)
	b.distributed = text(object(value(processor, "ProcessorConfig")), "Mode") == "DISTRIBUTED"
	b.reader = itemReaderOf(o, jsonata)
	_, b.writes = o.Get("ResultWriter")
	b.countGiven = has(o, "ToleratedFailureCount") || has(o, "ToleratedFailureCountPath")
	b.percentGiven = has(o, "ToleratedFailurePercentage") || has(o, "ToleratedFailurePercentagePath")
	if batches := object(value(o, "ItemBatcher")); batches != nil {
		b.batcher = &batcher{itemsPath: valueOf(batches, "MaxItemsPerBatchPath"), bytesPath: valueOf(batches, "MaxInputBytesPerBatchPath"),
			input: templateOf(batches, "BatchInput")}
		if jsonata {
			b.batcher.input = nil
		}
		_, b.batcher.hasInput = batches.Get("BatchInput")
		b.batcher.items, _ = integer(value(batches, "MaxItemsPerBatch"))
		b.batcher.bytes, _ = integer(value(batches, "MaxInputBytesPerBatch"))
	}
	return b
}

func compileRetrier(o *jsonvalue.Object) retrier {
	r := retrier{errors: texts(value(o, "ErrorEquals")), interval: 1, maxAttempts: 3, backoffRate: 2,
		jitter: text(o, "JitterStrategy") == "FULL"}
	if n, ok := value(o, "IntervalSeconds").(jsonvalue.Number); ok {
		r.interval = n.Float64()
	}
	if n, ok := value(o, "BackoffRate").(jsonvalue.Number); ok {
		r.backoffRate = n.Float64()
	}
	if n, ok := value(o, "MaxDelaySeconds").(jsonvalue.Number); ok {
		r.maxDelay = n.Float64()
	}
	if n, ok := integer(value(o, "MaxAttempts")); ok {
		r.maxAttempts = int(n)
	}
	return r
}

func compileTest(o *jsonvalue.Object) choiceTest {
	if v, has := o.Get("Not"); has {
		return notTest{compileTest(object(v))}
	}
	for _, combination := range []string{"And", "Or"} {
		v, has := o.Get(combination)
		if !has {
			continue
		}
		var tests []choiceTest
		for _, operand := range list(v) {
			tests = append(tests, compileTest(object(operand)))
		}
		if combination == "And" {
			return andTest(tests)
		}
		return orTest(tests)
	}
	test := &comparison{variable: valueOf(o, "Variable")}
	for name, operand := range o.All() {
		operator, known := choiceOperators[name]
		if !known {
			continue
		}
		test.operator, test.value = operator, operand
		switch {
		case operator.path:
			test.valuePath = valueOf(o, name)
		case operator.kind == patternOperand:
			pattern, _ := operand.(string)
			test.pattern = compilePattern(pattern)
		}
	}
	return test
}

func fieldPathOf(o *jsonvalue.Object, name string) fieldPath {
	v, has := o.Get(name)
	if !has {
		return fieldPath{}
	}
	if v == nil {
		return fieldPath{null: true}
	}
	p := valueOf(o, name)
	if p != nil && p.kind == inInput && p.jsonPath.IsRoot() {
		p = nil
	}
	return fieldPath{path: p}
}

// valueOf compiles a field that is a path or an intrinsic function; nil when it is absent.
func valueOf(o *jsonvalue.Object, name string) *path {
	source, ok := value(o, name).(string)
	if !ok {
		return nil
	}
	p, err := compileValue(source)
	if err != nil {
		return nil
	}
	return p
}

func templateOf(o *jsonvalue.Object, name string) *template {
	v, has := o.Get(name)
	if !has {
		return nil
	}
	return compileTemplate(v, func(string) {})
}

func referencePathOf(o *jsonvalue.Object, name string) (path referencePath, discard bool) {
	v, has := o.Get(name)
	if !has {
		return referencePath{source: "$"}, false
	}
	source, _ := v.(string)
	compiled, err := jsonpath.Compile(source)
	if v == nil || err != nil {
		return referencePath{}, true
	}
	return referencePath{source: source, steps: compiled.Steps()}, false
}

func resultFieldsOf(o *jsonvalue.Object) resultFields {
	path, discard := referencePathOf(o, "ResultPath")
	return resultFields{selector: templateOf(o, "ResultSelector"), path: path, discard: discard}
}
