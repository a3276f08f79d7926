// Package kms is the embedded AWS's Key Management Service: symmetric keys with their policies, rotation, deletion and
// aliases, and encryption with them (AES-256-GCM under the encryption context).
//
// A key's policy must allow every use of the key, as in AWS: the account's own policies count only where the key's policy
// leaves it to the account. Asymmetric, HMAC and multi-Region keys, imported key material, grants and custom key stores
// are not emulated. kms:ViaService is there for the calls that services make for a caller and say so (dispatch.Principal.Via).
// https://docs.aws.amazon.com/kms/latest/APIReference/
package kms

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/lang/iampolicy"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Service is the emulated KMS. Make it with New.
type Service struct {
	d       *dispatch.Dispatcher
	keys    *store.Table[keyRecord]   // by key id
	aliases *store.Table[aliasRecord] // by name ("alias/x")

	change sync.Mutex // serialises what reads a record and writes it back
}

// keyRecord is a key as the state file keeps it.
type keyRecord struct {
	ID, ARN, Policy, Description string
	Disabled                     bool
	Created                      dispatch.Time
	Deletion                     *dispatch.Time // set: the key is pending deletion
	RotationDays                 int32          // 0: no rotation
	RotationSince                dispatch.Time
	Tags                         []Tag
	Material                     []byte // 32 bytes
}

type aliasRecord struct {
	Name, KeyID      string
	Created, Updated dispatch.Time
}

// The states of a key.
const (
	stateEnabled         = "Enabled"
	stateDisabled        = "Disabled"
	statePendingDeletion = "PendingDeletion"
)

func (k *keyRecord) state() string {
	switch {
	case k.Deletion != nil:
		return statePendingDeletion
	case k.Disabled:
		return stateDisabled
	}
	return stateEnabled
}

const symmetric = "SYMMETRIC_DEFAULT"

// New registers KMS's operations.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	keys, err := store.NewTable[keyRecord](s, "kms/keys")
	if err != nil {
		return nil, err
	}
	aliases, err := store.NewTable[aliasRecord](s, "kms/aliases")
	if err != nil {
		return nil, err
	}
	svc := &Service{d: d, keys: keys, aliases: aliases}
	svc.registerKeys()
	svc.registerAliases()
	svc.registerCryptography()
	return svc, nil
}

func notFound(format string, args ...any) error {
	return &dispatch.Error{Code: "NotFoundException", Message: fmt.Sprintf(format, args...)}
}

