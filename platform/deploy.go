package platform

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"

	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Deploy is the program. Its outputs are plain strings: apiUrl, the domain's base URL; intakeUrl, where payloads are posted;
// intakeStateMachineArn and intakeDeadLetterQueueUrl; usersUrl, where users are created; usersTableName, userPoolId,
// userPoolClientId and usersSweepStateMachineArn; samplesUrl, and the URL of each further API of functions. With
// a domain there is closedUrl, a default endpoint, which answers 403. With a FHIR data store there are fhirEndpoint, changeBusName,
// changeLedgerTableName, changeTriggerQueueUrl, changeDeadLetterQueueUrl, captureStateMachineArn and, where changes have a
// subscriber, changeQueueUrl.
func Deploy(ctx *pulumi.Context) error {
	outputs, err := deploy(ctx, functionAPIs(), liveAccountRole)
	if err != nil {
		return err
	}
	for name, value := range outputs {
		ctx.Export(name, value)
	}
	return nil
}

// deploy deploys everything and returns the stack's outputs.
func deploy(ctx *pulumi.Context, apis []functionAPI, account accountRole) (map[string]pulumi.Input, error) {
	if err := checkBasePaths(apis); err != nil {
		return nil, err
	}
	values, err := configValues(ctx)
	if err != nil {
		return nil, err
	}
	config, err := LoadConfig(values)
	if err != nil {
		return nil, err
	}
	s := &system{ctx: ctx, config: config, accountRole: account}
	for _, step := range []func() error{s.boundRoles, s.observe, s.makeProvider, s.makeKey, s.makeAlarmTopic, s.makeAccount} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	intake, err := s.newIntake()
	if err != nil {
		return nil, err
	}
	users, err := s.newUsers()
	if err != nil {
		return nil, err
	}
	records, err := s.newHealthLake()
	if err != nil {
		return nil, err
	}
	for _, a := range apis {
		if err := s.newFunctionAPI(a); err != nil {
			return nil, err
		}
	}
	outputs, err := s.newDomain()
	if err != nil {
		return nil, err
	}
	if err := s.newDashboard(); err != nil {
		return nil, err
	}
	maps.Copy(outputs, intake.outputs())
	maps.Copy(outputs, users.outputs())
	maps.Copy(outputs, records.outputs())
	return outputs, nil
}

// configValues are the stack's values of all keys that the program reads, and of those that it does not know: the engine
// tells their names only in the environment that it starts a program with. Where carepath is the program it has checked
// the stack's file before.
func configValues(ctx *pulumi.Context) (map[string]string, error) {
	values := map[string]string{}
	if text := os.Getenv(pulumi.EnvConfig); text != "" {
		if err := json.Unmarshal([]byte(text), &values); err != nil {
			return nil, fmt.Errorf("reading %s: %w", pulumi.EnvConfig, err)
		}
		for key := range values {
			if ctx.IsConfigSecret(key) {
				values[key] = secretText // an unknown key's value gets into the error
			}
		}
	}
	for _, s := range Settings("") {
		if object, _ := s.parent(); object != "" {
			continue
		}
		if value, ok := ctx.GetConfig(s.Path); ok {
			values[s.Path] = value
		} else {
			delete(values, s.Path)
		}
	}
	return values, nil
}

// system is what the systems of a stack share.
type system struct {
	ctx      *pulumi.Context
	config   *Config
	provider *aws.Provider
	key      *kms.Key
	account  *apigateway.Account // nil: not this stack's
	apis     []servedAPI

	accountRole accountRole

	topic        *sns.Topic // of alarms; nil: nobody gets mail
	observed     observed
	observedLock sync.Mutex
}

// options are those of a top-level resource.
func (s *system) options(more ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Provider(s.provider)}, more...)
}

// protection keeps what holds data from being deleted, when the configuration says so.
func (s *system) protection() pulumi.ResourceOption { return pulumi.Protect(s.config.Platform.Protect) }

