package dynamodb

import (
	"context"
	"strings"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dispatch"
)

const duplicateKeys = "Provided list of item keys contains duplicates"

func (s *Service) batchGetItem(ctx context.Context, c *dispatch.Call, in *BatchGetItemInput) (*BatchGetItemOutput, error) {
	names := sortedKeys(in.RequestItems)
	var check constraints
	check.capacity(in.ReturnConsumedCapacity)
	check.notNull("requestItems", in.RequestItems != nil)
	if in.RequestItems != nil {
		check.requestItems(in.RequestItems, names, nil, "")
	}
	for _, name := range names {
		at, r := "requestItems."+name+".member.", in.RequestItems[name]
		check.notNull(at+"keys", r.Keys != nil)
		if r.Keys != nil && (len(r.Keys) < 1 || len(r.Keys) > 100) {
			check.keys(at+"keys", r.Keys)
		}
		check.attributes(at+"attributesToGet", r.AttributesToGet)
	}
	if err := check.err(); err != nil {
		return nil, err
	}
	projections := make([]*dynamodbexpr.Projection, len(names))
	count := 0
	for i, name := range names {
		r := in.RequestItems[name]
		var err error
		if projections[i], err = readProjection(r.ProjectionExpression, r.AttributesToGet, r.ExpressionAttributeNames); err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, key := range r.Keys {
			if err := checkValues(key); err != nil {
				return nil, err
			}
			text := string(key.AppendJSON(nil))
			if seen[text] {
				return nil, invalid(duplicateKeys)
			}
			seen[text] = true
			if count++; count > 100 {
				return nil, invalid("Too many items requested for the BatchGetItem call")
			}
		}
	}
	if err := in.unknown.check(); err != nil {
		return nil, err
	}
	tables, err := s.tables(ctx, c.Principal, names)
	if err != nil {
		return nil, err
	}
	out := &BatchGetItemOutput{Responses: map[string][]Item{}, UnprocessedKeys: map[string]KeysAndAttributes{}}
	size := 0
	for i, name := range names {
		r := in.RequestItems[name]
		left := r
		left.Keys = nil
		total := units{}
		out.Responses[name] = []Item{}
		for _, key := range r.Keys {
			item, err := tables[i].read(key, projections[i], isTrue(r.ConsistentRead))
			if err != nil {
				return nil, err
			}
			if size+item.Size() > batchLimit {
				left.Keys = append(left.Keys, key)
				continue
			}
			size += item.Size()
			total.add(readUnits(item.Size(), isTrue(r.ConsistentRead)))
			if item != nil {
				out.Responses[name] = append(out.Responses[name], project(projections[i], item))
			}
		}
		if left.Keys != nil {
			out.UnprocessedKeys[name] = left
		}
		if u := consumed(in.ReturnConsumedCapacity, tables[i].name, total); u != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, u)
		}
	}
	return out, nil
}

// batchLimit is the most that a BatchGetItem answers, in bytes.
const batchLimit = 16 << 20

// keys reports a list of keys of the wrong length.
func (c *constraints) keys(path string, keys []Item) {
	shown := make([]string, len(keys))
	for i, key := range keys {
		shown[i] = string(key.AppendJSON(nil))
	}
	rule := "Member must have length greater than or equal to 1"
	if len(keys) > 0 {
		rule = "Member must have length less than or equal to 100"
	}
	c.fail("["+strings.Join(shown, ", ")+"]", path, rule)
}

