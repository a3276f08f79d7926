package dynamodb

import (
	"context"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dispatch"
)

func (s *Service) getItem(ctx context.Context, c *dispatch.Call, in *GetItemInput) (*GetItemOutput, error) {
	var check constraints
	check.capacity(in.ReturnConsumedCapacity)
	check.attributes("attributesToGet", in.AttributesToGet)
	check.tableName(in.TableName)
	check.notNull("key", in.Key != nil)
	if err := check.err(); err != nil {
		return nil, err
	}
	projection, err := readProjection(in.ProjectionExpression, in.AttributesToGet, in.ExpressionAttributeNames, in.Key)
	if err != nil {
		return nil, err
	}
	if err := in.unknown.check(); err != nil {
		return nil, err
	}
	t, err := s.table(*in.TableName)
	if err != nil {
		return nil, err
	}
	if err := s.unseal(ctx, c.Principal, t); err != nil {
		return nil, err
	}
	item, err := t.read(in.Key, projection, isTrue(in.ConsistentRead))
	if err != nil {
		return nil, err
	}
	out := &GetItemOutput{ConsumedCapacity: consumed(in.ReturnConsumedCapacity, t.name, readUnits(item.Size(), isTrue(in.ConsistentRead)))}
	out.Item = project(projection, item)
	return out, nil
}

// readProjection checks the parameters of a read of a key and compiles its projection, which is nil for all attributes.
func readProjection(expression *string, attributes []string, names map[string]string, keys ...Item) (*dynamodbexpr.Projection, error) {
	err := checkMixture(names, nil, []parameter{{"ProjectionExpression", expression != nil}}, []parameter{{"AttributesToGet", attributes != nil}})
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if err := checkValues(key); err != nil {
			return nil, err
		}
	}
	if err := checkAttributesToGet(attributes); err != nil {
		return nil, err
	}
	if attributes != nil {
		return dynamodbexpr.Attributes(attributes...), nil
	}
	if expression == nil {
		return nil, nil
	}
	env, err := dynamodbexpr.NewEnvironment(names, nil)
	if err != nil {
		return nil, refused(err)
	}
	projection, err := env.Projection(*expression)
	if err != nil {
		return nil, refused(err)
	}
	return projection, refused(env.Unused())
}

func project(p *dynamodbexpr.Projection, item Item) Item {
	if p == nil || item == nil {
		return item
	}
	return p.Of(item)
}

func nestedOf(p *dynamodbexpr.Projection) map[string]bool {
	if p == nil {
		return nil
	}
	nested := map[string]bool{}
	for _, path := range p.Paths {
		if len(path) > 1 {
			nested[path.Head()] = true
		}
	}
	return nested
}

// read returns the item of a key, nil when there is none.
func (t *table) read(key Item, projection *dynamodbexpr.Projection, consistent bool) (Item, error) {
	space, unlock, err := t.lock(consistent)
	if err != nil {
		return nil, err
	}
	e, err := t.lookUp(space, key, projection)
	unlock()
	if e == nil || err != nil {
		return nil, err
	}
	return e.item()
}

func (t *table) lookUp(s *space, key Item, projection *dynamodbexpr.Projection) (*entry, error) {
	if t.gone {
		return nil, errNotFound
	}
	if err := t.checkKey(key); err != nil {
		return nil, err
	}
	if err := t.checkNested(nestedOf(projection)); err != nil {
		return nil, err
	}
	e, _ := s.items.get(keyOf(t.keys, key))
	return e, nil
}

