package apigateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/carepath/carepath/localcloud/acm"
	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/route53"
	"github.com/carepath/carepath/localcloud/store"
)

// certificate requests a certificate, proves the names by records in a zone of its own, and returns its ARN.
func (c *cloud) certificate(zone string, names ...string) string {
	c.t.Helper()
	requested := callOf[acm.RequestCertificateOutput](c, "acm", "RequestCertificate", &acm.RequestCertificateInput{DomainName: names[0], SubjectAlternativeNames: names[1:],
		ValidationMethod: "DNS", KeyAlgorithm: "EC_prime256v1"})
	made := callOf[route53.CreateHostedZoneOutput](c, "route53", "CreateHostedZone", &route53.CreateHostedZoneInput{Name: zone, CallerReference: zone})
	described := callOf[acm.DescribeCertificateOutput](c, "acm", "DescribeCertificate", &acm.CertificateInput{CertificateArn: requested.CertificateArn})
	if described.Certificate.Status != "PENDING_VALIDATION" {
		c.t.Fatalf("the certificate is %s without its records", described.Certificate.Status)
	}
	for _, option := range described.Certificate.DomainValidationOptions {
		callOf[route53.ChangeOutput](c, "route53", "ChangeResourceRecordSets", &route53.ChangeResourceRecordSetsInput{HostedZoneID: made.HostedZone.ID,
			ChangeBatch: route53.ChangeBatch{Changes: []route53.Change{{Action: "UPSERT", ResourceRecordSet: route53.ResourceRecordSet{Name: option.ResourceRecord.Name, Type: option.ResourceRecord.Type,
				TTL: new(int64(60)), ResourceRecords: []route53.ResourceRecord{{Value: option.ResourceRecord.Value}}}}}}})
	}
	return requested.CertificateArn
}

// callOf makes a call of any service as root.
func callOf[Out any](c *cloud, service, action string, in any) *Out {
	c.t.Helper()
	out, err := dispatch.Do[Out](context.Background(), c.d, c.d.Root(), service, action, in)
	if err != nil {
		c.t.Fatalf("%s:%s: %v", service, action, err)
	}
	return out
}

func (c *cloud) failsOf(service, action string, in any) *dispatch.Error {
	c.t.Helper()
	_, err := c.d.Do(context.Background(), c.d.Root(), service, action, in)
	if err == nil {
		c.t.Fatalf("%s:%s %v succeeded", service, action, in)
	}
	return dispatch.AsError(err)
}

// regional makes a REGIONAL domain name.
func (c *cloud) regional(name, certificate string) *apigateway.DomainName {
	c.t.Helper()
	return call[apigateway.DomainName](c, "CreateDomainName", &apigateway.CreateDomainNameInput{DomainName: name, RegionalCertificateArn: certificate,
		EndpointConfiguration: &apigateway.EndpointConfiguration{Types: []string{"REGIONAL"}}})
}

func (c *cloud) mapPath(domain, path, api string) {
	c.t.Helper()
	call[apigateway.BasePathMapping](c, "CreateBasePathMapping", &apigateway.CreateBasePathMappingInput{DomainName: domain, BasePath: path, RestAPIID: api, Stage: "prod"})
}

