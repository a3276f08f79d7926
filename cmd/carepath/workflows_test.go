package main

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// workflow is as much of a workflow of GitHub Actions as these tests look at.
type workflow struct {
	Permissions map[string]string
	Concurrency concurrency
	Jobs        map[string]job
}

type concurrency struct {
	Group            string
	CancelInProgress any `yaml:"cancel-in-progress"`
}

type job struct {
	Needs          string
	Environment    string
	TimeoutMinutes int `yaml:"timeout-minutes"`
	Permissions    map[string]string
	Concurrency    concurrency
	Steps          []workflowStep
}

type workflowStep struct {
	Uses string
	Run  string
	With map[string]any
	Env  map[string]string
}

const workflowsFolder = "../../.github/workflows"

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(workflowsFolder, "*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("workflows: %v, %v", files, err)
	}
	all := map[string]workflow{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = w
	}
	return all
}

var (
	expression  = regexp.MustCompile(`\$\{\{ *(.*?) *\}\}`)
	actionLine  = regexp.MustCompile(`(?m)^ *-? *uses: (.*)$`)
	pinned      = regexp.MustCompile(`^[a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	secret      = regexp.MustCompile(`\$\{\{[^}]*\bsecrets\b`)
	stackFlag   = regexp.MustCompile(`--stack (\S+(?: [^-]\S* \}\})?)`)
	changesWhat = regexp.MustCompile(`^carepath (up|destroy) --stack (.+?) --yes$`)
)

// expressions are all that a command may have of what started it: nothing that a person can write.
var expressions = []string{"github.event.number", "matrix.stack"}

func TestWorkflowsAreSafe(t *testing.T) {
	files, err := filepath.Glob("../../.github/*/*/action.yml")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(workflowsFolder, "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range slices.Concat(files, more) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range actionLine.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(m[1], "./") && !pinned.MatchString(m[1]) {
				t.Errorf("%s: %s is not pinned by its commit, with the version beside it", file, m[1])
			}
		}
		if secret.Match(text) || strings.Contains(string(text), "pull_request_target") {
			t.Errorf("%s: no secrets, and no pull request's code with the rights of main", file)
		}
	}
	for name, w := range workflows(t) {
		if w.Permissions == nil || len(w.Permissions) > 0 {
			t.Errorf("%s: permissions must be {}: each job says what it needs", name)
		}
		for id, j := range w.Jobs {
			j.check(t, name+" "+id, w)
		}
	}
}

func (j job) check(t *testing.T, name string, w workflow) {
	t.Helper()
	allowed := map[string]string{"contents": "read", "id-token": "write", "pull-requests": "write"}
	for scope, right := range j.Permissions {
		if allowed[scope] != right {
			t.Errorf("%s: the permission %s: %s", name, scope, right)
		}
	}
	if j.TimeoutMinutes == 0 || j.Permissions["contents"] != "read" {
		t.Errorf("%s: wants a timeout and permissions of its own", name)
	}
	if w.Concurrency.Group == "" && j.Concurrency.Group == "" && j.Needs == "" {
		t.Errorf("%s: no concurrency group", name)
	}
	assumes := false
	for _, s := range j.Steps {
		assumes = assumes || strings.HasPrefix(s.Uses, "aws-actions/")
		if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != false {
			t.Errorf("%s: the checkout leaves its token to all that follows", name)
		}
		if s.Run == "" || s.Run == ".ci/run" {
			continue
		}
		command, _, _ := strings.Cut(s.Run, " >")
		for _, m := range expression.FindAllStringSubmatch(command, -1) {
			if !slices.Contains(expressions, m[1]) {
				t.Errorf("%s: %s: what people write gets into a command", name, s.Run)
			}
		}
		if !strings.HasPrefix(command, "carepath ") || strings.ContainsAny(expression.ReplaceAllString(command, "1"), "\n;&|`") {
			t.Errorf("%s: %q is not one carepath command", name, s.Run)
			continue
		}
		if err := checkCommand(strings.TrimPrefix(expression.ReplaceAllString(command, "12"), "carepath "), true); err != nil {
			t.Errorf("%s: %s: %v", name, s.Run, err)
		}
		if m := changesWhat.FindStringSubmatch(command); m != nil && (j.Concurrency.Group != "stack-"+m[2] || j.Concurrency.CancelInProgress != false || j.Environment == "") {
			t.Errorf("%s: %s: wants the concurrency group stack-%s, never cancelled, and an environment", name, s.Run, m[2])
		}
	}
	if got := j.Permissions["id-token"] == "write"; got != assumes {
		t.Errorf("%s: id-token is for those that assume a role", name)
	}
	if _, comments := j.Permissions["pull-requests"]; comments != slices.ContainsFunc(j.Steps, func(s workflowStep) bool { return strings.HasPrefix(s.Run, "carepath ci comment ") }) {
		t.Errorf("%s: pull-requests is for those that comment", name)
	}
}

