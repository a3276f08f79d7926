package cognitoidp

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// poolKeys are a pool's signing keys as the state file keeps them: for id tokens, and for access tokens.
type poolKeys struct{ Keys []keyRecord }

type keyRecord struct {
	ID      string
	Private []byte // PKCS #8
}

// keyring is a pool's signing keys, made or read when they are first needed: making them takes a moment.
type keyring struct {
	mu   sync.Mutex
	keys []signingKey
}

type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

// The places of keys in a keyring.
const (
	idTokenKey = iota
	accessTokenKey
	keysPerPool
)

func (s *Service) keysOf(p *pool) ([]signingKey, error) {
	k := &p.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys != nil {
		return k.keys, nil
	}
	r, ok := s.keys.Get(p.id)
	if !ok {
		r = &poolKeys{}
		for range keysPerPool {
			private, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				return nil, fmt.Errorf("making a signing key: %w", err)
			}
			der, err := x509.MarshalPKCS8PrivateKey(private)
			if err != nil {
				return nil, fmt.Errorf("writing a signing key: %w", err)
			}
			id := make([]byte, 32)
			rand.Read(id) // never fails, by its contract
			r.Keys = append(r.Keys, keyRecord{base64.StdEncoding.EncodeToString(id), der})
		}
		if err := s.keys.Put(p.id, r); err != nil {
			return nil, fmt.Errorf("keeping the signing keys of %s: %w", p.id, err)
		}
	}
	var keys []signingKey
	for _, key := range r.Keys {
		private, err := x509.ParsePKCS8PrivateKey(key.Private)
		if err != nil {
			return nil, fmt.Errorf("reading a signing key of %s: %w", p.id, err)
		}
		keys = append(keys, signingKey{key.ID, private.(*rsa.PrivateKey)})
	}
	k.keys = keys
	return keys, nil
}

var encoding = base64.RawURLEncoding

// sign makes a JSON Web Token.
func (k *signingKey) sign(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("writing a token: %w", err)
	}
	text := encoding.EncodeToString([]byte(`{"kid":"`+k.id+`","alg":"RS256"}`)) + "." + encoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, k.private, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return text + "." + encoding.EncodeToString(signature), nil
}

var errToken = errors.New("this is no token of the pool")

// verify checks that one of the keys signed a token.
func verify(keys []signingKey, token string) error {
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return errToken
	}
	signature, err := encoding.DecodeString(token[i+1:])
	if err != nil {
		return errToken
	}
	header, err := encoding.DecodeString(token[:strings.IndexByte(token, '.')])
	if err != nil {
		return errToken
	}
	var h struct{ Kid, Alg string }
	if json.Unmarshal(header, &h) != nil || h.Alg != "RS256" {
		return errToken
	}
	digest := sha256.Sum256([]byte(token[:i]))
	for _, k := range keys {
		if k.id == h.Kid && rsa.VerifyPKCS1v15(&k.private.PublicKey, crypto.SHA256, digest[:], signature) == nil {
			return nil
		}
	}
	return errToken
}

// jwk is a public key: https://www.rfc-editor.org/rfc/rfc7517.
type jwk struct {
	Alg string `json:"alg"`
	E   string `json:"e"`
	Kid string `json:"kid"`
	Kty string `json:"kty"`
	N   string `json:"n"`
	Use string `json:"use"`
}

var wellKnown = regexp.MustCompile(`^/([\w-]+_[0-9a-zA-Z]+)/\.well-known/(jwks\.json|openid-configuration)$`)

// Serves reports whether a request is for a pool's keys or its OpenID configuration, which everybody may read.
func (s *Service) Serves(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "/.well-known/") && wellKnown.MatchString(r.URL.Path)
}

// Handler answers what Serves takes: /<pool id>/.well-known/jwks.json and /<pool id>/.well-known/openid-configuration.
func (s *Service) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := wellKnown.FindStringSubmatch(r.URL.Path)
		if m == nil {
			http.NotFound(w, r)
			return
		}
		p, err := s.find(m[1])
		if err != nil {
			http.Error(w, `{"message":"User pool `+m[1]+` does not exist."}`, http.StatusNotFound)
			return
		}
		answer, err := s.document(p, m[2])
		if err != nil {
			s.d.Logf("serving the keys of %s: %v", p.id, err)
			http.Error(w, `{"message":"Internal error"}`, http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=86400")
		w.Write(answer)
	})
}

func (s *Service) document(p *pool, name string) ([]byte, error) {
	issuer := s.issuer(p.id)
	if name == "openid-configuration" {
		return json.Marshal(map[string]any{
			"issuer": issuer, "jwks_uri": issuer + "/.well-known/jwks.json", "subject_types_supported": []string{"public"},
			"response_types_supported": []string{"code", "token"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	}
	keys, err := s.keysOf(p)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []jwk `json:"keys"`
	}
	for _, k := range keys {
		set.Keys = append(set.Keys, jwk{"RS256", encoding.EncodeToString(big.NewInt(int64(k.private.E)).Bytes()), k.id, "RSA",
			encoding.EncodeToString(k.private.N.Bytes()), "sig"})
	}
	return json.Marshal(set)
}
