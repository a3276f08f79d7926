package apigateway

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/acm"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// domainRecord is a custom domain name with its mappings, which change together and so are kept together.
type domainRecord struct {
	Name           string
	EndpointType   string // EDGE or REGIONAL
	CertificateARN string
	CertName       string
	OwnershipARN   string
	SecurityPolicy string
	AccessMode     string
	IPAddressType  string
	MutualTLS      *MutualTLS
	Truststore     string // the certificates, in PEM
	Target         string // the name to which DNS must point
	Uploaded       time.Time
	Tags           map[string]string
	Mappings       []mappedPath // by path
}

// mappedPath is a mapping: v1's base path mappings and v2's API mappings are the same things.
type mappedPath struct {
	ID    string
	Path  string // empty for the whole domain
	API   string
	Stage string // empty: the caller names it
}

// cloudFrontZone is the hosted zone of CloudFront's names, which EDGE domains point to.
const cloudFrontZone = "Z2FDTNDATAQYW2"

// regionalZones are the hosted zones of API Gateway's names by region. See
// https://docs.aws.amazon.com/general/latest/gr/apigateway.html.
var regionalZones = map[string]string{
	"us-east-1": "Z1UJRXOUMOOFQ8", "us-east-2": "ZOJJZC49E0EPZ", "us-west-1": "Z2MUQ32089INYE", "us-west-2": "Z2OJLYMUO9EFXC",
	"ca-central-1": "Z19DQILCV0OWEC", "eu-central-1": "Z1U9ULNL0V5AJ3", "eu-west-1": "ZLY8HYME6SFDD", "eu-west-2": "ZJ5UAJN8Y3Z2Q",
	"ap-southeast-1": "ZL327KTPIQFUL", "ap-southeast-2": "Z2RPCDW04V8134", "ap-northeast-1": "Z1YSHQZHG15GKL",
}

// securityPolicies say which endpoint types a policy is for: E, R or both. Those with a long name are enhanced: they need an
// endpoint access mode. See https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies-list.html.
var securityPolicies = map[string]string{
	"TLS_1_0": "ER", "TLS_1_2": "ER",
	"SecurityPolicy_TLS13_1_3_2025_09": "R", "SecurityPolicy_TLS13_1_3_FIPS_2025_09": "R", "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09": "R",
	"SecurityPolicy_TLS13_1_2_FIPS_PQ_2025_09": "R", "SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09": "R",
	"SecurityPolicy_TLS13_1_2_PQ_2025_09": "R", "SecurityPolicy_TLS13_1_2_2021_06": "R",
	"SecurityPolicy_TLS13_2025_EDGE": "E", "SecurityPolicy_TLS12_PFS_2025_EDGE": "E", "SecurityPolicy_TLS12_2018_EDGE": "E",
}

func isEnhanced(policy string) bool { return strings.HasPrefix(policy, "SecurityPolicy_") }

// serviceRole is API Gateway's service-linked role, with which it reads certificates: AWS writes its policy, not the user.
func (s *Service) serviceRole() dispatch.Principal {
	return dispatch.Principal{ARN: "arn:aws:sts::" + s.d.Account + ":assumed-role/AWSServiceRoleForAPIGateway/apigateway"}
}