func (s *Service) putItem(ctx context.Context, c *dispatch.Call, in *PutItemInput) (*WriteOutput, error) {
	var check constraints
	check.capacity(in.ReturnConsumedCapacity)
	check.tableName(in.TableName)
	check.notNull("item", in.Item != nil)
	check.conditional(in.ConditionalOperator)
	check.expected(in.Expected)
	check.returnValues(in.ReturnValues)
	check.metrics(in.ReturnItemCollectionMetrics)
	check.onFailure("returnValuesOnConditionCheckFailure", in.ReturnValuesOnConditionCheckFailure)
	if err := check.err(); err != nil {
		return nil, err
	}
	err := checkMixture(in.ExpressionAttributeNames, in.ExpressionAttributeValues,
		[]parameter{{"ConditionExpression", in.ConditionExpression != nil}}, []parameter{{"Expected", in.Expected != nil}})
	if err != nil {
		return nil, err
	}
	if err := checkValues(in.Item); err != nil {
		return nil, err
	}
	if in.ReturnValues != nil && !is(in.ReturnValues, "ALL_OLD", "NONE") {
		return nil, invalid("ReturnValues can only be ALL_OLD or NONE")
	}
	if in.Item.Size() > maxItemSize {
		return nil, invalid("Item size has exceeded the maximum allowed size")
	}
	w := &write{item: in.Item, tellOld: is(in.ReturnValuesOnConditionCheckFailure, "ALL_OLD")}
	w.wantOld = is(in.ReturnValues, "ALL_OLD") || wantsCapacity(in.ReturnConsumedCapacity)
	out, err := s.single(ctx, c, w, single{&in.unknown, in.TableName, nil, in.ConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues,
		in.Expected, in.ConditionalOperator, in.ReturnConsumedCapacity, in.ReturnItemCollectionMetrics})
	if err != nil {
		return nil, err
	}
	if is(in.ReturnValues, "ALL_OLD") {
		out.Attributes = w.old
	}
	return out, nil
}

// compile compiles a write's expressions.
func (w *write) compile(names map[string]string, values Item, update, condition *string) error {
	if names == nil && values == nil && update == nil && condition == nil {
		return nil
	}
	env, err := dynamodbexpr.NewEnvironment(names, values)
	if err != nil {
		return refused(err)
	}
	if update != nil {
		if w.update, err = env.Update(*update); err != nil {
			return refused(err)
		}
	}
	if condition != nil {
		if w.condition, err = env.Condition("ConditionExpression", *condition); err != nil {
			return refused(err)
		}
	}
	return refused(env.Unused())
}

// single is what PutItem, UpdateItem and DeleteItem have in common.
type single struct {
	unknown             *unknown
	tableName           *string
	update, condition   *string
	names               map[string]string
	values              Item
	expected            map[string]ExpectedAttributeValue
	conditionalOperator *string
	capacity, metrics   *string
}

// single carries out a write whose own parameters were checked. The response has no attributes yet.
func (s *Service) single(ctx context.Context, c *dispatch.Call, w *write, r single) (*WriteOutput, error) {
	var err error
	if w.expected, err = expectations(r.expected); err != nil {
		return nil, err
	}
	w.anyOf = is(r.conditionalOperator, "OR")
	if err := w.compile(r.names, r.values, r.update, r.condition); err != nil {
		return nil, err
	}
	if err := r.unknown.check(); err != nil {
		return nil, err
	}
	if w.table, err = s.table(*r.tableName); err != nil {
		return nil, err
	}
	if err := s.one(ctx, c.Principal, w); err != nil {
		return nil, err
	}
	out := &WriteOutput{ItemCollectionMetrics: w.metrics(r.metrics)}
	if wantsCapacity(r.capacity) {
		out.ConsumedCapacity = consumed(r.capacity, w.table.name, w.units())
	}
	return out, nil
}

