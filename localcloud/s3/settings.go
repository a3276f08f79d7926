package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/iampolicy"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// settings are a bucket's settings that are documents of their own. A pointer that is nil: it was not set, or deleted.
type settings struct {
	Policy     string
	Encryption *ServerSideEncryptionConfiguration
	Public     *PublicAccessBlockConfiguration
	Ownership  *OwnershipControls
	Lifecycle  *LifecycleConfiguration
	Tags       map[string]string
}

// newSettings are what AWS gives new buckets: SSE-S3, nothing public, and no ACLs.
func newSettings() settings {
	return settings{
		Encryption: &ServerSideEncryptionConfiguration{Rules: []EncryptionRule{{ApplyServerSideEncryptionByDefault: &EncryptionDefault{SSEAlgorithm: "AES256"}}}},
		Public:     &PublicAccessBlockConfiguration{true, true, true, true},
		Ownership:  &OwnershipControls{Rules: []OwnershipRule{{ObjectOwnership: "BucketOwnerEnforced"}}},
	}
}

// protected is the Permits of operations on a bucket, or an object in it, whose policy counts.
func protected[In any](s *Service, name func(*In) (bucket, key string)) dispatch.Permits[In] {
	return func(c *dispatch.Call, in *In) ([]string, []dispatch.ResourcePolicy, error) {
		bucket, key := name(in)
		arn := arnPrefix + bucket
		if key != "" {
			arn += "/" + key
		}
		b, ok := s.buckets.Get(bucket)
		if !ok || b.Settings.Policy == "" {
			return []string{arn}, nil, nil
		}
		return []string{arn}, []dispatch.ResourcePolicy{{Resource: arn, Document: b.Settings.Policy}}, nil
	}
}

func onBucket[In interface{ bucketName() string }](s *Service) dispatch.Permits[In] {
	return protected(s, func(in *In) (string, string) { return (*in).bucketName(), "" })
}

// setting registers what puts, gets and deletes one of a bucket's settings. absent is the error of getting one that is not
// there.
func setting[T any](s *Service, name, permission string, absent *dispatch.Error, at func(*settings) **T, check func(*T) error) {
	op := func(verb, as string) dispatch.Operation {
		action := verb + name
		if verb == "Delete" {
			action = strings.TrimSuffix(action, "Configuration") // DeleteBucketLifecycle
		}
		return dispatch.Operation{Service: "s3", Action: action, Permission: "s3:" + as + permission}
	}
	dispatch.Register(s.d, op("Put", "Put"), onBucket[SettingInput[T]](s), func(_ context.Context, _ *dispatch.Call, in *SettingInput[T]) (*Empty, error) {
		if in.Configuration == nil {
			return nil, malformed()
		}
		if err := check(in.Configuration); err != nil {
			return nil, err
		}
		return s.change(in.Bucket, func(set *settings) { *at(set) = in.Configuration })
	})
	dispatch.Register(s.d, op("Get", "Get"), onBucket[BucketInput](s), func(_ context.Context, _ *dispatch.Call, in *BucketInput) (*SettingOutput[T], error) {
		b, err := s.bucket(in.Bucket)
		if err != nil {
			return nil, err
		}
		v := *at(&b.Settings)
		if v == nil {
			return nil, absent
		}
		return &SettingOutput[T]{*v}, nil
	})
	dispatch.Register(s.d, op("Delete", "Put"), onBucket[BucketInput](s), func(_ context.Context, _ *dispatch.Call, in *BucketInput) (*Empty, error) {
		return s.change(in.Bucket, func(set *settings) { *at(set) = nil })
	})
}

func malformed() error {
	return problem("MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema")
}

func missing(code, what string) *dispatch.Error {
	return &dispatch.Error{Code: code, Status: http.StatusNotFound, Message: "The " + what + " was not found"}
}

// change changes a bucket's settings.
func (s *Service) change(name string, f func(*settings)) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.bucket(name)
	if err != nil {
		return nil, err
	}
	b := *old
	f(&b.Settings)
	return &Empty{}, s.buckets.Put(name, &b)
}

