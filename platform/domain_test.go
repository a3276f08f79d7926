package platform

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Call answers the lookups of an existing domain and of the roles of Carepath's stacks.
func (e *engine) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	switch args.Token {
	case "aws:apigateway/getDomainName:getDomainName":
	case "aws:iam/getRoles:getRoles":
		if args.Args["pathPrefix"].StringValue() != "/carepath/" {
			return nil, fmt.Errorf("roles of %v", args.Args)
		}
		return resource.PropertyMap{"arns": resource.NewProperty([]resource.PropertyValue{resource.NewProperty(otherRole)})}, nil
	default:
		return nil, fmt.Errorf("the program calls %s, which it does without", args.Token)
	}
	return resource.PropertyMap{
		"securityPolicy": resource.NewProperty("TLS_1_2"), "regionalDomainName": resource.NewProperty("d-abc"), "regionalZoneId": resource.NewProperty("ZREGIONAL"),
	}, nil
}

// urls are the outputs that end with Url.
func urls(t *testing.T, endpoint string, config map[string]string, apis ...functionAPI) (map[string]string, *engine) {
	t.Helper()
	setConfig(t, config)
	e, got := &engine{endpoint: endpoint}, map[string]string{}
	var mu sync.Mutex
	var known sync.WaitGroup
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		outputs, err := deploy(ctx, append(functionAPIs(), apis...), noRole)
		for name, value := range outputs {
			if strings.HasSuffix(name, "Url") && !strings.Contains(name, "Queue") {
				known.Add(1)
				pulumi.ToOutput(value).ApplyT(func(value any) any {
					defer known.Done()
					mu.Lock()
					defer mu.Unlock()
					got[name] = fmt.Sprint(value)
					return value
				})
			}
		}
		return err
	}, pulumi.WithMocks("carepath", "test", e))
	if err != nil {
		t.Fatal(err)
	}
	known.Wait()
	return got, e
}

func TestURLs(t *testing.T) {
	const aws, local = "https://abc123.execute-api.us-east-1.amazonaws.com", "http://localhost:4566/_aws/execute-api/abc123"
	for _, test := range []struct {
		name     string
		config   map[string]string
		endpoint string
		want     map[string]string
		closed   bool // the default endpoints
	}{
		{"domain", map[string]string{"carepath:domain": testDomain}, aws, map[string]string{
			"apiUrl": "https://api.example.com", "intakeUrl": "https://api.example.com/webhooks", "usersUrl": "https://api.example.com/users", "samplesUrl": "https://api.example.com/samples", "closedUrl": aws + "/main",
		}, true},
		{"existing domain", map[string]string{"carepath:domain": `{"name":"api.example.com","existing":true}`}, aws, map[string]string{
			"apiUrl": "https://api.example.com", "intakeUrl": "https://api.example.com/webhooks", "usersUrl": "https://api.example.com/users", "samplesUrl": "https://api.example.com/samples", "closedUrl": aws + "/main",
		}, true},
		{"the embedded AWS", map[string]string{"carepath:environment": "local", "carepath:domain": `{"name":"api.localhost"}`}, local, map[string]string{
			"apiUrl": "http://api.localhost:4566", "intakeUrl": "http://api.localhost:4566/webhooks", "usersUrl": "http://api.localhost:4566/users", "samplesUrl": "http://api.localhost:4566/samples", "closedUrl": local + "/main",
		}, true},
		{"no domain", nil, aws, map[string]string{"apiUrl": aws + "/main", "intakeUrl": aws + "/main", "usersUrl": aws + "/main", "samplesUrl": aws + "/main"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, e := urls(t, test.endpoint, test.config)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for _, r := range e.resources {
				if r.token == "aws:apigateway/restApi:RestApi" && r.inputs["disableExecuteApiEndpoint"].BoolValue() != test.closed {
					t.Errorf("the default endpoint of %s is closed: %v, want %v", r.name, !test.closed, test.closed)
				}
			}
		})
	}
}

