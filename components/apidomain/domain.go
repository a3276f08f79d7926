// Package apidomain puts REST APIs under one custom domain of API Gateway, each below a base path of its own.
//
// A domain is made, with its certificate and its DNS records, or one that is there is taken. Everything that AWS would refuse
// of the paths, the certificate and the security policy is refused before anything is deployed.
package apidomain

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// DomainType is the type token of Domain.
const DomainType = "carepath:apidomain:Domain"

// EndpointType says where a domain's requests come in. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html.
type EndpointType string

// The types. API Gateway has private domains too, which this component does not make.
const (
	Regional EndpointType = "REGIONAL" // in the domain's region
	Edge     EndpointType = "EDGE"     // at the nearest of CloudFront's places; changes take up to 40 minutes
)

// SecurityPolicy is the lowest version of TLS that a domain speaks, with its ciphers. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html.
type SecurityPolicy string

// The policies. API Gateway's enhanced ones need an endpoint access mode, which pulumi-aws 6 cannot set.
const (
	TLS12 SecurityPolicy = "TLS_1_2" // TLS 1.2 and 1.3
	TLS10 SecurityPolicy = "TLS_1_0" // TLS 1.0 and later, for clients that cannot be changed
)

// DomainArgs says which domain it is and what it leads to.
type DomainArgs struct {
	// DomainName such as "api.example.com", in lower case. "*.example.com" takes all names one label longer; a domain with a
	// longer name goes before it. Required. Plain, because it is checked before anything is deployed.
	DomainName string
	// Create makes the domain. Either this or Existing is required. Plain, because it decides which children exist.
	Create *Create
	// Existing takes a domain that this account and region have already.
	Existing *Existing
	// HostedZoneID is the Route 53 zone that holds DomainName: it gets an A and an AAAA alias record for the domain, and the
	// validation record of a certificate that is issued. Default: none; the records are then made elsewhere.
	HostedZoneID pulumi.StringInput
	// Mappings are what the domain leads to, in any order; none is allowed. Plain, because each is a child.
	Mappings []Mapping
}

// Create says what kind of domain is made.
type Create struct {
	// Region is the one that the provider deploys to. Required. Plain, because certificates are checked by it.
	Region string
	// EndpointType. Default: Regional. Plain, for it decides where the certificate is.
	EndpointType EndpointType
	// SecurityPolicy. Default: TLS12. Plain, for it decides which mappings may be.
	SecurityPolicy SecurityPolicy
	// CertificateARN is a certificate of ACM for the domain: in Region, or in us-east-1 for Edge. Default: one is issued and
	// validated in HostedZoneID.
	CertificateARN pulumi.StringInput
	// CertificateProvider is a provider of us-east-1, where certificates for Edge are issued. Required for that when Region is
	// another one.
	CertificateProvider pulumi.ProviderResource
	// MutualTLS asks clients for certificates. Default: none are asked for. Close the APIs' default endpoints too: they ask for
	// none.
	MutualTLS *MutualTLS
}

// MutualTLS says which clients' certificates are taken. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mutual-tls.html.
type MutualTLS struct {
	// TruststoreURI is the S3 URL of a PEM file with the certificate authorities that are trusted. Required.
	TruststoreURI pulumi.StringInput
	// TruststoreVersion is the version of that object. Default: the newest when the domain is made or changed; give it, so
	// that a new file is a change.
	TruststoreVersion pulumi.StringPtrInput
	// OwnershipVerificationCertificateARN is a certificate issued by ACM for the domain. Required by API Gateway when the
	// domain's own certificate is imported or of a private authority.
	OwnershipVerificationCertificateARN pulumi.StringPtrInput
}

