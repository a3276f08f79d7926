package apigateway

import (
	"strconv"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// DomainName is a custom domain name as the control plane (v1) shows it. See
// https://docs.aws.amazon.com/apigateway/latest/api/API_DomainName.html.
type DomainName struct {
	DomainName                          string                 `json:"domainName"`
	DomainNameArn                       string                 `json:"domainNameArn"`
	CertificateArn                      string                 `json:"certificateArn,omitempty"` // EDGE
	CertificateName                     string                 `json:"certificateName,omitempty"`
	CertificateUploadDate               *dispatch.Time         `json:"certificateUploadDate,omitempty"`
	RegionalDomainName                  string                 `json:"regionalDomainName,omitempty"` // the alias target, REGIONAL
	RegionalHostedZoneID                string                 `json:"regionalHostedZoneId,omitempty"`
	RegionalCertificateArn              string                 `json:"regionalCertificateArn,omitempty"`
	RegionalCertificateName             string                 `json:"regionalCertificateName,omitempty"`
	DistributionDomainName              string                 `json:"distributionDomainName,omitempty"` // the alias target, EDGE
	DistributionHostedZoneID            string                 `json:"distributionHostedZoneId,omitempty"`
	EndpointConfiguration               *EndpointConfiguration `json:"endpointConfiguration"`
	DomainNameStatus                    string                 `json:"domainNameStatus"` // AVAILABLE
	SecurityPolicy                      string                 `json:"securityPolicy"`
	EndpointAccessMode                  string                 `json:"endpointAccessMode,omitempty"`
	MutualTLSAuthentication             *MutualTLS             `json:"mutualTlsAuthentication,omitempty"`
	OwnershipVerificationCertificateArn string                 `json:"ownershipVerificationCertificateArn,omitempty"`
	RoutingMode                         string                 `json:"routingMode"`
	Tags                                map[string]string      `json:"tags,omitempty"`
}

// MutualTLS says whose certificates clients must have.
type MutualTLS struct {
	TruststoreURI      string   `json:"truststoreUri"` // s3://bucket/key of a file with certificates in PEM
	TruststoreVersion  string   `json:"truststoreVersion,omitempty"`
	TruststoreWarnings []string `json:"truststoreWarnings,omitempty"`
}

// MutualTLSInput is MutualTLS in requests. An empty URI turns it off.
type MutualTLSInput struct {
	TruststoreURI     string `json:"truststoreUri"`
	TruststoreVersion string `json:"truststoreVersion"`
}

// CreateDomainNameInput is the request of CreateDomainName.
type CreateDomainNameInput struct {
	DomainName                          string                 `json:"domainName"`
	CertificateName                     string                 `json:"certificateName"`
	CertificateArn                      string                 `json:"certificateArn"`
	RegionalCertificateName             string                 `json:"regionalCertificateName"`
	RegionalCertificateArn              string                 `json:"regionalCertificateArn"`
	EndpointConfiguration               *EndpointConfiguration `json:"endpointConfiguration"`
	Tags                                map[string]string      `json:"tags"`
	SecurityPolicy                      string                 `json:"securityPolicy"`
	EndpointAccessMode                  string                 `json:"endpointAccessMode"`
	MutualTLSAuthentication             *MutualTLSInput        `json:"mutualTlsAuthentication"`
	OwnershipVerificationCertificateArn string                 `json:"ownershipVerificationCertificateArn"`
	RoutingMode                         string                 `json:"routingMode"`
}

// DomainNameInput names a domain.
type DomainNameInput struct {
	DomainName string `json:"domainName"`
}

// DomainNames is the response of GetDomainNames.
type DomainNames struct {
	Items    []*DomainName `json:"item"`
	Position string        `json:"position,omitempty"`
}

// UpdateDomainNameInput is the request of UpdateDomainName.
type UpdateDomainNameInput struct {
	DomainName      string           `json:"domainName"`
	PatchOperations []PatchOperation `json:"patchOperations"`
}

// BasePathMapping maps one step of a domain's paths to a stage of an API. See
// https://docs.aws.amazon.com/apigateway/latest/api/API_BasePathMapping.html.
type BasePathMapping struct {
	BasePath  string `json:"basePath"` // "(none)" for the whole domain
	RestAPIID string `json:"restApiId"`
	Stage     string `json:"stage,omitempty"` // empty: callers name the stage behind the base path
}

// CreateBasePathMappingInput is the request of CreateBasePathMapping.
type CreateBasePathMappingInput struct {
	DomainName string `json:"domainName"`
	BasePath   string `json:"basePath"`
	RestAPIID  string `json:"restApiId"`
	Stage      string `json:"stage"`
}

// BasePathMappingInput names a mapping.
type BasePathMappingInput struct {
	DomainName string `json:"domainName"`
	BasePath   string `json:"basePath"`
}

// GetBasePathMappingsInput is the request of GetBasePathMappings.
type GetBasePathMappingsInput struct {
	DomainName string `json:"domainName"`
	Position   string `json:"position"`
	Limit      int    `json:"limit"`
}

// BasePathMappings is the response of GetBasePathMappings.
type BasePathMappings struct {
	Items    []*BasePathMapping `json:"item"`
	Position string             `json:"position,omitempty"`
}

// UpdateBasePathMappingInput is the request of UpdateBasePathMapping.
type UpdateBasePathMappingInput struct {
	DomainName      string           `json:"domainName"`
	BasePath        string           `json:"basePath"`
	PatchOperations []PatchOperation `json:"patchOperations"`
}

// DomainNameV2 is a custom domain name as the control plane (v2) shows it. See
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/domainnames-domainname.html.
type DomainNameV2 struct {
	DomainName                    string                    `json:"domainName"`
	DomainNameArn                 string                    `json:"domainNameArn"`
	APIMappingSelectionExpression string                    `json:"apiMappingSelectionExpression"`
	DomainNameConfigurations      []DomainNameConfiguration `json:"domainNameConfigurations"`
	MutualTLSAuthentication       *MutualTLS                `json:"mutualTlsAuthentication,omitempty"`
	RoutingMode                   string                    `json:"routingMode"`
	Tags                          map[string]string         `json:"tags,omitempty"`
}

// DomainNameConfiguration is a domain's endpoint: in requests what of it can be set, in answers all of it.
type DomainNameConfiguration struct {
	APIGatewayDomainName                string   `json:"apiGatewayDomainName,omitempty"` // the alias target
	CertificateArn                      string   `json:"certificateArn,omitempty"`
	CertificateName                     string   `json:"certificateName,omitempty"`
	CertificateUploadDate               *isoTime `json:"certificateUploadDate,omitempty"`
	DomainNameStatus                    string   `json:"domainNameStatus,omitempty"`
	EndpointType                        string   `json:"endpointType,omitempty"` // REGIONAL
	HostedZoneID                        string   `json:"hostedZoneId,omitempty"`
	IPAddressType                       string   `json:"ipAddressType,omitempty"`
	SecurityPolicy                      string   `json:"securityPolicy,omitempty"`
	OwnershipVerificationCertificateArn string   `json:"ownershipVerificationCertificateArn,omitempty"`
}

// isoTime is a timestamp as v2 writes it.
type isoTime struct{ time.Time }

// MarshalJSON writes ISO 8601 in UTC.
func (t isoTime) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, t.UTC().Format("2006-01-02T15:04:05Z")), nil
}

