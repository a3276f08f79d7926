package provider

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// kind is the type of a property's value.
type kind int

const (
	kindString kind = iota
	kindBool
	kindInt
	kindFloat
	kindJSON    // JSON text; a structure is accepted and becomes text
	kindPolicy  // JSON text of an IAM policy: compared as AWS compares policies
	kindArchive // a Pulumi archive
	kindList    // of property.elem
	kindSet     // of property.elem, order without meaning
	kindMap     // of strings
	kindObject  // with property.fields
)

func (k kind) String() string {
	return [...]string{"a string", "a boolean", "an integer", "a number", "a JSON document", "a policy document", "an archive", "a list", "a list", "a map of strings", "an object"}[k]
}

// property describes one property of a resource type: what the program may give, what AWS answers, and what a change of
// it means.
type property struct {
	name   string
	kind   kind
	elem   *property   // of lists and sets
	fields []*property // of objects

	required bool
	computed bool // AWS or the provider chooses when the program gives none; then a difference is none
	isOutput bool // never given by the program
	replace  bool // a change needs another resource
	// replaceWhen says whether a change of the property needs another resource, by all that was and is wanted; nil: replace says it.
	replaceWhen func(was, wanted props) bool
	local       bool // known to Pulumi's state only: AWS does not tell it
	volatile    []string
	byDefault   any

	enum      []string
	min, max  *float64
	minLength int
	maxLength int
	pattern   *regexp.Regexp
	says      string // what the pattern means
	conflicts []string
	refusal   string // why the embedded AWS does not emulate the property; it is refused then
	only      any    // the one value that is emulated
	validate  func(v any) error
	same      func(a, b any) bool
}

func text(name string) *property    { return &property{name: name, kind: kindString} }
func boolean(name string) *property { return &property{name: name, kind: kindBool} }
func integer(name string) *property { return &property{name: name, kind: kindInt} }
func float(name string) *property   { return &property{name: name, kind: kindFloat} }
func jsonText(name string) *property {
	return &property{name: name, kind: kindJSON}
}
func policyText(name string) *property { return &property{name: name, kind: kindPolicy} }
func archived(name string) *property   { return &property{name: name, kind: kindArchive} }
func list(name string, elem *property) *property {
	return &property{name: name, kind: kindList, elem: elem}
}
func set(name string, elem *property) *property {
	return &property{name: name, kind: kindSet, elem: elem}
}
func stringMap(name string) *property { return &property{name: name, kind: kindMap} }
func object(name string, fields ...*property) *property {
	return &property{name: name, kind: kindObject, fields: fields}
}

func (p *property) needed() *property   { p.required = true; return p }
func (p *property) orChosen() *property { p.computed = true; return p }
func (p *property) output() *property   { p.isOutput = true; return p }
func (p *property) replaces() *property { p.replace = true; return p }
func (p *property) replacesWhen(f func(was, wanted props) bool) *property {
	p.replaceWhen = f
	return p
}
func (p *property) kept() *property               { p.local = true; return p }
func (p *property) defaults(v any) *property      { p.byDefault = v; return p }
func (p *property) oneOf(v ...string) *property   { p.enum = v; return p }
func (p *property) against(n ...string) *property { p.conflicts = n; return p }
func (p *property) refused(why string) *property  { p.refusal = why; return p }
func (p *property) onlyAs(v any, why string) *property {
	p.only, p.refusal = v, why
	return p
}
func (p *property) checked(f func(v any) error) *property { p.validate = f; return p }
func (p *property) alike(f func(a, b any) bool) *property { p.same = f; return p }
func (p *property) length(minimum, maximum int) *property {
	p.minLength, p.maxLength = minimum, maximum
	return p
}
func (p *property) between(minimum, maximum float64) *property {
	p.min, p.max = &minimum, &maximum
	return p
}
func (p *property) matching(pattern, says string) *property {
	p.pattern, p.says = regexp.MustCompile(pattern), says
	return p
}

// changesWith marks an output that an update changes when one of the named inputs changes; without names, with any.
func (p *property) changesWith(inputs ...string) *property {
	p.volatile = append([]string{}, inputs...)
	return p
}

// failure is one thing wrong with a resource's inputs.
type failure struct {
	path   string
	reason string
}

// checker collects what is wrong with the inputs of one resource.
type checker struct {
	failures []failure
}

func (c *checker) fail(path, format string, args ...any) {
	c.failures = append(c.failures, failure{path, fmt.Sprintf(format, args...)})
}

// value checks v, which has no secrets in it, and returns it with defaults filled in. Unknown values pass.
func (c *checker) value(p *property, path string, v resource.PropertyValue) resource.PropertyValue {
	if v.IsComputed() {
		return v
	}
	if p.refusal != "" {
		if p.only == nil {
			c.fail(path, "the embedded AWS does not emulate %q: %s", path, p.refusal)
			return v
		}
		if plain := toPlain(v); plain != p.only {
			c.fail(path, "the embedded AWS emulates %q only as %v, not %v: %s", path, p.only, plain, p.refusal)
			return v
		}
	}
	before := len(c.failures)
	switch p.kind {
	case kindString:
		if c.typed(p, path, v, v.IsString()) {
			c.text(p, path, v.StringValue())
		}
	case kindBool:
		c.typed(p, path, v, v.IsBool())
	case kindInt, kindFloat:
		if c.typed(p, path, v, v.IsNumber()) {
			c.number(p, path, v.NumberValue())
		}
	case kindJSON, kindPolicy:
		v = c.document(p, path, v)
	case kindArchive:
		c.typed(p, path, v, v.IsArchive())
	case kindList, kindSet:
		v = c.list(p, path, v)
	case kindMap:
		if !c.typed(p, path, v, v.IsObject()) {
			return v
		}
		for key, e := range v.ObjectValue() {
			if !e.IsComputed() && !e.IsString() {
				c.fail(path, "%q must be a string, not %s", path+"."+string(key), describe(e))
			}
		}
	case kindObject:
		if !c.typed(p, path, v, v.IsObject()) {
			return v
		}
		return resource.NewProperty(c.object(p.fields, path+".", v.ObjectValue()))
	}
	if p.validate != nil && len(c.failures) == before && !v.ContainsUnknowns() {
		if err := p.validate(toPlain(v)); err != nil {
			c.fail(path, "%q: %v", path, err)
		}
	}
	return v
}

