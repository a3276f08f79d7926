package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// TestEveryGrantedActionIsNeeded removes each action of each role's policy and of the key's policy of the running stack in
// turn. What the stack promises must break each time: then no granted action is unused, and none is there that nobody checks.
func TestEveryGrantedActionIsNeeded(t *testing.T) {
	l := deployLocal(t)
	if err := l.keepsItsPromises(t); err != nil {
		t.Fatalf("with every policy whole: %v", err)
	}
	removed := 0
	remove := func(of string, whole policyDocument, put func(policyDocument)) {
		for s, statement := range whole.Statement {
			for _, action := range statement.Action {
				if action == "kms:*" {
					continue // the account's administration of its key, without which KMS refuses the policy
				}
				put(whole.without(s, action))
				l.restart(t) // so that no cached grant remains
				if err := l.keepsItsPromises(t); err == nil {
					t.Errorf("%s of %s is granted on %v, and nothing breaks without it", action, of, statement.Resource)
				} else {
					t.Logf("without %s of %s: %v", action, of, err)
				}
				put(whole)
				removed++
			}
		}
	}
	for _, role := range l.list(t, "ListRoles", nil, "ListRolesResult>Roles>member>RoleName") {
		for _, name := range l.list(t, "ListRolePolicies", url.Values{"RoleName": {role}}, "ListRolePoliciesResult>PolicyNames>member") {
			remove(role, l.policy(t, role, name), func(d policyDocument) { l.putPolicy(t, role, name, d) })
		}
	}
	roles := removed
	var keys struct{ Keys []struct{ KeyId string } }
	l.json(t, "kms", "TrentService.ListKeys", struct{}{}, &keys)
	for _, key := range keys.Keys {
		var got struct{ Policy string }
		l.json(t, "kms", "TrentService.GetKeyPolicy", map[string]string{"KeyId": key.KeyId, "PolicyName": "default"}, &got)
		var whole policyDocument
		if err := json.Unmarshal([]byte(got.Policy), &whole); err != nil {
			t.Fatalf("%s: %v", got.Policy, err)
		}
		remove("the key", whole, func(d policyDocument) {
			text, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			l.json(t, "kms", "TrentService.PutKeyPolicy", map[string]string{"KeyId": key.KeyId, "PolicyName": "default", "Policy": string(text)}, nil)
		})
	}
	if roles == 0 || removed == roles {
		t.Errorf("%d actions of roles and %d of keys were removed: the stack has both", roles, removed-roles)
	}
}

// keepsItsPromises returns the first promise that the deployed stack breaks: an accepted payload is handled, a failing
// one lands in the dead-letter queue, everything leaves its log, and what was deployed can be deployed again.
func (l *local) keepsItsPromises(t *testing.T) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	machines, queue := sfn.NewFromConfig(l.config()), sqs.NewFromConfig(l.config())
	arn, url := l.outputs["intakeStateMachineArn"], l.outputs["intakeDeadLetterQueueUrl"]

	described, err := machines.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &arn})
	if err != nil {
		return err
	}
	if _, err := machines.UpdateStateMachine(ctx, &sfn.UpdateStateMachineInput{
		StateMachineArn: &arn, LoggingConfiguration: described.LoggingConfiguration, EncryptionConfiguration: described.EncryptionConfiguration,
	}); err != nil {
		return fmt.Errorf("updating the state machine: %w", err)
	}
	if err := l.setAccount(ctx); err != nil {
		return err
	}
	if err := l.setLogKeys(ctx); err != nil {
		return err
	}

	handled := l.post(t, `{"handled":true}`)
	failing := l.post(t, `{"carepath:fail":"to see the dead-letter queue"}`)
	if handled.status != http.StatusAccepted || failing.status != http.StatusAccepted {
		return fmt.Errorf("POST answers %d %s", handled.status, handled.body)
	}
	if err := l.endsWith(ctx, handled, sfntypes.ExecutionStatusSucceeded); err != nil {
		return err
	}
	for _, want := range []struct{ group, text string }{
		{"/aws/lambda/", handled.fields["executionArn"][strings.LastIndex(handled.fields["executionArn"], ":")+1:]}, {"intake-api", "/webhooks"},
	} {
		if err := l.logged(ctx, want.group, want.text); err != nil {
			return err
		}
	}
	if err := l.endsWith(ctx, failing, sfntypes.ExecutionStatusFailed); err != nil {
		return err
	}
	if err := l.logged(ctx, "/aws/vendedlogs/states/", failing.fields["executionArn"]); err != nil {
		return err
	}
	found := false
	for {
		got, err := queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
		if err != nil {
			return err
		}
		if len(got.Messages) == 0 {
			break
		}
		for _, m := range got.Messages {
			if a, ok := m.MessageAttributes["ExecutionArn"]; ok && aws.ToString(a.StringValue) == failing.fields["executionArn"] {
				found = true
			}
			if _, err := queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return err
			}
		}
	}
	if !found {
		return errors.New("the dead letter is missing")
	}
	return nil
}