func (s *system) alarmTopics() []pulumi.StringInput {
	var topics []pulumi.StringInput
	for _, arn := range s.config.Platform.AlarmTopicARNs {
		topics = append(topics, pulumi.String(arn))
	}
	if s.topic != nil {
		topics = append(topics, s.topic.Arn)
	}
	return topics
}

// makeProvider makes the stack's provider.
func (s *system) makeProvider() (err error) {
	s.provider, err = s.newProvider("aws", s.config.Region)
	return err
}

// newProvider makes a provider that refuses other accounts and tags what it makes.
func (s *system) newProvider(name, region string) (*aws.Provider, error) {
	args := &aws.ProviderArgs{
		Region:            pulumi.String(region),
		AllowedAccountIds: pulumi.StringArray{pulumi.String(s.config.AccountID)},
		DefaultTags:       aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(s.tags())},
	}
	if s.config.Environment == LocalEnvironment {
		// The embedded AWS takes these for its account's administrator; without them the provider would look for a person's
		// own credentials.
		args.AccessKey, args.SecretKey = pulumi.String("test"), pulumi.String("test")
		args.SkipCredentialsValidation, args.SkipMetadataApiCheck = pulumi.Bool(true), pulumi.Bool(true)
	}
	return aws.NewProvider(s.ctx, name, args)
}

// tags are what every resource has.
func (s *system) tags() map[string]string {
	return map[string]string{"project": s.ctx.Project(), "stack": s.ctx.Stack(), "environment": s.config.Environment}
}

// partition is the group of regions that the stack's belongs to.
func (s *system) partition() string {
	switch {
	case strings.HasPrefix(s.config.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(s.config.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// makeKey makes the stack's one customer-managed key. Its policy lets the account's IAM policies decide, CloudWatch Logs use
// it for the account's log groups, and the log delivery read what state machines with that key log. The resource "*" of a
// key's policy is the key itself. See
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html and
// https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html.
func (s *system) makeKey() error {
	itself := policy.ARNs(pulumi.String("*"))
	partition, region, account := s.partition(), s.config.Region, s.config.AccountID
	suffix := "amazonaws.com"
	if partition == "aws-cn" {
		suffix += ".cn"
	}
	statements := []policy.Statement{
		{
			Sid: "Account", Principal: map[string]string{"AWS": fmt.Sprintf("arn:%s:iam::%s:root", partition, account)},
			Actions: []string{"kms:*"}, Resources: itself,
		},
		{
			Sid: "Logs", Principal: map[string]string{"Service": "logs." + region + "." + suffix},
			Actions: []string{"kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*"}, Resources: itself,
			Conditions: []policy.Condition{{Operator: "ArnLike", Key: "kms:EncryptionContext:aws:logs:arn", Values: policy.ARNs(
				pulumi.String(fmt.Sprintf("arn:%s:logs:%s:%s:log-group:*", partition, region, account)))}},
		},
		{
			Sid: "LogDelivery", Principal: map[string]string{"Service": "delivery.logs.amazonaws.com"},
			Actions: []string{"kms:Decrypt*"}, Resources: itself,
			Conditions: []policy.Condition{{Operator: "StringEquals", Key: "kms:EncryptionContext:SourceArn", Values: policy.ARNs(
				pulumi.String(fmt.Sprintf("arn:%s:logs:%s:%s:*", partition, region, account)))}},
		},
	}
	if len(s.config.Platform.AlarmEmails) > 0 {
		statements = append(statements, s.alarmsUseKey())
	}
	var err error
	s.key, err = kms.NewKey(s.ctx, "carepath", &kms.KeyArgs{
		Description:          pulumi.String("Carepath's data and logs"),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(30),
		Policy:               policy.Document(statements...).ToStringPtrOutput(),
	}, s.options(s.protection())...)
	if err != nil {
		return err
	}
	_, err = kms.NewAlias(s.ctx, "carepath", &kms.AliasArgs{
		NamePrefix: pulumi.String("alias/carepath-"), TargetKeyId: s.key.KeyId,
	}, s.options(pulumi.Parent(s.key))...)
	return err
}
