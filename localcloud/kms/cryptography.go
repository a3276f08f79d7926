package kms

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// A ciphertext is a version byte, the key's id (36 bytes), a nonce, and the sealed text.
const (
	blobVersion = 1
	keyIDSize   = 36
	blobHeader  = 1 + keyIDSize
)

// additionalData is the encryption context in a form that is the same for equal contexts.
func additionalData(context map[string]string) []byte {
	var b []byte
	for _, key := range slices.Sorted(maps.Keys(context)) {
		for _, text := range []string{key, context[key]} {
			b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
			b = append(b, text...)
		}
	}
	return b
}

func (k *keyRecord) sealer() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.Material)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (k *keyRecord) seal(plain []byte, context map[string]string) ([]byte, error) {
	aead, err := k.sealer()
	if err != nil {
		return nil, err
	}
	blob := make([]byte, blobHeader+aead.NonceSize(), blobHeader+aead.NonceSize()+len(plain)+aead.Overhead())
	blob[0] = blobVersion
	copy(blob[1:], k.ID)
	nonce := blob[blobHeader:]
	rand.Read(nonce) // never fails, by its contract
	return aead.Seal(blob, nonce, plain, additionalData(context)), nil
}

func (k *keyRecord) open(blob []byte, context map[string]string) ([]byte, error) {
	aead, err := k.sealer()
	if err != nil {
		return nil, err
	}
	sealed := blob[blobHeader:]
	if len(sealed) < aead.NonceSize() {
		return nil, invalidCiphertext()
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], additionalData(context))
	if err != nil { // altered, or another encryption context
		return nil, invalidCiphertext()
	}
	return plain, nil
}

func invalidCiphertext() error { return &dispatch.Error{Code: "InvalidCiphertextException"} }

// keyOf returns the key that made a ciphertext.
func (s *Service) keyOf(blob []byte) (keyRecord, error) {
	if len(blob) < blobHeader || blob[0] != blobVersion {
		return keyRecord{}, invalidCiphertext()
	}
	k, err := s.find(string(blob[1:blobHeader]), false)
	if err != nil {
		return k, &dispatch.Error{Code: "AccessDeniedException", Message: "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."}
	}
	return k, nil
}

func checkAlgorithm(name string) error {
	if name != "" && name != symmetric {
		return validation("1 validation error detected: Value '%s' at 'encryptionAlgorithm' failed to satisfy constraint: symmetric keys encrypt with %s", name, symmetric)
	}
	return nil
}

func (s *Service) registerCryptography() {
	dispatch.Register(s.d, dispatch.Operation{Service: "kms", Action: "Encrypt"},
		func(c *dispatch.Call, in *EncryptInput) ([]string, []dispatch.ResourcePolicy, error) {
			return s.onNamed(c, in.KeyID, in.EncryptionContext)
		}, s.encrypt)
	dispatch.Register(s.d, dispatch.Operation{Service: "kms", Action: "Decrypt"},
		func(c *dispatch.Call, in *DecryptInput) ([]string, []dispatch.ResourcePolicy, error) {
			k, err := s.keyOf(in.CiphertextBlob)
			if err != nil {
				return nil, nil, err
			}
			return s.onKey(c, k, in.EncryptionContext)
		}, s.decrypt)
	dispatch.Register(s.d, dispatch.Operation{Service: "kms", Action: "GenerateDataKey"},
		func(c *dispatch.Call, in *GenerateDataKeyInput) ([]string, []dispatch.ResourcePolicy, error) {
			return s.onNamed(c, in.KeyID, in.EncryptionContext)
		}, s.generateDataKey)
	dispatch.Register(s.d, dispatch.Operation{Service: "kms", Action: "ReEncrypt", Permission: "kms:ReEncryptFrom"},
		func(c *dispatch.Call, in *ReEncryptInput) ([]string, []dispatch.ResourcePolicy, error) {
			k, err := s.keyOf(in.CiphertextBlob)
			if err != nil {
				return nil, nil, err
			}
			return s.onKey(c, k, in.SourceEncryptionContext)
		}, s.reEncrypt)
}

func (s *Service) onNamed(c *dispatch.Call, name string, encryptionContext map[string]string) ([]string, []dispatch.ResourcePolicy, error) {
	k, err := s.find(name, true)
	if err != nil {
		return nil, nil, err
	}
	return s.onKey(c, k, encryptionContext)
}

// named returns a key that may be used now.
func (s *Service) named(name string) (keyRecord, error) {
	k, err := s.find(name, true)
	if err != nil {
		return k, err
	}
	return k, k.usable()
}

