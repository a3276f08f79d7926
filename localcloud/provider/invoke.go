package provider

import (
	"context"

	"github.com/carepath/carepath/localcloud/dispatch"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// function is one of the package's functions, which read and change nothing.
type function struct {
	arguments []*property
	call      func(ctx context.Context, d *dispatch.Dispatcher, in props) (props, error)
}

func functions() map[string]function {
	return map[string]function{
		"aws:index/getCallerIdentity:getCallerIdentity": {[]*property{text("id")}, callerIdentity},
		"aws:index/getRegion:getRegion":                 {[]*property{text("endpoint"), text("id"), text("name")}, region},
		"aws:index/getPartition:getPartition":           {[]*property{text("id")}, partition},
		"aws:iam/getPolicyDocument:getPolicyDocument":   {policyDocumentArguments(), policyDocument},
		"aws:route53/getZone:getZone":                   {getZoneArguments(), getZone},
		"aws:acm/getCertificate:getCertificate":         {getCertificateArguments(), getCertificate},
		"aws:apigateway/getDomainName:getDomainName":    {getDomainNameArguments(), getDomainName},
	}
}

// Invoke calls one of the package's functions.
func (s *server) Invoke(ctx context.Context, req *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	f, ok := s.functions[req.GetTok()]
	if !ok {
		return nil, status.Errorf(codes.Unimplemented, "the embedded AWS does not emulate the function %s; docs/local-cloud.md lists those that it does", req.GetTok())
	}
	args, err := unmarshal(req.GetArgs())
	if err != nil {
		return nil, err
	}
	c := &checker{}
	in := c.object(f.arguments, "", args)
	answer := &pulumirpc.InvokeResponse{}
	for _, f := range c.failures {
		answer.Failures = append(answer.Failures, &pulumirpc.CheckFailure{Property: f.path, Reason: f.reason})
	}
	if len(answer.Failures) > 0 {
		return answer, nil
	}
	out, err := f.call(ctx, s.d, toProps(in))
	if err != nil {
		return nil, apiStatus(err)
	}
	answer.Return, err = marshal(toInputs(out))
	return answer, err
}

func callerIdentity(ctx context.Context, d *dispatch.Dispatcher, _ props) (props, error) {
	id, err := (&call{d: d}).do(ctx, "sts", "GetCallerIdentity", nil)
	if err != nil {
		return nil, err
	}
	return props{"accountId": id["Account"], "arn": id["Arn"], "userId": id["UserId"], "id": id["Account"]}, nil
}

func region(_ context.Context, d *dispatch.Dispatcher, in props) (props, error) {
	endpoint := "ec2." + d.Region + ".amazonaws.com"
	if name := in.text("name"); name != "" && name != d.Region {
		return nil, status.Errorf(codes.NotFound, "the embedded AWS has the region %s only, not %s", d.Region, name)
	}
	if asked := in.text("endpoint"); asked != "" && asked != endpoint {
		return nil, status.Errorf(codes.NotFound, "the embedded AWS has the region %s only, not that of %s", d.Region, asked)
	}
	return props{"description": regionNames[d.Region], "endpoint": endpoint, "id": d.Region, "name": d.Region}, nil
}

// regionNames are AWS's descriptions of its regions that stacks commonly use; others have none here.
var regionNames = map[string]string{
	"us-east-1": "US East (N. Virginia)", "us-east-2": "US East (Ohio)", "us-west-1": "US West (N. California)", "us-west-2": "US West (Oregon)",
	"ca-central-1": "Canada (Central)", "eu-central-1": "Europe (Frankfurt)", "eu-west-1": "Europe (Ireland)", "eu-west-2": "Europe (London)",
	"ap-southeast-1": "Asia Pacific (Singapore)", "ap-southeast-2": "Asia Pacific (Sydney)", "ap-northeast-1": "Asia Pacific (Tokyo)",
}

func partition(context.Context, *dispatch.Dispatcher, props) (props, error) {
	return props{"partition": "aws", "id": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}, nil
}