func (s *Service) updateItem(ctx context.Context, c *dispatch.Call, in *UpdateItemInput) (*WriteOutput, error) {
	var check constraints
	check.capacity(in.ReturnConsumedCapacity)
	check.tableName(in.TableName)
	check.metrics(in.ReturnItemCollectionMetrics)
	check.returnValues(in.ReturnValues)
	check.notNull("key", in.Key != nil)
	check.conditional(in.ConditionalOperator)
	check.expected(in.Expected)
	check.onFailure("returnValuesOnConditionCheckFailure", in.ReturnValuesOnConditionCheckFailure)
	if err := check.err(); err != nil {
		return nil, err
	}
	err := checkMixture(in.ExpressionAttributeNames, in.ExpressionAttributeValues,
		[]parameter{{"UpdateExpression", in.UpdateExpression != nil}, {"ConditionExpression", in.ConditionExpression != nil}},
		[]parameter{{"AttributeUpdates", in.AttributeUpdates != nil}, {"Expected", in.Expected != nil}})
	if err != nil {
		return nil, err
	}
	if err := checkValues(in.Key); err != nil {
		return nil, err
	}
	w := &write{key: in.Key, tellOld: is(in.ReturnValuesOnConditionCheckFailure, "ALL_OLD"), wantOld: true}
	if in.AttributeUpdates != nil {
		updates := make(map[string]dynamodbexpr.AttributeUpdate, len(in.AttributeUpdates))
		for name, u := range in.AttributeUpdates {
			updates[name] = dynamodbexpr.AttributeUpdate{Action: text(u.Action), Value: u.Value}
		}
		if w.update, err = dynamodbexpr.NewUpdate(updates); err != nil {
			return nil, refused(err)
		}
	}
	out, err := s.single(ctx, c, w, single{&in.unknown, in.TableName, in.UpdateExpression, in.ConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues,
		in.Expected, in.ConditionalOperator, in.ReturnConsumedCapacity, in.ReturnItemCollectionMetrics})
	if err != nil {
		return nil, err
	}
	switch text(in.ReturnValues) {
	case "ALL_OLD":
		out.Attributes = w.old
	case "ALL_NEW":
		out.Attributes = w.new
	case "UPDATED_OLD":
		out.Attributes = w.updated(w.old)
	case "UPDATED_NEW":
		out.Attributes = w.updated(w.new)
	}
	return out, nil
}

// updated is the part of an item that the update is about.
func (w *write) updated(item Item) Item {
	if w.update == nil || item == nil {
		return nil
	}
	return dynamodbexpr.NewProjection(w.update.Paths()).Of(item)
}

func (s *Service) deleteItem(ctx context.Context, c *dispatch.Call, in *DeleteItemInput) (*WriteOutput, error) {
	var check constraints
	check.capacity(in.ReturnConsumedCapacity)
	check.tableName(in.TableName)
	check.returnValues(in.ReturnValues)
	check.metrics(in.ReturnItemCollectionMetrics)
	check.notNull("key", in.Key != nil)
	check.conditional(in.ConditionalOperator)
	check.expected(in.Expected)
	check.onFailure("returnValuesOnConditionCheckFailure", in.ReturnValuesOnConditionCheckFailure)
	if err := check.err(); err != nil {
		return nil, err
	}
	err := checkMixture(in.ExpressionAttributeNames, in.ExpressionAttributeValues,
		[]parameter{{"ConditionExpression", in.ConditionExpression != nil}}, []parameter{{"Expected", in.Expected != nil}})
	if err != nil {
		return nil, err
	}
	if err := checkValues(in.Key); err != nil {
		return nil, err
	}
	if in.ReturnValues != nil && !is(in.ReturnValues, "ALL_OLD", "NONE") {
		return nil, invalid("ReturnValues can only be ALL_OLD or NONE")
	}
	w := &write{key: in.Key, remove: true, tellOld: is(in.ReturnValuesOnConditionCheckFailure, "ALL_OLD"), wantOld: true}
	out, err := s.single(ctx, c, w, single{&in.unknown, in.TableName, nil, in.ConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues,
		in.Expected, in.ConditionalOperator, in.ReturnConsumedCapacity, in.ReturnItemCollectionMetrics})
	if err != nil {
		return nil, err
	}
	if is(in.ReturnValues, "ALL_OLD") {
		out.Attributes = w.old
	}
	return out, nil
}