// on sends a request to a host.
func (c *cloud) on(host, path string) reply {
	c.t.Helper()
	r, err := http.NewRequest("GET", c.server.URL+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Host = host
	return c.do(r)
}

const forbidden = `{"message":"Forbidden"}`

// echo answers with what $context says of the way that a request has come.
func echo() string {
	return mock("200", "$context.domainName $context.domainPrefix $context.path $context.resourcePath $context.stage $input.params('id')")
}

func TestCustomDomains(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"get":` + mock("200", "root") + `},"/{id}":{"get":` + echo() + `}`))
	other := c.deploy(document(`"/hats":{"get":` + mock("200", "hats") + `}`))
	certificate := c.certificate("example.com", "api.example.com", "*.example.com")
	domain := c.regional("api.example.com", certificate)
	if domain.RegionalHostedZoneID != "Z1UJRXOUMOOFQ8" || !strings.HasSuffix(domain.RegionalDomainName, ".execute-api.us-east-1.amazonaws.com") || domain.SecurityPolicy != "TLS_1_2" {
		t.Errorf("%+v", domain)
	}
	if got := c.on("api.example.com", "/users/7"); got.status != 403 || got.body != forbidden || got.header.Get("X-Amzn-Errortype") != "ForbiddenException" {
		t.Errorf("without a mapping: %+v", got)
	}
	c.mapPath("api.example.com", "users", api)
	for path, want := range map[string]string{
		"/users/7":           "api.example.com api /users/7 /{id} prod 7",
		"/users/a%2Fb":       "api.example.com api /users/a%2Fb /{id} prod a/b",
		"/users":             "root",
		"/users/":            "root",
		"/usersx/7":          forbidden,
		"/7":                 forbidden,
		"/users/7/8":         `{"message":"Missing Authentication Token"}`,
		"/Users/7":           forbidden,
		"/%75sers/7?x=users": "api.example.com api /%75sers/7 /{id} prod 7",
	} {
		if got := c.on("API.example.com:443", path); got.body != want {
			t.Errorf("%s: %d %s, want %s", path, got.status, got.body, want)
		}
	}
	c.mapPath("api.example.com", "(none)", other)
	for path, want := range map[string]string{"/hats": "hats", "/users/7": "api.example.com api /users/7 /{id} prod 7", "/x": `{"message":"Missing Authentication Token"}`} {
		if got := c.on("api.example.com", path); got.body != want {
			t.Errorf("%s: %d %s, want %s", path, got.status, got.body, want)
		}
	}

	// Several steps, by the second API; the longest wins, by whole steps.
	for _, m := range []apigateway.CreateAPIMappingInput{{APIMappingKey: "orders/shop/5", APIID: other}, {APIMappingKey: "orders/shop", APIID: api}} {
		m.DomainName, m.Stage = "api.example.com", "prod"
		callOf[apigateway.APIMapping](c, "apigatewayv2", "CreateApiMapping", &m)
	}
	for path, want := range map[string]string{"/orders/shop/5/hats": "hats", "/orders/shop/6": "api.example.com api /orders/shop/6 /{id} prod 6",
		"/orders/shop": "root", "/orders": `{"message":"Missing Authentication Token"}`} {
		if got := c.on("api.example.com", path); got.body != want {
			t.Errorf("%s: %d %s, want %s", path, got.status, got.body, want)
		}
	}

	// A wildcard serves what no more specific domain does.
	c.regional("*.example.com", certificate)
	c.mapPath("*.example.com", "", other)
	for host, want := range map[string]string{"shop.example.com": "hats", "api.example.com": "hats", "a.shop.example.com": ""} {
		if got := c.on(host, "/hats"); got.body != want && !(want == "" && got.status == 403) {
			t.Errorf("%s: %+v", host, got)
		}
	}

	// Without a stage in the mapping callers name it.
	call[apigateway.BasePathMapping](c, "CreateBasePathMapping", &apigateway.CreateBasePathMappingInput{DomainName: "api.example.com", BasePath: "any", RestAPIID: other})
	if got := c.on("api.example.com", "/any/prod/hats"); got.body != "hats" {
		t.Errorf("%+v", got)
	}
	if got := c.on("api.example.com", "/any/other/hats"); got.body != forbidden {
		t.Errorf("%+v", got)
	}
	if got := c.on(api+".execute-api.us-east-1.localhost:4566", "/prod/7"); !strings.HasPrefix(got.body, api+".execute-api.us-east-1.localhost "+api+" /prod/7 ") {
		t.Errorf("the API's own endpoint: %+v", got)
	}
}

func TestDisabledDefaultEndpoint(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"get":` + mock("200", "ok") + `}`))
	c.regional("api.example.com", c.certificate("example.com", "api.example.com"))
	c.mapPath("api.example.com", "users", api)
	call[apigateway.RestApi](c, "UpdateRestApi", &apigateway.UpdateRestApiInput{RestApiID: api, PatchOperations: []apigateway.PatchOperation{replace("/disableExecuteApiEndpoint", "true")}})
	if got := c.send(api, "GET", "/", ""); got.body != "ok" {
		t.Errorf("before the next deployment: %+v", got)
	}
	c.redeploy(api)
	for _, got := range []reply{c.send(api, "GET", "/", ""), c.on(api+".execute-api.us-east-1.amazonaws.com", "/prod")} {
		if got.status != 403 || got.body != forbidden {
			t.Errorf("%+v", got)
		}
	}
	if got := c.on("api.example.com", "/users"); got.body != "ok" {
		t.Errorf("the domain: %+v", got)
	}
}

