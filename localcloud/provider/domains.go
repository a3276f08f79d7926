package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func domainTypes() []*resourceType {
	return []*resourceType{domainNameType(), basePathMappingType(), domainNameV2Type(), apiMappingType()}
}

// mutualTLS is the property of both domain types.
func mutualTLS() *property {
	return object("mutualTlsAuthentication", text("truststoreUri").needed(), text("truststoreVersion"))
}

var mutualMembers = []string{"truststoreUri", "truststoreUri", "truststoreVersion", "truststoreVersion"}

// liveMutual is what the API tells of mutual TLS, nil when it is off.
func liveMutual(d props) any {
	if m := d.object("mutualTlsAuthentication"); m.text("truststoreUri") != "" {
		return map[string]any(m.copied(props{}, mutualMembers...))
	}
	return nil
}

func domainNameType() *resourceType {
	const noUpload = "certificates are ACM's"
	r := &resourceType{
		token: "aws:apigateway/domainName:DomainName",
		properties: append(tagProperties(),
			text("arn").output(),
			text("certificateArn").against("certificateBody", "certificateChain", "certificateName", "certificatePrivateKey", "regionalCertificateArn", "regionalCertificateName"),
			text("certificateBody").refused(noUpload), text("certificateChain").refused(noUpload), text("certificatePrivateKey").refused(noUpload),
			text("certificateName").against("certificateArn", "regionalCertificateArn", "regionalCertificateName"),
			text("certificateUploadDate").output().changesWith("certificateArn"), text("cloudfrontDomainName").output().changesWith("endpointConfiguration"), text("cloudfrontZoneId").output(),
			text("domainName").needed().replaces(), text("domainNameId").output(),
			object("endpointConfiguration", text("ipAddressType").orChosen().oneOf("ipv4", "dualstack"), text("types").needed().oneOf("EDGE", "REGIONAL", "PRIVATE")).orChosen(),
			mutualTLS(),
			text("ownershipVerificationCertificateArn").orChosen().checked(isARN),
			text("policy").refused("it is for private domain names"),
			text("regionalCertificateArn").against("certificateArn", "certificateBody", "certificateChain", "certificateName", "certificatePrivateKey", "regionalCertificateName"),
			text("regionalCertificateName").against("certificateArn", "certificateName", "regionalCertificateArn"),
			text("regionalDomainName").output().changesWith("endpointConfiguration"), text("regionalZoneId").output().changesWith("endpointConfiguration"),
			text("securityPolicy").orChosen().oneOf("TLS_1_0", "TLS_1_2"),
		),
	}
	scalars := []string{"certificateArn", "certificateName", "regionalCertificateArn", "regionalCertificateName", "ownershipVerificationCertificateArn", "securityPolicy"}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		req := in.copied(props{}, "domainName", "domainName", "tagsAll", "tags")
		for _, name := range scalars {
			in.copied(req, name, name)
		}
		if e := in.object("endpointConfiguration"); e != nil {
			req["endpointConfiguration"] = e.copied(props{"types": []string{e.text("types")}}, "ipAddressType", "ipAddressType")
		}
		if m := in.object("mutualTlsAuthentication"); m != nil {
			req["mutualTlsAuthentication"] = m.copied(props{}, mutualMembers...)
		}
		out, err := c.do(ctx, "apigateway", "CreateDomainName", req)
		return out.text("domainName"), err
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		d, err := c.do(ctx, "apigateway", "GetDomainName", props{"domainName": id})
		if err != nil {
			return nil, err
		}
		live := props{"arn": d["domainNameArn"], "domainName": d["domainName"], "domainNameId": "", "certificateUploadDate": "", "cloudfrontDomainName": d.text("distributionDomainName"),
			"cloudfrontZoneId": "Z2FDTNDATAQYW2", "regionalDomainName": d.text("regionalDomainName"), "regionalZoneId": d.text("regionalHostedZoneId"), "tagsAll": d["tags"],
			"ownershipVerificationCertificateArn": ""}
		if d.has("certificateUploadDate") {
			live["certificateUploadDate"] = date(d["certificateUploadDate"])
		}
		for _, name := range scalars {
			d.copied(live, name, name)
		}
		if m := liveMutual(d); m != nil {
			live["mutualTlsAuthentication"] = m
		}
		if e := d.object("endpointConfiguration"); len(e.strings("types")) == 1 {
			live["endpointConfiguration"] = map[string]any(e.copied(props{"types": e.strings("types")[0]}, "ipAddressType", "ipAddressType"))
		}
		return live, nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		var patches []any
		if ch.of("endpointConfiguration") { // first: the certificate's path depends on it
			before, after := ch.old.object("endpointConfiguration"), ch.wanted.object("endpointConfiguration")
			if was, is := before.text("types"), after.text("types"); is != was {
				patches = append(patches, patch("replace", "/endpointConfiguration/types/"+was, is))
			}
			if is := after.text("ipAddressType"); is != "" && is != before.text("ipAddressType") {
				patches = append(patches, patch("replace", "/endpointConfiguration/ipAddressType", is))
			}
		}
		for _, name := range scalars {
			if ch.of(name) && (ch.wanted.text(name) != "" || !strings.HasSuffix(name, "ertificateArn")) {
				patches = append(patches, patch("replace", "/"+name, ch.wanted.text(name)))
			}
		}
		if ch.of("mutualTlsAuthentication") {
			m := ch.wanted.object("mutualTlsAuthentication")
			patches = append(patches, patch("replace", "/mutualTlsAuthentication/truststoreUri", m.text("truststoreUri")),
				patch("replace", "/mutualTlsAuthentication/truststoreVersion", m.text("truststoreVersion")))
		}
		if len(patches) > 0 {
			if _, err := c.do(ctx, "apigateway", "UpdateDomainName", props{"domainName": ch.id, "patchOperations": patches}); err != nil {
				return err
			}
		}
		return ch.retagGateway(ctx, c)
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "apigateway", "DeleteDomainName", props{"domainName": id})
		return err
	}
	return r
}

