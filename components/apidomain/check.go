package apidomain

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Problem is one thing that is wrong with a domain's arguments.
type Problem struct {
	Input   string // such as "Mappings[2].BasePath"
	Got     string // as Go writes it; empty if it is missing
	Allowed string // what it must be
}

// Error says it in one line.
func (p *Problem) Error() string {
	if p.Got == "" {
		return p.Input + ": is missing: must be " + p.Allowed
	}
	return fmt.Sprintf("%s: got %s: must be %s", p.Input, p.Got, p.Allowed)
}

// problems collects what is wrong.
type problems []*Problem

func (p *problems) add(input, got, allowed string) { *p = append(*p, &Problem{input, got, allowed}) }

func (p problems) err() error {
	errs := make([]error, len(p))
	for i, problem := range p {
		errs[i] = problem
	}
	return errors.Join(errs...)
}

const (
	// NoPath is how AWS writes the base path of the API that gets what no other mapping covers. "" means the same.
	NoPath = "(none)"

	maxBasePath           = 300 // characters
	maxMultiLevelMappings = 200 // of a domain; a quota that AWS does not raise
	maxDomainName         = 253 // characters
	maxIssuedName         = 64  // characters that ACM takes as a certificate's first name
	edgeRegion            = "us-east-1"
)

var (
	basePathSegment = regexp.MustCompile(`^[A-Za-z0-9$_.+!*'()-]+$`)
	domainLabel     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	certificateARN  = regexp.MustCompile(`^arn:aws[a-z-]*:acm:([a-z0-9-]+):[0-9]{12}:certificate/[A-Za-z0-9-]+$`)
	truststoreURI   = regexp.MustCompile(`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$`)
)

// reservedPaths are what API Gateway answers itself.
var reservedPaths = []string{"ping", "sping"}

// CheckDomainName says what is wrong with the name of a domain that is to be created; nil if nothing is. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html.
func CheckDomainName(name string) *Problem {
	const allowed = `a domain name in lower case such as "api.example.com", or "*.example.com" for all names one label longer`
	labels := strings.Split(name, ".")
	if labels[0] == "*" && len(labels) > 2 {
		labels = labels[1:]
	}
	got, more := strconv.Quote(name), ""
	switch {
	case name == "":
		got = ""
	case len(name) > maxDomainName:
		got, more = fmt.Sprintf("%d characters", len(name)), fmt.Sprintf(", of at most %d characters", maxDomainName)
	case strings.ToLower(name) != name:
		more = fmt.Sprintf(": API Gateway refuses capitals, write %q", strings.ToLower(name))
	case len(labels) > 1 && !slices.ContainsFunc(labels, func(l string) bool { return !domainLabel.MatchString(l) }):
		return nil
	}
	return &Problem{"DomainName", got, allowed + more}
}

// CheckBasePaths says everything that is wrong with the base paths of one domain: with each, and with all together.
// multiLevel says that the domain takes paths of several segments: a REGIONAL one with TLS_1_2 does. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html.
func CheckBasePaths(paths []string, multiLevel bool) []*Problem {
	var found problems
	first, several := map[string]int{}, 0
	for i, path := range paths {
		input := fmt.Sprintf("Mappings[%d].BasePath", i)
		path = canonicalPath(path)
		if allowed := checkBasePath(path); allowed != "" {
			found.add(input, strconv.Quote(path), allowed)
			continue
		}
		if isMultiLevel(path) {
			several++
			if !multiLevel {
				found.add(input, strconv.Quote(path), fmt.Sprintf("one segment, without /: only a %s domain with the security policy %s takes several", Regional, TLS12))
			}
		}
		if before, twice := first[path]; twice {
			which := "a path of its own"
			if path == "" {
				which = "a path: one mapping only takes what no other covers"
			}
			found.add(input, fmt.Sprintf("%q, which is that of Mappings[%d] already", paths[i], before), which)
			continue
		}
		first[path] = i
	}
	if several > maxMultiLevelMappings {
		found.add("Mappings", fmt.Sprintf("%d with paths of several segments", several), fmt.Sprintf("%d of them at most", maxMultiLevelMappings))
	}
	return found
}

