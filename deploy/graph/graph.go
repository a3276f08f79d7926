// Package graph describes the resources that the program asks for, without an account: no call of AWS, no plugin, no engine and
// no build. What only AWS decides, such as an ARN, is shown by reference: "${sqs.Queue:intake-dead-letters.arn}". What cannot be
// told without live data is unknown.
package graph

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/carepath/carepath/platform"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Project is the name of the Pulumi project: the one in Pulumi.yaml.
const Project = "carepath"

// Graph is what a stack consists of.
type Graph struct {
	Stack       string
	Environment string
	Region      string
	AccountID   string
	// Resources are in the order of a tree: after each resource come its children, by type and name.
	Resources []*Resource
	// Assumptions say, a sentence each, what stands in for values that are not known without live data or the stack's secrets.
	Assumptions []string
}

// Resource is one resource that the program asks for.
type Resource struct {
	// Type is Pulumi's token, such as "aws:sqs/queue:Queue"; Name is the program's name for the resource.
	Type, Name string
	URN        string
	// Parent is the URN of the resource that this one belongs to; "" for one that only the stack holds.
	Parent string
	// Component says that the resource only holds others.
	Component bool
	// Existing says that the program looks the resource up and does not make it.
	Existing bool
	// Provider is the URN of the provider that makes the resource; "" for components and for the default provider.
	Provider string
	// Inputs are what the program gives: strings refer to other resources as "${service.Type:name.property}"; computed values
	// are unknown and secret ones are marked.
	Inputs  resource.PropertyMap
	Options Options
	// Children are in the order of Graph.Resources.
	Children []*Resource
}

// Options are a resource's Pulumi options.
type Options struct {
	Protect             bool     `json:"protect,omitempty"`
	RetainOnDelete      bool     `json:"retainOnDelete,omitempty"`
	DeleteBeforeReplace bool     `json:"deleteBeforeReplace,omitempty"`
	DependsOn           []string `json:"dependsOn,omitempty"` // URNs, sorted: of what the inputs refer to, too
	DeletedWith         string   `json:"deletedWith,omitempty"`
	IgnoreChanges       []string `json:"ignoreChanges,omitempty"`
	ReplaceOnChanges    []string `json:"replaceOnChanges,omitempty"`
	Aliases             []string `json:"aliases,omitempty"` // URNs, and "name" or "type" that it had
}

// Of runs the program for a stack with the configuration of its file and returns what it asks for. A configuration with problems
// is a *platform.ConfigError with all of them.
func Of(ctx context.Context, stack string, file *platform.StackFile) (*Graph, error) {
	return OfProgram(ctx, stack, file, platform.Deploy)
}

// OfProgram is Of for another program.
func OfProgram(ctx context.Context, stack string, file *platform.StackFile, program pulumi.RunFunc) (*Graph, error) {
	values, assumptions, err := file.Offline(stack)
	if err != nil {
		return nil, err
	}
	m := &monitor{
		graph: &Graph{
			Stack: stack, Assumptions: assumptions,
			Environment: values[platform.KeyEnvironment], Region: values[platform.KeyRegion], AccountID: values[platform.KeyAccountID],
		},
		symbols: map[string]string{},
	}
	run, err := pulumi.NewContext(platform.WithoutLiveData(ctx), pulumi.RunInfo{Project: Project, Stack: stack, Config: values, DryRun: true, Mocks: m})
	if err != nil {
		return nil, fmt.Errorf("describing the stack %s: %w", stack, err)
	}
	err = pulumi.RunWithContext(run, program)
	if closeErr := run.Close(); err == nil {
		err = closeErr
	}
	if invalid := (*platform.ConfigError)(nil); errors.As(err, &invalid) {
		return nil, invalid
	}
	if err != nil {
		return nil, fmt.Errorf("describing the stack %s: %w", stack, err)
	}
	m.finish()
	return m.graph, nil
}

// monitor takes what the program registers, as Pulumi's engine does, and answers at once.
type monitor struct {
	mu      sync.Mutex // the program registers concurrently
	graph   *Graph
	symbols map[string]string // the values that were made up, and what refers to them
}

