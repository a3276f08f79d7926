package dynamodb

import (
	"slices"
	"strings"
)

func (c *constraints) throughput(path string, p *ProvisionedThroughput) {
	if p == nil {
		return
	}
	for _, m := range []struct {
		name  string
		units int64
	}{{"writeCapacityUnits", p.WriteCapacityUnits}, {"readCapacityUnits", p.ReadCapacityUnits}} {
		if m.units < 1 {
			c.fail(itoa(int(m.units)), path+"."+m.name, "Member must have value greater than or equal to 1")
		}
	}
}

// check refuses table definitions that DynamoDB refuses.
func (in *CreateTableInput) check() error {
	if in.StreamSpecification != nil && in.StreamSpecification.StreamEnabled {
		return invalid("the embedded AWS does not emulate streams of tables")
	}
	if err := in.checkMembers(); err != nil {
		return err
	}
	onDemand := is(in.BillingMode, "PAY_PER_REQUEST")
	switch {
	case onDemand && in.ProvisionedThroughput != nil:
		return invalid(parameters + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	case !onDemand && in.ProvisionedThroughput == nil:
		return invalid(parameters + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	if err := checkClass(in.TableClass); err != nil {
		return err
	}
	if err := checkSchema(in.KeySchema, in.AttributeDefinitions, 1, 1); err != nil {
		return err
	}
	used := keyNames(in.KeySchema)
	names := map[string]bool{}
	for _, x := range in.LocalSecondaryIndexes {
		if err := in.checkLocal(x); err != nil {
			return err
		}
	}
	for _, x := range in.GlobalSecondaryIndexes {
		if err := checkIndex(x, in.AttributeDefinitions, onDemand, true); err != nil {
			return err
		}
	}
	for _, x := range slices.Concat(in.LocalSecondaryIndexes, in.GlobalSecondaryIndexes) {
		if names[x.IndexName] {
			return invalid(parameters+"Duplicate index name: %s", x.IndexName)
		}
		names[x.IndexName] = true
		used = append(used, keyNames(x.KeySchema)...)
	}
	for _, limit := range []struct {
		kind  string
		n, of int
	}{{"Number of LocalSecondaryIndexes exceeds per-table limit of 5", len(in.LocalSecondaryIndexes), 5}, {"GlobalSecondaryIndex count exceeds the per-table limit of 20", len(in.GlobalSecondaryIndexes), 20}} {
		if limit.n > limit.of {
			return invalid("%s%s", parameters, limit.kind)
		}
	}
	for _, a := range in.AttributeDefinitions {
		if !slices.Contains(used, a.AttributeName) {
			return in.unusedAttributes(used)
		}
	}
	return nil
}

func (in *CreateTableInput) unusedAttributes(used []string) error {
	if in.LocalSecondaryIndexes == nil && in.GlobalSecondaryIndexes == nil {
		return invalid(parameters + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	slices.Sort(used)
	return invalid(parameters+"Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
		strings.Join(attributeNames(in.AttributeDefinitions), ", "), strings.Join(slices.Compact(used), ", "))
}

func (in *CreateTableInput) checkMembers() error {
	var check constraints
	check.notNull("attributeDefinitions", in.AttributeDefinitions != nil)
	for i, a := range in.AttributeDefinitions {
		check.enum("attributeDefinitions."+itoa(i+1)+".member.attributeType", &a.AttributeType, "B", "N", "S")
	}
	check.enum("billingMode", in.BillingMode, "PROVISIONED", "PAY_PER_REQUEST")
	check.throughput("provisionedThroughput", in.ProvisionedThroughput)
	check.notNull("keySchema", in.KeySchema != nil)
	if in.KeySchema != nil && len(in.KeySchema) < 1 {
		check.fail("[]", "keySchema", "Member must have length greater than or equal to 1")
	}
	for i, k := range in.KeySchema {
		check.enum("keySchema."+itoa(i+1)+".member.keyType", &k.KeyType, "HASH", "RANGE")
	}
	for _, list := range []struct {
		name    string
		indexes []SecondaryIndex
	}{{"localSecondaryIndexes", in.LocalSecondaryIndexes}, {"globalSecondaryIndexes", in.GlobalSecondaryIndexes}} {
		for i, x := range list.indexes {
			at := list.name + "." + itoa(i+1) + ".member."
			check.name(at+"indexName", &x.IndexName, true)
			check.notNull(at+"keySchema", x.KeySchema != nil)
			check.notNull(at+"projection", x.Projection != nil)
			check.throughput(at+"provisionedThroughput", x.ProvisionedThroughput)
			if x.Projection != nil && x.Projection.ProjectionType != "" {
				check.enum(at+"projection.projectionType", &x.Projection.ProjectionType, "ALL", "INCLUDE", "KEYS_ONLY")
			}
		}
		if list.indexes != nil && len(list.indexes) == 0 {
			return invalid(parameters+"List of %s is empty", strings.ToUpper(list.name[:1])+list.name[1:])
		}
	}
	return check.err()
}

func checkClass(class *string) error {
	var check constraints
	check.enum("tableClass", class, "STANDARD", "STANDARD_INFREQUENT_ACCESS")
	return check.err()
}

func keyNames(keys []KeySchemaElement) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.AttributeName
	}
	return names
}

func attributeNames(attributes []AttributeDefinition) []string {
	names := make([]string, len(attributes))
	for i, a := range attributes {
		names[i] = a.AttributeName
	}
	return names
}

// checkSchema checks a key: some partition attributes, then some sort attributes, all of them defined.
func checkSchema(keys []KeySchemaElement, attributes []AttributeDefinition, maxHash, maxRange int) error {
	defined := attributeNames(attributes)
	hash, ranges := 0, 0
	for i, k := range keys {
		if !slices.Contains(defined, k.AttributeName) {
			return invalid(parameters+"Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				strings.Join(keyNames(keys), ", "), strings.Join(defined, ", "))
		}
		if slices.Contains(keyNames(keys[:i]), k.AttributeName) {
			return invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
		}
		switch {
		case k.KeyType == "RANGE":
			ranges++
		case ranges > 0 || hash == maxHash:
			return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
		default:
			hash++
		}
		if hash == 0 {
			return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
		}
	}
	if ranges > maxRange {
		return invalid("Too many attributes in the key schema: %d HASH and %d RANGE attributes at most", maxHash, maxRange)
	}
	return nil
}

// checkIndex checks a global index, whose keys have up to four attributes each.
func checkIndex(x SecondaryIndex, attributes []AttributeDefinition, onDemand, global bool) error {
	most := 1
	if global {
		most = 4
	}
	if err := checkSchema(x.KeySchema, attributes, most, most); err != nil {
		return err
	}
	switch {
	case x.Projection == nil || x.Projection.ProjectionType == "":
		return invalid(parameters + "Unknown ProjectionType: null")
	case x.Projection.NonKeyAttributes != nil && x.Projection.ProjectionType != "INCLUDE":
		return invalid(parameters+"ProjectionType is %s, but NonKeyAttributes is specified", x.Projection.ProjectionType)
	case x.Projection.NonKeyAttributes == nil && x.Projection.ProjectionType == "INCLUDE":
		return invalid(parameters + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	case global && !onDemand && x.ProvisionedThroughput == nil:
		return invalid(parameters+"ProvisionedThroughput must be specified for index: %s", x.IndexName)
	case onDemand && x.ProvisionedThroughput != nil:
		return invalid(parameters+"ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", x.IndexName)
	}
	return nil
}

func (in *CreateTableInput) checkLocal(x SecondaryIndex) error {
	if len(in.KeySchema) != 2 {
		return invalid(parameters + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	}
	if err := checkIndex(x, in.AttributeDefinitions, false, false); err != nil {
		return err
	}
	if len(x.KeySchema) != 2 {
		return invalid(parameters+"Index KeySchema does not have a range key for index: %s", x.IndexName)
	}
	if own, of := x.KeySchema[0].AttributeName, in.KeySchema[0].AttributeName; own != of {
		return invalid(parameters+"Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s", x.IndexName, own, of)
	}
	return nil
}
