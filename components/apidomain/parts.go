package apidomain

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigatewayv2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// certificate has a certificate issued and returns its ARN, known when the certificate is valid. See
// https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html.
func (d *Domain) certificate(ctx *pulumi.Context, name, domainName string, zone pulumi.StringInput, provider pulumi.ProviderResource) (pulumi.StringOutput, error) {
	options := []pulumi.ResourceOption{pulumi.Parent(d)}
	if provider != nil {
		options = append(options, pulumi.Provider(provider))
	}
	certificate, err := acm.NewCertificate(ctx, name+"-certificate", &acm.CertificateArgs{
		DomainName: pulumi.String(domainName), ValidationMethod: pulumi.String("DNS"),
	}, options...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	asked := certificate.DomainValidationOptions.Index(pulumi.Int(0))
	record, err := route53.NewRecord(ctx, name+"-validation", &route53.RecordArgs{
		ZoneId: zone, Name: asked.ResourceRecordName().Elem(), Type: asked.ResourceRecordType().Elem(),
		Records: pulumi.StringArray{asked.ResourceRecordValue().Elem()}, Ttl: pulumi.Int(300),
		// ACM asks for the same record for every certificate of a name in an account: it may be there already.
		AllowOverwrite: pulumi.Bool(true),
	}, pulumi.Parent(d))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	validated, err := acm.NewCertificateValidation(ctx, name+"-validated", &acm.CertificateValidationArgs{
		CertificateArn: certificate.Arn, ValidationRecordFqdns: pulumi.StringArray{record.Fqdn},
	}, options...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return validated.CertificateArn, nil
}

// alias writes the domain's DNS records.
func (d *Domain) alias(ctx *pulumi.Context, name string, args *DomainArgs) error {
	for _, kind := range []string{"A", "AAAA"} {
		_, err := route53.NewRecord(ctx, name+"-"+strings.ToLower(kind), &route53.RecordArgs{
			ZoneId: args.HostedZoneID, Name: pulumi.String(args.DomainName), Type: pulumi.String(kind),
			Aliases: route53.RecordAliasArray{route53.RecordAliasArgs{
				Name: d.AliasTarget, ZoneId: d.AliasHostedZoneID, EvaluateTargetHealth: pulumi.Bool(false),
			}},
		}, pulumi.Parent(d))
		if err != nil {
			return err
		}
	}
	return nil
}

// lead maps a path. The mapping is named after its path, so that a path that is given to another API is one update of one
// mapping, and a new path is there before the old one goes. It waits for the whole API, permissions included, and goes
// before the API does.
func (d *Domain) lead(ctx *pulumi.Context, name string, m Mapping, made []pulumi.Resource) error {
	api, stage := m.API.MappingTarget()
	options := []pulumi.ResourceOption{pulumi.Parent(d), pulumi.DependsOn(slices.Concat(made, []pulumi.Resource{m.API}))}
	path := canonicalPath(m.BasePath)
	child := name + "-" + path
	if path == "" {
		child = name + "-" + NoPath
	}
	if isMultiLevel(path) {
		// API Gateway could give the mapping another API, but pulumi-aws replaces it then, and a path has one mapping only: it
		// must go before the new one comes.
		_, err := apigatewayv2.NewApiMapping(ctx, child, &apigatewayv2.ApiMappingArgs{
			DomainName: d.DomainName, ApiId: api, Stage: stage, ApiMappingKey: pulumi.String(path),
		}, append(options, pulumi.DeleteBeforeReplace(true))...)
		return err
	}
	in := &apigateway.BasePathMappingArgs{DomainName: d.DomainName, RestApi: api, StageName: stage.ToStringPtrOutput()}
	if path != "" {
		in.BasePath = pulumi.String(path)
	}
	_, err := apigateway.NewBasePathMapping(ctx, child, in, options...)
	return err
}