func (c *checker) typed(p *property, path string, v resource.PropertyValue, is bool) bool {
	if !is {
		c.fail(path, "%q must be %s, not %s", path, p.kind, describe(v))
	}
	return is
}

func (c *checker) text(p *property, path, v string) {
	if p.enum != nil && !slices.Contains(p.enum, v) {
		c.fail(path, "expected %s to be one of %q, got %s", path, p.enum, v)
	}
	if n := len(v); n < p.minLength || p.maxLength > 0 && n > p.maxLength {
		c.fail(path, "expected length of %s to be in the range (%d - %d), got %d characters", path, p.minLength, p.maxLength, n)
	}
	if p.pattern != nil && !p.pattern.MatchString(v) {
		c.fail(path, "invalid value for %s (%s), got %q", path, p.says, v)
	}
}

func (c *checker) number(p *property, path string, v float64) {
	if p.kind == kindInt && v != math.Trunc(v) {
		c.fail(path, "%q must be an integer, not %v", path, v)
	}
	if p.min != nil && (v < *p.min || v > *p.max) {
		c.fail(path, "expected %s to be in the range (%v - %v), got %v", path, *p.min, *p.max, v)
	}
}

func (c *checker) document(p *property, path string, v resource.PropertyValue) resource.PropertyValue {
	if v.IsObject() || v.IsArray() {
		if v.ContainsUnknowns() {
			return resource.MakeComputed(resource.NewProperty(""))
		}
		v = resource.NewProperty(compactJSON(toPlain(v)))
	}
	if !c.typed(p, path, v, v.IsString()) {
		return v
	}
	c.text(p, path, v.StringValue())
	if _, err := parseJSON(v.StringValue()); err != nil {
		c.fail(path, "%q contains an invalid JSON %s: %v", path, map[kind]string{kindJSON: "document", kindPolicy: "policy"}[p.kind], err)
	}
	return v
}

func (c *checker) list(p *property, path string, v resource.PropertyValue) resource.PropertyValue {
	if !c.typed(p, path, v, v.IsArray()) {
		return v
	}
	items := make([]resource.PropertyValue, len(v.ArrayValue()))
	for i, e := range v.ArrayValue() {
		items[i] = c.value(p.elem, fmt.Sprintf("%s[%d]", path, i), e)
	}
	if n := len(items); n < p.minLength || p.maxLength > 0 && n > p.maxLength {
		c.fail(path, "%q must have %d to %d elements, not %d", path, p.minLength, p.maxLength, n)
	}
	return resource.NewProperty(items)
}

// object checks the properties of a resource or of a nested object; prefix is "" or ends in a dot.
func (c *checker) object(fields []*property, prefix string, in resource.PropertyMap) resource.PropertyMap {
	out := resource.PropertyMap{}
	byName := map[string]*property{}
	for _, p := range fields {
		byName[p.name] = p
	}
	for _, key := range in.StableKeys() {
		v := in[key]
		name := string(key)
		if v.IsNull() {
			continue
		}
		p := byName[name]
		if p == nil || p.isOutput {
			c.fail(prefix+name, "%q is not a property that can be set%s", prefix+name, suggestion(name, fields))
			continue
		}
		for _, other := range p.conflicts {
			if rival, both := in[resource.PropertyKey(other)]; both && !rival.IsNull() {
				c.fail(prefix+name, "%q: conflicts with %s", prefix+name, prefix+other)
			}
		}
		checked := c.value(p, prefix+name, withoutSecrets(v))
		if v.ContainsSecrets() {
			if checked.DeepEquals(withoutSecrets(v)) {
				checked = v
			} else {
				checked = resource.MakeSecret(checked)
			}
		}
		out[key] = checked
	}
	for _, p := range fields {
		if _, given := out[resource.PropertyKey(p.name)]; given || p.isOutput {
			continue
		}
		if p.required {
			c.fail(prefix+p.name, "Missing required argument: %q is required, but no value was given", prefix+p.name)
		} else if p.byDefault != nil {
			out[resource.PropertyKey(p.name)] = fromPlain(p.byDefault)
		}
	}
	return out
}

// suggestion names the property that a misspelt one was probably meant to be.
func suggestion(name string, fields []*property) string {
	for _, p := range fields {
		if strings.EqualFold(p.name, name) || strings.EqualFold(p.name+"s", name) || strings.EqualFold(p.name, name+"s") {
			return fmt.Sprintf("; did you mean %q?", p.name)
		}
	}
	return ""
}

func describe(v resource.PropertyValue) string {
	switch {
	case v.IsString():
		return "a string"
	case v.IsBool():
		return "a boolean"
	case v.IsNumber():
		return "a number"
	case v.IsArray():
		return "a list"
	case v.IsObject():
		return "an object"
	case v.IsArchive():
		return "an archive"
	case v.IsAsset():
		return "an asset"
	}
	return "a value of another type"
}
