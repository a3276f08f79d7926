package deploy

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestPlansDoNotHoldOnToWhatIsUnknown(t *testing.T) {
	reference := func(id string) string {
		return `{"4dabf18193072939515e22adb298388d":"5cf8f73096256a8f31e491e813e4eb8e","id":"` + id + `","urn":"urn:x"}`
	}
	got, err := withoutUnknownReferences([]byte(`{"a":[` + reference("") + `,` + reference("made") + `],"n":12345678901234567890}`))
	want := `{"a":["04da6b54-80e4-46f7-96ec-b56ff0331ba9",` + reference("made") + `],"n":12345678901234567890}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestWhatTheProgramSaysIsWhole(t *testing.T) {
	got := engineMessage(errors.New(` +  pulumi:pulumi:Stack carepath-local create error: an unhandled error occurred: 1 error occurred:
 +  pulumi:pulumi:Stack carepath-local create 1 error
Diagnostics:
  pulumi:pulumi:Stack (carepath-local):
    error: an unhandled error occurred: 1 error occurred:
    	* components/golambda "one": building it: exit status 1
    handlers/one/main.go:17:2: syntax error: unexpected }

Resources:
    1 errored
`))
	want := "an unhandled error occurred: 1 error occurred:\n  * components/golambda \"one\": building it: exit status 1"
	if !strings.HasPrefix(got, want) || !strings.Contains(got, "unexpected }") || strings.Contains(got, "Resources:") {
		t.Errorf("got %q", got)
	}
}

func TestUsualFailures(t *testing.T) {
	for says, want := range map[string]Code{
		"error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions":                                         CodeNotLoggedIn,
		"error: get stack secrets manager: incorrect passphrase":                                                                       CodePassphrase,
		"error: no resource plugin 'pulumi-resource-aws' found in the workspace at version v6.83.2":                                    CodePlugin,
		"  pulumi:providers:aws (aws):\n    error: rpc error: code = Unknown desc = AWS account ID not allowed: 123456789012":          CodeAccount,
		"error: pulumi:providers:aws resource 'aws' has a problem: No valid credential sources found.":                                 CodeCredentials,
		"error: operation error STS: GetCallerIdentity, api error ExpiredToken: The security token included in the request is expired": CodeCredentials,
		"error: creating CloudWatch Log Group: operation error CloudWatch Logs: CreateLogGroup, ThrottlingException: Rate exceeded":    CodeThrottled,
		"error: creating IAM Role: AccessDenied: User: arn:aws:sts::1:assumed-role/x is not authorized to perform: iam:CreateRole":     CodeDenied,
		"error: creating SQS Queue: QueueDeletedRecently: You must wait 60 seconds":                                                    CodeFailed,
		"the stack is currently locked by 1 lock(s).\n  file:///x: created by a@b (pid 7) at 2026-01-02T03:04:05Z":                     CodeConcurrent,
	} {
		var e *Error
		if err := failureOf(t.Context(), "dev", "deploying", errors.New("exit status 255\ncode: 255\nstdout: \nstderr: "+says)); !errors.As(err, &e) || e.Code != want {
			t.Errorf("%s: %v, want %s", says, err, want)
		}
		if e.Hint == "" && e.Code != CodeFailed && e.Code != CodeConcurrent || strings.Contains(e.Hint, "NAME") || strings.Contains(e.Message, "stderr") {
			t.Errorf("%s: message %q, hint %q", says, e.Message, e.Hint)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	var e *Error
	if err := failureOf(cancelled, "dev", "deploying", errors.New("error: ThrottlingException")); !errors.As(err, &e) || e.Code != CodeCancelled {
		t.Errorf("cancelled: %v", err)
	}
}
