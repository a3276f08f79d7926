package apidomain

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"pgregory.net/rapid"
)

// engine is a monitor that answers as AWS would. What it proves is the component's side: which resources with which inputs;
// not that AWS takes them.
type engine struct {
	mu     sync.Mutex
	asked  map[string]resource.PropertyMap // by "type name"
	after  map[string][]string             // on what each depends, by name
	lines  []string                        // "type name in parent"
	lookup resource.PropertyMap            // what the domain's lookup answers; nil: it is not there
	region string                          // of issued certificates
}

func (e *engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	out, text := args.Inputs.Copy(), resource.NewProperty[string]
	switch args.TypeToken {
	case "aws:acm/certificate:Certificate":
		out["arn"] = text("arn:aws:acm:" + e.region + ":123456789012:certificate/issued")
		out["domainValidationOptions"] = resource.NewProperty([]resource.PropertyValue{resource.NewProperty(resource.PropertyMap{
			"resourceRecordName": text("_x.api.example.com."), "resourceRecordType": text("CNAME"), "resourceRecordValue": text("_y.acm-validations.aws."),
		})})
	case "aws:route53/record:Record":
		out["fqdn"] = args.Inputs["name"]
	case "aws:apigateway/domainName:DomainName":
		out["regionalDomainName"], out["regionalZoneId"] = text("d-abc.execute-api.us-west-2.amazonaws.com"), text("ZREGIONAL")
		out["cloudfrontDomainName"], out["cloudfrontZoneId"] = text("d111.cloudfront.net"), text("ZCLOUDFRONT")
	}
	if e.asked == nil {
		e.asked, e.after = map[string]resource.PropertyMap{}, map[string][]string{}
	}
	e.asked[args.TypeToken+" "+args.Name] = args.Inputs
	last := func(urn string) string { return urn[strings.LastIndex(urn, "::")+2:] }
	if strings.HasPrefix(args.TypeToken, "pulumi:") {
		return args.Name + "_id", out, nil
	}
	line := args.TypeToken + " " + args.Name
	if args.RegisterRPC != nil {
		for _, urn := range args.RegisterRPC.GetDependencies() {
			e.after[args.Name] = append(e.after[args.Name], last(urn))
		}
		if parent := args.RegisterRPC.GetParent(); !strings.Contains(parent, "pulumi:pulumi:Stack") {
			line += " in " + last(parent)
		}
		if provider := args.RegisterRPC.GetProvider(); strings.Contains(provider, "::virginia::") {
			line += ", by virginia"
		}
	}
	e.lines = append(e.lines, line)
	return args.Name + "_id", out, nil
}

func (e *engine) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	if args.Token != "aws:apigateway/getDomainName:getDomainName" || e.lookup == nil {
		return nil, fmt.Errorf("%s: NotFoundException: Invalid domain name identifier specified", args.Token)
	}
	return e.lookup, nil
}

// deployed makes a domain; args gets two APIs to map.
func deployed(t *testing.T, e *engine, args func(ctx *pulumi.Context, orders, users API) *DomainArgs) (*Domain, error) {
	t.Helper()
	if e.region == "" {
		e.region = "us-west-2"
	}
	var d *Domain
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		var apis []API
		for _, name := range []string{"orders", "users"} {
			stage, err := apigateway.NewStage(ctx, name, &apigateway.StageArgs{
				RestApi: pulumi.String(name + "-id"), StageName: pulumi.String("main"), Deployment: pulumi.String("d"),
			})
			if err != nil {
				return err
			}
			apis = append(apis, StageOf(stage))
		}
		var err error
		d, err = NewDomain(ctx, "api", args(ctx, apis[0], apis[1]))
		return err
	}, pulumi.WithMocks("carepath", "test", e))
	return d, err
}

