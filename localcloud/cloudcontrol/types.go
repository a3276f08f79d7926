package cloudcontrol

import "github.com/carepath/carepath/localcloud/dispatch"

// CreateResourceInput is the request of CreateResource.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_CreateResource.html
type CreateResourceInput struct {
	TypeName      string // such as AWS::HealthLake::FHIRDatastore
	DesiredState  string // a JSON object of the type's properties
	ClientToken   string `json:",omitempty"` // the same token means the same request, for 36 hours
	RoleArn       string `json:",omitempty"` // refused: the caller's own permissions count
	TypeVersionID string `json:"TypeVersionId,omitempty"`
}

// UpdateResourceInput is the request of UpdateResource.
type UpdateResourceInput struct {
	TypeName      string
	Identifier    string
	PatchDocument string // a JSON Patch of the properties
	ClientToken   string `json:",omitempty"`
	RoleArn       string `json:",omitempty"`
	TypeVersionID string `json:"TypeVersionId,omitempty"`
}

// DeleteResourceInput is the request of DeleteResource.
type DeleteResourceInput struct {
	TypeName      string
	Identifier    string
	ClientToken   string `json:",omitempty"`
	RoleArn       string `json:",omitempty"`
	TypeVersionID string `json:"TypeVersionId,omitempty"`
}

// GetResourceInput is the request of GetResource.
type GetResourceInput struct {
	TypeName      string
	Identifier    string
	RoleArn       string `json:",omitempty"`
	TypeVersionID string `json:"TypeVersionId,omitempty"`
}

// ResourceDescription is a resource and its properties.
type ResourceDescription struct {
	Identifier string
	Properties string // a JSON object
}

// GetResourceOutput is the response of GetResource.
type GetResourceOutput struct {
	TypeName            string
	ResourceDescription ResourceDescription
}

// ListResourcesInput is the request of ListResources.
type ListResourcesInput struct {
	TypeName   string
	MaxResults int    `json:",omitempty"` // 1 to 100; 0 means 20
	NextToken  string `json:",omitempty"`
	RoleArn    string `json:",omitempty"`
	// ResourceModel is a JSON object of the properties that say where to look; types that need it refuse requests without.
	ResourceModel string `json:",omitempty"`
}

// most is the number of resources that are asked for.
func (in *ListResourcesInput) most() int {
	if in.MaxResults > 0 {
		return min(in.MaxResults, 100)
	}
	return 20
}

// ListResourcesOutput is the response of ListResources.
type ListResourcesOutput struct {
	TypeName             string
	ResourceDescriptions []ResourceDescription
	NextToken            string `json:",omitempty"`
}

// RequestInput is the request of GetResourceRequestStatus.
type RequestInput struct{ RequestToken string }

// ProgressEvent is how a request is doing.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_ProgressEvent.html
type ProgressEvent struct {
	TypeName        string
	Identifier      string `json:",omitempty"`
	RequestToken    string
	Operation       string // CREATE, UPDATE or DELETE
	OperationStatus string // IN_PROGRESS, SUCCESS or FAILED
	EventTime       dispatch.Time
	ResourceModel   string `json:",omitempty"` // properties as JSON
	StatusMessage   string `json:",omitempty"`
	ErrorCode       string `json:",omitempty"` // of a request that failed, such as NotUpdatable
}

// ProgressOutput is the response of operations that take a while.
type ProgressOutput struct{ ProgressEvent ProgressEvent }