// NewResource is called for each resource.
func (m *monitor) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r := &Resource{Type: args.TypeToken, Name: args.Name, Inputs: args.Inputs}
	if in := args.RegisterRPC; in != nil {
		inputs, err := plugin.UnmarshalProperties(in.GetObject(), plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true})
		if err != nil {
			return "", nil, fmt.Errorf("reading the inputs of %s %s: %w", r.Type, r.Name, err)
		}
		r.Inputs, r.Parent, r.Component = inputs, in.GetParent(), !in.GetCustom()
		r.Provider = providerURN(in.GetProvider())
		r.Options = Options{
			Protect: in.GetProtect(), RetainOnDelete: in.GetRetainOnDelete(), DeleteBeforeReplace: in.GetDeleteBeforeReplace(),
			DependsOn: slices.Sorted(slices.Values(in.GetDependencies())), DeletedWith: in.GetDeletedWith(),
			IgnoreChanges: in.GetIgnoreChanges(), ReplaceOnChanges: in.GetReplaceOnChanges(), Aliases: in.GetAliasURNs(),
		}
		for _, a := range in.GetAliases() {
			text := a.GetUrn()
			if spec := a.GetSpec(); spec != nil {
				text = strings.TrimSpace(spec.GetType() + " " + spec.GetName())
			}
			r.Options.Aliases = append(r.Options.Aliases, text)
		}
	} else if in := args.ReadRPC; in != nil {
		r.Parent, r.Existing = in.GetParent(), true
		r.Provider = providerURN(in.GetProvider())
	}
	r.URN = m.urn(r)
	if m.isRoot(r.Parent) {
		r.Parent = ""
	}
	id, outputs := m.answer(r, args.ID)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.graph.Resources = append(m.graph.Resources, r)
	return id, outputs, nil
}

// Call is called for each lookup, which would need an account.
func (m *monitor) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	found, ok := lookups[args.Token]
	if !ok {
		return nil, fmt.Errorf("%s needs live data: there is none without an account", args.Token)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.graph.Assumptions = append(m.graph.Assumptions, fmt.Sprintf("%s is not asked: %s.", args.Token, found.assumed))
	return found.answer(args.Args), nil
}

// urn is the one that the engine would give.
func (m *monitor) urn(r *Resource) string {
	var parent string
	if r.Parent != "" && !m.isRoot(r.Parent) {
		parent = string(resource.URN(r.Parent).QualifiedType())
	}
	types := r.Type
	if parent != "" {
		types = parent + "$" + types
	}
	return strings.Join([]string{"urn:pulumi:" + m.graph.Stack, Project, types, r.Name}, "::")
}

func (m *monitor) isRoot(urn string) bool {
	return urn != "" && resource.URN(urn).QualifiedType() == resource.RootStackType
}

// providerURN takes the id from a reference to a provider.
func providerURN(reference string) string {
	if i := strings.LastIndex(reference, "::"); i >= 0 {
		return reference[:i]
	}
	return reference
}

// finish puts everything in order, which the program's concurrency does not.
func (m *monitor) finish() {
	g := m.graph
	children := map[string][]*Resource{}
	known := map[string]bool{}
	for _, r := range g.Resources {
		known[r.URN] = true
	}
	refer := m.replacer()
	for _, r := range g.Resources {
		r.Inputs = refer.object(r.Inputs)
		if !known[r.Parent] {
			r.Parent = ""
		}
		children[r.Parent] = append(children[r.Parent], r)
	}
	g.Resources = g.Resources[:0]
	var add func(parent string) []*Resource
	add = func(parent string) []*Resource {
		all := children[parent]
		slices.SortFunc(all, func(a, b *Resource) int {
			return strings.Compare(a.Type+"::"+a.Name, b.Type+"::"+b.Name)
		})
		for _, r := range all {
			g.Resources = append(g.Resources, r)
			r.Children = add(r.URN)
		}
		return all
	}
	add("")
	slices.Sort(g.Assumptions)
	g.Assumptions = slices.Compact(g.Assumptions)
}

// Get returns the resource of a URN; nil if there is none.
func (g *Graph) Get(urn string) *Resource {
	if i := slices.IndexFunc(g.Resources, func(r *Resource) bool { return r.URN == urn }); i >= 0 {
		return g.Resources[i]
	}
	return nil
}

// Types returns how many resources there are of each type.
func (g *Graph) Types() map[string]int {
	types := map[string]int{}
	for _, r := range g.Resources {
		types[r.Type]++
	}
	return types
}

// Component returns the outermost component that holds the resource; nil if none does, and the resource itself for one that
// nothing holds and that holds others.
func (g *Graph) Component(r *Resource) *Resource {
	var outermost *Resource
	for ; r != nil; r = g.Get(r.Parent) {
		if r.Component {
			outermost = r
		}
	}
	return outermost
}

// Made is how many resources are made: those that are no components and that the program does not look up.
func (g *Graph) Made() int {
	n := 0
	for _, r := range g.Resources {
		if r.made() {
			n++
		}
	}
	return n
}

func (r *Resource) made() bool { return !r.Component && !r.Existing }

// Part is an outermost component with what it holds, however deep.
type Part struct {
	Name, Type string // "" of what no component holds
	Resources  []*Resource
}

