package cioidc

import (
	"maps"
	"slices"

	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// service is what deployments do with an AWS service: how it is set up, and not the data in it.
type service struct {
	read, change []string
}

// services are those that stacks consist of. Actions with * are of how things are set up too, whatever AWS adds to them.
var services = map[string]service{
	"acm":        {[]string{"DescribeCertificate", "ListTagsForCertificate"}, []string{"AddTagsToCertificate", "DeleteCertificate", "RemoveTagsFromCertificate", "RequestCertificate"}},
	"apigateway": {[]string{"GET"}, []string{"DELETE", "PATCH", "POST", "PUT", "UpdateRestApiPolicy"}},
	"cloudformation": { // Cloud Control API, which makes FHIR data stores
		[]string{"DescribeType", "GetResource", "GetResourceRequestStatus", "ListResourceRequests"},
		[]string{"CancelResourceRequest", "CreateResource", "DeleteResource", "UpdateResource"}},
	"cloudtrail": {[]string{"DescribeTrails", "GetEventSelectors", "GetInsightSelectors", "GetTrail", "GetTrailStatus", "ListTags"},
		[]string{"AddTags", "CreateTrail", "DeleteTrail", "PutEventSelectors", "RemoveTags", "StartLogging", "StopLogging", "UpdateTrail"}},
	"cloudwatch": {[]string{"DescribeAlarms", "GetDashboard", "ListTagsForResource"},
		[]string{"DeleteAlarms", "DeleteDashboards", "PutDashboard", "PutMetricAlarm", "TagResource", "UntagResource"}},
	"cognito-idp": {[]string{"DescribeUserPool", "DescribeUserPoolClient", "GetUserPoolMfaConfig", "ListTagsForResource"},
		[]string{"CreateUserPool", "CreateUserPoolClient", "DeleteUserPool", "DeleteUserPoolClient", "SetUserPoolMfaConfig", "TagResource", "UntagResource", "UpdateUserPool", "UpdateUserPoolClient"}},
	"dynamodb": {[]string{"DescribeContinuousBackups", "DescribeTable", "DescribeTimeToLive", "GetResourcePolicy", "ListTagsOfResource"},
		[]string{"CreateTable", "DeleteTable", "TagResource", "UntagResource", "UpdateContinuousBackups", "UpdateTable", "UpdateTimeToLive"}},
	"events": {[]string{"Describe*", "List*"},
		[]string{"Create*", "Delete*", "PutPermission", "PutRule", "PutTargets", "RemovePermission", "RemoveTargets", "TagResource", "UntagResource", "Update*", "EnableRule", "DisableRule"}},
	"healthlake": {[]string{"DescribeFHIRDatastore", "ListFHIRDatastores", "ListTagsForResource"},
		[]string{"CreateFHIRDatastore", "DeleteFHIRDatastore", "TagResource", "UntagResource"}},
	"kms": {[]string{"DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListAliases", "ListResourceTags"},
		[]string{"CreateAlias", "CreateKey", "DeleteAlias", "DisableKeyRotation", "EnableKeyRotation", "PutKeyPolicy", "ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription"}},
	"lambda": {[]string{"GetFunction", "GetFunctionCodeSigningConfig", "GetFunctionConcurrency", "GetFunctionConfiguration", "GetPolicy", "ListTags", "ListVersionsByFunction"},
		[]string{"AddPermission", "CreateFunction", "DeleteFunction", "DeleteFunctionConcurrency", "PutFunctionConcurrency", "RemovePermission", "TagResource", "UntagResource", "UpdateFunctionCode", "UpdateFunctionConfiguration"}},
	"logs": {[]string{"DescribeLogGroups", "DescribeResourcePolicies", "ListTagsForResource", "GetLogDelivery", "ListLogDeliveries"},
		[]string{"AssociateKmsKey", "CreateLogDelivery", "CreateLogGroup", "DeleteLogDelivery", "DeleteLogGroup", "DeleteResourcePolicy", "DeleteRetentionPolicy", "DisassociateKmsKey", "PutResourcePolicy", "PutRetentionPolicy", "TagResource", "UntagResource", "UpdateLogDelivery"}},
	"pipes": {[]string{"DescribePipe", "ListTagsForResource"}, []string{"CreatePipe", "DeletePipe", "StartPipe", "StopPipe", "TagResource", "UntagResource", "UpdatePipe"}},
	"route53": {[]string{"GetChange", "GetHostedZone", "ListHostedZones", "ListHostedZonesByName", "ListResourceRecordSets", "ListTagsForResource"},
		[]string{"ChangeResourceRecordSets", "ChangeTagsForResource", "CreateHostedZone", "DeleteHostedZone", "UpdateHostedZoneComment"}},
	"s3": {[]string{"GetAccelerateConfiguration", "GetBucket*", "GetEncryptionConfiguration", "GetLifecycleConfiguration", "GetReplicationConfiguration", "ListBucket"},
		[]string{"CreateBucket", "DeleteBucket", "DeleteBucketPolicy", "PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketPublicAccessBlock", "PutBucketTagging", "PutBucketVersioning", "PutEncryptionConfiguration", "PutLifecycleConfiguration"}},
	"scheduler": {[]string{"GetSchedule", "GetScheduleGroup", "ListTagsForResource"},
		[]string{"CreateSchedule", "CreateScheduleGroup", "DeleteSchedule", "DeleteScheduleGroup", "TagResource", "UntagResource", "UpdateSchedule"}},
	"schemas": {[]string{"DescribeRegistry", "DescribeSchema", "ListTagsForResource"},
		[]string{"CreateRegistry", "CreateSchema", "DeleteRegistry", "DeleteSchema", "DeleteSchemaVersion", "TagResource", "UntagResource", "UpdateRegistry", "UpdateSchema"}},
	"sns": {[]string{"GetSubscriptionAttributes", "GetTopicAttributes", "ListSubscriptionsByTopic", "ListTagsForResource"},
		[]string{"CreateTopic", "DeleteTopic", "SetSubscriptionAttributes", "SetTopicAttributes", "Subscribe", "TagResource", "Unsubscribe", "UntagResource"}},
	"sqs": {[]string{"GetQueueAttributes", "GetQueueUrl", "ListQueueTags", "ListQueues"},
		[]string{"CreateQueue", "DeleteQueue", "SetQueueAttributes", "TagQueue", "UntagQueue"}},
	"states": {[]string{"DescribeStateMachine", "ListStateMachineVersions", "ListTagsForResource", "ValidateStateMachineDefinition"},
		[]string{"CreateStateMachine", "DeleteStateMachine", "TagResource", "UntagResource", "UpdateStateMachine"}},
	"sts": {[]string{"GetCallerIdentity"}, nil},
	"tag": {[]string{"GetResources"}, nil},
	"xray": {[]string{"GetGroup*", "GetSamplingRules", "ListTagsForResource"},
		[]string{"CreateGroup", "CreateSamplingRule", "DeleteGroup", "DeleteSamplingRule", "TagResource", "UntagResource", "UpdateGroup", "UpdateSamplingRule"}},
}

// healthLake are what creating a FHIR data store needs of other services.
// https://docs.aws.amazon.com/healthlake/latest/devguide/getting-started-setting-up.html
var healthLake = []string{
	"glue:CreateDatabase", "glue:DeleteDatabase", "glue:GetDatabase",
	"ram:AcceptResourceShareInvitation", "ram:GetResourceShareInvitations",
	"lakeformation:GetDataLakeSettings", "lakeformation:GrantPermissions", "lakeformation:RevokePermissions",
}

// throughServices are what services ask of a key on behalf of who has them encrypt something with it.
var throughServices = []string{"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*"}

// everywhere are the services without a region: their requests are of us-east-1, or of the partition's own.
var everywhere = []string{"iam", "route53", "sts"}

// everything is for actions on what is not there yet or has a name that only AWS knows.
func everything() []pulumi.StringInput { return policy.ARNs(pulumi.String("*")) }

// actions are those of all services, or of those that have a region and those that have none.
func actions(pick func(service) []string) (regional, global []string) {
	for _, name := range slices.Sorted(maps.Keys(services)) {
		for _, action := range pick(services[name]) {
			if slices.Contains(everywhere, name) {
				global = append(global, name+":"+action)
			} else {
				regional = append(regional, name+":"+action)
			}
		}
	}
	return regional, global
}

// here restricts a statement to the deployment's region.
func (a *GitHubArgs) here() []policy.Condition {
	regions := []string{a.Region, "us-east-1"} // us-east-1 has the certificates of edge-optimised domains
	slices.Sort(regions)
	var values []pulumi.StringInput
	for _, r := range slices.Compact(regions) {
		values = append(values, pulumi.String(r))
	}
	return []policy.Condition{{Operator: "StringEquals", Key: "aws:RequestedRegion", Values: values}}
}

// reading lets a role see how everything is set up.
func (a *GitHubArgs) reading() []policy.Statement {
	regional, global := actions(func(s service) []string { return s.read })
	return []policy.Statement{
		{Actions: regional, Resources: everything(), Conditions: a.here()},
		{Actions: append(global, "iam:GetOpenIDConnectProvider", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy",
			"iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListPolicyVersions", "iam:ListRolePolicies", "iam:ListRoles", "iam:ListRoleTags"), Resources: everything()},
	}
}

// passedTo are the services that stacks give roles to.
var passedTo = []string{"apigateway", "cloudtrail", "events", "healthlake", "lambda", "pipes", "scheduler", "states"}

// deploying lets a role make, change and delete what its stacks consist of. Of roles it touches those of its stacks only, and it
// makes none without the boundary.
func (a *GitHubArgs) deploying(r Role, boundary pulumi.StringInput) []policy.Statement {
	regional, global := actions(func(s service) []string { return s.change })
	var managed []pulumi.StringInput
	for _, stack := range r.Stacks {
		managed = append(managed, pulumi.String(a.iamARN("role"+ManagedPath+stack+"/*")))
	}
	bounded := []policy.Condition{{Operator: "StringEquals", Key: "iam:PermissionsBoundary", Values: []pulumi.StringInput{boundary}}}
	var passed []pulumi.StringInput
	for _, s := range passedTo {
		passed = append(passed, pulumi.String(s+".amazonaws.com"))
	}
	return []policy.Statement{
		{Actions: append(regional, healthLake...), Resources: everything(), Conditions: a.here()},
		{Actions: global, Resources: everything()},
		{Actions: throughServices, Resources: everything(),
			Conditions: []policy.Condition{{Operator: "StringLike", Key: "kms:ViaService", Values: policy.ARNs(pulumi.String("*." + a.Region + ".amazonaws.com*"))}}},
		{Actions: []string{"iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"},
			Resources: managed, Conditions: bounded},
		{Actions: []string{"iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription"}, Resources: managed},
		{Actions: []string{"iam:PassRole"}, Resources: managed, Conditions: []policy.Condition{{Operator: "StringEquals", Key: "iam:PassedToService", Values: passed}}},
		{Actions: []string{"iam:CreateServiceLinkedRole"}, Resources: policy.ARNs(pulumi.String(a.iamARN("role/aws-service-role/*")))},
		// A bucket with a trail's files goes when they are gone.
		{Actions: []string{"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"}, Resources: policy.ARNs(
			pulumi.String("arn:"+a.partition()+":s3:::*-trail-*"), pulumi.String("arn:"+a.partition()+":s3:::*-trail-*/*"))},
	}
}

// otherStacks keeps a role from what is tagged as another stack's.
func otherStacks(r Role) []policy.Statement {
	var own []pulumi.StringInput
	for _, s := range r.Stacks {
		own = append(own, pulumi.String(s))
	}
	return []policy.Statement{{
		Sid: "OtherStacks", Deny: true, Actions: []string{"*"}, Resources: everything(),
		Conditions: []policy.Condition{
			{Operator: "Null", Key: "aws:ResourceTag/stack", Values: policy.ARNs(pulumi.String("false"))},
			{Operator: "StringNotLike", Key: "aws:ResourceTag/stack", Values: own},
		},
	}}
}

// boundary is what roles may do at most: those of this component, and those that deployments make for functions, state machines
// and the like. It is of services and not of actions; it keeps roles from what would free them of it.
func (a *GitHubArgs) boundary() pulumi.StringOutput {
	regional := []string{"glue:*", "lakeformation:*", "ram:*"}
	global := []string{"iam:Get*", "iam:List*", "sts:GetCallerIdentity"} // not sts:AssumeRole: it would lead out of the boundary
	for _, name := range slices.Sorted(maps.Keys(services)) {
		switch {
		case name == "sts":
		case slices.Contains(everywhere, name):
			global = append(global, name+":*")
		default:
			regional = append(regional, name+":*")
		}
	}
	managed := pulumi.String(a.iamARN("role" + ManagedPath + "*"))
	// The boundary cannot name itself before it is made: every policy under this path is its own.
	bounded := pulumi.String(a.iamARN("policy" + Path + "*"))
	stateObjects := pulumi.Sprintf("%s/*", a.StateBucketARN)
	return policy.Document(
		policy.Statement{Actions: regional, Resources: everything(), Conditions: a.here()},
		policy.Statement{Actions: global, Resources: everything()},
		policy.Statement{Actions: []string{"iam:DeleteRole", "iam:PassRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription"},
			Resources: policy.ARNs(managed)},
		policy.Statement{Actions: []string{"iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"},
			Resources: policy.ARNs(managed), Conditions: []policy.Condition{{Operator: "ArnLike", Key: "iam:PermissionsBoundary", Values: policy.ARNs(bounded)}}},
		policy.Statement{Actions: []string{"iam:CreateServiceLinkedRole"}, Resources: policy.ARNs(pulumi.String(a.iamARN("role/aws-service-role/*")))},
		policy.Statement{
			Sid: "StatesAreForCI", Deny: true, Actions: []string{"kms:*", "s3:*"}, Resources: policy.ARNs(a.StateBucketARN, stateObjects, a.StateKeyARN),
			Conditions: []policy.Condition{{Operator: "ArnNotLike", Key: "aws:PrincipalArn", Values: policy.ARNs(pulumi.String(a.iamARN("role" + Path + "*")))}},
		},
		policy.Statement{
			Sid: "TheStates", Deny: true, Resources: policy.ARNs(a.StateBucketARN, stateObjects),
			Actions: []string{"s3:DeleteBucket*", "s3:DeleteObjectVersion", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"},
		},
		policy.Statement{
			Sid: "TheirKey", Deny: true, Resources: policy.ARNs(a.StateKeyARN),
			Actions: []string{"kms:CreateGrant", "kms:DisableKey*", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource"},
		},
	)
}