// made lists the domain's resources, sorted.
func (e *engine) made() []string {
	var lines []string
	for _, line := range e.lines {
		if !strings.HasPrefix(line, "aws:apigateway/stage:Stage") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

func (e *engine) inputs(t *testing.T, tokenAndName string) map[string]any {
	t.Helper()
	in, ok := e.asked[tokenAndName]
	if !ok {
		t.Fatalf("there is no %s", tokenAndName)
	}
	return in.Mappable()
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCreatedDomain(t *testing.T) {
	e := &engine{}
	_, err := deployed(t, e, func(_ *pulumi.Context, orders, users API) *DomainArgs {
		return &DomainArgs{
			DomainName: "api.example.com", HostedZoneID: pulumi.String("Z1"), Create: &Create{Region: "us-west-2"},
			Mappings: []Mapping{{"orders", orders}, {"users/v2", users}, {NoPath, users}},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, []string{
		"aws:acm/certificate:Certificate api-certificate in api",
		"aws:acm/certificateValidation:CertificateValidation api-validated in api",
		"aws:apigateway/basePathMapping:BasePathMapping api-(none) in api",
		"aws:apigateway/basePathMapping:BasePathMapping api-orders in api",
		"aws:apigateway/domainName:DomainName api in api",
		"aws:cloudcontrol/resource:Resource api-users/v2 in api",
		"aws:route53/record:Record api-a in api",
		"aws:route53/record:Record api-aaaa in api",
		"aws:route53/record:Record api-validation in api",
		"carepath:apidomain:Domain api",
	}, e.made())
	equal(t, map[string]any{
		"domainName": "api.example.com", "securityPolicy": "TLS_1_2", "regionalCertificateArn": "arn:aws:acm:us-west-2:123456789012:certificate/issued",
		"endpointConfiguration": map[string]any{"types": "REGIONAL", "ipAddressType": "dualstack"},
	}, e.inputs(t, "aws:apigateway/domainName:DomainName api"))
	equal(t, map[string]any{"domainName": "api.example.com", "validationMethod": "DNS"}, e.inputs(t, "aws:acm/certificate:Certificate api-certificate"))
	equal(t, map[string]any{
		"zoneId": "Z1", "name": "_x.api.example.com.", "type": "CNAME", "records": []any{"_y.acm-validations.aws."}, "ttl": 300.0, "allowOverwrite": true,
	}, e.inputs(t, "aws:route53/record:Record api-validation"))
	for kind, name := range map[string]string{"A": "api-a", "AAAA": "api-aaaa"} {
		equal(t, map[string]any{"zoneId": "Z1", "name": "api.example.com", "type": kind, "aliases": []any{map[string]any{
			"name": "d-abc.execute-api.us-west-2.amazonaws.com", "zoneId": "ZREGIONAL", "evaluateTargetHealth": false,
		}}}, e.inputs(t, "aws:route53/record:Record "+name))
	}
	equal(t, map[string]any{"domainName": "api.example.com", "restApi": "orders-id", "stageName": "main", "basePath": "orders"},
		e.inputs(t, "aws:apigateway/basePathMapping:BasePathMapping api-orders"))
	equal(t, map[string]any{"domainName": "api.example.com", "restApi": "users-id", "stageName": "main"},
		e.inputs(t, "aws:apigateway/basePathMapping:BasePathMapping api-(none)"))
	mapped := e.inputs(t, "aws:cloudcontrol/resource:Resource api-users/v2")
	equal(t, "AWS::ApiGatewayV2::ApiMapping", mapped["typeName"])
	equal(t, `{"ApiId":"users-id","ApiMappingKey":"users/v2","DomainName":"api.example.com","Stage":"main"}`, mapped["desiredState"])
	for mapping, api := range map[string]string{"api-orders": "orders", "api-users/v2": "users"} {
		if after := e.after[mapping]; !slices.Contains(after, api) || !slices.Contains(after, "api") {
			t.Errorf("the mapping %s depends on %v: it must come after its API and the domain, and go before them", mapping, after)
		}
	}
}

func TestEdgeDomainHasItsCertificateInVirginia(t *testing.T) {
	e := &engine{region: "us-east-1"}
	_, err := deployed(t, e, func(ctx *pulumi.Context, orders, _ API) *DomainArgs {
		virginia, err := aws.NewProvider(ctx, "virginia", &aws.ProviderArgs{Region: pulumi.String("us-east-1")})
		if err != nil {
			t.Error(err)
		}
		return &DomainArgs{
			DomainName: "*.example.com", HostedZoneID: pulumi.String("Z1"),
			Create:   &Create{Region: "us-west-2", EndpointType: Edge, SecurityPolicy: TLS10, CertificateProvider: virginia},
			Mappings: []Mapping{{"orders", orders}},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, []string{
		"aws:acm/certificate:Certificate api-certificate in api, by virginia",
		"aws:acm/certificateValidation:CertificateValidation api-validated in api, by virginia",
	}, e.made()[:2])
	equal(t, map[string]any{
		"domainName": "*.example.com", "securityPolicy": "TLS_1_0", "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/issued",
		"endpointConfiguration": map[string]any{"types": "EDGE", "ipAddressType": "dualstack"},
	}, e.inputs(t, "aws:apigateway/domainName:DomainName api"))
	equal(t, []any{map[string]any{"name": "d111.cloudfront.net", "zoneId": "ZCLOUDFRONT", "evaluateTargetHealth": false}},
		e.inputs(t, "aws:route53/record:Record api-aaaa")["aliases"])
}

func TestMutualTLSWithAGivenCertificate(t *testing.T) {
	e := &engine{}
	_, err := deployed(t, e, func(*pulumi.Context, API, API) *DomainArgs {
		return &DomainArgs{DomainName: "api.example.com", Create: &Create{
			Region: "us-west-2", CertificateARN: pulumi.String("arn:aws:acm:us-west-2:123456789012:certificate/imported"),
			MutualTLS: &MutualTLS{
				TruststoreURI: pulumi.String("s3://trust/ca.pem"), TruststoreVersion: pulumi.String("7"),
				OwnershipVerificationCertificateARN: pulumi.String("arn:aws:acm:us-west-2:123456789012:certificate/owner"),
			},
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	// Without a zone there are no records, with a certificate none is issued.
	equal(t, []string{"aws:apigateway/domainName:DomainName api in api", "carepath:apidomain:Domain api"}, e.made())
	in := e.inputs(t, "aws:apigateway/domainName:DomainName api")
	equal(t, map[string]any{"truststoreUri": "s3://trust/ca.pem", "truststoreVersion": "7"}, in["mutualTlsAuthentication"].(map[string]any))
	equal(t, any("arn:aws:acm:us-west-2:123456789012:certificate/owner"), in["ownershipVerificationCertificateArn"])
}

func TestCertificateOfAnotherResourceIsCheckedWhenItIsKnown(t *testing.T) {
	e := &engine{}
	_, err := deployed(t, e, func(*pulumi.Context, API, API) *DomainArgs {
		return &DomainArgs{DomainName: "api.example.com", Create: &Create{
			Region: "us-west-2", CertificateARN: pulumi.Sprintf("arn:aws:acm:%s:123456789012:certificate/x", "us-east-1"),
		}}
	})
	if err == nil || !strings.Contains(err.Error(), "Create.CertificateARN") || !strings.Contains(err.Error(), "a certificate in us-west-2") {
		t.Errorf("got %v", err)
	}
	if _, made := e.asked["aws:apigateway/domainName:DomainName api"]; made {
		t.Error("the domain was made")
	}
}

func TestExistingDomain(t *testing.T) {
	text := resource.NewProperty[string]
	kind := func(endpoint, policy string) resource.PropertyMap {
		return resource.PropertyMap{
			"domainName": text("api.example.com"), "securityPolicy": text(policy), "regionalDomainName": text("d-r"), "regionalZoneId": text("ZR"),
			"cloudfrontDomainName": text("d-c"), "cloudfrontZoneId": text("ZC"),
			"endpointConfigurations": resource.NewProperty([]resource.PropertyValue{resource.NewProperty(resource.PropertyMap{
				"types": resource.NewProperty([]resource.PropertyValue{text(endpoint)})})}),
		}
	}
	for _, test := range []struct {
		name     string
		existing Existing
		lookup   resource.PropertyMap
		path     string
		target   string // of the alias
		problem  string
	}{
		{name: "given", existing: Existing{AliasTarget: pulumi.String("d-g"), AliasHostedZoneID: pulumi.String("ZG")}, path: "a/b", target: "d-g"},
		{name: "looked up", lookup: kind("REGIONAL", "TLS_1_2"), path: "a/b", target: "d-r"},
		{name: "looked up, with an enhanced policy", lookup: kind("REGIONAL", "SecurityPolicy_TLS13_1_3_2025_09"), path: "a/b", target: "d-r"},
		{name: "looked up, edge", lookup: kind("EDGE", "TLS_1_2"), path: "a", target: "d-c"},
		{name: "looked up, edge, several segments", lookup: kind("EDGE", "TLS_1_2"), path: "a/b", problem: "one segment"},
		{name: "looked up, old", lookup: kind("REGIONAL", "TLS_1_0"), path: "a/b", problem: "one segment"},
		{name: "not there", path: "a", problem: `looking up the domain "api.example.com", which must be in this account and region`},
		{name: "edge, several segments", existing: Existing{AliasTarget: pulumi.String("d-g"), AliasHostedZoneID: pulumi.String("ZG"), EndpointType: Edge}, path: "a/b", problem: "one segment"},
		{name: "half given", existing: Existing{EndpointType: Edge}, path: "a", problem: "Existing.AliasTarget"},
		{name: "without zone", existing: Existing{AliasTarget: pulumi.String("d-g")}, path: "a", problem: "Existing.AliasHostedZoneID"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := &engine{lookup: test.lookup}
			_, err := deployed(t, e, func(_ *pulumi.Context, orders, _ API) *DomainArgs {
				return &DomainArgs{DomainName: "api.example.com", Existing: &test.existing, HostedZoneID: pulumi.String("Z1"), Mappings: []Mapping{{test.path, orders}}}
			})
			if test.problem != "" {
				if err == nil || !strings.Contains(err.Error(), test.problem) {
					t.Errorf("got %v, want %s", err, test.problem)
				}
				if made := slices.DeleteFunc(e.made(), func(l string) bool { return strings.HasPrefix(l, "carepath:") }); len(made) > 0 {
					t.Errorf("made all the same: %v", made)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := e.inputs(t, "aws:route53/record:Record api-a")["aliases"].([]any)[0].(map[string]any)["name"]; got != test.target {
				t.Errorf("the alias leads to %v", got)
			}
			if slices.ContainsFunc(e.made(), func(l string) bool { return strings.Contains(l, "DomainName") }) {
				t.Errorf("a domain was made: %v", e.made())
			}
		})
	}
}

func TestArgsReportEverythingAtOnce(t *testing.T) {
	arn := pulumi.String("arn:aws:acm:us-west-2:123456789012:certificate/x")
	api := StageOf(&apigateway.Stage{})
	for _, test := range []struct {
		name string
		args DomainArgs
		want []string // one a problem
	}{
		{"nothing", DomainArgs{}, []string{"DomainName: is missing", "Create: is missing: must be given, to make the domain, or Existing"}},
		{"capitals", DomainArgs{DomainName: "API.example.com", Create: &Create{Region: "us-west-2", CertificateARN: arn}},
			[]string{`DomainName: got "API.example.com": must be a domain name in lower case such as "api.example.com", or "*.example.com" for all names one label longer: API Gateway refuses capitals, write "api.example.com"`}},
		{"both", DomainArgs{DomainName: "a.b", Create: &Create{}, Existing: &Existing{}}, []string{"Existing: got one beside Create"}},
		{"no certificate and no region", DomainArgs{DomainName: "a.b", Create: &Create{}}, []string{"Create.Region: is missing", "Create.CertificateARN: is missing"}},
		{"long name to issue for", DomainArgs{DomainName: strings.Repeat("a", 62) + ".bc", HostedZoneID: pulumi.String("Z"), Create: &Create{Region: "us-west-2"}},
			[]string{"DomainName: got 65 characters: must be of at most 64 characters"}},
		{"long name", DomainArgs{DomainName: strings.Repeat("a.", 127) + "b", Create: &Create{Region: "us-west-2", CertificateARN: arn}},
			[]string{"DomainName: got 255 characters"}},
		{"enums", DomainArgs{DomainName: "a.b", Create: &Create{Region: "us-west-2", CertificateARN: arn, EndpointType: "PRIVATE", SecurityPolicy: "TLS_1_3"}},
			[]string{`Create.EndpointType: got "PRIVATE": must be "REGIONAL" or "EDGE"`, `Create.SecurityPolicy: got "TLS_1_3": must be "TLS_1_2" or "TLS_1_0"`}},
		{"enhanced", DomainArgs{DomainName: "a.b", Create: &Create{Region: "us-west-2", CertificateARN: arn, SecurityPolicy: "SecurityPolicy_TLS13_1_3_2025_09"}},
			[]string{"endpoint access mode"}},
		{"region", DomainArgs{DomainName: "a.b", Create: &Create{Region: "eu-west-1", CertificateARN: arn}},
			[]string{"must be a certificate in eu-west-1: that is where API Gateway looks for those of REGIONAL domains"}},
		{"edge region", DomainArgs{DomainName: "a.b", Create: &Create{Region: "us-west-2", EndpointType: Edge, CertificateARN: arn}},
			[]string{"must be a certificate in us-east-1: that is where API Gateway looks for those of EDGE domains"}},
		{"no ARN", DomainArgs{DomainName: "a.b", Create: &Create{Region: "us-west-2", CertificateARN: pulumi.String("arn:aws:iam::123456789012:server-certificate/x")}},
			[]string{`must be the ARN of a certificate of ACM: "arn:aws:acm:us-west-2:<account>:certificate/<id>"`}},
		{"edge without provider", DomainArgs{DomainName: "a.b", HostedZoneID: pulumi.String("Z"), Create: &Create{Region: "us-west-2", EndpointType: Edge}},
			[]string{"Create.CertificateProvider: is missing: must be a provider of us-east-1"}},
		{"provider for nothing", DomainArgs{DomainName: "a.b", HostedZoneID: pulumi.String("Z"), Create: &Create{Region: "us-west-2", CertificateProvider: &aws.Provider{}}},
			[]string{"Create.CertificateProvider: got a provider: must be left out"}},
		{"mutual TLS", DomainArgs{DomainName: "a.b", HostedZoneID: pulumi.String("Z"), Create: &Create{Region: "us-east-1", EndpointType: Edge, SecurityPolicy: TLS10, MutualTLS: &MutualTLS{}}},
			[]string{"Create.MutualTLS.TruststoreURI: is missing", "Create.MutualTLS: got one on an EDGE domain", "Create.MutualTLS: got one with the security policy TLS_1_0"}},
		{"trust store", DomainArgs{DomainName: "a.b", Create: &Create{Region: "us-west-2", CertificateARN: arn, MutualTLS: &MutualTLS{TruststoreURI: pulumi.String("https://trust/ca.pem")}}},
			[]string{`Create.MutualTLS.TruststoreURI: got "https://trust/ca.pem"`}},
		{"mappings", DomainArgs{DomainName: "a.b", Create: &Create{Region: "us-west-2", CertificateARN: arn}, Mappings: []Mapping{
			{"orders", nil}, {"orders", api}, {"", api}, {NoPath, api}, {"/a", api}, {"a b", api}, {"ping", api}, {"a//b", api}, {strings.Repeat("a", 301), api}, {"a/..", api}, {"Orders", api}, {"ping/x", api},
		}}, []string{
			"Mappings[0].API: is missing",
			`Mappings[1].BasePath: got "orders", which is that of Mappings[0] already: must be a path of its own`,
			`Mappings[3].BasePath: got "(none)", which is that of Mappings[2] already: must be a path: one mapping only takes what no other covers`,
			`Mappings[4].BasePath: got "/a": must be segments of letters, digits and any of $-_.+!*'(), with one / between them and none at the ends`,
			`Mappings[5].BasePath: got "a b"`, `Mappings[6].BasePath: got "ping": must be another path than ping and sping`, `Mappings[7].BasePath: got "a//b"`,
			"Mappings[8].BasePath", "Mappings[9].BasePath",
		}},
		{"several segments", DomainArgs{DomainName: "a.b", Create: &Create{Region: "us-west-2", CertificateARN: arn, SecurityPolicy: TLS10}, Mappings: []Mapping{{"a/b", api}}},
			[]string{"Mappings[0].BasePath: got \"a/b\": must be one segment, without /: only a REGIONAL domain with the security policy TLS_1_2 takes several"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.args.check()
			var joined interface{ Unwrap() []error }
			if !errors.As(err, &joined) {
				t.Fatalf("got %v", err)
			}
			var unused []string
			for _, p := range joined.Unwrap() {
				unused = append(unused, p.Error())
			}
			for _, want := range test.want {
				i := slices.IndexFunc(unused, func(got string) bool { return strings.Contains(got, want) })
				if i < 0 {
					t.Errorf("%v\nlacks %s", err, want)
					continue
				}
				unused = slices.Delete(unused, i, i+1)
			}
			if len(unused) > 0 {
				t.Errorf("reports besides: %q", unused)
			}
		})
	}
	mappings := make([]Mapping, 201)
	for i := range mappings {
		mappings[i] = Mapping{fmt.Sprintf("a/%d", i), api}
	}
	err := (&DomainArgs{DomainName: "a.b", Create: &Create{Region: "us-west-2", CertificateARN: arn}, Mappings: mappings}).check()
	if err == nil || !strings.Contains(err.Error(), "200 of them at most") {
		t.Errorf("got %v", err)
	}
}

// Whatever the paths are: those that are accepted are each AWS's, and no two are the same.
func TestAcceptedPathsAreDistinctAndLegal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paths := rapid.SliceOfN(rapid.OneOf(
			rapid.StringMatching(`[a-c$_.+!*'()/-]{0,4}`), rapid.SampledFrom([]string{"", NoPath, "ping", "sping", "a/b", "é", "a%20b", "A"}),
		), 0, 6).Draw(t, "paths")
		if len(CheckBasePaths(paths, true)) > 0 {
			return
		}
		seen := map[string]bool{}
		for _, path := range paths {
			if path == NoPath {
				path = ""
			}
			if seen[path] {
				t.Fatalf("%q is there twice in %q", path, paths)
			}
			seen[path] = true
			for segment := range strings.SplitSeq(path, "/") {
				if segment == "" && path != "" || strings.Trim(segment, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789$-_.+!*'()") != "" {
					t.Fatalf("%q was accepted", path)
				}
			}
		}
	})
}