// tables looks up tables by the names of a request, and checks that the caller may use their keys.
func (s *Service) tables(ctx context.Context, p dispatch.Principal, names []string) ([]*table, error) {
	tables := make([]*table, len(names))
	for i, name := range names {
		var err error
		if tables[i], err = s.table(name); err != nil {
			return nil, err
		}
	}
	for _, t := range tables {
		if err := s.unseal(ctx, p, t); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

func (s *Service) batchWriteItem(ctx context.Context, c *dispatch.Call, in *BatchWriteItemInput) (*BatchWriteItemOutput, error) {
	names := sortedKeys(in.RequestItems)
	if err := checkBatchWrite(in, names); err != nil {
		return nil, err
	}
	total := 0
	for _, name := range names {
		for _, r := range in.RequestItems[name] {
			if err := checkWriteRequest(r); err != nil {
				return nil, err
			}
			total++
		}
	}
	if total > 25 {
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	}
	if err := in.unknown.check(); err != nil {
		return nil, err
	}
	tables, err := s.tables(ctx, c.Principal, names)
	if err != nil {
		return nil, err
	}
	// Every request is checked before the first write.
	writes := make([][]*write, len(names))
	for i, name := range names {
		if writes[i], err = tables[i].prepareBatch(in.RequestItems[name], wantsCapacity(in.ReturnConsumedCapacity)); err != nil {
			return nil, err
		}
	}
	out := &BatchWriteItemOutput{UnprocessedItems: map[string][]WriteRequest{}}
	for i, name := range names {
		cost := units{}
		for j, w := range writes[i] {
			if err := s.one(ctx, c.Principal, w); err != nil {
				if dispatch.AsError(err).Code != "TransactionConflictException" {
					return nil, err
				}
				out.UnprocessedItems[name] = append(out.UnprocessedItems[name], in.RequestItems[name][j])
				continue
			}
			if wantsCapacity(in.ReturnConsumedCapacity) {
				cost.add(w.units())
			}
			if m := w.metrics(in.ReturnItemCollectionMetrics); m != nil {
				if out.ItemCollectionMetrics == nil {
					out.ItemCollectionMetrics = map[string][]ItemCollectionMetrics{}
				}
				out.ItemCollectionMetrics[name] = append(out.ItemCollectionMetrics[name], *m)
			}
		}
		if u := consumed(in.ReturnConsumedCapacity, tables[i].name, cost); u != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, u)
		}
	}
	return out, nil
}

func checkBatchWrite(in *BatchWriteItemInput, names []string) error {
	var check constraints
	check.capacity(in.ReturnConsumedCapacity)
	check.metrics(in.ReturnItemCollectionMetrics)
	check.notNull("requestItems", in.RequestItems != nil)
	if in.RequestItems != nil {
		check.requestItems(in.RequestItems, names, func(name string) bool {
			n := len(in.RequestItems[name])
			return n < 1 || n > 25
		}, "Member must have length less than or equal to 25, Member must have length greater than or equal to 1")
	}
	for _, name := range names {
		for i, r := range in.RequestItems[name] {
			at := "requestItems." + name + ".member." + itoa(i+1) + ".member."
			if r.DeleteRequest != nil {
				check.notNull(at+"deleteRequest.key", r.DeleteRequest.Key != nil)
			}
			if r.PutRequest != nil {
				check.notNull(at+"putRequest.item", r.PutRequest.Item != nil)
			}
		}
	}
	return check.err()
}

func checkWriteRequest(r WriteRequest) error {
	switch {
	case r.PutRequest == nil == (r.DeleteRequest == nil):
		return invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	case r.DeleteRequest != nil:
		return checkValues(r.DeleteRequest.Key)
	}
	if err := checkValues(r.PutRequest.Item); err != nil {
		return err
	}
	if r.PutRequest.Item.Size() > maxItemSize {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return nil
}

// prepareBatch makes the writes of one table and checks them. What is wrong with an item's key is told as of a key.
func (t *table) prepareBatch(requests []WriteRequest, wantOld bool) ([]*write, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	writes := make([]*write, len(requests))
	seen := map[string]bool{}
	for i, r := range requests {
		w := &write{table: t, wantOld: wantOld}
		if r.PutRequest != nil {
			w.item = r.PutRequest.Item
		} else {
			w.key, w.remove = r.DeleteRequest.Key, true
		}
		if err := w.check(); err != nil {
			message := dispatch.AsError(err).Message
			if strings.Contains(message, "Missing the key") || strings.Contains(message, "Type mismatch for key") {
				return nil, invalid(wrongKey)
			}
			return nil, err
		}
		if seen[w.at] {
			return nil, invalid(duplicateKeys)
		}
		seen[w.at] = true
		writes[i] = w
	}
	return writes, nil
}
