package asl

import "github.com/carepath/carepath/lang/jsonvalue"

// mapQueries are the fields of a Map state in JSONata, nil where they are absent.
type mapQueries struct {
	items, selector, concurrency, count, percent *query
	batchItems, batchBytes, batchInput           *query // of ItemBatcher
}

func compileMapQueries(o *jsonvalue.Object) *mapQueries {
	q := &mapQueries{items: queryOf(o, "", "Items"), selector: queryOf(o, "", "ItemSelector"),
		concurrency: queryOf(o, "", "MaxConcurrency"), count: queryOf(o, "", "ToleratedFailureCount"),
		percent: queryOf(o, "", "ToleratedFailurePercentage")}
	if batcher := object(value(o, "ItemBatcher")); batcher != nil {
		q.batchItems = queryOf(batcher, "ItemBatcher/", "MaxItemsPerBatch")
		q.batchBytes = queryOf(batcher, "ItemBatcher/", "MaxInputBytesPerBatch")
		q.batchInput = queryOf(batcher, "ItemBatcher/", "BatchInput")
	}
	return q
}

// optional evaluates a whole number that may be absent, and is then 0.
func (q *query) optional(t *thread, least int64) (int64, *failure) {
	if q == nil {
		return 0, nil
	}
	return q.integer(t.queries(), least)
}

// itemsOf are the items that the state maps over: Items, or the state's input.
func (q *mapQueries) itemsOf(t *thread) ([]any, *failure) {
	if q.items != nil {
		return q.items.array(t.queries())
	}
	a, ok := t.input.(*jsonvalue.Array)
	if !ok {
		return nil, queryFailure("", "Map state input must be an array but was: %s", jsonvalue.Text(t.input))
	}
	return a.Items, nil
}

// tolerance evaluates how many iterations may fail.
func (q *mapQueries) tolerance(t *thread) (count int64, percent float64, f *failure) {
	if count, f = q.count.optional(t, 0); f != nil || q.percent == nil {
		return count, 0, f
	}
	if percent, f = q.percent.number(t.queries(), 0); f == nil && percent > 100 {
		f = queryFailure(q.percent.field, "The %s field must be between 0 and 100 but was: %g", q.percent.field, percent)
	}
	return count, percent, f
}

// batching evaluates ItemBatcher.
func (q *mapQueries) batching(t *thread) (limit, bytes int64, input any, f *failure) {
	if limit, f = q.batchItems.optional(t, 1); f != nil {
		return
	}
	if bytes, f = q.batchBytes.optional(t, 1); f != nil || q.batchInput == nil {
		return
	}
	input, f = q.batchInput.evaluate(t.queries())
	return
}
