package healthlake

import (
	"context"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// grant is a use of a data store's key that a caller was allowed.
type grant struct {
	principal string
	write     bool
}

// grants remembers what callers were allowed to do with a store's key.
type grants struct {
	mu    sync.Mutex
	until map[grant]time.Time
}

// keyReuse is how long a caller's use of a key is taken as allowed. AWS documents no such time; it is short, so that a key
// that is taken away is missed soon.
const keyReuse = time.Minute

func identity(p dispatch.Principal) string {
	if p.RoleARN != "" {
		return p.RoleARN
	}
	return p.ARN + p.Service
}

// via is a caller whose call to KMS HealthLake makes: the condition key kms:ViaService says so.
func (s *Service) via(p dispatch.Principal) dispatch.Principal {
	p.Via = "healthlake." + s.d.Region + ".amazonaws.com"
	return p
}

func (s *Service) encryptionContext(id string) map[string]string {
	return map[string]string{"aws:healthlake:datastore-arn": s.arn(id)}
}

// seal checks that who creates a data store may use the key that it chooses (kms:DescribeKey, kms:GenerateDataKey; KMS here has
// no grants), and notes the key.
// https://docs.aws.amazon.com/healthlake/latest/devguide/encryption-at-rest.html
func (s *Service) seal(ctx context.Context, p dispatch.Principal, r *row, c KmsEncryptionConfig) error {
	switch {
	case c.CmkType == "AWS_OWNED_KMS_KEY" && c.KmsKeyID == "":
		return nil
	case c.CmkType == "AWS_OWNED_KMS_KEY":
		return validation("A KmsKeyId is allowed with the CmkType CUSTOMER_MANAGED_KMS_KEY only.")
	case c.CmkType != "CUSTOMER_MANAGED_KMS_KEY":
		return validation("1 validation error detected: Value '%s' at 'sseConfiguration.kmsEncryptionConfig.cmkType' failed to satisfy constraint: Member must satisfy enum value set: [CUSTOMER_MANAGED_KMS_KEY, AWS_OWNED_KMS_KEY]", c.CmkType)
	case c.KmsKeyID == "":
		return validation("A KmsKeyId is required with the CmkType CUSTOMER_MANAGED_KMS_KEY.")
	}
	var described struct {
		KeyMetadata struct{ Arn, KeyManager string }
	}
	if err := s.d.DoInto(ctx, s.via(p), "kms", "DescribeKey", map[string]any{"KeyId": c.KmsKeyID}, &described); err != nil {
		return keyError(err)
	}
	if described.KeyMetadata.KeyManager == "AWS" {
		return validation("The key %s is not a customer-managed key.", c.KmsKeyID)
	}
	var made struct{ CiphertextBlob []byte }
	in := map[string]any{"KeyId": c.KmsKeyID, "KeySpec": "AES_256", "EncryptionContext": s.encryptionContext(r.ID)}
	if err := s.d.DoInto(ctx, s.via(p), "kms", "GenerateDataKey", in, &made); err != nil {
		return keyError(err)
	}
	r.CmkType, r.Key, r.DataKey = c.CmkType, described.KeyMetadata.Arn, made.CiphertextBlob
	return nil
}

// unseal checks that a caller may use the key that a data store is encrypted with: kms:DescribeKey, and kms:GenerateDataKey
// to write or kms:Decrypt to read.
func (s *Service) unseal(ctx context.Context, p dispatch.Principal, ds *datastore, write bool) error {
	r, ok := s.rows.Get(ds.id)
	if !ok || r.Key == "" {
		return nil
	}
	g, now := grant{identity(p), write}, s.d.Clock.Now()
	ds.access.mu.Lock()
	allowed := ds.access.until[g].After(now)
	ds.access.mu.Unlock()
	if allowed {
		return nil
	}
	if _, err := s.d.Do(ctx, s.via(p), "kms", "DescribeKey", map[string]any{"KeyId": r.Key}); err != nil {
		return keyError(err)
	}
	action, in := "Decrypt", map[string]any{"CiphertextBlob": r.DataKey, "EncryptionContext": s.encryptionContext(r.ID)}
	if write {
		action, in = "GenerateDataKey", map[string]any{"KeyId": r.Key, "KeySpec": "AES_256", "EncryptionContext": s.encryptionContext(r.ID)}
	}
	if _, err := s.d.Do(ctx, s.via(p), "kms", action, in); err != nil {
		return keyError(err)
	}
	ds.access.mu.Lock()
	defer ds.access.mu.Unlock()
	if ds.access.until == nil || len(ds.access.until) > 1000 {
		ds.access.until = map[grant]time.Time{}
	}
	ds.access.until[g] = now.Add(keyReuse)
	return nil
}

// keyError is a KMS error as HealthLake passes it on.
func keyError(err error) error {
	e := dispatch.AsError(err)
	switch e.Code {
	case "AccessDeniedException":
		return &dispatch.Error{Code: e.Code, Message: "KMS key access denied: " + e.Message}
	case "NotFoundException", "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException":
		return validation("The KMS key of the data store cannot be used: %s", e.Message)
	}
	return err
}
