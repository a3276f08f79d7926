package dynamodb

import (
	"context"
	"slices"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// leadingKeys is the condition key that holds the partition keys of the items that a call is about.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
const leadingKeys = "dynamodb:LeadingKeys"

// leading adds the partition keys of items, or of their keys, to a call's conditions.
func (s *Service) leading(c *dispatch.Call, name *string, keys ...Item) {
	if c.Principal.IsRoot() {
		return
	}
	values := s.partitions(name, keys...)
	if len(values) == 0 {
		return
	}
	if c.ConditionLists == nil {
		c.ConditionLists = map[string][]string{}
	}
	c.ConditionLists[leadingKeys] = append(c.ConditionLists[leadingKeys], values...)
}

// partitions returns the partition keys of items of a table.
func (s *Service) partitions(name *string, keys ...Item) []string {
	t, err := s.table(text(name))
	if err != nil {
		return nil
	}
	t.mu.RLock()
	hash := t.keys[0].name
	t.mu.RUnlock()
	var values []string
	for _, key := range keys {
		if v, ok := key[hash]; ok {
			values = append(values, v.Text())
		}
	}
	return values
}

// leadingOfQuery adds the partition key of a query. A query that will be refused has none.
func (s *Service) leadingOfQuery(c *dispatch.Call, in *QueryInput) {
	t, err := s.table(text(in.TableName))
	if err != nil || c.Principal.IsRoot() {
		return
	}
	conditions := comparisons(in.KeyConditions)
	if in.KeyConditionExpression != nil {
		env, err := dynamodbexpr.NewEnvironment(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
		if err != nil {
			return
		}
		compiled, err := env.Condition("KeyConditionExpression", *in.KeyConditionExpression)
		if err != nil {
			return
		}
		if conditions, err = compiled.Comparisons(); err != nil {
			return
		}
	}
	t.mu.RLock()
	hash := t.keys[:1]
	if _, x := t.index(text(in.IndexName)); x != nil {
		hash = x.hash
	}
	t.mu.RUnlock()
	var values []string
	for _, k := range hash {
		for _, v := range conditions[k.name].Operands {
			values = append(values, v.Text())
		}
	}
	if values != nil {
		c.ConditionLists = map[string][]string{leadingKeys: values}
	}
}

// permissions are what a transaction asks for: by action, on which tables, with which partition keys.
type permissions map[string]*permission

type permission struct{ tables, keys []string }

func (s *Service) ask(p permissions, action string, name *string, key Item) {
	if p[action] == nil {
		p[action] = &permission{}
	}
	p[action].tables = append(p[action].tables, s.resource(name))
	p[action].keys = append(p[action].keys, s.partitions(name, key)...)
}

// permit checks a transaction's permissions: of each part, on its table.
func (s *Service) permit(ctx context.Context, c *dispatch.Call, asked permissions) error {
	if c.Principal.IsRoot() {
		return nil
	}
	for _, action := range sortedKeys(asked) {
		p := asked[action]
		slices.Sort(p.tables)
		if err := s.d.CheckWith(ctx, c.Principal, "dynamodb:"+action, slices.Compact(p.tables), map[string][]string{leadingKeys: p.keys}); err != nil {
			return err
		}
	}
	return nil
}