// getDomainNameArguments are those of getDomainName.
func getDomainNameArguments() []*property {
	return []*property{text("domainName").needed(), text("domainNameId").refused("it is for private domain names"), stringMap("tags")}
}

// getDomainName tells of the domain that has the name.
func getDomainName(ctx context.Context, d *dispatch.Dispatcher, in props) (props, error) {
	domain, err := (&call{d: d}).do(ctx, "apigateway", "GetDomainName", props{"domainName": in["domainName"]})
	if err != nil {
		return nil, fmt.Errorf("reading API Gateway Domain Name (%s): %w", in.text("domainName"), err)
	}
	e := domain.object("endpointConfiguration")
	out := props{"id": domain["domainName"], "domainName": domain["domainName"], "domainNameId": "", "arn": domain["domainNameArn"], "policy": "", "certificateUploadDate": "",
		"cloudfrontDomainName": domain.text("distributionDomainName"), "cloudfrontZoneId": "Z2FDTNDATAQYW2",
		"regionalZoneId": domain.text("regionalHostedZoneId"), "tags": domain["tags"],
		"endpointConfigurations": []any{map[string]any{"ipAddressType": e.text("ipAddressType"), "types": e.strings("types")}}}
	if domain.has("certificateUploadDate") {
		out["certificateUploadDate"] = date(domain["certificateUploadDate"])
	}
	for _, name := range []string{"certificateArn", "certificateName", "regionalCertificateArn", "regionalCertificateName", "regionalDomainName", "securityPolicy"} {
		out[name] = domain.text(name)
	}
	return out, nil
}

const wholeDomain = "(none)" // the base path of a mapping without one

// basePathOf is a mapping's base path as the API names it.
func basePathOf(p props) string {
	if path := p.text("basePath"); path != "" {
		return path
	}
	return wholeDomain
}

func basePathMappingType() *resourceType {
	return &resourceType{
		token: "aws:apigateway/basePathMapping:BasePathMapping",
		properties: []*property{
			text("basePath").alike(func(a, b any) bool {
				return a == b || (a == "" || a == wholeDomain) && (b == "" || b == wholeDomain)
			}),
			text("domainName").needed().replaces(),
			text("domainNameId").refused("it is for private domain names"),
			text("restApi").needed(),
			text("stageName"),
		},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			_, err := c.do(ctx, "apigateway", "CreateBasePathMapping", in.copied(props{}, "domainName", "domainName", "basePath", "basePath", "restApi", "restApiId", "stageName", "stage"))
			return in.text("domainName") + "/" + in.text("basePath"), err
		},
		read: func(ctx context.Context, c *call, id string, state props) (props, error) {
			if state.text("domainName") == "" {
				domain, path, ok := strings.Cut(id, "/")
				if !ok {
					return nil, fmt.Errorf("unexpected format of ID (%s), expected DOMAIN-NAME/BASEPATH", id)
				}
				state = props{"domainName": domain, "basePath": path}
			}
			m, err := c.do(ctx, "apigateway", "GetBasePathMapping", props{"domainName": state["domainName"], "basePath": basePathOf(state)})
			if err != nil {
				return nil, err
			}
			live := m.copied(props{"domainName": state["domainName"]}, "restApiId", "restApi", "stage", "stageName")
			if path := m.text("basePath"); path != wholeDomain {
				live["basePath"] = path
			}
			return live, nil
		},
		// One call changes all of it: the path is never without a stage.
		update: func(ctx context.Context, c *call, ch *change) error {
			var patches []any
			for _, p := range [][2]string{{"restApi", "/restapiId"}, {"basePath", "/basePath"}, {"stageName", "/stage"}} {
				if ch.of(p[0]) {
					patches = append(patches, patch("replace", p[1], ch.wanted.text(p[0])))
				}
			}
			_, err := c.do(ctx, "apigateway", "UpdateBasePathMapping", props{"domainName": ch.old["domainName"], "basePath": basePathOf(ch.old), "patchOperations": patches})
			return err
		},
		remove: func(ctx context.Context, c *call, _ string, state props) error {
			_, err := c.do(ctx, "apigateway", "DeleteBasePathMapping", props{"domainName": state["domainName"], "basePath": basePathOf(state)})
			return err
		},
	}
}