// testWorkflows runs the commands of every workflow on the local stack, in the order in which a change would meet them: a pull
// request, its own stack, main, a night, the end of the pull request.
func (l *local) testWorkflows(t *testing.T) {
	github := httptest.NewServer(http.HandlerFunc(fakeGitHub))
	defer github.Close()
	folder := t.TempDir()
	summary := filepath.Join(folder, "summary.md")
	t.Setenv("GITHUB_STEP_SUMMARY", summary)
	t.Setenv("GITHUB_API_URL", github.URL)
	t.Setenv("GITHUB_REPOSITORY", "acme/care")
	all := workflows(t)
	ran := []string{"check.yml"} // its command is what runs this test
	for _, run := range []struct{ file, job, summary string }{
		{"preview.yml", "preview", ""},
		{"pull-request-stack.yml", "up", ""},
		{"deploy.yml", "dev", ""},
		{"deploy.yml", "preview-prod", "### Preview of `local`: no changes"},
		{"deploy.yml", "prod", ""},
		{"drift.yml", "drift", "### No drift of `local`"},
		{"reap.yml", "reap", ""},
		{"pull-request-stack.yml", "destroy", ""},
	} {
		j, ok := all[run.file].Jobs[run.job]
		if !ok {
			t.Fatalf("%s has no job %s", run.file, run.job)
		}
		ran = append(ran, run.file)
		for _, s := range j.Steps {
			if s.Run == "" {
				continue
			}
			command := l.here(s.Run, folder)
			cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", command)
			cmd.Dir = "../.."
			cmd.Env = append(os.Environ(), "GITHUB_TOKEN=right")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if out, err := cmd.Output(); err != nil {
				t.Fatalf("%s %s: %s: %v\n%s%s", run.file, run.job, command, err, out, stderr.String())
			}
		}
		text, _ := os.ReadFile(summary) // most have none
		if !strings.Contains(string(text), run.summary) {
			t.Errorf("%s %s: the summary is %s, want %s", run.file, run.job, text, run.summary)
		}
	}
	waitGone(t, l.port) // the last of them has destroyed it
	slices.Sort(ran)
	if all := slices.Sorted(maps.Keys(all)); !slices.Equal(slices.Compact(ran), all) {
		t.Errorf("ran %v of %v", ran, all)
	}
}

// here is a command on the local stack, with its files in a folder. What needs no account stays as it is.
func (l *local) here(command, folder string) string {
	if !strings.Contains(command, "--offline") {
		command = stackFlag.ReplaceAllString(command, "--stack local")
	}
	command = expression.ReplaceAllString(command, "12")
	if strings.HasPrefix(command, "carepath destroy ") && !strings.Contains(command, " --yes") {
		command += " --yes" // there is nobody to ask
	}
	return pageFile.ReplaceAllString(command, filepath.Join(folder, "$0"))
}

// pageFile is a file that a command writes or reads.
var pageFile = regexp.MustCompile(`\b\w+\.(md|json)\b`)

// TestCommandsOnTheLocalStack runs what the workflows and the documents do on other stacks.
func TestCommandsOnTheLocalStack(t *testing.T) {
	l := deployLocal(t)
	t.Setenv("PULUMI_BACKEND_URL", "file://"+t.TempDir()) // where the stacks of pull requests are looked for; local has its own
	t.Run("the role that deploys may do what deploying does", func(t *testing.T) { l.testDeployRole(t) })
	t.Run("the documents' commands", l.testDocuments)
	t.Run("the workflows", l.testWorkflows)
}

// testDocuments runs the documents' commands that are no sessions, because they are for other stacks.
func (l *local) testDocuments(t *testing.T) {
	github := httptest.NewServer(http.HandlerFunc(fakeGitHub))
	defer github.Close()
	for name, value := range map[string]string{"GITHUB_API_URL": github.URL, "GITHUB_REPOSITORY": "acme/care", "GITHUB_TOKEN": "right"} {
		t.Setenv(name, value)
	}
	folder, ran := t.TempDir(), 0
	for _, b := range allBlocks(t) {
		if b.language != "sh" || b.session {
			continue
		}
		for line := range strings.Lines(b.text) {
			if !strings.HasPrefix(line, "carepath ") {
				continue // of other programs, with values that are the reader's
			}
			if l.outputs["fhirEndpoint"] == "" && (strings.HasPrefix(line, "carepath fhir ") || strings.HasPrefix(line, "carepath changes ")) {
				t.Logf("skipped, because the local stack has no FHIR data store by default: %s", line)
				continue
			}
			ran++
			command := l.here(strings.TrimSpace(line), folder)
			cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", command)
			cmd.Dir = "../.."
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", b, command, err, out)
			}
		}
	}
	if ran < 10 {
		t.Errorf("%d commands ran", ran)
	}
}
