// Package s3 is as much of Amazon S3 as other services of the embedded AWS need: buckets, whole objects and their versions.
//
// It follows https://docs.aws.amazon.com/AmazonS3/latest/API/. Bucket policies are enforced, and so are KMS keys. Lifecycles are
// kept and not carried out. ACLs, multipart uploads, ranges, conditions, metadata and notifications are not there.
package s3

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Service is S3 of one account and region. Make it with New.
type Service struct {
	d *dispatch.Dispatcher

	mu      sync.Mutex // serialises changes
	buckets *store.Table[*bucket]
	objects *store.Table[[]version] // by bucket, "/" and key; the latest version is the last
}

type bucket struct {
	Created    time.Time
	Versioning string // "", Enabled or Suspended
	Settings   settings
}

// version is one version of an object.
type version struct {
	ID          string // "null" for one that was made without versioning
	Deleted     bool   // a delete marker
	ContentType string
	Body        []byte
	ETag        string
	Modified    time.Time
	DataKey     []byte            // encrypted with a KMS key, under Context; nil for S3's own encryption
	Context     map[string]string // of the encryption
}

// New registers S3's operations with d and keeps its buckets in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	buckets, err := store.NewTable[*bucket](s, "s3/buckets")
	if err != nil {
		return nil, fmt.Errorf("opening the buckets: %w", err)
	}
	objects, err := store.NewTable[[]version](s, "s3/objects")
	if err != nil {
		return nil, fmt.Errorf("opening the buckets' objects: %w", err)
	}
	svc := &Service{d: d, buckets: buckets, objects: objects}
	svc.register()
	return svc, nil
}

const arnPrefix = "arn:aws:s3:::"

func (s *Service) register() {
	d := s.d
	op := func(action, method, path string) dispatch.Operation {
		return dispatch.Operation{Service: "s3", Action: action, HTTP: &dispatch.HTTPBinding{Method: method, Path: path}}
	}
	onBucket := onBucket[BucketInput](s)
	create := op("CreateBucket", "PUT", "/{Bucket}")
	create.HTTP.Headers = map[string]string{"Location": "Location"}
	dispatch.Register(d, create, dispatch.On(func(_ *dispatch.Call, in *CreateBucketInput) []string { return []string{arnPrefix + in.Bucket} }), s.createBucket)
	remove := op("DeleteBucket", "DELETE", "/{Bucket}")
	remove.HTTP.Status = http.StatusNoContent
	dispatch.Register(d, remove, onBucket, s.deleteBucket)
	head := op("HeadBucket", "HEAD", "/{Bucket}")
	head.Permission = "s3:ListBucket"
	dispatch.Register(d, head, onBucket, func(_ context.Context, _ *dispatch.Call, in *BucketInput) (*Empty, error) {
		_, err := s.bucket(in.Bucket)
		return &Empty{}, err
	})
	buckets := op("ListBuckets", "GET", "/")
	buckets.Permission = "s3:ListAllMyBuckets"
	dispatch.Register(d, buckets, dispatch.Anywhere[Empty](), s.listBuckets)
	dispatch.Register(d, op("PutBucketVersioning", "PUT", "/{Bucket}?versioning"),
		protected(s, func(in *PutBucketVersioningInput) (string, string) { return in.Bucket, "" }), s.putVersioning)
	dispatch.Register(d, op("GetBucketVersioning", "GET", "/{Bucket}?versioning"), onBucket,
		func(_ context.Context, _ *dispatch.Call, in *BucketInput) (*VersioningOutput, error) {
			b, err := s.bucket(in.Bucket)
			if err != nil {
				return nil, err
			}
			return &VersioningOutput{b.Versioning}, nil
		})
	list := op("ListObjectsV2", "GET", "/{Bucket}?list-type=2")
	list.Permission = "s3:ListBucket"
	list.HTTP.Query = map[string]string{"prefix": "Prefix", "max-keys": "MaxKeys", "continuation-token": "ContinuationToken", "start-after": "StartAfter", "delimiter": "Delimiter", "encoding-type": "EncodingType"}
	dispatch.Register(d, list, protected(s, func(in *ListObjectsInput) (string, string) { return in.Bucket, "" }), s.listObjects)
	versions := op("ListObjectVersions", "GET", "/{Bucket}?versions")
	versions.Permission = "s3:ListBucketVersions"
	versions.HTTP.Query = map[string]string{"prefix": "Prefix", "max-keys": "MaxKeys", "key-marker": "KeyMarker", "encoding-type": "EncodingType"}
	dispatch.Register(d, versions, protected(s, func(in *ListVersionsInput) (string, string) { return in.Bucket, "" }), s.listVersions)
	s.registerObjects()
	s.registerSettings()
}

