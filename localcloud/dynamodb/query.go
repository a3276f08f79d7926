package dynamodb

import (
	"context"
	"strings"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dispatch"
)

var selections = []string{"SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"}

func (s *Service) query(ctx context.Context, c *dispatch.Call, in *QueryInput) (*PageOutput, error) {
	var check constraints
	check.enum("select", in.Select, selections...)
	check.name("indexName", in.IndexName, false)
	check.capacity(in.ReturnConsumedCapacity)
	check.conditions("queryFilter", in.QueryFilter)
	check.tableName(in.TableName)
	check.conditional(in.ConditionalOperator)
	check.attributes("attributesToGet", in.AttributesToGet)
	check.atLeast("limit", in.Limit, 1)
	check.conditions("keyConditions", in.KeyConditions)
	if err := check.err(); err != nil {
		return nil, err
	}
	older := []parameter{{"AttributesToGet", in.AttributesToGet != nil}, {"QueryFilter", in.QueryFilter != nil},
		{"ConditionalOperator", in.ConditionalOperator != nil}}
	if in.KeyConditionExpression != nil {
		older = append(older, parameter{"KeyConditions", in.KeyConditions != nil}) // without it they may stand beside other expressions
	}
	err := checkMixture(in.ExpressionAttributeNames, in.ExpressionAttributeValues, []parameter{
		{"ProjectionExpression", in.ProjectionExpression != nil}, {"FilterExpression", in.FilterExpression != nil},
		{"KeyConditionExpression", in.KeyConditionExpression != nil}}, older)
	if err != nil {
		return nil, err
	}
	filter := comparisons(in.QueryFilter)
	if err := dynamodbexpr.CheckComparisons(filter); err != nil {
		return nil, refused(err)
	}
	if err := checkAttributesToGet(in.AttributesToGet); err != nil {
		return nil, err
	}
	if err := checkStart(in.ExclusiveStartKey); err != nil {
		return nil, err
	}
	if in.KeyConditions == nil && in.KeyConditionExpression == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err := checkSelection(in.Select, in.IndexName, in.ProjectionExpression, in.AttributesToGet); err != nil {
		return nil, err
	}
	e, err := compilePage(in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.KeyConditionExpression, in.FilterExpression, in.ProjectionExpression)
	if err != nil {
		return nil, err
	}
	if e.keys == nil {
		e.keys = comparisons(in.KeyConditions)
	}
	if err := dynamodbexpr.CheckComparisons(e.keys); err != nil {
		return nil, refused(err)
	}
	if n := len(e.keys); n < 1 || n > 2 && in.IndexName == nil || n > 8 {
		return nil, invalid("Conditions can be of length 1 or 2 only")
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
	space, unlock, err := t.lock(isTrue(in.ConsistentRead))
	if err != nil {
		return nil, err
	}
	defer unlock()
	p := &page{table: t, reverse: in.ScanIndexForward != nil && !*in.ScanIndexForward, consistent: isTrue(in.ConsistentRead),
		countOnly: is(in.Select, "COUNT"), capacity: in.ReturnConsumedCapacity}
	if in.Limit != nil {
		p.limit = int(*in.Limit)
	}
	if err := p.find(in.IndexName); err != nil {
		return nil, err
	}
	if err := p.checkQuery(in.ExclusiveStartKey, e.keys); err != nil {
		return nil, err
	}
	p.setFilter(&e, filter, in.QueryFilter != nil, is(in.ConditionalOperator, "OR"), in.AttributesToGet)
	if err := t.checkNested(nestedOf(p.projection)); err != nil {
		return nil, err
	}
	if err := p.checkFilterKeys(&e, in.QueryFilter); err != nil {
		return nil, err
	}
	if err := p.choose(in.Select); err != nil {
		return nil, err
	}
	if err := t.checkNested(e.filterNested); err != nil {
		return nil, err
	}
	p.bounds(e.keys)
	p.begin(in.ExclusiveStartKey)
	return p.run(space)
}

// checkStart refuses an ExclusiveStartKey whose values are none. DynamoDB says where the fault is with some messages only.
func checkStart(key Item) error {
	problem := key.Problem()
	if problem == "" {
		return nil
	}
	for _, plain := range []string{"contains duplicates", "number set", "numeric value", "significant digits", "number with magnitude"} {
		if strings.Contains(problem, plain) {
			return invalid("%s", problem)
		}
	}
	return invalid("The provided starting key is invalid: %s", problem)
}

// checkSelection refuses what does not go with Select.
func checkSelection(selected, indexName, projection *string, attributes []string) error {
	specific := projection != nil || attributes != nil
	which := "AttributesToGet"
	if projection != nil {
		which = "ProjectionExpression"
	}
	switch text(selected) {
	case "ALL_PROJECTED_ATTRIBUTES":
		if indexName == nil {
			return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
		fallthrough
	case "ALL_ATTRIBUTES":
		if specific {
			return invalid("Cannot specify the %s when choosing to get %s", which, *selected)
		}
	case "COUNT":
		if specific {
			return invalid("Cannot specify the %s when choosing to get only the Count", which)
		}
	case "SPECIFIC_ATTRIBUTES":
		if !specific {
			return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
		}
	}
	return nil
}

// pageExpressions are a Query's or Scan's compiled expressions.
type pageExpressions struct {
	keys         map[string]dynamodbexpr.Comparison
	filter       *dynamodbexpr.Condition
	filterHeads  map[string]bool
	filterNested map[string]bool
	projection   *dynamodbexpr.Projection
}

func compilePage(names map[string]string, values Item, keys, filter, projection *string) (pageExpressions, error) {
	var e pageExpressions
	var keyCondition *dynamodbexpr.Condition
	env, err := dynamodbexpr.NewEnvironment(names, values)
	if err == nil && keys != nil {
		keyCondition, err = env.Condition("KeyConditionExpression", *keys)
	}
	if err == nil && filter != nil {
		if e.filter, err = env.Condition("FilterExpression", *filter); err == nil {
			e.filterHeads, e.filterNested = e.filter.Heads()
		}
	}
	if err == nil && projection != nil {
		e.projection, err = env.Projection(*projection)
	}
	if err == nil {
		err = env.Unused()
	}
	if err == nil && keyCondition != nil {
		e.keys, err = keyCondition.Comparisons()
	}
	return e, refused(err)
}

func (p *page) setFilter(e *pageExpressions, older map[string]dynamodbexpr.Comparison, hasOlder, anyOf bool, attributes []string) {
	switch {
	case e.filter != nil:
		p.filter = e.filter.Holds
	case hasOlder:
		p.filter = func(item Item) bool { return dynamodbexpr.AllHold(older, anyOf, item) }
	}
	p.projection = e.projection
	if attributes != nil {
		p.projection = dynamodbexpr.Attributes(attributes...)
	}
}

// find looks up what the page reads.
func (p *page) find(indexName *string) error {
	if p.table.gone {
		return errNotFound
	}
	p.at = -1
	if indexName == nil {
		return nil
	}
	if p.at, p.index = p.table.index(*indexName); p.index == nil {
		return invalid("The table does not have the specified index: %s", *indexName)
	}
	if p.index.global && p.consistent {
		return invalid("Consistent reads are not supported on global secondary indexes")
	}
	return nil
}

const wrongStart = "The provided starting key is invalid"

// checkQuery checks the key conditions against the keys, and where the page begins against both.
func (p *page) checkQuery(start Item, conditions map[string]dynamodbexpr.Comparison) error {
	if start != nil && len(start) != len(p.table.keyNames(p.index)) {
		return invalid(wrongStart)
	}
	hash, sort := p.keysOf()
	if len(hash)+len(sort) > 2 {
		if err := checkComposite(sort, conditions); err != nil {
			return err
		}
	}
	seen := 0
	for i, k := range append(hash[:len(hash):len(hash)], sort...) {
		isHash := i < len(hash)
		if start != nil {
			if _, ok := start[k.name]; !ok {
				return invalid(wrongStart)
			}
			if err := checkKeyPart(start, k, isHash, "One or more parameter values were invalid: "); err != nil {
				return err
			}
		}
		if isHash && len(sort) == 0 && len(conditions) > len(hash) {
			return invalid("Query key condition not supported")
		}
		c, ok := conditions[k.name]
		if !ok {
			if isHash || seen < len(conditions) {
				return invalid("Query condition missed key schema element: %s", k.name)
			}
			continue
		}
		seen++
		switch c.Operator {
		case "NULL", "NOT_NULL", "NE", "CONTAINS", "NOT_CONTAINS", "IN":
			return invalid("Attempted conditional constraint is not an indexable operation")
		}
		for _, v := range c.Operands {
			if v.Kind() != k.kind {
				return invalid(parameters + "Condition parameter type does not match schema type")
			}
		}
		if isHash && c.Operator != "EQ" {
			return invalid("Query key condition not supported")
		}
	}
	if start == nil {
		return nil
	}
	if err := p.checkTableKey(start); err != nil {
		return err
	}
	return p.checkBounds(start, conditions)
}

// checkComposite checks conditions on a sort key of several attributes: equality up to the last one.
func checkComposite(sort []attribute, conditions map[string]dynamodbexpr.Comparison) error {
	var missing []string
	ranged := false
	for _, k := range sort {
		c, ok := conditions[k.name]
		switch {
		case !ok:
			missing = append(missing, k.name)
			continue
		case len(missing) > 0:
			return invalid("RANGE key attributes %s must have equality conditions specified in the query because a condition is present on key attribute %s",
				strings.Join(missing, ", "), k.name)
		case ranged:
			return invalid("Query key condition not supported")
		}
		ranged = c.Operator != "EQ"
	}
	return nil
}

func (p *page) checkTableKey(start Item) error {
	key := Item{}
	for _, k := range p.table.keys {
		if v, ok := start[k.name]; ok {
			key[k.name] = v
		}
	}
	if err := p.table.checkKey(key); err != nil {
		return invalid("%s: %s", wrongStart, dispatch.AsError(err).Message)
	}
	return nil
}

// checkBounds refuses a starting key that the query cannot have returned.
func (p *page) checkBounds(start Item, conditions map[string]dynamodbexpr.Comparison) error {
	hash, sort := p.keysOf()
	within := true
	for _, k := range hash {
		within = within && conditions[k.name].Holds(start[k.name], true)
	}
	ranged := false
	for _, k := range sort {
		c, ok := conditions[k.name]
		if !ok {
			continue
		}
		ranged = true
		if !c.Holds(start[k.name], true) {
			return invalid("The provided starting key does not match the range key predicate")
		}
	}
	switch {
	case within:
		return nil
	case ranged:
		return invalid("The query can return at most one row and cannot be restarted")
	}
	return invalid("The provided starting key is outside query boundaries based on provided conditions")
}

// checkFilterKeys refuses filters on the keys that the query is about.
func (p *page) checkFilterKeys(e *pageExpressions, older map[string]Condition) error {
	hash, sort := p.keysOf()
	for _, k := range append(hash[:len(hash):len(hash)], sort...) {
		if _, ok := older[k.name]; ok {
			return invalid("QueryFilter can only contain non-primary key attributes: Primary key attribute: %s", k.name)
		}
		if older == nil && e.filterHeads[k.name] {
			return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", k.name)
		}
	}
	return nil
}

// bounds sets the range of keys in which the conditions hold.
func (p *page) bounds(conditions map[string]dynamodbexpr.Comparison) {
	hash, sort := p.keysOf()
	var values []Value
	for _, k := range hash {
		values = append(values, conditions[k.name].Operands[0])
	}
	b := appendHash(nil, values...)
	for _, v := range values {
		b = appendOrdered(b, v)
	}
	prefix := string(b)
	p.from, p.to = prefix, after(prefix)
	for _, k := range sort {
		c, ok := conditions[k.name]
		if !ok {
			return
		}
		at := func(i int) string { return string(appendOrdered([]byte(prefix), c.Operands[i])) }
		switch c.Operator {
		case "EQ":
			prefix = at(0)
			p.from, p.to = prefix, after(prefix)
		case "LT":
			p.to = at(0)
		case "LE":
			p.to = after(at(0))
		case "GT":
			p.from = after(at(0))
		case "GE":
			p.from = at(0)
		case "BETWEEN":
			p.from, p.to = at(0), after(at(1))
		case "BEGINS_WITH":
			p.from = string(appendPrefix([]byte(prefix), c.Operands[0]))
			p.to = after(p.from)
		}
	}
}