// Existing says what a domain that is there is like. The zero value looks it up by its name, before anything is deployed.
type Existing struct {
	// AliasTarget is where alias records of the domain lead, such as "d-abc.execute-api.us-east-1.amazonaws.com". With it the
	// domain is not looked up.
	AliasTarget pulumi.StringInput
	// AliasHostedZoneID is the hosted zone of AliasTarget. Required with it.
	AliasHostedZoneID pulumi.StringInput
	// EndpointType of the domain. Default: Regional. Plain, as in Create.
	EndpointType EndpointType
	// SecurityPolicy of the domain. Default: TLS12. Plain, as in Create.
	SecurityPolicy SecurityPolicy
}

// Mapping leads what comes in below a path to an API, without the path.
type Mapping struct {
	// BasePath such as "orders", or "orders/v2" on Regional domains with TLS12. The longest path that a request begins with,
	// by whole segments, counts. "" or NoPath takes what no other path does. Plain: it names the mapping.
	BasePath string
	// API is what the path leads to: a *restapi.API, or StageOf any other stage. Required.
	API API
}

// API is a deployed stage of a REST API.
type API interface {
	pulumi.Resource
	// MappingTarget returns the API's id and the stage's name.
	MappingTarget() (restAPIID, stageName pulumi.StringOutput)
}

// StageOf makes an API of a stage that no component made.
func StageOf(stage *apigateway.Stage) API { return plainStage{stage} }

type plainStage struct{ *apigateway.Stage }

func (s plainStage) MappingTarget() (restAPIID, stageName pulumi.StringOutput) {
	return s.RestApi, s.StageName
}

// Domain is a custom domain that leads to APIs.
type Domain struct {
	pulumi.ResourceState

	// DomainName is the domain's name, known when the domain is there.
	DomainName pulumi.StringOutput
	// URL is "https://" and the name, without a slash at the end. The * of a wildcard stands for what clients put there.
	URL pulumi.StringOutput
	// AliasTarget is where alias records lead, for DNS that this component does not write.
	AliasTarget pulumi.StringOutput
	// AliasHostedZoneID is the hosted zone of AliasTarget.
	AliasHostedZoneID pulumi.StringOutput
	// DomainNameResource is the API Gateway resource itself, for what this component does not offer; nil for an existing domain.
	DomainNameResource *apigateway.DomainName
}

func (c *Create) withDefaults() *Create {
	d := *c
	if d.EndpointType == "" {
		d.EndpointType = Regional
	}
	if d.SecurityPolicy == "" {
		d.SecurityPolicy = TLS12
	}
	return &d
}

// takesSeveralLevels says whether mappings may have paths of several segments.
func (c *Create) takesSeveralLevels() bool {
	return c.EndpointType == Regional && c.SecurityPolicy == TLS12
}

// NewDomain makes or takes a domain and maps the APIs.
func NewDomain(ctx *pulumi.Context, name string, args *DomainArgs, opts ...pulumi.ResourceOption) (*Domain, error) {
	if args == nil {
		args = &DomainArgs{}
	}
	if err := args.check(); err != nil {
		return nil, fmt.Errorf("components/apidomain %q: %w", name, err)
	}
	d := &Domain{}
	if err := ctx.RegisterComponentResource(DomainType, name, d, opts...); err != nil {
		return nil, err
	}
	var made []pulumi.Resource
	if args.Create != nil {
		if err := d.create(ctx, name, args); err != nil {
			return nil, err
		}
		made = append(made, d.DomainNameResource)
	} else if err := d.take(ctx, name, args); err != nil {
		return nil, err
	}
	if args.HostedZoneID != nil {
		if err := d.alias(ctx, name, args); err != nil {
			return nil, err
		}
	}
	for _, m := range args.Mappings {
		if err := d.lead(ctx, name, m, made); err != nil {
			return nil, err
		}
	}
	d.URL = pulumi.Sprintf("https://%s", d.DomainName)
	return d, ctx.RegisterResourceOutputs(d, pulumi.Map{
		"domainName": d.DomainName, "url": d.URL, "aliasTarget": d.AliasTarget, "aliasHostedZoneId": d.AliasHostedZoneID,
	})
}