func (s *Service) registerSettings() {
	d := s.d
	setting(s, "BucketEncryption", "EncryptionConfiguration", missing("ServerSideEncryptionConfigurationNotFoundError", "server side encryption configuration"),
		func(set *settings) **ServerSideEncryptionConfiguration { return &set.Encryption }, checkEncryption)
	setting(s, "PublicAccessBlock", "BucketPublicAccessBlock", missing("NoSuchPublicAccessBlockConfiguration", "public access block configuration"),
		func(set *settings) **PublicAccessBlockConfiguration { return &set.Public }, func(*PublicAccessBlockConfiguration) error { return nil })
	setting(s, "BucketOwnershipControls", "BucketOwnershipControls", missing("OwnershipControlsNotFoundError", "bucket ownership controls"),
		func(set *settings) **OwnershipControls { return &set.Ownership }, checkOwnership)
	setting(s, "BucketLifecycleConfiguration", "LifecycleConfiguration", missing("NoSuchLifecycleConfiguration", "lifecycle configuration"),
		func(set *settings) **LifecycleConfiguration { return &set.Lifecycle }, checkLifecycle)

	policy := func(verb, method string) dispatch.Operation {
		return dispatch.Operation{Service: "s3", Action: verb + "BucketPolicy", HTTP: &dispatch.HTTPBinding{Method: method, Path: "/{Bucket}?policy", Payload: "Policy"}}
	}
	put := policy("Put", "PUT")
	put.HTTP.Status = http.StatusNoContent
	dispatch.Register(d, put, onBucket[PutBucketPolicyInput](s), s.putPolicy)
	dispatch.Register(d, policy("Get", "GET"), onBucket[BucketInput](s), func(_ context.Context, _ *dispatch.Call, in *BucketInput) (*BucketPolicyOutput, error) {
		b, err := s.bucket(in.Bucket)
		if err != nil {
			return nil, err
		}
		if b.Settings.Policy == "" {
			return nil, missing("NoSuchBucketPolicy", "bucket policy")
		}
		return &BucketPolicyOutput{[]byte(b.Settings.Policy)}, nil
	})
	remove := policy("Delete", "DELETE")
	remove.HTTP.Payload, remove.HTTP.Status = "", http.StatusNoContent
	dispatch.Register(d, remove, onBucket[BucketInput](s), func(_ context.Context, _ *dispatch.Call, in *BucketInput) (*Empty, error) {
		return s.change(in.Bucket, func(set *settings) { set.Policy = "" })
	})
	dispatch.Register(d, dispatch.Operation{Service: "s3", Action: "GetBucketAcl"}, onBucket[BucketInput](s), func(_ context.Context, _ *dispatch.Call, in *BucketInput) (*BucketACLOutput, error) {
		if _, err := s.bucket(in.Bucket); err != nil {
			return nil, err
		}
		owner := Owner{ID: d.Account}
		return &BucketACLOutput{owner, []Grant{{Grantee{ID: d.Account, Type: "CanonicalUser"}, "FULL_CONTROL"}}}, nil
	})
	dispatch.Register(d, dispatch.Operation{Service: "s3", Action: "PutBucketTagging"}, onBucket[TaggingInput](s), func(_ context.Context, _ *dispatch.Call, in *TaggingInput) (*Empty, error) {
		tags := map[string]string{}
		for _, t := range in.TagSet {
			if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 || strings.HasPrefix(t.Key, "aws:") || len(in.TagSet) > 50 {
				return nil, problem("InvalidTag", 400, "The TagKey you have provided is invalid")
			}
			tags[t.Key] = t.Value
		}
		return s.change(in.Bucket, func(set *settings) { set.Tags = tags })
	})
	dispatch.Register(d, dispatch.Operation{Service: "s3", Action: "GetBucketTagging"}, onBucket[BucketInput](s), func(_ context.Context, _ *dispatch.Call, in *BucketInput) (*TaggingOutput, error) {
		b, err := s.bucket(in.Bucket)
		if err != nil {
			return nil, err
		}
		if len(b.Settings.Tags) == 0 {
			return nil, missing("NoSuchTagSet", "TagSet")
		}
		out := &TaggingOutput{}
		for _, k := range slices.Sorted(maps.Keys(b.Settings.Tags)) {
			out.TagSet = append(out.TagSet, Tag{k, b.Settings.Tags[k]})
		}
		return out, nil
	})
}

// policyDocument is what S3 itself reads of a bucket policy.
type policyDocument struct {
	Statement json.RawMessage
}

type policyStatement struct {
	Effect    string
	Principal json.RawMessage
	Resource  json.RawMessage
	Condition json.RawMessage
}

