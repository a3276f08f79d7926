package eventbridge

import (
	"context"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/kms"
)

// keyCache remembers for a while what a bus's key allowed, as AWS caches data keys.
type keyCache struct {
	mu     sync.Mutex
	sealed map[string]dataKey
	until  map[string]time.Time // by ciphertext: until when decryption needs not be asked for
}

type dataKey struct {
	of         string // key and bus
	ciphertext []byte
	until      time.Time
}

// keyReuse is how long a data key is used before KMS is asked again.
const keyReuse = 5 * time.Minute

func encryptionContext(busARN string) map[string]string {
	return map[string]string{"aws:events:event-bus:arn": busARN}
}

// mayUseKey checks that who sets a bus's key may use it.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
func (s *Service) mayUseKey(ctx context.Context, p dispatch.Principal, key, arn string) error {
	if _, err := s.d.Do(ctx, p, "kms", "DescribeKey", &kms.KeyInput{KeyID: key}); err != nil {
		return keyError(err)
	}
	data, err := dispatch.Do[kms.GenerateDataKeyOutput](ctx, s.d, p, "kms", "GenerateDataKey",
		&kms.GenerateDataKeyInput{KeyID: key, KeySpec: "AES_256", EncryptionContext: encryptionContext(arn)})
	if err != nil {
		return keyError(err)
	}
	if _, err := s.d.Do(ctx, p, "kms", "Decrypt", &kms.DecryptInput{CiphertextBlob: data.CiphertextBlob, EncryptionContext: encryptionContext(arn)}); err != nil {
		return keyError(err)
	}
	return nil
}

// keyError is a KMS error as the API passes it on.
func keyError(err error) error {
	switch e := dispatch.AsError(err); e.Code {
	case "AccessDeniedException":
		return e
	case "NotFoundException":
		return notFound("%s", e.Message)
	default:
		return invalid("%s", e.Message)
	}
}

func (s *Service) asBus(arn string) dispatch.Principal {
	return dispatch.Principal{ARN: principalName, Service: principalName, SourceARN: arn}
}

// seal has EventBridge take a data key under the bus's key for an event: the key's policy must let it.
func (s *Service) seal(ctx context.Context, b *bus, ev *event) error {
	if b.Key == "" {
		return nil
	}
	arn, now := s.busARN(b.Name), s.d.Clock.Now()
	of := b.Key + " " + b.Name
	s.keys.mu.Lock()
	known := s.keys.sealed[b.Name]
	s.keys.mu.Unlock()
	if known.of == of && known.until.After(now) {
		ev.DataKey = known.ciphertext
		return nil
	}
	data, err := dispatch.Do[kms.GenerateDataKeyOutput](ctx, s.d, s.asBus(arn), "kms", "GenerateDataKey",
		&kms.GenerateDataKeyInput{KeyID: b.Key, KeySpec: "AES_256", EncryptionContext: encryptionContext(arn)})
	if err != nil {
		return err
	}
	ev.DataKey = data.CiphertextBlob
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	if s.keys.sealed == nil {
		s.keys.sealed = map[string]dataKey{}
	}
	s.keys.sealed[b.Name] = dataKey{of, data.CiphertextBlob, now.Add(keyReuse)}
	return nil
}

// unseal checks that EventBridge may still decrypt an event.
func (s *Service) unseal(ctx context.Context, ev *event) error {
	if ev.DataKey == nil {
		return nil
	}
	now := s.d.Clock.Now()
	s.keys.mu.Lock()
	until := s.keys.until[string(ev.DataKey)]
	s.keys.mu.Unlock()
	if until.After(now) {
		return nil
	}
	arn := s.busARN(ev.Bus)
	if _, err := s.d.Do(ctx, s.asBus(arn), "kms", "Decrypt", &kms.DecryptInput{CiphertextBlob: ev.DataKey, EncryptionContext: encryptionContext(arn)}); err != nil {
		return err
	}
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	for key, until := range s.keys.until {
		if !until.After(now) {
			delete(s.keys.until, key)
		}
	}
	s.keys.until[string(ev.DataKey)] = now.Add(keyReuse)
	return nil
}

// buryAtBus sends an event that could not be encrypted to the bus's dead-letter queue, if it has one.
func (s *Service) buryAtBus(ctx context.Context, b *bus, ev *event, why error) {
	e := dispatch.AsError(why)
	what := "the bus " + b.Name + " could not encrypt the event " + ev.ID
	if b.DeadLetter == nil || b.DeadLetter.Arn == "" {
		s.d.Logf("%s and lost it: %s", what, e.Code)
		return
	}
	attributes := map[string]string{"EVENT_BUS_ARN": s.busARN(b.Name), "ERROR_CODE": classify(why).code, "ERROR_MESSAGE": e.Message}
	if err := s.toQueue(ctx, b.DeadLetter.Arn, s.busARN(b.Name), ev, attributes); err != nil {
		s.d.Logf("%s and lost it, since its dead-letter queue refused it: %v", what, err)
	}
}