// create makes the domain, and a certificate if none is given.
func (d *Domain) create(ctx *pulumi.Context, name string, args *DomainArgs) error {
	c := args.Create.withDefaults()
	arn := c.CertificateARN
	if arn == nil {
		var err error
		if arn, err = d.certificate(ctx, name, args.DomainName, args.HostedZoneID, c.CertificateProvider); err != nil {
			return err
		}
	}
	checked := arn.ToStringOutput().ApplyT(func(arn string) (*string, error) {
		if problem := c.checkCertificate(arn); problem != nil {
			return nil, fmt.Errorf("components/apidomain %q: %w", name, problem)
		}
		return &arn, nil
	}).(pulumi.StringPtrOutput)
	in := &apigateway.DomainNameArgs{
		DomainName:     pulumi.String(args.DomainName),
		SecurityPolicy: pulumi.String(c.SecurityPolicy),
		// With IPv4 alone the AAAA record would lead nowhere.
		EndpointConfiguration: apigateway.DomainNameEndpointConfigurationArgs{Types: pulumi.String(c.EndpointType), IpAddressType: pulumi.String("dualstack")},
	}
	if c.EndpointType == Edge {
		in.CertificateArn = checked
	} else {
		in.RegionalCertificateArn = checked
	}
	if m := c.MutualTLS; m != nil {
		in.MutualTlsAuthentication = apigateway.DomainNameMutualTlsAuthenticationArgs{TruststoreUri: m.TruststoreURI, TruststoreVersion: m.TruststoreVersion}
		in.OwnershipVerificationCertificateArn = m.OwnershipVerificationCertificateARN
	}
	var err error
	d.DomainNameResource, err = apigateway.NewDomainName(ctx, name, in, pulumi.Parent(d))
	if err != nil {
		return err
	}
	d.DomainName = d.DomainNameResource.DomainName
	if c.EndpointType == Edge {
		d.AliasTarget, d.AliasHostedZoneID = d.DomainNameResource.CloudfrontDomainName, d.DomainNameResource.CloudfrontZoneId
	} else {
		d.AliasTarget, d.AliasHostedZoneID = d.DomainNameResource.RegionalDomainName, d.DomainNameResource.RegionalZoneId
	}
	return nil
}

// take finds the domain that is there.
func (d *Domain) take(ctx *pulumi.Context, name string, args *DomainArgs) error {
	d.DomainName = pulumi.String(args.DomainName).ToStringOutput()
	if e := args.Existing; e.AliasTarget != nil {
		d.AliasTarget, d.AliasHostedZoneID = e.AliasTarget.ToStringOutput(), e.AliasHostedZoneID.ToStringOutput()
		return nil
	}
	found, err := apigateway.LookupDomainName(ctx, &apigateway.LookupDomainNameArgs{DomainName: args.DomainName}, pulumi.Parent(d))
	if err != nil {
		return fmt.Errorf("components/apidomain %q: looking up the domain %q, which must be in this account and region: %w", name, args.DomainName, err)
	}
	kind := &Create{EndpointType: Regional, SecurityPolicy: SecurityPolicy(found.SecurityPolicy)}
	target, zone := found.RegionalDomainName, found.RegionalZoneId
	for _, e := range found.EndpointConfigurations {
		if strings.Join(e.Types, "") == string(Edge) {
			kind.EndpointType, target, zone = Edge, found.CloudfrontDomainName, found.CloudfrontZoneId
		}
	}
	paths := make([]string, len(args.Mappings))
	for i, m := range args.Mappings {
		paths[i] = m.BasePath
	}
	// An enhanced policy takes several levels too, and this component does not need to set it here.
	several := kind.EndpointType == Regional && kind.SecurityPolicy != TLS10
	if err := problems(CheckBasePaths(paths, several)).err(); err != nil {
		return fmt.Errorf("components/apidomain %q: %w", name, err)
	}
	d.AliasTarget, d.AliasHostedZoneID = pulumi.String(target).ToStringOutput(), pulumi.String(zone).ToStringOutput()
	return nil
}
