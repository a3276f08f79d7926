// Package acm is the embedded AWS's Certificate Manager: public certificates that are validated by DNS records. It looks at
// the records that Route 53 has, as ACM looks at those of the Internet, and its certificates are signed by an authority of
// its own, which is kept with the state.
//
// It follows https://docs.aws.amazon.com/acm/latest/APIReference/. Validation by mail and by HTTP, import, export and private
// authorities are refused.
package acm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Times of ACM's. See https://docs.aws.amazon.com/acm/latest/userguide/domain-ownership-validation.html and
// https://docs.aws.amazon.com/acm/latest/userguide/managed-renewal.html.
const (
	validationTime = 72 * time.Hour             // for a request to be validated
	validity       = 395 * 24 * time.Hour       // 13 months
	renewalTime    = 60 * 24 * time.Hour        // before the end of a certificate, when it is renewed
	lookEvery      = time.Minute                // how often the records of pending certificates are looked at
	namesMax       = 10                         // AWS's quota of names in a certificate
	tokenTime      = time.Hour                  // how long an idempotency token counts
	largestPage    = 1000                       // certificates in a list
	issuer         = "Carepath local authority" // of every certificate
)

// Service is ACM of one account and region. Make it with New.
type Service struct {
	d *dispatch.Dispatcher

	mu           sync.Mutex // serialises changes
	certificates *store.Table[*certificate]
	authorities  *store.Table[*keyPair]
	watching     clock.Timer // the next look at the pending certificates; nil when nothing is pending
	closed       bool
}

// certificate is a certificate or the request of one.
type certificate struct {
	ARN       string
	Names     []string // the first is the domain name
	Algorithm string
	Logging   string // certificate transparency
	Token     string
	Tags      map[string]string
	Created   time.Time
	Validated map[string]bool // by name
	Status    string
	Issued    time.Time
	NotBefore time.Time
	NotAfter  time.Time
	Serial    string   // 16 bytes in hexadecimal, colons between
	Material  *keyPair // made when it is first asked for
}

// New registers ACM's operations with d and keeps its certificates in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	certificates, err := store.NewTable[*certificate](s, "acm/certificates")
	if err != nil {
		return nil, fmt.Errorf("opening the certificates: %w", err)
	}
	authorities, err := store.NewTable[*keyPair](s, "acm/authority")
	if err != nil {
		return nil, fmt.Errorf("opening the certificates' authority: %w", err)
	}
	svc := &Service{d: d, certificates: certificates, authorities: authorities}
	svc.register()
	svc.mu.Lock()
	defer svc.mu.Unlock()
	svc.watch()
	return svc, nil
}