// What docs/extend.md promises of an entry in the list of apis.go.
func TestAPIOfOnesOwn(t *testing.T) {
	got, e := urls(t, "https://x", map[string]string{"carepath:domain": testDomain}, functionAPI{Name: "orders", Description: "Orders", Routes: []functionRoute{
		{Method: "POST", Path: "/", Handler: "sample"},
		{Method: "GET", Path: "/{id}", Handler: "sample"},
	}})
	if got["ordersUrl"] != "https://api.example.com/orders" {
		t.Errorf("the outputs are %v", got)
	}
	var own []string
	for _, r := range e.resources {
		if strings.HasPrefix(r.name, "orders") || r.name == "domain-orders" {
			own = append(own, r.token+" "+r.name)
		}
	}
	slices.Sort(own)
	want := []string{
		"aws:apigateway/basePathMapping:BasePathMapping domain-orders",
		"aws:apigateway/deployment:Deployment orders-api-deployment",
		"aws:apigateway/methodSettings:MethodSettings orders-api-settings",
		"aws:apigateway/restApi:RestApi orders-api",
		"aws:apigateway/stage:Stage orders-api-stage",
		"aws:cloudwatch/logGroup:LogGroup orders-api-access-logs",
		"aws:cloudwatch/logGroup:LogGroup orders-sample-logs",
		"aws:cloudwatch/metricAlarm:MetricAlarm orders-sample-errors",
		"aws:cloudwatch/metricAlarm:MetricAlarm orders-sample-throttles",
		"aws:iam/role:Role orders-sample-role",
		"aws:iam/rolePolicy:RolePolicy orders-sample-policy",
		"aws:lambda/function:Function orders-sample",
		"aws:lambda/permission:Permission orders-api-get-id-permission",
		"aws:lambda/permission:Permission orders-api-post-permission",
		"carepath:golambda:Function orders-sample",
		"carepath:restapi:API orders-api",
	}
	if diff := cmp.Diff(want, own); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDomainOfTheConfiguration(t *testing.T) {
	_, e := urls(t, "https://x", map[string]string{"aws:region": "eu-west-1", "carepath:domain": `{"name":"api.example.com","hostedZoneId":"Z1","endpointType":"EDGE"}`})
	if r := e.get(t, "aws:acm/certificate:Certificate", "domain-certificate"); !strings.Contains(r.provider, "::aws-us-east-1::") {
		t.Errorf("the certificate is made by %s", r.provider)
	}
	if r := e.get(t, "aws:apigateway/domainName:DomainName", "domain"); r.inputs["certificateArn"].IsNull() {
		t.Errorf("the domain has no certificate: %v", r.inputs)
	}
	_, e = urls(t, "https://x", map[string]string{"carepath:domain": `{"name":"api.example.com","certificateArn":"arn:aws:acm:us-east-1:123456789012:certificate/mine",
		"mutualTls":{"truststoreUri":"s3://bucket/ca.pem","truststoreVersion":"2","ownershipCertificateArn":"arn:aws:acm:us-east-1:123456789012:certificate/owner"}}`})
	got := e.get(t, "aws:apigateway/domainName:DomainName", "domain").inputs.Mappable()
	want := map[string]any{
		"domainName": "api.example.com", "securityPolicy": "TLS_1_2", "endpointConfiguration": map[string]any{"types": "REGIONAL", "ipAddressType": "dualstack"},
		"regionalCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/mine", "ownershipVerificationCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/owner",
		"mutualTlsAuthentication": map[string]any{"truststoreUri": "s3://bucket/ca.pem", "truststoreVersion": "2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAPIsThatCannotBeToldApartAreRefusedFirst(t *testing.T) {
	setConfig(t, nil)
	e := &engine{}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := deploy(ctx, []functionAPI{{Name: "users"}, {Name: "ping"}}, noRole)
		return err
	}, pulumi.WithMocks("carepath", "test", e))
	if err == nil || !strings.Contains(err.Error(), `"users", which is that of Mappings[1] already`) || !strings.Contains(err.Error(), `"ping"`) {
		t.Errorf("got %v", err)
	}
	if len(e.resources) > 1 { // the stack itself
		t.Errorf("made all the same: %v", e.resources)
	}
}
