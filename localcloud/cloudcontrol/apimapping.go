package cloudcontrol

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-apimapping.html
const (
	apiMappingType   = "AWS::ApiGatewayV2::ApiMapping"
	apiMappingSchema = `{"typeName":"AWS::ApiGatewayV2::ApiMapping","properties":{"ApiId":{"type":"string"},"ApiMappingId":{"type":"string"},` +
		`"ApiMappingKey":{"type":"string"},"DomainName":{"type":"string"},"Stage":{"type":"string"}},"additionalProperties":false,` +
		`"required":["DomainName","Stage","ApiId"],"createOnlyProperties":["/properties/DomainName"],` +
		`"primaryIdentifier":["/properties/ApiMappingId","/properties/DomainName"],"readOnlyProperties":["/properties/ApiMappingId"]}`
)

// apiMapping is a mapping of API Gateway's as its second API writes it.
type apiMapping struct {
	APIID         string `json:"apiId"`
	APIMappingID  string `json:"apiMappingId"`
	APIMappingKey string `json:"apiMappingKey"`
	Stage         string `json:"stage"`
}

func (m *apiMapping) properties(domain string) properties {
	p := properties{"ApiId": m.APIID, "ApiMappingId": m.APIMappingID, "DomainName": domain, "Stage": m.Stage}
	if m.APIMappingKey != "" {
		p["ApiMappingKey"] = m.APIMappingKey
	}
	return p
}

// keyOf is a mapping's path: without one it takes the whole domain.
func keyOf(p properties) any {
	if key := p["ApiMappingKey"]; key != nil {
		return key
	}
	return ""
}

// apiMappings handles the type AWS::ApiGatewayV2::ApiMapping. All but the domain of a mapping can be changed.
func (s *Service) apiMappings() *resourceType {
	type call = map[string]any
	at := func(id string) call {
		mapping, domain, _ := strings.Cut(id, "|")
		return call{"apiMappingId": mapping, "domainName": domain}
	}
	t := &resourceType{service: "AmazonApiGatewayV2"}
	t.create = func(ctx context.Context, by dispatch.Principal, p properties, _ string) (string, error) {
		in := call{"domainName": p["DomainName"], "apiId": p["ApiId"], "stage": p["Stage"], "apiMappingKey": keyOf(p)}
		var made apiMapping
		if err := s.d.DoInto(ctx, by, "apigatewayv2", "CreateApiMapping", in, &made); err != nil {
			if dispatch.AsError(err).Code == "ConflictException" {
				return "", refuse("AlreadyExists", "%s", dispatch.AsError(err).Message)
			}
			return "", err
		}
		domain, _ := p["DomainName"].(string)
		return made.APIMappingID + "|" + domain, nil
	}
	t.read = func(ctx context.Context, by dispatch.Principal, id string) (properties, error) {
		in := at(id)
		var found apiMapping
		if err := s.d.DoInto(ctx, by, "apigatewayv2", "GetApiMapping", in, &found); err != nil {
			return nil, err
		}
		domain, _ := in["domainName"].(string)
		return found.properties(domain), nil
	}
	t.update = func(ctx context.Context, by dispatch.Principal, id string, _, after properties) error {
		in := at(id)
		in["apiId"], in["stage"], in["apiMappingKey"] = after["ApiId"], after["Stage"], keyOf(after)
		_, err := s.d.Do(ctx, by, "apigatewayv2", "UpdateApiMapping", in)
		return err
	}
	t.remove = func(ctx context.Context, by dispatch.Principal, id string) error {
		_, err := s.d.Do(ctx, by, "apigatewayv2", "DeleteApiMapping", at(id))
		return err
	}
	t.list = func(ctx context.Context, by dispatch.Principal, in *ListResourcesInput) ([]listed, string, error) {
		var of struct{ DomainName string }
		if err := json.Unmarshal([]byte(in.ResourceModel), &of); err != nil || of.DomainName == "" {
			return nil, "", dispatch.Errorf("InvalidRequestException",
				"Missing or invalid ResourceModel property in %s list handler request input. Required property: (#: required key [DomainName] not found)", apiMappingType)
		}
		request := call{"domainName": of.DomainName, "maxResults": strconv.Itoa(in.most())}
		if in.NextToken != "" {
			request["nextToken"] = in.NextToken
		}
		var page struct {
			Items     []apiMapping `json:"items"`
			NextToken string       `json:"nextToken"`
		}
		if err := s.d.DoInto(ctx, by, "apigatewayv2", "GetApiMappings", request, &page); err != nil {
			return nil, "", err
		}
		var items []listed
		for _, m := range page.Items {
			items = append(items, listed{m.APIMappingID + "|" + of.DomainName, m.properties(of.DomainName)})
		}
		return items, page.NextToken, nil
	}
	return t
}
