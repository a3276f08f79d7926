package dynamodbexpr

import (
	"maps"
	"slices"
	"strings"
)

// Error is what DynamoDB says of an expression that it refuses: the message of a ValidationException.
type Error string

func (e Error) Error() string { return string(e) }

// Environment is what the placeholders of a request's expressions stand for. Make it with NewEnvironment, compile every
// expression of the request with it, in DynamoDB's order (update, condition, key condition, filter, projection), and ask
// Unused last.
type Environment struct {
	names      map[string]string
	values     map[string]Value
	usedNames  map[string]bool
	usedValues map[string]bool
}

// NewEnvironment takes ExpressionAttributeNames and ExpressionAttributeValues; nil stands for absent ones, and empty ones
// are refused.
func NewEnvironment(names map[string]string, values Item) (*Environment, error) {
	if names != nil && len(names) == 0 {
		return nil, Error("ExpressionAttributeNames must not be empty")
	}
	for _, key := range sortedKeys(names) {
		if !isPlaceholder(key, '#') {
			return nil, Error(`ExpressionAttributeNames contains invalid key: Syntax error; key: "` + key + `"`)
		}
	}
	if values != nil && len(values) == 0 {
		return nil, Error("ExpressionAttributeValues must not be empty")
	}
	keys := sortedKeys(values)
	for _, key := range keys {
		if !isPlaceholder(key, ':') {
			return nil, Error(`ExpressionAttributeValues contains invalid key: Syntax error; key: "` + key + `"`)
		}
	}
	for _, key := range keys {
		if problem := values[key].Problem(); problem != "" {
			return nil, Error("ExpressionAttributeValues contains invalid value: " + problem + " for key " + key)
		}
	}
	return &Environment{names: names, values: values}, nil
}

func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

func isPlaceholder(key string, mark byte) bool {
	return len(key) > 1 && key[0] == mark && wordEnd(key, 1) == len(key)
}

// Unused refuses names and values that no expression has used.
func (e *Environment) Unused() error {
	if len(e.usedNames) < len(e.names) {
		return Error("Value provided in ExpressionAttributeNames unused in expressions: keys: {" + unused(e.names, e.usedNames) + "}")
	}
	if len(e.usedValues) < len(e.values) {
		return Error("Value provided in ExpressionAttributeValues unused in expressions: keys: {" + unused(e.values, e.usedValues) + "}")
	}
	return nil
}

func unused[V any](given map[string]V, used map[string]bool) string {
	var keys []string
	for _, key := range sortedKeys(given) {
		if !used[key] {
			keys = append(keys, key)
		}
	}
	return strings.Join(keys, ", ")
}

func (e *Environment) useName(key string) (string, bool) {
	name, ok := e.names[key]
	if ok && !e.usedNames[key] {
		if e.usedNames == nil {
			e.usedNames = map[string]bool{}
		}
		e.usedNames[key] = true
	}
	return name, ok
}

func (e *Environment) useValue(key string) (Value, bool) {
	v, ok := e.values[key]
	if ok && !e.usedValues[key] {
		if e.usedValues == nil {
			e.usedValues = map[string]bool{}
		}
		e.usedValues[key] = true
	}
	return v, ok
}

// findings collects what is wrong with an expression: of each sort the first.
type findings struct{ all []finding }

type finding struct{ sort, problem string }

func (f *findings) note(sort, problem string) {
	if !f.has(sort) {
		f.all = append(f.all, finding{sort, problem})
	}
}

func (f *findings) has(sort string) bool { return f.first(sort) != "" }

// first returns the first finding, in the order of the sorts.
func (f *findings) first(sorts ...string) string {
	for _, s := range sorts {
		for _, found := range f.all {
			if found.sort == s {
				return found.problem
			}
		}
	}
	return ""
}

// resolve replaces a path's placeholders in place.
func (e *Environment) resolve(p Path, f *findings, nameSort string) {
	for i := range p {
		s := &p[i]
		switch {
		case s.IsIndex:
		case strings.HasPrefix(s.Name, "#"):
			if f.has(nameSort) {
				continue
			}
			name, ok := e.useName(s.Name)
			if !ok {
				f.note(nameSort, "An expression attribute name used in the document path is not defined; attribute name: "+s.Name)
				continue
			}
			s.Name = name
		case isReserved(s.Name):
			f.note("reserved", "Attribute name is a reserved keyword; reserved keyword: "+s.Name)
		}
	}
}

// Projection compiles a projection expression.
func (e *Environment) Projection(text string) (*Projection, error) {
	paths, problem := parsed(text, func(c *cursor) []Path {
		paths := []Path{c.rawPath()}
		for c.take(",") {
			paths = append(paths, c.rawPath())
		}
		return paths
	})
	if problem == "" {
		f := &findings{}
		for _, p := range paths {
			e.resolve(p, f, "name")
		}
		checkPaths(paths, f)
		problem = f.first("reserved", "name", "overlap", "conflict")
	}
	if problem != "" {
		return nil, Error("Invalid ProjectionExpression: " + problem)
	}
	return NewProjection(paths), nil
}

// checkPaths finds paths of which one lies in another, and paths that take one thing for a map and for a list.
func checkPaths(paths []Path, f *findings) {
	for i, p := range paths {
		for _, q := range paths[:i] {
			if kind := overlap(q, p); kind != "" {
				f.note(kind, "Two document paths "+kind+" with each other; must remove or rewrite one of these paths; path one: "+q.String()+", path two: "+p.String())
			}
		}
		if f.has("overlap") {
			return
		}
	}
}
