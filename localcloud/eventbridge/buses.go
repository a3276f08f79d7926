package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// bus is an event bus as the store keeps it.
type bus struct {
	Name, Description string
	Key               string // of KMS, as it was given
	DeadLetter        *DeadLetterConfig
	Policy            string
	Tags              map[string]string
	Created, Modified time.Time
}

func (s *Service) view(b bus) EventBus {
	return EventBus{Name: b.Name, Arn: s.busARN(b.Name), Description: b.Description, KmsKeyIdentifier: b.Key, DeadLetterConfig: b.DeadLetter, Policy: b.Policy,
		CreationTime: dispatch.Time{Time: b.Created}, LastModifiedTime: dispatch.Time{Time: b.Modified}}
}

func (s *Service) findBus(nameOrARN string) (bus, error) {
	name := s.busName(nameOrARN)
	b, ok := s.buses.Get(name)
	if !ok {
		return b, notFound("Event bus %s does not exist.", name)
	}
	return b, nil
}

func tagMap(tags []Tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// checkSettings checks what buses are created and changed with.
func (s *Service) checkSettings(ctx context.Context, c *dispatch.Call, description, key, arn string, letters *DeadLetterConfig) error {
	var p problems
	p.text("description", description, 0, 512, nil)
	p.text("kmsKeyIdentifier", key, 0, 2048, nil)
	if letters != nil && letters.Arn != "" {
		p.text("deadLetterConfig.arn", letters.Arn, 1, 1600, queueForm)
	}
	if err := p.err(); err != nil {
		return err
	}
	if key == "" {
		return nil
	}
	return s.mayUseKey(ctx, c.Principal, key, arn)
}

func (s *Service) createBus(ctx context.Context, c *dispatch.Call, in *CreateEventBusInput) (*CreateEventBusOutput, error) {
	var p problems
	p.text("name", in.Name, 1, 256, busForm)
	p.tags(in.Tags)
	if err := p.err(); err != nil {
		return nil, err
	}
	switch {
	case strings.Contains(in.Name, "/"):
		return nil, invalid("Event bus name must not contain '/'.")
	case in.Name == defaultBus:
		return nil, dispatch.Errorf("ResourceAlreadyExistsException", "Event bus %s already exists.", in.Name)
	}
	if err := s.checkSettings(ctx, c, in.Description, in.KmsKeyIdentifier, s.busARN(in.Name), in.DeadLetterConfig); err != nil {
		return nil, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	if s.buses.Len() >= 100 {
		return nil, dispatch.Errorf("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	now := s.now()
	b := bus{Name: in.Name, Description: in.Description, Key: in.KmsKeyIdentifier, DeadLetter: in.DeadLetterConfig, Tags: tagMap(in.Tags), Created: now, Modified: now}
	created, err := s.buses.Create(in.Name, b)
	if err != nil {
		return nil, err
	}
	if !created {
		return nil, dispatch.Errorf("ResourceAlreadyExistsException", "Event bus %s already exists.", in.Name)
	}
	return &CreateEventBusOutput{s.busARN(in.Name), in.Description, in.KmsKeyIdentifier, in.DeadLetterConfig}, nil
}

func (s *Service) updateBus(ctx context.Context, c *dispatch.Call, in *UpdateEventBusInput) (*UpdateEventBusOutput, error) {
	arn := s.busARN(in.Name)
	if err := s.checkSettings(ctx, c, in.Description, in.KmsKeyIdentifier, arn, in.DeadLetterConfig); err != nil {
		return nil, err
	}
	b, err := s.changeBus(in.Name, func(b *bus) error {
		b.Description, b.Key, b.DeadLetter = in.Description, in.KmsKeyIdentifier, in.DeadLetterConfig
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &UpdateEventBusOutput{arn, b.Name, b.Description, b.Key, b.DeadLetter}, nil
}

func (s *Service) changeBus(nameOrARN string, f func(*bus) error) (bus, error) {
	s.change.Lock()
	defer s.change.Unlock()
	b, err := s.findBus(nameOrARN)
	if err != nil {
		return b, err
	}
	if err := f(&b); err != nil {
		return b, err
	}
	b.Modified = s.now()
	return b, s.buses.Put(b.Name, b)
}

func (s *Service) describeBus(_ context.Context, _ *dispatch.Call, in *EventBusInput) (*EventBus, error) {
	b, err := s.findBus(in.Name)
	if err != nil {
		return nil, err
	}
	out := s.view(b)
	return &out, nil
}

func (s *Service) deleteBus(_ context.Context, _ *dispatch.Call, in *EventBusInput) (*Empty, error) {
	name := s.busName(in.Name)
	if name == defaultBus {
		return nil, invalid("Cannot delete event bus %s.", name)
	}
	s.change.Lock()
	defer s.change.Unlock()
	for _, r := range s.rules.All() {
		if r.Bus == name {
			return nil, invalid("Event bus %s can't be deleted since it has rules.", name)
		}
	}
	if _, err := s.buses.Delete(name); err != nil { // a bus that is not there is deleted too
		return nil, err
	}
	s.index.forget(name)
	return &Empty{}, nil
}

func (s *Service) listBuses(_ context.Context, _ *dispatch.Call, in *ListEventBusesInput) (*ListEventBusesOutput, error) {
	buses, next, err := listed(s.buses, in.Limit, in.NextToken, func(b bus) bool { return strings.HasPrefix(b.Name, in.NamePrefix) }, s.view)
	return &ListEventBusesOutput{buses, next}, err
}

// document is a bus's policy as PutPermission changes it.
type document struct {
	Version   string
	Statement []map[string]any
}

func (s *Service) putPermission(ctx context.Context, _ *dispatch.Call, in *PutPermissionInput) (*Empty, error) {
	if in.Policy != "" {
		if in.Action+in.Principal+in.StatementID != "" || in.Condition != nil {
			return nil, invalid("Parameter(s) Policy and Action, Principal, StatementId or Condition must not be specified together.")
		}
		if len(in.Policy) > 10240 {
			return nil, dispatch.Errorf("PolicyLengthExceededException", "The policy is longer than 10240 characters.")
		}
		if err := checkPolicy(in.Policy); err != nil {
			return nil, err
		}
		_, err := s.changeBus(in.EventBusName, func(b *bus) error { b.Policy = in.Policy; return nil })
		return &Empty{}, err
	}
	var p problems
	p.text("statementId", in.StatementID, 1, 64, sidForm)
	p.text("principal", in.Principal, 1, 12, accountForm)
	p.text("action", in.Action, 1, 64, nil)
	if err := p.err(); err != nil {
		return nil, err
	}
	if in.Action != "events:PutEvents" {
		return nil, invalid("Provided value in parameter 'action' is not supported.")
	}
	statement := map[string]any{"Sid": in.StatementID, "Effect": "Allow", "Principal": any("*"), "Action": in.Action, "Resource": s.busARN(in.EventBusName)}
	if in.Principal != "*" {
		statement["Principal"] = map[string]string{"AWS": "arn:aws:iam::" + in.Principal + ":root"}
	}
	if k := in.Condition; k != nil {
		if k.Type != "StringEquals" || k.Key != "aws:PrincipalOrgID" || in.Principal != "*" {
			return nil, invalid("A Condition must be StringEquals of aws:PrincipalOrgID with the principal *.")
		}
		statement["Condition"] = map[string]map[string]string{k.Type: {k.Key: k.Value}}
	}
	return s.changePolicy(in.EventBusName, func(doc *document) error {
		doc.Statement = slices.DeleteFunc(doc.Statement, func(st map[string]any) bool { return st["Sid"] == in.StatementID })
		doc.Statement = append(doc.Statement, statement)
		return nil
	})
}

func checkPolicy(text string) error {
	var doc struct {
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || len(doc.Statement) == 0 {
		return dispatch.Errorf("ValidationException", "This policy contains invalid Json")
	}
	return nil
}

func (s *Service) removePermission(_ context.Context, _ *dispatch.Call, in *RemovePermissionInput) (*Empty, error) {
	if in.RemoveAllPermissions {
		_, err := s.changeBus(in.EventBusName, func(b *bus) error { b.Policy = ""; return nil })
		return &Empty{}, err
	}
	b, err := s.findBus(in.EventBusName)
	switch {
	case err != nil:
		return nil, err
	case in.StatementID == "":
		return nil, invalid("Parameter StatementId is required.")
	case b.Policy == "":
		return nil, notFound("EventBus does not have a policy.")
	}
	return s.changePolicy(in.EventBusName, func(doc *document) error {
		n := len(doc.Statement)
		doc.Statement = slices.DeleteFunc(doc.Statement, func(st map[string]any) bool { return st["Sid"] == in.StatementID })
		if len(doc.Statement) == n {
			return notFound("Statement with the provided id does not exist.")
		}
		return nil
	})
}

func (s *Service) changePolicy(nameOrARN string, f func(*document) error) (*Empty, error) {
	_, err := s.changeBus(nameOrARN, func(b *bus) error {
		doc := document{Version: "2012-10-17"}
		if b.Policy != "" {
			if err := json.Unmarshal([]byte(b.Policy), &doc); err != nil {
				return fmt.Errorf("reading the policy of the bus %s: %w", b.Name, err)
			}
		}
		if err := f(&doc); err != nil {
			return err
		}
		if b.Policy = ""; len(doc.Statement) == 0 {
			return nil
		}
		text, err := json.Marshal(doc)
		if err != nil {
			return fmt.Errorf("writing the policy of the bus %s: %w", b.Name, err)
		}
		b.Policy = string(text)
		return nil
	})
	return &Empty{}, err
}

// changeTags changes the tags of the bus or rule of an ARN.
func (s *Service) changeTags(arn string, f func(map[string]string)) (*Empty, error) {
	apply := func(tags map[string]string) (map[string]string, error) {
		tags = maps.Clone(tags)
		if tags == nil {
			tags = map[string]string{}
		}
		if f(tags); len(tags) > 50 {
			return nil, dispatch.Errorf("LimitExceededException", "A resource has at most 50 tags.")
		}
		return tags, nil
	}
	if key, ok := s.ruleKey(arn); ok {
		_, err := s.changeRule(key, func(r *rule) (err error) { r.Tags, err = apply(r.Tags); return err })
		return &Empty{}, err
	}
	_, err := s.changeBus(arn, func(b *bus) (err error) { b.Tags, err = apply(b.Tags); return err })
	return &Empty{}, err
}

func (s *Service) tag(_ context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
	var p problems
	if p.tags(in.Tags); len(p) > 0 {
		return nil, p.err()
	}
	return s.changeTags(in.ResourceARN, func(tags map[string]string) { maps.Copy(tags, tagMap(in.Tags)) })
}

func (s *Service) untag(_ context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
	return s.changeTags(in.ResourceARN, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	var tags map[string]string
	if key, ok := s.ruleKey(in.ResourceARN); ok {
		r, err := s.findRule(key)
		if err != nil {
			return nil, err
		}
		tags = r.Tags
	} else {
		b, err := s.findBus(in.ResourceARN)
		if err != nil {
			return nil, err
		}
		tags = b.Tags
	}
	out := &ListTagsForResourceOutput{Tags: []Tag{}}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, Tag{k, tags[k]})
	}
	return out, nil
}
