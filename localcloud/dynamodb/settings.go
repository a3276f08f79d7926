package dynamodb

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func (s *Service) updateTable(ctx context.Context, c *dispatch.Call, in *UpdateTableInput) (*TableOutput, error) {
	if in.StreamSpecification != nil && in.StreamSpecification.StreamEnabled {
		return nil, invalid("the embedded AWS does not emulate streams of tables")
	}
	t, err := s.change(in.TableName, func(_ *table, r *record) error {
		if in.BillingMode == nil && in.ProvisionedThroughput == nil && in.GlobalSecondaryIndexUpdates == nil && in.SSESpecification == nil &&
			in.TableClass == nil && in.DeletionProtectionEnabled == nil && in.StreamSpecification == nil {
			return invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
		}
		if err := s.updateBilling(r, in); err != nil {
			return err
		}
		if in.DeletionProtectionEnabled != nil {
			r.DeletionProtection = *in.DeletionProtectionEnabled
		}
		if in.TableClass != nil {
			if err := checkClass(in.TableClass); err != nil {
				return err
			}
			r.Class = *in.TableClass
		}
		if err := r.updateIndexes(in); err != nil {
			return err
		}
		return s.encrypt(ctx, c.Principal, r, in.SSESpecification)
	})
	if err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return &TableOutput{t.describe("UPDATING")}, nil
}

