package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/carepath/carepath/handlers/sample/sample"
	"github.com/carepath/carepath/localcloud"
	"github.com/carepath/carepath/localcloud/scheduler"
)

// promise is something that the deployed stack does for its users or operators.
type promise struct {
	system string // whose roles' names begin with it
	what   string
	keep   func(context.Context) error
}

// promises are all of them, each system's quick ones first.
func (l *local) promises(t *testing.T) []promise {
	return []promise{
		{"apigateway-", "API Gateway may log", l.setAccount},
		{"key", "log groups can have the key", l.setLogKeys},
		{"intake-", "the state machine can be deployed again", func(ctx context.Context) error { return l.updateMachines(ctx, "intake-") }},
		{"intake-", "a payload is handled", func(ctx context.Context) error { return l.handlesPayload(ctx, t) }},
		{"intake-", "a payload that cannot be handled is kept", func(ctx context.Context) error { return l.keepsPayload(ctx, t) }},
		{"samples-", "the domain leads to a function", l.answersSample},
		{"users-", "the state machines can be deployed again", func(ctx context.Context) error { return l.updateMachines(ctx, "users-") }},
		{"users-", "a user is created, once", func(ctx context.Context) error { return l.createsUserOnce(ctx, t) }},
		{"users-", "a failed creation leaves nothing", func(ctx context.Context) error { return l.undoesUser(ctx, t) }},
		{"users-", "an abandoned creation is ended", l.sweepsUsers},
		{"users-", "the sweep runs by itself", l.sweepsOnSchedule},
	}
}

// updateMachines gives state machines the settings that they have, which Step Functions answers with a check of their roles.
func (l *local) updateMachines(ctx context.Context, prefix string) error {
	client := sfn.NewFromConfig(l.config())
	machines, err := client.ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
	if err != nil {
		return err
	}
	updated := 0
	for _, m := range machines.StateMachines {
		if !strings.HasPrefix(aws.ToString(m.Name), prefix) {
			continue
		}
		described, err := client.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: m.StateMachineArn})
		if err != nil {
			return err
		}
		if _, err := client.UpdateStateMachine(ctx, &sfn.UpdateStateMachineInput{
			StateMachineArn: m.StateMachineArn, LoggingConfiguration: described.LoggingConfiguration, EncryptionConfiguration: described.EncryptionConfiguration,
		}); err != nil {
			return err
		}
		updated++
	}
	if updated == 0 {
		return fmt.Errorf("there is no state machine %s", prefix)
	}
	return nil
}

func (l *local) handlesPayload(ctx context.Context, t *testing.T) error {
	handled := l.post(t, `{"handled":true}`)
	if handled.status != http.StatusAccepted {
		return fmt.Errorf("POST answers %d %s", handled.status, handled.body)
	}
	if err := l.endsWith(ctx, handled, sfntypes.ExecutionStatusSucceeded, 10*time.Second); err != nil {
		return err
	}
	arn := handled.fields["executionArn"]
	if err := l.logged(ctx, "/aws/lambda/intake-handler-", arn[strings.LastIndex(arn, ":")+1:]); err != nil {
		return err
	}
	return l.logged(ctx, "intake-api", `\"basePath\":\"webhooks\"`)
}

// answersSample asks the sample API, whose function and stage must both log the request.
func (l *local) answersSample(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.outputs["samplesUrl"]+"/one", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer sample.Answer
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK || answer.Path != "/samples/one" || answer.Resource != "/one" {
		return fmt.Errorf("GET %s answers %d %+v: %w", request.URL, response.StatusCode, answer, err)
	}
	for _, group := range []string{"/aws/lambda/samples-sample-", "/aws/apigateway/samples-api-"} {
		if err := l.logged(ctx, group, answer.RequestID); err != nil {
			return err
		}
	}
	return nil
}

