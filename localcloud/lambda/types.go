// Package lambda emulates AWS Lambda.
package lambda

import "encoding/json"

// Code is where a function's code comes from: the bytes of a ZIP file with the executable "bootstrap" in it.
type Code struct {
	ZipFile []byte `json:",omitempty"`
}

// Environment is a function's environment variables, at most 4 KB in all.
type Environment struct {
	Variables map[string]string `json:",omitempty"`
}

// TracingConfig is a function's X-Ray mode: Active or PassThrough. No traces are made here.
type TracingConfig struct {
	Mode string `json:",omitempty"`
}

// EphemeralStorage is the size of /tmp in MB, 512..10240. It is not enforced.
type EphemeralStorage struct {
	Size int `json:",omitempty"`
}

// LoggingConfig says how and where a function logs.
type LoggingConfig struct {
	LogFormat           string `json:",omitempty"` // Text (the default) or JSON
	ApplicationLogLevel string `json:",omitempty"` // TRACE, DEBUG, INFO, WARN, ERROR, FATAL; with JSON only
	SystemLogLevel      string `json:",omitempty"` // DEBUG, INFO, WARN; with JSON only
	LogGroup            string `json:",omitempty"` // /aws/lambda/<function> by default
}

// SnapStart is accepted with ApplyOn None only.
type SnapStart struct {
	ApplyOn            string `json:",omitempty"`
	OptimizationStatus string `json:",omitempty"`
}

// unsupported holds the members of AWS's requests that are refused here with a clear error unless they are empty.
type unsupported struct {
	VpcConfig            json.RawMessage `json:",omitempty"`
	DeadLetterConfig     json.RawMessage `json:",omitempty"`
	FileSystemConfigs    json.RawMessage `json:",omitempty"`
	ImageConfig          json.RawMessage `json:",omitempty"`
	Layers               json.RawMessage `json:",omitempty"`
	CodeSigningConfigArn json.RawMessage `json:",omitempty"`
	DurableConfig        json.RawMessage `json:",omitempty"`
}

// CreateFunctionInput is the request of CreateFunction.
type CreateFunctionInput struct {
	FunctionName     string
	Runtime          string // provided.al2023 or provided.al2
	Role             string
	Handler          string
	Code             Code
	Description      string            `json:",omitempty"`
	Timeout          *int              `json:",omitempty"` // seconds, 1..900; 3 by default
	MemorySize       *int              `json:",omitempty"` // MB, 128..10240; 128 by default
	Publish          bool              `json:",omitempty"`
	PackageType      string            `json:",omitempty"` // Zip
	Environment      *Environment      `json:",omitempty"`
	KMSKeyArn        string            `json:",omitempty"`
	TracingConfig    *TracingConfig    `json:",omitempty"`
	Tags             map[string]string `json:",omitempty"`
	Architectures    []string          `json:",omitempty"` // x86_64 (the default) or arm64
	EphemeralStorage *EphemeralStorage `json:",omitempty"`
	SnapStart        *SnapStart        `json:",omitempty"`
	LoggingConfig    *LoggingConfig    `json:",omitempty"`
	unsupported
}

// UpdateFunctionConfigurationInput is the request of UpdateFunctionConfiguration. What is nil stays.
type UpdateFunctionConfigurationInput struct {
	FunctionName     string
	Role             *string           `json:",omitempty"`
	Handler          *string           `json:",omitempty"`
	Description      *string           `json:",omitempty"`
	Timeout          *int              `json:",omitempty"`
	MemorySize       *int              `json:",omitempty"`
	Runtime          *string           `json:",omitempty"`
	Environment      *Environment      `json:",omitempty"`
	KMSKeyArn        *string           `json:",omitempty"`
	TracingConfig    *TracingConfig    `json:",omitempty"`
	RevisionID       string            `json:"RevisionId,omitempty"`
	EphemeralStorage *EphemeralStorage `json:",omitempty"`
	SnapStart        *SnapStart        `json:",omitempty"`
	LoggingConfig    *LoggingConfig    `json:",omitempty"`
	unsupported
}

// UpdateFunctionCodeInput is the request of UpdateFunctionCode.
type UpdateFunctionCodeInput struct {
	FunctionName  string
	ZipFile       []byte   `json:",omitempty"`
	Architectures []string `json:",omitempty"`
	Publish       bool     `json:",omitempty"`
	DryRun        bool     `json:",omitempty"`
	RevisionID    string   `json:"RevisionId,omitempty"`
}

// FunctionInput names a function: the request of GetFunction, GetFunctionConfiguration, DeleteFunction and others. The
// name may be a plain name, a partial ARN (account:function:name) or an ARN.
type FunctionInput struct {
	FunctionName string
	Qualifier    string `json:",omitempty"`
}

// FunctionConfiguration describes a function.
type FunctionConfiguration struct {
	FunctionName               string
	FunctionArn                string
	Runtime                    string
	Role                       string
	Handler                    string
	CodeSize                   int64
	Description                string
	Timeout                    int
	MemorySize                 int
	LastModified               string       // as 2026-01-31T12:00:00.000+0000
	CodeSha256                 string       // Base64 of the ZIP file's SHA-256
	Version                    string       // $LATEST
	Environment                *Environment `json:",omitempty"`
	KMSKeyArn                  string       `json:",omitempty"`
	TracingConfig              TracingConfig
	RevisionID                 string `json:"RevisionId"`
	State                      string // Active
	LastUpdateStatus           string // Successful
	PackageType                string // Zip
	Architectures              []string
	EphemeralStorage           EphemeralStorage
	SnapStart                  SnapStart
	LoggingConfig              LoggingConfig
	RuntimeVersionConfig       *RuntimeVersionConfig `json:",omitempty"`
	SigningJobArn              string                `json:",omitempty"`
	SigningProfileVersionArn   string                `json:",omitempty"`
	LastUpdateStatusReason     string                `json:",omitempty"`
	LastUpdateStatusReasonCode string                `json:",omitempty"`
}