func problem(code string, status int, format string, args ...any) error {
	return &dispatch.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

func (s *Service) bucket(name string) (*bucket, error) {
	if b, ok := s.buckets.Get(name); ok {
		return b, nil
	}
	return nil, problem("NoSuchBucket", 404, "The specified bucket does not exist")
}

var bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func (s *Service) createBucket(_ context.Context, _ *dispatch.Call, in *CreateBucketInput) (*CreateBucketOutput, error) {
	if !bucketForm.MatchString(in.Bucket) || strings.Contains(in.Bucket, "..") {
		return nil, problem("InvalidBucketName", 400, "The specified bucket is not valid.")
	}
	if in.LocationConstraint != "" && in.LocationConstraint != s.d.Region {
		return nil, problem("IllegalLocationConstraintException", 400, "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", in.LocationConstraint)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.buckets.Get(in.Bucket); taken && s.d.Region != "us-east-1" {
		return nil, problem("BucketAlreadyOwnedByYou", 409, "Your previous request to create the named bucket succeeded and you already own it.")
	} else if taken { // us-east-1 says yes once more
		return &CreateBucketOutput{"/" + in.Bucket}, nil
	}
	return &CreateBucketOutput{"/" + in.Bucket}, s.buckets.Put(in.Bucket, &bucket{Created: s.d.Clock.Now(), Settings: newSettings()})
}

func (s *Service) deleteBucket(_ context.Context, _ *dispatch.Call, in *BucketInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.bucket(in.Bucket); err != nil {
		return nil, err
	}
	for key := range s.objects.All() {
		if strings.HasPrefix(key, in.Bucket+"/") {
			return nil, problem("BucketNotEmpty", 409, "The bucket you tried to delete is not empty")
		}
	}
	_, err := s.buckets.Delete(in.Bucket)
	return &Empty{}, err
}

func (s *Service) listBuckets(context.Context, *dispatch.Call, *Empty) (*ListBucketsOutput, error) {
	out := &ListBucketsOutput{Buckets: []Bucket{}}
	for name, b := range s.buckets.All() {
		out.Buckets = append(out.Buckets, Bucket{name, &iso8601{dispatch.Time{Time: b.Created}}})
	}
	return out, nil
}

func (s *Service) putVersioning(_ context.Context, _ *dispatch.Call, in *PutBucketVersioningInput) (*Empty, error) {
	if in.Status != "Enabled" && in.Status != "Suspended" {
		return nil, problem("MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	b := *old
	b.Versioning = in.Status
	return &Empty{}, s.buckets.Put(in.Bucket, &b)
}

func (s *Service) listObjects(_ context.Context, _ *dispatch.Call, in *ListObjectsInput) (*ListObjectsOutput, error) {
	if _, err := s.bucket(in.Bucket); err != nil {
		return nil, err
	}
	most := in.MaxKeys
	if most <= 0 || most > 1000 {
		most = 1000
	}
	out := &ListObjectsOutput{Name: in.Bucket, Prefix: in.Prefix, MaxKeys: most}
	after, last := max(in.ContinuationToken, in.StartAfter), ""
	for name, versions := range s.objects.All() {
		key, ok := strings.CutPrefix(name, in.Bucket+"/")
		v := versions[len(versions)-1]
		if !ok || v.Deleted || !strings.HasPrefix(key, in.Prefix) || key <= after && after != "" {
			continue
		}
		if group, ok := grouped(key, in.Prefix, in.Delimiter); ok {
			if n := len(out.CommonPrefixes); n > 0 && out.CommonPrefixes[n-1].Prefix == group {
				last = key
				continue
			}
			if len(out.Contents)+len(out.CommonPrefixes) < most {
				out.CommonPrefixes, last = append(out.CommonPrefixes, CommonPrefix{group}), key
				continue
			}
		}
		if len(out.Contents)+len(out.CommonPrefixes) == most {
			out.IsTruncated, out.NextContinuationToken = true, last
			break
		}
		last = key
		out.Contents = append(out.Contents, Object{key, &iso8601{dispatch.Time{Time: v.Modified}}, v.ETag, len(v.Body), "STANDARD"})
	}
	out.KeyCount = len(out.Contents) + len(out.CommonPrefixes)
	return out, nil
}

// grouped is the beginning of a key up to the first delimiter after the prefix, and whether there is one.
func grouped(key, prefix, delimiter string) (string, bool) {
	if delimiter == "" {
		return "", false
	}
	before, _, ok := strings.Cut(key[len(prefix):], delimiter)
	return prefix + before + delimiter, ok
}

func (s *Service) listVersions(_ context.Context, _ *dispatch.Call, in *ListVersionsInput) (*ListVersionsOutput, error) {
	if _, err := s.bucket(in.Bucket); err != nil {
		return nil, err
	}
	most := in.MaxKeys
	if most <= 0 || most > 1000 {
		most = 1000
	}
	out := &ListVersionsOutput{Name: in.Bucket, Prefix: in.Prefix}
	last := ""
	for name, versions := range s.objects.All() {
		key, ok := strings.CutPrefix(name, in.Bucket+"/")
		if !ok || !strings.HasPrefix(key, in.Prefix) || key <= in.KeyMarker && in.KeyMarker != "" {
			continue
		}
		if len(out.Version)+len(out.DeleteMarker) >= most {
			out.IsTruncated, out.NextKeyMarker = true, last
			break
		}
		last = key
		for i, v := range slices.Backward(versions) {
			listed := ObjectVersion{key, v.ID, i == len(versions)-1, &iso8601{dispatch.Time{Time: v.Modified}}}
			if v.Deleted {
				out.DeleteMarker = append(out.DeleteMarker, listed)
			} else {
				out.Version = append(out.Version, listed)
			}
		}
	}
	return out, nil
}

func (s *Service) registerObjects() {
	d := s.d
	onObject := protected(s, func(in *GetObjectInput) (string, string) { return in.Bucket, in.Key })
	op := func(action, method string, headers map[string]string) dispatch.Operation {
		return dispatch.Operation{Service: "s3", Action: action, HTTP: &dispatch.HTTPBinding{Method: method, Path: "/{Bucket}/{Key+}", Headers: headers}}
	}
	version := map[string]string{"versionId": "VersionId"}
	put := op("PutObject", "PUT", map[string]string{"Content-Type": "ContentType", "ETag": "ETag", "X-Amz-Version-Id": "VersionId", "X-Amz-Acl": "ACL",
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "SSEKMSKeyId", "X-Amz-Server-Side-Encryption-Context": "SSEKMSEncryptionContext",
		"X-Amz-Checksum-Crc32": "ChecksumCRC32", "X-Amz-Checksum-Type": "ChecksumType", "X-Amz-Server-Side-Encryption": "ServerSideEncryption"})
	put.HTTP.Payload = "Body"
	onPut := protected(s, func(in *PutObjectInput) (string, string) { return in.Bucket, in.Key })
	dispatch.Register(d, put, func(c *dispatch.Call, in *PutObjectInput) ([]string, []dispatch.ResourcePolicy, error) {
		if in.ACL != "" {
			c.Conditions = map[string]string{"s3:x-amz-acl": in.ACL}
		}
		return onPut(c, in)
	}, s.putObject)
	headers := map[string]string{"Accept-Ranges": "AcceptRanges", "Content-Type": "ContentType", "ETag": "ETag", "Last-Modified": "LastModified",
		"X-Amz-Server-Side-Encryption": "ServerSideEncryption", "X-Amz-Version-Id": "VersionId"}
	for action, method := range map[string]string{"GetObject": "GET", "HeadObject": "HEAD"} {
		get := op(action, method, headers)
		get.Permission, get.HTTP.Payload, get.HTTP.Query = "s3:GetObject", "Body", version
		dispatch.Register(d, get, onObject, s.getObject)
	}
	remove := op("DeleteObject", "DELETE", map[string]string{"X-Amz-Version-Id": "VersionId", "X-Amz-Delete-Marker": "DeleteMarker"})
	remove.HTTP.Query, remove.HTTP.Status = version, http.StatusNoContent
	dispatch.Register(d, remove, onObject, s.deleteObject)
}

func (s *Service) putObject(ctx context.Context, c *dispatch.Call, in *PutObjectInput) (*PutObjectOutput, error) {
	if in.ACL != "" && in.ACL != "private" && in.ACL != "bucket-owner-full-control" {
		return nil, problem("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
	}
	if len(in.Key) > 1024 || strings.ContainsFunc(in.Key, func(r rune) bool { return r < ' ' }) {
		return nil, problem("KeyTooLongError", 400, "Your key is too long, or has control characters")
	}
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	key := in.SSEKMSKeyID
	if key == "" {
		key = b.keyOf()
	}
	var dataKey []byte
	encryptionContext := map[string]string{"aws:s3:arn": arnPrefix + in.Bucket + "/" + in.Key}
	if key != "" {
		if len(in.SSEKMSEncryptionContext) > 0 && json.Unmarshal(in.SSEKMSEncryptionContext, &encryptionContext) != nil {
			return nil, problem("InvalidArgument", 400, "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON with the encryption context key-value pairs")
		}
		if dataKey, err = s.seal(ctx, c.Principal, key, encryptionContext); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, err = s.bucket(in.Bucket); err != nil {
		return nil, err
	}
	sum := md5.Sum(in.Body)
	v := version{DataKey: dataKey, Context: encryptionContext, ContentType: in.ContentType, Body: in.Body, ETag: `"` + hex.EncodeToString(sum[:]) + `"`, Modified: s.d.Clock.Now()}
	if v.ContentType == "" {
		v.ContentType = "binary/octet-stream"
	}
	b.identify(&v)
	out := &PutObjectOutput{ChecksumCRC32: checksum(in.Body), ChecksumType: "FULL_OBJECT", ETag: v.ETag, ServerSideEncryption: v.encryption()}
	if v.ID != "null" {
		out.VersionID = v.ID
	}
	return out, s.objects.Put(in.Bucket+"/"+in.Key, s.versions(in.Bucket, in.Key, v))
}

// encryption is how the version is kept.
func (v *version) encryption() string {
	if v.DataKey != nil {
		return "aws:kms"
	}
	return "AES256"
}

// checksum is an object's CRC32, as S3 writes it.
func checksum(body []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
}

// identify gives a new version its id, if the bucket has versions.
func (b *bucket) identify(v *version) {
	v.ID = "null"
	if b.Versioning != "Enabled" {
		return
	}
	var random [20]byte
	rand.Read(random[:]) // never fails, by its contract
	v.ID = base32.StdEncoding.EncodeToString(random[:])
}

// versions are an object's versions with a new one, which takes the place of an earlier one of the same id.
func (s *Service) versions(bucket, key string, v version) []version {
	old, _ := s.objects.Get(bucket + "/" + key)
	return append(slices.DeleteFunc(slices.Clone(old), func(o version) bool { return o.ID == v.ID }), v)
}

func (s *Service) getObject(ctx context.Context, c *dispatch.Call, in *GetObjectInput) (*GetObjectOutput, error) {
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	versions, _ := s.objects.Get(in.Bucket + "/" + in.Key)
	at := len(versions) - 1
	if in.VersionID != "" {
		if at = slices.IndexFunc(versions, func(v version) bool { return v.ID == in.VersionID }); at < 0 {
			return nil, problem("NoSuchVersion", 404, "The specified version does not exist.")
		}
	}
	if at < 0 || versions[at].Deleted {
		return nil, problem("NoSuchKey", 404, "The specified key does not exist.")
	}
	v := versions[at]
	if err := s.unseal(ctx, c.Principal, &v); err != nil {
		return nil, err
	}
	out := &GetObjectOutput{AcceptRanges: "bytes", ContentLength: len(v.Body), ContentType: v.ContentType, ETag: v.ETag,
		LastModified: httpTime{dispatch.Time{Time: v.Modified.Truncate(time.Second)}}, Metadata: map[string]string{}, ServerSideEncryption: v.encryption(), Body: v.Body}
	if b.Versioning != "" {
		out.VersionID = v.ID
	}
	return out, nil
}

func (s *Service) deleteObject(_ context.Context, _ *dispatch.Call, in *GetObjectInput) (*DeleteObjectOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	name := in.Bucket + "/" + in.Key
	versions, ok := s.objects.Get(name)
	out := &DeleteObjectOutput{VersionID: in.VersionID}
	switch {
	case in.VersionID != "":
		versions = slices.DeleteFunc(slices.Clone(versions), func(v version) bool { return v.ID == in.VersionID })
	case b.Versioning == "":
		versions = nil
	default:
		v := version{Deleted: true, Modified: s.d.Clock.Now()}
		b.identify(&v)
		out.DeleteMarker, out.VersionID = new(true), v.ID
		versions = s.versions(in.Bucket, in.Key, v)
	}
	if len(versions) > 0 {
		return out, s.objects.Put(name, versions)
	}
	if !ok {
		return out, nil
	}
	_, err = s.objects.Delete(name)
	return out, err
}
