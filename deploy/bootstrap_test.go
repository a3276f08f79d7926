package deploy

import (
	"strings"
	"testing"

	"github.com/carepath/carepath/platform/bootstrap"
)

// TestBootstrap deploys what an account needs before its first stack, through the real engine.
func TestBootstrap(t *testing.T) {
	b := newBench(t)
	b.options.program = bootstrap.Config{Region: "us-east-1", AccountID: "000000000000", Repository: "acme/care", Environments: []string{"dev"}, PullRequests: true}.Program
	result := b.mustUp(UpOptions{})
	for output, want := range map[string]string{
		"backendUrl": "s3://carepath-state-", "pullRequestsBackendUrl": "s3://carepath-state-", "secretsProvider": "awskms://alias/carepath-state?region=us-east-1",
		"permissionsBoundaryArn": "arn:aws:iam::000000000000:policy/carepath-ci/github-boundary-", "previewRoleArn": "arn:aws:iam::000000000000:role/carepath-ci/github-preview-",
		"deployDevRoleArn": "arn:aws:iam::000000000000:role/carepath-ci/github-deploy-dev-", "deployPullRequestsRoleArn": "arn:aws:iam::000000000000:role/carepath-ci/github-deploy-pull-requests-",
	} {
		if got, _ := result.Outputs[output].(string); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, want %s…", output, got, want)
		}
	}
	if again := b.mustUp(UpOptions{}); again.Changed() {
		t.Errorf("a second up changes %+v", again.Changes)
	}
	if drift, err := b.open().Drift(t.Context()); err != nil || len(drift.Resources) > 0 {
		t.Errorf("drift %+v, %v", drift, err)
	}
	if e := refusal(t, func() error {
		_, err := b.project.Destroy(t.Context(), b.options, DestroyOptions{})
		return err
	}()); len(e.Findings) < 2 {
		t.Errorf("the states' bucket and key are not protected: %v", e)
	}
}
