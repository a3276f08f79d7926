package deploy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carepath/carepath/platform"
)

const profileText = `config:
  aws:region: us-east-1
  carepath:environment: pr
  carepath:accountId: "123456789012"
  carepath:domain: {name: "${stack}.example.com", hostedZoneId: Z1}
`

func profiled(t *testing.T) *Project {
	t.Helper()
	p := &Project{Root: t.TempDir()}
	if err := os.WriteFile(filepath.Join(p.Root, "Pulumi.pr.yaml"), []byte(profileText), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEphemeralStacksHaveTheProfilesConfiguration(t *testing.T) {
	p := profiled(t)
	c, err := p.Configuration("pr-123")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{"carepath:domain.name": "pr-123.example.com", platform.KeyTTL: "12h", platform.KeyEnvironment: "pr"} {
		i := slices.IndexFunc(c.Settings, func(s platform.Setting) bool { return s.Path == path })
		if got := c.Settings[i].Value; got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if ttl, err := p.timeToLive("pr-123"); err != nil || ttl.Hours() != 12 {
		t.Errorf("its time to live is %v (%v)", ttl, err)
	}
	if names, err := p.Stacks(); err != nil || len(names) != 0 {
		t.Errorf("the stacks are %v (%v): the profile is none", names, err)
	}
	for _, name := range []string{"pr", "pr-", "pr-0", "pr-01", "pr-x", "pr-12345678", "pr-1/2"} {
		if Ephemeral(name) {
			t.Errorf("%s is a stack of the profile", name)
		}
	}
	var e *Error
	if _, err := p.Configuration("pr-x"); !errors.As(err, &e) || e.Code != CodeUsage || !strings.Contains(e.Message, "number of a pull request") {
		t.Errorf("got %v", err)
	}
	if err := isStack("pr"); !errors.As(err, &e) || e.Code != CodeUsage {
		t.Errorf("got %v", err)
	}
}

func TestStacksOfOneProfileShareNoName(t *testing.T) {
	p := profiled(t)
	names := map[string]string{}
	for _, stack := range []string{"pr-1", "pr-2"} {
		g, err := p.Graph(context.Background(), stack)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range g.Resources {
			for _, path := range []string{"name", "bucket", "dashboardName", "domainName"} {
				name := r.Text(path)
				if name == "" || strings.Contains(name, "${") || strings.HasPrefix(r.Type, "carepath:") || unshared[r.Type] {
					continue
				}
				if other, taken := names[r.Type+" "+name]; taken && other != stack {
					t.Errorf("%s and %s both have a %s named %s", other, stack, r.Type, name)
				}
				names[r.Type+" "+name] = stack
			}
		}
	}
}

// unshared are types whose names are within something of the stack's own.
var unshared = map[string]bool{"aws:cognito/userPoolClient:UserPoolClient": true, "aws:schemas/schema:Schema": true}

func TestFilesOfEphemeralStacksKeepWhatPulumiPutsIntoThem(t *testing.T) {
	p := profiled(t)
	if err := p.materialise("pr-7"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.Root, "Pulumi.pr-7.yaml")
	text, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(text), madeFromProfile) || !strings.Contains(string(text), "pr-7.example.com") {
		t.Fatalf("got %s (%v)", text, err)
	}
	if err := os.WriteFile(file, append(text, "encryptionsalt: v1:salt\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.materialise("pr-7"); err != nil {
			t.Fatal(err)
		}
	}
	if text, err = os.ReadFile(file); err != nil || strings.Count(string(text), "encryptionsalt: v1:salt\n") != 1 || strings.Count(string(text), "carepath:environment") != 1 {
		t.Errorf("got %s (%v)", text, err)
	}
	if err := os.WriteFile(file, []byte(profileText), 0o600); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if err := p.materialise("pr-7"); !errors.As(err, &e) || e.Code != CodeUsage {
		t.Errorf("a file that somebody wrote is written over: %v", err)
	}
}

func TestEphemeralStacksAreFoundInTheBackend(t *testing.T) {
	names, err := ephemeralNames(`[{"name":"dev"},{"name":"pr-12"},{"name":"acme/carepath/pr-7"},{"name":"pr-x"}]`)
	if want := []string{"pr-12", "pr-7"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("got %v (%v), want %v", names, err, want)
	}
	if names, err := (&Project{Root: t.TempDir()}).ephemeralStacks(context.Background(), Options{}); err != nil || names != nil {
		t.Errorf("without a profile: %v (%v)", names, err)
	}
}
