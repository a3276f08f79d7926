package graph

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carepath/carepath/platform"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func describe(t testing.TB, stack, text string) *Graph {
	t.Helper()
	file, err := platform.ParseStackFile([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	g, err := Of(context.Background(), stack, file)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func ofFile(t testing.TB, stack string) *Graph {
	t.Helper()
	text, err := os.ReadFile("../../Pulumi." + stack + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return describe(t, stack, string(text))
}

func TestStacksConsistOf(t *testing.T) {
	for _, stack := range []string{"dev", "prod"} {
		got := ofFile(t, stack).String()
		path := filepath.Join("testdata", stack+".golden")
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s differs (go test ./deploy/graph -update writes it anew):\n%s", path, diff)
		}
	}
}

func TestOrderDoesNotDependOnTheProgramsConcurrency(t *testing.T) {
	first := ofFile(t, "prod").String()
	for range 10 {
		if diff := cmp.Diff(first, ofFile(t, "prod").String()); diff != "" {
			t.Fatal(diff)
		}
	}
}

// Every value that the program gives can be told, so that policies and costs can be.
func TestNothingOfTheStacksIsUnknown(t *testing.T) {
	for _, stack := range []string{"local", "dev", "prod"} {
		for _, r := range ofFile(t, stack).Resources {
			for key, value := range r.Inputs {
				if value.ContainsUnknowns() {
					t.Errorf("%s: %s of %s %s is unknown", stack, key, r.Type, r.Name)
				}
			}
		}
	}
}

func TestReferences(t *testing.T) {
	g := ofFile(t, "prod")
	queue := g.Of("aws:sqs/queue:Queue")[0]
	if got, want := queue.Text("kmsMasterKeyId"), "${kms.Key:carepath.arn}"; got != want {
		t.Errorf("the queue's key is %q, want %q", got, want)
	}
	if !queue.Options.Protect || !strings.Contains(queue.Provider, "pulumi:providers:aws::aws") {
		t.Errorf("got %+v", queue)
	}
	for _, r := range g.Of("aws:iam/rolePolicy:RolePolicy") {
		if !json.Valid([]byte(r.Text("policy"))) {
			t.Errorf("%s: its policy is not shown: %q", r.Name, r.Text("policy"))
		}
	}
	for _, r := range g.Of("aws:iam/role:Role") {
		if c := g.Component(r); r.Name == "users-sweep-role" && (c == nil || c.Type != "carepath:usercreation:UserCreation") {
			t.Errorf("%s is of %+v", r.Name, c)
		}
	}
}

func TestEncryptedValuesHaveStandIns(t *testing.T) {
	g := describe(t, "secret", `
config:
  aws:region: us-east-1
  carepath:environment: dev
  carepath:accountId: {secure: v1:abc}
  carepath:intake: {functionMemoryMb: {secure: v1:abc}, throttle: {burst: {secure: v1:abc}, ratePerSecond: 7}}
  carepath:users: {secure: v1:abc}
`)
	if g.AccountID != "123456789012" || len(g.Assumptions) != 5 {
		t.Errorf("got %q and %q", g.AccountID, g.Assumptions)
	}
}

func TestEveryProblemOfAConfigurationIsReported(t *testing.T) {
	file, err := platform.ParseStackFile([]byte("config:\n  accountId: 1\n  carepath:region: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	var invalid *platform.ConfigError
	if _, err = Of(context.Background(), "bad", file); !errors.As(err, &invalid) || len(invalid.Problems) != 4 {
		t.Errorf("got %v, want 4 problems", err)
	}
}

func BenchmarkOf(b *testing.B) {
	for b.Loop() {
		ofFile(b, "prod")
	}
}
