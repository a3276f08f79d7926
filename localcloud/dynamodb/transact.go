package dynamodb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dispatch"
)

const (
	maxTransaction      = 100
	maxTransactionBytes = 4 << 20
	ongoing             = "Transaction is ongoing for the item"
	repeatedItem        = "Transaction request cannot include multiple operations on one item"
)

// part is one part of a TransactWriteItems, of whichever kind.
type part struct {
	member, permission string // "put", "PutItem"
	tableName          *string
	key, item          Item
	update, condition  *string
	names              map[string]string
	values             Item
	onFailure          *string
}

// parts returns what each element asks for; an element that does not name exactly one operation has none.
func (in *TransactWriteItemsInput) parts() []*part {
	all := make([]*part, len(in.TransactItems))
	for i, t := range in.TransactItems {
		n := 0
		if x := t.ConditionCheck; x != nil {
			n++
			all[i] = &part{"conditionCheck", "ConditionCheckItem", x.TableName, x.Key, nil, nil, x.ConditionExpression, x.ExpressionAttributeNames, x.ExpressionAttributeValues, x.ReturnValuesOnConditionCheckFailure}
		}
		if x := t.Put; x != nil {
			n++
			all[i] = &part{"put", "PutItem", x.TableName, nil, x.Item, nil, x.ConditionExpression, x.ExpressionAttributeNames, x.ExpressionAttributeValues, x.ReturnValuesOnConditionCheckFailure}
		}
		if x := t.Delete; x != nil {
			n++
			all[i] = &part{"delete", "DeleteItem", x.TableName, x.Key, nil, nil, x.ConditionExpression, x.ExpressionAttributeNames, x.ExpressionAttributeValues, x.ReturnValuesOnConditionCheckFailure}
		}
		if x := t.Update; x != nil {
			n++
			all[i] = &part{"update", "UpdateItem", x.TableName, x.Key, nil, x.UpdateExpression, x.ConditionExpression, x.ExpressionAttributeNames, x.ExpressionAttributeValues, x.ReturnValuesOnConditionCheckFailure}
		}
		if n != 1 {
			all[i] = nil
		}
	}
	return all
}

