package dynamodb

import (
	"context"
	"strconv"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dispatch"
)

func (s *Service) scan(ctx context.Context, c *dispatch.Call, in *ScanInput) (*PageOutput, error) {
	var check constraints
	check.enum("select", in.Select, selections...)
	check.name("indexName", in.IndexName, false)
	check.atLeast("totalSegments", in.TotalSegments, 1)
	if in.TotalSegments != nil && *in.TotalSegments > 1000000 {
		check.fail(strconv.Itoa(int(*in.TotalSegments)), "totalSegments", "Member must have value less than or equal to 1000000")
	}
	check.capacity(in.ReturnConsumedCapacity)
	check.tableName(in.TableName)
	check.conditional(in.ConditionalOperator)
	check.conditions("scanFilter", in.ScanFilter)
	check.atLeast("segment", in.Segment, 0)
	check.atLeast("limit", in.Limit, 1)
	check.attributes("attributesToGet", in.AttributesToGet)
	if err := check.err(); err != nil {
		return nil, err
	}
	err := checkMixture(in.ExpressionAttributeNames, in.ExpressionAttributeValues,
		[]parameter{{"ProjectionExpression", in.ProjectionExpression != nil}, {"FilterExpression", in.FilterExpression != nil}},
		[]parameter{{"AttributesToGet", in.AttributesToGet != nil}, {"ScanFilter", in.ScanFilter != nil}, {"ConditionalOperator", in.ConditionalOperator != nil}})
	if err != nil {
		return nil, err
	}
	if err := checkAttributesToGet(in.AttributesToGet); err != nil {
		return nil, err
	}
	filter := comparisons(in.ScanFilter)
	if err := dynamodbexpr.CheckComparisons(filter); err != nil {
		return nil, refused(err)
	}
	if err := checkStart(in.ExclusiveStartKey); err != nil {
		return nil, err
	}
	if err := checkSegments(in.Segment, in.TotalSegments); err != nil {
		return nil, err
	}
	if err := checkSelection(in.Select, in.IndexName, in.ProjectionExpression, in.AttributesToGet); err != nil {
		return nil, err
	}
	e, err := compilePage(in.ExpressionAttributeNames, in.ExpressionAttributeValues, nil, in.FilterExpression, in.ProjectionExpression)
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
	space, unlock, err := t.lock(isTrue(in.ConsistentRead))
	if err != nil {
		return nil, err
	}
	defer unlock()
	p := &page{table: t, to: "\xff\xff\xff\xff", consistent: isTrue(in.ConsistentRead), countOnly: is(in.Select, "COUNT"), capacity: in.ReturnConsumedCapacity}
	if in.Limit != nil {
		p.limit = int(*in.Limit)
	}
	if err := p.find(in.IndexName); err != nil {
		return nil, err
	}
	p.setFilter(&e, filter, in.ScanFilter != nil, is(in.ConditionalOperator, "OR"), in.AttributesToGet)
	if err := p.checkScanStart(in.ExclusiveStartKey); err != nil {
		return nil, err
	}
	if err := p.choose(in.Select); err != nil {
		return nil, err
	}
	if in.ExclusiveStartKey != nil {
		if err := p.checkTableKey(in.ExclusiveStartKey); err != nil {
			return nil, err
		}
	}
	if in.TotalSegments != nil {
		p.from, p.to = segment(int(*in.Segment), int(*in.TotalSegments))
	}
	if start := in.ExclusiveStartKey; start != nil {
		if at := p.startKey(start); at < p.from || at >= p.to {
			return nil, invalid("%s: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d",
				wrongStart, *in.TotalSegments, *in.Segment)
		}
	}
	if err := t.checkNested(nestedOf(p.projection)); err != nil {
		return nil, err
	}
	if err := t.checkNested(e.filterNested); err != nil {
		return nil, err
	}
	p.begin(in.ExclusiveStartKey)
	return p.run(space)
}

func checkSegments(number, total *int32) error {
	switch {
	case total == nil && number == nil:
		return nil
	case total == nil:
		return invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case number == nil:
		return invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case *number >= *total:
		return invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *number, *total)
	}
	return nil
}

// segment returns the range of stored keys that is a segment of a parallel scan: as DynamoDB does, it divides the first
// twelve bits of the hash.
func segment(number, total int) (from, to string) {
	const parts = 4096
	bound := func(n int) string {
		at := (parts*n + total - 1) / total
		if at >= parts {
			return "\xff\xff\xff\xff"
		}
		return string([]byte{byte(at >> 4), byte(at << 4)})
	}
	return bound(number), bound(number + 1)
}

// checkScanStart checks where a scan begins, as far as its index is concerned.
func (p *page) checkScanStart(start Item) error {
	if start == nil {
		return nil
	}
	if len(start) != len(p.table.keyNames(p.index)) {
		if p.index != nil {
			return invalid(wrongStart)
		}
		return invalid(wrongStart + ": " + wrongKey)
	}
	if p.index != nil {
		for i, k := range p.index.all {
			if _, ok := start[k.name]; !ok {
				return invalid(wrongStart)
			}
			if err := checkKeyPart(start, k, i < len(p.index.hash), "One or more parameter values were invalid: "); err != nil {
				return err
			}
		}
	}
	return nil
}
