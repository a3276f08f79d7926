package apidomain

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudcontrol"
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
		_, err := cloudcontrol.NewResource(ctx, child, &cloudcontrol.ResourceArgs{
			TypeName: pulumi.String("AWS::ApiGatewayV2::ApiMapping"), Schema: pulumi.String(apiMappingSchema),
			DesiredState: pulumi.All(api, d.DomainName, stage).ApplyT(func(known []any) (string, error) {
				state, err := json.Marshal(desiredMapping{known[0].(string), path, known[1].(string), known[2].(string)})
				return string(state), err
			}).(pulumi.StringOutput),
		}, options...)
		return err
	}
	in := &apigateway.BasePathMappingArgs{DomainName: d.DomainName, RestApi: api, StageName: stage.ToStringPtrOutput()}
	if path != "" {
		in.BasePath = pulumi.String(path)
	}
	_, err := apigateway.NewBasePathMapping(ctx, child, in, options...)
	return err
}

// desiredMapping is the desired state of a mapping, always in the same bytes for the same mapping.
type desiredMapping struct {
	API    string `json:"ApiId"`
	Path   string `json:"ApiMappingKey"`
	Domain string `json:"DomainName"`
	Stage  string
}

// apiMappingSchema is the schema of AWS::ApiGatewayV2::ApiMapping: only another domain needs another mapping. pulumi-aws would
// otherwise ask CloudFormation for it, which needs one more permission. See
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-apimapping.html.
const apiMappingSchema = `{"typeName":"AWS::ApiGatewayV2::ApiMapping","properties":{"ApiId":{"type":"string"},"ApiMappingId":{"type":"string"},` +
	`"ApiMappingKey":{"type":"string"},"DomainName":{"type":"string"},"Stage":{"type":"string"}},"additionalProperties":false,` +
	`"required":["DomainName","Stage","ApiId"],"createOnlyProperties":["/properties/DomainName"],` +
	`"primaryIdentifier":["/properties/ApiMappingId","/properties/DomainName"],"readOnlyProperties":["/properties/ApiMappingId"]}`
