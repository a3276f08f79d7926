package provider

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigatewayv2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudcontrol"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudtrail"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cognito"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/dynamodb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/pipes"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/scheduler"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/schemas"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sfn"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// sdkTypes are pulumi-aws' own types of every resource that is emulated: its inputs, and its outputs.
var sdkTypes = map[string]struct {
	args interface{ ElementType() reflect.Type }
	out  any
}{
	"aws:iam/role:Role":                                      {iam.RoleArgs{}, iam.Role{}},
	"aws:iam/rolePolicy:RolePolicy":                          {iam.RolePolicyArgs{}, iam.RolePolicy{}},
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment":      {iam.RolePolicyAttachmentArgs{}, iam.RolePolicyAttachment{}},
	"aws:iam/policy:Policy":                                  {iam.PolicyArgs{}, iam.Policy{}},
	"aws:iam/openIdConnectProvider:OpenIdConnectProvider":    {iam.OpenIdConnectProviderArgs{}, iam.OpenIdConnectProvider{}},
	"aws:sqs/queue:Queue":                                    {sqs.QueueArgs{}, sqs.Queue{}},
	"aws:sqs/queuePolicy:QueuePolicy":                        {sqs.QueuePolicyArgs{}, sqs.QueuePolicy{}},
	"aws:sqs/redriveAllowPolicy:RedriveAllowPolicy":          {sqs.RedriveAllowPolicyArgs{}, sqs.RedriveAllowPolicy{}},
	"aws:cloudwatch/logGroup:LogGroup":                       {cloudwatch.LogGroupArgs{}, cloudwatch.LogGroup{}},
	"aws:cloudwatch/logResourcePolicy:LogResourcePolicy":     {cloudwatch.LogResourcePolicyArgs{}, cloudwatch.LogResourcePolicy{}},
	"aws:cloudwatch/metricAlarm:MetricAlarm":                 {cloudwatch.MetricAlarmArgs{}, cloudwatch.MetricAlarm{}},
	"aws:cloudwatch/dashboard:Dashboard":                     {cloudwatch.DashboardArgs{}, cloudwatch.Dashboard{}},
	"aws:cloudwatch/eventBus:EventBus":                       {cloudwatch.EventBusArgs{}, cloudwatch.EventBus{}},
	"aws:cloudwatch/eventBusPolicy:EventBusPolicy":           {cloudwatch.EventBusPolicyArgs{}, cloudwatch.EventBusPolicy{}},
	"aws:cloudwatch/eventRule:EventRule":                     {cloudwatch.EventRuleArgs{}, cloudwatch.EventRule{}},
	"aws:cloudwatch/eventTarget:EventTarget":                 {cloudwatch.EventTargetArgs{}, cloudwatch.EventTarget{}},
	"aws:cloudwatch/eventArchive:EventArchive":               {cloudwatch.EventArchiveArgs{}, cloudwatch.EventArchive{}},
	"aws:kms/key:Key":                                        {kms.KeyArgs{}, kms.Key{}},
	"aws:kms/alias:Alias":                                    {kms.AliasArgs{}, kms.Alias{}},
	"aws:dynamodb/table:Table":                               {dynamodb.TableArgs{}, dynamodb.Table{}},
	"aws:sfn/stateMachine:StateMachine":                      {sfn.StateMachineArgs{}, sfn.StateMachine{}},
	"aws:lambda/function:Function":                           {lambda.FunctionArgs{}, lambda.Function{}},
	"aws:lambda/permission:Permission":                       {lambda.PermissionArgs{}, lambda.Permission{}},
	"aws:lambda/invocation:Invocation":                       {lambda.InvocationArgs{}, lambda.Invocation{}},
	"aws:pipes/pipe:Pipe":                                    {pipes.PipeArgs{}, pipes.Pipe{}},
	"aws:schemas/registry:Registry":                          {schemas.RegistryArgs{}, schemas.Registry{}},
	"aws:schemas/schema:Schema":                              {schemas.SchemaArgs{}, schemas.Schema{}},
	"aws:apigateway/restApi:RestApi":                         {apigateway.RestApiArgs{}, apigateway.RestApi{}},
	"aws:apigateway/deployment:Deployment":                   {apigateway.DeploymentArgs{}, apigateway.Deployment{}},
	"aws:apigateway/stage:Stage":                             {apigateway.StageArgs{}, apigateway.Stage{}},
	"aws:apigateway/methodSettings:MethodSettings":           {apigateway.MethodSettingsArgs{}, apigateway.MethodSettings{}},
	"aws:apigateway/account:Account":                         {apigateway.AccountArgs{}, apigateway.Account{}},
	"aws:scheduler/schedule:Schedule":                        {scheduler.ScheduleArgs{}, scheduler.Schedule{}},
	"aws:scheduler/scheduleGroup:ScheduleGroup":              {scheduler.ScheduleGroupArgs{}, scheduler.ScheduleGroup{}},
	"aws:acm/certificate:Certificate":                        {acm.CertificateArgs{}, acm.Certificate{}},
	"aws:acm/certificateValidation:CertificateValidation":    {acm.CertificateValidationArgs{}, acm.CertificateValidation{}},
	"aws:route53/zone:Zone":                                  {route53.ZoneArgs{}, route53.Zone{}},
	"aws:route53/record:Record":                              {route53.RecordArgs{}, route53.Record{}},
	"aws:apigateway/domainName:DomainName":                   {apigateway.DomainNameArgs{}, apigateway.DomainName{}},
	"aws:apigateway/basePathMapping:BasePathMapping":         {apigateway.BasePathMappingArgs{}, apigateway.BasePathMapping{}},
	"aws:apigatewayv2/domainName:DomainName":                 {apigatewayv2.DomainNameArgs{}, apigatewayv2.DomainName{}},
	"aws:apigatewayv2/apiMapping:ApiMapping":                 {apigatewayv2.ApiMappingArgs{}, apigatewayv2.ApiMapping{}},
	"aws:cognito/userPool:UserPool":                          {cognito.UserPoolArgs{}, cognito.UserPool{}},
	"aws:cognito/userPoolClient:UserPoolClient":              {cognito.UserPoolClientArgs{}, cognito.UserPoolClient{}},
	"aws:cloudcontrol/resource:Resource":                     {cloudcontrol.ResourceArgs{}, cloudcontrol.Resource{}},
	"aws:cloudtrail/trail:Trail":                             {cloudtrail.TrailArgs{}, cloudtrail.Trail{}},
	"aws:s3/bucket:Bucket":                                   {s3.BucketArgs{}, s3.Bucket{}},
	"aws:s3/bucketV2:BucketV2":                               {s3.BucketV2Args{}, s3.BucketV2{}},
	"aws:s3/bucketPolicy:BucketPolicy":                       {s3.BucketPolicyArgs{}, s3.BucketPolicy{}},
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {s3.BucketPublicAccessBlockArgs{}, s3.BucketPublicAccessBlock{}},
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls": {s3.BucketOwnershipControlsArgs{}, s3.BucketOwnershipControls{}},
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": {s3.BucketServerSideEncryptionConfigurationV2Args{}, s3.BucketServerSideEncryptionConfigurationV2{}},
	"aws:s3/bucketVersioningV2:BucketVersioningV2":                                               {s3.BucketVersioningV2Args{}, s3.BucketVersioningV2{}},
}

