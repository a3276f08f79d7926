package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
)

// PreviewOptions say what a Preview keeps.
type PreviewOptions struct {
	// Out is the file that the plan is written to, for UpOptions.Plan; empty for none. It holds the resources' properties, secrets
	// encrypted as in the state.
	Out string
}

// Preview says what Up would do. Resources that Up would refuse to lose are in the result's Dangers, and no error; but there is no
// plan for what would delete protected resources. What is against the policies is in its Policies, and no error either unless a plan
// is asked for.
func (s *Stack) Preview(ctx context.Context, o PreviewOptions) (*Result, error) {
	doing := "previewing the stack " + s.name
	options := []optpreview.Option{optpreview.SuppressProgress()}
	plan := plan{Format: planFormat, Stack: s.name}
	var file string
	if err := againstPolicies("planning the stack "+s.name, s.name, s.policies); err != nil && o.Out != "" {
		return nil, err
	}
	deployed, err := s.state(ctx)
	if err != nil {
		return nil, err
	}
	if o.Out != "" {
		plan.State = deployed.fingerprint()
		if file, err = temporaryFile(nil); err != nil {
			return nil, err
		}
		defer os.Remove(file)
		options = append(options, optpreview.Plan(file))
	}
	result, err := s.run(ctx, doing, func(ch chan<- events.EngineEvent) error {
		_, err := s.stack.Preview(ctx, append(options, optpreview.EventStreams(ch))...)
		return err
	})
	result.Dangers, result.Policies = findings(result.steps, s.production), s.policies
	protection := err != nil && ctx.Err() == nil && result.onlyProtection()
	if err == nil || protection {
		var priced error
		if result.Cost, priced = s.difference(deployed, result); priced != nil {
			return result, priced
		}
	}
	switch {
	case protection && o.Out != "":
		return result, refused(doing, result.Dangers, Allowed{})
	case protection:
		return result, nil
	case err != nil || o.Out == "":
		return result, err
	}
	if plan.Plan, err = os.ReadFile(file); err == nil {
		plan.Plan, err = withoutUnknownReferences(plan.Plan)
	}
	if err != nil {
		return result, fmt.Errorf("reading the engine's plan: %w", err)
	}
	plan.Made = time.Now().UTC().Truncate(time.Second)
	text, err := json.Marshal(plan)
	if err != nil {
		return result, fmt.Errorf("writing the plan: %w", err)
	}
	if err := os.WriteFile(o.Out, text, 0o600); err != nil {
		return result, fmt.Errorf("writing the plan: %w", err)
	}
	return result, nil
}

// What the engine writes for a reference to a resource, and for what is not known yet.
const (
	signature         = "4dabf18193072939515e22adb298388d"
	referenceOf       = "5cf8f73096256a8f31e491e813e4eb8e"
	unknownProperties = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
)

// withoutUnknownReferences says of references to resources that are not made yet that they are unknown, as the engine does of all
// else. It writes them as if they had no id, and then holds a component that returns one, such as awsx's trail, to that.
func withoutUnknownReferences(text []byte) ([]byte, error) {
	var plan any
	if err := decodeNumbers(text, &plan); err != nil {
		return nil, err
	}
	return json.Marshal(known(plan))
}

func known(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v[signature] == referenceOf && v["id"] == "" {
			return unknownProperties
		}
		for key, value := range v {
			v[key] = known(value)
		}
	case []any:
		for i, value := range v {
			v[i] = known(value)
		}
	}
	return v
}

// onlyProtection reports whether a preview failed because resources are protected, and for nothing else.
func (r *Result) onlyProtection() bool {
	if !slices.ContainsFunc(r.Dangers, func(f Finding) bool { return f.Protected }) {
		return false
	}
	for _, m := range r.Messages {
		if m.Severity == "error" && !strings.Contains(m.Text, "marked for protection") && !strings.Contains(m.Text, "because it is protected") && m.Text != "preview failed" {
			return false
		}
	}
	return true
}

// plan is the file of a preview: the engine's plan and what it was made for.
type plan struct {
	Format int             `json:"format"`
	Stack  string          `json:"stack"`
	Made   time.Time       `json:"made"`
	State  string          `json:"state"` // the state's fingerprint
	Plan   json.RawMessage `json:"plan"`
}

const planFormat = 1

// usePlan checks the file of a preview and returns one with the engine's plan, for the caller to remove.
func (s *Stack) usePlan(ctx context.Context, file string) (string, error) {
	again := fmt.Sprintf("make a new one: carepath preview --stack %s --out %s", s.name, file)
	text, err := os.ReadFile(file)
	if err != nil {
		return "", &Error{Code: CodeUsage, Message: "reading the plan: " + err.Error(), Hint: again, Err: err}
	}
	var p plan
	if err := json.Unmarshal(text, &p); err != nil || p.Format != planFormat {
		return "", &Error{Code: CodeUsage, Message: file + " is not a plan of this version of carepath preview --out", Hint: again, Err: err}
	}
	if p.Stack != s.name {
		return "", &Error{Code: CodeUsage, Message: fmt.Sprintf("the plan in %s is for the stack %s, not for %s", file, p.Stack, s.name), Hint: again}
	}
	state, err := s.state(ctx)
	if err != nil {
		return "", err
	}
	if state.fingerprint() != p.State {
		return "", &Error{Code: CodeStale, Message: fmt.Sprintf("the plan of %s is stale, nothing was changed: the stack %s has changed since", p.Made.Format(time.RFC3339), s.name), Hint: again}
	}
	return temporaryFile(p.Plan)
}

// fingerprint changes with whatever an operation changes.
func (s *state) fingerprint() string {
	hash := sha256.New()
	for _, r := range s.Resources {
		var modified time.Time
		if r.Modified != nil {
			modified = *r.Modified
		}
		fmt.Fprintln(hash, r.URN, r.ID, modified.UnixNano(), r.Delete, r.Protect, r.Parent, r.Dependencies)
	}
	for _, op := range s.PendingOperations {
		fmt.Fprintln(hash, op.Type, op.Resource.URN)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// violations are what the engine says when the program wants something else than its plan.
var violations = regexp.MustCompile("violates plan|not allowed by the plan|expected resource operations for .* but none were seen")

// stale is the error for a plan that the program or the configuration has left behind.
func (s *Stack) stale(file string, err error) error {
	return &Error{Code: CodeStale, Message: fmt.Sprintf("the plan is stale: the program or the configuration of the stack %s has changed since\n%s", s.name, engineMessage(err)),
		Hint: fmt.Sprintf("make a new one: carepath preview --stack %s --out %s", s.name, file), Err: err}
}

// temporaryFile makes a file that nobody else can read.
func temporaryFile(text []byte) (string, error) {
	file, err := os.CreateTemp("", "carepath-plan-*.json")
	if err != nil {
		return "", fmt.Errorf("making a temporary file: %w", err)
	}
	_, err = file.Write(text)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return "", fmt.Errorf("writing a temporary file: %w", err)
	}
	return file.Name(), nil
}
