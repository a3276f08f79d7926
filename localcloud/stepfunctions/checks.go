package stepfunctions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/logs"
)

// check makes a revision of a state machine after every check that AWS makes at creation and update.
func (s *Service) check(ctx context.Context, caller dispatch.Principal, r record) (*revision, error) {
	switch {
	case r.Type != "STANDARD" && r.Type != "EXPRESS":
		return nil, dispatch.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, EXPRESS]", r.Type)
	case r.Definition == "":
		return nil, dispatch.Errorf("ValidationException", "1 validation error detected: Value '' at 'definition' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case len(r.Definition) > maxDefinitionBytes:
		return nil, tooLong("definition", maxDefinitionBytes)
	case !strings.HasPrefix(r.RoleARN, "arn:aws:iam::") || !strings.Contains(r.RoleARN, ":role/"):
		return nil, dispatch.Errorf("InvalidArn", "Invalid Role Arn: '%s'", r.RoleARN)
	}
	rev, err := compile(r)
	if err != nil {
		return nil, err
	}
	for _, r := range resources(r.Definition) {
		if err := s.emulates(r); err != nil {
			return nil, dispatch.Errorf("ValidationException", "%s", err)
		}
	}
	if err := s.d.Check(ctx, caller, "iam:PassRole", []string{r.RoleARN}); err != nil {
		return nil, err
	}
	role, err := s.assume(ctx, rev, r.RoleARN)
	if err != nil {
		return nil, dispatch.Errorf("AccessDeniedException", "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role.")
	}
	if err := s.checkLogging(ctx, role, r); err != nil {
		return nil, err
	}
	if r.Tracing.Enabled {
		for _, action := range []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"} {
			if err := s.d.Check(ctx, role, action, []string{"*"}); err != nil {
				return nil, dispatch.Errorf("AccessDeniedException", "The state machine IAM Role is not authorized to perform %s", action)
			}
		}
	}
	if err := s.checkManagedRule(ctx, role, rev); err != nil {
		return nil, err
	}
	if err := s.checkEncryption(ctx, role, rev); err != nil {
		return nil, err
	}
	return rev, nil
}

// deliveryActions are what a role needs so that its state machine can log:
// https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy.
var deliveryActions = []string{
	"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
	"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
}

func (s *Service) checkLogging(ctx context.Context, role dispatch.Principal, r record) error {
	l := r.Logging
	switch l.Level {
	case "OFF", "ALL", "ERROR", "FATAL":
	default:
		return dispatch.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'loggingConfiguration.level' failed to satisfy constraint: Member must satisfy enum value set: [ALL, ERROR, OFF, FATAL]", l.Level)
	}
	if len(l.Destinations) > 1 || len(l.Destinations) == 0 && l.Level != "OFF" {
		return dispatch.Errorf("InvalidLoggingConfiguration", "Invalid Logging Configuration: Must specify exactly one Log Destination.")
	}
	if len(l.Destinations) == 0 {
		return nil
	}
	group, ok := logGroupName(l)
	if !ok {
		return dispatch.Errorf("InvalidLoggingConfiguration", "Invalid Logging Configuration: Must specify exactly one Log Destination.")
	}
	for _, action := range deliveryActions {
		if err := s.d.Check(ctx, role, action, []string{"*"}); err != nil {
			return dispatch.Errorf("AccessDeniedException", "The state machine IAM Role is not authorized to access the Log Destination")
		}
	}
	found, err := dispatch.Do[logs.DescribeLogGroupsOutput](ctx, s.d, role, "logs", "DescribeLogGroups", &logs.DescribeLogGroupsInput{LogGroupNamePrefix: group})
	if err != nil {
		return fmt.Errorf("looking up the log group %s: %w", group, err)
	}
	exists := false
	for _, g := range found.LogGroups {
		exists = exists || g.LogGroupName == group
	}
	if !exists {
		return dispatch.Errorf("InvalidLoggingConfiguration", "Invalid Logging Configuration: Log Destination not found.")
	}
	return s.logs.allowDelivery(ctx, role)
}

