package provider

import (
	"context"
	"fmt"
	"slices"
)

func dynamodbTypes() []*resourceType { return []*resourceType{tableType()} }

func tableType() *resourceType {
	const (
		noReplicas = "there is one region"
		noImports  = "there is no S3"
		noBackups  = "tables cannot be restored"
		noStreams  = "streams of tables are not emulated"
		noLimits   = "capacity is counted and never exhausted"
	)
	onDemand := func() *property {
		return object("onDemandThroughput", integer("maxReadRequestUnits"), integer("maxWriteRequestUnits")).refused(noLimits)
	}
	projection := func() *property {
		return text("projectionType").needed().oneOf("ALL", "INCLUDE", "KEYS_ONLY")
	}
	return &resourceType{
		token: "aws:dynamodb/table:Table",
		properties: append(tagProperties(),
			text("arn").output(),
			set("attributes", object("", text("name").needed().length(1, 255), text("type").needed().oneOf("B", "N", "S"))),
			text("billingMode").defaults("PROVISIONED").oneOf("PROVISIONED", "PAY_PER_REQUEST"),
			boolean("deletionProtectionEnabled"),
			set("globalSecondaryIndexes", object("", text("hashKey").needed(), text("name").needed().length(3, 255), set("nonKeyAttributes", text("")), onDemand(),
				projection(), text("rangeKey"), integer("readCapacity").orChosen(), integer("writeCapacity").orChosen())),
			text("hashKey").orChosen().replaces(),
			object("importTable", text("inputCompressionType"), text("inputFormat").needed(),
				object("inputFormatOptions", object("csv", text("delimiter"), list("headerLists", text("")))),
				object("s3BucketSource", text("bucket").needed(), text("bucketOwner"), text("keyPrefix")).needed()).refused(noImports),
			set("localSecondaryIndexes", object("", text("name").needed().length(3, 255), list("nonKeyAttributes", text("")), projection(), text("rangeKey").needed())).replaces(),
			text("name").orChosen().replaces().length(3, 255).matching(`^[a-zA-Z0-9_.-]+$`, "letters, digits, underscores, hyphens and periods"),
			onDemand(),
			object("pointInTimeRecovery", boolean("enabled").needed(), integer("recoveryPeriodInDays").orChosen().between(1, 35)).orChosen(),
			text("rangeKey").replaces(),
			integer("readCapacity").orChosen(),
			set("replicas", object("", text("arn"), text("kmsKeyArn"), boolean("pointInTimeRecovery"), boolean("propagateTags"), text("regionName").needed(), text("streamArn"), text("streamLabel"))).refused(noReplicas),
			text("restoreDateTime").refused(noBackups), text("restoreSourceName").refused(noBackups), text("restoreSourceTableArn").refused(noBackups),
			boolean("restoreToLatestTime").refused(noBackups),
			object("serverSideEncryption", boolean("enabled").needed(), text("kmsKeyArn").orChosen().checked(isARN)).orChosen(),
			text("streamArn").output(), boolean("streamEnabled").onlyAs(false, noStreams), text("streamLabel").output(), text("streamViewType").refused(noStreams),
			text("tableClass").defaults("STANDARD").oneOf("STANDARD", "STANDARD_INFREQUENT_ACCESS"),
			object("ttl", text("attributeName"), boolean("enabled")).orChosen(),
			integer("writeCapacity").orChosen(),
		),
		naming: &naming{property: "name", maxLength: 255},
		check:  checkTable,
		create: createTable,
		read:   readTable,
		update: updateTable,
		remove: func(ctx context.Context, c *call, id string, _ props) error {
			_, err := c.do(ctx, "dynamodb", "DeleteTable", props{"TableName": id})
			return err
		},
	}
}

