package dynamodb

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func itoa(n int) string { return strconv.Itoa(n) }

// idLength is the length of a table's id, a UUID.
const idLength = 36

func (s *Service) registerTables(op func(string) dispatch.Operation) {
	d := s.d
	dispatch.Register(d, op("CreateTable"), func(_ callOf, in *CreateTableInput) ([]string, policies, error) { return s.onTable(in.TableName) }, s.createTable)
	dispatch.Register(d, op("DeleteTable"), func(_ callOf, in *TableInput) ([]string, policies, error) { return s.onTable(in.TableName) }, s.deleteTable)
	dispatch.Register(d, op("DescribeTable"), func(_ callOf, in *TableInput) ([]string, policies, error) { return s.onTable(in.TableName) }, s.describeTable)
	dispatch.Register(d, op("UpdateTable"), func(_ callOf, in *UpdateTableInput) ([]string, policies, error) { return s.onTable(in.TableName) }, s.updateTable)
	dispatch.Register(d, op("ListTables"), dispatch.Anywhere[ListTablesInput](), s.listTables)
	dispatch.Register(d, op("UpdateTimeToLive"), func(_ callOf, in *UpdateTimeToLiveInput) ([]string, policies, error) { return s.onTable(in.TableName) }, s.updateTimeToLive)
	dispatch.Register(d, op("DescribeTimeToLive"), func(_ callOf, in *TableInput) ([]string, policies, error) { return s.onTable(in.TableName) }, s.describeTimeToLive)
	dispatch.Register(d, op("UpdateContinuousBackups"), func(_ callOf, in *UpdateContinuousBackupsInput) ([]string, policies, error) {
		return s.onTable(in.TableName)
	}, s.updateBackups)
	dispatch.Register(d, op("DescribeContinuousBackups"), func(_ callOf, in *TableInput) ([]string, policies, error) { return s.onTable(in.TableName) }, s.describeBackups)
	dispatch.Register(d, op("TagResource"), func(_ callOf, in *TagResourceInput) ([]string, policies, error) { return s.onTable(in.ResourceArn) }, s.tagResource)
	dispatch.Register(d, op("UntagResource"), func(_ callOf, in *UntagResourceInput) ([]string, policies, error) { return s.onTable(in.ResourceArn) }, s.untagResource)
	dispatch.Register(d, op("ListTagsOfResource"), func(_ callOf, in *ListTagsOfResourceInput) ([]string, policies, error) {
		return s.onTable(in.ResourceArn)
	}, s.listTags)
}

// checkTableName is CreateTable's and its like's own check, whose words are others than those of the items' operations.
func checkTableName(name *string) error {
	switch {
	case name == nil:
		return invalid("The parameter 'TableName' is required but was not present in the request")
	case strings.HasPrefix(*name, "arn:"):
		return nil
	case len(*name) < 3 || len(*name) > 255:
		return invalid("TableName must be at least 3 characters long and at most 255 characters long")
	}
	var check constraints
	check.tableName(name)
	return check.err()
}

// named returns the table of a request of the control plane.
func (s *Service) named(name *string) (*table, error) {
	if err := checkTableName(name); err != nil {
		return nil, err
	}
	t, err := s.table(*name)
	if err != nil {
		return nil, dispatch.Errorf("ResourceNotFoundException", "Requested resource not found: Table: %s not found", s.nameOf(*name))
	}
	return t, nil
}