func domainNameV2Type() *resourceType {
	r := &resourceType{
		token: "aws:apigatewayv2/domainName:DomainName",
		properties: append(tagProperties(),
			text("apiMappingSelectionExpression").output(), text("arn").output(),
			text("domainName").needed().replaces().length(1, 512),
			object("domainNameConfiguration", text("certificateArn").needed().checked(isARN), text("endpointType").needed().oneOf("REGIONAL"),
				text("hostedZoneId").orChosen().output(), text("ipAddressType").orChosen().oneOf("ipv4", "dualstack"),
				text("ownershipVerificationCertificateArn").orChosen().checked(isARN), text("securityPolicy").needed().oneOf("TLS_1_2"),
				text("targetDomainName").orChosen().output()).needed(),
			mutualTLS(),
		),
	}
	members := []string{"certificateArn", "certificateArn", "endpointType", "endpointType", "ipAddressType", "ipAddressType",
		"ownershipVerificationCertificateArn", "ownershipVerificationCertificateArn", "securityPolicy", "securityPolicy"}
	configuration := func(in props) []any {
		return []any{in.object("domainNameConfiguration").copied(props{}, members...)}
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		req := in.copied(props{"domainNameConfigurations": configuration(in)}, "domainName", "domainName", "tagsAll", "tags")
		if m := in.object("mutualTlsAuthentication"); m != nil {
			req["mutualTlsAuthentication"] = m.copied(props{}, mutualMembers...)
		}
		out, err := c.do(ctx, "apigatewayv2", "CreateDomainName", req)
		return out.text("domainName"), err
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		d, err := c.do(ctx, "apigatewayv2", "GetDomainName", props{"domainName": id})
		if err != nil {
			return nil, err
		}
		live := props{"arn": d["domainNameArn"], "domainName": d["domainName"], "apiMappingSelectionExpression": d["apiMappingSelectionExpression"], "tagsAll": d["tags"]}
		if all := d.objects("domainNameConfigurations"); len(all) == 1 {
			live["domainNameConfiguration"] = map[string]any(all[0].copied(props{}, append(members, "hostedZoneId", "hostedZoneId", "apiGatewayDomainName", "targetDomainName")...))
		}
		if m := liveMutual(d); m != nil {
			live["mutualTlsAuthentication"] = m
		}
		return live, nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if ch.of("domainNameConfiguration", "mutualTlsAuthentication") {
			req := props{"domainName": ch.id, "domainNameConfigurations": configuration(ch.wanted)}
			if ch.of("mutualTlsAuthentication") {
				req["mutualTlsAuthentication"] = ch.wanted.object("mutualTlsAuthentication").copied(props{"truststoreUri": ""}, mutualMembers...)
			}
			if _, err := c.do(ctx, "apigatewayv2", "UpdateDomainName", req); err != nil {
				return err
			}
		}
		return ch.retagGateway(ctx, c)
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "apigatewayv2", "DeleteDomainName", props{"domainName": id})
		return err
	}
	return r
}

func apiMappingType() *resourceType {
	return &resourceType{
		token: "aws:apigatewayv2/apiMapping:ApiMapping",
		properties: []*property{
			text("apiId").needed().replaces(), text("apiMappingKey"), text("domainName").needed().replaces(), text("stage").needed(),
		},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			out, err := c.do(ctx, "apigatewayv2", "CreateApiMapping", in.copied(props{}, "apiId", "apiId", "apiMappingKey", "apiMappingKey", "domainName", "domainName", "stage", "stage"))
			return out.text("apiMappingId"), err
		},
		read: func(ctx context.Context, c *call, id string, state props) (props, error) {
			domain := state.text("domainName")
			if domain == "" {
				var ok bool
				if id, domain, ok = strings.Cut(id, "/"); !ok {
					return nil, errors.New("unexpected format of ID (" + id + "), expected api-mapping-id/domain-name")
				}
			}
			m, err := c.do(ctx, "apigatewayv2", "GetApiMapping", props{"domainName": domain, "apiMappingId": id})
			if err != nil {
				return nil, err
			}
			return m.copied(props{"domainName": domain}, "apiId", "apiId", "apiMappingKey", "apiMappingKey", "stage", "stage"), nil
		},
		update: func(ctx context.Context, c *call, ch *change) error {
			_, err := c.do(ctx, "apigatewayv2", "UpdateApiMapping", props{"domainName": ch.old["domainName"], "apiMappingId": ch.id, "apiId": ch.old["apiId"],
				"apiMappingKey": ch.wanted.text("apiMappingKey"), "stage": ch.wanted["stage"]})
			return err
		},
		remove: func(ctx context.Context, c *call, id string, state props) error {
			_, err := c.do(ctx, "apigatewayv2", "DeleteApiMapping", props{"domainName": state["domainName"], "apiMappingId": id})
			return err
		},
	}
}
