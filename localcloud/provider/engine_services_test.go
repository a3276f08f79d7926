package provider

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sfn"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// TestEngineDeploysFunctions takes a function with its package on disk, and a state machine that calls it, through the
// real engine on the real services, with the default provider.
func TestEngineDeploysFunctions(t *testing.T) {
	folder := t.TempDir()
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, "bootstrap"), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("#!/bin/sh\n")
	s := newStack(t, serve(t, embeddedAWS(t)), func(ctx *pulumi.Context) error {
		role, err := iam.NewRole(ctx, "role", &iam.RoleArgs{AssumeRolePolicy: pulumi.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","states.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`)})
		if err != nil {
			return err
		}
		f, err := lambda.NewFunction(ctx, "work", &lambda.FunctionArgs{Role: role.Arn, Runtime: pulumi.String("provided.al2023"), Handler: pulumi.String("bootstrap"),
			Code: pulumi.NewFileArchive(folder), Environment: lambda.FunctionEnvironmentArgs{Variables: pulumi.StringMap{"SECRET": pulumi.ToSecret(pulumi.String("hush")).(pulumi.StringOutput)}}})
		if err != nil {
			return err
		}
		m, err := sfn.NewStateMachine(ctx, "machine", &sfn.StateMachineArgs{RoleArn: role.Arn, Definition: pulumi.Sprintf(
			`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"%s"},"End":true}}}`, f.Arn)})
		if err != nil {
			return err
		}
		ctx.Export("machine", m.Arn)
		ctx.Export("environment", f.Environment.Variables())
		return nil
	})
	ctx := t.Context()
	up := func(want string) auto.UpResult {
		t.Helper()
		res, err := s.Up(ctx, optup.ProgressStreams(io.Discard))
		if err != nil {
			t.Fatal(err)
		}
		if got := counts(res.Summary); got != want {
			t.Errorf("up: %s, want %s", got, want)
		}
		return res
	}
	if _, err := s.Preview(ctx, optpreview.ProgressStreams(io.Discard)); err != nil {
		t.Fatal(err)
	}
	res := up("create 4")
	if machine, _ := res.Outputs["machine"].Value.(string); !strings.HasPrefix(machine, "arn:aws:states:us-east-1:"+fakeAccount+":stateMachine:machine-") || !res.Outputs["environment"].Secret {
		t.Errorf("outputs %v", res.Outputs)
	}
	up("same 4")
	if drift, err := s.Refresh(ctx, optrefresh.ProgressStreams(io.Discard)); err != nil || counts(drift.Summary) != "same 4" {
		t.Errorf("refresh: %s %v", counts(drift.Summary), err)
	}
	write("#!/bin/sh\nexit 1\n")
	up("update 1, same 3")
	up("same 4")
	if _, err := s.Destroy(ctx, optdestroy.ProgressStreams(io.Discard)); err != nil {
		t.Fatal(err)
	}
}