func (s *Service) createTable(ctx context.Context, c *dispatch.Call, in *CreateTableInput) (*TableOutput, error) {
	if err := checkTableName(in.TableName); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if _, exists := s.records.Get(*in.TableName); exists {
		return nil, dispatch.Errorf("ResourceInUseException", "Table already exists: %s", *in.TableName)
	}
	now := s.now()
	r := record{Name: *in.TableName, ID: dispatch.NewRequestID(), Created: now, Attributes: in.AttributeDefinitions, Keys: in.KeySchema,
		Class: text(in.TableClass), DeletionProtection: isTrue(in.DeletionProtectionEnabled), Tags: map[string]string{}}
	if is(in.BillingMode, "PAY_PER_REQUEST") {
		r.OnDemand, r.OnDemandSince = true, now
	}
	r.Throughput = throughput(in.ProvisionedThroughput)
	for _, x := range in.GlobalSecondaryIndexes {
		r.Indexes = append(r.Indexes, indexRecord{x.IndexName, true, x.KeySchema, *x.Projection, throughput(x.ProvisionedThroughput)})
	}
	for _, x := range in.LocalSecondaryIndexes {
		r.Indexes = append(r.Indexes, indexRecord{x.IndexName, false, x.KeySchema, *x.Projection, Throughput{}})
	}
	if err := addTags(r.Tags, in.Tags); err != nil {
		return nil, err
	}
	if err := s.encrypt(ctx, c.Principal, &r, in.SSESpecification); err != nil {
		return nil, err
	}
	t := newTable(s.arn(r.Name), r)
	if err := s.records.Put(r.Name, r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := t.setLag(s.d.Clock, s.lag); err != nil {
		return nil, err
	}
	s.byName[r.Name] = t
	return &TableOutput{t.describe("CREATING")}, nil
}

func throughput(p *ProvisionedThroughput) Throughput {
	if p == nil {
		return Throughput{}
	}
	return Throughput{Read: p.ReadCapacityUnits, Write: p.WriteCapacityUnits}
}

// encrypt sets how a table is encrypted.
func (s *Service) encrypt(ctx context.Context, p dispatch.Principal, r *record, spec *SSESpecification) error {
	if spec == nil {
		return nil
	}
	if spec.SSEType != nil && *spec.SSEType != "KMS" {
		return invalid(parameters+"Unsupported SSEType %s", *spec.SSEType)
	}
	if !isTrue(spec.Enabled) {
		if spec.KMSMasterKeyID != nil {
			return invalid(parameters + "KMSMasterKeyId can not be specified when SSE is disabled")
		}
		r.KeyType, r.Key, r.DataKey = "", "", nil
		return nil
	}
	r.KeyType, r.Key, r.DataKey = "KMS", "", nil
	if spec.KMSMasterKeyID == nil || *spec.KMSMasterKeyID == awsManagedKey {
		r.Key = s.d.ARN("kms", awsManagedKey)
		return nil
	}
	var err error
	r.Key, r.DataKey, err = s.seal(ctx, p, r.Name, *spec.KMSMasterKeyID)
	return err
}

func (s *Service) deleteTable(_ context.Context, _ *dispatch.Call, in *TableInput) (*TableOutput, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	t, err := s.named(in.TableName)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.record.DeletionProtection {
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	if _, err := s.records.Delete(t.name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	delete(s.byName, t.name)
	s.mu.Unlock()
	t.gone = true
	if t.expiry.timer != nil {
		t.expiry.timer.Stop()
	}
	s.log.drop(t)
	out := &TableOutput{t.describe("DELETING")}
	t.space, t.late, t.expiry = t.newSpace(), nil, expiries{}
	return out, s.log.flush()
}

func (s *Service) describeTable(_ context.Context, _ *dispatch.Call, in *TableInput) (*DescribeTableOutput, error) {
	t, err := s.named(in.TableName)
	if err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return &DescribeTableOutput{t.describe("ACTIVE")}, nil
}

func (s *Service) listTables(_ context.Context, _ *dispatch.Call, in *ListTablesInput) (*ListTablesOutput, error) {
	limit := 100
	if in.Limit != nil {
		var check constraints
		check.atLeast("limit", in.Limit, 1)
		if *in.Limit > 100 {
			check.fail(itoa(int(*in.Limit)), "limit", "Member must have value less than or equal to 100")
		}
		if err := check.err(); err != nil {
			return nil, err
		}
		limit = int(*in.Limit)
	}
	out := &ListTablesOutput{TableNames: []string{}}
	for name := range s.records.All() {
		if in.ExclusiveStartTableName != nil && name <= *in.ExclusiveStartTableName {
			continue
		}
		if len(out.TableNames) == limit {
			out.LastEvaluatedTableName = out.TableNames[limit-1]
			break
		}
		out.TableNames = append(out.TableNames, name)
	}
	return out, nil
}

// describe describes the table. The caller holds its lock, or has it alone.
func (t *table) describe(status string) *TableDescription {
	r := &t.record
	out := &TableDescription{
		AttributeDefinitions: r.Attributes, TableName: r.Name, KeySchema: r.Keys, TableStatus: status,
		CreationDateTime: dispatch.Time{Time: r.Created}, ProvisionedThroughput: *r.Throughput.describe(),
		TableSizeBytes: t.space.bytes, ItemCount: int64(t.space.items.n), TableArn: t.arn, TableID: t.id,
		DeletionProtectionEnabled: r.DeletionProtection,
	}
	if r.OnDemand || !r.OnDemandSince.IsZero() {
		mode := "PROVISIONED"
		if r.OnDemand {
			mode = "PAY_PER_REQUEST"
		}
		out.BillingModeSummary = &BillingModeSummary{mode, &dispatch.Time{Time: r.OnDemandSince}}
	}
	if r.KeyType != "" {
		out.SSEDescription = &SSEDescription{"ENABLED", r.KeyType, r.Key}
	}
	if r.Class != "" {
		out.TableClassSummary = &TableClassSummary{r.Class}
	}
	for _, x := range r.Indexes {
		d := IndexDescription{IndexName: x.Name, KeySchema: x.Keys, Projection: x.Projection, IndexArn: t.arn + "/index/" + x.Name}
		if i, _ := t.index(x.Name); i >= 0 {
			d.ItemCount = int64(t.space.indexes[i].n)
		}
		if !x.Global {
			out.LocalSecondaryIndexes = append(out.LocalSecondaryIndexes, d)
			continue
		}
		d.IndexStatus, d.ProvisionedThroughput = status, x.Throughput.describe()
		out.GlobalSecondaryIndexes = append(out.GlobalSecondaryIndexes, d)
	}
	return out
}

func (p Throughput) describe() *ThroughputDescription {
	d := &ThroughputDescription{ReadCapacityUnits: p.Read, WriteCapacityUnits: p.Write, NumberOfDecreasesToday: p.DecreasesToday}
	if !p.LastIncrease.IsZero() {
		d.LastIncreaseDateTime = &dispatch.Time{Time: p.LastIncrease}
	}
	if !p.LastDecrease.IsZero() {
		d.LastDecreaseDateTime = &dispatch.Time{Time: p.LastDecrease}
	}
	return d
}

// change replaces a table's record, unless f refuses.
func (s *Service) change(name *string, f func(t *table, r *record) error) (*table, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	t, err := s.named(name)
	if err != nil {
		return nil, err
	}
	t.mu.RLock()
	r := t.record
	t.mu.RUnlock()
	if err := f(t, &r); err != nil {
		return nil, err
	}
	if err := s.records.Put(r.Name, r); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t, s.reconfigure(t, r)
}

// reconfigure takes over a table's record and builds its indexes anew if they changed. The caller holds the table's lock.
func (s *Service) reconfigure(t *table, r record) error {
	indexes, ttl := t.record.Indexes, t.record.TTLAttribute
	if r.Key != t.record.Key {
		t.access.forget()
	}
	t.configure(r)
	if !slices.EqualFunc(indexes, r.Indexes, func(a, b indexRecord) bool { return a.Name == b.Name }) {
		old := t.space
		t.space = t.newSpace()
		var failure error
		old.items.ascend("", func(at string, e *entry) bool {
			item, err := e.item()
			if err != nil {
				failure = err
				return false
			}
			t.put(&t.space, at, nil, item, e.image)
			return true
		})
		if failure != nil {
			return failure
		}
		if t.late != nil {
			lag := t.late.lag
			t.late = nil
			if err := t.beginLag(s.d.Clock, lag); err != nil {
				return err
			}
		}
	}
	if ttl != r.TTLAttribute {
		return s.watch(t)
	}
	return nil
}
