package provider

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// resource finds the description of the resource type that a URN names.
func (s *server) resource(u string) (*resourceType, string, error) {
	parsed, err := urn.Parse(u)
	if err != nil {
		return nil, "", status.Errorf(codes.InvalidArgument, "reading the URN %q: %v", u, err)
	}
	token := string(parsed.Type())
	r, ok := s.types[token]
	if !ok {
		return nil, "", status.Errorf(codes.Unimplemented, "the embedded AWS does not emulate %s: remove the resource from this stack or deploy it to an AWS account; docs/local-cloud.md lists the resource types that it emulates", token)
	}
	return r, parsed.Name(), nil
}

// Check validates a resource's inputs, fills in defaults and chooses a name.
func (s *server) Check(ctx context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	r, name, err := s.resource(req.GetUrn())
	if err != nil {
		return nil, err
	}
	news, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	olds, err := unmarshal(req.GetOlds())
	if err != nil {
		return nil, err
	}
	delete(news, defaultedKey)
	c := &checker{}
	var failures []failure
	if r.naming != nil {
		failures = r.naming.fill(req, name, olds, news)
	}
	defaulted, hasDefaulted := news[defaultedKey]
	delete(news, defaultedKey)
	inputs := c.object(r.properties, "", news)
	failures = append(failures, c.failures...)
	if len(failures) == 0 && r.check != nil {
		failures = r.check(toProps(inputs))
	}
	if hasDefaulted {
		inputs[defaultedKey] = defaulted
	}
	answer := &pulumirpc.CheckResponse{}
	for _, f := range failures {
		answer.Failures = append(answer.Failures, &pulumirpc.CheckFailure{Property: f.path, Reason: f.reason})
	}
	answer.Inputs, err = marshal(inputs)
	return answer, err
}

// Diff compares a resource's old inputs with its new ones.
func (s *server) Diff(ctx context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	r, _, err := s.resource(req.GetUrn())
	if err != nil {
		return nil, err
	}
	olds, err := unmarshal(req.GetOlds())
	if err != nil {
		return nil, err
	}
	oldInputs, err := unmarshal(req.GetOldInputs())
	if err != nil {
		return nil, err
	}
	news, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	return r.diff(olds, oldInputs, news, settingsOf(ctx).defaultTags), nil
}

// Create makes a resource, or in a preview predicts it.
func (s *server) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	r, _, err := s.resource(req.GetUrn())
	if err != nil {
		return nil, err
	}
	inputs, err := unmarshal(req.GetProperties())
	if err != nil {
		return nil, err
	}
	cfg := settingsOf(ctx)
	if req.GetPreview() {
		out, err := marshal(r.preview(nil, inputs, cfg.defaultTags))
		return &pulumirpc.CreateResponse{Properties: out}, err
	}
	c := s.caller()
	in := toProps(inputs)
	if err := r.naming.fromPrefix(c, in); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if r.tagged() {
		in["tagsAll"] = mergedTags(cfg.defaultTags, in["tags"])
	}
	id, err := r.create(ctx, c, in)
	if id == "" {
		if err == nil {
			err = fmt.Errorf("AWS answered without an id")
		}
		return nil, apiStatus(err)
	}
	if err := s.created(req.GetUrn(), id); err != nil {
		return nil, err
	}
	out, readErr := s.stateOf(ctx, r, c, id, in, inputs)
	if err == nil {
		err = readErr
	}
	if err != nil {
		return nil, partly(id, out, inputs, err)
	}
	return &pulumirpc.CreateResponse{Id: id, Properties: out}, nil
}

// stateOf reads a resource and returns what Pulumi keeps of it. When it cannot be read, that is what was given.
func (s *server) stateOf(ctx context.Context, r *resourceType, c *call, id string, known props, given resource.PropertyMap) (*structpb.Struct, error) {
	live, err := r.read(ctx, c, id, known)
	if err == nil && live == nil {
		err = fmt.Errorf("%s %s is gone", r.token, id)
	}
	if err != nil {
		out, _ := marshal(r.outputs(given, toProps(given)))
		return out, fmt.Errorf("reading it back: %w", err)
	}
	if r.tagged() {
		settingsOf(ctx).splitTags(live, stringsOf(known["tags"]))
	}
	return marshal(r.outputs(given, live))
}

