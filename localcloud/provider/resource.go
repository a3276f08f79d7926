package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// resourceType describes one type of resource: its properties, and how they become calls to AWS.
type resourceType struct {
	token      string // "aws:sqs/queue:Queue"
	properties []*property
	naming     *naming
	// check finds what is wrong beyond single properties. It must take unknown values for right.
	check func(in props) []failure
	// create returns the id; with an id, an error means that the resource exists but is not complete.
	create func(ctx context.Context, c *call, in props) (id string, err error)
	// read returns every property that AWS tells of, nil when the resource is gone. state is what was last known; it is
	// empty when a resource is imported.
	read   func(ctx context.Context, c *call, id string, state props) (props, error)
	update func(ctx context.Context, c *call, ch *change) error // nil: every change replaces
	remove func(ctx context.Context, c *call, id string, state props) error
}

func (r *resourceType) property(name string) *property {
	for _, p := range r.properties {
		if p.name == name {
			return p
		}
	}
	return nil
}

func (r *resourceType) tagged() bool { return r.property("tagsAll") != nil }

// tagProperties are the two properties of every resource that takes tags.
func tagProperties() []*property {
	return []*property{stringMap("tags"), stringMap("tagsAll").output()}
}

// change is an update: the state before, and what is wanted; wanted holds the old values of what AWS chose.
type change struct {
	resource    *resourceType
	id          string
	old, wanted props
}

// of reports whether one of the named properties is to change.
func (ch *change) of(names ...string) bool {
	for _, name := range names {
		if !equal(ch.resource.property(name), ch.old[name], ch.wanted[name]) {
			return true
		}
	}
	return false
}

// tags returns the tags to remove and to add.
func (ch *change) tags() (removed []string, added map[string]string) {
	before, after := stringsOf(ch.old["tagsAll"]), stringsOf(ch.wanted["tagsAll"])
	added = map[string]string{}
	for _, k := range sortedKeys(before) {
		if _, still := after[k]; !still {
			removed = append(removed, k)
		}
	}
	for k, v := range after {
		if was, had := before[k]; !had || was != v {
			added[k] = v
		}
	}
	return removed, added
}

// call is how handlers reach AWS: as the account's root, through the dispatcher.
type call struct {
	d        *dispatch.Dispatcher
	endpoint string // where the embedded AWS answers HTTP, without a slash at its end
}

// do makes a call and returns the answer as the API's JSON.
func (c *call) do(ctx context.Context, service, action string, in props) (props, error) {
	if in == nil {
		in = props{}
	}
	answer, err := c.d.Do(ctx, c.d.Root(), service, action, map[string]any(in))
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s:%s: %w", service, action, err)
	}
	var out props
	if err := json.Unmarshal(encoded, &out); err != nil {
		return nil, fmt.Errorf("reading the answer of %s:%s: %w", service, action, err)
	}
	return out, nil
}

// all follows an API's pages and returns the elements of the answers' member. The cursor's names alternate request and
// answer.
func (c *call) all(ctx context.Context, service, action string, in props, member, requestCursor, answerCursor string) ([]props, error) {
	var all []props
	for {
		out, err := c.do(ctx, service, action, in)
		if err != nil {
			return nil, err
		}
		all = append(all, out.objects(member)...)
		next := out.text(answerCursor)
		if next == "" {
			return all, nil
		}
		in[requestCursor] = next
	}
}

// goneCodes are the codes by which AWS's services say that what a call acts on does not exist.
var goneCodes = map[string]bool{
	"NoSuchEntity": true, "NoSuchEntityException": true, "ResourceNotFoundException": true, "NotFoundException": true,
	"QueueDoesNotExist": true, "AWS.SimpleQueueService.NonExistentQueue": true, "StateMachineDoesNotExist": true,
	"ResourceNotFound": true, "NoSuchBucket": true, "TrailNotFoundException": true, "NoSuchHostedZone": true,
}

func isGone(err error) bool {
	var e *dispatch.Error
	return errors.As(err, &e) && goneCodes[e.Code]
}

// outputs are the properties that Pulumi keeps and shows: what AWS tells, in the program's own words where they mean the
// same, and what only the state knows. given is what the program or the state said.
func (r *resourceType) outputs(given resource.PropertyMap, live props) resource.PropertyMap {
	out := resource.PropertyMap{}
	for _, p := range r.properties {
		key := resource.PropertyKey(p.name)
		v, told := live[p.name]
		was, had := given[key]
		switch {
		case p.local:
			v = nil
			if had {
				v = toPlain(was)
			}
		case had && equal(p, toPlain(was), v) && !hasUnknown(toPlain(was)):
			v = completed(p, toPlain(was), v)
		case !told:
			continue
		}
		if v == nil {
			continue
		}
		out[key] = fromPlain(v)
		if had && was.ContainsSecrets() {
			out[key] = resource.MakeSecret(out[key])
		}
	}
	return out
}

// completed adds to an object in the program's own words what AWS has chosen in it.
func completed(p *property, given, live any) any {
	from := asObject(live)
	if p.kind != kindObject || from == nil {
		return given
	}
	all := map[string]any{}
	for k, v := range asObject(given) {
		all[k] = v
	}
	for _, f := range p.fields {
		if v, told := from[f.name]; told && f.isOutput && all[f.name] == nil {
			all[f.name] = v
		}
	}
	return all
}

// inputs are what the program would have had to say to get what AWS tells: the old inputs as they are where AWS agrees.
func (r *resourceType) inputs(old resource.PropertyMap, live props) resource.PropertyMap {
	in := resource.PropertyMap{}
	importing := len(old) == 0
	for _, p := range r.properties {
		if p.isOutput {
			continue
		}
		key := resource.PropertyKey(p.name)
		was, had := old[key]
		v := live[p.name]
		switch {
		case p.local:
			if had {
				in[key] = was
			} else if importing && p.byDefault != nil {
				in[key] = fromPlain(p.byDefault)
			}
		case had && equal(p, toPlain(was), v):
			in[key] = was
		case !had && (p.computed && !importing || equal(p, nil, v) && !p.required):
			if importing && p.byDefault != nil {
				in[key] = fromPlain(p.byDefault)
			}
		case v != nil:
			in[key] = fromPlain(v)
			if had && was.ContainsSecrets() {
				in[key] = resource.MakeSecret(in[key])
			}
		}
	}
	if names, ok := old[defaultedKey]; ok {
		in[defaultedKey] = names
	}
	return in
}
