package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

// TestScripts runs testdata/*.txtar, each in a folder of its own with a port of its own. Beside testscript's commands they have
//
//	exits CODE PROGRAM ARGS...  runs the program, which must end with the code
//	onejson                     the last standard output must be exactly one JSON document
//	keep NAME                   keeps the last standard output in the environment
//	call SERVICE FORM           calls an API of the embedded AWS that speaks the Query protocol
//	fault JSON                  asks for a fault; without JSON the faults are removed
func TestScripts(t *testing.T) {
	cache := os.Getenv("CAREPATH_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "carepath")
	}
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	goEnv, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	caches := strings.Fields(string(goEnv))
	if err != nil || len(caches) != 2 {
		t.Fatalf("go env: %s, %v", goEnv, err)
	}
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	github := httptest.NewServer(http.HandlerFunc(fakeGitHub))
	t.Cleanup(github.Close)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			port, err := freePort()
			if err != nil {
				return err
			}
			env.Setenv("CAREPATH_PORT", port)
			env.Setenv("CAREPATH_HOME", env.WorkDir+"/home")
			env.Setenv(asProgram, "1")
			env.Setenv("CAREPATH_PULUMI", os.Getenv("CAREPATH_PULUMI"))
			env.Setenv("CAREPATH_CACHE", cache)
			env.Setenv("FAKE_GITHUB", github.URL)
			env.Setenv("REPOSITORY", repository)
			env.Setenv("MACHINE", machine)
			env.Setenv("CACHE_OF_GO", caches[0]) // scripts have a home of their own
			env.Setenv("MODULES_OF_GO", caches[1])
			env.Defer(func() { // a script that failed may have left it running
				stop := exec.Command("carepath", "local", "stop")
				stop.Dir, stop.Env = env.WorkDir, env.Vars
				_ = stop.Run() // most scripts have no project there and start nothing
			})
			return nil
		},
		Condition: func(name string) (bool, error) { // [engine]: there is a Pulumi CLI that needs not be built first
			if name != "engine" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			_, err := exec.LookPath("pulumi")
			built, _ := filepath.Glob(filepath.Join(cache, "pulumi-*", "bin", "pulumi"))
			return err == nil || os.Getenv("CAREPATH_PULUMI") != "" || len(built) > 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "onejson": oneJSON, "keep": keep, "call": call, "fault": fault},
	})
}

// fakeGitHub is GitHub's REST API with a pull request acme/care#12 without comments, for the token "right".
func fakeGitHub(w http.ResponseWriter, r *http.Request) {
	status, body := http.StatusNotFound, `{"message":"Not Found"}`
	switch {
	case r.Header.Get("Authorization") != "Bearer right":
		status, body = http.StatusUnauthorized, `{"message":"Bad credentials"}`
	case r.URL.Path != "/repos/acme/care/issues/12/comments":
	case r.Method == http.MethodGet:
		status, body = http.StatusOK, "[]"
	case r.Method == http.MethodPost:
		status, body = http.StatusCreated, `{"html_url":"https://github.com/acme/care/pull/12#one"}`
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func oneJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: onejson")
	}
	text := ts.ReadFile("stdout")
	decoder := json.NewDecoder(strings.NewReader(text))
	var document any
	ts.Check(decoder.Decode(&document))
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		ts.Fatalf("more than one JSON document: %s", text)
	}
}

func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keep NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

func call(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: call SERVICE FORM")
	}
	ask(ts, http.MethodPost, "/", args[1], http.Header{"Content-Type": {"application/x-www-form-urlencoded"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/" + args[0] + "/aws4_request, SignedHeaders=host, Signature=0"}})
}

func fault(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case neg || len(args) > 1:
		ts.Fatalf("usage: fault [JSON]")
	case len(args) == 0:
		ask(ts, http.MethodDelete, "/_carepath/faults", "", nil)
	default:
		ask(ts, http.MethodPost, "/_carepath/faults", args[0], nil)
	}
}

// ask does a request to the script's embedded AWS, which must take it.
func ask(ts *testscript.TestScript, method, path, body string, header http.Header) {
	request, err := http.NewRequest(method, "http://127.0.0.1:"+ts.Getenv("CAREPATH_PORT")+path, strings.NewReader(body))
	ts.Check(err)
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(response.Body)
		ts.Fatalf("%s %s: %d %s", method, path, response.StatusCode, text)
	}
}

// eachCommand calls do with every command of the program.
func eachCommand(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, do)
	}
}

func TestEveryCommandHelps(t *testing.T) {
	root, _ := newRootCommand(&streams{})
	eachCommand(root, func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		help := carepath(t, exitDone, append(path, "--help")...)
		if c.Short == "" || !strings.Contains(help, "Usage:\n  "+c.CommandPath()) {
			t.Errorf("%s --help does not help:\n%s", c.CommandPath(), help)
		}
		if c.Name() == "help" { // it has a flag for nothing else
			return
		}
		var document struct{ Command, Help string }
		if text := carepath(t, exitDone, append(path, "--help", "--json")...); json.Unmarshal([]byte(text), &document) != nil || document.Command != c.CommandPath() {
			t.Errorf("%s --help --json prints %s", c.CommandPath(), text)
		}
	})
}