// canonicalPath makes both spellings of the empty path one.
func canonicalPath(path string) string {
	if path == NoPath {
		return ""
	}
	return path
}

func isMultiLevel(path string) bool { return strings.Contains(path, "/") }

// checkBasePath returns what a path must be if it is not; paths of one and of several segments alike.
func checkBasePath(path string) (allowed string) {
	const form = "segments of letters, digits and any of $-_.+!*'(), with one / between them and none at the ends"
	switch segments := strings.Split(path, "/"); {
	case path == "":
		return ""
	case len(path) > maxBasePath:
		return fmt.Sprintf("of at most %d characters, and has %d", maxBasePath, len(path))
	case slices.Contains(reservedPaths, path):
		return fmt.Sprintf("another path than %s: API Gateway answers them itself, for health checks", strings.Join(reservedPaths, " and "))
	case slices.ContainsFunc(segments, func(s string) bool { return !basePathSegment.MatchString(s) }):
		return form
	case slices.ContainsFunc(segments, func(s string) bool { return s == "." || s == ".." }):
		return "without the segments . and ..: clients resolve them before they send a request"
	}
	return ""
}

func quoted[T ~string](values []T) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = strconv.Quote(string(v))
	}
	return strings.Join(texts, " or ")
}

// endpoint checks what the rules about mappings and mutual TLS ask for.
func (p *problems) endpoint(inside string, endpoint EndpointType, policy SecurityPolicy) {
	if types := []EndpointType{Regional, Edge}; !slices.Contains(types, endpoint) {
		p.add(inside+"EndpointType", strconv.Quote(string(endpoint)), quoted(types))
	}
	policies := []SecurityPolicy{TLS12, TLS10}
	switch {
	case slices.Contains(policies, policy):
	case strings.HasPrefix(string(policy), "SecurityPolicy_"):
		p.add(inside+"SecurityPolicy", strconv.Quote(string(policy)), quoted(policies)+
			": API Gateway takes its enhanced policies with an endpoint access mode only, which pulumi-aws 6 cannot set")
	default:
		p.add(inside+"SecurityPolicy", strconv.Quote(string(policy)), quoted(policies))
	}
}

// Check says everything that is wrong with the arguments. What is not known yet, because another resource makes it, is
// checked when it is. The base paths are checked by CheckBasePaths.
func (c *Create) Check(domainName string, hasHostedZone bool) []*Problem {
	var found problems
	c = c.withDefaults()
	if c.Region == "" {
		found.add("Create.Region", "", `the region that the domain is created in, such as "us-east-1"`)
	}
	found.endpoint("Create.", c.EndpointType, c.SecurityPolicy)
	arn, given := c.CertificateARN.(pulumi.String)
	switch {
	case c.CertificateARN == nil && !hasHostedZone:
		found.add("Create.CertificateARN", "", "the ARN of a certificate, or HostedZoneID be given: a certificate is then issued, and validated in that zone")
	case c.CertificateARN == nil && len(domainName) > maxIssuedName:
		found.add("DomainName", fmt.Sprintf("%d characters", len(domainName)), fmt.Sprintf("of at most %d characters, or Create.CertificateARN be given: ACM issues no certificate for a longer one", maxIssuedName))
	case c.CertificateARN == nil && c.EndpointType == Edge && c.Region != edgeRegion && c.CertificateProvider == nil:
		found.add("Create.CertificateProvider", "", fmt.Sprintf("a provider of %s: certificates of %s domains are there, and the domain is in %s", edgeRegion, Edge, c.Region))
	case given:
		if problem := c.checkCertificate(string(arn)); problem != nil {
			found = append(found, problem)
		}
	}
	if c.CertificateProvider != nil && (c.EndpointType != Edge || c.CertificateARN != nil) {
		found.add("Create.CertificateProvider", "a provider", fmt.Sprintf("left out: it is for certificates that are issued for %s domains", Edge))
	}
	if m := c.MutualTLS; m != nil {
		m.check(&found, c)
	}
	return found
}

