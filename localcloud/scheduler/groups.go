package scheduler

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// defaultGroup is the group that every account has.
const defaultGroup = "default"

// group is a schedule group as the store keeps it.
type group struct {
	Name              string
	Token             string // of the request that made it
	Created, Modified time.Time
	Tags              map[string]string
}

func notFound(kind, name string) error {
	return &dispatch.Error{Code: "ResourceNotFoundException", Status: 404, Message: fmt.Sprintf("%s %s does not exist.", kind, name)}
}

func conflict(kind, name string) error {
	return &dispatch.Error{Code: "ConflictException", Status: 409, Message: fmt.Sprintf("%s %s already exists.", kind, name)}
}

func (s *Service) group(name string) (group, error) {
	g, ok := s.groups.Get(name)
	if !ok {
		return g, notFound("Schedule group", name)
	}
	return g, nil
}

func (s *Service) createGroup(ctx context.Context, c *dispatch.Call, in *CreateScheduleGroupInput) (*CreateScheduleGroupOutput, error) {
	var v violations
	v.name("name", in.Name)
	v.token(in.ClientToken)
	if err := v.Err(); err != nil {
		return nil, err
	}
	tags, err := withTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	arn := s.groupARN(in.Name)
	if len(tags) > 0 {
		if err := s.d.Check(ctx, c.Principal, "scheduler:TagResource", []string{arn}); err != nil {
			return nil, err
		}
	}
	now := s.now()
	g := group{Name: in.Name, Token: in.ClientToken, Created: now, Modified: now, Tags: tags}
	s.mu.Lock()
	defer s.mu.Unlock()
	created, err := s.groups.Create(in.Name, g)
	if err != nil {
		return nil, err
	}
	if !created {
		old, _ := s.groups.Get(in.Name)
		if in.ClientToken == "" || old.Token != in.ClientToken {
			return nil, conflict("Schedule group", in.Name)
		}
	}
	return &CreateScheduleGroupOutput{arn}, nil
}

func (s *Service) describeGroup(g group) ScheduleGroup {
	return ScheduleGroup{Arn: s.groupARN(g.Name), Name: g.Name, State: "ACTIVE", CreationDate: dispatch.Time{Time: g.Created}, LastModificationDate: dispatch.Time{Time: g.Modified}}
}

func (s *Service) getGroup(_ context.Context, _ *dispatch.Call, in *GroupNameInput) (*ScheduleGroup, error) {
	g, err := s.group(in.Name)
	if err != nil {
		return nil, err
	}
	out := s.describeGroup(g)
	return &out, nil
}

func (s *Service) deleteGroup(_ context.Context, _ *dispatch.Call, in *GroupNameInput) (*Empty, error) {
	if in.Name == defaultGroup {
		return nil, invalid("The default schedule group cannot be deleted.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.group(in.Name); err != nil {
		return nil, err
	}
	for key, r := range s.schedules.All() {
		if r.GroupName == in.Name {
			if err := s.remove(key); err != nil {
				return nil, err
			}
		}
	}
	_, err := s.groups.Delete(in.Name)
	return &Empty{}, err
}

func (s *Service) listGroups(_ context.Context, _ *dispatch.Call, in *ListScheduleGroupsInput) (*ListScheduleGroupsOutput, error) {
	p, err := newPage[ScheduleGroup](in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	for name, g := range s.groups.All() {
		if strings.HasPrefix(name, in.NamePrefix) && !p.add(name, func() ScheduleGroup { return s.describeGroup(g) }) {
			break
		}
	}
	return &ListScheduleGroupsOutput{p.items, p.next}, nil
}

// withTags returns old tags with others added.
func withTags(old map[string]string, added []Tag) (map[string]string, error) {
	tags := maps.Clone(old)
	if tags == nil {
		tags = map[string]string{}
	}
	var v violations
	for i, t := range added {
		v.Length(fmt.Sprintf("tags.%d.member.key", i+1), t.Key, 1, 128)
		v.Length(fmt.Sprintf("tags.%d.member.value", i+1), t.Value, 1, 256)
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, invalid("Tag keys must not begin with aws:.")
		}
		tags[t.Key] = t.Value
	}
	if len(tags) > 50 {
		return nil, invalid("A schedule group has at most 50 tags.")
	}
	return tags, v.Err()
}

// changeTags changes the tags of a group; schedules have none.
func (s *Service) changeTags(arn string, f func(map[string]string) (map[string]string, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.tagged(arn)
	if err != nil {
		return err
	}
	if g.Tags, err = f(g.Tags); err != nil {
		return err
	}
	return s.groups.Put(g.Name, g)
}

func (s *Service) tagged(arn string) (group, error) {
	name, ok := strings.CutPrefix(arn, s.groupARN(""))
	if !ok {
		return group{}, invalid("1 validation error detected: Value '%s' at 'resourceArn' failed to satisfy constraint: Member must be the ARN of a schedule group", arn)
	}
	return s.group(name)
}

func (s *Service) tag(_ context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
	return &Empty{}, s.changeTags(in.ResourceArn, func(old map[string]string) (map[string]string, error) { return withTags(old, in.Tags) })
}

func (s *Service) untag(_ context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
	return &Empty{}, s.changeTags(in.ResourceArn, func(old map[string]string) (map[string]string, error) {
		tags := maps.Clone(old)
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return tags, nil
	})
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	g, err := s.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &ListTagsForResourceOutput{Tags: []Tag{}}
	for _, key := range slices.Sorted(maps.Keys(g.Tags)) {
		out.Tags = append(out.Tags, Tag{key, g.Tags[key]})
	}
	return out, nil
}
