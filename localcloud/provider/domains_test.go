package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// checkedBy returns a function that checks inputs as the engine does; it answers the inputs, and the properties that failed.
func checkedBy(t *testing.T, c pulumirpc.ResourceProviderClient) func(token string, v values) (resource.PropertyMap, string) {
	return func(token string, v values) (resource.PropertyMap, string) {
		t.Helper()
		res, err := c.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urnOf(token, "x"), News: in(t, v), RandomSeed: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
		var failed []string
		for _, f := range res.GetFailures() {
			failed = append(failed, f.GetProperty())
		}
		return out(t, res.GetInputs()), strings.Join(failed, " ")
	}
}

// TestDomainChanges holds what replaces domain names, mappings, certificates, zones and records, and what Check refuses.
func TestDomainChanges(t *testing.T) {
	c := dial(t, serve(t, embeddedAWS(t)))
	check := checkedBy(t, c)
	const (
		certificate = "aws:acm/certificate:Certificate"
		domain      = "aws:apigateway/domainName:DomainName"
		mapping     = "aws:apigateway/basePathMapping:BasePathMapping"
		domain2     = "aws:apigatewayv2/domainName:DomainName"
		mapping2    = "aws:apigatewayv2/apiMapping:ApiMapping"
		arn         = "arn:aws:acm:us-east-1:000000000000:certificate/x"
	)
	mapped := func(api, domain, path string) string {
		return fmt.Sprintf(`{"ApiId":%q,"ApiMappingKey":%q,"DomainName":%q,"Stage":"main"}`, api, path, domain)
	}
	config := func(more ...string) values {
		v := values{"certificateArn": arn, "endpointType": "REGIONAL", "securityPolicy": "TLS_1_2"}
		for i := 0; i < len(more); i += 2 {
			v[more[i]] = more[i+1]
		}
		return v
	}
	bases := map[string]values{
		certificate:             {"domainName": "a.example.com", "validationMethod": "DNS"},
		domain:                  {"domainName": "a.example.com", "regionalCertificateArn": arn, "endpointConfiguration": values{"types": "REGIONAL"}},
		mapping:                 {"domainName": "a.example.com", "restApi": "abc", "stageName": "main", "basePath": "users"},
		domain2:                 {"domainName": "a.example.com", "domainNameConfiguration": config()},
		mapping2:                {"domainName": "a.example.com", "apiId": "abc", "stage": "main", "apiMappingKey": "a/b"},
		cloudcontrolToken:       {"typeName": "AWS::ApiGatewayV2::ApiMapping", "desiredState": mapped("abc", "a.example.com", "a/b")},
		recordToken:             {"zoneId": "Z1", "name": "a.example.com", "type": "A", "ttl": 60, "records": []any{"192.0.2.1"}},
		"aws:route53/zone:Zone": {"name": "example.com"},
	}
	for _, test := range []struct {
		token, name string
		to          any
		want        string // "update", "replace" or "none"
	}{
		{certificate, "domainName", "b.example.com", "replace"},
		{certificate, "subjectAlternativeNames", []any{"b.example.com"}, "replace"},
		{certificate, "options", values{"certificateTransparencyLoggingPreference": "DISABLED"}, "update"},
		{domain, "domainName", "b.example.com", "replace"},
		{domain, "securityPolicy", "TLS_1_2", "update"},
		{domain, "endpointConfiguration", values{"types": "EDGE"}, "update"},
		{domain, "mutualTlsAuthentication", values{"truststoreUri": "s3://b/k"}, "update"},
		{mapping, "domainName", "b.example.com", "replace"},
		{mapping, "restApi", "def", "update"},
		{mapping, "basePath", "people", "update"},
		{mapping, "stageName", "other", "update"},
		{domain2, "domainName", "b.example.com", "replace"},
		{domain2, "domainNameConfiguration", config("ipAddressType", "dualstack"), "none"}, // AWS's choice until somebody makes one
		{mapping2, "apiId", "def", "replace"},
		{mapping2, "apiMappingKey", "a/c", "update"},
		{mapping2, "stage", "other", "update"},
		{cloudcontrolToken, "desiredState", mapped("def", "a.example.com", "a/b"), "update"},
		{cloudcontrolToken, "desiredState", mapped("abc", "a.example.com", "a/c"), "update"},
		{cloudcontrolToken, "desiredState", mapped("abc", "b.example.com", "a/b"), "replace"},
		{cloudcontrolToken, "typeName", "AWS::HealthLake::FHIRDatastore", "replace"},
		{recordToken, "name", "b.example.com", "replace"},
		{recordToken, "name", "A.example.com.", "none"},
		{recordToken, "type", "TXT", "update"},
		{recordToken, "ttl", 61, "update"},
		{"aws:route53/zone:Zone", "name", "example.org", "replace"},
		{"aws:route53/zone:Zone", "name", "example.com.", "none"},
		{"aws:route53/zone:Zone", "comment", "x", "update"},
	} {
		base := bases[test.token]
		olds, failed := check(test.token, base)
		if failed != "" {
			t.Fatal(test.token, failed)
		}
		changed := values{}
		for k, v := range base {
			changed[k] = v
		}
		changed[test.name] = test.to
		news, _ := check(test.token, changed)
		res, err := c.Diff(t.Context(), &pulumirpc.DiffRequest{Urn: urnOf(test.token, "x"), Id: "x", Olds: wire(t, olds), OldInputs: wire(t, olds), News: wire(t, news)})
		if err != nil {
			t.Fatal(err)
		}
		got := "none"
		if len(res.GetReplaces()) > 0 {
			got = "replace"
		} else if len(res.GetDiffs()) > 0 {
			got = "update"
		}
		if got != test.want {
			t.Errorf("%s of %s to %v: %s, want %s", test.name, test.token, test.to, got, test.want)
		}
	}
	for _, test := range []struct {
		token string
		v     values
		want  string
	}{
		{certificate, values{"validationMethod": "DNS"}, "domainName"},
		{certificate, values{"domainName": "a.example.com", "privateKey": "x"}, "privateKey"},
		{domain, values{"domainName": "a.example.com", "certificateArn": arn, "regionalCertificateArn": arn}, "certificateArn regionalCertificateArn"},
		{domain, values{"domainName": "a.example.com", "certificateArn": arn, "securityPolicy": "TLS_1_3"}, "securityPolicy"},
		{domain2, values{"domainName": "a.example.com", "domainNameConfiguration": config("endpointType", "EDGE")}, "domainNameConfiguration.endpointType"},
		{domain2, values{"domainName": "a.example.com", "domainNameConfiguration": config("targetDomainName", "x")}, "domainNameConfiguration.targetDomainName"},
		{cloudcontrolToken, values{"typeName": "AWS::S3::Bucket", "desiredState": "{}"}, "typeName"},
		{cloudcontrolToken, values{"typeName": "AWS::ApiGatewayV2::ApiMapping", "desiredState": "[]"}, "desiredState"},
		{cloudcontrolToken, values{"typeName": "AWS::ApiGatewayV2::ApiMapping", "desiredState": `{"ApiId":"abc","DomainName":"a.example.com"}`}, "desiredState"},
		{cloudcontrolToken, values{"typeName": "AWS::ApiGatewayV2::ApiMapping", "desiredState": `{"ApiId":"abc","DomainName":"a.example.com","Stage":"main","Colour":"red"}`}, "desiredState"},
		{cloudcontrolToken, values{"typeName": "AWS::ApiGatewayV2::ApiMapping", "desiredState": `{"Colour":"red"}`, "schema": `{"properties":{"Colour":{}}}`}, ""}, // its own schema counts
		{recordToken, values{"zoneId": "Z1", "name": "a", "type": "A"}, "records"},
		{recordToken, values{"zoneId": "Z1", "name": "a", "type": "A", "records": []any{"192.0.2.1"}}, "ttl"},
		{recordToken, values{"zoneId": "Z1", "name": "a", "type": "A", "ttl": 1, "records": []any{"192.0.2.1"}, "weightedRoutingPolicies": []any{values{"weight": 1}}}, "weightedRoutingPolicies"},
	} {
		if _, failed := check(test.token, test.v); failed != test.want {
			t.Errorf("%s %v fails at %q, want %q", test.token, test.v, failed, test.want)
		}
	}
}

