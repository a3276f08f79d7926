package provider

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// pulumiCLI finds the Pulumi CLI: the one below the folder that CAREPATH_PULUMI names, else the one in PATH.
func pulumiCLI(t *testing.T) auto.PulumiCommand {
	t.Helper()
	root := os.Getenv("CAREPATH_PULUMI")
	if _, err := exec.LookPath("pulumi"); root == "" && err != nil {
		t.Skip("no pulumi in PATH, and CAREPATH_PULUMI names no folder with bin/pulumi: the engine cannot be tried")
	}
	cmd, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: root, SkipVersionCheck: true})
	if err != nil {
		t.Fatal(err)
	}
	return cmd
}

// stack makes a stack whose engine deploys through the provider at addr.
func newStack(t *testing.T, addr net.Addr, program pulumi.RunFunc) auto.Stack {
	t.Helper()
	dir := t.TempDir()
	s, err := auto.UpsertStackInlineSource(t.Context(), "test", "provider", program,
		auto.Pulumi(pulumiCLI(t)),
		auto.PulumiHome(filepath.Join(dir, "home")),
		auto.Project(workspace.Project{
			Name: tokens.PackageName("provider"), Runtime: workspace.NewProjectRuntimeInfo("go", nil),
			Backend: &workspace.ProjectBackend{URL: "file://" + dir},
		}),
		auto.EnvVars(map[string]string{
			"PULUMI_CONFIG_PASSPHRASE": "test", "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
			"PULUMI_DEBUG_PROVIDERS": fmt.Sprintf("aws:%d,awsx:%[1]d", addr.(*net.TCPAddr).Port),
		}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func counts(summary auto.UpdateSummary) string {
	var all []string
	for _, op := range []apitype.OpType{apitype.OpCreate, apitype.OpUpdate, apitype.OpReplace, apitype.OpDelete, apitype.OpSame} {
		if n := (*summary.ResourceChanges)[string(op)]; n > 0 {
			all = append(all, fmt.Sprintf("%s %d", op, n))
		}
	}
	return strings.Join(all, ", ")
}

func TestEngineDeploys(t *testing.T) {
	f := newFake()
	delay, fifo, trust := 5, false, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	s := newStack(t, serve(t, f.d), func(ctx *pulumi.Context) error {
		p, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{
			Region: pulumi.String("us-east-1"), AllowedAccountIds: pulumi.StringArray{pulumi.String(fakeAccount)},
			DefaultTags: aws.ProviderDefaultTagsArgs{Tags: pulumi.StringMap{"stack": pulumi.String("test")}},
		})
		if err != nil {
			return err
		}
		with := pulumi.Provider(p)
		q, err := sqs.NewQueue(ctx, "letters", &sqs.QueueArgs{
			DelaySeconds: pulumi.Int(delay), FifoQueue: pulumi.Bool(fifo), Tags: pulumi.StringMap{"own": pulumi.String("yes")},
		}, with)
		if err != nil {
			return err
		}
		r, err := iam.NewRole(ctx, "reader", &iam.RoleArgs{AssumeRolePolicy: pulumi.String(trust), Description: q.Arn}, with)
		if err != nil {
			return err
		}
		who, err := aws.GetCallerIdentity(ctx, &aws.GetCallerIdentityArgs{}, pulumi.Provider(p))
		if err != nil {
			return err
		}
		ctx.Export("url", q.Url)
		ctx.Export("tags", q.TagsAll) //nolint:staticcheck // deprecated, and the only view of the provider's default tags
		ctx.Export("role", r.Arn)
		ctx.Export("account", pulumi.String(who.AccountId))
		return nil
	})
	ctx := t.Context()
	up := func() auto.UpResult {
		t.Helper()
		var log strings.Builder
		res, err := s.Up(ctx, optup.ProgressStreams(io.Discard), optup.ErrorProgressStreams(&log))
		if err != nil {
			t.Fatalf("%v\n%s", err, log.String())
		}
		return res
	}
	if _, err := s.Preview(ctx, optpreview.ErrorProgressStreams(io.Discard)); err != nil {
		t.Fatal(err)
	}
	if did := f.called(); did != "" {
		t.Errorf("the preview did %s", did)
	}
	res := up()
	if got := counts(res.Summary); got != "create 4" {
		t.Errorf("first up: %s", got)
	}
	url, _ := res.Outputs["url"].Value.(string)
	if !strings.Contains(url, "/letters-") || res.Outputs["account"].Value != fakeAccount {
		t.Errorf("outputs %v", res.Outputs)
	}
	if got := fmt.Sprint(res.Outputs["tags"].Value); got != "map[own:yes stack:test]" {
		t.Errorf("tags %s", got)
	}
	f.called()
	if got := counts(up().Summary); got != "same 4" {
		t.Errorf("second up: %s", got)
	}
	if did := f.called(); did != "" {
		t.Errorf("the second up did %s", did)
	}

	trust = strings.Replace(trust, `"sts:AssumeRole"`, `["sts:AssumeRole"]`, 1)
	delay = 7
	if got := counts(up().Summary); got != "update 1, same 3" {
		t.Errorf("third up: %s", got)
	}
	f.change(func() { f.queues[url]["VisibilityTimeout"] = "99" })
	drift, err := s.Refresh(ctx, optrefresh.ProgressStreams(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	if got := counts(drift.Summary); got != "update 1, same 3" {
		t.Errorf("refresh after drift: %s", got)
	}
	if got := counts(up().Summary); got != "update 1, same 3" || f.queues[url]["VisibilityTimeout"] != "30" {
		t.Errorf("up after drift: %s, %v", got, f.queues[url])
	}

	fifo = true
	if got := counts(up().Summary); got != "update 1, replace 1, same 2" {
		t.Errorf("up with a replacement: %s", got)
	}
	f.called()
	if _, err := s.Destroy(context.WithoutCancel(ctx), optdestroy.ProgressStreams(io.Discard)); err != nil {
		t.Fatal(err)
	}
	if len(f.queues)+len(f.roles) > 0 {
		t.Errorf("left after the destroy: %v %v", f.queues, f.roles)
	}
}
