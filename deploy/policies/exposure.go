package policies

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/carepath/carepath/deploy/graph"
)

// bounded are the condition keys that keep "everybody" to those of one's own.
var bounded = []string{
	"aws:sourcearn", "aws:sourceaccount", "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid",
	"aws:sourcevpc", "aws:sourcevpce", "kms:calleraccount", "kms:viaservice", "sns:endpoint",
}

// bounds reports whether a statement is for those alone whom a condition names.
func (s *statement) bounds() bool {
	for operator, keys := range s.Conditions {
		if strings.Contains(operator, "IfExists") || strings.Contains(operator, "Not") || operator == "Null" {
			continue
		}
		for name, values := range keys {
			open := slices.ContainsFunc(values, func(v string) bool { return strings.Trim(v, "*") == "" })
			if slices.Contains(bounded, strings.ToLower(name)) && !open {
				return true
			}
		}
	}
	return false
}

var exposure = []Rule{
	{
		ID: "CPK-PUB-001", Title: "Buckets block public access", Mend: "give it an aws.s3.BucketPublicAccessBlock with all four set",
		Reason:   "A policy or an ACL that opens a bucket by mistake is without effect.",
		Controls: []string{hipaaAccess, "AWS Security Hub S3.8", "CIS 2.1.4"},
		check: func(c *check) {
			all := []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"}
			c.each(func(r *graph.Resource) {
				var open []string
				blocks := c.about(r, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "bucket")
				for _, name := range all {
					if len(blocks) == 0 || !blocks[0].True(name) {
						open = append(open, name)
					}
				}
				if len(open) > 0 {
					c.found(r, "nothing sets %s", strings.Join(open, ", "))
				}
			}, buckets...)
		},
	},
	{
		ID: "CPK-PUB-002", Title: "Resource policies let in whom they name", Mend: "name the principals, or the source in a condition on aws:SourceArn or aws:SourceAccount",
		Reason:   "A queue, topic, bus, bucket, key or function that everybody may use is everybody's.",
		Controls: []string{hipaaAccess, "AWS Security Hub SQS.3", "AWS Security Hub SNS.4", "AWS Security Hub Lambda.1", "AWS Security Hub KMS.5"},
		check: func(c *check) {
			for _, p := range c.resourcePolicies() {
				for _, s := range c.statements(p) {
					if s.Effect == "Allow" && (s.NotPrincipal || slices.Contains(s.Principals, "*")) && !s.bounds() {
						c.found(p.owner, "%s lets everybody in", s.label())
					}
				}
			}
			c.each(func(r *graph.Resource) {
				if r.Text("principal") == "*" && r.Text("sourceArn") == "" && r.Text("sourceAccount") == "" && r.Text("principalOrgId") == "" {
					c.found(r, "it lets everybody in")
				}
			}, "aws:lambda/permission:Permission", "aws:cloudwatch/eventPermission:EventPermission")
		},
	},
	{
		ID: "CPK-PUB-003", Title: "A service that a resource policy lets in is bound to a source", Mend: "add a condition on aws:SourceArn or aws:SourceAccount",
		Reason:     "A service works for every account: without a source it would do here what somebody else tells it (the confused deputy).",
		Controls:   []string{hipaaAccess},
		Exceptions: []string{"policies of keys: a service that may use a key does so for what is encrypted with it, and the policy of that says who may have it"},
		check: func(c *check) {
			for _, p := range c.resourcePolicies() {
				if p.owner.Type == key {
					continue
				}
				for _, s := range c.statements(p) {
					// HealthLake notifies buses and uses their key for FHIR Subscriptions by policies that AWS documents without a condition; whether it says
					// its source is not documented.
					services := slices.DeleteFunc(slices.Clone(s.Principals), func(p string) bool {
						return !strings.HasPrefix(p, "Service:") || p == "Service:healthlake.amazonaws.com"
					})
					if s.Effect == "Allow" && len(services) > 0 && len(s.Conditions) == 0 {
						c.found(p.owner, "%s lets %s in for anybody", s.label(), strings.TrimPrefix(strings.Join(services, ", "), "Service:"))
					}
				}
			}
			c.each(func(r *graph.Resource) {
				if strings.HasSuffix(r.Text("principal"), ".amazonaws.com") && r.Text("sourceArn") == "" && r.Text("sourceAccount") == "" {
					c.found(r, "it lets %s in for anybody", r.Text("principal"))
				}
			}, "aws:lambda/permission:Permission")
		},
	},
	{
		ID: "CPK-PUB-004", Title: "APIs under a domain have no other way in", Mend: "set DisableExecuteAPIEndpoint of the API",
		Reason:   "What the domain asks for, such as clients' certificates, a default endpoint does not ask for.",
		Controls: []string{hipaaAccess},
		check: func(c *check) {
			mappings := slices.Concat(c.Of("aws:apigateway/basePathMapping:BasePathMapping"), c.Of("aws:apigatewayv2/apiMapping:ApiMapping"))
			c.each(func(r *graph.Resource) {
				mapped := slices.ContainsFunc(mappings, func(m *graph.Resource) bool { return c.Mentions(m.Text("restApi")+m.Text("apiId"), r) }) || c.mappedByCloudControl(r)
				if mapped && !r.True("disableExecuteApiEndpoint") {
					c.found(r, "it is under a domain and open at its default endpoint, too")
				}
			}, "aws:apigateway/restApi:RestApi")
		},
	},
	{
		ID: "CPK-PUB-005", Title: "Function URLs ask for credentials", Mend: `set AuthorizationType to "AWS_IAM", or put the function behind an API`,
		Reason:   "A function URL without authorisation is an endpoint on the internet without throttling, validation or access log.",
		Controls: []string{hipaaAccess, "AWS Security Hub Lambda.1"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if r.Text("authorizationType") != "AWS_IAM" {
					c.found(r, "it takes requests from everybody")
				}
			}, "aws:lambda/functionUrl:FunctionUrl")
		},
	},
	{
		ID: "CPK-PUB-006", Title: "Methods of APIs that take requests without credentials are known", Note: true,
		Reason:   "They are meant to be open, as webhooks are: what keeps others out is before them, mutual TLS of the domain or a firewall.",
		Mend:     "ask for clients' certificates: carepath:domain.mutualTls",
		Controls: []string{hipaaAccess, "HIPAA §164.312(d)"},
		check: func(c *check) {
			if slices.ContainsFunc(c.Of("aws:apigateway/domainName:DomainName"), func(d *graph.Resource) bool {
				return d.Text("mutualTlsAuthentication.truststoreUri") != ""
			}) {
				return
			}
			c.each(func(r *graph.Resource) {
				for _, method := range openMethods(r.Text("body")) {
					c.found(r, "%s takes requests from everybody", method)
				}
			}, "aws:apigateway/restApi:RestApi")
		},
	},
}