// TestLookups finds a zone and a certificate as programs do that take over an existing domain.
func TestLookups(t *testing.T) {
	d := embeddedAWS(t)
	c := dial(t, serve(t, d))
	aws := &call{d: d}
	for _, reference := range []string{"1", "2"} {
		if _, err := aws.do(t.Context(), "route53", "CreateHostedZone", props{"Name": map[string]string{"1": "example.com", "2": "example.org"}[reference], "CallerReference": reference}); err != nil {
			t.Fatal(err)
		}
	}
	requested, err := aws.do(t.Context(), "acm", "RequestCertificate", props{"DomainName": "api.example.com", "ValidationMethod": "DNS"})
	if err != nil {
		t.Fatal(err)
	}
	invoke := func(token string, v values) (props, string) {
		t.Helper()
		res, err := c.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: token, Args: in(t, v)})
		if err != nil {
			return nil, err.Error()
		}
		return toProps(out(t, res.GetReturn())), ""
	}
	zone, failed := invoke("aws:route53/getZone:getZone", values{"name": "example.com."})
	if failed != "" || !strings.HasPrefix(zone.text("zoneId"), "Z") || zone.text("name") != "example.com" || len(zone.strings("nameServers")) != 4 {
		t.Errorf("%v %s", zone, failed)
	}
	if byID, failed := invoke("aws:route53/getZone:getZone", values{"zoneId": zone["zoneId"]}); byID.text("name") != "example.com" {
		t.Errorf("%v %s", byID, failed)
	}
	if _, failed := invoke("aws:route53/getZone:getZone", values{"name": "none.example"}); !strings.Contains(failed, "no matching Route 53 Hosted Zone found") {
		t.Error(failed)
	}
	if found, failed := invoke("aws:acm/getCertificate:getCertificate", values{"domain": "api.example.com", "statuses": []any{"PENDING_VALIDATION"}}); found.text("arn") != requested.text("CertificateArn") {
		t.Errorf("%v %s", found, failed)
	}
	if _, failed := invoke("aws:acm/getCertificate:getCertificate", values{"domain": "api.example.com"}); !strings.Contains(failed, "no ACM Certificate matching domain (api.example.com) found") {
		t.Error(failed)
	}
}