// endsWith waits until the execution of an answer has ended, and says whether as wanted. One that does not end is stopped.
func (l *local) endsWith(ctx context.Context, a answer, want sfntypes.ExecutionStatus) error {
	client, arn := sfn.NewFromConfig(l.config()), a.fields["executionArn"]
	for deadline := time.Now().Add(25 * time.Second); time.Now().Before(deadline); {
		described, err := client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil {
			return err
		}
		if described.Status == want {
			return nil
		}
		if described.Status != sfntypes.ExecutionStatusRunning {
			return fmt.Errorf("the execution ended %s: %s", described.Status, aws.ToString(described.Cause))
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
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
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		body, err := l.call(ctx, "logs", http.MethodPost, "/", "Logs_20140328.FilterLogEvents", fmt.Sprintf(`{"logGroupName":%q}`, name))
		if err != nil {
			return err
		}
		if strings.Contains(string(body), text) {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("the log group %s lacks %s", name, text)
}

// call makes a request to one of the embedded AWS's APIs; target is the X-Amz-Target of a JSON API, else the content type.
func (l *local) call(ctx context.Context, service, method, path, target, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1:"+l.port+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	switch {
	case strings.Contains(target, "/"):
		request.Header.Set("Content-Type", target)
	case target != "":
		request.Header.Set("Content-Type", "application/x-amz-json-1.1")
		request.Header.Set("X-Amz-Target", target)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s of %s answers %d: %s", method, path, service, response.StatusCode, text)
	}
	return text, err
}

// iam calls IAM's Query API.
func (l *local) iam(t *testing.T, action string, parameters url.Values) []byte {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for name, values := range parameters {
		form[name] = values
	}
	body, err := l.call(t.Context(), "iam", http.MethodPost, "/", "application/x-www-form-urlencoded", form.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// do calls an operation of a JSON API. Out may be nil.
func (l *local) do(ctx context.Context, service, target string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	body, err := l.call(ctx, service, http.MethodPost, "/", target, string(text))
	if err == nil && out != nil {
		err = json.Unmarshal(body, out)
	}
	return err
}

// json is do where nothing may fail.
func (l *local) json(t *testing.T, service, target string, in, out any) {
	t.Helper()
	if err := l.do(t.Context(), service, target, in, out); err != nil {
		t.Fatal(err)
	}
}

// list returns the texts at a path of elements below the response's root.
func (l *local) list(t *testing.T, action string, parameters url.Values, path string) []string {
	t.Helper()
	var texts, at []string
	decoder := xml.NewDecoder(strings.NewReader(string(l.iam(t, action, parameters))))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			at = append(at, token.Name.Local)
		case xml.EndElement:
			at = at[:len(at)-1]
		case xml.CharData:
			if len(at) > 0 && strings.Join(at[1:], ">") == path {
				texts = append(texts, string(token))
			}
		}
	}
}

// oneOrMore is a string or a list of them, as policies have it.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

type policyDocument struct {
	Version   string
	Statement []policyStatement
}

type policyStatement struct {
	Sid       string `json:",omitempty"`
	Effect    string
	Principal json.RawMessage `json:",omitempty"`
	Action    oneOrMore
	Resource  oneOrMore
	Condition json.RawMessage `json:",omitempty"`
}

// without returns the document less one action of one statement, which goes with its last action.
func (d policyDocument) without(statement int, action string) policyDocument {
	d.Statement = slices.Clone(d.Statement)
	s := &d.Statement[statement]
	s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == action })
	if len(s.Action) == 0 {
		*s = policyStatement{Effect: "Deny", Principal: s.Principal, Action: oneOrMore{"none:None"}, Resource: oneOrMore{"*"}}
	}
	return d
}

func (l *local) policy(t *testing.T, role, name string) policyDocument {
	t.Helper()
	texts := l.list(t, "GetRolePolicy", url.Values{"RoleName": {role}, "PolicyName": {name}}, "GetRolePolicyResult>PolicyDocument")
	text, err := url.QueryUnescape(strings.Join(texts, ""))
	if err != nil {
		t.Fatal(err)
	}
	var d policyDocument
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func (l *local) putPolicy(t *testing.T, role, name string, d policyDocument) {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	l.iam(t, "PutRolePolicy", url.Values{"RoleName": {role}, "PolicyName": {name}, "PolicyDocument": {string(text)}})
}

func (l *local) restart(t *testing.T) {
	t.Helper()
	carepath(t, exitDone, "local", "stop")
	carepath(t, exitDone, "local", "start")
}
