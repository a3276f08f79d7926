package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// settings are a provider resource's configuration as far as it has an effect here.
type settings struct {
	defaultTags     map[string]string
	ignoredKeys     []string
	ignoredPrefixes []string
}

// configProperties are the inputs of pulumi:providers:aws. Credentials, endpoints and ways of transport are taken and
// have no effect: the provider calls the embedded AWS in its own process.
func configProperties() []*property {
	const noRoles = "it acts as the root user of its own account; use an account of AWS to try assumed roles"
	duration := func(name string) *property { return text(name) }
	role := func(name string, more ...*property) *property {
		return object(name, append([]*property{duration("duration"), text("policy"), set("policyArns", text("")), text("roleArn"), text("sessionName")}, more...)...).refused(noRoles)
	}
	return []*property{
		text("accessKey"), text("secretKey"), text("token"), text("profile"),
		list("allowedAccountIds", text("")).against("forbiddenAccountIds"), list("forbiddenAccountIds", text("")),
		role("assumeRole", text("externalId"), text("sourceIdentity"), stringMap("tags"), set("transitiveTagKeys", text(""))),
		role("assumeRoleWithWebIdentity", text("webIdentityToken"), text("webIdentityTokenFile")),
		text("customCaBundle"), object("defaultTags", stringMap("tags")),
		text("ec2MetadataServiceEndpoint"), text("ec2MetadataServiceEndpointMode"),
		list("endpoints", stringMap("")), text("httpProxy"), text("httpsProxy"), text("noProxy"),
		object("ignoreTags", list("keyPrefixes", text("")), list("keys", text(""))),
		boolean("insecure"), integer("maxRetries"), text("region"),
		text("retryMode").oneOf("standard", "adaptive"), text("s3UsEast1RegionalEndpoint"), boolean("s3UsePathStyle"),
		list("sharedConfigFiles", text("")), list("sharedCredentialsFiles", text("")),
		boolean("skipCredentialsValidation"), boolean("skipMetadataApiCheck"), boolean("skipRegionValidation"), boolean("skipRequestingAccountId"),
		text("stsRegion"), integer("tokenBucketRateLimiterCapacity"), boolean("useDualstackEndpoint"), boolean("useFipsEndpoint"),
	}
}

// engineConfig are the inputs of a provider resource that concern the engine only.
var engineConfig = []resource.PropertyKey{"version", "pluginDownloadURL", "__internal"}

// checkConfig reads a provider's inputs; SDKs send values that are not strings as JSON text too.
func checkConfig(in resource.PropertyMap) (resource.PropertyMap, []failure) {
	decoded := resource.PropertyMap{}
	properties := configProperties()
	for key, v := range in {
		if slices.Contains(engineConfig, key) {
			continue
		}
		if plain := withoutSecrets(v); plain.IsString() {
			for _, p := range properties {
				if p.name == string(key) && p.kind != kindString {
					if parsed, err := parsePlain(plain.StringValue()); err == nil {
						v = fromPlain(parsed)
					}
				}
			}
		}
		decoded[key] = v
	}
	c := &checker{}
	out := c.object(properties, "", decoded)
	return out, c.failures
}

// CheckConfig validates a provider resource's inputs; what the real provider does not know is refused.
func (s *server) CheckConfig(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	in, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	checked, failures := checkConfig(in)
	if region := checked["region"]; region.IsString() && region.StringValue() != s.d.Region {
		failures = append(failures, failure{"region", s.wrongRegion(region.StringValue()).Error()})
	}
	answer := &pulumirpc.CheckResponse{Inputs: req.GetNews()}
	for _, f := range failures {
		answer.Failures = append(answer.Failures, &pulumirpc.CheckFailure{Property: f.path, Reason: f.reason})
	}
	return answer, nil
}

// DiffConfig compares two configurations of a provider resource. Another region means other resources.
func (s *server) DiffConfig(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, err := unmarshal(req.GetOldInputs())
	if err != nil {
		return nil, err
	}
	if len(olds) == 0 {
		if olds, err = unmarshal(req.GetOlds()); err != nil {
			return nil, err
		}
	}
	news, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	was, _ := checkConfig(olds)
	wanted, _ := checkConfig(news)
	r := &resourceType{properties: configProperties(), update: func(context.Context, *call, *change) error { return nil }}
	for _, p := range r.properties {
		p.replace = p.name == "region"
	}
	return r.diff(was, was, wanted, nil), nil
}

// Configure takes a provider resource's configuration and refuses an account that is not allowed.
func (s *server) Configure(ctx context.Context, req *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	in, err := unmarshal(req.GetArgs())
	if err != nil {
		return nil, err
	}
	checked, failures := checkConfig(in)
	if len(failures) > 0 {
		return nil, status.Error(codes.InvalidArgument, failures[0].reason)
	}
	cfg := toProps(checked)
	if region := cfg.text("region"); region != "" && region != s.d.Region {
		return nil, status.Error(codes.InvalidArgument, s.wrongRegion(region).Error())
	}
	if allowed := cfg.strings("allowedAccountIds"); len(allowed) > 0 && !slices.Contains(allowed, s.d.Account) ||
		slices.Contains(cfg.strings("forbiddenAccountIds"), s.d.Account) {
		return nil, status.Errorf(codes.FailedPrecondition, "AWS account ID not allowed: %s", s.d.Account)
	}
	ignored := cfg.object("ignoreTags")
	connectionOf(ctx).settings.Store(&settings{
		defaultTags:     stringsOf(cfg.object("defaultTags")["tags"]),
		ignoredKeys:     ignored.strings("keys"),
		ignoredPrefixes: ignored.strings("keyPrefixes"),
	})
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true, SupportsPreview: true, SupportsAutonamingConfiguration: true}, nil
}

func (s *server) wrongRegion(region string) error {
	return fmt.Errorf("the embedded AWS runs in %s, not in %s: set aws:region to %s for this stack", s.d.Region, region, s.d.Region)
}
