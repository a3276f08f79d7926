package kms

import "github.com/carepath/carepath/localcloud/dispatch"

// Tag is a tag of a key.
type Tag struct {
	TagKey   string
	TagValue string
}

// KeyMetadata describes a key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
type KeyMetadata struct {
	AWSAccountID          string `json:"AWSAccountId"`
	KeyID                 string `json:"KeyId"`
	Arn                   string
	CreationDate          dispatch.Time
	Enabled               bool
	Description           string
	KeyUsage              string
	KeyState              string         // Enabled, Disabled or PendingDeletion
	DeletionDate          *dispatch.Time `json:",omitempty"`
	Origin                string
	KeyManager            string
	CustomerMasterKeySpec string
	KeySpec               string
	EncryptionAlgorithms  []string
	MultiRegion           bool
}

// CreateKeyInput is the request of CreateKey. Only symmetric encryption keys whose material KMS makes are emulated.
type CreateKeyInput struct {
	Policy                         string `json:",omitempty"`
	Description                    string `json:",omitempty"`
	KeyUsage                       string `json:",omitempty"`
	CustomerMasterKeySpec          string `json:",omitempty"`
	KeySpec                        string `json:",omitempty"`
	Origin                         string `json:",omitempty"`
	MultiRegion                    bool   `json:",omitempty"`
	BypassPolicyLockoutSafetyCheck bool   `json:",omitempty"`
	Tags                           []Tag  `json:",omitempty"`
}

// KeyMetadataOutput is the response of CreateKey and DescribeKey.
type KeyMetadataOutput struct{ KeyMetadata KeyMetadata }

// KeyInput is the request of operations that need a key only: its id or ARN, and for DescribeKey an alias too.
type KeyInput struct {
	KeyID string `json:"KeyId"`
}

func (in *KeyInput) key() string { return in.KeyID }

// Page is what list operations take to return a part.
type Page struct {
	Limit  int32  `json:",omitempty"` // 1 to 1000; 0 means 100
	Marker string `json:",omitempty"`
}

// ListKeysInput is the request of ListKeys.
type ListKeysInput struct{ Page }

// KeyListEntry names a key.
type KeyListEntry struct {
	KeyID  string `json:"KeyId"`
	KeyArn string
}

// ListKeysOutput is the response of ListKeys.
type ListKeysOutput struct {
	Keys       []KeyListEntry
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

// GetKeyPolicyInput is the request of GetKeyPolicy.
type GetKeyPolicyInput struct {
	KeyInput
	PolicyName string `json:",omitempty"` // "default" is the only one
}

// GetKeyPolicyOutput is the response of GetKeyPolicy.
type GetKeyPolicyOutput struct {
	Policy     string
	PolicyName string
}

// PutKeyPolicyInput is the request of PutKeyPolicy.
type PutKeyPolicyInput struct {
	KeyInput
	PolicyName                     string `json:",omitempty"`
	Policy                         string
	BypassPolicyLockoutSafetyCheck bool `json:",omitempty"`
}

// EnableKeyRotationInput is the request of EnableKeyRotation.
type EnableKeyRotationInput struct {
	KeyInput
	RotationPeriodInDays int32 `json:",omitempty"` // 90 to 2560; 0 means 365
}

// GetKeyRotationStatusOutput is the response of GetKeyRotationStatus.
type GetKeyRotationStatusOutput struct {
	KeyRotationEnabled   bool
	KeyID                string         `json:"KeyId"`
	RotationPeriodInDays int32          `json:",omitempty"`
	NextRotationDate     *dispatch.Time `json:",omitempty"`
}

// ScheduleKeyDeletionInput is the request of ScheduleKeyDeletion.
type ScheduleKeyDeletionInput struct {
	KeyInput
	PendingWindowInDays int32 `json:",omitempty"` // 7 to 30; 0 means 30
}

// ScheduleKeyDeletionOutput is the response of ScheduleKeyDeletion.
type ScheduleKeyDeletionOutput struct {
	KeyID               string `json:"KeyId"`
	DeletionDate        dispatch.Time
	KeyState            string
	PendingWindowInDays int32
}

// CancelKeyDeletionOutput is the response of CancelKeyDeletion.
type CancelKeyDeletionOutput struct {
	KeyID string `json:"KeyId"`
}

// UpdateKeyDescriptionInput is the request of UpdateKeyDescription.
type UpdateKeyDescriptionInput struct {
	KeyInput
	Description string
}

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	KeyInput
	Tags []Tag
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	KeyInput
	TagKeys []string
}