func (c *Create) certificateRegion() string {
	if c.EndpointType == Edge {
		return edgeRegion
	}
	return c.Region
}

// checkCertificate checks an ARN that is known.
func (c *Create) checkCertificate(arn string) *Problem {
	parts := certificateARN.FindStringSubmatch(arn)
	if parts == nil {
		return &Problem{"Create.CertificateARN", strconv.Quote(arn), fmt.Sprintf(`the ARN of a certificate of ACM: "arn:aws:acm:%s:<account>:certificate/<id>"`, c.certificateRegion())}
	}
	if want := c.certificateRegion(); parts[1] != want {
		return &Problem{"Create.CertificateARN", strconv.Quote(arn), fmt.Sprintf("a certificate in %s: that is where API Gateway looks for those of %s domains", want, c.EndpointType)}
	}
	return nil
}

func (m *MutualTLS) check(found *problems, c *Create) {
	switch {
	case m.TruststoreURI == nil:
		found.add("Create.MutualTLS.TruststoreURI", "", `the S3 URL of a PEM file, such as "s3://bucket/truststore.pem"`)
	default:
		if uri, known := m.TruststoreURI.(pulumi.String); known && !truststoreURI.MatchString(string(uri)) {
			found.add("Create.MutualTLS.TruststoreURI", strconv.Quote(string(uri)), `the S3 URL of a PEM file, such as "s3://bucket/truststore.pem"`)
		}
	}
	if c.EndpointType == Edge {
		found.add("Create.MutualTLS", fmt.Sprintf("one on an %s domain", Edge), fmt.Sprintf("left out, or EndpointType be %q: API Gateway has it there only", Regional))
	}
	if c.SecurityPolicy == TLS10 {
		found.add("Create.MutualTLS", "one with the security policy "+string(TLS10), fmt.Sprintf("left out, or SecurityPolicy be %q: API Gateway has it with that only", TLS12))
	}
}

// check says everything that is wrong.
func (a *DomainArgs) check() error {
	var found problems
	if problem := CheckDomainName(a.DomainName); problem != nil {
		found = append(found, problem)
	}
	multiLevel := true // or not known yet
	switch {
	case a.Create != nil && a.Existing != nil:
		found.add("Existing", "one beside Create", "left out, or Create be: a domain is made or taken, not both")
	case a.Create != nil:
		found = append(found, a.Create.Check(a.DomainName, a.HostedZoneID != nil)...)
		multiLevel = a.Create.withDefaults().takesSeveralLevels()
	case a.Existing != nil:
		multiLevel = a.Existing.check(&found)
	default:
		found.add("Create", "", "given, to make the domain, or Existing, to take one that is there")
	}
	paths := make([]string, len(a.Mappings))
	for i, m := range a.Mappings {
		paths[i] = m.BasePath
		if m.API == nil {
			found.add(fmt.Sprintf("Mappings[%d].API", i), "", "the API that the path leads to")
		}
	}
	found = append(found, CheckBasePaths(paths, multiLevel)...)
	return found.err()
}

// check returns whether the domain may have paths of several segments: true also when only its lookup can tell.
func (e *Existing) check(found *problems) (multiLevel bool) {
	if e.AliasTarget == nil {
		if e.AliasHostedZoneID != nil || e.EndpointType != "" || e.SecurityPolicy != "" {
			found.add("Existing.AliasTarget", "", "given together with AliasHostedZoneID, EndpointType and SecurityPolicy; without all of them the domain is looked up by its name")
		}
		return true
	}
	if e.AliasHostedZoneID == nil {
		found.add("Existing.AliasHostedZoneID", "", "the hosted zone of AliasTarget: API Gateway's or CloudFront's, not yours")
	}
	c := (&Create{EndpointType: e.EndpointType, SecurityPolicy: e.SecurityPolicy}).withDefaults()
	found.endpoint("Existing.", c.EndpointType, c.SecurityPolicy)
	return c.takesSeveralLevels()
}
