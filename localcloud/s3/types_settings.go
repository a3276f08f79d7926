package s3

// SettingInput is the request of the operations that put a bucket's settings. The embedded AWS has them for the Pulumi
// provider; the wire has those of bucket policies only.
type SettingInput[T any] struct {
	Bucket        string
	Configuration *T
}

func (in SettingInput[T]) bucketName() string { return in.Bucket }

// SettingOutput is the response of the operations that get a bucket's settings.
type SettingOutput[T any] struct{ Configuration T }

// EncryptionDefault is how objects are encrypted that do not say it.
type EncryptionDefault struct {
	SSEAlgorithm   string // AES256 or aws:kms
	KMSMasterKeyID string `json:",omitempty"`
}

// EncryptionRule is the rule of a bucket's encryption.
type EncryptionRule struct {
	ApplyServerSideEncryptionByDefault *EncryptionDefault `json:",omitempty"`
	BucketKeyEnabled                   bool
}

// ServerSideEncryptionConfiguration is a bucket's encryption: one rule.
type ServerSideEncryptionConfiguration struct{ Rules []EncryptionRule }

// PublicAccessBlockConfiguration says which ways of making a bucket public are closed.
type PublicAccessBlockConfiguration struct {
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

// OwnershipRule says who owns new objects: BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter.
type OwnershipRule struct{ ObjectOwnership string }

// OwnershipControls are one rule.
type OwnershipControls struct{ Rules []OwnershipRule }

// LifecycleRule is a rule of a bucket's lifecycle. It is kept and not carried out: nothing expires.
type LifecycleRule struct {
	ID                             string `json:",omitempty"`
	Status                         string // Enabled or Disabled
	Prefix                         string `json:",omitempty"`
	ExpirationDays                 int    `json:",omitempty"`
	NoncurrentDays                 int    `json:",omitempty"`
	AbortIncompleteMultipartUpload int    `json:",omitempty"` // days
}

// LifecycleConfiguration is a bucket's lifecycle.
type LifecycleConfiguration struct{ Rules []LifecycleRule }

// PutBucketPolicyInput is the request of PutBucketPolicy.
type PutBucketPolicyInput struct {
	Bucket string
	Policy []byte // JSON
}

func (in PutBucketPolicyInput) bucketName() string { return in.Bucket }

// BucketPolicyOutput is the response of GetBucketPolicy.
type BucketPolicyOutput struct{ Policy []byte }

// Owner is the account.
type Owner struct{ ID string }

// Grantee is who has a grant.
type Grantee struct{ ID, Type string }

// Grant is an entry of an ACL.
type Grant struct {
	Grantee    Grantee
	Permission string
}

// BucketACLOutput is the response of GetBucketAcl: the account's full control. ACLs cannot be changed.
type BucketACLOutput struct {
	Owner  Owner
	Grants []Grant
}

// Tag is a tag of a bucket.
type Tag struct {
	Key   string
	Value string
}

// TaggingInput is the request of PutBucketTagging, which replaces all tags.
type TaggingInput struct {
	Bucket string
	TagSet []Tag
}

func (in TaggingInput) bucketName() string { return in.Bucket }

// TaggingOutput is the response of GetBucketTagging.
type TaggingOutput struct{ TagSet []Tag }