// logGroupName returns the name of the log group that a configuration logs to.
func logGroupName(l LoggingConfiguration) (string, bool) {
	if len(l.Destinations) != 1 || l.Destinations[0].CloudWatchLogsLogGroup == nil {
		return "", false
	}
	arn := l.Destinations[0].CloudWatchLogsLogGroup.LogGroupArn
	fields := strings.SplitN(arn, ":", 7)
	if len(fields) != 7 || fields[2] != "logs" || fields[5] != "log-group" {
		return "", false
	}
	name, ok := strings.CutSuffix(fields[6], ":*")
	return name, ok && name != ""
}

// checkManagedRule checks what AWS needs of the role to learn of the end of nested executions: a rule that it manages in
// EventBridge.
func (s *Service) checkManagedRule(ctx context.Context, role dispatch.Principal, rev *revision) error {
	const nestedSync = "arn:aws:states:::states:startExecution.sync"
	if !slices.ContainsFunc(resources(rev.Definition), func(r string) bool { return strings.HasPrefix(r, nestedSync) }) {
		return nil
	}
	rule := []string{s.d.ARN("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")}
	for _, action := range []string{"events:PutTargets", "events:PutRule", "events:DescribeRule"} {
		if err := s.d.Check(ctx, role, action, rule); err != nil {
			return dispatch.Errorf("AccessDeniedException", "'%s' is not authorized to create managed-rule.", rev.RoleARN)
		}
	}
	return nil
}

func (s *Service) checkEncryption(ctx context.Context, role dispatch.Principal, rev *revision) error {
	e := rev.Encryption
	if e == nil {
		return nil
	}
	switch {
	case e.Type == "AWS_OWNED_KEY" && e.KmsKeyID == "" && e.KmsDataKeyReusePeriodSeconds == 0:
		return nil
	case e.Type == "AWS_OWNED_KEY":
		return dispatch.Errorf("InvalidEncryptionConfiguration", "Invalid Encryption Configuration: kmsKeyId and kmsDataKeyReusePeriodSeconds must be null when type is AWS_OWNED_KEY.")
	case e.Type != "CUSTOMER_MANAGED_KMS_KEY":
		return dispatch.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'encryptionConfiguration.type' failed to satisfy constraint: Member must satisfy enum value set: [AWS_OWNED_KEY, CUSTOMER_MANAGED_KMS_KEY]", e.Type)
	case e.KmsKeyID == "":
		return dispatch.Errorf("InvalidEncryptionConfiguration", "Invalid Encryption Configuration: kmsKeyId must not be null when type is CUSTOMER_MANAGED_KMS_KEY.")
	case e.KmsDataKeyReusePeriodSeconds != 0 && (e.KmsDataKeyReusePeriodSeconds < 60 || e.KmsDataKeyReusePeriodSeconds > 900):
		return dispatch.Errorf("ValidationException", "1 validation error detected: Value '%d' at 'encryptionConfiguration.kmsDataKeyReusePeriodSeconds' failed to satisfy constraint: Member must have value between 60 and 900", e.KmsDataKeyReusePeriodSeconds)
	}
	return s.useKey(ctx, role, rev)
}