func (s *Service) registerDomains() {
	const path = "/domainnames"
	handleCall(s, "apigateway", binding{action: "CreateDomainName", method: "POST", path: path, status: 201}, s.createDomain)
	handle(s, binding{action: "GetDomainNames", method: "GET", path: path, query: pageQuery},
		func(_ context.Context, in *PageInput) (*DomainNames, error) {
			var all []*DomainName
			for _, record := range s.domains.All() {
				all = append(all, s.shownDomain(record))
			}
			items, position, err := page(all, *in)
			return &DomainNames{items, position}, err
		})
	handle(s, binding{action: "GetDomainName", method: "GET", path: path + "/{domainName}"},
		func(_ context.Context, in *DomainNameInput) (*DomainName, error) {
			record, err := s.domain(in.DomainName)
			if err != nil {
				return nil, err
			}
			return s.shownDomain(record), nil
		})
	handleCall(s, "apigateway", binding{action: "UpdateDomainName", method: "PATCH", path: path + "/{domainName}"}, s.updateDomain)
	handle(s, binding{action: "DeleteDomainName", method: "DELETE", path: path + "/{domainName}", status: 202}, s.deleteDomain)
	s.registerMappings()
	s.registerDomainsV2()
	// GetCertificateUses is for ACM, which on AWS learns it from the services: nobody can ask for it by HTTP.
	dispatch.Register(s.d, dispatch.Operation{Service: "apigateway", Action: "GetCertificateUses", Open: true}, dispatch.Anywhere[CertificateUsesInput](),
		func(_ context.Context, _ *dispatch.Call, in *CertificateUsesInput) (*CertificateUses, error) {
			uses := &CertificateUses{DomainNameArns: []string{}}
			for _, record := range s.domains.All() {
				if record.CertificateARN == in.CertificateArn || record.OwnershipARN == in.CertificateArn {
					uses.DomainNameArns = append(uses.DomainNameArns, s.domainARN(record.Name))
				}
			}
			return uses, nil
		})
}

func (s *Service) domainARN(name string) string {
	return "arn:aws:apigateway:" + s.d.Region + "::/domainnames/" + name
}

func (s *Service) domain(name string) (*domainRecord, error) {
	if record, ok := s.domains.Get(name); ok {
		return record, nil
	}
	return nil, notFound("Invalid domain name identifier specified")
}

// shownDomain is a domain as v1 shows it.
func (s *Service) shownDomain(r *domainRecord) *DomainName {
	d := &DomainName{DomainName: r.Name, DomainNameArn: s.domainARN(r.Name), DomainNameStatus: "AVAILABLE", SecurityPolicy: r.SecurityPolicy,
		EndpointAccessMode: r.AccessMode, MutualTLSAuthentication: r.MutualTLS, OwnershipVerificationCertificateArn: r.OwnershipARN,
		RoutingMode: "BASE_PATH_MAPPING_ONLY", Tags: r.Tags, EndpointConfiguration: &EndpointConfiguration{Types: []string{r.EndpointType}, IPAddressType: r.IPAddressType}}
	if r.EndpointType == "EDGE" {
		d.CertificateArn, d.CertificateName, d.CertificateUploadDate = r.CertificateARN, r.CertName, &dispatch.Time{Time: r.Uploaded}
		d.DistributionDomainName, d.DistributionHostedZoneID = r.Target, cloudFrontZone
		return d
	}
	d.RegionalCertificateArn, d.RegionalCertificateName = r.CertificateARN, r.CertName
	d.RegionalDomainName, d.RegionalHostedZoneID = r.Target, s.regionalZone()
	return d
}

func (s *Service) regionalZone() string {
	if zone, ok := regionalZones[s.d.Region]; ok {
		return zone
	}
	return "Z0000000000000"
}

// setEndpointType says what kind of endpoint the domain has; each kind has names of its own.
func (r *domainRecord) setEndpointType(kind, region string) {
	if r.EndpointType == kind {
		return
	}
	r.EndpointType = kind
	if kind == "EDGE" {
		r.Target = "d" + newID(13) + ".cloudfront.net"
		return
	}
	r.Target = "d-" + newID(10) + ".execute-api." + region + ".amazonaws.com"
}