// ListResourceTagsInput is the request of ListResourceTags.
type ListResourceTagsInput struct {
	KeyInput
	Page
}

// ListResourceTagsOutput is the response of ListResourceTags.
type ListResourceTagsOutput struct {
	Tags       []Tag
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

// AliasInput is the request of CreateAlias and UpdateAlias.
type AliasInput struct {
	AliasName   string
	TargetKeyID string `json:"TargetKeyId"`
}

// DeleteAliasInput is the request of DeleteAlias.
type DeleteAliasInput struct{ AliasName string }

// ListAliasesInput is the request of ListAliases.
type ListAliasesInput struct {
	KeyID string `json:"KeyId,omitempty"` // empty: of every key
	Page
}

// AliasListEntry describes an alias.
type AliasListEntry struct {
	AliasName       string
	AliasArn        string
	TargetKeyID     string `json:"TargetKeyId"`
	CreationDate    dispatch.Time
	LastUpdatedDate dispatch.Time
}

// ListAliasesOutput is the response of ListAliases.
type ListAliasesOutput struct {
	Aliases    []AliasListEntry
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

// EncryptInput is the request of Encrypt.
type EncryptInput struct {
	KeyInput
	Plaintext           []byte            // 1 to 4096 bytes
	EncryptionContext   map[string]string `json:",omitempty"`
	EncryptionAlgorithm string            `json:",omitempty"` // SYMMETRIC_DEFAULT
}

// EncryptOutput is the response of Encrypt.
type EncryptOutput struct {
	CiphertextBlob      []byte
	KeyID               string `json:"KeyId"` // the key's ARN
	EncryptionAlgorithm string
}

// DecryptInput is the request of Decrypt.
type DecryptInput struct {
	CiphertextBlob      []byte
	EncryptionContext   map[string]string `json:",omitempty"`
	KeyID               string            `json:"KeyId,omitempty"` // the key that must have encrypted it; empty: any
	EncryptionAlgorithm string            `json:",omitempty"`
}

// DecryptOutput is the response of Decrypt.
type DecryptOutput struct {
	KeyID               string `json:"KeyId"` // the key's ARN
	Plaintext           []byte
	EncryptionAlgorithm string
}

// ReEncryptInput is the request of ReEncrypt.
type ReEncryptInput struct {
	CiphertextBlob                 []byte
	SourceKeyID                    string            `json:"SourceKeyId,omitempty"` // the key that must have encrypted it; empty: any
	SourceEncryptionContext        map[string]string `json:",omitempty"`
	SourceEncryptionAlgorithm      string            `json:",omitempty"` // SYMMETRIC_DEFAULT, as the destination's
	DestinationKeyID               string            `json:"DestinationKeyId"`
	DestinationEncryptionContext   map[string]string `json:",omitempty"`
	DestinationEncryptionAlgorithm string            `json:",omitempty"`
}

// ReEncryptOutput is the response of ReEncrypt. The keys are ARNs.
type ReEncryptOutput struct {
	CiphertextBlob                 []byte
	KeyID                          string `json:"KeyId"`
	SourceKeyID                    string `json:"SourceKeyId"`
	SourceEncryptionAlgorithm      string
	DestinationEncryptionAlgorithm string
}

// GenerateDataKeyInput is the request of GenerateDataKey. It needs one of KeySpec and NumberOfBytes.
type GenerateDataKeyInput struct {
	KeyID             string            `json:"KeyId"`
	EncryptionContext map[string]string `json:",omitempty"`
	KeySpec           string            `json:",omitempty"` // AES_256 or AES_128
	NumberOfBytes     int32             `json:",omitempty"` // 1 to 1024
}

// GenerateDataKeyOutput is the response of GenerateDataKey.
type GenerateDataKeyOutput struct {
	CiphertextBlob []byte
	Plaintext      []byte
	KeyID          string `json:"KeyId"` // the key's ARN
}

// Empty is the response of operations that return nothing.
type Empty struct{}