// keepsPayload sends what fails: it must be logged and land in the dead-letter queue.
func (l *local) keepsPayload(ctx context.Context, t *testing.T) error {
	queue, url := sqs.NewFromConfig(l.config()), l.outputs["intakeDeadLetterQueueUrl"]
	failing := l.post(t, `{"carepath:fail":"to see the dead-letter queue"}`)
	if failing.status != http.StatusAccepted {
		return fmt.Errorf("POST answers %d %s", failing.status, failing.body)
	}
	if err := l.endsWith(ctx, failing, sfntypes.ExecutionStatusFailed, 25*time.Second); err != nil {
		return err
	}
	if err := l.logged(ctx, "/aws/vendedlogs/states/intake-", failing.fields["executionArn"]); err != nil {
		return err
	}
	for {
		got, err := queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
		if err != nil {
			return err
		}
		if len(got.Messages) == 0 {
			return errors.New("the dead letter is missing")
		}
		found := false
		for _, m := range got.Messages {
			if a, ok := m.MessageAttributes["ExecutionArn"]; ok && aws.ToString(a.StringValue) == failing.fields["executionArn"] {
				found = true
			}
			if _, err := queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return err
			}
		}
		if found {
			return nil
		}
	}
}

// withoutUsers removes what an earlier promise that was broken has left of users, and returns an address that nobody had.
func (l *local) withoutUsers(ctx context.Context) (address string, err error) {
	r, err := l.userRecords(ctx)
	if err != nil {
		return "", err
	}
	for key := range r.items {
		text := map[string]string{"S": key}
		if err := l.do(ctx, "dynamodb", dynamoTarget+"DeleteItem", map[string]any{"TableName": l.outputs["usersTableName"], "Key": map[string]any{"PK": text, "SK": text}}, nil); err != nil {
			return "", err
		}
	}
	for name := range r.pool {
		if err := l.do(ctx, "cognito-idp", cognitoTarget+"AdminDeleteUser", map[string]string{"UserPoolId": l.outputs["userPoolId"], "Username": name}, nil); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("u%d@example.org", time.Now().UnixNano()), nil
}

func (l *local) createsUserOnce(ctx context.Context, t *testing.T) error {
	address, err := l.withoutUsers(ctx)
	if err != nil {
		return err
	}
	for _, status := range []int{http.StatusCreated, http.StatusConflict} {
		if a := l.postTo(t, "usersUrl", userBody(address, nil)); a.status != status {
			return fmt.Errorf("POST answers %d %s, not %d", a.status, a.body, status)
		}
		if r, err := l.userRecords(ctx); err != nil || r.agree() != nil || len(r.pool) != 1 {
			return errors.Join(err, r.agree(), fmt.Errorf("%d users", len(r.pool)))
		}
	}
	return nil
}

// undoesUser has the invitation fail: then the Cognito user is there already, and the profile.
func (l *local) undoesUser(ctx context.Context, t *testing.T) error {
	address, err := l.withoutUsers(ctx)
	if err != nil {
		return err
	}
	var a answer
	err = l.withFault(ctx, localcloud.Fault{Service: "cognito-idp", Action: "DeliverMessage", Code: "MessageRejected", Status: 400, Times: 1},
		func() { a = l.postTo(t, "usersUrl", userBody(address, nil)) })
	if err != nil {
		return err
	}
	if a.status != http.StatusInternalServerError {
		return fmt.Errorf("POST answers %d %s", a.status, a.body)
	}
	if r, err := l.userRecords(ctx); err != nil || len(r.items)+len(r.pool) > 0 {
		return errors.Join(err, fmt.Errorf("there are still %d items and %d Cognito users", len(r.items), len(r.pool)))
	}
	return nil
}

// abandon writes what an execution leaves that has died long ago: before it took a number, or, with one, before it ended its
// claim.
func (l *local) abandon(ctx context.Context, address, id string) error {
	claim, request := "a dead execution for "+address, "USERREQUEST#"+address
	items := []map[string]string{
		{"PK": "USEREMAIL#" + address, "Claim": claim, "HeldBy": claim, "RequestPK": request, "Pending": "USER", "LeaseUntil": "2026-01-01T00:00:00.000Z"},
		{"PK": request, "HeldBy": claim, "Digest": "none"},
	}
	if id != "" {
		items[0]["UserId"] = id
		items = append(items, map[string]string{"PK": "USERPROFILE#" + id, "Claim": claim, "EmailAddress": address, "FirstName": "Ada", "LastName": "Lovelace"})
		err := l.do(ctx, "cognito-idp", cognitoTarget+"AdminCreateUser", map[string]any{"UserPoolId": l.outputs["userPoolId"], "Username": id, "MessageAction": "SUPPRESS",
			"UserAttributes": []map[string]string{{"Name": "email", "Value": address}, {"Name": "email_verified", "Value": "true"}, {"Name": "custom:claim", "Value": claim}}}, nil)
		if err != nil {
			return err
		}
	}
	for _, item := range items {
		item["SK"] = item["PK"]
		typed := map[string]map[string]string{}
		for name, text := range item {
			typed[name] = map[string]string{"S": text}
		}
		if err := l.do(ctx, "dynamodb", dynamoTarget+"PutItem", map[string]any{"TableName": l.outputs["usersTableName"], "Item": typed}, nil); err != nil {
			return err
		}
	}
	return nil
}

// sweepsUsers runs the sweep: of a claim without a number nothing remains, and one whose user is there becomes a user.
func (l *local) sweepsUsers(ctx context.Context) error {
	address, err := l.withoutUsers(ctx)
	if err != nil {
		return err
	}
	const id = "7"
	if err := errors.Join(l.abandon(ctx, "no-number-"+address, ""), l.abandon(ctx, address, id)); err != nil {
		return err
	}
	schedule, err := l.sweepSchedule(ctx)
	if err != nil {
		return err
	}
	var run struct{ Status, Error, Cause string }
	// Not with the SDK, which would put "sync-" before the host's name.
	if err := l.do(ctx, "states", "AWSStepFunctions.StartSyncExecution", map[string]string{"stateMachineArn": schedule.Target.Arn, "input": "{}"}, &run); err != nil {
		return err
	}
	if run.Status != "SUCCEEDED" {
		return fmt.Errorf("the sweep ended %s: %s %s", run.Status, run.Error, run.Cause)
	}
	// One that the schedule has started may be at it still.
	var r userRecords
	ended, err := within(ctx, 2*time.Second, func() (bool, error) {
		var err error
		r, err = l.userRecords(ctx)
		return r.agree() == nil && len(r.pool) == 1 && r.items["USERPROFILE#"+id] != nil, err
	})
	if err == nil && !ended {
		err = fmt.Errorf("the sweep left %d items: %w", len(r.items), r.agree())
	}
	return err
}

// sweepsOnSchedule gives the schedule another rate: then it calls at once.
func (l *local) sweepsOnSchedule(ctx context.Context) error {
	address, err := l.withoutUsers(ctx)
	if err != nil {
		return err
	}
	if err := l.abandon(ctx, address, ""); err != nil {
		return err
	}
	schedule, err := l.sweepSchedule(ctx)
	if err != nil {
		return err
	}
	schedule.ScheduleExpression = map[bool]string{false: "rate(2 hours)", true: "rate(3 hours)"}[schedule.ScheduleExpression == "rate(2 hours)"]
	body, err := json.Marshal(scheduler.ScheduleInput{Specification: schedule})
	if err != nil {
		return err
	}
	if _, err := l.call(ctx, "scheduler", http.MethodPut, "/schedules/"+schedule.Name, "application/json", string(body)); err != nil {
		return err
	}
	swept, err := within(ctx, 5*time.Second, func() (bool, error) {
		r, err := l.userRecords(ctx)
		return len(r.items) == 0, err
	})
	if err == nil && !swept {
		err = errors.New("the claim is still there")
	}
	return err
}

// sweepSchedule is what starts the sweep.
func (l *local) sweepSchedule(ctx context.Context) (schedule scheduler.Specification, err error) {
	body, err := l.call(ctx, "scheduler", http.MethodGet, "/schedules", "", "")
	if err != nil {
		return schedule, err
	}
	var list struct{ Schedules []struct{ Name string } }
	if err := json.Unmarshal(body, &list); err != nil {
		return schedule, err
	}
	list.Schedules = slices.DeleteFunc(list.Schedules, func(s struct{ Name string }) bool { return !strings.HasPrefix(s.Name, "users-sweep-") })
	if len(list.Schedules) != 1 {
		return schedule, fmt.Errorf("%d schedules of the sweep", len(list.Schedules))
	}
	if body, err = l.call(ctx, "scheduler", http.MethodGet, "/schedules/"+list.Schedules[0].Name, "", ""); err != nil {
		return schedule, err
	}
	return schedule, json.Unmarshal(body, &schedule)
}

// within waits until something is done, at most as long as the limit says.
func within(ctx context.Context, limit time.Duration, done func() (bool, error)) (bool, error) {
	for deadline := time.Now().Add(limit); ; {
		ok, err := done()
		if ok || err != nil || time.Now().After(deadline) {
			return ok, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// endsWith waits until the execution of an answer has ended, and says whether as wanted. One that does not end is stopped.
func (l *local) endsWith(ctx context.Context, a answer, want sfntypes.ExecutionStatus, limit time.Duration) error {
	client, arn := sfn.NewFromConfig(l.config()), a.fields["executionArn"]
	ended, err := within(ctx, limit, func() (bool, error) {
		described, err := client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil || described.Status == sfntypes.ExecutionStatusRunning {
			return false, err
		}
		if described.Status != want {
			return true, fmt.Errorf("the execution ended %s: %s", described.Status, aws.ToString(described.Cause))
		}
		return true, nil
	})
	if ended || err != nil {
		return err
	}
	if _, err := client.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: &arn}); err != nil {
		return err
	}
	return errors.New("the execution does not end")
}

// setAccount sets API Gateway's account settings to what they are, which API Gateway answers with a check of the role.
func (l *local) setAccount(ctx context.Context) error {
	body, err := l.call(ctx, "apigateway", http.MethodGet, "/account", "", "")
	if err != nil {
		return err
	}
	var account struct{ CloudwatchRoleArn string }
	if err := json.Unmarshal(body, &account); err != nil {
		return err
	}
	patch := fmt.Sprintf(`{"patchOperations":[{"op":"replace","path":"/cloudwatchRoleArn","value":%q}]}`, account.CloudwatchRoleArn)
	_, err = l.call(ctx, "apigateway", http.MethodPatch, "/account", "application/json", patch)
	return err
}

// setLogKeys gives each log group the key that it has, which makes CloudWatch Logs try the key.
func (l *local) setLogKeys(ctx context.Context) error {
	body, err := l.call(ctx, "logs", http.MethodPost, "/", "Logs_20140328.DescribeLogGroups", `{}`)
	if err != nil {
		return err
	}
	var groups struct {
		LogGroups []struct{ LogGroupName, KmsKeyId string }
	}
	if err := json.Unmarshal(body, &groups); err != nil {
		return err
	}
	for _, g := range groups.LogGroups {
		if _, err := l.call(ctx, "logs", http.MethodPost, "/", "Logs_20140328.AssociateKmsKey", fmt.Sprintf(`{"logGroupName":%q,"kmsKeyId":%q}`, g.LogGroupName, g.KmsKeyId)); err != nil {
			return err
		}
	}
	return nil
}

// logged waits until a log group whose name contains group has an event that contains text.
func (l *local) logged(ctx context.Context, group, text string) error {
	body, err := l.call(ctx, "logs", http.MethodPost, "/", "Logs_20140328.DescribeLogGroups", `{}`)
	if err != nil {
		return err
	}
	var groups struct {
		LogGroups []struct{ LogGroupName string }
	}
	if err := json.Unmarshal(body, &groups); err != nil {
		return err
	}
	i := slices.IndexFunc(groups.LogGroups, func(g struct{ LogGroupName string }) bool { return strings.Contains(g.LogGroupName, group) })
	if i < 0 {
		return fmt.Errorf("there is no log group like %s", group)
	}
	name := groups.LogGroups[i].LogGroupName
	found, err := within(ctx, 5*time.Second, func() (bool, error) {
		body, err := l.call(ctx, "logs", http.MethodPost, "/", "Logs_20140328.FilterLogEvents", fmt.Sprintf(`{"logGroupName":%q}`, name))
		return strings.Contains(string(body), text), err
	})
	if err == nil && !found {
		err = fmt.Errorf("the log group %s lacks %s", name, text)
	}
	return err
}
