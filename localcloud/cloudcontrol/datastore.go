package cloudcontrol

import (
	"context"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-healthlake-fhirdatastore.html
const (
	datastoreType   = "AWS::HealthLake::FHIRDatastore"
	datastoreSchema = `{"typeName":"AWS::HealthLake::FHIRDatastore","properties":{"CreatedAt":{"type":"object"},"DatastoreArn":{"type":"string"},` +
		`"DatastoreEndpoint":{"type":"string"},"DatastoreId":{"type":"string"},"DatastoreName":{"type":"string"},"DatastoreStatus":{"type":"string"},` +
		`"DatastoreTypeVersion":{"type":"string"},"IdentityProviderConfiguration":{"type":"object"},"PreloadDataConfig":{"type":"object"},` +
		`"SseConfiguration":{"type":"object"},"Tags":{"type":"array"}},"additionalProperties":false,"required":["DatastoreTypeVersion"],` +
		`"createOnlyProperties":["/properties/DatastoreName","/properties/DatastoreTypeVersion","/properties/IdentityProviderConfiguration","/properties/PreloadDataConfig","/properties/SseConfiguration"],` +
		`"primaryIdentifier":["/properties/DatastoreId"],` +
		`"readOnlyProperties":["/properties/CreatedAt","/properties/DatastoreArn","/properties/DatastoreEndpoint","/properties/DatastoreId","/properties/DatastoreStatus"]}`
	deletedStatus = "DELETED"
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

// datastores handles the type AWS::HealthLake::FHIRDatastore. Of a data store that is there only the tags can be changed.
func (s *Service) datastores() *resourceType {
	return &resourceType{
		service: "HealthLake",
		create: func(ctx context.Context, by dispatch.Principal, p properties, token string) (string, error) {
			in := map[string]any{"ClientToken": token}
			for name, v := range p {
				in[name] = v
			}
			var out struct {
				DatastoreID string `json:"DatastoreId"`
			}
			err := s.d.DoInto(ctx, by, "healthlake", "CreateFHIRDatastore", in, &out)
			return out.DatastoreID, err
		},
		read: s.describe,
		update: func(ctx context.Context, by dispatch.Principal, _ string, before, after properties) error {
			return s.changeTags(ctx, by, before, after)
		},
		remove: func(ctx context.Context, by dispatch.Principal, id string) error {
			_, err := s.d.Do(ctx, by, "healthlake", "DeleteFHIRDatastore", map[string]any{"DatastoreId": id})
			return err
		},
		list:  s.listDatastores,
		ready: func(p properties) bool { return p["DatastoreStatus"] == "ACTIVE" },
	}
}

func (s *Service) listDatastores(ctx context.Context, by dispatch.Principal, in *ListResourcesInput) (items []listed, next string, err error) {
	request := map[string]any{"MaxResults": in.most()}
	if in.NextToken != "" {
		request["NextToken"] = in.NextToken
	}
	var page struct {
		DatastorePropertiesList []datastoreProperties
		NextToken               string
	}
	if err := s.d.DoInto(ctx, by, "healthlake", "ListFHIRDatastores", request, &page); err != nil {
		return nil, "", err
	}
	for _, p := range page.DatastorePropertiesList {
		if p.DatastoreStatus != deletedStatus {
			items = append(items, listed{p.DatastoreID, p.model()})
		}
	}
	return items, page.NextToken, nil
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
