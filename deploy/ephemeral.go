package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/carepath/carepath/platform"
	"gopkg.in/yaml.v3"
)

// profile is the name of the file that all ephemeral stacks have in common: Pulumi.pr.yaml. It is no stack.
const profile = platform.EphemeralEnvironment

// ephemeralStack are the names of ephemeral stacks: one for each pull request.
var ephemeralStack = regexp.MustCompile(`^` + profile + `-[1-9][0-9]{0,6}$`)

// madeFromProfile is the first line of the files that Pulumi reads for ephemeral stacks.
const madeFromProfile = "# Made from Pulumi." + profile + ".yaml by carepath for one stack. Not to be edited or kept.\n"

// Ephemeral reports whether a name is that of a stack of the profile, such as "pr-123".
func Ephemeral(stack string) bool { return ephemeralStack.MatchString(stack) }

// file is where a stack's configuration is: an ephemeral one has the profile's.
func (p *Project) file(stack string) string {
	if Ephemeral(stack) {
		stack = profile
	}
	return filepath.Join(p.Root, "Pulumi."+stack+".yaml")
}

// text reads a stack's configuration. In the profile's, "${stack}" stands for the stack's name.
func (p *Project) text(stack string) ([]byte, error) {
	text, err := os.ReadFile(p.file(stack))
	if err == nil && Ephemeral(stack) {
		text = bytes.ReplaceAll(text, []byte("${stack}"), []byte(stack))
	}
	return text, err
}

// noStack is the error for a name that has no file.
func (p *Project) noStack(stack string, err error) error {
	if Ephemeral(stack) {
		return &Error{Code: CodeUsage, Message: fmt.Sprintf("there is no stack %q: Pulumi.%s.yaml, the profile of such stacks, does not exist", stack, profile), Hint: "write one: docs/deploy.md shows how", Err: err}
	}
	if strings.HasPrefix(stack, profile+"-") {
		return &Error{Code: CodeUsage, Message: fmt.Sprintf("there is no stack %q: the stacks of the profile are %s-<number of a pull request>", stack, profile), Hint: "carepath up --stack " + profile + "-123", Err: err}
	}
	names, _ := p.Stacks() // an unreadable folder only shortens the hint
	return &Error{Code: CodeUsage, Message: fmt.Sprintf("there is no stack %q: Pulumi.%s.yaml does not exist", stack, stack), Hint: "the stacks are: " + strings.Join(names, ", "), Err: err}
}

// isStack refuses the profile: what it says can be looked at, but it is not deployed.
func isStack(name string) error {
	if name == profile {
		return &Error{Code: CodeUsage, Message: profile + " is the profile of ephemeral stacks, and no stack", Hint: "name one of its stacks: --stack " + profile + "-123"}
	}
	return nil
}

// materialise writes the file that Pulumi reads for an ephemeral stack. What Pulumi has put into an earlier one, which its secrets are
// encrypted with, stays.
func (p *Project) materialise(stack string) error {
	if !Ephemeral(stack) {
		return nil
	}
	text, err := p.text(stack)
	if err != nil {
		return p.noStack(stack, err)
	}
	file := p.materialised(stack)
	if earlier, err := os.ReadFile(file); err == nil {
		if !bytes.HasPrefix(earlier, []byte(madeFromProfile)) {
			return &Error{Code: CodeUsage, Message: file + " is there: stacks of the profile have no file of their own", Hint: "delete it, or give the stack another name"}
		}
		var kept, now map[string]any
		if err := errors.Join(yaml.Unmarshal(earlier, &kept), yaml.Unmarshal(text, &now)); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		for _, name := range []string{"secretsprovider", "encryptedkey", "encryptionsalt"} {
			value, had := kept[name]
			if _, has := now[name]; !had || has {
				continue
			}
			line, err := yaml.Marshal(map[string]any{name: value})
			if err != nil {
				return fmt.Errorf("writing %s: %w", file, err)
			}
			text = append(append(bytes.TrimRight(text, "\n"), '\n'), line...)
		}
	}
	if err := os.WriteFile(file, append([]byte(madeFromProfile), text...), 0o600); err != nil {
		return fmt.Errorf("writing the configuration of the stack %s: %w", stack, err)
	}
	return nil
}

// materialised is the file that Pulumi reads for a stack.
func (p *Project) materialised(stack string) string {
	return filepath.Join(p.Root, "Pulumi."+stack+".yaml")
}

// forget takes an ephemeral stack that has no resources any more out of the backend, with its file.
func (s *Stack) forget(ctx context.Context) error {
	if err := s.command(ctx, "forgetting the stack "+s.name, "stack", "rm", "--yes", "--preserve-config"); err != nil {
		return err
	}
	if err := os.Remove(s.project.materialised(s.name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the configuration of the stack %s: %w", s.name, err)
	}
	return nil
}

// ephemeralStacks are those in the backend: they have no file to know them by.
func (p *Project) ephemeralStacks(ctx context.Context, o Options) ([]string, error) {
	if _, err := os.Stat(filepath.Join(p.Root, "Pulumi."+profile+".yaml")); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	cli, err := p.findEngine(ctx, o.Observer.report)
	if err != nil {
		return nil, err
	}
	stdout, stderr, _, err := cli.Run(ctx, p.Root, nil, nil, nil, []string{"PULUMI_SKIP_UPDATE_CHECK=true"}, "stack", "ls", "--json")
	if err != nil {
		return nil, failureOf(ctx, profile+"-*", "listing the stacks", errors.Join(errors.New(stderr), err))
	}
	return ephemeralNames(stdout)
}

// ephemeralNames reads what the CLI lists.
func ephemeralNames(text string) ([]string, error) {
	var listed []struct{ Name string }
	if err := json.Unmarshal([]byte(text), &listed); err != nil {
		return nil, fmt.Errorf("reading the list of stacks: %w", err)
	}
	var names []string
	for _, s := range listed {
		if name := s.Name[strings.LastIndex(s.Name, "/")+1:]; Ephemeral(name) { // some backends put the organization before it
			names = append(names, name)
		}
	}
	return names, nil
}
