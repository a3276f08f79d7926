package schemas

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/carepath/carepath/localcloud/dispatch"
)

var (
	registryForm = regexp.MustCompile(`^[0-9A-Za-z_.@-]{1,64}$`)
	schemaForm   = regexp.MustCompile(`^[0-9A-Za-z_.@-]{1,385}$`)
)

const mostContent = 100_000 // characters

func checkName(what, name string, form *regexp.Regexp) error {
	if !form.MatchString(name) || strings.HasPrefix(name, "aws.") {
		return bad("%s %q is not valid: it must match %s and not begin with aws.", what, name, form)
	}
	return nil
}

func checkRest(description string, tags map[string]string) error {
	if utf8.RuneCountInString(description) > 256 {
		return bad("The description is longer than 256 characters.")
	}
	if len(tags) > 50 {
		return bad("A resource has at most 50 tags.")
	}
	for key, value := range tags {
		if key == "" || len(key) > 128 || len(value) > 256 || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return bad("Tag keys have 1 to 128 characters and do not begin with aws:, values at most 256.")
		}
	}
	return nil
}

// checkContent checks that a schema is of its type.
func checkContent(kind, content string) error {
	var head struct {
		OpenAPI string `json:"openapi"`
		Schema  string `json:"$schema"`
	}
	switch {
	case kind != "OpenApi3" && kind != "JSONSchemaDraft4":
		return bad("Type %q is not valid: it must be OpenApi3 or JSONSchemaDraft4.", kind)
	case content == "" || utf8.RuneCountInString(content) > mostContent:
		return bad("The content must have 1 to %d characters.", mostContent)
	case json.Unmarshal([]byte(content), &head) != nil:
		return bad("The content is not a JSON object; the embedded AWS does not read YAML.")
	case kind == "OpenApi3" && !strings.HasPrefix(head.OpenAPI, "3."):
		return bad("The content is not an OpenAPI 3 document.")
	case kind == "JSONSchemaDraft4" && head.Schema != "" && strings.TrimSuffix(head.Schema, "#") != "http://json-schema.org/draft-04/schema":
		return bad("The content is not a JSON Schema of draft 4.")
	}
	return nil
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func (s *Service) viewRegistry(r registry) RegistryOutput {
	return RegistryOutput{RegistryArn: s.registryARN(r.Name), RegistryName: r.Name, Description: r.Description, Tags: r.Tags}
}

func (s *Service) createRegistry(ctx context.Context, c *dispatch.Call, in *RegistryInput) (*RegistryOutput, error) {
	if err := checkName("RegistryName", in.RegistryName, registryForm); err != nil {
		return nil, err
	}
	if err := checkRest(text(in.Description), in.Tags); err != nil {
		return nil, err
	}
	if err := s.mayTag(ctx, c, s.registryARN(in.RegistryName), in.Tags); err != nil {
		return nil, err
	}
	r := registry{Name: in.RegistryName, Description: text(in.Description), Tags: maps.Clone(in.Tags)}
	created, err := s.registries.Create(r.Name, r)
	if err == nil && !created {
		err = refuse("ConflictException", 409, "Registry with name %s already exists.", r.Name)
	}
	if err != nil {
		return nil, err
	}
	out := s.viewRegistry(r)
	return &out, nil
}

func (s *Service) mayTag(ctx context.Context, c *dispatch.Call, arn string, tags map[string]string) error {
	if len(tags) == 0 {
		return nil
	}
	return s.d.Check(ctx, c.Principal, "schemas:TagResource", []string{arn})
}

func (s *Service) updateRegistry(_ context.Context, _ *dispatch.Call, in *RegistryInput) (*RegistryOutput, error) {
	if len(in.Tags) > 0 {
		return nil, bad("Tags are changed with TagResource.")
	}
	if err := checkRest(text(in.Description), nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.registry(in.RegistryName)
	if err != nil {
		return nil, err
	}
	r.Description = text(in.Description)
	out := s.viewRegistry(r)
	return &out, s.registries.Put(r.Name, r)
}

func (s *Service) describeRegistry(_ context.Context, _ *dispatch.Call, in *RegistryNameInput) (*RegistryOutput, error) {
	r, err := s.registry(in.RegistryName)
	if err != nil {
		return nil, err
	}
	out := s.viewRegistry(r)
	return &out, nil
}

func (s *Service) deleteRegistry(_ context.Context, _ *dispatch.Call, in *RegistryNameInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.registry(in.RegistryName); err != nil {
		return nil, err
	}
	for _, r := range s.schemas.All() {
		if r.Registry == in.RegistryName {
			return nil, bad("Registry %s still has schemas.", in.RegistryName)
		}
	}
	_, err := s.registries.Delete(in.RegistryName)
	return &Empty{}, err
}

// page takes items in the order of their keys, after a token, as many as are asked for.
type page struct {
	after, next, last string
	left              int
}

func newPage(limit *int, token string) (*page, error) {
	p := &page{left: 100}
	if limit != nil {
		p.left = *limit
	}
	if p.left < 1 || p.left > 100 {
		return nil, bad("The limit must be between 1 and 100.")
	}
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, bad("The token is not valid.")
	}
	p.after = string(after)
	return p, nil
}

// take reports whether an item is wanted; once the page is full it sets the token of the next.
func (p *page) take(key string) bool {
	switch {
	case key <= p.after || p.next != "":
		return false
	case p.left == 0:
		p.next = base64.RawURLEncoding.EncodeToString([]byte(p.last))
		return false
	}
	p.left--
	p.last = key
	return true
}

func (s *Service) listRegistries(_ context.Context, _ *dispatch.Call, in *ListRegistriesInput) (*ListRegistriesOutput, error) {
	p, err := newPage(in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListRegistriesOutput{Registries: []RegistryOutput{}}
	if in.Scope != "" && !strings.EqualFold(in.Scope, "LOCAL") {
		return out, nil
	}
	for name, r := range s.registries.All() {
		if strings.HasPrefix(name, in.RegistryNamePrefix) && p.take(name) {
			out.Registries = append(out.Registries, RegistryOutput{RegistryArn: s.registryARN(name), RegistryName: name, Tags: r.Tags})
		}
	}
	out.NextToken = p.next
	return out, nil
}

func (s *Service) view(r *schema, v *version) *SchemaOutput {
	return &SchemaOutput{SchemaArn: s.schemaARN(r.Registry, r.Name), SchemaName: r.Name, SchemaVersion: strconv.Itoa(v.Number), Type: v.Type, Description: r.Description,
		LastModified: stamp(r.Modified), VersionCreatedDate: stamp(v.Created), Tags: r.Tags}
}

func (s *Service) createSchema(ctx context.Context, c *dispatch.Call, in *CreateSchemaInput) (*SchemaOutput, error) {
	if err := checkName("SchemaName", in.SchemaName, schemaForm); err != nil {
		return nil, err
	}
	if err := checkRest(in.Description, in.Tags); err != nil {
		return nil, err
	}
	if err := checkContent(in.Type, in.Content); err != nil {
		return nil, err
	}
	if err := s.mayTag(ctx, c, s.schemaARN(in.RegistryName, in.SchemaName), in.Tags); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.registry(in.RegistryName); err != nil {
		return nil, err
	}
	now := s.now()
	r := schema{Registry: in.RegistryName, Name: in.SchemaName, Description: in.Description, Modified: now, Last: 1, Tags: maps.Clone(in.Tags),
		Versions: []version{{1, in.Type, in.Content, now}}}
	created, err := s.schemas.Create(r.key(), r)
	if err == nil && !created {
		err = refuse("ConflictException", 409, "Schema with name %s already exists.", r.Name)
	}
	if err != nil {
		return nil, err
	}
	return s.view(&r, &r.Versions[0]), nil
}

func (s *Service) updateSchema(_ context.Context, _ *dispatch.Call, in *UpdateSchemaInput) (*SchemaOutput, error) {
	if err := checkRest(text(in.Description), nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.schema(in.RegistryName, in.SchemaName)
	if err != nil {
		return nil, err
	}
	latest := r.Versions[len(r.Versions)-1]
	next := version{r.Last + 1, latest.Type, latest.Content, s.now()}
	if in.Type != "" {
		next.Type = in.Type
	}
	if in.Content != "" {
		next.Content = in.Content
	}
	if next.Type != latest.Type || next.Content != latest.Content {
		if err := checkContent(next.Type, next.Content); err != nil {
			return nil, err
		}
		r.Versions, r.Last = append(slices.Clone(r.Versions), next), next.Number
	}
	if in.Description != nil {
		r.Description = *in.Description
	}
	r.Modified = s.now()
	if err := s.schemas.Put(r.key(), r); err != nil {
		return nil, err
	}
	return s.view(&r, &r.Versions[len(r.Versions)-1]), nil
}

// at returns the place of a version; the latest without a number.
func (r *schema) at(number string) (int, error) {
	i := len(r.Versions) - 1
	if number != "" {
		i = slices.IndexFunc(r.Versions, func(v version) bool { return strconv.Itoa(v.Number) == number })
	}
	if i < 0 {
		return 0, refuse("NotFoundException", 404, "Version %s of schema %s does not exist.", number, r.Name)
	}
	return i, nil
}

func (s *Service) describeSchema(_ context.Context, _ *dispatch.Call, in *SchemaNameInput) (*SchemaOutput, error) {
	r, err := s.schema(in.RegistryName, in.SchemaName)
	if err != nil {
		return nil, err
	}
	i, err := r.at(in.SchemaVersion)
	if err != nil {
		return nil, err
	}
	out := s.view(&r, &r.Versions[i])
	out.Content = r.Versions[i].Content
	return out, nil
}

func (s *Service) deleteSchema(_ context.Context, _ *dispatch.Call, in *SchemaNameInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.schema(in.RegistryName, in.SchemaName)
	if err != nil {
		return nil, err
	}
	_, err = s.schemas.Delete(r.key())
	return &Empty{}, err
}

func (s *Service) deleteVersion(_ context.Context, _ *dispatch.Call, in *SchemaNameInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.schema(in.RegistryName, in.SchemaName)
	if err != nil {
		return nil, err
	}
	i, err := r.at(in.SchemaVersion)
	if err != nil {
		return nil, err
	}
	if len(r.Versions) == 1 {
		return nil, bad("The only version of a schema cannot be deleted.")
	}
	r.Versions = slices.Delete(slices.Clone(r.Versions), i, i+1)
	return &Empty{}, s.schemas.Put(r.key(), r)
}

func (s *Service) listSchemas(_ context.Context, _ *dispatch.Call, in *ListSchemasInput) (*ListSchemasOutput, error) {
	p, err := newPage(in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	if _, err := s.registry(in.RegistryName); err != nil {
		return nil, err
	}
	out := &ListSchemasOutput{Schemas: []SchemaSummary{}}
	for _, r := range s.schemas.All() {
		if r.Registry == in.RegistryName && strings.HasPrefix(r.Name, in.SchemaNamePrefix) && p.take(r.Name) {
			out.Schemas = append(out.Schemas, SchemaSummary{SchemaArn: s.schemaARN(r.Registry, r.Name), SchemaName: r.Name, LastModified: stamp(r.Modified),
				VersionCount: len(r.Versions), Tags: r.Tags})
		}
	}
	out.NextToken = p.next
	return out, nil
}

func (s *Service) listVersions(_ context.Context, _ *dispatch.Call, in *ListSchemaVersionsInput) (*ListSchemaVersionsOutput, error) {
	r, err := s.schema(in.RegistryName, in.SchemaName)
	if err != nil {
		return nil, err
	}
	out := &ListSchemaVersionsOutput{SchemaVersions: make([]SchemaVersion, len(r.Versions))}
	for i, v := range r.Versions {
		out.SchemaVersions[i] = SchemaVersion{s.schemaARN(r.Registry, r.Name), r.Name, strconv.Itoa(v.Number), v.Type}
	}
	return out, nil
}

// changeTags replaces the tags of a registry or schema by what f makes of a copy, and returns them.
func (s *Service) changeTags(arn string, f func(map[string]string)) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind, name, err := s.named(arn)
	if err != nil {
		return nil, err
	}
	changed := func(tags map[string]string) (map[string]string, error) {
		all := map[string]string{}
		maps.Copy(all, tags)
		f(all)
		return all, checkRest("", all)
	}
	if kind == "registry" {
		r, err := s.registry(name)
		if err != nil {
			return nil, err
		}
		if r.Tags, err = changed(r.Tags); err != nil {
			return nil, err
		}
		return r.Tags, s.registries.Put(name, r)
	}
	owner, name, _ := strings.Cut(name, "/")
	r, err := s.schema(owner, name)
	if err != nil {
		return nil, err
	}
	if r.Tags, err = changed(r.Tags); err != nil {
		return nil, err
	}
	return r.Tags, s.schemas.Put(r.key(), r)
}

func (s *Service) tag(_ context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
	_, err := s.changeTags(in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
	return &Empty{}, err
}

func (s *Service) untag(_ context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
	_, err := s.changeTags(in.ResourceArn, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
	return &Empty{}, err
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *ResourceInput) (*TagsOutput, error) {
	tags, err := s.changeTags(in.ResourceArn, func(map[string]string) {})
	if err != nil {
		return nil, err
	}
	return &TagsOutput{tags}, nil
}