func TestDomainsRefuseWhatAWSRefuses(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"get":` + mock("200", "ok") + `}`))
	certificate := c.certificate("example.com", "api.example.com", "old.example.com", "edge.example.com")
	pending := callOf[acm.RequestCertificateOutput](c, "acm", "RequestCertificate", &acm.RequestCertificateInput{DomainName: "later.example.com", ValidationMethod: "DNS"}).CertificateArn
	regional := &apigateway.EndpointConfiguration{Types: []string{"REGIONAL"}}
	for want, in := range map[string]apigateway.CreateDomainNameInput{
		"uppercase letters":                              {DomainName: "API.example.com", RegionalCertificateArn: certificate, EndpointConfiguration: regional},
		"Certificate must be in 'us-east-1'.":            {DomainName: "api.example.com", CertificateArn: strings.Replace(certificate, "us-east-1", "eu-west-1", 1)},
		"owned by the account":                           {DomainName: "api.example.com", CertificateArn: strings.Replace(certificate, account, "111111111111", 1)},
		"does not exist":                                 {DomainName: "api.example.com", CertificateArn: certificate[:len(certificate)-1] + "0x"},
		"PENDING_VALIDATION":                             {DomainName: "later.example.com", CertificateArn: pending},
		"does not cover":                                 {DomainName: "web.example.com", CertificateArn: certificate},
		"cannot be set for an endpoint of type REGIONAL": {DomainName: "api.example.com", CertificateArn: certificate, EndpointConfiguration: regional},
		"PRIVATE is not emulated":                        {DomainName: "api.example.com", EndpointConfiguration: &apigateway.EndpointConfiguration{Types: []string{"PRIVATE"}}},
		"enum value set":                                 {DomainName: "api.example.com", CertificateArn: certificate, SecurityPolicy: "TLS_1_1"},
		"not supported for endpoint type EDGE":           {DomainName: "api.example.com", CertificateArn: certificate, SecurityPolicy: "SecurityPolicy_TLS13_1_3_2025_09", EndpointAccessMode: "BASIC"},
		"Endpoint access mode is required for the specified security policy": {DomainName: "api.example.com", RegionalCertificateArn: certificate, EndpointConfiguration: regional, SecurityPolicy: "SecurityPolicy_TLS13_1_3_2025_09"},
		"routing rules": {DomainName: "api.example.com", CertificateArn: certificate, RoutingMode: "ROUTING_RULE_ONLY"},
	} {
		if e := c.fails("CreateDomainName", &in); !strings.Contains(e.Message, want) {
			t.Errorf("%v, want %s", e, want)
		}
	}
	c.regional("api.example.com", certificate)
	if e := c.fails("CreateDomainName", &apigateway.CreateDomainNameInput{DomainName: "api.example.com", CertificateArn: certificate}); e.Code != "ConflictException" {
		t.Error(e)
	}
	call[apigateway.DomainName](c, "CreateDomainName", &apigateway.CreateDomainNameInput{DomainName: "edge.example.com", CertificateArn: certificate})
	call[apigateway.DomainName](c, "CreateDomainName", &apigateway.CreateDomainNameInput{DomainName: "old.example.com", RegionalCertificateArn: certificate, EndpointConfiguration: regional, SecurityPolicy: "TLS_1_0"})
	c.mapPath("api.example.com", "users", api)

	mapping := func(domain, path, api, stage string) *apigateway.CreateBasePathMappingInput {
		return &apigateway.CreateBasePathMappingInput{DomainName: domain, BasePath: path, RestAPIID: api, Stage: stage}
	}
	for _, test := range []struct {
		in   *apigateway.CreateBasePathMappingInput
		want string
	}{
		{mapping("none.example.com", "x", api, "prod"), "NotFoundException: Invalid domain name identifier specified"},
		{mapping("api.example.com", "users", api, "prod"), "ConflictException: Base path already exists for this domain name"},
		{mapping("api.example.com", "a/b", api, "prod"), "API Gateway V1 doesn't support the slash character (/) in base path mappings."},
		{mapping("api.example.com", "a b", api, "prod"), "BadRequestException: Base path can only contain"},
		{mapping("api.example.com", strings.Repeat("a", 301), api, "prod"), "300 characters"},
		{mapping("api.example.com", "x", "none", "prod"), "BadRequestException: Invalid REST API identifier specified"},
		{mapping("api.example.com", "x", api, "none"), "BadRequestException: Invalid stage identifier specified"},
	} {
		if e := c.fails("CreateBasePathMapping", test.in); !strings.Contains(e.Error(), test.want) {
			t.Errorf("%+v: %v", test.in, e)
		}
	}
	v2 := func(domain, path string) *apigateway.CreateAPIMappingInput {
		return &apigateway.CreateAPIMappingInput{DomainName: domain, APIMappingKey: path, APIID: api, Stage: "prod"}
	}
	for _, test := range []struct {
		in   *apigateway.CreateAPIMappingInput
		want string
	}{
		{v2("edge.example.com", "a/b"), "Only REGIONAL domain names can be managed through the API Gateway V2 API. For EDGE"},
		{v2("old.example.com", "a/b"), "Only REGIONAL domain names with a security policy of TLS 1.2"},
		{v2("api.example.com", "users"), "ConflictException: ApiMapping key already exists for this domain name"},
		{v2("api.example.com", "/a"), "neither begin nor end with a slash"},
		{v2("api.example.com", "a//b"), "neither begin nor end with a slash"},
	} {
		if e := c.failsOf("apigatewayv2", "CreateApiMapping", test.in); !strings.Contains(e.Error(), test.want) {
			t.Errorf("%+v: %v", test.in, e)
		}
	}
	callOf[apigateway.APIMapping](c, "apigatewayv2", "CreateApiMapping", v2("api.example.com", "a/b"))
	if e := c.fails("UpdateDomainName", &apigateway.UpdateDomainNameInput{DomainName: "api.example.com", PatchOperations: []apigateway.PatchOperation{replace("/securityPolicy", "TLS_1_0")}}); !strings.Contains(e.Message, "multi-level") {
		t.Error(e)
	}

	// What is mapped or in use stays.
	if e := c.fails("DeleteStage", &apigateway.StageInput{RestApiID: api, StageName: "prod"}); !strings.Contains(e.Message, "Please remove all base path mappings related to the stage in your domains: api.example.com") {
		t.Error(e)
	}
	if e := c.fails("DeleteRestApi", &apigateway.RestApiInput{RestApiID: api}); e.Message != "Deleting RestApi "+api+" failed. Please remove all base path mappings related to the RestApi in your domains: api.example.com" {
		t.Error(e)
	}
	if e := c.failsOf("acm", "DeleteCertificate", &acm.CertificateInput{CertificateArn: certificate}); e.Code != "ResourceInUseException" {
		t.Error(e)
	}
	for _, name := range []string{"api.example.com", "edge.example.com", "old.example.com"} {
		call[apigateway.Empty](c, "DeleteDomainName", &apigateway.DomainNameInput{DomainName: name})
	}
	callOf[acm.Empty](c, "acm", "DeleteCertificate", &acm.CertificateInput{CertificateArn: certificate})
	call[apigateway.Empty](c, "DeleteRestApi", &apigateway.RestApiInput{RestApiID: api})
}

// TestBothAPIsSeeTheSameDomains makes with one API and reads with the other.
func TestBothAPIsSeeTheSameDomains(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"get":` + mock("200", "ok") + `}`))
	certificate := c.certificate("example.com", "api.example.com")
	in := &apigateway.CreateDomainNameV2Input{DomainName: "api.example.com", DomainNameConfigurations: []apigateway.DomainNameConfiguration{{CertificateArn: certificate, EndpointType: "REGIONAL", SecurityPolicy: "TLS_1_2"}}}
	made := callOf[apigateway.DomainNameV2](c, "apigatewayv2", "CreateDomainName", in)
	if d := call[apigateway.DomainName](c, "GetDomainName", &apigateway.DomainNameInput{DomainName: "api.example.com"}); d.RegionalDomainName != made.DomainNameConfigurations[0].APIGatewayDomainName {
		t.Errorf("%+v, %+v", d, made)
	}
	in.DomainNameConfigurations[0].SecurityPolicy = "TLS_1_0"
	if e := c.failsOf("apigatewayv2", "CreateDomainName", in); e.Message != "TLS_1_0 is not supported for APIGatewayV2 domainName." {
		t.Error(e)
	}
	c.mapPath("api.example.com", "users", api)
	all := callOf[apigateway.APIMappings](c, "apigatewayv2", "GetApiMappings", &apigateway.GetAPIMappingsInput{DomainName: "api.example.com"})
	if len(all.Items) != 1 || all.Items[0].APIMappingKey != "users" {
		t.Fatalf("%+v", all)
	}
	callOf[apigateway.APIMapping](c, "apigatewayv2", "UpdateApiMapping", &apigateway.UpdateAPIMappingInput{DomainName: "api.example.com", APIMappingID: all.Items[0].APIMappingID, APIID: api, APIMappingKey: new("people")})
	if m := call[apigateway.BasePathMapping](c, "GetBasePathMapping", &apigateway.BasePathMappingInput{DomainName: "api.example.com", BasePath: "people"}); m.Stage != "prod" {
		t.Errorf("%+v", m)
	}
	callOf[apigateway.Empty](c, "apigatewayv2", "DeleteApiMapping", &apigateway.APIMappingInput{DomainName: "api.example.com", APIMappingID: all.Items[0].APIMappingID})
	if e := c.fails("GetBasePathMapping", &apigateway.BasePathMappingInput{DomainName: "api.example.com", BasePath: "people"}); e.Message != "Invalid base path mapping identifier specified" {
		t.Error(e)
	}
	arn := made.DomainNameArn
	callOf[apigateway.Empty](c, "apigatewayv2", "TagResource", &apigateway.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1"}})
	if tags := call[apigateway.Tags](c, "GetTags", &apigateway.GetTagsInput{ResourceArn: arn}).Tags; tags["a"] != "1" {
		t.Errorf("%v", tags)
	}
}

