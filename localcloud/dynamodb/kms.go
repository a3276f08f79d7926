package dynamodb

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// grants remembers who may use a table's KMS key, as DynamoDB caches decrypted table keys for each principal.
type grants struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// keyIdle is how long a principal's use of a key is remembered after the last one.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
const keyIdle = 5 * time.Minute

// awsManagedKey is the alias of the key that AWS manages for DynamoDB: who may use the table may use it.
const awsManagedKey = "alias/aws/dynamodb"

func (g *grants) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = nil
}

func encryptionContext(d *dispatch.Dispatcher, table string) map[string]string {
	return map[string]string{"aws:dynamodb:tableName": table, "aws:dynamodb:subscriberId": d.Account}
}

// unseal checks that the caller may use the key that the table is encrypted with: its policies and the key's must allow
// kms:Decrypt, as when DynamoDB decrypts the table key for a principal.
func (s *Service) unseal(ctx context.Context, p dispatch.Principal, t *table) error {
	t.mu.RLock()
	key, dataKey := t.record.Key, t.record.DataKey
	t.mu.RUnlock()
	if key == "" || dataKey == nil {
		return nil
	}
	who := p.RoleARN
	if who == "" {
		who = p.ARN + p.Service
	}
	now := s.now()
	g := &t.access
	g.mu.Lock()
	allowed := g.until[who].After(now)
	g.mu.Unlock()
	if !allowed {
		_, err := s.d.Do(ctx, p, "kms", "Decrypt", map[string]any{"CiphertextBlob": dataKey, "EncryptionContext": encryptionContext(s.d, t.name)})
		if err != nil {
			return keyError(err, key)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.until == nil || len(g.until) > 1000 {
		g.until = map[string]time.Time{}
	}
	g.until[who] = now.Add(keyIdle)
	return nil
}

// seal checks that the caller may choose a key for a table, and returns the key's ARN and an encrypted table key. AWS
// wants kms:DescribeKey, kms:CreateGrant, kms:GenerateDataKey and kms:Decrypt; the embedded KMS has no grants.
func (s *Service) seal(ctx context.Context, p dispatch.Principal, name, key string) (arn string, dataKey []byte, err error) {
	var described struct {
		KeyMetadata struct{ Arn, KeyManager string }
	}
	if err := s.kms(ctx, p, "DescribeKey", map[string]any{"KeyId": key}, &described); err != nil {
		return "", nil, keyError(err, key)
	}
	if described.KeyMetadata.KeyManager == "AWS" {
		return described.KeyMetadata.Arn, nil, nil
	}
	var made struct{ CiphertextBlob []byte }
	in := map[string]any{"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": encryptionContext(s.d, name)}
	if err := s.kms(ctx, p, "GenerateDataKey", in, &made); err != nil {
		return "", nil, keyError(err, key)
	}
	in = map[string]any{"CiphertextBlob": made.CiphertextBlob, "EncryptionContext": encryptionContext(s.d, name)}
	if _, err := s.d.Do(ctx, p, "kms", "Decrypt", in); err != nil {
		return "", nil, keyError(err, key)
	}
	return described.KeyMetadata.Arn, made.CiphertextBlob, nil
}

func (s *Service) kms(ctx context.Context, p dispatch.Principal, action string, in, out any) error {
	answer, err := s.d.Do(ctx, p, "kms", action, in)
	if err != nil {
		return err
	}
	text, err := json.Marshal(answer)
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		return fmt.Errorf("reading the answer of kms:%s: %w", action, err)
	}
	return nil
}

// keyError is a KMS error as DynamoDB passes it on.
func keyError(err error, key string) error {
	e := dispatch.AsError(err)
	switch e.Code {
	case "AccessDeniedException":
		return &dispatch.Error{Code: "AccessDeniedException", Message: "KMS key access denied error: " + e.Message}
	case "NotFoundException":
		return invalid(parameters+"KMS validation error: %s", e.Message)
	case "DisabledException", "KMSInvalidStateException":
		return dispatch.Errorf("ResourceNotFoundException", "KMS key %s is not accessible: %s", key, e.Message)
	}
	return err
}
