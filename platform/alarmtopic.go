package platform

import (
	"regexp"
	"strings"

	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// alarmService is who publishes what alarms tell.
const alarmService = "cloudwatch.amazonaws.com"

func (s *system) fromThisAccount() []policy.Condition {
	return []policy.Condition{{Operator: "StringEquals", Key: "aws:SourceAccount", Values: policy.ARNs(pulumi.String(s.config.AccountID))}}
}

// alarmsUseKey lets alarms publish to a topic that is encrypted with the stack's key. See
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services.
func (s *system) alarmsUseKey() policy.Statement {
	return policy.Statement{
		Sid: "Alarms", Principal: map[string]string{"Service": alarmService}, Actions: []string{"kms:Decrypt", "kms:GenerateDataKey*"},
		Resources: policy.ARNs(pulumi.String("*")), Conditions: s.fromThisAccount(),
	}
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// makeAlarmTopic makes the topic of the alarms and subscribes the addresses of the configuration, which each must confirm. Without
// addresses there is no topic.
func (s *system) makeAlarmTopic() (err error) {
	emails := s.config.Platform.AlarmEmails
	if len(emails) == 0 {
		return nil
	}
	s.topic, err = sns.NewTopic(s.ctx, "alarms", &sns.TopicArgs{KmsMasterKeyId: s.key.Arn.ToStringPtrOutput()}, s.options()...)
	if err != nil {
		return err
	}
	child := s.options(pulumi.Parent(s.topic))
	_, err = sns.NewTopicPolicy(s.ctx, "alarms", &sns.TopicPolicyArgs{Arn: s.topic.Arn, Policy: policy.Document(policy.Statement{
		Sid: "Alarms", Principal: map[string]string{"Service": alarmService}, Actions: []string{"sns:Publish"}, Resources: policy.ARNs(s.topic.Arn), Conditions: s.fromThisAccount(),
	})}, child...)
	if err != nil {
		return err
	}
	for _, email := range emails {
		name := "alarms-" + strings.Trim(notInNames.ReplaceAllString(strings.ToLower(email), "-"), "-")
		_, err := sns.NewTopicSubscription(s.ctx, name, &sns.TopicSubscriptionArgs{
			Topic: s.topic.Arn, Protocol: pulumi.String("email"), Endpoint: pulumi.String(email),
		}, child...)
		if err != nil {
			return err
		}
	}
	return nil
}