// useKey asks KMS for a data key and for its decryption as AWS does, with the execution role, at most once in the time
// that a data key is reused. Nothing is encrypted with it: the state file lies on the developer's own disk.
func (s *Service) useKey(ctx context.Context, role dispatch.Principal, rev *revision) error {
	if rev.Encryption == nil || rev.Encryption.KmsKeyID == "" {
		return nil
	}
	now := s.d.Clock.Now()
	rev.mu.Lock()
	fresh := now.Before(rev.dataKey)
	rev.mu.Unlock()
	if fresh {
		return nil
	}
	generate := func(encryptionContext map[string]string) (*kms.GenerateDataKeyOutput, error) {
		return dispatch.Do[kms.GenerateDataKeyOutput](ctx, s.d, role, "kms", "GenerateDataKey",
			&kms.GenerateDataKeyInput{KeyID: rev.Encryption.KmsKeyID, KeySpec: "AES_256", EncryptionContext: encryptionContext})
	}
	own := map[string]string{"aws:states:stateMachineArn": rev.ARN}
	key, err := generate(own)
	if err == nil {
		_, err = s.d.Do(ctx, role, "kms", "Decrypt", &kms.DecryptInput{CiphertextBlob: key.CiphertextBlob, EncryptionContext: own})
	}
	var logKey []byte
	if err == nil && rev.Logging.Level != "OFF" {
		if key, err = generate(s.deliveryContext()); err == nil {
			logKey = key.CiphertextBlob
		}
	}
	var refused *dispatch.Error
	if errors.As(err, &refused) {
		switch {
		case strings.HasPrefix(refused.Code, "AccessDenied"):
			return dispatch.Errorf("KmsAccessDeniedException", "%s", refused.Message)
		case refused.Code == "DisabledException" || refused.Code == "KMSInvalidStateException":
			return dispatch.Errorf("KmsInvalidStateException", "%s", refused.Message)
		}
		return refused
	}
	if err != nil {
		return fmt.Errorf("using the key of %s: %w", rev.ARN, err)
	}
	period := 300 * time.Second
	if n := rev.Encryption.KmsDataKeyReusePeriodSeconds; n != 0 {
		period = time.Duration(n) * time.Second
	}
	rev.mu.Lock()
	rev.dataKey, rev.logKey = now.Add(period), logKey
	rev.mu.Unlock()
	return nil
}

// roleReuse is how long a role that was assumed for a state machine is used before it is assumed anew, so that a change
// of its trust policy is noticed.
const roleReuse = time.Minute

// assume returns the principal that Step Functions becomes for a state machine with a role.
func (s *Service) assume(ctx context.Context, rev *revision, roleARN string) (dispatch.Principal, error) {
	now := s.d.Clock.Now()
	rev.mu.Lock()
	cached, ok := rev.principals[roleARN]
	rev.mu.Unlock()
	if ok && now.Before(cached.until) {
		return cached.principal, nil
	}
	service := dispatch.Principal{ARN: "states.amazonaws.com", Service: "states.amazonaws.com", SourceARN: rev.ARN}
	session := strings.ReplaceAll(dispatch.NewRequestID(), "-", "")
	p, err := s.d.Assume(ctx, service, roleARN, session)
	if err != nil {
		return dispatch.Principal{}, err
	}
	rev.mu.Lock()
	rev.principals[roleARN] = cachedPrincipal{p, now.Add(roleReuse)}
	rev.mu.Unlock()
	return p, nil
}

func (s *Service) validateStateMachineDefinition(_ context.Context, _ *dispatch.Call, in *ValidateStateMachineDefinitionInput) (*ValidateStateMachineDefinitionOutput, error) {
	out := &ValidateStateMachineDefinitionOutput{Result: "OK", Diagnostics: []Diagnostic{}}
	if len(in.Definition) > maxDefinitionBytes {
		return nil, tooLong("definition", maxDefinitionBytes)
	}
	for _, d := range asl.Validate([]byte(in.Definition), asl.Options{Express: in.Type == "EXPRESS"}) {
		out.Diagnostics = append(out.Diagnostics, Diagnostic{Severity: d.Severity, Code: d.Code, Message: d.Message, Location: d.Location})
		out.Result = "FAIL"
	}
	limit := in.MaxResults
	if limit == 0 {
		limit = 100
	}
	if len(out.Diagnostics) > limit {
		out.Diagnostics, out.Truncated = out.Diagnostics[:limit], true
	}
	return out, nil
}
