package cloudcontrol

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-healthlake-fhirdatastore.html
const (
	datastoreType = "AWS::HealthLake::FHIRDatastore"
	deletedStatus = "DELETED"
)

// createOnly and readOnly are the type's properties by what may be done with them; Tags is the remaining one.
var (
	createOnly = []string{"DatastoreName", "DatastoreTypeVersion", "IdentityProviderConfiguration", "PreloadDataConfig", "SseConfiguration"}
	readOnly   = []string{"CreatedAt", "DatastoreArn", "DatastoreEndpoint", "DatastoreId", "DatastoreStatus"}
)

// datastoreProperties are what HealthLake tells of a data store.
type datastoreProperties struct {
	DatastoreID                   string `json:"DatastoreId"`
	DatastoreArn                  string
	DatastoreName                 string
	DatastoreStatus               string
	CreatedAt                     dispatch.Time
	DatastoreTypeVersion          string
	DatastoreEndpoint             string
	SseConfiguration              map[string]any
	IdentityProviderConfiguration map[string]any
}

func (p *datastoreProperties) model() properties {
	m := properties{"DatastoreId": p.DatastoreID, "DatastoreArn": p.DatastoreArn, "DatastoreStatus": p.DatastoreStatus, "DatastoreTypeVersion": p.DatastoreTypeVersion,
		"DatastoreEndpoint": p.DatastoreEndpoint, "CreatedAt": map[string]any{"Seconds": p.CreatedAt.Unix(), "Nanos": p.CreatedAt.Nanosecond()},
		"SseConfiguration": p.SseConfiguration, "IdentityProviderConfiguration": p.IdentityProviderConfiguration}
	if p.DatastoreName != "" {
		m["DatastoreName"] = p.DatastoreName
	}
	return m
}

func (s *Service) createDatastore(ctx context.Context, by dispatch.Principal, desired, token string) (string, error) {
	p, err := parseProperties(desired)
	if err != nil {
		return "", err
	}
	if p["DatastoreTypeVersion"] == nil {
		return "", refuse("InvalidRequest", "Model validation failed (#: required key [DatastoreTypeVersion] not found)")
	}
	in := map[string]any{"ClientToken": token}
	for name, v := range p {
		in[name] = v
	}
	var out struct {
		DatastoreID string `json:"DatastoreId"`
	}
	if err := s.d.DoInto(ctx, by, "healthlake", "CreateFHIRDatastore", in, &out); err != nil {
		return "", err
	}
	return out.DatastoreID, nil
}

// describe returns a data store's properties; the error of one that is gone is NotFound.
func (s *Service) describe(ctx context.Context, by dispatch.Principal, id string) (properties, error) {
	var out struct{ DatastoreProperties datastoreProperties }
	err := s.d.DoInto(ctx, by, "healthlake", "DescribeFHIRDatastore", map[string]any{"DatastoreId": id}, &out)
	if err != nil && dispatch.AsError(err).Code == "ResourceNotFoundException" || err == nil && out.DatastoreProperties.DatastoreStatus == deletedStatus {
		return nil, refuse("NotFound", "Resource of type '%s' with identifier '%s' was not found.", datastoreType, id)
	}
	if err != nil {
		return nil, err
	}
	m := out.DatastoreProperties.model()
	var tags struct{ Tags []any }
	if err := s.d.DoInto(ctx, by, "healthlake", "ListTagsForResource", map[string]any{"ResourceARN": m["DatastoreArn"]}, &tags); err != nil {
		return nil, err
	}
	if len(tags.Tags) > 0 {
		m["Tags"] = tags.Tags
	}
	return m, nil
}

// patchOperation is one of a patch document: only whole properties are patched.
type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// patchDatastore changes a data store's tags. A patch that would change another property is refused.
func (s *Service) patchDatastore(ctx context.Context, by dispatch.Principal, id, document string) error {
	var operations []patchOperation
	if err := json.Unmarshal([]byte(document), &operations); err != nil {
		return refuse("InvalidRequest", "The patch document is not a JSON Patch.")
	}
	before, err := s.describe(ctx, by, id)
	if err != nil {
		return err
	}
	text, err := before.text()
	if err != nil {
		return err
	}
	var now properties
	if err := json.Unmarshal([]byte(text), &now); err != nil {
		return err
	}
	var immutable []string
	for _, o := range operations {
		name, below, nested := strings.Cut(strings.TrimPrefix(o.Path, "/"), "/")
		switch {
		case name == "Tags":
			if err := patchTags(now, o, below); err != nil {
				return err
			}
		case slices.Contains(readOnly, name):
			return refuse("InvalidRequest", "Invalid patch update: the property /properties/%s is read-only", name)
		case !slices.Contains(createOnly, name):
			return refuse("InvalidRequest", "Model validation failed (#: extraneous key [%s] is not permitted)", name)
		case nested || o.Op == "remove" && now[name] != nil || o.Op != "remove" && !reflect.DeepEqual(now[name], o.Value):
			if o.Op != "test" {
				immutable = append(immutable, "/properties/"+name)
			}
		}
	}
	if len(immutable) > 0 {
		return refuse("NotUpdatable", "Invalid patch update: createOnlyProperties %s cannot be updated", immutable)
	}
	return s.changeTags(ctx, by, before, now)
}

// patchTags applies one operation to the tags.
func patchTags(p properties, o patchOperation, index string) error {
	tags, _ := p["Tags"].([]any)
	switch {
	case index == "" && (o.Op == "add" || o.Op == "replace"):
		tags, _ = o.Value.([]any)
	case index == "" && o.Op == "remove":
		tags = nil
	case index == "-" && o.Op == "add":
		tags = append(tags, o.Value)
	default:
		return refuse("InvalidRequest", "the embedded AWS does not emulate the patch operation %s of %s: replace all tags", o.Op, o.Path)
	}
	p["Tags"] = tags
	return nil
}

func tagsOf(p properties) map[string]string {
	all := map[string]string{}
	tags, _ := p["Tags"].([]any)
	for _, t := range tags {
		if m, ok := t.(map[string]any); ok {
			key, _ := m["Key"].(string)
			all[key], _ = m["Value"].(string)
		}
	}
	return all
}

func (s *Service) changeTags(ctx context.Context, by dispatch.Principal, before, after properties) error {
	old, wanted := tagsOf(before), tagsOf(after)
	var removed []string
	var added []map[string]string
	for k := range old {
		if _, still := wanted[k]; !still {
			removed = append(removed, k)
		}
	}
	for k, v := range wanted {
		if was, had := old[k]; !had || was != v {
			added = append(added, map[string]string{"Key": k, "Value": v})
		}
	}
	if len(removed) > 0 {
		if _, err := s.d.Do(ctx, by, "healthlake", "UntagResource", map[string]any{"ResourceARN": before["DatastoreArn"], "TagKeys": removed}); err != nil {
			return err
		}
	}
	if len(added) > 0 {
		if _, err := s.d.Do(ctx, by, "healthlake", "TagResource", map[string]any{"ResourceARN": before["DatastoreArn"], "Tags": added}); err != nil {
			return err
		}
	}
	return nil
}