func (s *Service) updateBilling(r *record, in *UpdateTableInput) error {
	var check constraints
	check.enum("billingMode", in.BillingMode, "PROVISIONED", "PAY_PER_REQUEST")
	check.throughput("provisionedThroughput", in.ProvisionedThroughput)
	if err := check.err(); err != nil {
		return err
	}
	onDemand := r.OnDemand
	if in.BillingMode != nil {
		onDemand = is(in.BillingMode, "PAY_PER_REQUEST")
	}
	switch {
	case onDemand && in.ProvisionedThroughput != nil:
		return invalid(parameters + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	case onDemand && !r.OnDemand:
		r.OnDemand, r.OnDemandSince, r.Throughput = true, s.now(), Throughput{}
	case !onDemand && r.OnDemand && in.ProvisionedThroughput == nil:
		return invalid(parameters + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	case in.ProvisionedThroughput != nil:
		p, now := in.ProvisionedThroughput, s.now()
		if !r.OnDemand && p.ReadCapacityUnits == r.Throughput.Read && p.WriteCapacityUnits == r.Throughput.Write {
			return invalid("The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
				r.Throughput.Read, p.ReadCapacityUnits, r.Throughput.Write, p.WriteCapacityUnits)
		}
		if p.ReadCapacityUnits > r.Throughput.Read || p.WriteCapacityUnits > r.Throughput.Write {
			r.Throughput.LastIncrease = now
		}
		if p.ReadCapacityUnits < r.Throughput.Read || p.WriteCapacityUnits < r.Throughput.Write {
			r.Throughput.LastDecrease = now
			r.Throughput.DecreasesToday++
		}
		r.OnDemand, r.Throughput.Read, r.Throughput.Write = false, p.ReadCapacityUnits, p.WriteCapacityUnits
	}
	return nil
}

// updateIndexes carries out the changes of global indexes: one creation or deletion at a time, as DynamoDB does.
func (r *record) updateIndexes(in *UpdateTableInput) error {
	r.Indexes = slices.Clone(r.Indexes)
	changes := 0
	for _, u := range in.GlobalSecondaryIndexUpdates {
		find := func(name string) (int, error) {
			i := slices.IndexFunc(r.Indexes, func(x indexRecord) bool { return x.Global && x.Name == name })
			if i < 0 {
				return 0, dispatch.Errorf("ResourceNotFoundException", "Requested resource not found")
			}
			return i, nil
		}
		switch {
		case u.Create != nil:
			changes++
			for _, a := range in.AttributeDefinitions {
				if !slices.ContainsFunc(r.Attributes, func(b AttributeDefinition) bool { return a.AttributeName == b.AttributeName }) {
					r.Attributes = append(slices.Clone(r.Attributes), a)
				}
			}
			if _, err := find(u.Create.IndexName); err == nil {
				return invalid("Attempting to create an index which already exists")
			}
			if err := checkIndex(*u.Create, r.Attributes, r.OnDemand, true); err != nil {
				return err
			}
			r.Indexes = append(r.Indexes, indexRecord{u.Create.IndexName, true, u.Create.KeySchema, *u.Create.Projection, throughput(u.Create.ProvisionedThroughput)})
		case u.Delete != nil:
			changes++
			i, err := find(u.Delete.IndexName)
			if err != nil {
				return err
			}
			r.Indexes = slices.Delete(r.Indexes, i, i+1)
		case u.Update != nil:
			i, err := find(u.Update.IndexName)
			if err != nil {
				return err
			}
			r.Indexes[i].Throughput = throughput(u.Update.ProvisionedThroughput)
		default:
			return invalid(parameters + "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
		}
	}
	if changes > 1 {
		return dispatch.Errorf("LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
	}
	r.Attributes = slices.DeleteFunc(slices.Clone(r.Attributes), func(a AttributeDefinition) bool { return !r.usesAttribute(a.AttributeName) })
	return nil
}

func (r *record) usesAttribute(name string) bool {
	has := func(k KeySchemaElement) bool { return k.AttributeName == name }
	return slices.ContainsFunc(r.Keys, has) || slices.ContainsFunc(r.Indexes, func(x indexRecord) bool { return slices.ContainsFunc(x.Keys, has) })
}

func (s *Service) updateTimeToLive(_ context.Context, _ *dispatch.Call, in *UpdateTimeToLiveInput) (*UpdateTimeToLiveOutput, error) {
	var check constraints
	check.tableName(in.TableName)
	check.notNull("timeToLiveSpecification", in.TimeToLiveSpecification != nil)
	if spec := in.TimeToLiveSpecification; spec != nil {
		check.notNull("timeToLiveSpecification.enabled", spec.Enabled != nil)
		check.notNull("timeToLiveSpecification.attributeName", spec.AttributeName != nil)
		if spec.AttributeName != nil && *spec.AttributeName == "" {
			check.fail("", "timeToLiveSpecification.attributeName", "Member must have length greater than or equal to 1")
		}
	}
	if err := check.err(); err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	_, err := s.change(in.TableName, func(_ *table, r *record) error {
		switch {
		case *spec.Enabled && r.TTLAttribute == *spec.AttributeName:
			return invalid("TimeToLive is already enabled")
		case *spec.Enabled && r.TTLAttribute != "":
			return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", r.TTLAttribute)
		case *spec.Enabled:
			r.TTLAttribute = *spec.AttributeName
		case r.TTLAttribute == "":
			return invalid("TimeToLive is already disabled")
		case r.TTLAttribute != *spec.AttributeName:
			return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", r.TTLAttribute)
		default:
			r.TTLAttribute = ""
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &UpdateTimeToLiveOutput{spec}, nil
}

func (s *Service) describeTimeToLive(_ context.Context, _ *dispatch.Call, in *TableInput) (*DescribeTimeToLiveOutput, error) {
	t, err := s.named(in.TableName)
	if err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.record.TTLAttribute == "" {
		return &DescribeTimeToLiveOutput{TimeToLiveDescription{TimeToLiveStatus: "DISABLED"}}, nil
	}
	return &DescribeTimeToLiveOutput{TimeToLiveDescription{"ENABLED", t.record.TTLAttribute}}, nil
}

func (s *Service) updateBackups(_ context.Context, _ *dispatch.Call, in *UpdateContinuousBackupsInput) (*ContinuousBackupsOutput, error) {
	spec := in.PointInTimeRecoverySpecification
	var check constraints
	check.tableName(in.TableName)
	check.notNull("pointInTimeRecoverySpecification", spec != nil)
	if spec != nil {
		check.notNull("pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled", spec.PointInTimeRecoveryEnabled != nil)
		check.atLeast("pointInTimeRecoverySpecification.recoveryPeriodInDays", spec.RecoveryPeriodInDays, 1)
		if days := spec.RecoveryPeriodInDays; days != nil && *days > 35 {
			check.fail(itoa(int(*days)), "pointInTimeRecoverySpecification.recoveryPeriodInDays", "Member must have value less than or equal to 35")
		}
	}
	if err := check.err(); err != nil {
		return nil, err
	}
	t, err := s.change(in.TableName, func(_ *table, r *record) error {
		wanted := *spec.PointInTimeRecoveryEnabled
		if wanted && !r.Recovery {
			r.RecoverySince, r.RecoveryDays = s.now(), 35
		}
		if spec.RecoveryPeriodInDays != nil {
			r.RecoveryDays = int(*spec.RecoveryPeriodInDays)
		}
		r.Recovery = wanted
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.backups(t), nil
}

func (s *Service) describeBackups(_ context.Context, _ *dispatch.Call, in *TableInput) (*ContinuousBackupsOutput, error) {
	t, err := s.named(in.TableName)
	if err != nil {
		return nil, dispatch.Errorf("TableNotFoundException", "Table not found: %s", s.nameOf(text(in.TableName)))
	}
	return s.backups(t), nil
}

func (s *Service) backups(t *table) *ContinuousBackupsOutput {
	t.mu.RLock()
	defer t.mu.RUnlock()
	d := PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: "DISABLED"}
	if r := &t.record; r.Recovery {
		now := s.now()
		earliest := now.AddDate(0, 0, -r.RecoveryDays)
		if earliest.Before(r.RecoverySince) {
			earliest = r.RecoverySince
		}
		latest := now.Add(-5 * time.Minute)
		if latest.Before(earliest) {
			latest = earliest
		}
		d = PointInTimeRecoveryDescription{"ENABLED", r.RecoveryDays, &dispatch.Time{Time: earliest}, &dispatch.Time{Time: latest}}
	}
	return &ContinuousBackupsOutput{ContinuousBackupsDescription{"ENABLED", d}}
}

// addTags adds tags, as far as DynamoDB takes them.
func addTags(to map[string]string, tags []Tag) error {
	for _, tag := range tags {
		switch {
		case tag.Key == "" || len(tag.Key) > 128 || len(tag.Value) > 256:
			return invalid(parameters + "A tag's key has 1 to 128 characters, its value at most 256")
		case strings.HasPrefix(tag.Key, "aws:"):
			return invalid("System reserved tag key cannot be used: %s", tag.Key)
		}
		to[tag.Key] = tag.Value
	}
	if len(to) > 50 {
		return invalid("Too many tags: a table has at most 50")
	}
	return nil
}

func (s *Service) ofARN(arn *string) (*string, error) {
	if arn == nil || !strings.HasPrefix(*arn, s.arn("")) {
		return nil, invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", text(arn))
	}
	if _, err := s.table(*arn); err != nil {
		return nil, dispatch.Errorf("ResourceNotFoundException", "Requested resource not found: ResourcArn: %s not found", *arn)
	}
	return arn, nil
}

func (s *Service) changeTags(arn *string, f func(map[string]string) error) (*Empty, error) {
	name, err := s.ofARN(arn)
	if err != nil {
		return nil, err
	}
	_, err = s.change(name, func(_ *table, r *record) error {
		tags := map[string]string{}
		for k, v := range r.Tags {
			tags[k] = v
		}
		r.Tags = tags
		return f(tags)
	})
	return &Empty{}, err
}

func (s *Service) tagResource(_ context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
	return s.changeTags(in.ResourceArn, func(tags map[string]string) error { return addTags(tags, in.Tags) })
}

func (s *Service) untagResource(_ context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
	return s.changeTags(in.ResourceArn, func(tags map[string]string) error {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		return nil
	})
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *ListTagsOfResourceInput) (*ListTagsOfResourceOutput, error) {
	name, err := s.ofARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	t, err := s.table(*name)
	if err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := &ListTagsOfResourceOutput{Tags: []Tag{}}
	for _, k := range sortedKeys(t.record.Tags) {
		out.Tags = append(out.Tags, Tag{k, t.record.Tags[k]})
	}
	return out, nil
}