// checkTable finds what pulumi-aws finds when it validates a table: attributes that no key uses and keys that are not
// defined, capacity that the billing mode wants or does not want.
func checkTable(in props) []failure {
	var all []failure
	fail := func(path, format string, args ...any) { all = append(all, failure{path, fmt.Sprintf(format, args...)}) }
	if !in.has("hashKey") {
		fail("hashKey", "`hashKey` must be specified: the embedded AWS restores no tables")
	}
	known := true
	used := map[string]bool{}
	use := func(of props, names ...string) {
		for _, name := range names {
			switch v := of[name].(type) {
			case nil:
			case string:
				used[v] = true
			default:
				known = false
			}
		}
	}
	use(in, "hashKey", "rangeKey")
	for i, x := range in.objects("globalSecondaryIndexes") {
		use(x, "hashKey", "rangeKey")
		if x.text("projectionType") != "INCLUDE" && len(x.list("nonKeyAttributes")) > 0 {
			fail(fmt.Sprintf("globalSecondaryIndexes[%d].nonKeyAttributes", i), "`nonKeyAttributes` must not be set when `projectionType` is %s", x.text("projectionType"))
		}
		if in.text("billingMode") == "PROVISIONED" {
			for _, capacity := range []string{"readCapacity", "writeCapacity"} {
				if isZero(x[capacity]) {
					fail(fmt.Sprintf("globalSecondaryIndexes[%d].%s", i, capacity), "%s must be set for PROVISIONED mode", capacity)
				}
			}
		}
	}
	for _, x := range in.objects("localSecondaryIndexes") {
		use(x, "rangeKey")
	}
	if len(in.list("localSecondaryIndexes")) > 0 && !in.has("rangeKey") {
		fail("localSecondaryIndexes", "a table with local secondary indexes must have a `rangeKey`")
	}
	if in.text("billingMode") == "PROVISIONED" {
		for _, capacity := range []string{"readCapacity", "writeCapacity"} {
			if isZero(in[capacity]) {
				fail(capacity, "%s must be set when billingMode is PROVISIONED", capacity)
			}
		}
	}
	if ttl := in.object("ttl"); ttl.boolean("enabled") && isZero(ttl["attributeName"]) {
		fail("ttl.attributeName", "`attributeName` must be set when `enabled` is true")
	}
	defined := map[string]bool{}
	for _, a := range in.objects("attributes") {
		name, ok := a["name"].(string)
		known = known && ok
		defined[name] = true
	}
	if !known {
		return all
	}
	for _, name := range sortedKeys(used) {
		if !defined[name] {
			fail("attributes", "all indexes must match a defined attribute. Unmatched indexes: %q", name)
		}
	}
	for _, name := range sortedKeys(defined) {
		if !used[name] {
			fail("attributes", "all attributes must be indexed. Unused attributes: %q", name)
		}
	}
	return all
}

func keySchema(of props) []any {
	keys := []any{props{"AttributeName": of["hashKey"], "KeyType": "HASH"}}
	if of.text("rangeKey") != "" {
		keys = append(keys, props{"AttributeName": of["rangeKey"], "KeyType": "RANGE"})
	}
	return keys
}

func attributeDefinitions(in props) []any {
	var all []any
	for _, a := range in.objects("attributes") {
		all = append(all, props{"AttributeName": a["name"], "AttributeType": a["type"]})
	}
	return all
}

func isProvisioned(in props) bool { return in.text("billingMode") != "PAY_PER_REQUEST" }

func capacityOf(of props) props {
	return props{"ReadCapacityUnits": of["readCapacity"], "WriteCapacityUnits": of["writeCapacity"]}
}

// globalIndex is an index in the API's form.
func globalIndex(in, x props) props {
	index := props{"IndexName": x["name"], "KeySchema": keySchema(x), "Projection": indexProjection(x)}
	if isProvisioned(in) {
		index["ProvisionedThroughput"] = capacityOf(x)
	}
	return index
}

func indexProjection(x props) props {
	projection := props{"ProjectionType": x["projectionType"]}
	if names := x.list("nonKeyAttributes"); len(names) > 0 {
		projection["NonKeyAttributes"] = names
	}
	return projection
}

func encryption(of any) props {
	sse := asObject(of)
	if !sse.boolean("enabled") {
		return props{"Enabled": false}
	}
	return sse.copied(props{"Enabled": true, "SSEType": "KMS"}, "kmsKeyArn", "KMSMasterKeyId")
}

func createTable(ctx context.Context, c *call, in props) (string, error) {
	req := in.copied(props{"AttributeDefinitions": attributeDefinitions(in), "KeySchema": keySchema(in)},
		"name", "TableName", "billingMode", "BillingMode", "tableClass", "TableClass", "deletionProtectionEnabled", "DeletionProtectionEnabled")
	if isProvisioned(in) {
		req["ProvisionedThroughput"] = capacityOf(in)
	}
	var global, local []any
	for _, x := range in.objects("globalSecondaryIndexes") {
		global = append(global, globalIndex(in, x))
	}
	for _, x := range in.objects("localSecondaryIndexes") {
		keys := keySchema(props{"hashKey": in["hashKey"], "rangeKey": x["rangeKey"]})
		local = append(local, props{"IndexName": x["name"], "KeySchema": keys, "Projection": indexProjection(x)})
	}
	if global != nil {
		req["GlobalSecondaryIndexes"] = global
	}
	if local != nil {
		req["LocalSecondaryIndexes"] = local
	}
	if tags := tagList(in["tagsAll"], "Key", "Value"); len(tags) > 0 {
		req["Tags"] = tags
	}
	if in.has("serverSideEncryption") {
		req["SSESpecification"] = encryption(in["serverSideEncryption"])
	}
	if _, err := c.do(ctx, "dynamodb", "CreateTable", req); err != nil {
		return "", err
	}
	id := in.text("name")
	if in.object("ttl").boolean("enabled") {
		if err := setTTL(ctx, c, id, in.object("ttl"), true); err != nil {
			return id, err
		}
	}
	if in.object("pointInTimeRecovery").boolean("enabled") {
		return id, setRecovery(ctx, c, id, in.object("pointInTimeRecovery"))
	}
	return id, nil
}