// TestMappingsChangeWithoutGap renames a path and moves it to another API while clients call: none of them may miss it.
func TestMappingsChangeWithoutGap(t *testing.T) {
	c := newCloud(t)
	first, second := c.deploy(document(`"/":{"get":`+mock("200", "ok")+`}`)), c.deploy(document(`"/":{"get":`+mock("200", "ok")+`}`))
	c.patchStage(first, replace("/*/*/throttling/rateLimit", "-1"))
	c.regional("api.example.com", c.certificate("example.com", "api.example.com"))
	c.mapPath("api.example.com", "users", first)
	c.mapPath("api.example.com", "other", first)
	handler := c.service.Handler()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got := serveOnce(handler, "api.example.com", "/users"); got != http.StatusOK && got != http.StatusTooManyRequests {
					t.Errorf("a client got %d", got)
					return
				}
			}
		})
	}
	update := func(path string, operations ...apigateway.PatchOperation) {
		call[apigateway.BasePathMapping](c, "UpdateBasePathMapping", &apigateway.UpdateBasePathMappingInput{DomainName: "api.example.com", BasePath: path, PatchOperations: operations})
	}
	for i := range 100 {
		update("users", replace("/restapiId", []string{second, first}[i%2]))
		update("other", replace("/basePath", "renamed"))
		update("renamed", replace("/basePath", "other"))
		c.redeploy(second)
	}
	close(stop)
	clients.Wait()
}