// mappedByCloudControl reports whether a mapping that Cloud Control makes leads to the API.
func (c *check) mappedByCloudControl(api *graph.Resource) bool {
	return slices.ContainsFunc(c.Of("aws:cloudcontrol/resource:Resource"), func(m *graph.Resource) bool {
		return m.Text("typeName") == "AWS::ApiGatewayV2::ApiMapping" && c.Mentions(m.Text("desiredState"), api)
	})
}

// openMethods are the operations of an OpenAPI document that no security scheme guards, such as "POST /users".
func openMethods(body string) []string {
	var document struct {
		Security []any
		Paths    map[string]map[string]json.RawMessage
	}
	if json.Unmarshal([]byte(body), &document) != nil || len(document.Security) > 0 {
		return nil
	}
	var open []string
	for path, methods := range document.Paths {
		for method, text := range methods {
			var operation struct{ Security []any }
			if strings.HasPrefix(method, "x-") && method != "x-amazon-apigateway-any-method" || json.Unmarshal(text, &operation) != nil || len(operation.Security) > 0 {
				continue
			}
			name := strings.ToUpper(method)
			if strings.HasPrefix(method, "x-") {
				name = "ANY"
			}
			open = append(open, name+" "+path)
		}
	}
	slices.Sort(open)
	return open
}
