package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
	"github.com/carepath/carepath/platform"
	"github.com/carepath/carepath/platform/bootstrap"
	"gopkg.in/yaml.v3"
)

// block is a fenced code block of a Markdown file. The first word after the fence is its language, which decides how it is
// checked:
//
//	go    compiles: a file, or statements in which names that stand for the reader's own variables may be undefined;
//	      with a file's name after it, it stands in that file
//	json  one or more JSON documents; one with StartAt is a state machine
//	yaml  YAML; one with config is a stack's file, and what every stack must have may be left out
//	asl   a state machine
//	vtl   a mapping template
//	sh    every carepath command in it exists, with its flags; "sh session" is run on a deployed local stack
//	text  is not checked, but right after a session it is what the session prints: … stands for anything
type block struct {
	file     string
	line     int
	language string
	session  bool
	source   string // the file that it is quoted from; "" if it is not
	text     string
	prints   string // of a session
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// documents returns the README and everything below docs/, with the README last: it ends with a destroy.
func documents(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir("../../docs", func(file string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(file, ".md") {
			files = append(files, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(files, "../../README.md")
}

// blocks returns the blocks of a Markdown file and its text without them.
func blocks(file, text string) (found []block, prose string, err error) {
	var b *block
	var out strings.Builder
	adjacent := false // nothing but blank lines since the last block
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "```") && b == nil:
			info := strings.Fields(strings.TrimPrefix(trimmed, "```"))
			b = &block{file: file, line: i + 1}
			if len(info) > 0 {
				b.language = info[0]
			}
			b.session = slices.Equal(info, []string{"sh", "session"})
			if len(info) == 2 && b.language == "go" {
				b.source = info[1]
			} else if len(info) > 1 && !b.session {
				return nil, "", fmt.Errorf("%s: the words %q mean nothing", b, info[1:])
			}
		case trimmed == "```":
			if last := len(found) - 1; adjacent && b.language == "text" && found[last].session {
				found[last].prints = b.text
			}
			found, b, adjacent = append(found, *b), nil, true
		case b != nil:
			b.text += line + "\n"
		default:
			out.WriteString(line + "\n")
			adjacent = adjacent && trimmed == ""
		}
	}
	if b != nil {
		return nil, "", fmt.Errorf("%s: the block does not end", b)
	}
	return found, out.String(), nil
}

func allBlocks(t *testing.T) []block {
	t.Helper()
	var all []block
	for _, file := range documents(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found, _, err := blocks(file, string(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

func TestDocumentsAreTrue(t *testing.T) {
	for _, file := range documents(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found, prose, err := blocks(file, string(text))
		if err != nil {
			t.Error(err)
		}
		for _, b := range found {
			if err := b.check(t); err != nil {
				t.Errorf("%s: %v", b, err)
			}
		}
		for _, m := range inlineCommand.FindAllStringSubmatch(prose, -1) {
			if strings.ContainsAny(m[1], "<[…") { // a pattern, no command
				continue
			}
			if err := checkCommand(m[1], false); err != nil {
				t.Errorf("%s: `carepath%s`: %v", file, m[1], err)
			}
		}
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s: the link %s leads nowhere", file, m[1])
			}
		}
	}
}

var (
	inlineCommand = regexp.MustCompile("`carepath( [^`]*)`")
	link          = regexp.MustCompile(`\]\(([^):#]+)[^):]*\)`)
	shellCommand  = regexp.MustCompile(`(?m)(?:^|[;&|(]) *(?:[A-Z_]+=\S* +)*(?:carepath|go run \./cmd/carepath)\b([^\n;&|)>#]*)`)
)

func (b block) check(t *testing.T) error {
	switch b.language {
	case "go":
		if b.source != "" {
			return checkQuoted(b.source, b.text)
		}
		return checkGo(t, b.text)
	case "json":
		return checkJSON(b.text)
	case "yaml":
		return checkYAML(b.text)
	case "asl":
		return checkASL([]byte(b.text))
	case "vtl":
		_, err := vtl.Compile(b.text)
		return err
	case "sh":
		for _, m := range shellCommand.FindAllStringSubmatch(b.text, -1) {
			if err := checkCommand(m[1], true); err != nil {
				return fmt.Errorf("carepath%s: %w", m[1], err)
			}
		}
		return nil
	case "text":
		return nil
	}
	return fmt.Errorf("no check for blocks in %q: use go, json, yaml, asl, vtl, sh or text", b.language)
}

// checkQuoted looks for lines in a file of the tree, however deep they are indented there.
func checkQuoted(file, text string) error {
	whole, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(file)))
	if err != nil {
		return err
	}
	lines := func(text string) string {
		var trimmed strings.Builder
		for line := range strings.Lines(text) {
			trimmed.WriteString("\n" + strings.TrimSpace(line))
		}
		return trimmed.String() + "\n"
	}
	if !strings.Contains(lines(string(whole)), lines(text)) {
		return fmt.Errorf("%s does not have these lines", file)
	}
	return nil
}

func checkASL(definition []byte) error {
	for _, f := range asl.Lint(definition, asl.Options{}) {
		return fmt.Errorf("invalid state machine: line %d: %s", f.Line, f.Message)
	}
	return nil
}

// checkCommand finds the command and its flags among those that the program has. A command that is only mentioned, and not
// complete, may lack its arguments.
func checkCommand(line string, complete bool) error {
	root, _ := newRootCommand(&streams{})
	args := strings.Fields(strings.ReplaceAll(line, `"`, ""))
	args = slices.DeleteFunc(args, func(arg string) bool { return arg == "--help" }) // every command has it
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if !complete && cmd.Flags().NArg() == 0 {
		return nil
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

func checkJSON(text string) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	for n := 0; ; n++ {
		var document json.RawMessage
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		value, err := jsonvalue.Parse(document)
		if err != nil {
			return err
		}
		if object, ok := value.(*jsonvalue.Object); ok {
			if _, ok := object.Get("StartAt"); ok {
				if err := checkASL(document); err != nil {
					return err
				}
			}
		}
	}
}

func checkYAML(text string) error {
	var document any
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return err
	}
	if top, ok := document.(map[string]any); !ok || top["config"] == nil {
		return nil
	}
	file, err := platform.ParseStackFile([]byte(text))
	if err != nil {
		return err
	}
	if account, ok := file.Values[bootstrap.AccountKey]; ok {
		_, err := bootstrap.ParseConfig(account)
		return err
	}
	file.Imports = true // the rest of the file may have what every stack must have
	_, err = file.Check()
	return err
}

var (
	qualifier = regexp.MustCompile(`\b([a-z][a-z0-9]*)\.[A-Z]`)
	// harmless are what the compiler says of statements without what is around them.
	harmless = regexp.MustCompile(`undefined: [A-Za-z_][A-Za-z0-9_]*$|declared and not used: |too many errors`)
)

// checkGo compiles a file, or statements.
func checkGo(t *testing.T, text string) error {
	statements := !regexp.MustCompile(`(?m)^package `).MatchString(text)
	if statements {
		var imports strings.Builder
		seen := map[string]bool{}
		for _, m := range qualifier.FindAllStringSubmatch(text, -1) {
			if path := importPath(m[1]); path != "" && !seen[path] {
				seen[path] = true
				fmt.Fprintf(&imports, "import %q\n", path)
			}
		}
		text = "package main\n" + imports.String() + "func main() {\n" + text + "\n}\n"
	}
	folder := t.TempDir()
	source, overlay := filepath.Join(folder, "main.go"), filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		return err
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	replace := jsonvalue.Text(jsonvalue.NewObject(jsonvalue.Member{Name: "Replace", Value: jsonvalue.NewObject(
		jsonvalue.Member{Name: filepath.Join(root, "docs", "block", "main.go"), Value: source})}))
	if err := os.WriteFile(overlay, []byte(replace), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-gcflags=-e", "-o", os.DevNull, "./docs/block")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	var problems []error
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && (!statements || !harmless.MatchString(line)) {
			problems = append(problems, errors.New(line))
		}
	}
	return errors.Join(problems...)
}

// importPath is the package of this module, or of Pulumi, that goes by a name; "" for a variable.
func importPath(name string) string {
	if name == "pulumi" {
		return "github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	}
	for _, layer := range []string{"", "components", "lang", "localcloud"} {
		if found, _ := filepath.Glob(filepath.Join("../..", layer, name, "*.go")); len(found) > 0 {
			return "github.com/carepath/carepath/" + filepath.ToSlash(filepath.Join(layer, name))
		}
	}
	return ""
}

func TestWhatDocumentsAreRefusedFor(t *testing.T) {
	for _, test := range []struct{ language, text, want string }{
		{"", "x", "no check for blocks"},
		{"python", "x", `no check for blocks in "python"`},
		{"json", `{"a":}`, "invalid character"},
		{"json", "", "EOF"},
		{"json", `{"StartAt":"A","States":{}}`, "invalid state machine"},
		{"yaml", "a: [", "yaml"},
		{"yaml", "config:\n  carepath:intkae: {}\n", "carepath:intkae"},
		{"yaml", "config:\n  carepath-bootstrap:account: {environment: dev}\n", "environment"},
		{"asl", `{}`, "invalid state machine"},
		{"vtl", "#if($a)", "end"},
		{"sh", "carepath upp", `unknown command "upp"`},
		{"sh", "go run ./cmd/carepath up --yess", "unknown flag: --yess"},
		{"sh", `curl "$(carepath output intakeUrl)"`, `unknown command "output"`},
		{"sh", "A=b carepath redrive users && true", "redrive"},
		{"go", "package main\n\nfunc main() { missing() }\n", "undefined: missing"},
		{"go", "x := restapi.Route{\n", "syntax error"},
		{"go", "x := &restapi.APIArgs{NoSuchField: 1}\n", "NoSuchField"},
	} {
		err := block{language: test.language, text: test.text}.check(t)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %q: got %v, want an error with %q", test.language, test.text, err, test.want)
		}
	}
	if err := (block{language: "go", source: "main.go", text: "func main() { pulumi.Run(platform.Destroy) }\n"}).check(t); err == nil || !strings.Contains(err.Error(), "main.go does not have these lines") {
		t.Errorf("a quotation of what is not there: %v", err)
	}
	for _, b := range []block{
		{language: "go", source: "main.go", text: "func main() { pulumi.Run(platform.Deploy) }\n"},
		{language: "sh", text: "carepath up --stack dev --yes # again\ncurl -d '{}' \"$(carepath outputs intakeUrl)\" | cat\nls carepath\n"},
		{language: "yaml", text: "config:\n  carepath:platform:\n    logRetentionDays: 7\n"},
		{language: "json", text: "{}\n[1]\n"},
		{language: "go", text: "route := restapi.Throttle{Burst: pulumi.Int(mine)}\n"},
	} {
		if err := b.check(t); err != nil {
			t.Errorf("%s: %v", b.text, err)
		}
	}
}

// runSessions runs the sessions of all documents on the deployed local stack. The last one destroys it.
func (l *local) runSessions(t *testing.T) {
	ran := 0
	for _, b := range allBlocks(t) {
		if !b.session {
			continue
		}
		ran++
		t.Run(filepath.Base(b.file)+fmt.Sprint(" line ", b.line), func(t *testing.T) { b.run(t) })
	}
	if ran == 0 {
		t.Error("no document has a session")
	}
}

func (b block) run(t *testing.T) {
	script := strings.Builder{}
	for line := range strings.Lines(strings.ReplaceAll(b.text, "go run ./cmd/carepath", "carepath")) {
		if missing := missingProgram(line); missing != "" {
			t.Logf("skipped, because %s is not on PATH: %s", missing, line)
			continue
		}
		script.WriteString(line)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script.String())
	cmd.Dir = "../.."
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s%s", b, err, b.text, stdout.String(), stderr.String())
	}
	got := strings.ReplaceAll(stdout.String(), "\r", "")
	for line := range strings.Lines(b.prints) {
		want := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(line)), "…", ".*")
		at := regexp.MustCompile(`(?m)^` + want + `$`).FindStringIndex(got)
		if at == nil {
			t.Fatalf("%s: the session does not print %s\nbut\n%s", b, line, stdout.String())
		}
		got = got[at[1]:]
	}
}

// missingProgram names what a line of a session needs and the machine may not have. Pulumi's own CLI needs its plugin for Go.
func missingProgram(line string) string {
	needed := map[string][]string{"aws": {"aws"}, "curl": {"curl"}, "pulumi": {"pulumi", "pulumi-language-go"}}
	words := strings.Fields(line)
	if len(words) == 0 {
		return ""
	}
	for _, program := range needed[words[0]] {
		if _, err := exec.LookPath(program); err != nil {
			return program
		}
	}
	return ""
}