func (s *Service) encrypt(_ context.Context, _ *dispatch.Call, in *EncryptInput) (*EncryptOutput, error) {
	if err := checkAlgorithm(in.EncryptionAlgorithm); err != nil {
		return nil, err
	}
	if len(in.Plaintext) < 1 || len(in.Plaintext) > 4096 {
		return nil, validation("1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length between 1 and 4096")
	}
	k, err := s.named(in.KeyID)
	if err != nil {
		return nil, err
	}
	blob, err := k.seal(in.Plaintext, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &EncryptOutput{CiphertextBlob: blob, KeyID: k.ARN, EncryptionAlgorithm: symmetric}, nil
}

func (s *Service) decrypt(_ context.Context, _ *dispatch.Call, in *DecryptInput) (*DecryptOutput, error) {
	if err := checkAlgorithm(in.EncryptionAlgorithm); err != nil {
		return nil, err
	}
	k, err := s.keyOf(in.CiphertextBlob)
	if err != nil {
		return nil, err
	}
	if in.KeyID != "" {
		wanted, err := s.find(in.KeyID, true)
		if err != nil {
			return nil, err
		}
		if wanted.ID != k.ID {
			return nil, &dispatch.Error{Code: "IncorrectKeyException", Message: "The key ID in the request does not identify a CMK that can perform this operation."}
		}
	}
	if err := k.usable(); err != nil {
		return nil, err
	}
	plain, err := k.open(in.CiphertextBlob, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &DecryptOutput{KeyID: k.ARN, Plaintext: plain, EncryptionAlgorithm: symmetric}, nil
}

func (s *Service) generateDataKey(_ context.Context, _ *dispatch.Call, in *GenerateDataKeyInput) (*GenerateDataKeyOutput, error) {
	size := int(in.NumberOfBytes)
	switch {
	case (in.KeySpec == "") == (in.NumberOfBytes == 0):
		return nil, validation("Please specify either number of bytes or key spec.")
	case in.KeySpec == "AES_256":
		size = 32
	case in.KeySpec == "AES_128":
		size = 16
	case in.KeySpec != "":
		return nil, validation("1 validation error detected: Value '%s' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, AES_128]", in.KeySpec)
	case size < 1 || size > 1024:
		return nil, validation("1 validation error detected: Value '%d' at 'numberOfBytes' failed to satisfy constraint: Member must have value between 1 and 1024", size)
	}
	k, err := s.named(in.KeyID)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, size)
	rand.Read(plain) // never fails, by its contract
	blob, err := k.seal(plain, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &GenerateDataKeyOutput{CiphertextBlob: blob, Plaintext: plain, KeyID: k.ARN}, nil
}

// reEncrypt needs two permissions: kms:ReEncryptFrom on the key of the ciphertext, which the dispatcher has checked, and
// kms:ReEncryptTo on the other.
func (s *Service) reEncrypt(ctx context.Context, c *dispatch.Call, in *ReEncryptInput) (*ReEncryptOutput, error) {
	source, err := s.decrypt(ctx, c, &DecryptInput{
		CiphertextBlob: in.CiphertextBlob, EncryptionContext: in.SourceEncryptionContext, KeyID: in.SourceKeyID, EncryptionAlgorithm: in.SourceEncryptionAlgorithm,
	})
	if err != nil {
		return nil, err
	}
	to := dispatch.Call{}
	resources, policies, err := s.onNamed(&to, in.DestinationKeyID, in.DestinationEncryptionContext)
	if err != nil {
		return nil, err
	}
	if err := s.d.CheckUnder(ctx, c.Principal, to.Conditions, "kms:ReEncryptTo", resources, policies...); err != nil {
		return nil, err
	}
	sealed, err := s.encrypt(ctx, c, &EncryptInput{
		KeyInput: KeyInput{KeyID: in.DestinationKeyID}, Plaintext: source.Plaintext, EncryptionContext: in.DestinationEncryptionContext, EncryptionAlgorithm: in.DestinationEncryptionAlgorithm,
	})
	if err != nil {
		return nil, err
	}
	return &ReEncryptOutput{
		CiphertextBlob: sealed.CiphertextBlob, KeyID: sealed.KeyID, SourceKeyID: source.KeyID,
		SourceEncryptionAlgorithm: source.EncryptionAlgorithm, DestinationEncryptionAlgorithm: sealed.EncryptionAlgorithm,
	}, nil
}