func TestFunctionsSeeTheDomain(t *testing.T) {
	c := newCloud(t)
	var event map[string]any
	c.invoke = func(in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		if err := json.Unmarshal(in.Payload, &event); err != nil {
			t.Error(err)
		}
		return &lambda.InvokeOutput{StatusCode: 200, Payload: []byte(`{"statusCode":200,"body":"ok"}`)}, nil
	}
	api := c.deploy(document(`"/{id}":{"get":{"responses":{},"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST",
		"uri":"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:` + account + `:function:f/invocations"}}}`))
	c.regional("api.example.com", c.certificate("example.com", "api.example.com"))
	c.mapPath("api.example.com", "samples", api)
	if got := c.on("api.example.com:4566", "/samples/one?a=1&a=2"); got.body != "ok" {
		t.Fatalf("%+v", got)
	}
	context, _ := event["requestContext"].(map[string]any)
	for name, want := range map[string]any{"path": "/samples/one", "resourcePath": "/{id}", "stage": "prod", "domainName": "api.example.com", "domainPrefix": "api",
		"apiId": api, "protocol": "HTTP/1.1", "httpMethod": "GET", "requestTime": "04/Mar/2026:05:06:07 +0000", "requestTimeEpoch": 1772600767000.0} {
		if context[name] != want {
			t.Errorf("requestContext.%s is %v, want %v", name, context[name], want)
		}
	}
	if event["path"] != "/samples/one" || event["resource"] != "/{id}" || event["pathParameters"].(map[string]any)["id"] != "one" {
		t.Errorf("%v", event)
	}
	c.send(api, "GET", "/one", "")
	if context, _ := event["requestContext"].(map[string]any); event["path"] != "/one" || context["path"] != "/prod/one" {
		t.Errorf("on the API's own endpoint: %v %v", event["path"], context["path"])
	}
}

