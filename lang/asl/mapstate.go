package asl

import (
	"math"
	"strconv"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// mapState runs its processor once for each item of an array
// (https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html).
type mapState struct {
	resultFields
	processor   *workflow
	itemsPath   *path     // nil for the whole input
	selector    *template // ItemSelector, or Parameters of old; nil when absent
	batcher     *batcher
	distributed bool
	reader      *itemReader // nil for none
	writes      bool        // ResultWriter, which is not available
	label       string
	query       *mapQueries // of a JSONata state, else nil

	concurrency     int64 // 0 for no limit of its own
	concurrencyPath *path
	count           int64 // ToleratedFailureCount
	countGiven      bool
	countPath       *path
	percent         float64 // ToleratedFailurePercentage
	percentGiven    bool
	percentPath     *path
}

// batcher is ItemBatcher: several items for one iteration.
type batcher struct {
	items, bytes         int64 // MaxItemsPerBatch, MaxInputBytesPerBatch; 0 for none
	itemsPath, bytesPath *path
	input                *template // BatchInput
	hasInput             bool
}

// How many iterations run at once at most
// (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html and …/state-map-distributed.html).
const (
	maxInline      = 40
	maxDistributed = 10000
)

func (s *mapState) workflows() []*workflow { return []*workflow{s.processor} }

func (s *mapState) run(t *thread, input any) *failure {
	env := &environment{thread: t, input: input}
	concurrency := s.concurrency
	if s.query != nil {
		var f *failure
		if concurrency, f = s.query.concurrency.optional(t, 0); f != nil {
			return f
		}
	}
	if s.concurrencyPath != nil {
		v, f := s.concurrencyPath.evalField(env)
		if f != nil {
			return f
		}
		var ok bool
		if concurrency, ok = lenientInteger(v); !ok {
			return runtimeFailure("The MaxConcurrencyPath field refers to value \"%s\" which is not a valid integer: %s",
				plainText(v), s.concurrencyPath.source)
		}
		if concurrency < 0 {
			return runtimeFailure("MaxConcurrency cannot be negative.")
		}
	}
	if t.mocked() == nil {
		if s.writes {
			return &failure{name: errResultWriterFailed, cause: "ResultWriter is not available here"}
		}
		if s.reader != nil {
			return s.read(t, env, concurrency)
		}
	}
	items, f := s.items(t, env)
	if f != nil {
		return f
	}
	t.inspect("maxConcurrency", jsonvalue.NumberFromInt(concurrency))
	t.recordMapStarted(len(items))
	return s.iterate(t, env, items, concurrency)
}

// iterate begins the iterations.
func (s *mapState) iterate(t *thread, env *environment, items []any, concurrency int64) *failure {
	var f *failure
	a := &activation{owner: t, mapState: s, silent: s.distributed}
	if f := s.tolerance(a, env, len(items)); f != nil {
		return f
	}
	if t.mocked() != nil {
		return s.test(t, env, a, items)
	}
	if s.distributed {
		if s.batcher != nil {
			if items, f = s.batches(t, env, items); f != nil {
				return f
			}
		}
		if s.reader == nil {
			t.recordMapRunStarted(s)
		}
	}
	a.items, a.left = items, len(items)
	a.running, a.results = make([]*thread, len(items)), make([]any, len(items))
	t.children = a
	if len(items) == 0 {
		return s.resume(t)
	}
	t.await(resuming)
	most := int64(maxInline)
	if s.distributed {
		most = maxDistributed
	}
	if concurrency == 0 {
		concurrency = most
	}
	for range min(concurrency, most, int64(len(items))) {
		if f := a.begin(t.last); f != nil {
			a.abandon()
			t.children = nil
			return f
		}
	}
	return nil
}

// test ends a Map state that is tested as its mock says.
func (s *mapState) test(t *thread, env *environment, a *activation, items []any) *failure {
	total := len(items)
	switch {
	case s.batcher != nil && s.distributed:
		batches, f := s.batches(t, env, items)
		if f != nil {
			return f
		}
		t.inspect("afterItemBatcher", &jsonvalue.Array{Items: batches})
		total = len(batches)
	case s.selects():
		selected := make([]any, len(items))
		for i, item := range items {
			var f *failure
			if selected[i], f = s.selectItem(t, mapItem(i, item)); f != nil {
				return f
			}
		}
		t.inspect("afterItemSelector", &jsonvalue.Array{Items: selected})
	}
	run := t.e.test
	result, f := run.mapResult(total, !s.countGiven && !s.percentGiven || a.tolerate(run.Failures))
	if f != nil {
		return f
	}
	return s.finish(t, result)
}

func (s *mapState) items(t *thread, env *environment) ([]any, *failure) {
	if t.mocked() != nil && s.reader != nil {
		return t.e.test.ItemData.Items, nil
	}
	if s.query != nil {
		return s.query.itemsOf(t)
	}
	v := env.input
	if s.itemsPath != nil {
		var f *failure
		if v, f = s.itemsPath.evalField(env); f != nil {
			return nil, f
		}
		if _, ok := v.(*jsonvalue.Array); !ok {
			return nil, runtimeFailure("Reference path \"%s\" must point to array.", referenceText(s.itemsPath))
		}
	}
	a, ok := v.(*jsonvalue.Array)
	if !ok {
		return nil, runtimeFailure("Reference path \"$\" must point to array.")
	}
	t.inspect("afterItemsPath", a)
	return a.Items, nil
}

// referenceText is a reference path as the message about a Map's items writes it.
func referenceText(p *path) string {
	if p.kind == inContext {
		return p.source[1:]
	}
	return p.source
}

func (s *mapState) resume(t *thread) *failure {
	if t.reading != nil {
		return s.hasRead(t)
	}
	if s.distributed {
		t.recordAside("MapRunSucceeded", "")
	}
	t.recordAside("MapStateSucceeded", "")
	return s.finish(t, t.gather())
}

// begin begins the next iteration, if there is one, after an event.
func (a *activation) begin(follow int64) *failure {
	if a.begun >= len(a.items) {
		return nil
	}
	i := a.begun
	a.begun++
	o := a.owner
	t := a.child(i, a.mapState.processor, a.items[i])
	t.last, t.tail = follow, follow
	t.item = mapItem(i, a.items[i])
	if a.silent {
		t.log = &eventLog{last: 1}
		t.last, t.tail = 0, 0
	} else {
		t.recordIteration("MapIterationStarted", "mapIterationStartedEventDetails")
	}
	if a.mapState.selects() && a.mapState.batcher == nil {
		v, f := a.mapState.selectItem(o, t.item)
		if f != nil {
			return f
		}
		t.input = v
	}
	o.e.push(t)
	return nil
}

func mapItem(i int, v any) *jsonvalue.Object {
	return fields("Index", jsonvalue.NumberFromInt(int64(i)), "Value", v)
}

// selects reports whether the state has an ItemSelector.
func (s *mapState) selects() bool {
	return s.selector != nil || s.query != nil && s.query.selector != nil
}

// selectItem applies ItemSelector: in the Map state, with the item in the context object.
func (s *mapState) selectItem(owner *thread, item *jsonvalue.Object) (any, *failure) {
	at := *owner
	at.item, at.context = item, nil
	if s.query != nil {
		return s.query.selector.evaluate(at.queries())
	}
	return s.selector.evaluate(&environment{thread: &at, input: owner.effective})
}

// tolerance finds out how many iterations may fail.
func (s *mapState) tolerance(a *activation, env *environment, total int) *failure {
	count, percent := s.count, s.percent
	if s.query != nil {
		var f *failure
		if count, percent, f = s.query.tolerance(a.owner); f != nil {
			return f
		}
	}
	if s.countPath != nil {
		v, f := s.countPath.evalField(env)
		if f != nil {
			return f
		}
		var ok bool
		if count, ok = lenientInteger(v); !ok {
			return runtimeFailure("The ToleratedFailureCountPath field refers to value \"%s\" which is not a valid integer: %s",
				plainText(v), s.countPath.source)
		}
		if count < 0 {
			return runtimeFailure("ToleratedFailureCount cannot be negative.")
		}
	}
	if s.percentPath != nil {
		v, f := s.percentPath.evalField(env)
		if f != nil {
			return f
		}
		var err error
		if percent, err = strconv.ParseFloat(numberText(v), 64); err != nil || math.IsNaN(percent) {
			return runtimeFailure("The ToleratedFailurePercentagePath field refers to value \"%s\" which is not a valid float: %s",
				plainText(v), s.percentPath.source)
		}
		if percent < 0 || percent > 100 {
			return runtimeFailure("ToleratedFailurePercentage must be between 0 and 100.")
		}
	}
	if t := a.owner; t.e.test != nil {
		if s.countGiven {
			t.inspect("toleratedFailureCount", jsonvalue.NumberFromInt(count))
		}
		if s.percentGiven {
			t.inspect("toleratedFailurePercentage", jsonvalue.Number(strconv.FormatFloat(percent, 'f', -1, 64)))
		}
	}
	a.tolerate = func(failures int) bool {
		return int64(failures) <= count || float64(failures)*100 <= percent*float64(total)
	}
	return nil
}

// numberText is the text of a number, or of a string that may hold one.
func numberText(v any) string {
	switch v := v.(type) {
	case jsonvalue.Number:
		return string(v)
	case string:
		return v
	}
	return ""
}

// lenientInteger reads whole numbers also from strings, as MaxConcurrencyPath and ToleratedFailureCountPath allow.
func lenientInteger(v any) (int64, bool) { return jsonvalue.Number(numberText(v)).Int64() }

// batches makes the inputs of the iterations: objects with Items and, if there is one, BatchInput.
func (s *mapState) batches(t *thread, env *environment, items []any) ([]any, *failure) {
	b := s.batcher
	limit, bytes := b.items, b.bytes
	for _, field := range []struct {
		name  string
		path  *path
		value *int64
	}{{"MaxItemsPerBatchPath", b.itemsPath, &limit}, {"MaxInputBytesPerBatchPath", b.bytesPath, &bytes}} {
		if field.path == nil {
			continue
		}
		v, f := field.path.evalField(env)
		if f != nil {
			return nil, f
		}
		n, ok := lenientInteger(v)
		if !ok || n <= 0 {
			return nil, runtimeFailure("The %s field refers to value \"%s\" which is not a valid integer: %s", field.name,
				plainText(v), field.path.source)
		}
		*field.value = n
	}
	var input any
	if s.query != nil {
		var f *failure
		if limit, bytes, input, f = s.query.batching(t); f != nil {
			return nil, f
		}
	}
	if b.input != nil {
		var f *failure
		if input, f = b.input.evaluate(env); f != nil {
			return nil, f
		}
	}
	var batches []any
	var batch *jsonvalue.Array
	var size int64
	for i, item := range items {
		if s.selects() {
			var f *failure
			if item, f = s.selectItem(t, mapItem(i, item)); f != nil {
				return nil, f
			}
		}
		n := int64(maxData - room(item, maxData))
		if batch == nil || limit > 0 && int64(batch.Len()) >= limit || bytes > 0 && size+n > bytes {
			batch, size = &jsonvalue.Array{}, 0
			o := &jsonvalue.Object{}
			if b.hasInput {
				o.Set("BatchInput", input)
			}
			o.Set("Items", batch)
			batches = append(batches, o)
		}
		batch.Items = append(batch.Items, item)
		size += n
	}
	return batches, nil
}

func (t *thread) recordMapStarted(length int) {
	id, previous := t.number()
	if t.recording() {
		t.emit(id, previous, "MapStateStarted", "mapStateStartedEventDetails", fields("length", jsonvalue.NumberFromInt(int64(length))))
	}
}

// recordMapRunStarted records the Map Run, whose ARN is
// arn:aws:states:<region>:<account>:mapRun:<machine>/<label>:<uuid>.
func (t *thread) recordMapRunStarted(s *mapState) {
	id, previous := t.number()
	if !t.recording() {
		return
	}
	account := "000000000000"
	if parts := splitARN(t.e.in.StateMachineARN); parts != nil {
		account = parts[4]
	}
	label := s.label
	if label == "" {
		label = t.state.name
	}
	arn := "arn:aws:states:" + t.e.region + ":" + account + ":mapRun:" + t.e.in.StateMachineName + "/" + label + ":" + t.e.newID()
	t.emit(id, previous, "MapRunStarted", "mapRunStartedEventDetails", fields("mapRunArn", arn))
}