// Read looks a resource up, for a refresh or an import. A resource that is gone has no id.
func (s *server) Read(ctx context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	r, _, err := s.resource(req.GetUrn())
	if err != nil {
		return nil, err
	}
	state, err := unmarshal(req.GetProperties())
	if err != nil {
		return nil, err
	}
	inputs, err := unmarshal(req.GetInputs())
	if err != nil {
		return nil, err
	}
	known := toProps(state)
	live, err := r.read(ctx, s.caller(), req.GetId(), known)
	if err != nil && !isGone(err) {
		return nil, apiStatus(err)
	}
	if live == nil {
		return &pulumirpc.ReadResponse{}, nil
	}
	if r.tagged() {
		settingsOf(ctx).splitTags(live, stringsOf(toPlain(inputs["tags"])))
	}
	answer := &pulumirpc.ReadResponse{Id: req.GetId()}
	if answer.Properties, err = marshal(r.outputs(state, live)); err != nil {
		return nil, err
	}
	answer.Inputs, err = marshal(r.inputs(inputs, live))
	return answer, err
}

// Update changes a resource, or in a preview predicts it. When it fails half-way, what has changed is reported.
func (s *server) Update(ctx context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	r, _, err := s.resource(req.GetUrn())
	if err != nil {
		return nil, err
	}
	olds, err := unmarshal(req.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	cfg := settingsOf(ctx)
	if req.GetPreview() {
		out, err := marshal(r.preview(olds, news, cfg.defaultTags))
		return &pulumirpc.UpdateResponse{Properties: out}, err
	}
	if r.update == nil {
		return nil, status.Errorf(codes.Unimplemented, "%s cannot be changed, only replaced", r.token)
	}
	ch := &change{resource: r, id: req.GetId(), old: toProps(olds), wanted: toProps(news)}
	for _, p := range r.properties {
		if v, had := ch.old[p.name]; had && p.computed && !ch.wanted.has(p.name) {
			ch.wanted[p.name] = v
		}
	}
	if r.tagged() {
		ch.wanted["tagsAll"] = mergedTags(cfg.defaultTags, ch.wanted["tags"])
	}
	c := s.caller()
	updateErr := r.update(ctx, c, ch)
	if updateErr != nil {
		before, err := s.stateOf(ctx, r, c, req.GetId(), ch.old, olds)
		if err != nil || sameStruct(before, req.GetOlds()) {
			return nil, apiStatus(updateErr)
		}
		return nil, partly(req.GetId(), before, news, updateErr)
	}
	out, err := s.stateOf(ctx, r, c, req.GetId(), ch.wanted, carried(r, olds, news))
	if err != nil {
		return nil, partly(req.GetId(), out, news, err)
	}
	return &pulumirpc.UpdateResponse{Properties: out}, nil
}

// carried adds to new inputs what only the old state knows of the properties that AWS chose.
func carried(r *resourceType, olds, news resource.PropertyMap) resource.PropertyMap {
	given := news.Copy()
	for _, p := range r.properties {
		key := resource.PropertyKey(p.name)
		if old, had := olds[key]; had && p.computed && given[key].IsNull() {
			given[key] = old
		}
	}
	return given
}

func sameStruct(a, b *structpb.Struct) bool {
	x, errX := unmarshal(a)
	y, errY := unmarshal(b)
	return errX == nil && errY == nil && x.DeepEquals(y)
}

// Delete removes a resource. One that is gone already is a success.
func (s *server) Delete(ctx context.Context, req *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	r, _, err := s.resource(req.GetUrn())
	if err != nil {
		return nil, err
	}
	state, err := unmarshal(req.GetProperties())
	if err != nil {
		return nil, err
	}
	if err := r.remove(ctx, s.caller(), req.GetId(), toProps(state)); err != nil && !isGone(err) {
		return nil, apiStatus(err)
	}
	return &emptypb.Empty{}, s.deleted(req.GetUrn(), req.GetId())
}

// apiStatus carries AWS's error to the engine in AWS's words.
func apiStatus(err error) error {
	if _, is := status.FromError(err); is {
		return err
	}
	return status.Error(codes.Unknown, err.Error())
}

// partly reports a resource that exists but is not as it was wanted.
func partly(id string, state *structpb.Struct, inputs resource.PropertyMap, cause error) error {
	in, err := marshal(inputs)
	if err != nil {
		return err
	}
	st, err := status.New(codes.Unknown, cause.Error()).WithDetails(&pulumirpc.ErrorResourceInitFailed{
		Id: id, Properties: state, Inputs: in, Reasons: []string{cause.Error()},
	})
	if err != nil {
		return fmt.Errorf("reporting that %s is not complete (%w): %w", id, cause, err)
	}
	return st.Err()
}