func TestDomainsSurvive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c := newCloudOn(t, s)
	api := c.deploy(document(`"/":{"get":` + mock("200", "ok") + `}`))
	c.regional("api.example.com", c.certificate("example.com", "api.example.com"))
	c.mapPath("api.example.com", "users", api)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(path); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c = newCloudOn(t, s)
	if got := c.on("api.example.com", "/users"); got.body != "ok" {
		t.Errorf("%+v", got)
	}
}

// TestDomainPermissions holds the actions and ARNs against AWS's: the HTTP method on the domain name's path, for both APIs.
func TestDomainPermissions(t *testing.T) {
	c := newCloud(t)
	for action, want := range map[string]string{"apigateway.GetBasePathMapping": "apigateway:GET arn:aws:apigateway:us-east-1::/domainnames/api.example.com/basepathmappings/users",
		"apigatewayv2.CreateApiMapping": "apigateway:POST arn:aws:apigateway:us-east-1::/domainnames/api.example.com/apimappings",
		"apigatewayv2.DeleteDomainName": "apigateway:DELETE arn:aws:apigateway:us-east-1::/domainnames/api.example.com"} {
		service, name, _ := strings.Cut(action, ".")
		op, ok := c.d.Operation(service, name)
		if !ok {
			t.Fatalf("there is no %s", action)
		}
		permission, _, _ := strings.Cut(want, " ")
		c.deny(permission, true)
		in := op.NewInput()
		if err := json.Unmarshal([]byte(`{"domainName":"api.example.com","basePath":"users"}`), in); err != nil {
			t.Fatal(err)
		}
		_, err := c.d.Do(context.Background(), dispatch.Principal{ARN: "x", RoleARN: role}, service, name, in)
		entries := c.d.Journal.Latest()
		if last := entries[len(entries)-1]; err == nil || permission+" "+strings.Join(last.Resources, " ") != want {
			t.Errorf("%s: %v on %v, want %s", action, err, last.Resources, want)
		}
	}
}
