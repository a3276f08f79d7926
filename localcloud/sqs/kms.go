package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// grant is what a caller was allowed to do with the queue's key, as far as the queue remembers.
type grant struct {
	principal string
	send      bool
}

// awsManagedKey is the alias of the key that SQS manages itself, which everybody may use who may use the queue.
const awsManagedKey = "alias/aws/sqs"

// sealFor checks that the sender may use the queue's KMS key (kms:GenerateDataKey, and kms:Decrypt to verify the data
// key), and returns the data key's ciphertext; nil without a key. What was allowed is remembered for the queue's
// KmsDataKeyReusePeriodSeconds. See "Configure KMS permissions" in the SQS developer guide.
func (s *Service) sealFor(ctx context.Context, p dispatch.Principal, q *queue) ([]byte, error) {
	q.mu.Lock()
	key, reuse, dataKey := q.keyID, q.keyReuse, q.dataKey
	until := q.grants[grant{identity(p), true}]
	q.mu.Unlock()
	now := s.d.Clock.Now()
	if key == "" || key == awsManagedKey {
		return nil, nil
	}
	if dataKey != nil && until.After(now) {
		return dataKey, nil
	}
	dataKey, err := s.generate(ctx, p, q.arn, key)
	if err != nil {
		return nil, err
	}
	if err := s.decrypt(ctx, p, q.arn, dataKey); err != nil {
		return nil, err
	}
	q.remember(key, dataKey, grant{identity(p), true}, now, reuse)
	return dataKey, nil
}

// openFor checks that the receiver may use the KMS key of a message (kms:Decrypt), and remembers that it may.
func (s *Service) openFor(ctx context.Context, p dispatch.Principal, q *queue, m *message) error {
	if m.DataKey == nil {
		return nil
	}
	q.mu.Lock()
	key, reuse := q.keyID, q.keyReuse
	until := q.grants[grant{identity(p), false}]
	q.mu.Unlock()
	now := s.d.Clock.Now()
	if until.After(now) {
		return nil
	}
	if err := s.decrypt(ctx, p, q.arn, m.DataKey); err != nil {
		return err
	}
	q.remember(key, nil, grant{identity(p), false}, now, reuse)
	return nil
}

func (q *queue) remember(key string, dataKey []byte, g grant, now time.Time, reuse time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if key != q.keyID {
		return // the key was replaced meanwhile
	}
	for old, until := range q.grants {
		if !until.After(now) {
			delete(q.grants, old)
		}
	}
	q.grants[g] = now.Add(reuse)
	if dataKey != nil {
		q.dataKey = dataKey
	}
}

func identity(p dispatch.Principal) string {
	if p.RoleARN != "" {
		return p.RoleARN
	}
	return p.ARN + p.Service
}

func (s *Service) generate(ctx context.Context, p dispatch.Principal, arn, key string) ([]byte, error) {
	out, err := s.d.Do(ctx, p, "kms", "GenerateDataKey", map[string]any{"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": map[string]string{"aws:sqs:arn": arn}})
	if err != nil {
		return nil, kmsError(err)
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("reading a data key: %w", err)
	}
	var data struct{ CiphertextBlob []byte }
	if err := json.Unmarshal(text, &data); err != nil {
		return nil, fmt.Errorf("reading a data key: %w", err)
	}
	return data.CiphertextBlob, nil
}

func (s *Service) decrypt(ctx context.Context, p dispatch.Principal, arn string, dataKey []byte) error {
	_, err := s.d.Do(ctx, p, "kms", "Decrypt", map[string]any{"CiphertextBlob": dataKey, "EncryptionContext": map[string]string{"aws:sqs:arn": arn}})
	if err != nil {
		return kmsError(err)
	}
	return nil
}

// kmsError is a KMS error as SQS passes it on.
func kmsError(err error) error {
	e := dispatch.AsError(err)
	switch e.Code {
	case "AccessDeniedException":
		return dispatch.Errorf("KmsAccessDenied", "%s", e.Message)
	case "NotFoundException":
		return dispatch.Errorf("KmsNotFound", "%s", e.Message)
	case "DisabledException":
		return dispatch.Errorf("KmsDisabled", "%s", e.Message)
	case "KMSInvalidStateException":
		return dispatch.Errorf("KmsInvalidState", "%s", e.Message)
	case "InvalidKeyUsageException":
		return dispatch.Errorf("KmsInvalidKeyUsage", "%s", e.Message)
	}
	return err
}
