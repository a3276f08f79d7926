package healthlake

import "github.com/carepath/carepath/localcloud/dispatch"

// Empty is a response without members.
type Empty struct{}

// Tag is a tag of a data store.
type Tag struct {
	Key   string
	Value string
}

// KmsEncryptionConfig says which key a data store is encrypted with.
type KmsEncryptionConfig struct {
	CmkType  string // AWS_OWNED_KMS_KEY or CUSTOMER_MANAGED_KMS_KEY
	KmsKeyID string `json:"KmsKeyId,omitempty"` // id, ARN or alias of the customer-managed key
}

// SseConfiguration is a data store's encryption at rest.
type SseConfiguration struct{ KmsEncryptionConfig KmsEncryptionConfig }

// PreloadDataConfig asks for synthetic data in a new store. It is refused: nothing is preloaded here.
type PreloadDataConfig struct{ PreloadDataType string }

// IdentityProviderConfiguration says who authorizes FHIR calls. Only AWS_AUTH is emulated.
type IdentityProviderConfiguration struct {
	AuthorizationStrategy           string
	FineGrainedAuthorizationEnabled bool   `json:",omitempty"`
	IdpLambdaArn                    string `json:",omitempty"`
	Metadata                        string `json:",omitempty"`
}

// CreateFHIRDatastoreInput is the request of CreateFHIRDatastore.
// https://docs.aws.amazon.com/healthlake/latest/APIReference/API_CreateFHIRDatastore.html
type CreateFHIRDatastoreInput struct {
	ClientToken                   string                         `json:",omitempty"` // 1 to 64 characters
	DatastoreName                 string                         `json:",omitempty"` // up to 256 characters
	DatastoreTypeVersion          string                         // R4
	IdentityProviderConfiguration *IdentityProviderConfiguration `json:",omitempty"`
	PreloadDataConfig             *PreloadDataConfig             `json:",omitempty"`
	SseConfiguration              *SseConfiguration              `json:",omitempty"`
	Tags                          []Tag                          `json:",omitempty"`
}

// DatastoreStatusOutput is the response of CreateFHIRDatastore and DeleteFHIRDatastore.
type DatastoreStatusOutput struct {
	DatastoreID       string `json:"DatastoreId"`
	DatastoreArn      string
	DatastoreStatus   string // CREATING, ACTIVE, DELETING or DELETED
	DatastoreEndpoint string // base of the FHIR addresses, with a slash at its end
}

// DatastoreInput is the request of DescribeFHIRDatastore.
type DatastoreInput struct {
	DatastoreID string `json:"DatastoreId"`
}

// DeleteFHIRDatastoreInput is the request of DeleteFHIRDatastore.
type DeleteFHIRDatastoreInput struct {
	DatastoreID string `json:"DatastoreId"`
}

// DatastoreProperties describe a data store.
// https://docs.aws.amazon.com/healthlake/latest/APIReference/API_DatastoreProperties.html
type DatastoreProperties struct {
	DatastoreID                   string `json:"DatastoreId"`
	DatastoreArn                  string
	DatastoreName                 string `json:",omitempty"`
	DatastoreStatus               string
	CreatedAt                     dispatch.Time
	DatastoreTypeVersion          string
	DatastoreEndpoint             string
	SseConfiguration              *SseConfiguration              `json:",omitempty"`
	IdentityProviderConfiguration *IdentityProviderConfiguration `json:",omitempty"`
}

// DescribeFHIRDatastoreOutput is the response of DescribeFHIRDatastore.
type DescribeFHIRDatastoreOutput struct{ DatastoreProperties DatastoreProperties }

// DatastoreFilter narrows ListFHIRDatastores. A member that is missing matches every store.
type DatastoreFilter struct {
	CreatedAfter    *dispatch.Time `json:",omitempty"`
	CreatedBefore   *dispatch.Time `json:",omitempty"`
	DatastoreName   string         `json:",omitempty"`
	DatastoreStatus string         `json:",omitempty"`
}

// ListFHIRDatastoresInput is the request of ListFHIRDatastores.
type ListFHIRDatastoresInput struct {
	Filter     *DatastoreFilter `json:",omitempty"`
	MaxResults int              `json:",omitempty"` // 1 to 500; 0 means 100
	NextToken  string           `json:",omitempty"`
}

// ListFHIRDatastoresOutput is the response of ListFHIRDatastores.
type ListFHIRDatastoresOutput struct {
	DatastorePropertiesList []DatastoreProperties
	NextToken               string `json:",omitempty"`
}

// ResourceARNInput is the request of ListTagsForResource.
type ResourceARNInput struct{ ResourceARN string }

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	ResourceARN string
	Tags        []Tag
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	ResourceARN string
	TagKeys     []string
}

// ListTagsForResourceOutput is the response of ListTagsForResource.
type ListTagsForResourceOutput struct{ Tags []Tag }
