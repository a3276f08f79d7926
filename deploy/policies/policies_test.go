package policies

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/carepath/carepath/deploy/graph"
	"github.com/carepath/carepath/platform"
)

func ofStack(t testing.TB, stack string) (*graph.Graph, []platform.Suppression) {
	t.Helper()
	text, err := os.ReadFile("../../Pulumi." + stack + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	file, err := platform.ParseStackFile(text)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := file.Check()
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Of(context.Background(), stack, file)
	if err != nil {
		t.Fatal(err)
	}
	return g, platform.Suppressions(settings)
}

func TestStacksFollowThePolicies(t *testing.T) {
	for _, stack := range []string{"local", "dev", "pr", "prod"} {
		g, exceptions := ofStack(t, stack)
		report := Check(g, exceptions, time.Now())
		for _, f := range report.Findings {
			t.Errorf("%s: %s\n  %s", stack, f, f.Mend)
		}
		for _, s := range append(report.Expired, report.Unused...) {
			t.Errorf("%s: the suppression of %s for %s is over or without use", stack, s.Rule, s.Resource)
		}
	}
}
