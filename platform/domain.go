package platform

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/carepath/carepath/components/apidomain"
	"github.com/carepath/carepath/components/restapi"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The base paths of the APIs that are more than functions. Below them requests are made to "/".
const (
	intakePath = "webhooks"
	usersPath  = "users"
)

// servedAPI is an API of the stack with its base path; the output "<name>Url" is where it answers.
type servedAPI struct {
	name, basePath string
	api            *restapi.API
}

// newAPI deploys an API that gets a base path of the stack's domain. Without a domain its default endpoint is its only one.
func (s *system) newAPI(name, basePath, description string, throttle ThrottleConfig, routes ...restapi.Route) error {
	api, err := restapi.NewAPI(s.ctx, name+"-api", &restapi.APIArgs{
		Description:               pulumi.String(description),
		Routes:                    routes,
		Throttle:                  restapi.Throttle{RatePerSecond: pulumi.Float64(throttle.RatePerSecond), Burst: pulumi.Int(throttle.Burst)},
		DisableExecuteAPIEndpoint: s.config.Domain.Name != "",
		KMSKeyARN:                 s.key.Arn,
		LogRetentionDays:          pulumi.Int(s.config.Platform.LogRetentionDays),
		Account:                   s.account,
	}, s.options()...)
	if err != nil {
		return err
	}
	s.apis = append(s.apis, servedAPI{name, basePath, api})
	return nil
}

// checkBasePaths refuses APIs that cannot be told apart, before anything is deployed.
func checkBasePaths(apis []functionAPI) error {
	paths := []string{intakePath, usersPath}
	for _, a := range apis {
		paths = append(paths, a.Name)
	}
	var problems []error
	for _, problem := range apidomain.CheckBasePaths(paths, true) {
		problems = append(problems, fmt.Errorf("the base paths of the APIs, %s: %w", strings.Join(paths, ", "), problem))
	}
	return errors.Join(problems...)
}

// newDomain puts the APIs under the stack's domain and returns their URLs by the names of the outputs.
func (s *system) newDomain() (map[string]pulumi.Input, error) {
	urls := map[string]pulumi.Input{}
	c := s.config.Domain
	if c.Name == "" {
		err := s.ctx.Log.Warn(keyDomain+".name is not set: every API is open at a default endpoint of its own, and apiUrl is that of the intake", nil)
		for _, a := range s.apis {
			urls[a.name+"Url"] = a.api.InvokeURL
		}
		urls["apiUrl"] = urls["intakeUrl"]
		return urls, err
	}
	args := &apidomain.DomainArgs{DomainName: c.Name}
	for _, a := range s.apis {
		args.Mappings = append(args.Mappings, apidomain.Mapping{BasePath: a.basePath, API: a.api})
	}
	switch {
	case c.HostedZoneID != "":
		args.HostedZoneID = pulumi.String(c.HostedZoneID)
	case s.config.Environment == LocalEnvironment && !c.Existing:
		// Nobody has a zone in the embedded AWS yet.
		_, parent, _ := strings.Cut(c.Name, ".")
		zone, err := route53.NewZone(s.ctx, "domain", &route53.ZoneArgs{
			Name: pulumi.String(parent), Comment: pulumi.String("Holds " + c.Name + " in the embedded AWS"),
		}, s.options()...)
		if err != nil {
			return nil, err
		}
		args.HostedZoneID = zone.ZoneId
	}
	if c.Existing {
		args.Existing = &apidomain.Existing{}
	} else {
		args.Create = c.create(s.config.Region)
		if args.Create.CertificateProvider != nil {
			virginia, err := s.newProvider("aws-"+certificateRegion, certificateRegion)
			if err != nil {
				return nil, err
			}
			args.Create.CertificateProvider = virginia
		}
	}
	domain, err := apidomain.NewDomain(s.ctx, "domain", args, s.options()...)
	if err != nil {
		return nil, err
	}
	base := domain.URL
	if s.config.Environment == LocalEnvironment {
		base = localURL(domain.DomainName, s.apis[0].api.InvokeURL)
	}
	urls["apiUrl"] = base
	urls["closedUrl"] = s.apis[0].api.InvokeURL // to see that it is
	for _, a := range s.apis {
		urls[a.name+"Url"] = pulumi.Sprintf("%s/%s", base, a.basePath)
	}
	return urls, nil
}

// localURL is the domain's URL on the embedded AWS, which serves it beside everything else at its one port.
func localURL(domainName, invokeURL pulumi.StringOutput) pulumi.StringOutput {
	return pulumi.All(domainName, invokeURL).ApplyT(func(known []any) (string, error) {
		name, _ := known[0].(string)
		text, _ := known[1].(string)
		u, err := url.Parse(text)
		if err != nil {
			return "", fmt.Errorf("the URL of an API on the embedded AWS: %w", err)
		}
		host := name
		if port := u.Port(); port != "" {
			host += ":" + port
		}
		return u.Scheme + "://" + host, nil
	}).(pulumi.StringOutput)
}

// certificateRegion is where the certificates of EDGE domains are.
const certificateRegion = "us-east-1"

// create is the domain that the configuration asks for. A provider for the certificate's region stands there as a
// placeholder when one is needed.
func (d *DomainConfig) create(region string) *apidomain.Create {
	made := &apidomain.Create{Region: region, EndpointType: d.EndpointType, SecurityPolicy: d.SecurityPolicy}
	if d.CertificateARN != "" {
		made.CertificateARN = pulumi.String(d.CertificateARN)
	} else if d.EndpointType == apidomain.Edge && region != certificateRegion {
		made.CertificateProvider = &aws.Provider{}
	}
	if m := d.MutualTLS; m.TruststoreURI != "" {
		made.MutualTLS = &apidomain.MutualTLS{TruststoreURI: pulumi.String(m.TruststoreURI)}
		if m.TruststoreVersion != "" {
			made.MutualTLS.TruststoreVersion = pulumi.String(m.TruststoreVersion)
		}
		if m.OwnershipCertificateARN != "" {
			made.MutualTLS.OwnershipVerificationCertificateARN = pulumi.String(m.OwnershipCertificateARN)
		}
	}
	return made
}
