package s3

import (
	"net/http"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// BucketInput names a bucket.
type BucketInput struct {
	Bucket string `json:"Bucket"`
}

func (in BucketInput) bucketName() string { return in.Bucket }

// CreateBucketInput is the request of CreateBucket. The region is the embedded AWS's, whatever is asked for.
type CreateBucketInput struct {
	Bucket             string `json:"Bucket"`
	LocationConstraint string `json:"LocationConstraint"`
}

// CreateBucketOutput is the response of CreateBucket.
type CreateBucketOutput struct {
	Location string `json:"Location"`
}

// Bucket is a bucket in a list.
type Bucket struct {
	Name         string   `json:"Name"`
	CreationDate *iso8601 `json:"CreationDate"`
}

// ListBucketsOutput is the response of ListBuckets.
type ListBucketsOutput struct {
	Buckets []Bucket `json:"Buckets"`
}

// PutBucketVersioningInput is the request of PutBucketVersioning.
type PutBucketVersioningInput struct {
	Bucket string `json:"Bucket"`
	Status string `json:"Status"` // Enabled or Suspended
}

// VersioningOutput is the response of GetBucketVersioning. Status is empty where versioning was never on.
type VersioningOutput struct {
	Status string `json:"Status,omitempty"`
}

// PutObjectInput is the request of PutObject.
type PutObjectInput struct {
	Bucket      string `json:"Bucket"`
	Key         string `json:"Key"`
	ContentType string `json:"ContentType"`
	Body        []byte `json:"Body"`
	ACL         string `json:"ACL"`         // private or bucket-owner-full-control, which mean the same here
	SSEKMSKeyID string `json:"SSEKMSKeyId"` // empty: as the bucket says
	// SSEKMSEncryptionContext is added to the encryption context of the key's use; on the wire base64 of JSON.
	SSEKMSEncryptionContext []byte `json:"SSEKMSEncryptionContext"`
}

// PutObjectOutput is the response of PutObject.
type PutObjectOutput struct {
	ChecksumCRC32        string `json:"ChecksumCRC32"` // big-endian, base64
	ChecksumType         string `json:"ChecksumType"`  // FULL_OBJECT
	ETag                 string `json:"ETag"`
	ServerSideEncryption string `json:"ServerSideEncryption"` // AES256 or aws:kms
	VersionID            string `json:"VersionId,omitempty"`
}

// GetObjectInput is the request of GetObject and HeadObject. Without a version it means the latest.
type GetObjectInput struct {
	Bucket    string `json:"Bucket"`
	Key       string `json:"Key"`
	VersionID string `json:"VersionId"`
}

// GetObjectOutput is the response of GetObject and HeadObject.
type GetObjectOutput struct {
	AcceptRanges         string            `json:"AcceptRanges"`  // bytes
	ContentLength        int               `json:"ContentLength"` // bytes
	ContentType          string            `json:"ContentType"`
	ETag                 string            `json:"ETag"`
	LastModified         httpTime          `json:"LastModified"`
	Metadata             map[string]string `json:"Metadata"`             // always empty
	ServerSideEncryption string            `json:"ServerSideEncryption"` // AES256 or aws:kms
	VersionID            string            `json:"VersionId,omitempty"`
	Body                 []byte            `json:"Body"`
}

// DeleteObjectOutput is the response of DeleteObject.
type DeleteObjectOutput struct {
	DeleteMarker *bool  `json:"DeleteMarker,omitempty"` // the deletion is a version of its own
	VersionID    string `json:"VersionId,omitempty"`
}

// ListObjectsInput is the request of ListObjectsV2.
type ListObjectsInput struct {
	Bucket            string `json:"Bucket"`
	Prefix            string `json:"Prefix"`
	Delimiter         string `json:"Delimiter"`
	MaxKeys           int    `json:"MaxKeys"`
	ContinuationToken string `json:"ContinuationToken"` // the key after which to go on
	StartAfter        string `json:"StartAfter"`
	EncodingType      string `json:"EncodingType"` // "url", which changes nothing: keys that need it are refused
}

// ListObjectsOutput is the response of ListObjectsV2.
type ListObjectsOutput struct {
	Name                  string         `json:"Name"`
	Prefix                string         `json:"Prefix"`
	KeyCount              int            `json:"KeyCount"`
	MaxKeys               int            `json:"MaxKeys"`
	IsTruncated           bool           `json:"IsTruncated"`
	NextContinuationToken string         `json:"NextContinuationToken,omitempty"`
	Contents              []Object       `json:"Contents"`
	CommonPrefixes        []CommonPrefix `json:"CommonPrefixes"` // what keys have up to the delimiter, instead of them
}

// CommonPrefix is the beginning that several keys have.
type CommonPrefix struct {
	Prefix string `json:"Prefix"`
}

// Object is an object in a list.
type Object struct {
	Key          string   `json:"Key"`
	LastModified *iso8601 `json:"LastModified"`
	ETag         string   `json:"ETag"`
	Size         int      `json:"Size"` // bytes
	StorageClass string   `json:"StorageClass"`
}

// ListVersionsInput is the request of ListObjectVersions.
type ListVersionsInput struct {
	Bucket       string
	Prefix       string
	MaxKeys      int    // 0 means 1000
	KeyMarker    string // the key after which to go on
	EncodingType string // as of ListObjectsV2
}

// ObjectVersion is a version of an object, or a delete marker.
type ObjectVersion struct {
	Key          string
	VersionID    string `json:"VersionId"`
	IsLatest     bool
	LastModified *iso8601
}

// ListVersionsOutput is the response of ListObjectVersions: all versions of each of its keys.
type ListVersionsOutput struct {
	Name          string
	Prefix        string
	IsTruncated   bool
	NextKeyMarker string `json:",omitempty"`
	Version       []ObjectVersion
	DeleteMarker  []ObjectVersion
}

// iso8601 is a timestamp as S3 writes it.
type iso8601 struct{ dispatch.Time }

// MarshalJSON writes ISO 8601 with milliseconds, in UTC.
func (t iso8601) MarshalJSON() ([]byte, error) {
	return []byte(`"` + t.UTC().Format("2006-01-02T15:04:05.000Z") + `"`), nil
}

// httpTime is a timestamp as S3 writes it in headers, in whole seconds.
type httpTime struct{ dispatch.Time }

// MarshalText writes the form of HTTP's dates.
func (t httpTime) MarshalText() ([]byte, error) {
	return []byte(t.UTC().Format(http.TimeFormat)), nil
}

// Empty is the response of operations that answer nothing.
type Empty struct{}