// RuntimeVersionConfig names the version of the managed runtime.
type RuntimeVersionConfig struct {
	RuntimeVersionArn string
}

// GetFunctionOutput is the response of GetFunction.
type GetFunctionOutput struct {
	Configuration FunctionConfiguration
	Code          CodeLocation
	Tags          map[string]string `json:",omitempty"`
	Concurrency   *Concurrency      `json:",omitempty"`
}

// CodeLocation says where a function's code lies.
type CodeLocation struct {
	RepositoryType string // S3, as AWS answers
	Location       string // of the ZIP file on this machine
}

// Concurrency is a function's reserved concurrency, in the response of PutFunctionConcurrency and others.
type Concurrency struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

// PutFunctionConcurrencyInput is the request of PutFunctionConcurrency.
type PutFunctionConcurrencyInput struct {
	FunctionName                 string
	ReservedConcurrentExecutions *int
}

// Empty is the response of the operations that answer nothing.
type Empty struct{}

// ListFunctionsInput is the request of ListFunctions.
type ListFunctionsInput struct {
	Marker   string `json:",omitempty"`
	MaxItems int    `json:",omitempty"` // 1..10000; at most 50 are answered
}

// ListFunctionsOutput is the response of ListFunctions.
type ListFunctionsOutput struct {
	Functions  []FunctionConfiguration
	NextMarker string `json:",omitempty"`
}

// ListVersionsByFunctionInput is the request of ListVersionsByFunction.
type ListVersionsByFunctionInput struct {
	FunctionName string
	Marker       string `json:",omitempty"`
	MaxItems     int    `json:",omitempty"`
}

// ListVersionsByFunctionOutput is the response of ListVersionsByFunction: $LATEST alone, since versions cannot be
// published here.
type ListVersionsByFunctionOutput struct {
	Versions   []FunctionConfiguration
	NextMarker string `json:",omitempty"`
}

// InvokeInput is the request of Invoke.
type InvokeInput struct {
	FunctionName   string
	InvocationType string `json:",omitempty"` // RequestResponse (the default), Event or DryRun
	LogType        string `json:",omitempty"` // None (the default) or Tail
	ClientContext  string `json:",omitempty"` // Base64 of JSON
	Qualifier      string `json:",omitempty"` // $LATEST only
	Payload        []byte `json:",omitempty"` // JSON, at most 6 MB; 1 MB for Event
}

// InvokeOutput is the response of Invoke.
type InvokeOutput struct {
	StatusCode      int    // 200 RequestResponse, 202 Event, 204 DryRun: also the HTTP status
	FunctionError   string `json:",omitempty"` // Unhandled when the function failed: the payload says how
	LogResult       string `json:",omitempty"` // Base64 of the last 4 KB of the invocation's log, with LogType Tail
	ExecutedVersion string `json:",omitempty"`
	Payload         []byte `json:",omitempty"`
}

// AddPermissionInput is the request of AddPermission.
type AddPermissionInput struct {
	FunctionName          string
	StatementID           string `json:"StatementId"`
	Action                string // lambda:InvokeFunction, lambda:*, ...
	Principal             string // a service, an account, an ARN or *
	SourceArn             string `json:",omitempty"`
	SourceAccount         string `json:",omitempty"`
	PrincipalOrgID        string `json:",omitempty"`
	Qualifier             string `json:",omitempty"`
	RevisionID            string `json:"RevisionId,omitempty"`
	EventSourceToken      string `json:",omitempty"`
	FunctionURLAuthType   string `json:"FunctionUrlAuthType,omitempty"`
	InvokedViaFunctionURL *bool  `json:"InvokedViaFunctionUrl,omitempty"`
}

// AddPermissionOutput is the response of AddPermission.
type AddPermissionOutput struct {
	Statement string // JSON
}

// RemovePermissionInput is the request of RemovePermission.
type RemovePermissionInput struct {
	FunctionName string
	StatementID  string `json:"StatementId"`
	Qualifier    string `json:",omitempty"`
	RevisionID   string `json:"RevisionId,omitempty"`
}

// GetPolicyOutput is the response of GetPolicy.
type GetPolicyOutput struct {
	Policy     string // JSON
	RevisionID string `json:"RevisionId"`
}

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	Resource string // ARN
	Tags     map[string]string
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	Resource string
	TagKeys  []string
}

// ListTagsInput is the request of ListTags.
type ListTagsInput struct {
	Resource string
}

// ListTagsOutput is the response of ListTags.
type ListTagsOutput struct {
	Tags map[string]string
}

// GetFunctionCodeSigningConfigOutput is the response of GetFunctionCodeSigningConfig: no function has one here.
type GetFunctionCodeSigningConfigOutput struct {
	CodeSigningConfigArn string `json:",omitempty"`
	FunctionName         string
}