func setTTL(ctx context.Context, c *call, id string, ttl props, enabled bool) error {
	_, err := c.do(ctx, "dynamodb", "UpdateTimeToLive", props{"TableName": id,
		"TimeToLiveSpecification": props{"AttributeName": ttl["attributeName"], "Enabled": enabled}})
	return err
}

func setRecovery(ctx context.Context, c *call, id string, recovery props) error {
	spec := props{"PointInTimeRecoveryEnabled": recovery.boolean("enabled")}
	if recovery.boolean("enabled") {
		recovery.copied(spec, "recoveryPeriodInDays", "RecoveryPeriodInDays")
	}
	_, err := c.do(ctx, "dynamodb", "UpdateContinuousBackups", props{"TableName": id, "PointInTimeRecoverySpecification": spec})
	return err
}

func readTable(ctx context.Context, c *call, id string, state props) (props, error) {
	name := props{"TableName": id}
	out, err := c.do(ctx, "dynamodb", "DescribeTable", name)
	if err != nil {
		return nil, err
	}
	table := out.object("Table")
	throughput := table.object("ProvisionedThroughput")
	live := props{"arn": table["TableArn"], "name": table["TableName"], "billingMode": "PROVISIONED", "tableClass": "STANDARD",
		"deletionProtectionEnabled": table.boolean("DeletionProtectionEnabled"),
		"readCapacity":              throughput["ReadCapacityUnits"], "writeCapacity": throughput["WriteCapacityUnits"],
		"streamArn": "", "streamLabel": ""}
	if mode := table.object("BillingModeSummary").text("BillingMode"); mode != "" {
		live["billingMode"] = mode
	}
	if class := table.object("TableClassSummary").text("TableClass"); class != "" {
		live["tableClass"] = class
	}
	readKeys(live, table)
	var attributes, global, local []any
	for _, a := range table.objects("AttributeDefinitions") {
		attributes = append(attributes, map[string]any{"name": a["AttributeName"], "type": a["AttributeType"]})
	}
	for _, x := range table.objects("GlobalSecondaryIndexes") {
		index := readIndex(x)
		throughput := x.object("ProvisionedThroughput")
		index["readCapacity"], index["writeCapacity"] = throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]
		global = append(global, index)
	}
	for _, x := range table.objects("LocalSecondaryIndexes") {
		index := readIndex(x)
		delete(index, "hashKey") // it is the table's
		local = append(local, index)
	}
	live["attributes"], live["globalSecondaryIndexes"], live["localSecondaryIndexes"] = attributes, global, local
	if sse := table.object("SSEDescription"); sse.text("Status") == "ENABLED" {
		live["serverSideEncryption"] = map[string]any{"enabled": true, "kmsKeyArn": sse["KMSMasterKeyArn"]}
	} else if state.has("serverSideEncryption") {
		live["serverSideEncryption"] = map[string]any{"enabled": false}
	}
	return live, readTableSettings(ctx, c, id, live)
}

func readKeys(into, of props) {
	for _, k := range of.objects("KeySchema") {
		if k.text("KeyType") == "HASH" {
			into["hashKey"] = k["AttributeName"]
		} else {
			into["rangeKey"] = k["AttributeName"]
		}
	}
}

func readIndex(x props) map[string]any {
	index := props{"name": x["IndexName"], "projectionType": x.object("Projection")["ProjectionType"]}
	readKeys(index, x)
	if names := x.object("Projection").list("NonKeyAttributes"); len(names) > 0 {
		index["nonKeyAttributes"] = names
	}
	return index
}

