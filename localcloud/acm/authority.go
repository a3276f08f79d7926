package acm

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// keyPair is a certificate with its key, both in PEM.
type keyPair struct {
	Certificate string
	Key         string // PKCS #8
}

// algorithms make the keys that certificates can be requested with.
var algorithms = map[string]func() (crypto.Signer, error){
	"RSA_2048":      func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) },
	"EC_prime256v1": func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
	"EC_secp384r1":  func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) },
}

// authorityLife is long: people who trust the authority should not have to do so again.
const authorityLife = 10 * 365 * 24 * time.Hour

// AuthorityPEM returns the certificate of the authority that signs every certificate, which it makes when there is none.
// Clients that trust it accept the embedded AWS's TLS.
func (s *Service) AuthorityPEM() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.authority()
	if err != nil {
		return nil, err
	}
	return []byte(a.Certificate), nil
}

// authority returns the signing key, made if need be. The caller holds s.mu.
func (s *Service) authority() (*keyPair, error) {
	if a, ok := s.authorities.Get("authority"); ok {
		return a, nil
	}
	key, err := algorithms["EC_prime256v1"]()
	if err != nil {
		return nil, fmt.Errorf("making the authority's key: %w", err)
	}
	now := s.d.Clock.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: issuer, Organization: []string{"Carepath"}},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(authorityLife), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	a, err := sign(template, template, key, key)
	if err != nil {
		return nil, fmt.Errorf("making the authority's certificate: %w", err)
	}
	return a, s.authorities.Put("authority", a)
}

// sign makes a certificate of template for key.
func sign(template, parent *x509.Certificate, key, by crypto.Signer) (*keyPair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &keyPair{Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))}, nil
}

// material returns an issued certificate with its key, and the authority that signed it.
func (s *Service) material(arn string) (pair, authority *keyPair, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.certificate(arn)
	if err != nil {
		return nil, nil, err
	}
	if authority, err = s.authority(); err != nil {
		return nil, nil, err
	}
	if c.Material != nil {
		return c.Material, authority, nil
	}
	serial, ok := new(big.Int).SetString(strings.ReplaceAll(c.Serial, ":", ""), 16)
	if !ok {
		return nil, nil, fmt.Errorf("the serial number of %s is no number", arn)
	}
	key, err := algorithms[c.Algorithm]()
	if err != nil {
		return nil, nil, fmt.Errorf("making the key of %s: %w", arn, err)
	}
	made, err := authority.issue(&x509.Certificate{SerialNumber: serial, DNSNames: c.Names, NotBefore: c.NotBefore, NotAfter: c.NotAfter}, key)
	if err != nil {
		return nil, nil, fmt.Errorf("signing %s: %w", arn, err)
	}
	if _, err = s.change(c, func(c *certificate) { c.Material = made }); err != nil {
		return nil, nil, err
	}
	return made, authority, nil
}

// issue makes a certificate for key by a template that says for whom and how long.
func (p *keyPair) issue(template *x509.Certificate, key crypto.Signer) (*keyPair, error) {
	signer, err := tls.X509KeyPair([]byte(p.Certificate), []byte(p.Key))
	if err != nil {
		return nil, fmt.Errorf("reading the authority's key: %w", err)
	}
	template.Subject = pkix.Name{CommonName: template.DNSNames[0]}
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return sign(template, signer.Leaf, key, signer.PrivateKey.(crypto.Signer))
}

// Sign returns a certificate for names that are nobody's in ACM: those of the embedded AWS itself. It is not kept.
func (s *Service) Sign(names []string) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	authority, err := s.authority()
	if err != nil {
		return nil, err
	}
	key, err := algorithms["EC_prime256v1"]()
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	now := s.d.Clock.Now()
	pair, err := authority.issue(&x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), DNSNames: names, NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(validity)}, key)
	if err != nil {
		return nil, fmt.Errorf("signing for %s: %w", names[0], err)
	}
	return pair.tls(authority)
}

// tls is the pair as a TLS server shows it, with the authority behind it.
func (p *keyPair) tls(authority *keyPair) (*tls.Certificate, error) {
	t, err := tls.X509KeyPair([]byte(p.Certificate+authority.Certificate), []byte(p.Key))
	if err != nil {
		return nil, fmt.Errorf("reading a certificate's key: %w", err)
	}
	return &t, nil
}

// TLS returns an issued certificate for use by a TLS server.
func (s *Service) TLS(ctx context.Context, arn string) (*tls.Certificate, error) {
	c, err := s.current(ctx, arn)
	if err != nil {
		return nil, err
	}
	if c.Status != "ISSUED" {
		return nil, errors.New("the certificate " + arn + " is not issued: its status is " + c.Status)
	}
	pair, authority, err := s.material(arn)
	if err != nil {
		return nil, err
	}
	return pair.tls(authority)
}