var domainForm = regexp.MustCompile(`^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (s *Service) createDomain(ctx context.Context, c *dispatch.Call, in *CreateDomainNameInput) (*DomainName, error) {
	record := &domainRecord{Name: in.DomainName, OwnershipARN: in.OwnershipVerificationCertificateArn, SecurityPolicy: in.SecurityPolicy,
		AccessMode: in.EndpointAccessMode, Tags: in.Tags, IPAddressType: "ipv4", Uploaded: s.d.Clock.Now()}
	kind := "EDGE"
	if e := in.EndpointConfiguration; e != nil {
		if len(e.Types) > 1 {
			return nil, badRequest("the embedded AWS emulates domain names with one endpoint type")
		}
		if len(e.Types) == 1 {
			kind = e.Types[0]
		}
		if e.IPAddressType != "" {
			record.IPAddressType = e.IPAddressType
		}
	}
	if err := checkDomainEndpoint(kind, record.IPAddressType); err != nil {
		return nil, err
	}
	record.setEndpointType(kind, s.d.Region)
	record.CertificateARN, record.CertName = in.RegionalCertificateArn, in.RegionalCertificateName
	other, otherName := in.CertificateArn, "certificateArn"
	if kind == "EDGE" {
		record.CertificateARN, record.CertName = in.CertificateArn, in.CertificateName
		other, otherName = in.RegionalCertificateArn, "regionalCertificateArn"
	}
	if other != "" {
		return nil, badRequest("%s cannot be set for an endpoint of type %s", otherName, kind)
	}
	if err := checkRoutingMode(in.RoutingMode, "BASE_PATH_MAPPING_ONLY", "ROUTING_RULE_ONLY", "ROUTING_RULE_THEN_BASE_PATH_MAPPING"); err != nil {
		return nil, err
	}
	if err := s.makeDomain(ctx, c.Principal, record, in.MutualTLSAuthentication); err != nil {
		return nil, err
	}
	return s.shownDomain(record), nil
}

// checkRoutingMode takes the mode without rules, which is the first of the allowed ones.
func checkRoutingMode(mode string, allowed ...string) error {
	switch {
	case mode == "" || mode == allowed[0]:
		return nil
	case slices.Contains(allowed, mode):
		return badRequest("routingMode %s is not emulated: there are no routing rules", mode)
	}
	return invalidValue(mode, "routingMode", "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
}

func checkDomainEndpoint(kind, addresses string) error {
	switch kind {
	case "EDGE", "REGIONAL":
	case "PRIVATE":
		return badRequest("endpoint type PRIVATE is not emulated: there are no VPC endpoints")
	default:
		return invalidValue("["+kind+"]", "endpointConfiguration.types", "Member must satisfy constraint: [Member must satisfy enum value set: [PRIVATE, EDGE, REGIONAL]]")
	}
	if addresses != "ipv4" && addresses != "dualstack" {
		return invalidValue(addresses, "endpointConfiguration.ipAddressType", "Member must satisfy enum value set: [ipv4, dualstack]")
	}
	return nil
}

// makeDomain checks a new domain and puts it in service.
func (s *Service) makeDomain(ctx context.Context, by dispatch.Principal, record *domainRecord, mutual *MutualTLSInput) error {
	switch {
	case record.Name == "":
		return badRequest("Domain name must be specified")
	case strings.ToLower(record.Name) != record.Name:
		return badRequest("Invalid domain name %s: uppercase letters are not allowed", record.Name)
	case len(record.Name) > 255 || !domainForm.MatchString(record.Name):
		return badRequest("Invalid domain name %s", record.Name)
	}
	if mutual != nil {
		if err := s.setMutualTLS(ctx, by, record, mutual.TruststoreURI, mutual.TruststoreVersion); err != nil {
			return err
		}
	}
	if err := s.checkDomain(ctx, record); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.domains.Get(record.Name); taken {
		return conflict("The domain name you provided already exists.")
	}
	return s.putDomain(record)
}

// checkDomain refuses combinations of settings that AWS refuses. It asks ACM, so it must not be called with s.mu held.
func (s *Service) checkDomain(ctx context.Context, r *domainRecord) error {
	if r.SecurityPolicy == "" {
		r.SecurityPolicy = "TLS_1_2"
	}
	kinds, known := securityPolicies[r.SecurityPolicy]
	switch {
	case !known:
		return invalidValue(r.SecurityPolicy, "securityPolicy", "Member must satisfy enum value set: ["+strings.Join(slices.Sorted(maps.Keys(securityPolicies)), ", ")+"]")
	case !strings.Contains(kinds, r.EndpointType[:1]):
		return badRequest("The security policy %s is not supported for endpoint type %s", r.SecurityPolicy, r.EndpointType)
	case isEnhanced(r.SecurityPolicy) && r.AccessMode == "":
		return badRequest("Endpoint access mode is required for the specified security policy")
	case r.AccessMode != "" && r.AccessMode != "BASIC" && r.AccessMode != "STRICT":
		return invalidValue(r.AccessMode, "endpointAccessMode", "Member must satisfy enum value set: [BASIC, STRICT]")
	case r.AccessMode != "" && !isEnhanced(r.SecurityPolicy):
		return badRequest("Endpoint access mode is not supported for the specified security policy")
	case r.MutualTLS != nil && (r.EndpointType != "REGIONAL" || r.SecurityPolicy != "TLS_1_2"):
		return badRequest("Mutual TLS is only supported for REGIONAL domain names with the security policy TLS_1_2")
	case r.OwnershipARN != "" && r.MutualTLS == nil:
		return badRequest("ownershipVerificationCertificateArn can only be set for a domain name with mutual TLS")
	}
	for _, m := range r.Mappings {
		if strings.Contains(m.Path, "/") && (r.EndpointType != "REGIONAL" || r.SecurityPolicy == "TLS_1_0") {
			return badRequest("Domain names with multi-level API mappings must be REGIONAL and have a security policy of TLS 1.2: %s", m.Path)
		}
	}
	if err := s.checkCertificate(ctx, r, r.CertificateARN); err != nil || r.OwnershipARN == "" {
		return err
	}
	return s.checkCertificate(ctx, r, r.OwnershipARN)
}

var certificateForm = regexp.MustCompile(`^arn:aws:acm:([a-z0-9-]+):(\d{12}):certificate/[\w-]+$`)

func (s *Service) checkCertificate(ctx context.Context, r *domainRecord, arn string) error {
	if arn == "" {
		return badRequest("A certificate ARN must be specified for an endpoint of type %s", r.EndpointType)
	}
	region := s.d.Region
	if r.EndpointType == "EDGE" {
		region = "us-east-1"
	}
	parts := certificateForm.FindStringSubmatch(arn)
	switch {
	case parts == nil:
		return badRequest("Invalid certificate ARN: %s.", arn)
	case parts[1] != region:
		return badRequest("Invalid certificate ARN: %s. Certificate must be in '%s'.", arn, region)
	case parts[2] != s.d.Account:
		return badRequest("The certificate provided must be owned by the account creating the domain.")
	}
	out, err := dispatch.Do[acm.DescribeCertificateOutput](ctx, s.d, s.serviceRole(), "acm", "DescribeCertificate", &acm.CertificateInput{CertificateArn: arn})
	if err != nil {
		var apiErr *dispatch.Error
		if errors.As(err, &apiErr) && apiErr.Code == "ResourceNotFoundException" {
			return badRequest("The provided certificate does not exist.")
		}
		return err
	}
	certificate := &out.Certificate
	if certificate.Status != "ISSUED" {
		return badRequest("The provided certificate is not issued: the status of %s is %s", arn, certificate.Status)
	}
	if !slices.ContainsFunc(certificate.SubjectAlternativeNames, func(name string) bool { return covers(name, r.Name) }) {
		return badRequest("The provided certificate does not cover the domain name %s: it is for %s", r.Name, strings.Join(certificate.SubjectAlternativeNames, ", "))
	}
	return nil
}

// covers reports whether a certificate's name holds for a domain. A wildcard stands for one label.
func covers(name, domain string) bool {
	if name == domain {
		return true
	}
	parent, ok := strings.CutPrefix(name, "*.")
	_, rest, _ := strings.Cut(domain, ".")
	return ok && rest == parent && !strings.HasPrefix(domain, "*.")
}

// changeDomain checks and stores what f makes of a domain. f works on a copy, without the lock: it may ask other services.
func (s *Service) changeDomain(ctx context.Context, name string, f func(*domainRecord) error) (*domainRecord, error) {
	for {
		old, err := s.domain(name)
		if err != nil {
			return nil, err
		}
		record := copyOf(old)
		if err := f(record); err != nil {
			return nil, err
		}
		if err := s.checkDomain(ctx, record); err != nil {
			return nil, err
		}
		s.mu.Lock()
		if current, _ := s.domains.Get(name); current == old {
			defer s.mu.Unlock()
			return record, s.putDomain(record)
		}
		s.mu.Unlock() // somebody else has changed it meanwhile
	}
}

// putDomain stores a domain and puts it in service. The caller holds s.mu.
func (s *Service) putDomain(record *domainRecord) error {
	plan, err := compileDomain(record)
	if err != nil {
		return err
	}
	if err := s.domains.Put(record.Name, record); err != nil {
		return err
	}
	s.publishDomain(record.Name, plan)
	return nil
}

const domainPatchPaths = "/certificateArn, /certificateName, /regionalCertificateArn, /regionalCertificateName, /endpointConfiguration/types/{type}, " +
	"/endpointConfiguration/ipAddressType, /securityPolicy, /endpointAccessMode, /mutualTlsAuthentication/truststoreUri, " +
	"/mutualTlsAuthentication/truststoreVersion, /ownershipVerificationCertificateArn, /routingMode"

func (s *Service) updateDomain(ctx context.Context, c *dispatch.Call, in *UpdateDomainNameInput) (*DomainName, error) {
	record, err := s.changeDomain(ctx, in.DomainName, func(r *domainRecord) error {
		mutual := MutualTLSInput{}
		if r.MutualTLS != nil {
			mutual = MutualTLSInput{r.MutualTLS.TruststoreURI, r.MutualTLS.TruststoreVersion}
		}
		before := mutual
		reread := false
		for _, op := range in.PatchOperations {
			if err := r.patch(op, &mutual, s.d.Region); err != nil {
				return err
			}
			reread = reread || strings.HasPrefix(op.Path, "/mutualTlsAuthentication")
		}
		if !reread {
			return nil
		}
		if mutual.TruststoreURI != before.TruststoreURI && mutual.TruststoreVersion == before.TruststoreVersion {
			mutual.TruststoreVersion = "" // it was the other file's
		}
		return s.setMutualTLS(ctx, c.Principal, r, mutual.TruststoreURI, mutual.TruststoreVersion)
	})
	if err != nil {
		return nil, err
	}
	return s.shownDomain(record), nil
}

func (r *domainRecord) patch(op PatchOperation, mutual *MutualTLSInput, region string) error {
	path := patchPath(op.Path)
	value := op.Value
	if op.Op == "remove" {
		value = ""
	}
	if op.Op != "replace" && op.Op != "add" && op.Op != "remove" {
		return invalidPatch(op, domainPatchPaths)
	}
	switch strings.Join(path[:min(2, len(path))], "/") {
	case "certificateArn", "regionalCertificateArn":
		if edge := r.EndpointType == "EDGE"; edge == (path[0] == "certificateArn") {
			r.CertificateARN = value
			return nil
		}
	case "certificateName", "regionalCertificateName":
		r.CertName = value
		return nil
	case "endpointConfiguration/types":
		if len(path) != 3 || path[2] != r.EndpointType && path[2] != "0" {
			return invalidPatch(op, domainPatchPaths)
		}
		if err := checkDomainEndpoint(value, r.IPAddressType); err != nil {
			return err
		}
		r.setEndpointType(value, region)
		return nil
	case "endpointConfiguration/ipAddressType":
		r.IPAddressType = value
		return checkDomainEndpoint(r.EndpointType, value)
	case "securityPolicy":
		if r.SecurityPolicy = value; !isEnhanced(value) {
			r.AccessMode = ""
		}
		return nil
	case "endpointAccessMode":
		r.AccessMode = value
		return nil
	case "ownershipVerificationCertificateArn":
		r.OwnershipARN = value
		return nil
	case "mutualTlsAuthentication/truststoreUri":
		mutual.TruststoreURI = value
		return nil
	case "mutualTlsAuthentication/truststoreVersion":
		mutual.TruststoreVersion = value
		return nil
	case "mutualTlsAuthentication":
		if op.Op == "remove" {
			*mutual = MutualTLSInput{}
			return nil
		}
	case "routingMode":
		return checkRoutingMode(value, "BASE_PATH_MAPPING_ONLY", "ROUTING_RULE_ONLY", "ROUTING_RULE_THEN_BASE_PATH_MAPPING")
	}
	return invalidPatch(op, domainPatchPaths)
}

func (s *Service) deleteDomain(_ context.Context, in *DomainNameInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.domain(in.DomainName); err != nil {
		return nil, err
	}
	if _, err := s.domains.Delete(in.DomainName); err != nil {
		return nil, err
	}
	s.publishDomain(in.DomainName, nil)
	return &Empty{}, nil
}
