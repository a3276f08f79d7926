package apigateway

import (
	"context"
	"strconv"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// handleV2 registers an operation of API Gateway's second API, of which only domain names and their mappings are emulated.
// It signs as the first and has its permissions: those of the path without "/v2".
func handleV2[In, Out any](s *Service, b binding, do func(ctx context.Context, c *dispatch.Call, in *In) (*Out, error)) {
	b.path = "/v2" + b.path
	handleCall(s, "apigatewayv2", b, do)
}

var pageV2Query = map[string]string{"maxResults": "maxResults", "nextToken": "nextToken"}

func (s *Service) registerDomainsV2() {
	const path, mappings = "/domainnames", "/domainnames/{domainName}/apimappings"
	handleV2(s, binding{action: "CreateDomainName", method: "POST", path: path, status: 201}, s.createDomainV2)
	handleV2(s, binding{action: "GetDomainNames", method: "GET", path: path, query: pageV2Query},
		func(_ context.Context, _ *dispatch.Call, in *PageV2Input) (*DomainNamesV2, error) {
			var all []*DomainNameV2
			for _, record := range s.domains.All() {
				all = append(all, s.shownDomainV2(record))
			}
			items, next, err := pageV2(all, in.MaxResults, in.NextToken)
			return &DomainNamesV2{items, next}, err
		})
	handleV2(s, binding{action: "GetDomainName", method: "GET", path: path + "/{domainName}"},
		func(_ context.Context, _ *dispatch.Call, in *DomainNameInput) (*DomainNameV2, error) {
			record, err := s.domain(in.DomainName)
			if err != nil {
				return nil, err
			}
			return s.shownDomainV2(record), nil
		})
	handleV2(s, binding{action: "UpdateDomainName", method: "PATCH", path: path + "/{domainName}"}, s.updateDomainV2)
	handleV2(s, binding{action: "DeleteDomainName", method: "DELETE", path: path + "/{domainName}", status: 204},
		func(ctx context.Context, _ *dispatch.Call, in *DomainNameInput) (*Empty, error) {
			return s.deleteDomain(ctx, in)
		})
	handleV2(s, binding{action: "CreateApiMapping", method: "POST", path: mappings, status: 201}, s.createMappingV2)
	handleV2(s, binding{action: "GetApiMappings", method: "GET", path: mappings, query: pageV2Query},
		func(_ context.Context, _ *dispatch.Call, in *GetAPIMappingsInput) (*APIMappings, error) {
			record, err := s.domain(in.DomainName)
			if err != nil {
				return nil, err
			}
			var all []*APIMapping
			for _, m := range record.Mappings {
				all = append(all, m.shownV2())
			}
			items, next, err := pageV2(all, in.MaxResults, in.NextToken)
			return &APIMappings{items, next}, err
		})
	handleV2(s, binding{action: "GetApiMapping", method: "GET", path: mappings + "/{apiMappingId}"},
		func(_ context.Context, _ *dispatch.Call, in *APIMappingInput) (*APIMapping, error) {
			record, err := s.domain(in.DomainName)
			if err != nil {
				return nil, err
			}
			m, err := record.mappingByID(in.APIMappingID)
			if err != nil {
				return nil, err
			}
			return m.shownV2(), nil
		})
	handleV2(s, binding{action: "UpdateApiMapping", method: "PATCH", path: mappings + "/{apiMappingId}"}, s.updateMappingV2)
	handleV2(s, binding{action: "DeleteApiMapping", method: "DELETE", path: mappings + "/{apiMappingId}", status: 204},
		func(_ context.Context, _ *dispatch.Call, in *APIMappingInput) (*Empty, error) {
			_, err := s.remap(in.DomainName, func(r *domainRecord) error {
				m, err := r.mappingByID(in.APIMappingID)
				if err == nil {
					r.unmap(m.ID)
				}
				return err
			})
			return &Empty{}, err
		})
	s.registerTagsV2()
}

func (s *Service) registerTagsV2() {
	const tags = "/tags/{resourceArn}"
	handleV2(s, binding{action: "GetTags", method: "GET", path: tags},
		func(ctx context.Context, _ *dispatch.Call, in *TagsV2Input) (*Tags, error) {
			return s.getTags(ctx, in.ResourceArn)
		})
	handleV2(s, binding{action: "TagResource", method: "POST", path: tags, status: 201},
		func(ctx context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
			return s.tagResource(ctx, in)
		})
	handleV2(s, binding{action: "UntagResource", method: "DELETE", path: tags, query: map[string]string{"tagKeys": "tagKeys"}, status: 204},
		func(ctx context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
			return s.untagResource(ctx, in)
		})
}

// pageV2 is page for v2, whose numbers travel as text.
func pageV2[T any](all []T, most, token string) (items []T, next string, err error) {
	p := PageInput{Position: token}
	if most != "" {
		if p.Limit, err = strconv.Atoi(most); err != nil || p.Limit < 1 {
			return nil, "", badRequest("Invalid maxResults: %s", most)
		}
	}
	return page(all, p)
}

func (s *Service) shownDomainV2(r *domainRecord) *DomainNameV2 {
	c := DomainNameConfiguration{APIGatewayDomainName: r.Target, CertificateArn: r.CertificateARN, CertificateName: r.CertName, CertificateUploadDate: &isoTime{r.Uploaded},
		DomainNameStatus: "AVAILABLE", EndpointType: r.EndpointType, HostedZoneID: s.regionalZone(), IPAddressType: r.IPAddressType, SecurityPolicy: r.SecurityPolicy,
		OwnershipVerificationCertificateArn: r.OwnershipARN}
	if r.EndpointType == "EDGE" {
		c.HostedZoneID = cloudFrontZone
	}
	return &DomainNameV2{DomainName: r.Name, DomainNameArn: s.domainARN(r.Name), APIMappingSelectionExpression: "$request.basepath",
		DomainNameConfigurations: []DomainNameConfiguration{c}, MutualTLSAuthentication: r.MutualTLS, RoutingMode: "API_MAPPING_ONLY", Tags: r.Tags}
}

const (
	onlyRegional = "Only REGIONAL domain names can be managed through the API Gateway V2 API. For EDGE domain names, please use the API Gateway V1 API. " +
		"Also note that only REST APIs can be attached to EDGE domain names."
	onlyTLS12 = "Only REGIONAL domain names with a security policy of TLS 1.2 can be managed through the API Gateway V2 API. For TLS 1.0 domain names, " +
		"please use the API Gateway V1 API to upgrade your security policy to TLS 1.2. Currently, only REST APIs can be attached to a domain name with a security policy of TLS 1.0."
)

// manageable refuses the domains that only v1 manages.
func (r *domainRecord) manageable() error {
	switch {
	case r.EndpointType != "REGIONAL":
		return badRequest(onlyRegional)
	case r.SecurityPolicy == "TLS_1_0":
		return badRequest(onlyTLS12)
	}
	return nil
}

// configure takes over what a configuration of v2's says.
func (r *domainRecord) configure(all []DomainNameConfiguration, region string) error {
	if len(all) != 1 {
		return badRequest("Invalid input. Expected one domain name configuration")
	}
	c := &all[0]
	switch c.EndpointType {
	case "", "REGIONAL":
		r.setEndpointType("REGIONAL", region)
	case "EDGE":
		return badRequest(onlyRegional)
	default:
		return badRequest("Invalid endpoint type %s: it must be one of [REGIONAL, EDGE]", c.EndpointType)
	}
	switch {
	case c.SecurityPolicy == "TLS_1_0":
		return badRequest("TLS_1_0 is not supported for APIGatewayV2 domainName.")
	case c.SecurityPolicy != "" && c.SecurityPolicy != "TLS_1_2":
		return badRequest("Invalid security policy %s: it must be one of [TLS_1_0, TLS_1_2]", c.SecurityPolicy)
	case c.SecurityPolicy != "":
		r.SecurityPolicy = c.SecurityPolicy
	}
	if c.CertificateArn != "" {
		r.CertificateARN = c.CertificateArn
	}
	if c.CertificateName != "" {
		r.CertName = c.CertificateName
	}
	if c.OwnershipVerificationCertificateArn != "" {
		r.OwnershipARN = c.OwnershipVerificationCertificateArn
	}
	if c.IPAddressType != "" {
		r.IPAddressType = c.IPAddressType
	}
	return checkDomainEndpoint(r.EndpointType, r.IPAddressType)
}

var routingModesV2 = []string{"API_MAPPING_ONLY", "ROUTING_RULE_ONLY", "ROUTING_RULE_THEN_API_MAPPING"}

func (s *Service) createDomainV2(ctx context.Context, c *dispatch.Call, in *CreateDomainNameV2Input) (*DomainNameV2, error) {
	record := &domainRecord{Name: in.DomainName, Tags: in.Tags, IPAddressType: "ipv4", Uploaded: s.d.Clock.Now()}
	if err := record.configure(in.DomainNameConfigurations, s.d.Region); err != nil {
		return nil, err
	}
	if err := checkRoutingMode(in.RoutingMode, routingModesV2...); err != nil {
		return nil, err
	}
	if err := s.makeDomain(ctx, c.Principal, record, in.MutualTLSAuthentication); err != nil {
		return nil, err
	}
	return s.shownDomainV2(record), nil
}

func (s *Service) updateDomainV2(ctx context.Context, c *dispatch.Call, in *UpdateDomainNameV2Input) (*DomainNameV2, error) {
	record, err := s.changeDomain(ctx, in.DomainName, func(r *domainRecord) error {
		if err := r.manageable(); err != nil {
			return err
		}
		if err := r.configure(in.DomainNameConfigurations, s.d.Region); err != nil {
			return err
		}
		if err := checkRoutingMode(in.RoutingMode, routingModesV2...); err != nil || in.MutualTLSAuthentication == nil {
			return err
		}
		return s.setMutualTLS(ctx, c.Principal, r, in.MutualTLSAuthentication.TruststoreURI, in.MutualTLSAuthentication.TruststoreVersion)
	})
	if err != nil {
		return nil, err
	}
	return s.shownDomainV2(record), nil
}

func (m *mappedPath) shownV2() *APIMapping {
	return &APIMapping{APIID: m.API, APIMappingID: m.ID, APIMappingKey: m.Path, Stage: m.Stage}
}

func (r *domainRecord) mappingByID(id string) (*mappedPath, error) {
	for i := range r.Mappings {
		if r.Mappings[i].ID == id {
			return &r.Mappings[i], nil
		}
	}
	return nil, notFound("Invalid API mapping identifier specified")
}

// mapV2 checks a mapping that v2 makes or changes.
func (s *Service) mapV2(r *domainRecord, m *mappedPath) error {
	if err := r.manageable(); err != nil {
		return err
	}
	if m.Stage == "" {
		return badRequest("Stage must be specified")
	}
	if m.Path == none {
		return badRequest("Invalid API mapping key %s: leave the key out to map the whole domain name", none)
	}
	if strings.Contains(m.Path, "/") && isEnhanced(r.SecurityPolicy) && r.EndpointType != "REGIONAL" {
		return badRequest(onlyRegional)
	}
	if other, err := r.mapping(m.Path); err == nil && other.ID != m.ID {
		return conflict("ApiMapping key already exists for this domain name")
	}
	return s.checkMapping(r, m)
}

func (s *Service) createMappingV2(_ context.Context, _ *dispatch.Call, in *CreateAPIMappingInput) (*APIMapping, error) {
	m := mappedPath{ID: newID(6), Path: in.APIMappingKey, API: in.APIID, Stage: in.Stage}
	_, err := s.remap(in.DomainName, func(r *domainRecord) error {
		if err := s.mapV2(r, &m); err != nil {
			return err
		}
		r.Mappings = append(r.Mappings, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m.shownV2(), nil
}

func (s *Service) updateMappingV2(_ context.Context, _ *dispatch.Call, in *UpdateAPIMappingInput) (*APIMapping, error) {
	var changed mappedPath
	_, err := s.remap(in.DomainName, func(r *domainRecord) error {
		m, err := r.mappingByID(in.APIMappingID)
		if err != nil {
			return err
		}
		changed = *m
		if in.APIID != "" {
			changed.API = in.APIID
		}
		if in.APIMappingKey != nil {
			changed.Path = *in.APIMappingKey
		}
		if in.Stage != "" {
			changed.Stage = in.Stage
		}
		if err := s.mapV2(r, &changed); err != nil {
			return err
		}
		*m = changed
		return nil
	})
	if err != nil {
		return nil, err
	}
	return changed.shownV2(), nil
}