// notEmulated are the inputs of emulated resource types that Check refuses, or takes with one value only. Whoever adds
// or removes one changes this list, and docs/local-cloud.md.
const notEmulated = `
aws:acm/certificate:Certificate certificateAuthorityArn certificateBody certificateChain earlyRenewalDuration privateKey validationOptions
aws:apigateway/basePathMapping:BasePathMapping domainNameId
aws:apigateway/deployment:Deployment canarySettings
aws:apigateway/domainName:DomainName certificateBody certificateChain certificatePrivateKey policy
aws:apigateway/methodSettings:MethodSettings settings.cacheDataEncrypted settings.cacheTtlInSeconds settings.cachingEnabled settings.requireAuthorizationForCacheControl settings.unauthorizedCacheControlHeaderStrategy
aws:apigateway/restApi:RestApi minimumCompressionSize parameters
aws:apigateway/stage:Stage cacheClusterEnabled cacheClusterSize canarySettings clientCertificateId documentationVersion
aws:cloudcontrol/resource:Resource roleArn typeVersionId
aws:cloudtrail/trail:Trail cloudWatchLogsGroupArn cloudWatchLogsRoleArn insightSelectors isOrganizationTrail snsTopicName
aws:cloudwatch/eventBus:EventBus eventSourceName
aws:cloudwatch/eventTarget:EventTarget appsyncTarget batchTarget ecsTarget httpTarget kinesisTarget redshiftTarget runCommandTargets sagemakerPipelineTarget
aws:cognito/userPool:UserPool deviceConfiguration emailConfiguration.configurationSet emailMfaConfiguration lambdaConfig smsConfiguration userPoolAddOns.advancedSecurityAdditionalFlows webAuthnConfiguration
aws:cognito/userPoolClient:UserPoolClient allowedOauthFlows allowedOauthFlowsUserPoolClient allowedOauthScopes analyticsConfiguration refreshTokenRotation.feature
aws:dynamodb/table:Table importTable onDemandThroughput replicas restoreDateTime restoreSourceName restoreSourceTableArn restoreToLatestTime streamEnabled streamViewType
aws:kms/key:Key customKeyStoreId xksKeyId
aws:lambda/function:Function codeSigningConfigArn deadLetterConfig fileSystemConfig imageConfig imageUri layers packageType publish replaceSecurityGroupsOnDestroy replacementSecurityGroupIds s3Bucket s3Key s3ObjectVersion snapStart vpcConfig
aws:lambda/invocation:Invocation qualifier
aws:pipes/pipe:Pipe enrichment enrichmentParameters logConfiguration sourceParameters.activemqBrokerParameters sourceParameters.dynamodbStreamParameters sourceParameters.kinesisStreamParameters sourceParameters.managedStreamingKafkaParameters sourceParameters.rabbitmqBrokerParameters sourceParameters.selfManagedKafkaParameters targetParameters.batchJobParameters targetParameters.cloudwatchLogsParameters targetParameters.ecsTaskParameters targetParameters.eventbridgeEventBusParameters targetParameters.httpParameters targetParameters.kinesisStreamParameters targetParameters.lambdaFunctionParameters targetParameters.redshiftDataParameters targetParameters.sagemakerPipelineParameters
aws:route53/record:Record cidrRoutingPolicy failoverRoutingPolicies geolocationRoutingPolicies geoproximityRoutingPolicy healthCheckId latencyRoutingPolicies multivalueAnswerRoutingPolicy setIdentifier weightedRoutingPolicies
aws:route53/zone:Zone delegationSetId vpcs
aws:s3/bucket:Bucket accelerationStatus acl corsRules grants loggings objectLockConfiguration policy replicationConfiguration requestPayer versioning.mfaDelete website websiteDomain websiteEndpoint
aws:s3/bucketOwnershipControls:BucketOwnershipControls rule.objectOwnership
aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2 expectedBucketOwner
aws:s3/bucketV2:BucketV2 accelerationStatus acl corsRules grants lifecycleRules loggings objectLockConfiguration objectLockEnabled policy replicationConfigurations requestPayer serverSideEncryptionConfigurations versionings websites
aws:s3/bucketVersioningV2:BucketVersioningV2 expectedBucketOwner mfa versioningConfiguration.mfaDelete
aws:scheduler/schedule:Schedule target.ecsParameters target.eventbridgeParameters target.kinesisParameters target.sagemakerPipelineParameters
aws:sfn/stateMachine:StateMachine publish
pulumi:providers:aws assumeRole assumeRoleWithWebIdentity
`