// putPolicy sets a bucket's policy, whose resources must be the bucket and what is in it.
func (s *Service) putPolicy(_ context.Context, _ *dispatch.Call, in *PutBucketPolicyInput) (*Empty, error) {
	if _, err := iampolicy.Parse(in.Policy); err != nil {
		return nil, problem("MalformedPolicy", 400, "%v", err)
	}
	var doc policyDocument
	if err := json.Unmarshal(in.Policy, &doc); err != nil {
		return nil, problem("MalformedPolicy", 400, "This policy contains invalid Json")
	}
	arn := arnPrefix + in.Bucket
	public := false
	for _, text := range listOf(doc.Statement) {
		var st policyStatement
		if err := json.Unmarshal(text, &st); err != nil {
			return nil, problem("MalformedPolicy", 400, "This policy contains invalid Json")
		}
		if len(st.Principal) == 0 {
			return nil, problem("MalformedPolicy", 400, "Missing required field Principal")
		}
		for _, r := range listOf(st.Resource) {
			var name string
			if json.Unmarshal(r, &name) != nil || name != arn && !strings.HasPrefix(name, arn+"/") {
				return nil, problem("MalformedPolicy", 400, "Policy has invalid resource")
			}
		}
		everybody := strings.Join(strings.Fields(string(st.Principal)), "")
		public = public || st.Effect == "Allow" && len(st.Condition) == 0 && (everybody == `"*"` || everybody == `{"AWS":"*"}` || everybody == `{"AWS":["*"]}`)
	}
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	if public && b.Settings.Public != nil && b.Settings.Public.BlockPublicPolicy {
		return nil, problem("AccessDenied", 403, "The policy lets everybody in, and the BlockPublicPolicy block public access setting refuses such policies.")
	}
	return s.change(in.Bucket, func(set *settings) { set.Policy = string(in.Policy) })
}

// listOf returns the elements of a JSON list, or the one value that stands for a list of itself.
func listOf(text json.RawMessage) []json.RawMessage {
	var all []json.RawMessage
	if json.Unmarshal(text, &all) != nil {
		return []json.RawMessage{text}
	}
	return all
}

func checkEncryption(c *ServerSideEncryptionConfiguration) error {
	if len(c.Rules) != 1 || c.Rules[0].ApplyServerSideEncryptionByDefault == nil {
		return malformed()
	}
	d := c.Rules[0].ApplyServerSideEncryptionByDefault
	if d.SSEAlgorithm != "AES256" && d.SSEAlgorithm != "aws:kms" {
		return problem("InvalidArgument", 400, "the embedded AWS emulates the SSE algorithms AES256 and aws:kms only, not %q", d.SSEAlgorithm)
	}
	if d.KMSMasterKeyID != "" && d.SSEAlgorithm == "AES256" {
		return problem("InvalidArgument", 400, "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
	}
	return nil
}

func checkOwnership(c *OwnershipControls) error {
	if len(c.Rules) != 1 || !slices.Contains([]string{"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}, c.Rules[0].ObjectOwnership) {
		return malformed()
	}
	return nil
}

func checkLifecycle(c *LifecycleConfiguration) error {
	if len(c.Rules) == 0 || len(c.Rules) > 1000 {
		return malformed()
	}
	for _, r := range c.Rules {
		if r.Status != "Enabled" && r.Status != "Disabled" {
			return malformed()
		}
	}
	return nil
}

// keyOf is the KMS key that new objects are encrypted with unless they say otherwise; empty for S3's own.
func (b *bucket) keyOf() string {
	if b.Settings.Encryption == nil {
		return ""
	}
	return b.Settings.Encryption.Rules[0].ApplyServerSideEncryptionByDefault.KMSMasterKeyID
}

// seal checks that a caller may encrypt an object with a KMS key, and returns the encrypted data key.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func (s *Service) seal(ctx context.Context, p dispatch.Principal, key string, encryptionContext map[string]string) ([]byte, error) {
	var made struct{ CiphertextBlob []byte }
	in := map[string]any{"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": encryptionContext}
	if err := s.d.DoInto(ctx, s.via(p), "kms", "GenerateDataKey", in, &made); err != nil {
		return nil, keyError(err)
	}
	return made.CiphertextBlob, nil
}

// unseal checks that a caller may decrypt an object.
func (s *Service) unseal(ctx context.Context, p dispatch.Principal, v *version) error {
	if v.DataKey == nil {
		return nil
	}
	_, err := s.d.Do(ctx, s.via(p), "kms", "Decrypt", map[string]any{"CiphertextBlob": v.DataKey, "EncryptionContext": v.Context})
	if err != nil {
		return keyError(err)
	}
	return nil
}

func (s *Service) via(p dispatch.Principal) dispatch.Principal {
	p.Via = "s3." + s.d.Region + ".amazonaws.com"
	return p
}

func keyError(err error) error {
	e := dispatch.AsError(err)
	switch e.Code {
	case "AccessDeniedException":
		return problem("AccessDenied", 403, "%s", e.Message)
	case "NotFoundException":
		return problem("KMS.NotFoundException", 400, "%s", e.Message)
	case "DisabledException":
		return problem("KMS.DisabledException", 400, "%s", e.Message)
	}
	return fmt.Errorf("using the object's KMS key: %w", err)
}
