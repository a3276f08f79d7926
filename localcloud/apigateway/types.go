package apigateway

import "github.com/carepath/carepath/localcloud/dispatch"

// RestApi is a REST API as the control plane shows it. See
// https://docs.aws.amazon.com/apigateway/latest/api/API_RestApi.html.
type RestApi struct {
	ID                        string                 `json:"id"`
	Name                      string                 `json:"name"`
	Description               string                 `json:"description,omitempty"`
	CreatedDate               dispatch.Time          `json:"createdDate"`
	Version                   string                 `json:"version,omitempty"`
	Warnings                  []string               `json:"warnings,omitempty"`
	BinaryMediaTypes          []string               `json:"binaryMediaTypes,omitempty"`
	APIKeySource              string                 `json:"apiKeySource"`
	EndpointConfiguration     *EndpointConfiguration `json:"endpointConfiguration,omitempty"`
	Policy                    string                 `json:"policy,omitempty"`
	Tags                      map[string]string      `json:"tags,omitempty"`
	DisableExecuteAPIEndpoint bool                   `json:"disableExecuteApiEndpoint"`
	RootResourceID            string                 `json:"rootResourceId"`
}

// EndpointConfiguration says how clients reach an API.
type EndpointConfiguration struct {
	Types          []string `json:"types,omitempty"`         // EDGE, REGIONAL or PRIVATE
	IPAddressType  string   `json:"ipAddressType,omitempty"` // ipv4 or dualstack
	VpcEndpointIDs []string `json:"vpcEndpointIds,omitempty"`
}

// Resource is one path of an API with its methods.
type Resource struct {
	ID              string             `json:"id"`
	ParentID        string             `json:"parentId,omitempty"`
	PathPart        string             `json:"pathPart,omitempty"`
	Path            string             `json:"path"`
	ResourceMethods map[string]*Method `json:"resourceMethods,omitempty"`
}

// Method is what an API offers on a resource for one HTTP method, or for ANY.
type Method struct {
	HTTPMethod         string                     `json:"httpMethod"`
	AuthorizationType  string                     `json:"authorizationType"`
	APIKeyRequired     bool                       `json:"apiKeyRequired"`
	RequestValidatorID string                     `json:"requestValidatorId,omitempty"`
	OperationName      string                     `json:"operationName,omitempty"`
	RequestParameters  map[string]bool            `json:"requestParameters,omitempty"` // "method.request.header.X" → required
	RequestModels      map[string]string          `json:"requestModels,omitempty"`     // media type → model
	MethodResponses    map[string]*MethodResponse `json:"methodResponses,omitempty"`   // by status code
	MethodIntegration  *Integration               `json:"methodIntegration,omitempty"`
}

// MethodResponse declares one status that a method may answer.
type MethodResponse struct {
	StatusCode         string            `json:"statusCode"`
	ResponseParameters map[string]bool   `json:"responseParameters,omitempty"`
	ResponseModels     map[string]string `json:"responseModels,omitempty"`
}

// Integration is what a method calls.
type Integration struct {
	Type                 string                          `json:"type"` // MOCK, AWS, AWS_PROXY, HTTP or HTTP_PROXY
	HTTPMethod           string                          `json:"httpMethod,omitempty"`
	URI                  string                          `json:"uri,omitempty"`
	ConnectionType       string                          `json:"connectionType,omitempty"`
	ConnectionID         string                          `json:"connectionId,omitempty"`
	Credentials          string                          `json:"credentials,omitempty"`       // ARN of the role
	RequestParameters    map[string]string               `json:"requestParameters,omitempty"` // "integration.request.header.X" → expression
	RequestTemplates     map[string]*string              `json:"requestTemplates,omitempty"`  // media type → VTL; null is passthrough
	PassthroughBehavior  string                          `json:"passthroughBehavior,omitempty"`
	ContentHandling      string                          `json:"contentHandling,omitempty"`
	TimeoutInMillis      int                             `json:"timeoutInMillis,omitempty"`
	CacheNamespace       string                          `json:"cacheNamespace,omitempty"`
	CacheKeyParameters   []string                        `json:"cacheKeyParameters"`
	IntegrationResponses map[string]*IntegrationResponse `json:"integrationResponses,omitempty"` // by status code
}

// IntegrationResponse maps some answers of an integration to one status of its method.
type IntegrationResponse struct {
	StatusCode         string             `json:"statusCode"`
	SelectionPattern   *string            `json:"selectionPattern,omitempty"`   // Java regular expression, matched in full
	ResponseParameters map[string]string  `json:"responseParameters,omitempty"` // "method.response.header.X" → expression
	ResponseTemplates  map[string]*string `json:"responseTemplates,omitempty"`  // media type → VTL
	ContentHandling    string             `json:"contentHandling,omitempty"`
}

