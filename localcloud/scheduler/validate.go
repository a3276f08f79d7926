package scheduler

import (
	"regexp"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/constraint"
	"github.com/carepath/carepath/localcloud/dispatch"
)

func invalid(format string, args ...any) error {
	return dispatch.Errorf("ValidationException", format, args...)
}

// violations are those of a request, by the constraints of EventBridge Scheduler's model.
type violations struct{ constraint.Violations }

func (v *violations) oneOf(path, text string, values ...string) {
	for _, value := range values {
		if text == value {
			return
		}
	}
	v.Add(path, text, "satisfy enum value set: ["+strings.Join(values, ", ")+"]")
}

var (
	nameForm  = regexp.MustCompile(`^[0-9a-zA-Z-_.]+$`)
	tokenForm = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
	roleForm  = regexp.MustCompile(`^arn:aws(-[a-z]+)?:iam::\d{12}:role\/[\w+=,.@\/-]+$`)
	queueForm = regexp.MustCompile(`^arn:aws(-[a-z]+)?:sqs:[a-z0-9\-]+:\d{12}:[a-zA-Z0-9\-_]+$`)
	keyForm   = regexp.MustCompile(`^arn:aws(-[a-z]+)?:kms:[a-z0-9\-]+:\d{12}:(key|alias)\/[0-9a-zA-Z-_]*$`)
)

func (v *violations) name(path, text string) {
	v.Length(path, text, 1, 64)
	v.Matching(path, text, nameForm)
}

func (v *violations) token(text string) {
	if text != "" {
		v.Length("clientToken", text, 1, 64)
		v.Matching("clientToken", text, tokenForm)
	}
}

const maxInput = 256 << 10 // bytes

// complete checks a specification against AWS's model and fills in what AWS chooses.
func (spec *Specification) complete() error {
	var v violations
	or := func(text *string, standard string) {
		if *text == "" {
			*text = standard
		}
	}
	or(&spec.GroupName, defaultGroup)
	or(&spec.ScheduleExpressionTimezone, "UTC")
	or(&spec.State, "ENABLED")
	or(&spec.ActionAfterCompletion, "NONE")
	v.name("name", spec.Name)
	v.name("groupName", spec.GroupName)
	v.Length("description", spec.Description, 0, 512)
	v.Length("scheduleExpression", spec.ScheduleExpression, 1, 256)
	v.Length("scheduleExpressionTimezone", spec.ScheduleExpressionTimezone, 1, 50)
	v.oneOf("state", spec.State, "ENABLED", "DISABLED")
	v.oneOf("actionAfterCompletion", spec.ActionAfterCompletion, "NONE", "DELETE")
	if spec.KmsKeyArn != "" {
		v.Length("kmsKeyArn", spec.KmsKeyArn, 1, 2048)
		v.Matching("kmsKeyArn", spec.KmsKeyArn, keyForm)
	}
	if w := spec.FlexibleTimeWindow; w == nil {
		v.Add("flexibleTimeWindow", "", "not be null")
	} else {
		v.oneOf("flexibleTimeWindow.mode", w.Mode, "OFF", "FLEXIBLE")
		v.Number("flexibleTimeWindow.maximumWindowInMinutes", w.MaximumWindowInMinutes, 1, 1440)
	}
	if spec.Target == nil {
		v.Add("target", "", "not be null")
		return v.Err()
	}
	spec.Target = spec.Target.complete(&v)
	if err := v.Err(); err != nil {
		return err
	}
	if w := spec.FlexibleTimeWindow; w.Mode == "FLEXIBLE" && w.MaximumWindowInMinutes == nil {
		return invalid("MaximumWindowInMinutes must be provided for flexible time window mode FLEXIBLE.")
	}
	if len(spec.Target.Input) > maxInput {
		return invalid("The target's Input must not be longer than %d bytes.", maxInput)
	}
	return nil
}

// complete returns a copy of a target with the retry policy that it has by default.
func (t Target) complete(v *violations) *Target {
	v.Length("target.arn", t.Arn, 1, 1600)
	v.Matching("target.roleArn", t.RoleArn, roleForm)
	p := RetryPolicy{}
	if t.RetryPolicy != nil {
		p = *t.RetryPolicy
	}
	if p.MaximumEventAgeInSeconds == nil {
		day := 86400
		p.MaximumEventAgeInSeconds = &day
	}
	if p.MaximumRetryAttempts == nil {
		most := 185
		p.MaximumRetryAttempts = &most
	}
	v.Number("target.retryPolicy.maximumEventAgeInSeconds", p.MaximumEventAgeInSeconds, 60, 86400)
	v.Number("target.retryPolicy.maximumRetryAttempts", p.MaximumRetryAttempts, 0, 185)
	t.RetryPolicy = &p
	if t.DeadLetterConfig != nil && t.DeadLetterConfig.Arn != "" {
		v.Matching("target.deadLetterConfig.arn", t.DeadLetterConfig.Arn, queueForm)
	}
	if q := t.SqsParameters; q != nil && q.MessageGroupID != "" {
		v.Length("target.sqsParameters.messageGroupId", q.MessageGroupID, 1, 128)
	}
	return &t
}

// checkTimes checks the expression and the dates. A start date that was there before may lie in the past.
func (r *schedule) checkTimes(now time.Time, known *dispatch.Time) error {
	if _, ok := loadZone(r.ScheduleExpressionTimezone); !ok {
		return invalid("Invalid Schedule Expression Timezone %s.", r.ScheduleExpressionTimezone)
	}
	table, ok := r.timetable()
	if !ok {
		return invalid("Invalid Schedule Expression %s.", r.ScheduleExpression)
	}
	if _, single := table.(once); single {
		return nil // AWS ignores the dates
	}
	if start := r.StartDate; start != nil && start.Before(now.Add(-5*time.Minute)) && (known == nil || !known.Equal(start.Time)) {
		return invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
	}
	if r.EndDate != nil && r.StartDate != nil && !r.EndDate.After(r.StartDate.Time) {
		return invalid("The EndDate you specify must come after the StartDate.")
	}
	return nil
}