func (in *TransactWriteItemsInput) tableNames() []string {
	var names []string
	for _, p := range in.parts() {
		if p != nil {
			names = append(names, text(p.tableName))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (in *TransactGetItemsInput) tableNames() []string {
	var names []string
	for _, t := range in.TransactItems {
		if t.Get != nil {
			names = append(names, text(t.Get.TableName))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// length checks the number of a transaction's parts. DynamoDB shows Java's identities of them.
func (c *constraints) length(shape string, given bool, n int) {
	if !given {
		c.notNull("transactItems", false)
		return
	}
	if n >= 1 && n <= maxTransaction {
		return
	}
	shown := make([]string, n)
	for i := range shown {
		shown[i] = fmt.Sprintf("com.amazonaws.dynamodb.v20120810.%s@%x", shape, 0x10000001+i)
	}
	rule := "Member must have length greater than or equal to 1"
	if n > 0 {
		rule = fmt.Sprintf("Member must have length less than or equal to %d", maxTransaction)
	}
	c.fail("["+strings.Join(shown, ", ")+"]", "transactItems", rule)
}

func (s *Service) transactWriteItems(ctx context.Context, c *dispatch.Call, in *TransactWriteItemsInput) (*TransactWriteItemsOutput, error) {
	parts := in.parts()
	asked := permissions{}
	for _, p := range parts {
		if p == nil {
			continue
		}
		key := p.key
		if p.item != nil {
			key = p.item
		}
		s.ask(asked, p.permission, p.tableName, key)
	}
	if err := s.permit(ctx, c, asked); err != nil {
		return nil, err
	}
	if err := in.check(parts); err != nil {
		return nil, err
	}
	writes := make([]*write, len(parts))
	for i, p := range parts {
		w, err := p.write(in.ReturnConsumedCapacity)
		if err != nil {
			return nil, err
		}
		writes[i] = w
	}
	if err := in.unknown.check(); err != nil {
		return nil, err
	}
	for i, p := range parts {
		var err error
		if writes[i].table, err = s.table(*p.tableName); err != nil {
			return nil, err
		}
	}
	for _, w := range writes {
		if err := s.unseal(ctx, c.Principal, w.table); err != nil {
			return nil, err
		}
	}
	if in.ClientRequestToken == nil {
		if err := s.commit(ctx, dispatch.NewRequestID(), writes, "", nil); err != nil {
			return nil, err
		}
		return in.output(writes), nil
	}
	return s.once(ctx, in, writes)
}

func (in *TransactWriteItemsInput) check(parts []*part) error {
	var check constraints
	check.length("TransactWriteItem", in.TransactItems != nil, len(in.TransactItems))
	check.capacity(in.ReturnConsumedCapacity)
	check.metrics(in.ReturnItemCollectionMetrics)
	if token := in.ClientRequestToken; token != nil && !isToken(*token) {
		rule := "Member must have length greater than or equal to 1"
		if *token != "" {
			rule = "Member must have length less than or equal to 36"
		}
		check.fail(*token, "clientRequestToken", rule)
	}
	for i, p := range parts {
		if p == nil {
			continue
		}
		at := "transactItems." + itoa(i+1) + ".member." + p.member + "."
		check.name(at+"tableName", p.tableName, true)
		switch p.member {
		case "put":
			check.notNull(at+"item", p.item != nil)
		case "update":
			check.notNull(at+"updateExpression", p.update != nil)
		case "conditionCheck":
			check.notNull(at+"conditionExpression", p.condition != nil)
		}
		if p.member != "put" {
			check.notNull(at+"key", p.key != nil)
		}
		check.onFailure(at+"returnValuesOnConditionCheckFailure", p.onFailure)
	}
	if err := check.err(); err != nil {
		return err
	}
	if slices.Contains(parts, nil) {
		return invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	return nil
}

// write makes the write of a part, without its table.
func (p *part) write(capacity *string) (*write, error) {
	w := &write{key: p.key, item: p.item, remove: p.member == "delete", checkOnly: p.member == "conditionCheck", tellOld: is(p.onFailure, "ALL_OLD")}
	w.wantOld = wantsCapacity(capacity) || p.member != "put"
	expressions := []parameter{{"UpdateExpression", p.update != nil}, {"ConditionExpression", p.condition != nil}}
	if p.member != "update" {
		expressions = expressions[1:]
	}
	if err := checkMixture(p.names, p.values, expressions, nil); err != nil {
		return nil, err
	}
	for _, item := range []Item{p.key, p.item} {
		if err := checkValues(item); err != nil {
			return nil, err
		}
	}
	if p.item.Size() > maxItemSize {
		return nil, invalid("Item size has exceeded the maximum allowed size")
	}
	if p.item != nil {
		w.image = imageOf(p.item)
	}
	return w, w.compile(p.names, p.values, p.update, p.condition)
}

// commit carries out a transaction, all of it or nothing. While it is under way its items are busy.
func (s *Service) commit(ctx context.Context, id string, writes []*write, token string, tokenValue []byte) error {
	s.mu.RLock()
	duration := s.inDoubt
	s.mu.RUnlock()
	unlock := lockAll(writes)
	err := prepare(writes)
	if err == nil && duration > 0 {
		setBusy(writes, true)
		unlock()
		s.wait(ctx, duration)
		unlock = lockAll(writes)
		setBusy(writes, false)
		err = prepare(writes)
	}
	if err == nil {
		s.log.transaction(id, writes, token, tokenValue)
		for _, w := range writes {
			w.apply()
			s.expect(w)
		}
	}
	unlock()
	if err != nil {
		return err
	}
	return s.log.flush()
}

// lockAll locks the tables of the writes, in the order of their names.
func lockAll(writes []*write) (unlock func()) {
	var tables []*table
	for _, w := range writes {
		if !slices.Contains(tables, w.table) {
			tables = append(tables, w.table)
		}
	}
	slices.SortFunc(tables, func(a, b *table) int { return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.id, b.id)) })
	for _, t := range tables {
		t.mu.Lock()
	}
	return func() {
		for _, t := range tables {
			t.mu.Unlock()
		}
	}
}

func setBusy(writes []*write, busy bool) {
	for _, w := range writes {
		if busy {
			w.table.busy[w.at] = true
		} else {
			delete(w.table.busy, w.at)
		}
	}
}

// prepare checks the parts of a transaction and computes what they make of their items, or says why it is cancelled. The
// caller holds the locks.
func prepare(writes []*write) error {
	reasons := make([]CancellationReason, len(writes))
	cancelled := false
	cancel := func(i int, code, message string, item Item) {
		reasons[i] = CancellationReason{code, message, item}
		cancelled = true
	}
	type place struct {
		t  *table
		at string
	}
	seen := map[place]bool{}
	bytes := 0
	for i, w := range writes {
		if err := w.check(); err != nil {
			e := dispatch.AsError(err)
			if e.Code != "ValidationException" {
				return err
			}
			if strings.Contains(e.Message, "cannot contain an empty") {
				return invalid("%s", strings.Replace(e.Message, parameters+"The AttributeValue", notValid+"The AttributeValue", 1))
			}
			cancel(i, "ValidationError", e.Message, nil)
			continue
		}
		if p := (place{w.table, w.at}); seen[p] {
			return invalid(repeatedItem)
		} else {
			seen[p] = true
		}
	}
	for i, w := range writes {
		switch {
		case reasons[i].Code != "":
			continue
		case w.table.busy[w.at]:
			cancel(i, "TransactionConflict", ongoing, nil)
			continue
		}
		if err := w.compute(); err != nil {
			switch e := dispatch.AsError(err); e.Code {
			case "ConditionalCheckFailedException":
				item, _ := e.Fields["Item"].(Item)
				cancel(i, "ConditionalCheckFailed", e.Message, item)
			case "ValidationException":
				cancel(i, "ValidationError", e.Message, nil)
			default:
				return err
			}
		}
		bytes += len(w.image)
	}
	if cancelled {
		return cancellation(reasons)
	}
	if bytes > maxTransactionBytes {
		return invalid("Total size of all items in the transaction exceeds the maximum allowed size of 4 MB")
	}
	return nil
}

// cancellation is the error of a cancelled transaction: its message lists the codes, in the order of the parts.
func cancellation(reasons []CancellationReason) error {
	codes := make([]string, len(reasons))
	for i := range reasons {
		if reasons[i].Code == "" {
			reasons[i].Code = "None"
		}
		codes[i] = reasons[i].Code
	}
	e := dispatch.Errorf("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	e.Fields = map[string]any{"CancellationReasons": reasons}
	return e
}

func (in *TransactWriteItemsInput) output(writes []*write) *TransactWriteItemsOutput {
	out := &TransactWriteItemsOutput{}
	if wantsCapacity(in.ReturnConsumedCapacity) {
		out.ConsumedCapacity = costOf(in.ReturnConsumedCapacity, writes, "write", (*write).units)
	}
	for _, w := range writes {
		if m := w.metrics(in.ReturnItemCollectionMetrics); m != nil && !w.checkOnly {
			if out.ItemCollectionMetrics == nil {
				out.ItemCollectionMetrics = map[string][]ItemCollectionMetrics{}
			}
			out.ItemCollectionMetrics[w.table.name] = append(out.ItemCollectionMetrics[w.table.name], *m)
		}
	}
	return out
}

// costOf adds up the doubled units of a transaction by table, in the order in which the tables come up.
func costOf(wanted *string, writes []*write, kind string, of func(*write) units) []*ConsumedCapacity {
	var order []*table
	totals := map[*table]*units{}
	for _, w := range writes {
		if totals[w.table] == nil {
			order = append(order, w.table)
			totals[w.table] = &units{}
		}
		totals[w.table].add(of(w).times(2))
	}
	var all []*ConsumedCapacity
	for _, t := range order {
		totals[t].transactional = kind
		all = append(all, consumed(wanted, t.name, *totals[t]))
	}
	return all
}

func (s *Service) transactGetItems(ctx context.Context, c *dispatch.Call, in *TransactGetItemsInput) (*TransactGetItemsOutput, error) {
	asked := permissions{}
	for _, t := range in.TransactItems {
		if t.Get != nil {
			s.ask(asked, "GetItem", t.Get.TableName, t.Get.Key)
		}
	}
	if err := s.permit(ctx, c, asked); err != nil {
		return nil, err
	}
	var check constraints
	check.length("TransactGetItem", in.TransactItems != nil, len(in.TransactItems))
	for i, t := range in.TransactItems {
		at := "transactItems." + itoa(i+1) + ".member.get"
		check.notNull(at, t.Get != nil)
		if t.Get != nil {
			check.notNull(at+".key", t.Get.Key != nil)
			check.name(at+".tableName", t.Get.TableName, true)
		}
	}
	check.capacity(in.ReturnConsumedCapacity)
	if err := check.err(); err != nil {
		return nil, err
	}
	reads := make([]*write, len(in.TransactItems))
	projections := make([]*dynamodbexpr.Projection, len(reads))
	for i, t := range in.TransactItems {
		var err error
		if projections[i], err = readProjection(t.Get.ProjectionExpression, nil, t.Get.ExpressionAttributeNames, t.Get.Key); err != nil {
			return nil, err
		}
		reads[i] = &write{key: t.Get.Key, checkOnly: true, wantOld: true}
	}
	if err := in.unknown.check(); err != nil {
		return nil, err
	}
	for i, t := range in.TransactItems {
		var err error
		if reads[i].table, err = s.table(*t.Get.TableName); err != nil {
			return nil, err
		}
		if err := s.unseal(ctx, c.Principal, reads[i].table); err != nil {
			return nil, err
		}
	}
	unlock := lockAll(reads)
	err := prepareReads(reads)
	unlock()
	if err != nil {
		return nil, err
	}
	out := &TransactGetItemsOutput{Responses: make([]ItemResponse, len(reads))}
	for i, r := range reads {
		out.Responses[i].Item = project(projections[i], r.old)
	}
	if wantsCapacity(in.ReturnConsumedCapacity) {
		out.ConsumedCapacity = costOf(in.ReturnConsumedCapacity, reads, "read", func(r *write) units { return readUnits(r.old.Size(), true) })
	}
	return out, nil
}

// prepareReads is prepare for reads, which may be of the same item.
func prepareReads(reads []*write) error {
	reasons := make([]CancellationReason, len(reads))
	cancelled := false
	for i, r := range reads {
		if err := r.check(); err != nil {
			e := dispatch.AsError(err)
			if e.Code != "ValidationException" {
				return err
			}
			reasons[i], cancelled = CancellationReason{Code: "ValidationError", Message: e.Message}, true
			continue
		}
		if r.table.busy[r.at] {
			reasons[i], cancelled = CancellationReason{Code: "TransactionConflict", Message: ongoing}, true
			continue
		}
		if err := r.compute(); err != nil {
			return err
		}
	}
	if cancelled {
		return cancellation(reasons)
	}
	return nil
}