// Model is a JSON Schema of an API.
type Model struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Schema      string `json:"schema"`
	ContentType string `json:"contentType"`
}

// RequestValidator says what a method checks before it calls its integration.
type RequestValidator struct {
	ID                        string `json:"id"`
	Name                      string `json:"name,omitempty"`
	ValidateRequestBody       bool   `json:"validateRequestBody"`
	ValidateRequestParameters bool   `json:"validateRequestParameters"`
}

// GatewayResponse is what the gateway itself answers in one kind of failure.
type GatewayResponse struct {
	ResponseType       string            `json:"responseType"`
	StatusCode         string            `json:"statusCode,omitempty"`
	ResponseParameters map[string]string `json:"responseParameters"` // "gatewayresponse.header.X" → expression
	ResponseTemplates  map[string]string `json:"responseTemplates"`  // media type → text with $context references
	DefaultResponse    bool              `json:"defaultResponse"`
}

// Deployment is a snapshot of an API that stages show to clients.
type Deployment struct {
	ID          string                               `json:"id"`
	Description string                               `json:"description,omitempty"`
	CreatedDate dispatch.Time                        `json:"createdDate"`
	APISummary  map[string]map[string]MethodSnapshot `json:"apiSummary,omitempty"` // path → method
}

// MethodSnapshot is a method in the summary of a deployment.
type MethodSnapshot struct {
	AuthorizationType string `json:"authorizationType"`
	APIKeyRequired    bool   `json:"apiKeyRequired"`
}

// Stage is a deployment under a name, with settings. See
// https://docs.aws.amazon.com/apigateway/latest/api/API_Stage.html.
type Stage struct {
	DeploymentID         string                    `json:"deploymentId"`
	StageName            string                    `json:"stageName"`
	Description          string                    `json:"description,omitempty"`
	CacheClusterEnabled  bool                      `json:"cacheClusterEnabled"`
	CacheClusterSize     string                    `json:"cacheClusterSize,omitempty"`
	CacheClusterStatus   string                    `json:"cacheClusterStatus"`
	MethodSettings       map[string]*MethodSetting `json:"methodSettings"` // "*/*" or "<path>/<METHOD>", "/" in the path as "~1"
	Variables            map[string]string         `json:"variables,omitempty"`
	DocumentationVersion string                    `json:"documentationVersion,omitempty"`
	AccessLogSettings    *AccessLogSettings        `json:"accessLogSettings,omitempty"`
	TracingEnabled       bool                      `json:"tracingEnabled"`
	Tags                 map[string]string         `json:"tags,omitempty"`
	CreatedDate          dispatch.Time             `json:"createdDate"`
	LastUpdatedDate      dispatch.Time             `json:"lastUpdatedDate"`
}

// MethodSetting is how a stage treats a method.
type MethodSetting struct {
	MetricsEnabled                         bool    `json:"metricsEnabled"`
	LoggingLevel                           string  `json:"loggingLevel,omitempty"` // OFF, ERROR or INFO
	DataTraceEnabled                       bool    `json:"dataTraceEnabled"`
	ThrottlingBurstLimit                   int     `json:"throttlingBurstLimit"` // requests
	ThrottlingRateLimit                    float64 `json:"throttlingRateLimit"`  // requests per second; -1 is no limit
	CachingEnabled                         bool    `json:"cachingEnabled"`
	CacheTTLInSeconds                      int     `json:"cacheTtlInSeconds"`
	CacheDataEncrypted                     bool    `json:"cacheDataEncrypted"`
	RequireAuthorizationForCacheControl    bool    `json:"requireAuthorizationForCacheControl"`
	UnauthorizedCacheControlHeaderStrategy string  `json:"unauthorizedCacheControlHeaderStrategy,omitempty"`
}

// AccessLogSettings says where a stage logs its requests, and in what form.
type AccessLogSettings struct {
	Format         string `json:"format,omitempty"`
	DestinationArn string `json:"destinationArn,omitempty"` // of a log group
}

// Account is the settings of API Gateway for the account and region.
type Account struct {
	CloudwatchRoleArn string            `json:"cloudwatchRoleArn,omitempty"`
	ThrottleSettings  *ThrottleSettings `json:"throttleSettings,omitempty"`
	Features          []string          `json:"features"`
	APIKeyVersion     string            `json:"apiKeyVersion"`
}

// ThrottleSettings is a token bucket.
type ThrottleSettings struct {
	BurstLimit int     `json:"burstLimit"` // requests
	RateLimit  float64 `json:"rateLimit"`  // requests per second
}

// PatchOperation is one change of an Update operation. See
// https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html.
type PatchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value,omitempty"`
	From  string `json:"from,omitempty"`
}

// Empty is the response of operations that answer nothing.
type Empty struct{}
