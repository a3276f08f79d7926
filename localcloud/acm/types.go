package acm

import "github.com/carepath/carepath/localcloud/dispatch"

// Tag is a tag of a certificate.
type Tag struct {
	Key   string `json:"Key"`
	Value string `json:"Value,omitempty"`
}

// Options are a certificate's options.
type Options struct {
	CertificateTransparencyLoggingPreference string `json:"CertificateTransparencyLoggingPreference,omitempty"` // ENABLED or DISABLED
	Export                                   string `json:"Export,omitempty"`                                   // DISABLED
}

// RequestCertificateInput is the request of RequestCertificate.
type RequestCertificateInput struct {
	DomainName              string                   `json:"DomainName"`
	ValidationMethod        string                   `json:"ValidationMethod"` // DNS
	SubjectAlternativeNames []string                 `json:"SubjectAlternativeNames"`
	IdempotencyToken        string                   `json:"IdempotencyToken"`
	DomainValidationOptions []DomainValidationOption `json:"DomainValidationOptions"` // for validation by mail; without effect
	Options                 *Options                 `json:"Options"`
	KeyAlgorithm            string                   `json:"KeyAlgorithm"`
	Tags                    []Tag                    `json:"Tags"`
}

// DomainValidationOption says to which domain's owners mail would go.
type DomainValidationOption struct {
	DomainName       string `json:"DomainName"`
	ValidationDomain string `json:"ValidationDomain"`
}

// CertificateInput names a certificate.
type CertificateInput struct {
	CertificateArn string `json:"CertificateArn"`
}

// RequestCertificateOutput is the response of RequestCertificate.
type RequestCertificateOutput struct {
	CertificateArn string `json:"CertificateArn"`
}

// DescribeCertificateOutput is the response of DescribeCertificate.
type DescribeCertificateOutput struct {
	Certificate CertificateDetail `json:"Certificate"`
}

// CertificateDetail is what ACM tells of a certificate. See
// https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateDetail.html.
type CertificateDetail struct {
	CertificateArn          string             `json:"CertificateArn"`
	DomainName              string             `json:"DomainName"`
	SubjectAlternativeNames []string           `json:"SubjectAlternativeNames"`
	DomainValidationOptions []DomainValidation `json:"DomainValidationOptions"`
	Serial                  string             `json:"Serial,omitempty"`
	Subject                 string             `json:"Subject"`
	Issuer                  string             `json:"Issuer,omitempty"`
	CreatedAt               dispatch.Time      `json:"CreatedAt"`
	IssuedAt                *dispatch.Time     `json:"IssuedAt,omitempty"`
	Status                  string             `json:"Status"` // PENDING_VALIDATION, ISSUED, VALIDATION_TIMED_OUT or EXPIRED
	NotBefore               *dispatch.Time     `json:"NotBefore,omitempty"`
	NotAfter                *dispatch.Time     `json:"NotAfter,omitempty"`
	KeyAlgorithm            string             `json:"KeyAlgorithm"`
	SignatureAlgorithm      string             `json:"SignatureAlgorithm"`
	InUseBy                 []string           `json:"InUseBy"`
	Type                    string             `json:"Type"` // AMAZON_ISSUED
	KeyUsages               []KeyUsage         `json:"KeyUsages"`
	ExtendedKeyUsages       []ExtendedKeyUsage `json:"ExtendedKeyUsages"`
	RenewalEligibility      string             `json:"RenewalEligibility"`
	Options                 Options            `json:"Options"`
}

// KeyUsage is one use of a certificate's key.
type KeyUsage struct {
	Name string `json:"Name"`
}

// ExtendedKeyUsage is one purpose of a certificate.
type ExtendedKeyUsage struct {
	Name string `json:"Name"`
	OID  string `json:"OID"`
}

// DomainValidation is how a name is to be validated, and whether it is.
type DomainValidation struct {
	DomainName       string          `json:"DomainName"`
	ValidationDomain string          `json:"ValidationDomain"`
	ValidationStatus string          `json:"ValidationStatus"` // PENDING_VALIDATION, SUCCESS or FAILED
	ResourceRecord   *ResourceRecord `json:"ResourceRecord,omitempty"`
	ValidationMethod string          `json:"ValidationMethod"`
}

// ResourceRecord is the DNS record that proves who has a domain.
type ResourceRecord struct {
	Name  string `json:"Name"`
	Type  string `json:"Type"` // CNAME
	Value string `json:"Value"`
}

// ListCertificatesInput is the request of ListCertificates.
type ListCertificatesInput struct {
	CertificateStatuses []string `json:"CertificateStatuses"`
	Includes            *Filters `json:"Includes"`
	NextToken           string   `json:"NextToken"`
	MaxItems            int      `json:"MaxItems"`
	SortBy              string   `json:"SortBy"` // CREATED_AT
	SortOrder           string   `json:"SortOrder"`
}

// Filters choose certificates by their key.
type Filters struct {
	KeyTypes []string `json:"keyTypes"`
}

// ListCertificatesOutput is the response of ListCertificates.
type ListCertificatesOutput struct {
	NextToken              string               `json:"NextToken,omitempty"`
	CertificateSummaryList []CertificateSummary `json:"CertificateSummaryList"`
}

// CertificateSummary is a certificate in a list.
type CertificateSummary struct {
	CertificateArn                       string         `json:"CertificateArn"`
	DomainName                           string         `json:"DomainName"`
	SubjectAlternativeNameSummaries      []string       `json:"SubjectAlternativeNameSummaries"`
	HasAdditionalSubjectAlternativeNames bool           `json:"HasAdditionalSubjectAlternativeNames"`
	Status                               string         `json:"Status"`
	Type                                 string         `json:"Type"`
	KeyAlgorithm                         string         `json:"KeyAlgorithm"`
	KeyUsages                            []string       `json:"KeyUsages"`
	ExtendedKeyUsages                    []string       `json:"ExtendedKeyUsages"`
	InUse                                bool           `json:"InUse"`
	RenewalEligibility                   string         `json:"RenewalEligibility"`
	NotBefore                            *dispatch.Time `json:"NotBefore,omitempty"`
	NotAfter                             *dispatch.Time `json:"NotAfter,omitempty"`
	CreatedAt                            dispatch.Time  `json:"CreatedAt"`
	IssuedAt                             *dispatch.Time `json:"IssuedAt,omitempty"`
}

// UpdateCertificateOptionsInput is the request of UpdateCertificateOptions.
type UpdateCertificateOptionsInput struct {
	CertificateArn string  `json:"CertificateArn"`
	Options        Options `json:"Options"`
}

// GetCertificateOutput is the response of GetCertificate.
type GetCertificateOutput struct {
	Certificate      string `json:"Certificate"`      // PEM
	CertificateChain string `json:"CertificateChain"` // PEM
}

// TagsInput is the request of AddTagsToCertificate and of RemoveTagsFromCertificate.
type TagsInput struct {
	CertificateArn string `json:"CertificateArn"`
	Tags           []Tag  `json:"Tags"`
}

// TagsOutput is the response of ListTagsForCertificate.
type TagsOutput struct {
	Tags []Tag `json:"Tags"`
}

// Empty is the response of operations that answer nothing.
type Empty struct{}