func TestDescriptionsAgreeWithTheSDK(t *testing.T) {
	types := resourceTypes()
	seen := map[string]bool{}
	for _, r := range types {
		seen[r.token] = true
		sdk, ok := sdkTypes[r.token]
		if !ok {
			t.Errorf("%s: not held against the SDK", r.token)
			continue
		}
		var inputs []*property
		for _, p := range r.properties {
			if !p.isOutput {
				inputs = append(inputs, p)
			}
		}
		compare(t, r.token, inputs, sdk.args.ElementType())
		outputs := tagged(reflect.TypeOf(sdk.out))
		for _, p := range r.properties {
			if _, has := outputs[p.name]; !has {
				t.Errorf("%s: %s is no output of the SDK's", r.token, p.name)
			}
			delete(outputs, p.name)
		}
		for name := range outputs {
			t.Errorf("%s: the output %s is missing", r.token, name)
		}
	}
	for token := range sdkTypes {
		if !seen[token] {
			t.Errorf("%s is not emulated", token)
		}
	}
	compare(t, "pulumi:providers:aws", configProperties(), aws.ProviderArgs{}.ElementType())
}

func tagged(t reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("pulumi"); name != "" {
			all[name] = t.Field(i).Type
		}
	}
	return all
}

var archiveType = reflect.TypeFor[pulumi.Archive]()

