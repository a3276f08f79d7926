package platform

import (
	"regexp"
	"strings"

	"github.com/carepath/carepath/components/apidomain"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// DomainConfig is the domain that all APIs are under.
type DomainConfig struct {
	// Name of the domain, in lower case. Default: none, and every API is open at its default endpoint; locally "api.localhost".
	Name string
	// Existing takes a domain that the account and region have, instead of making one. Default: false.
	Existing bool
	// HostedZoneID is the Route 53 zone that gets the domain's records. Default: none, and the records are made elsewhere;
	// locally a zone of the stack's own.
	HostedZoneID string
	// EndpointType of a domain that is made. Default: REGIONAL.
	EndpointType apidomain.EndpointType
	// SecurityPolicy of a domain that is made. Default: TLS_1_2.
	SecurityPolicy apidomain.SecurityPolicy
	// CertificateARN of a domain that is made. Default: one is issued, and validated in the hosted zone.
	CertificateARN string
	// MutualTLS of a domain that is made.
	MutualTLS MutualTLSConfig
}

// MutualTLSConfig asks clients for certificates.
type MutualTLSConfig struct {
	TruststoreURI           string // of a PEM file in S3; none: clients need no certificate
	TruststoreVersion       string // of the S3 object; none: the newest
	OwnershipCertificateARN string // of a certificate of ACM, for domains whose own is imported
}

func domainDefaults(local bool) DomainConfig {
	d := DomainConfig{EndpointType: apidomain.Regional, SecurityPolicy: apidomain.TLS12}
	if local {
		d.Name = "api.localhost"
	}
	return d
}

var (
	zonePattern        = regexp.MustCompile(`^Z[A-Z0-9]{1,31}$`)
	certificatePattern = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$`)
	truststorePattern  = regexp.MustCompile(`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$`)
	versionPattern     = regexp.MustCompile(`^\S+$`)
)

func (d *DomainConfig) read(o *objectReader, region string, local bool) {
	before := len(o.reader.problems)
	name := Setting{
		Meaning: "The domain that all APIs are under, each at a base path of its own. The APIs' default endpoints are then closed; without a domain they are the only way in, and open.",
		Allowed: `a domain name in lower case such as "api.example.com"`, schema: map[string]any{"type": "string"},
	}
	leaf(o, "name", &d.Name, name, func(value any) {
		text, _ := value.(string)
		if problem := apidomain.CheckDomainName(text); problem != nil || strings.HasPrefix(text, "*") {
			o.problem("name", jsonvalue.Text(value), name.Allowed)
			return
		}
		d.Name = text
	})
	o.boolean("existing", &d.Existing, "The domain is there already, in this account and region: only base paths are added to it.")
	o.optional("hostedZoneId", &d.HostedZoneID, zonePattern, `a Route 53 hosted zone's id such as "Z0123456789ABC"`,
		"The hosted zone that gets the domain's A and AAAA records and validates its certificate. Locally the default is a zone of the stack's own.")
	choice(o, "endpointType", &d.EndpointType, "Where requests come in: in the region, or at the nearest of CloudFront's places.",
		string(apidomain.Regional), string(apidomain.Edge))
	choice(o, "securityPolicy", &d.SecurityPolicy, "The lowest version of TLS that the domain speaks.", string(apidomain.TLS12), string(apidomain.TLS10))
	o.optional("certificateArn", &d.CertificateARN, certificatePattern, "the ARN of a certificate of ACM: in the stack's region, or in us-east-1 with EDGE",
		"The domain's certificate. By default one is issued, and validated in the hosted zone.")
	m := o.object("mutualTls", "Asks clients for certificates. REGIONAL with TLS_1_2 only.")
	m.optional("truststoreUri", &d.MutualTLS.TruststoreURI, truststorePattern, `the S3 URL of a PEM file, such as "s3://bucket/truststore.pem"`,
		"The certificate authorities whose clients are let in. By default clients need no certificate.")
	m.optional("truststoreVersion", &d.MutualTLS.TruststoreVersion, versionPattern, "a version of that S3 object",
		"The version of the file. Change it with the file, or API Gateway does not read the new one.")
	m.optional("ownershipCertificateArn", &d.MutualTLS.OwnershipCertificateARN, certificatePattern, "the ARN of a certificate of ACM",
		"A certificate that ACM issued for the domain: needed when the domain's own is imported or of a private authority.")
	m.end()
	o.end()
	if len(o.reader.problems) == before && !o.hasSecret() {
		d.check(o, region, local)
	}
}

// check reports what does not go together.
func (d *DomainConfig) check(o *objectReader, region string, local bool) {
	given := func(name string) (string, bool) {
		value, ok := o.value.Get(name)
		return jsonvalue.Text(value), ok
	}
	if d.Name == "" {
		for member := range o.value.All() {
			o.problem("name", "", `given with `+member+`: a domain name in lower case such as "api.example.com"`)
			return
		}
		return
	}
	if d.Existing {
		for _, name := range []string{"endpointType", "securityPolicy", "certificateArn", "mutualTls"} {
			if value, is := given(name); is {
				o.problem(name, value, "left out with existing: the domain has its own")
			}
		}
		return
	}
	if d.MutualTLS.TruststoreURI == "" && d.MutualTLS != (MutualTLSConfig{}) {
		o.problem("mutualTls.truststoreUri", "", "given with the other members of mutualTls")
	}
	members := strings.NewReplacer("Create.MutualTLS.TruststoreURI", "mutualTls.truststoreUri", "Create.MutualTLS", "mutualTls", "Create.CertificateARN", "certificateArn",
		"Create.EndpointType", "endpointType", "Create.SecurityPolicy", "securityPolicy",
		"HostedZoneID", "hostedZoneId", "EndpointType", "endpointType", "SecurityPolicy", "securityPolicy", "DomainName", "name")
	if region == "" {
		return // it is reported, or comes from an imported environment
	}
	for _, p := range d.create(region).Check(d.Name, d.HostedZoneID != "" || local) {
		o.problem(members.Replace(p.Input), p.Got, members.Replace(p.Allowed))
	}
}
