package asl

import (
	"fmt"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// permissionRule derives the permissions of one action from its arguments
// (https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html).
type permissionRule func(d *deriver, r *Resource, arguments *jsonvalue.Object) error

// permissionRules has a rule for each action "service:action" of an optimised integration and "aws-sdk:service:action"
// of an SDK integration; "*" stands for the actions of a service that have no rule of their own.
var permissionRules = map[string]permissionRule{
	"lambda:invoke":         invokeFunction,
	"aws-sdk:lambda:invoke": invokeFunction,
	"aws-sdk:lambda:*":      onArgument("lambda", "FunctionName", lambdaARN),

	"dynamodb:getItem":                       tableAction,
	"dynamodb:putItem":                       tableAction,
	"dynamodb:updateItem":                    tableAction,
	"dynamodb:deleteItem":                    tableAction,
	"aws-sdk:dynamodb:query":                 queryTable,
	"aws-sdk:dynamodb:scan":                  queryTable,
	"aws-sdk:dynamodb:transactWriteItems":    transactItems,
	"aws-sdk:dynamodb:transactGetItems":      transactItems,
	"aws-sdk:dynamodb:batchGetItem":          batchItems("dynamodb:BatchGetItem"),
	"aws-sdk:dynamodb:batchWriteItem":        batchItems("dynamodb:BatchWriteItem"),
	"aws-sdk:dynamodb:executeStatement":      underivable("the table stands in a PartiQL statement"),
	"aws-sdk:dynamodb:batchExecuteStatement": underivable("the tables stand in PartiQL statements"),
	"aws-sdk:dynamodb:executeTransaction":    underivable("the tables stand in PartiQL statements"),
	"aws-sdk:dynamodb:listTables":            onEverything("dynamodb"),
	"aws-sdk:dynamodb:describeLimits":        onEverything("dynamodb"),
	"aws-sdk:dynamodb:*":                     tableAction,

	"sqs:sendMessage": onArgument("sqs", "QueueUrl", queueARN),
	// IAM has no actions of their own for batches.
	"aws-sdk:sqs:sendMessageBatch":             as("sendMessage", onArgument("sqs", "QueueUrl", queueARN)),
	"aws-sdk:sqs:deleteMessageBatch":           as("deleteMessage", onArgument("sqs", "QueueUrl", queueARN)),
	"aws-sdk:sqs:changeMessageVisibilityBatch": as("changeMessageVisibility", onArgument("sqs", "QueueUrl", queueARN)),
	"aws-sdk:sqs:createQueue":                  onArgument("sqs", "QueueName", queueNameARN),
	"aws-sdk:sqs:getQueueUrl":                  onArgument("sqs", "QueueName", queueNameARN),
	"aws-sdk:sqs:listQueues":                   onEverything("sqs"),
	"aws-sdk:sqs:*":                            onArgument("sqs", "QueueUrl", queueARN),

	"sns:publish":              publishMessage,
	"aws-sdk:sns:publish":      publishMessage,
	"aws-sdk:sns:publishBatch": as("publish", onArgument("sns", "TopicArn", nil)),
	"aws-sdk:sns:createTopic":  onArgument("sns", "Name", topicARN),
	"aws-sdk:sns:listTopics":   onEverything("sns"),
	"aws-sdk:sns:*":            onArgument("sns", "TopicArn", nil),

	"events:putEvents":                      putEvents,
	"aws-sdk:eventbridge:putEvents":         putEvents,
	"aws-sdk:eventbridge:putRule":           passing(ruleAction("Name"), "RoleArn"),
	"aws-sdk:eventbridge:deleteRule":        ruleAction("Name"),
	"aws-sdk:eventbridge:enableRule":        ruleAction("Name"),
	"aws-sdk:eventbridge:disableRule":       ruleAction("Name"),
	"aws-sdk:eventbridge:describeRule":      ruleAction("Name"),
	"aws-sdk:eventbridge:putTargets":        passing(ruleAction("Rule"), "Targets", "RoleArn"),
	"aws-sdk:eventbridge:removeTargets":     ruleAction("Rule"),
	"aws-sdk:eventbridge:listTargetsByRule": ruleAction("Rule"),
	"aws-sdk:eventbridge:testEventPattern":  onEverything("events"),

	"aws-sdk:scheduler:createSchedule":      passing(scheduleAction, "Target", "RoleArn"),
	"aws-sdk:scheduler:updateSchedule":      passing(scheduleAction, "Target", "RoleArn"),
	"aws-sdk:scheduler:getSchedule":         scheduleAction,
	"aws-sdk:scheduler:deleteSchedule":      scheduleAction,
	"aws-sdk:scheduler:createScheduleGroup": onArgument("scheduler", "Name", scheduleGroupARN),
	"aws-sdk:scheduler:getScheduleGroup":    onArgument("scheduler", "Name", scheduleGroupARN),
	"aws-sdk:scheduler:deleteScheduleGroup": onArgument("scheduler", "Name", scheduleGroupARN),
	"aws-sdk:scheduler:listSchedules":       onEverything("scheduler"),
	"aws-sdk:scheduler:listScheduleGroups":  onEverything("scheduler"),

	"states:startExecution":          startExecution,
	"aws-sdk:sfn:startExecution":     startExecution,
	"aws-sdk:sfn:startSyncExecution": onArgument("states", "StateMachineArn", nil),
	"aws-sdk:sfn:describeExecution":  onArgument("states", "ExecutionArn", nil),
	"aws-sdk:sfn:stopExecution":      onArgument("states", "ExecutionArn", nil),
	"aws-sdk:sfn:redriveExecution":   onArgument("states", "ExecutionArn", nil),
	"aws-sdk:sfn:listStateMachines":  onEverything("states"),
	"aws-sdk:sfn:describeMapRun":     onArgument("states", "MapRunArn", nil),

	"aws-sdk:sfn:getExecutionHistory":              onArgument("states", "ExecutionArn", nil),
	"aws-sdk:sfn:describeStateMachineForExecution": onArgument("states", "ExecutionArn", nil),

	"aws-sdk:sfn:sendTaskSuccess":   onEverything("states"),
	"aws-sdk:sfn:sendTaskFailure":   onEverything("states"),
	"aws-sdk:sfn:sendTaskHeartbeat": onEverything("states"),
	"aws-sdk:sfn:*":                 onArgument("states", "StateMachineArn", nil),

	"aws-sdk:cognitoidentityprovider:createUserPool":         onEverything("cognito-idp"),
	"aws-sdk:cognitoidentityprovider:listUserPools":          onEverything("cognito-idp"),
	"aws-sdk:cognitoidentityprovider:describeUserPoolDomain": onEverything("cognito-idp"),

	"aws-sdk:cognitoidentityprovider:*": onArgument("cognito-idp", "UserPoolId", userPoolARN),

	"aws-sdk:s3:listObjectsV2":      onBucket("s3:ListBucket"),
	"aws-sdk:s3:listObjects":        onBucket("s3:ListBucket"),
	"aws-sdk:s3:listObjectVersions": onBucket("s3:ListBucketVersions"),
	"aws-sdk:s3:headBucket":         onBucket("s3:ListBucket"),
	"aws-sdk:s3:getObject":          onObject("s3:GetObject"),
	"aws-sdk:s3:headObject":         onObject("s3:GetObject"),
	"aws-sdk:s3:putObject":          onObject("s3:PutObject"),
	"aws-sdk:s3:deleteObject":       onObject("s3:DeleteObject"),

	"aws-sdk:secretsmanager:*": onArgument("secretsmanager", "SecretId", secretARN),
	"aws-sdk:ssm:getParameter": onArgument("ssm", "Name", parameterARN),
	"aws-sdk:ssm:putParameter": onArgument("ssm", "Name", parameterARN),
	"aws-sdk:kms:*":            onArgument("kms", "KeyId", keyARN),
	"aws-sdk:kinesis:*":        onArgument("kinesis", "StreamName", streamARN),
	"aws-sdk:firehose:*":       onArgument("firehose", "DeliveryStreamName", deliveryStreamARN),

	"aws-sdk:healthlake:startFHIRImportJob":  passing(onArgument("healthlake", "DatastoreId", datastoreARN), "DataAccessRoleArn"),
	"aws-sdk:healthlake:startFHIRExportJob":  passing(onArgument("healthlake", "DatastoreId", datastoreARN), "DataAccessRoleArn"),
	"aws-sdk:healthlake:createFHIRDatastore": onEverything("healthlake"),
	"aws-sdk:healthlake:listFHIRDatastores":  onEverything("healthlake"),
	"aws-sdk:healthlake:*":                   onArgument("healthlake", "DatastoreId", datastoreARN),

	// These actions have no resource of their own in IAM.
	"aws-sdk:cloudwatch:putMetricData": onEverything("cloudwatch"),
	"aws-sdk:sts:getCallerIdentity":    onEverything("sts"),
}

func underivable(why string) permissionRule {
	return func(*deriver, *Resource, *jsonvalue.Object) error { return fmt.Errorf("%s", why) }
}

// onEverything allows an action that cannot be restricted to a resource.
func onEverything(prefix string) permissionRule {
	return func(d *deriver, r *Resource, _ *jsonvalue.Object) error {
		d.allow([]string{"*"}, iamAction(prefix, r.Action))
		return nil
	}
}

// onArgument allows the action itself on the resource that one argument names.
func onArgument(prefix, name string, fromName func(d *deriver, value string) string) permissionRule {
	return func(d *deriver, r *Resource, arguments *jsonvalue.Object) error {
		arn, err := d.arn(arguments, name, func(value string) string {
			if fromName == nil {
				return ""
			}
			return fromName(d, value)
		})
		if err != nil {
			return err
		}
		d.allow([]string{arn}, iamAction(prefix, r.Action))
		return nil
	}
}

// resourceARN makes an ARN from a name that has the allowed form; "" for another text, such as a placeholder.
func (d *deriver) resourceARN(service, resource, name string) string {
	if name == "" || strings.ContainsAny(name, "${}*? :") {
		return ""
	}
	return "arn:aws:" + service + ":" + d.opts.Region + ":" + d.opts.Account + ":" + resource + name
}

func lambdaARN(d *deriver, name string) string { return d.resourceARN("lambda", "function:", name) }

func keyARN(d *deriver, id string) string { return d.resourceARN("kms", "key/", id) }

func streamARN(d *deriver, name string) string { return d.resourceARN("kinesis", "stream/", name) }

func deliveryStreamARN(d *deriver, name string) string {
	return d.resourceARN("firehose", "deliverystream/", name)
}

func datastoreARN(d *deriver, id string) string {
	return d.resourceARN("healthlake", "datastore/fhir/", id)
}

func parameterARN(d *deriver, name string) string {
	return d.resourceARN("ssm", "parameter/", strings.TrimPrefix(name, "/"))
}

// secretARN matches a secret's name with the six characters that AWS appends to it.
func secretARN(d *deriver, name string) string {
	if arn := d.resourceARN("secretsmanager", "secret:", name); arn != "" {
		return arn + "-??????"
	}
	return ""
}

func tableARN(d *deriver, name string) string { return d.resourceARN("dynamodb", "table/", name) }

// userPoolARN takes the region from the id, which begins with it: us-east-1_AbCdEf.
func userPoolARN(d *deriver, id string) string {
	region, _, found := strings.Cut(id, "_")
	if !found || strings.ContainsAny(id, "${}*? :/") {
		return ""
	}
	return "arn:aws:cognito-idp:" + region + ":" + d.opts.Account + ":userpool/" + id
}

// queueARN reads a queue's URL: https://sqs.<region>.amazonaws.com/<account>/<name>.
func queueARN(_ *deriver, url string) string {
	rest, found := strings.CutPrefix(url, "https://sqs.")
	if !found {
		return ""
	}
	host, path, _ := strings.Cut(rest, "/")
	region, domain, _ := strings.Cut(host, ".")
	account, name, found := strings.Cut(path, "/")
	if !found || !strings.HasPrefix(domain, "amazonaws.com") || account == "" || name == "" || strings.ContainsAny(path, "${}*?") {
		return ""
	}
	return "arn:aws:sqs:" + region + ":" + account + ":" + name
}

// invokeFunction allows what the task invokes and no more: a permission for the unqualified function is none for its versions and
// aliases. See https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html.
func invokeFunction(d *deriver, _ *Resource, arguments *jsonvalue.Object) error {
	arn, err := d.arn(arguments, "FunctionName", func(name string) string { return lambdaARN(d, name) })
	if err != nil {
		return err
	}
	_, fixed := arguments.Get("Qualifier")
	_, dynamic := arguments.Get("Qualifier.$")
	if qualified := strings.Count(arn, ":") > 6; !qualified && (fixed || dynamic) {
		qualifier, err := literalArgument(arguments, "Qualifier")
		if err != nil {
			qualifier = "*" // only known when it runs
		}
		arn += ":" + qualifier
	}
	d.allow([]string{arn}, "lambda:InvokeFunction")
	return nil
}

func (d *deriver) table(arguments *jsonvalue.Object) (string, error) {
	return d.arn(arguments, "TableName", func(name string) string { return tableARN(d, name) })
}

func tableAction(d *deriver, r *Resource, arguments *jsonvalue.Object) error {
	arn, err := d.table(arguments)
	if err != nil {
		return err
	}
	d.allow([]string{arn}, iamAction("dynamodb", r.Action))
	return nil
}

// queryTable allows reading an index too, where the action names one.
func queryTable(d *deriver, r *Resource, arguments *jsonvalue.Object) error {
	arn, err := d.table(arguments)
	if err != nil {
		return err
	}
	resources := []string{arn}
	_, fixed := arguments.Get("IndexName")
	_, dynamic := arguments.Get("IndexName.$")
	if fixed || dynamic {
		name := "*"
		if fixed {
			if name, err = literalArgument(arguments, "IndexName"); err != nil {
				return err
			}
		}
		resources = []string{arn + "/index/" + name}
	}
	d.allow(resources, iamAction("dynamodb", r.Action))
	return nil
}

// transactItems allows each operation of a transaction on its table.
func transactItems(d *deriver, _ *Resource, arguments *jsonvalue.Object) error {
	v, has := arguments.Get("TransactItems")
	items, ok := v.(*jsonvalue.Array)
	if !has || !ok {
		return fmt.Errorf("its argument TransactItems is only known when it runs")
	}
	actions := map[string]string{"Put": "dynamodb:PutItem", "Update": "dynamodb:UpdateItem", "Delete": "dynamodb:DeleteItem",
		"ConditionCheck": "dynamodb:ConditionCheckItem", "Get": "dynamodb:GetItem"}
	var tables []string
	byTable := map[string][]string{}
	for i, item := range items.Items {
		for operation, detail := range object(item).All() {
			action, known := actions[operation]
			if !known {
				return fmt.Errorf("item %d of TransactItems has the unknown operation %s", i, operation)
			}
			arn, err := d.table(object(detail))
			if err != nil {
				return fmt.Errorf("item %d of TransactItems: %w", i, err)
			}
			tables = appendNew(tables, arn)
			byTable[arn] = appendNew(byTable[arn], action)
		}
	}
	if len(tables) == 0 {
		return fmt.Errorf("its argument TransactItems is empty")
	}
	for _, arn := range tables {
		d.allow([]string{arn}, byTable[arn]...)
	}
	return nil
}

// batchItems allows an action on the tables that are the members of RequestItems.
func batchItems(action string) permissionRule {
	return func(d *deriver, _ *Resource, arguments *jsonvalue.Object) error {
		items := object(value(arguments, "RequestItems"))
		if items.Len() == 0 {
			return fmt.Errorf("its argument RequestItems is only known when it runs")
		}
		var tables []string
		for name := range items.All() {
			arn, err := d.table(fields("TableName", strings.TrimSuffix(name, ".$")))
			if err != nil {
				return err
			}
			tables = append(tables, arn)
		}
		d.allow(tables, action)
		return nil
	}
}

// publishMessage needs a topic: a text message to a phone number has no resource to be named.
func publishMessage(d *deriver, _ *Resource, arguments *jsonvalue.Object) error {
	name := "TopicArn"
	if _, has := arguments.Get("TargetArn"); has {
		name = "TargetArn"
	}
	arn, err := d.arn(arguments, name, nil)
	if err != nil {
		return err
	}
	d.allow([]string{arn}, "sns:Publish")
	return nil
}

// putEvents allows each entry's bus; without EventBusName it is the default one.
func putEvents(d *deriver, _ *Resource, arguments *jsonvalue.Object) error {
	entries, ok := value(arguments, "Entries").(*jsonvalue.Array)
	if !ok || entries.Len() == 0 {
		return fmt.Errorf("its argument Entries is only known when it runs")
	}
	var buses []string
	for i, item := range entries.Items {
		entry, ok := item.(*jsonvalue.Object)
		if !ok {
			return fmt.Errorf("entry %d is not an object", i)
		}
		_, fixed := entry.Get("EventBusName")
		_, dynamic := entry.Get("EventBusName.$")
		bus := d.resourceARN("events", "event-bus/", "default")
		if fixed || dynamic {
			var err error
			if bus, err = d.arn(entry, "EventBusName", func(name string) string { return d.resourceARN("events", "event-bus/", name) }); err != nil {
				return fmt.Errorf("entry %d: %w", i, err)
			}
		}
		buses = appendNew(buses, bus)
	}
	d.allow(buses, "events:PutEvents")
	return nil
}

// startExecution needs more where the machine waits for the other one: it then looks at it, may stop it, and hears of
// its end by a rule of EventBridge
// (https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html#sync-async-iam-policies).
func startExecution(d *deriver, r *Resource, arguments *jsonvalue.Object) error {
	machine, err := d.arn(arguments, "StateMachineArn", nil)
	if err != nil {
		return err
	}
	d.allow([]string{machine}, "states:StartExecution")
	if r.Pattern != Sync && r.Pattern != Sync2 {
		return nil
	}
	executions, region, account := "*", d.opts.Region, d.opts.Account
	if p := splitARN(machine); p != nil && p[2] == "states" && strings.HasPrefix(p[5], "stateMachine:") {
		region, account = p[3], p[4]
		executions = strings.Join(p[:5], ":") + ":execution:" + strings.TrimPrefix(p[5], "stateMachine:") + ":*"
	}
	d.allow([]string{executions}, "states:DescribeExecution", "states:StopExecution")
	d.allow([]string{"arn:aws:events:" + region + ":" + account + ":rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"},
		"events:PutTargets", "events:PutRule", "events:DescribeRule")
	return nil
}

func onBucket(action string) permissionRule {
	return func(d *deriver, _ *Resource, arguments *jsonvalue.Object) error {
		arn, err := d.bucket(arguments)
		if err != nil {
			return err
		}
		d.allow([]string{arn}, action)
		return nil
	}
}

// onObject allows an action on one object, or on all of a bucket where the key is only known when it runs.
func onObject(action string) permissionRule {
	return func(d *deriver, _ *Resource, arguments *jsonvalue.Object) error {
		arn, err := d.bucket(arguments)
		if err != nil {
			return err
		}
		key := "*"
		if given, err := literalArgument(arguments, "Key"); err == nil {
			key = given
		}
		d.allow([]string{arn + "/" + key}, action)
		return nil
	}
}

func (d *deriver) bucket(arguments *jsonvalue.Object) (string, error) {
	return d.arn(arguments, "Bucket", func(name string) string {
		if strings.ContainsAny(name, "${}*? :/") {
			return ""
		}
		return "arn:aws:s3:::" + name
	})
}