func (s *Service) register() {
	d := s.d
	op := func(action string) dispatch.Operation { return dispatch.Operation{Service: "acm", Action: action} }
	byARN := dispatch.On(func(_ *dispatch.Call, in *CertificateInput) []string { return []string{in.CertificateArn} })
	tagged := dispatch.On(func(_ *dispatch.Call, in *TagsInput) []string { return []string{in.CertificateArn} })
	dispatch.Register(d, op("RequestCertificate"), func(c *dispatch.Call, in *RequestCertificateInput) ([]string, []dispatch.ResourcePolicy, error) {
		c.ConditionLists = map[string][]string{"acm:DomainNames": append([]string{in.DomainName}, in.SubjectAlternativeNames...)}
		c.Conditions = map[string]string{"acm:ValidationMethod": in.ValidationMethod, "acm:KeyAlgorithm": in.KeyAlgorithm}
		return []string{"*"}, nil, nil
	}, s.request)
	dispatch.Register(d, op("DescribeCertificate"), byARN, func(ctx context.Context, _ *dispatch.Call, in *CertificateInput) (*DescribeCertificateOutput, error) {
		c, err := s.current(ctx, in.CertificateArn)
		if err != nil {
			return nil, err
		}
		uses, err := s.uses(ctx, c.ARN)
		return &DescribeCertificateOutput{s.detail(c, uses)}, err
	})
	dispatch.Register(d, op("GetCertificate"), byARN, s.get)
	dispatch.Register(d, op("UpdateCertificateOptions"), dispatch.On(func(_ *dispatch.Call, in *UpdateCertificateOptionsInput) []string { return []string{in.CertificateArn} }),
		func(_ context.Context, _ *dispatch.Call, in *UpdateCertificateOptionsInput) (*Empty, error) {
			if err := in.Options.check(); err != nil {
				return nil, err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			c, err := s.certificate(in.CertificateArn)
			if err != nil {
				return nil, err
			}
			_, err = s.change(c, func(c *certificate) { c.Logging = in.Options.CertificateTransparencyLoggingPreference })
			return &Empty{}, err
		})
	dispatch.Register(d, op("ListCertificates"), dispatch.Anywhere[ListCertificatesInput](), s.list)
	dispatch.Register(d, op("DeleteCertificate"), byARN, s.delete)
	dispatch.Register(d, op("AddTagsToCertificate"), tagged, func(_ context.Context, _ *dispatch.Call, in *TagsInput) (*Empty, error) {
		return &Empty{}, s.retag(in.CertificateArn, func(tags map[string]string) {
			for _, t := range in.Tags {
				tags[t.Key] = t.Value
			}
		})
	})
	dispatch.Register(d, op("RemoveTagsFromCertificate"), tagged, func(_ context.Context, _ *dispatch.Call, in *TagsInput) (*Empty, error) {
		return &Empty{}, s.retag(in.CertificateArn, func(tags map[string]string) {
			for _, t := range in.Tags {
				if value, ok := tags[t.Key]; ok && (t.Value == "" || t.Value == value) {
					delete(tags, t.Key)
				}
			}
		})
	})
	dispatch.Register(d, op("ListTagsForCertificate"), byARN, func(_ context.Context, _ *dispatch.Call, in *CertificateInput) (*TagsOutput, error) {
		c, err := s.certificate(in.CertificateArn)
		if err != nil {
			return nil, err
		}
		out := &TagsOutput{Tags: []Tag{}}
		for _, k := range slices.Sorted(maps.Keys(c.Tags)) {
			out.Tags = append(out.Tags, Tag{k, c.Tags[k]})
		}
		return out, nil
	})
}

var (
	arnForm  = regexp.MustCompile(`^arn:aws[\w-]*:acm:[\w-]+:[0-9]{12}:certificate/[\w-]+$`)
	nameForm = regexp.MustCompile(`^(\*\.)?(([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9])\.)+[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]$`)
)

// namePattern is nameForm as AWS writes it.
const namePattern = `^(\*\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])$`

func invalidValue(value, at, rule string) error {
	return dispatch.Errorf("ValidationException", "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, at, rule)
}

func (s *Service) certificate(arn string) (*certificate, error) {
	if !arnForm.MatchString(arn) {
		return nil, dispatch.Errorf("InvalidArnException", "Invalid ARN: %s", arn)
	}
	if c, ok := s.certificates.Get(arn); ok {
		return c, nil
	}
	return nil, dispatch.Errorf("ResourceNotFoundException", "Could not find certificate %s.", arn)
}

// change applies f to a copy of a certificate and stores it. The caller holds s.mu.
func (s *Service) change(c *certificate, f func(*certificate)) (*certificate, error) {
	changed := *c
	changed.Tags, changed.Validated = maps.Clone(c.Tags), maps.Clone(c.Validated)
	f(&changed)
	return &changed, s.certificates.Put(c.ARN, &changed)
}

func (s *Service) retag(arn string, f func(tags map[string]string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.certificate(arn)
	if err != nil {
		return err
	}
	tags := maps.Clone(c.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	if f(tags); len(tags) > 50 {
		return dispatch.Errorf("TooManyTagsException", "The request contains too many tags: a certificate has at most 50")
	}
	_, err = s.change(c, func(c *certificate) { c.Tags = tags })
	return err
}

func (s *Service) request(_ context.Context, _ *dispatch.Call, in *RequestCertificateInput) (*RequestCertificateOutput, error) {
	c := &certificate{Algorithm: in.KeyAlgorithm, Logging: "ENABLED", Token: in.IdempotencyToken, Status: "PENDING_VALIDATION", Validated: map[string]bool{}, Tags: map[string]string{}}
	for i, name := range append([]string{in.DomainName}, in.SubjectAlternativeNames...) {
		at := "domainName"
		if i > 0 {
			at = "subjectAlternativeNames"
		}
		if !nameForm.MatchString(name) || len(name) > 253 {
			return nil, invalidValue(name, at, "Member must satisfy regular expression pattern: "+namePattern)
		}
		if name = strings.ToLower(name); !slices.Contains(c.Names, name) {
			c.Names = append(c.Names, name)
		}
	}
	switch {
	case len(c.Names) > namesMax:
		return nil, dispatch.Errorf("LimitExceededException", "Error: you have reached your limit of domain names for a certificate: %d", namesMax)
	case in.ValidationMethod == "" || in.ValidationMethod == "EMAIL" || in.ValidationMethod == "HTTP":
		return nil, dispatch.Errorf("InvalidParameterException", "the embedded AWS emulates the validation method DNS only, not %q: it sends no mail (EMAIL is AWS's default)", in.ValidationMethod)
	case in.ValidationMethod != "DNS":
		return nil, invalidValue(in.ValidationMethod, "validationMethod", "Member must satisfy enum value set: [DNS, EMAIL, HTTP]")
	}
	if in.Options != nil && *in.Options != (Options{}) {
		if err := in.Options.check(); err != nil {
			return nil, err
		}
		c.Logging = in.Options.CertificateTransparencyLoggingPreference
	}
	if c.Algorithm == "" {
		c.Algorithm = "RSA_2048"
	}
	if _, ok := algorithms[c.Algorithm]; !ok {
		return nil, dispatch.Errorf("InvalidParameterException", "the key algorithm %s is not one of those that can be requested: %s", c.Algorithm, strings.Join(slices.Sorted(maps.Keys(algorithms)), ", "))
	}
	for _, t := range in.Tags {
		c.Tags[t.Key] = t.Value
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Created = s.d.Clock.Now()
	if c.Token != "" {
		for _, other := range s.certificates.All() {
			if other.Token == c.Token && slices.Equal(other.Names, c.Names) && c.Created.Sub(other.Created) < tokenTime {
				return &RequestCertificateOutput{other.ARN}, nil
			}
		}
	}
	c.ARN = s.d.ARN("acm", "certificate/"+dispatch.NewRequestID())
	if err := s.certificates.Put(c.ARN, c); err != nil {
		return nil, err
	}
	s.watch()
	return &RequestCertificateOutput{c.ARN}, nil
}

// check refuses options that are none, and fills in what is left out.
func (o *Options) check() error {
	switch o.CertificateTransparencyLoggingPreference {
	case "":
		o.CertificateTransparencyLoggingPreference = "ENABLED"
	case "ENABLED", "DISABLED":
	default:
		return invalidValue(o.CertificateTransparencyLoggingPreference, "options.certificateTransparencyLoggingPreference", "Member must satisfy enum value set: [ENABLED, DISABLED]")
	}
	if o.Export != "" && o.Export != "DISABLED" {
		return dispatch.Errorf("InvalidParameterException", "the embedded AWS does not emulate the export of certificates")
	}
	return nil
}

func (s *Service) get(ctx context.Context, _ *dispatch.Call, in *CertificateInput) (*GetCertificateOutput, error) {
	c, err := s.current(ctx, in.CertificateArn)
	if err != nil {
		return nil, err
	}
	switch c.Status {
	case "ISSUED", "EXPIRED":
	case "PENDING_VALIDATION":
		return nil, dispatch.Errorf("RequestInProgressException", "Certificate issuance for %s is still pending validation.", c.ARN)
	default:
		return nil, dispatch.Errorf("ResourceNotFoundException", "Certificate %s was never issued: its status is %s.", c.ARN, c.Status)
	}
	pair, authority, err := s.material(c.ARN)
	if err != nil {
		return nil, err
	}
	return &GetCertificateOutput{pair.Certificate, authority.Certificate}, nil
}

func (s *Service) list(ctx context.Context, _ *dispatch.Call, in *ListCertificatesInput) (*ListCertificatesOutput, error) {
	most := in.MaxItems
	if most == 0 {
		most = largestPage
	}
	if most < 1 || most > largestPage {
		return nil, invalidValue(strconv.Itoa(in.MaxItems), "maxItems", "Member must be between 1 and 1000, inclusive")
	}
	if (in.SortBy == "") != (in.SortOrder == "") {
		return nil, dispatch.Errorf("InvalidArgsException", "SortBy and SortOrder must be given together")
	}
	keyTypes := []string{"RSA_1024", "RSA_2048"} // what AWS lists when nobody asks for others
	if in.Includes != nil && in.Includes.KeyTypes != nil {
		keyTypes = in.Includes.KeyTypes
	}
	var all []*certificate
	for arn := range s.certificates.All() {
		c, err := s.current(ctx, arn)
		if err != nil {
			continue // deleted meanwhile
		}
		if (len(in.CertificateStatuses) == 0 || slices.Contains(in.CertificateStatuses, c.Status)) && slices.Contains(keyTypes, c.Algorithm) {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b *certificate) int {
		if in.SortOrder == "DESCENDING" {
			a, b = b, a
		}
		return a.Created.Compare(b.Created)
	})
	if in.NextToken != "" {
		n, err := strconv.Atoi(in.NextToken)
		if err != nil || n < 0 || n > len(all) {
			return nil, dispatch.Errorf("ValidationException", "The NextToken is not valid")
		}
		all = all[n:]
	}
	out := &ListCertificatesOutput{CertificateSummaryList: []CertificateSummary{}}
	if len(all) > most {
		start, _ := strconv.Atoi(in.NextToken) // "" is the beginning
		out.NextToken = strconv.Itoa(start + most)
		all = all[:most]
	}
	for _, c := range all {
		uses, err := s.uses(ctx, c.ARN)
		if err != nil {
			return nil, err
		}
		d := s.detail(c, uses)
		out.CertificateSummaryList = append(out.CertificateSummaryList, CertificateSummary{CertificateArn: c.ARN, DomainName: d.DomainName,
			SubjectAlternativeNameSummaries: c.Names, Status: c.Status, Type: d.Type, KeyAlgorithm: strings.ReplaceAll(c.Algorithm, "_", "-"), KeyUsages: []string{"DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"},
			ExtendedKeyUsages: []string{"TLS_WEB_SERVER_AUTHENTICATION", "TLS_WEB_CLIENT_AUTHENTICATION"}, InUse: len(uses) > 0,
			RenewalEligibility: d.RenewalEligibility, NotBefore: d.NotBefore, NotAfter: d.NotAfter, CreatedAt: d.CreatedAt, IssuedAt: d.IssuedAt})
	}
	return out, nil
}

func (s *Service) delete(ctx context.Context, _ *dispatch.Call, in *CertificateInput) (*Empty, error) {
	c, err := s.certificate(in.CertificateArn)
	if err != nil {
		return nil, err
	}
	uses, err := s.uses(ctx, c.ARN)
	if err != nil {
		return nil, err
	}
	if len(uses) > 0 {
		return nil, dispatch.Errorf("ResourceInUseException", "Certificate %s in account %s is in use.", c.ARN, s.d.Account)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err = s.certificates.Delete(c.ARN)
	return &Empty{}, err
}

// self is ACM where it asks other services what it must know. It has no role: AWS's services ask each other as themselves.
func (s *Service) self() dispatch.Principal {
	return dispatch.Principal{ARN: "acm.amazonaws.com", Service: "acm.amazonaws.com"}
}

// uses asks API Gateway which of its domain names have a certificate.
func (s *Service) uses(ctx context.Context, arn string) ([]string, error) {
	type input struct {
		CertificateArn string `json:"certificateArn"`
	}
	type output interface{ CertificateUses() []string }
	answer, err := s.d.Do(ctx, s.self(), "apigateway", "GetCertificateUses", &input{arn})
	var apiErr *dispatch.Error
	if errors.As(err, &apiErr) && apiErr.Code == "UnknownOperationException" {
		return []string{}, nil // an embedded AWS without API Gateway
	}
	if err != nil {
		return nil, fmt.Errorf("asking API Gateway what uses %s: %w", arn, err)
	}
	uses, ok := answer.(output)
	if !ok {
		return nil, fmt.Errorf("API Gateway answers a %T", answer)
	}
	return uses.CertificateUses(), nil
}