func validation(format string, args ...any) error {
	return &dispatch.Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

var keyIDForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// find returns a key by its id or ARN, or by an alias's name or ARN if the operation takes those.
func (s *Service) find(name string, takesAlias bool) (keyRecord, error) {
	id := name
	if rest, ok := strings.CutPrefix(name, "arn:"); ok {
		parts := strings.SplitN(rest, ":", 5)
		if len(parts) < 5 || parts[1] != "kms" {
			return keyRecord{}, notFound("Invalid arn %s", name)
		}
		if parts[2] != s.d.Region || parts[3] != s.d.Account {
			return keyRecord{}, notFound("Key '%s' does not exist", name)
		}
		id = strings.TrimPrefix(parts[4], "key/")
	}
	if strings.HasPrefix(id, "alias/") {
		if !takesAlias {
			return keyRecord{}, notFound("Invalid keyId '%s'", name)
		}
		alias, ok := s.aliases.Get(id)
		if !ok {
			return keyRecord{}, notFound("Alias %s is not found.", s.d.ARN("kms", id))
		}
		id = alias.KeyID
	}
	k, ok := s.keys.Get(id)
	switch {
	case ok && (k.Deletion == nil || s.d.Clock.Now().Before(k.Deletion.Time)):
		return k, nil
	case keyIDForm.MatchString(id):
		return keyRecord{}, notFound("Key '%s' does not exist", s.d.ARN("kms", "key/"+id))
	case name == "":
		return keyRecord{}, validation("1 validation error detected: Value at 'keyId' failed to satisfy constraint: Member must not be null")
	}
	return keyRecord{}, notFound("Invalid keyId '%s'", name)
}

// onKey says that an operation acts on a key, whose policy must allow it.
func (s *Service) onKey(c *dispatch.Call, k keyRecord, encryptionContext map[string]string) ([]string, []dispatch.ResourcePolicy, error) {
	c.Conditions = make(map[string]string, len(encryptionContext)+1)
	c.Conditions["kms:CallerAccount"] = s.d.Account
	for key, value := range encryptionContext {
		c.Conditions["kms:EncryptionContext:"+key] = value
	}
	return []string{k.ARN}, []dispatch.ResourcePolicy{{Resource: k.ARN, Document: k.Policy, Required: true}}, nil
}

// withKey is a request that names a key.
type withKey interface{ key() string }

// registerKey adds an operation on one key.
func registerKey[In, Out any, P interface {
	*In
	withKey
}](s *Service, action string, takesAlias bool, do func(in *In, k keyRecord) (*Out, error)) {
	dispatch.Register(s.d, dispatch.Operation{Service: "kms", Action: action},
		func(c *dispatch.Call, in *In) ([]string, []dispatch.ResourcePolicy, error) {
			k, err := s.find(P(in).key(), takesAlias)
			if err != nil {
				return nil, nil, err
			}
			return s.onKey(c, k, nil)
		},
		func(_ context.Context, _ *dispatch.Call, in *In) (*Out, error) {
			k, err := s.find(P(in).key(), takesAlias)
			if err != nil {
				return nil, err
			}
			return do(in, k)
		})
}

// update changes a key's record; f must replace slices, not change them.
func (s *Service) update(id string, f func(k *keyRecord) error) error {
	s.change.Lock()
	defer s.change.Unlock()
	k, err := s.find(id, false)
	if err != nil {
		return err
	}
	if err := f(&k); err != nil {
		return err
	}
	if err := s.keys.Put(k.ID, k); err != nil {
		return fmt.Errorf("keeping the key %s: %w", k.ID, err)
	}
	return nil
}

// usable says why a key's state forbids its use; nil if it does not.
func (k *keyRecord) usable() error {
	switch k.state() {
	case stateDisabled:
		return &dispatch.Error{Code: "DisabledException", Message: k.ARN + " is disabled."}
	case statePendingDeletion:
		return k.pending()
	}
	return nil
}

func (k *keyRecord) pending() error {
	if k.Deletion == nil {
		return nil
	}
	return &dispatch.Error{Code: "KMSInvalidStateException", Message: k.ARN + " is pending deletion."}
}

func (s *Service) describe(k keyRecord) *KeyMetadataOutput {
	return &KeyMetadataOutput{KeyMetadata{
		AWSAccountID: s.d.Account, KeyID: k.ID, Arn: k.ARN, CreationDate: k.Created, Enabled: k.state() == stateEnabled,
		Description: k.Description, KeyUsage: "ENCRYPT_DECRYPT", KeyState: k.state(), DeletionDate: k.Deletion, Origin: "AWS_KMS",
		KeyManager: "CUSTOMER", CustomerMasterKeySpec: symmetric, KeySpec: symmetric, EncryptionAlgorithms: []string{symmetric},
	}}
}

// defaultPolicy leaves the key to the account's own policies.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
const defaultPolicy = `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::%s:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`

const policySize = 32768

// checkPolicy says whether a document is a key's policy that lets its author change it again.
func (s *Service) checkPolicy(c *dispatch.Call, document, arn string, bypass bool) error {
	p, err := iampolicy.Parse([]byte(document))
	if err == nil {
		err = p.ValidFor(iampolicy.Resource)
	}
	switch {
	case err != nil:
		return &dispatch.Error{Code: "MalformedPolicyDocumentException", Message: err.Error()}
	case len(document) > policySize:
		return &dispatch.Error{Code: "LimitExceededException", Message: fmt.Sprintf("A key policy must not be longer than %d bytes.", policySize)}
	case bypass:
		return nil
	}
	caller := iampolicy.Principal{Account: s.d.Account, ARN: c.Principal.ARN}
	if c.Principal.RoleARN != "" {
		caller.ARN, caller.Session = c.Principal.RoleARN, c.Principal.ARN
	}
	r := iampolicy.Request{
		Principal: caller, Action: "kms:PutKeyPolicy", Resource: arn, Time: s.d.Clock.Now(),
		Keys: []iampolicy.Key{{Name: "kms:CallerAccount", Value: s.d.Account}, {Name: "aws:PrincipalAccount", Value: s.d.Account}, {Name: "aws:PrincipalArn", Value: caller.ARN}},
	}
	if d := p.Evaluate(&r); d != iampolicy.Allow && d != iampolicy.AllowAccount {
		return &dispatch.Error{Code: "MalformedPolicyDocumentException", Message: "The new key policy will not allow you to update the key policy in the future."}
	}
	return nil
}

func checkTags(tags []Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		if t.TagKey == "" || len(t.TagKey) > 128 || len(t.TagValue) > 256 || strings.HasPrefix(strings.ToLower(t.TagKey), "aws:") || seen[t.TagKey] {
			return &dispatch.Error{Code: "TagException", Message: "A tag's key must be unique, have 1 to 128 characters and not begin with aws:; its value may have 256 characters."}
		}
		seen[t.TagKey] = true
	}
	if len(tags) > 50 {
		return &dispatch.Error{Code: "TagException", Message: "Too many tags"}
	}
	return nil
}

func newMaterial() []byte {
	b := make([]byte, 32)
	rand.Read(b) // never fails, by its contract
	return b
}

// paginate returns the items from the marker on. A marker is the key of the first item that was left out.
func paginate[T any](page Page, items []T, key func(T) string) (part []T, next string, err error) {
	size := int(page.Limit)
	switch {
	case size == 0:
		size = 100
	case size < 0 || size > 1000:
		return nil, "", validation("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and 1000", size)
	}
	start := 0
	for page.Marker != "" && start < len(items) && key(items[start]) != page.Marker {
		start++
	}
	if page.Marker != "" && start == len(items) {
		return nil, "", &dispatch.Error{Code: "InvalidMarkerException", Message: "The marker is not valid."}
	}
	if items = items[start:]; len(items) > size {
		return items[:size], key(items[size]), nil
	}
	return items, "", nil
}

const day = 24 * time.Hour
