package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// defaultedKey is where pulumi-aws, and so this provider, notes which inputs it has chosen itself.
const defaultedKey resource.PropertyKey = "__defaults"

// naming says how a resource gets a physical name when the program gives none: as pulumi-aws does, the resource's name,
// a hyphen and seven random hexadecimal digits.
type naming struct {
	property  string
	prefix    string // the property that gives a prefix instead; may be empty
	maxLength int
	fix       func(name string, in resource.PropertyMap) string // nil: none
	fits      func(name string, in resource.PropertyMap) bool   // whether an old name will still do; nil: always
}

const randomDigits = 7

// fill chooses a name for a resource without one and keeps the one that it had.
func (n *naming) fill(req *pulumirpc.CheckRequest, urnName string, olds, in resource.PropertyMap) []failure {
	key := resource.PropertyKey(n.property)
	if v, given := in[key]; given && !v.IsNull() {
		return nil
	}
	if n.prefix != "" && !in[resource.PropertyKey(n.prefix)].IsNull() {
		return nil
	}
	if old, had := olds[key]; had && wasDefaulted(olds, n.property) && (n.fits == nil || n.fits(toProps(olds).text(n.property), in)) {
		in[key] = old
		in[defaultedKey] = fromPlain([]string{n.property})
		return nil
	}
	name, err := n.propose(req, urnName, in)
	if err != nil {
		return []failure{{n.property, err.Error()}}
	}
	if name != "" {
		in[key] = resource.NewProperty(name)
		in[defaultedKey] = fromPlain([]string{n.property})
	}
	return nil
}

func (n *naming) propose(req *pulumirpc.CheckRequest, urnName string, in resource.PropertyMap) (string, error) {
	fix := func(name string) string {
		if n.fix == nil {
			return name
		}
		return n.fix(name, in)
	}
	if a := req.GetAutonaming(); a != nil {
		switch a.GetMode() {
		case pulumirpc.CheckRequest_AutonamingOptions_DISABLE:
			return "", fmt.Errorf("automatic naming is disabled but resource requires a name: set %q", n.property)
		case pulumirpc.CheckRequest_AutonamingOptions_ENFORCE:
			return a.GetProposedName(), nil
		default:
			return fix(a.GetProposedName()), nil
		}
	}
	// The suffix that fix appends counts too.
	longest := n.maxLength - (len(fix("x")) - len("x"))
	return nameWith(req.GetRandomSeed(), urnName, longest, fix)
}

func nameWith(seed []byte, urnName string, longest int, fix func(string) string) (string, error) {
	name, err := resource.NewUniqueName(seed, urnName+"-", randomDigits, longest, nil)
	if err != nil {
		return "", fmt.Errorf("could not make up a name: %w", err)
	}
	return fix(name), nil
}

func wasDefaulted(in resource.PropertyMap, name string) bool {
	return slices.Contains(asStrings(toPlain(in[defaultedKey])), name)
}

// needsDeleteFirst reports whether a replacement would collide with what it replaces: the name is the program's own and
// stays.
func (n *naming) needsDeleteFirst(olds, news resource.PropertyMap) bool {
	key := resource.PropertyKey(n.property)
	v := news[key]
	return !v.IsNull() && !wasDefaulted(news, n.property) && !hasUnknown(toPlain(v)) && toPlain(v) == toPlain(olds[key])
}

// fromPrefix names a resource whose program gave only a prefix, as AWS's Terraform provider does.
func (n *naming) fromPrefix(c *call, in props) error {
	if n == nil || n.prefix == "" || in.text(n.property) != "" {
		return nil
	}
	prefix := in.text(n.prefix)
	stamp := strings.Replace(c.d.Clock.Now().UTC().Format("20060102150405.0000"), ".", "", 1)
	name, err := resource.NewUniqueHex(prefix+stamp, 8, n.maxLength)
	if err != nil {
		return fmt.Errorf("making a name from %s: %w", n.prefix, err)
	}
	if n.fix != nil {
		name = n.fix(name, toInputs(in))
	}
	in[n.property] = name
	return nil
}

func toInputs(in props) resource.PropertyMap {
	out := resource.PropertyMap{}
	for k, v := range in {
		out[resource.PropertyKey(k)] = fromPlain(v)
	}
	return out
}