// compare holds inputs against a structure of the SDK: names, whether they are required, and kinds.
func compare(t *testing.T, path string, inputs []*property, sdk reflect.Type) {
	t.Helper()
	fields := tagged(sdk)
	for _, p := range inputs {
		at := path + "." + p.name
		field, ok := fields[p.name]
		if !ok {
			t.Errorf("%s: the SDK has no such input", at)
			continue
		}
		delete(fields, p.name)
		// An input of the SDK's that takes several types does not show whether it is required.
		if field.Kind() != reflect.Interface {
			optional := field.Kind() == reflect.Pointer || field.Kind() == reflect.Map
			if field.Kind() == reflect.Slice {
				optional = !p.required
			}
			if optional == p.required {
				t.Errorf("%s: required is %v, the SDK disagrees", at, p.required)
			}
		}
		compareKind(t, at, p, field)
	}
	for name := range fields {
		t.Errorf("%s: the input %s is missing: describe it, as refused if need be", path, name)
	}
}

func compareKind(t *testing.T, at string, p *property, sdk reflect.Type) {
	t.Helper()
	if sdk.Kind() == reflect.Pointer {
		sdk = sdk.Elem()
	}
	ok := false
	switch p.kind {
	case kindString, kindJSON, kindPolicy:
		ok = sdk.Kind() == reflect.String || sdk.Kind() == reflect.Interface && sdk.NumMethod() == 0
	case kindBool:
		ok = sdk.Kind() == reflect.Bool
	case kindInt:
		ok = sdk.Kind() == reflect.Int
	case kindFloat:
		ok = sdk.Kind() == reflect.Float64
	case kindArchive:
		ok = sdk == archiveType
	case kindMap:
		ok = sdk.Kind() == reflect.Map && sdk.Elem().Kind() == reflect.String || at == "pulumi:providers:aws.endpoints[]" // one field per service
	case kindList, kindSet:
		if ok = sdk.Kind() == reflect.Slice; ok && !p.wholly() {
			compareKind(t, at+"[]", p.elem, sdk.Elem())
		}
	case kindObject:
		if ok = sdk.Kind() == reflect.Struct; ok && !p.wholly() {
			compare(t, at, p.fields, sdk)
		}
	}
	if !ok {
		t.Errorf("%s: it is %s, in the SDK a %s", at, p.kind, sdk)
	}
}

// wholly reports whether a property is refused with all that would be in it, so that this need not be described.
func (p *property) wholly() bool { return p.refusal != "" && p.only == nil }

func TestWhatIsNotEmulatedIsListed(t *testing.T) {
	var lines []string
	note := func(token string, properties []*property) {
		var names []string
		var walk func(prefix string, all []*property)
		walk = func(prefix string, all []*property) {
			for _, p := range all {
				if p.refusal != "" {
					names = append(names, prefix+p.name)
				} else {
					walk(prefix+p.name+".", p.fields)
				}
			}
		}
		walk("", properties)
		if slices.Sort(names); len(names) > 0 {
			lines = append(lines, token+" "+strings.Join(names, " "))
		}
	}
	for _, r := range resourceTypes() {
		note(r.token, r.properties)
	}
	note("pulumi:providers:aws", configProperties())
	slices.Sort(lines)
	if got := fmt.Sprintf("\n%s\n", strings.Join(lines, "\n")); got != notEmulated {
		t.Errorf("got %s", got)
	}
}

func TestDescriptionsAreSound(t *testing.T) {
	for _, r := range resourceTypes() {
		names := map[string]bool{}
		for _, p := range r.properties {
			if names[p.name] {
				t.Errorf("%s: %s is described twice", r.token, p.name)
			}
			names[p.name] = true
			if p.required && (p.byDefault != nil || p.computed) {
				t.Errorf("%s: %s is required and yet has a default", r.token, p.name)
			}
		}
		for _, p := range r.properties {
			for _, other := range append(slices.Clone(p.conflicts), p.volatile...) {
				if !names[other] {
					t.Errorf("%s: %s refers to %s, which is not described", r.token, p.name, other)
				}
			}
		}
		if r.create == nil || r.read == nil || r.remove == nil {
			t.Errorf("%s lacks a handler", r.token)
		}
		if r.naming != nil && (!names[r.naming.property] || r.naming.prefix != "" && !names[r.naming.prefix]) {
			t.Errorf("%s: its name is not described", r.token)
		}
	}
}