// CreateDomainNameV2Input is the request of v2's CreateDomainName.
type CreateDomainNameV2Input struct {
	DomainName               string                    `json:"domainName"`
	DomainNameConfigurations []DomainNameConfiguration `json:"domainNameConfigurations"`
	MutualTLSAuthentication  *MutualTLSInput           `json:"mutualTlsAuthentication"`
	RoutingMode              string                    `json:"routingMode"`
	Tags                     map[string]string         `json:"tags"`
}

// UpdateDomainNameV2Input is the request of v2's UpdateDomainName. What it leaves out stays.
type UpdateDomainNameV2Input struct {
	DomainName               string                    `json:"domainName"`
	DomainNameConfigurations []DomainNameConfiguration `json:"domainNameConfigurations"`
	MutualTLSAuthentication  *MutualTLSInput           `json:"mutualTlsAuthentication"`
	RoutingMode              string                    `json:"routingMode"`
}

// PageV2Input asks for one page of a list of v2's.
type PageV2Input struct {
	MaxResults string `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

// DomainNamesV2 is the response of v2's GetDomainNames.
type DomainNamesV2 struct {
	Items     []*DomainNameV2 `json:"items"`
	NextToken string          `json:"nextToken,omitempty"`
}

// APIMapping maps a path of a domain, of one step or several, to a stage of an API. See
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/domainnames-domainname-apimappings.html.
type APIMapping struct {
	APIID         string `json:"apiId"`
	APIMappingID  string `json:"apiMappingId"`
	APIMappingKey string `json:"apiMappingKey,omitempty"` // the path; empty for the whole domain
	Stage         string `json:"stage"`
}

// CreateAPIMappingInput is the request of CreateApiMapping.
type CreateAPIMappingInput struct {
	DomainName    string `json:"domainName"`
	APIID         string `json:"apiId"`
	APIMappingKey string `json:"apiMappingKey"`
	Stage         string `json:"stage"`
}

// UpdateAPIMappingInput is the request of UpdateApiMapping. What it leaves out stays.
type UpdateAPIMappingInput struct {
	DomainName    string  `json:"domainName"`
	APIMappingID  string  `json:"apiMappingId"`
	APIID         string  `json:"apiId"`
	APIMappingKey *string `json:"apiMappingKey"`
	Stage         string  `json:"stage"`
}

// APIMappingInput names a mapping of v2's.
type APIMappingInput struct {
	DomainName   string `json:"domainName"`
	APIMappingID string `json:"apiMappingId"`
}

// GetAPIMappingsInput is the request of GetApiMappings.
type GetAPIMappingsInput struct {
	DomainName string `json:"domainName"`
	MaxResults string `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

// APIMappings is the response of GetApiMappings.
type APIMappings struct {
	Items     []*APIMapping `json:"items"`
	NextToken string        `json:"nextToken,omitempty"`
}

// TagsV2Input names what v2's GetTags asks for.
type TagsV2Input struct {
	ResourceArn string `json:"resourceArn"`
}

// CertificateUsesInput asks which domain names have a certificate.
type CertificateUsesInput struct {
	CertificateArn string `json:"certificateArn"`
}

// CertificateUses is the ARNs of the domain names that have a certificate.
type CertificateUses struct {
	DomainNameArns []string `json:"domainNameArns"`
}

// CertificateUses returns the ARNs, for ACM, which must not know this package.
func (u *CertificateUses) CertificateUses() []string { return u.DomainNameArns }