// Title is the component's name and type, in words for people.
func (p Part) Title() string {
	if p.Name == "" {
		return "of the stack itself"
	}
	return p.Name + ": " + strings.TrimPrefix(p.Type, Project+":")
}

// Components divides what is made by the outermost component that holds it, what none holds first.
func (g *Graph) Components() []Part {
	parts := []Part{{}}
	of := map[*Resource]int{nil: 0}
	for _, r := range g.Resources {
		if !r.made() {
			continue
		}
		c := g.Component(r)
		i, ok := of[c]
		if !ok {
			i = len(parts)
			of[c] = i
			parts = append(parts, Part{Name: c.Name, Type: c.Type})
		}
		parts[i].Resources = append(parts[i].Resources, r)
	}
	return parts
}

// Of returns the resources of a type.
func (g *Graph) Of(token string) []*Resource {
	var all []*Resource
	for _, r := range g.Resources {
		if r.Type == token {
			all = append(all, r)
		}
	}
	return all
}

// Value returns the input at a path such as "serverSideEncryption.enabled" or "rules[0].id", secrets opened; false if there is
// none.
func (r *Resource) Value(path string) (resource.PropertyValue, bool) {
	parsed, err := resource.ParsePropertyPath(path)
	if err != nil {
		return resource.PropertyValue{}, false
	}
	v := resource.NewProperty(r.Inputs)
	for _, step := range parsed {
		for v.IsSecret() {
			v = v.SecretValue().Element
		}
		switch step := step.(type) {
		case string:
			if !v.IsObject() || !v.ObjectValue().HasValue(resource.PropertyKey(step)) {
				return resource.PropertyValue{}, false
			}
			v = v.ObjectValue()[resource.PropertyKey(step)]
		case int:
			if !v.IsArray() || step < 0 || step >= len(v.ArrayValue()) {
				return resource.PropertyValue{}, false
			}
			v = v.ArrayValue()[step]
		}
	}
	for v.IsSecret() {
		v = v.SecretValue().Element
	}
	return v, true
}

// Text is the input at a path if it is a known text, else "".
func (r *Resource) Text(path string) string {
	if v, ok := r.Value(path); ok && v.IsString() {
		return v.StringValue()
	}
	return ""
}

// Number is the input at a path; false if it is no known number.
func (r *Resource) Number(path string) (float64, bool) {
	if v, ok := r.Value(path); ok && v.IsNumber() {
		return v.NumberValue(), true
	}
	return 0, false
}

// True reports whether the input at a path is known to be true.
func (r *Resource) True(path string) bool {
	v, ok := r.Value(path)
	return ok && v.IsBool() && v.BoolValue()
}

// Unknown reports whether the input at a path is there and cannot be told without live data.
func (r *Resource) Unknown(path string) bool {
	v, ok := r.Value(path)
	return ok && v.ContainsUnknowns()
}

// Plain returns the inputs as JSON has them. Unknown values and secret ones are texts that say so.
func (r *Resource) Plain() map[string]any {
	values := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(r.Inputs)) {
		values[string(key)] = plain(r.Inputs[key])
	}
	return values
}

// What stands for values that are not shown.
const (
	UnknownText = "[unknown without live data]"
	SecretText  = "[secret]"
)

func plain(v resource.PropertyValue) any {
	switch {
	case v.IsComputed() || v.IsOutput():
		return UnknownText
	case v.IsSecret():
		return SecretText
	case v.IsObject():
		object := map[string]any{}
		for key, value := range v.ObjectValue() {
			object[string(key)] = plain(value)
		}
		return object
	case v.IsArray():
		array := []any{}
		for _, value := range v.ArrayValue() {
			array = append(array, plain(value))
		}
		return array
	case v.IsArchive():
		return map[string]any{"archive": v.ArchiveValue().Path}
	case v.IsAsset():
		return map[string]any{"asset": v.AssetValue().Path}
	}
	return v.V
}

// mention is how a resource's property is shown in inputs; see reference.
var mention = regexp.MustCompile(`\$\{([A-Za-z0-9-]+)\.([A-Za-z0-9]+):([^}]+)\.([A-Za-z0-9]+)\}`)

// Mentioned returns the resources that a text refers to, in its order.
func (g *Graph) Mentioned(text string) []*Resource {
	var all []*Resource
	for _, m := range mention.FindAllStringSubmatch(text, -1) {
		for _, r := range g.Resources {
			if service, kind, _ := cutToken(r.Type); service == m[1] && kind == m[2] && r.Name == m[3] && !r.Component {
				all = append(all, r)
				break
			}
		}
	}
	return all
}

// Mentions reports whether a text refers to the resource.
func (g *Graph) Mentions(text string, r *Resource) bool { return slices.Contains(g.Mentioned(text), r) }
