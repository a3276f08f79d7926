package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// backend is the folder of the local stack's state.
func (p *Project) backend() string { return filepath.Join(p.Home, "pulumi") }

// localState is where Pulumi keeps the local stack's state.
func (p *Project) localState() string {
	return filepath.Join(p.backend(), ".pulumi", "stacks", "carepath", LocalStack+".json")
}

// locks are the holders of the local stack's lock. Of other stacks only a failing operation tells them.
func (s *Stack) locks() ([]holder, error) {
	if s.name != LocalStack {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(s.project.backend(), ".pulumi", "locks", "*", "carepath", LocalStack, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []holder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // released in the meantime
		}
		var lock struct {
			PID       int
			Hostname  string
			Timestamp time.Time
		}
		if err == nil {
			err = json.Unmarshal(text, &lock)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the lock %s: %w", file, err)
		}
		all = append(all, holder{host: lock.Hostname, pid: lock.PID, since: lock.Timestamp.Format(time.RFC3339)})
	}
	return all, nil
}

// state is what Pulumi knows of a stack.
type state struct{ apitype.DeploymentV3 }

// state reads the local stack's from its file, which takes no process, and asks the backend for others.
func (s *Stack) state(ctx context.Context) (*state, error) {
	doing := "reading the state of the stack " + s.name
	var all state
	if s.name == LocalStack {
		text, err := os.ReadFile(s.project.localState())
		if errors.Is(err, os.ErrNotExist) {
			return &all, nil
		}
		var checkpoint struct {
			Checkpoint struct{ Latest *apitype.DeploymentV3 }
		}
		if err == nil {
			err = json.Unmarshal(text, &checkpoint)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		if checkpoint.Checkpoint.Latest != nil {
			all.DeploymentV3 = *checkpoint.Checkpoint.Latest
		}
		return &all, nil
	}
	exported, err := s.stack.Export(ctx)
	if err != nil {
		return nil, s.failure(ctx, doing, err)
	}
	if len(exported.Deployment) == 0 {
		return &all, nil
	}
	if err := json.Unmarshal(exported.Deployment, &all.DeploymentV3); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return &all, nil
}

// creations are the resources whose creation was cut off: they may exist or not.
func (s *state) creations() []apitype.ResourceV3 {
	var all []apitype.ResourceV3
	for _, op := range s.PendingOperations {
		if op.Type == apitype.OperationTypeCreating && op.Resource.Custom {
			all = append(all, op.Resource)
		}
	}
	return all
}

// knows reports whether a resource is in the state.
func (s *state) knows(urn resource.URN, id string) bool {
	return slices.ContainsFunc(s.Resources, func(r apitype.ResourceV3) bool { return r.URN == urn && string(r.ID) == id })
}

// settle makes sure that nothing is made twice which an operation that was cut off had begun to make: on the local stack, the
// embedded AWS knows what it made, and that is taken into the state. On AWS a person must look.
func (s *Stack) settle(ctx context.Context) error {
	state, err := s.state(ctx)
	if err != nil {
		return err
	}
	pending := state.creations()
	if len(pending) == 0 {
		return nil
	}
	locks, err := s.locks()
	if err != nil {
		return err
	}
	if len(locks) > 0 {
		return nil // the operation will say so, and this is called again when the lock is released
	}
	if s.name != LocalStack {
		return s.unsettled(pending)
	}
	made, err := s.project.creations(ctx)
	if err != nil {
		return err
	}
	found := map[string]string{}
	for _, r := range pending {
		id := ""
		for _, c := range made {
			if c.URN == string(r.URN) && !state.knows(r.URN, c.ID) {
				id = c.ID // the latest
			}
		}
		if id == "" {
			s.observer.report("the creation of " + string(r.URN) + " was cut off before it began: it is made now")
			continue
		}
		s.observer.report("the creation of " + string(r.URN) + " was cut off when it was done: it is taken over, " + id)
		found[string(r.URN)] = id
	}
	if err := s.adopt(ctx, found); err != nil {
		return err
	}
	_, err = s.refresh(ctx, "settling what was cut off on the stack "+s.name)
	return err
}

// RefreshOptions say what becomes of creations that were cut off.
type RefreshOptions struct {
	// Adopt takes resources into the state, "URN=ID" each, whose creation was cut off when they were made. The other creations that
	// were cut off are forgotten.
	Adopt []string
	// Forget forgets all of them.
	Forget bool
}

// Refresh brings the stack's state up to date with what is deployed.
func (s *Stack) Refresh(ctx context.Context, o RefreshOptions) (*Result, error) {
	adopted := map[string]string{}
	for _, pair := range o.Adopt {
		urn, id, ok := strings.Cut(pair, "=")
		if !ok || !strings.HasPrefix(urn, "urn:pulumi:") || id == "" {
			return nil, &Error{Code: CodeUsage, Message: fmt.Sprintf("%q is no URN=ID", pair), Hint: "give the URN as it was printed, and the id as pulumi import takes it"}
		}
		adopted[urn] = id
	}
	settles := o.Forget || len(adopted) > 0
	return s.exclusively(ctx, settles, func() (*Result, error) {
		if settles {
			if err := s.adopt(ctx, adopted); err != nil {
				return nil, err
			}
		}
		return s.refresh(ctx, "refreshing the stack "+s.name)
	})
}

func (s *Stack) refresh(ctx context.Context, doing string) (*Result, error) {
	return s.run(ctx, doing, func(ch chan<- events.EngineEvent) error {
		_, err := s.stack.Refresh(ctx, optrefresh.EventStreams(ch), optrefresh.SuppressProgress())
		return err
	})
}

// adopt puts resources into the state, by URN with their ids, whose creation was cut off when they were made, and takes all
// creations that were cut off out of it. What they are like, a refresh finds out. (The CLI's own --import-pending-creates only takes
// them out.)
func (s *Stack) adopt(ctx context.Context, ids map[string]string) error {
	doing := "settling what was cut off on the stack " + s.name
	exported, err := s.stack.Export(ctx)
	if err != nil {
		return s.failure(ctx, doing, err)
	}
	if exported.Deployment, err = adopted(exported.Deployment, ids); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := s.stack.Import(ctx, exported); err != nil {
		return s.failure(ctx, doing, err)
	}
	return nil
}

// adopted edits a deployment as adopt says. What it does not know it leaves as it is.
func adopted(text []byte, ids map[string]string) ([]byte, error) {
	var deployment map[string]json.RawMessage
	var resources []map[string]any
	var operations []struct {
		Type     apitype.OperationType `json:"type"`
		Resource map[string]any        `json:"resource"`
	}
	err := json.Unmarshal(text, &deployment)
	if err == nil && deployment["resources"] != nil {
		err = decodeNumbers(deployment["resources"], &resources)
	}
	if err == nil && deployment["pending_operations"] != nil {
		err = decodeNumbers(deployment["pending_operations"], &operations)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	kept := operations[:0]
	for _, op := range operations {
		if op.Type != apitype.OperationTypeCreating {
			kept = append(kept, op)
			continue
		}
		urn, _ := op.Resource["urn"].(string)
		id := ids[urn]
		if id == "" {
			continue
		}
		op.Resource["id"] = id
		at := slices.IndexFunc(resources, func(r map[string]any) bool { return r["urn"] == urn && r["delete"] != true })
		if at < 0 {
			at = len(resources)
		} else {
			resources[at]["delete"] = true // it was to be replaced: the engine deletes it when all else is done
		}
		resources = slices.Insert(resources, at, op.Resource)
	}
	for name, v := range map[string]any{"resources": resources, "pending_operations": kept} {
		if deployment[name], err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("writing the state: %w", err)
		}
	}
	return json.Marshal(deployment)
}

// decodeNumbers keeps the digits of numbers.
func decodeNumbers(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}

// unsettled is the error for creations that nobody here can settle.
func (s *Stack) unsettled(pending []apitype.ResourceV3) error {
	var message strings.Builder
	fmt.Fprintf(&message, "an operation on the stack %s was cut off while it created resources. They may exist, and would be made twice:", s.name)
	for _, r := range pending {
		fmt.Fprintf(&message, "\n  %s %s", r.Type, r.URN)
		if name, ok := r.Inputs["name"].(string); ok {
			message.WriteString(", named " + name)
		}
	}
	return &Error{Code: CodeRefused, Message: message.String(),
		Hint: fmt.Sprintf("look for each in the account, then carepath refresh --stack %[1]s --adopt 'URN=ID' for those that exist; carepath refresh --stack %[1]s --forget if none does", s.name)}
}

// creation is a resource that the embedded AWS has made and not deleted since.
type creation struct{ URN, ID string }

// creations are what the embedded AWS made for Pulumi, in that order, and has not deleted since.
func (p *Project) creations(ctx context.Context) ([]creation, error) {
	const doing = "asking the embedded AWS what it made"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/_carepath/creations", p.Port), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer response.Body.Close()
	var made struct{ Creations []creation }
	if err := json.NewDecoder(response.Body).Decode(&made); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return made.Creations, nil
}