// readTableSettings reads what has operations of its own.
func readTableSettings(ctx context.Context, c *call, id string, live props) error {
	name := props{"TableName": id}
	ttl, err := c.do(ctx, "dynamodb", "DescribeTimeToLive", name)
	if err != nil {
		return err
	}
	description := ttl.object("TimeToLiveDescription")
	live["ttl"] = map[string]any{"enabled": description.text("TimeToLiveStatus") == "ENABLED", "attributeName": description.text("AttributeName")}
	backups, err := c.do(ctx, "dynamodb", "DescribeContinuousBackups", name)
	if err != nil {
		return err
	}
	point := backups.object("ContinuousBackupsDescription").object("PointInTimeRecoveryDescription")
	recovery := map[string]any{"enabled": point.text("PointInTimeRecoveryStatus") == "ENABLED"}
	if days := point.number("RecoveryPeriodInDays"); days > 0 {
		recovery["recoveryPeriodInDays"] = days
	}
	live["pointInTimeRecovery"] = recovery
	tags, err := c.do(ctx, "dynamodb", "ListTagsOfResource", props{"ResourceArn": live["arn"]})
	if err != nil {
		return err
	}
	live["tagsAll"] = tagMap(tags.objects("Tags"), "Key", "Value")
	return nil
}

func updateTable(ctx context.Context, c *call, ch *change) error {
	do := func(req props) error {
		req["TableName"] = ch.id
		_, err := c.do(ctx, "dynamodb", "UpdateTable", req)
		return err
	}
	if ch.of("deletionProtectionEnabled") {
		if err := do(props{"DeletionProtectionEnabled": ch.wanted.boolean("deletionProtectionEnabled")}); err != nil {
			return err
		}
	}
	if ch.of("tableClass") {
		if err := do(props{"TableClass": ch.wanted["tableClass"]}); err != nil {
			return err
		}
	}
	if ch.of("billingMode") || isProvisioned(ch.wanted) && ch.of("readCapacity", "writeCapacity") {
		req := props{"BillingMode": ch.wanted["billingMode"]}
		if isProvisioned(ch.wanted) {
			req["ProvisionedThroughput"] = capacityOf(ch.wanted)
		}
		if err := do(req); err != nil {
			return err
		}
	}
	if ch.of("globalSecondaryIndexes") {
		for _, u := range indexUpdates(ch) { // one at a time, as DynamoDB wants it
			if err := do(props{"AttributeDefinitions": attributeDefinitions(ch.wanted), "GlobalSecondaryIndexUpdates": []any{u}}); err != nil {
				return err
			}
		}
	}
	if ch.of("serverSideEncryption") {
		if err := do(props{"SSESpecification": encryption(ch.wanted["serverSideEncryption"])}); err != nil {
			return err
		}
	}
	if ch.of("ttl") {
		if err := updateTTL(ctx, c, ch); err != nil {
			return err
		}
	}
	if ch.of("pointInTimeRecovery") {
		if err := setRecovery(ctx, c, ch.id, ch.wanted.object("pointInTimeRecovery")); err != nil {
			return err
		}
	}
	return ch.retag(ctx, c, "dynamodb", "ResourceArn", ch.old["arn"], "TagKeys", "Tags", func(tags any) []any { return tagList(tags, "Key", "Value") })
}

func updateTTL(ctx context.Context, c *call, ch *change) error {
	old, wanted := ch.old.object("ttl"), ch.wanted.object("ttl")
	if old.boolean("enabled") {
		if err := setTTL(ctx, c, ch.id, old, false); err != nil {
			return err
		}
	}
	if wanted.boolean("enabled") {
		return setTTL(ctx, c, ch.id, wanted, true)
	}
	return nil
}

// indexUpdates are the changes of global indexes: those that go or become others first.
func indexUpdates(ch *change) []any {
	var gone, changed, made []any
	elem := ch.resource.property("globalSecondaryIndexes").elem
	old, wanted := ch.old.objects("globalSecondaryIndexes"), ch.wanted.objects("globalSecondaryIndexes")
	named := func(of []props, name string) props {
		if i := slices.IndexFunc(of, func(x props) bool { return x.text("name") == name }); i >= 0 {
			return of[i]
		}
		return nil
	}
	for _, x := range old {
		name := x.text("name")
		y := named(wanted, name)
		switch {
		case y == nil || !sameIndex(elem, x, y):
			gone = append(gone, props{"Delete": props{"IndexName": name}})
		case isProvisioned(ch.wanted) && (x.number("readCapacity") != y.number("readCapacity") || x.number("writeCapacity") != y.number("writeCapacity")):
			changed = append(changed, props{"Update": props{"IndexName": name, "ProvisionedThroughput": capacityOf(y)}})
		}
	}
	for _, y := range wanted {
		if x := named(old, y.text("name")); x == nil || !sameIndex(elem, x, y) {
			made = append(made, props{"Create": globalIndex(ch.wanted, y)})
		}
	}
	return slices.Concat(gone, changed, made)
}

// sameIndex reports whether an index has the same keys and projection.
func sameIndex(elem *property, x, y props) bool {
	for _, f := range elem.fields {
		if f.name != "readCapacity" && f.name != "writeCapacity" && !equal(f, x[f.name], y[f.name]) {
			return false
		}
	}
	return true
}
