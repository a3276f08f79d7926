package apigateway

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/s3"
)

// truststore is the certificates whose holders may call.
type truststore struct {
	pool     *x509.CertPool
	warnings []string
}

// parseTruststore reads a trust store: certificates in PEM. Those that AWS does not take are warned of and left out. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mutual-tls.html.
func parseTruststore(text string) (*truststore, error) {
	store := &truststore{pool: x509.NewCertPool()}
	seen := map[[32]byte]bool{}
	for rest := []byte(text); ; {
		block, more := pem.Decode(rest)
		if block == nil {
			break
		}
		rest = more
		c, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return nil, errors.New("it has a block that is no X.509 certificate")
		}
		if seen[sha256.Sum256(c.Raw)] {
			continue
		}
		seen[sha256.Sum256(c.Raw)] = true
		if w := weakness(c); w != "" {
			store.warnings = append(store.warnings, "The certificate of "+c.Subject.String()+" is not used: "+w)
			continue
		}
		store.pool.AddCert(c)
	}
	if len(seen) == 0 {
		return nil, errors.New("it has no certificate")
	}
	return store, nil
}

// weakness says why AWS does not trust a certificate of a trust store.
func weakness(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return "an RSA key must have 2048 bits or more"
		}
	case *ecdsa.PublicKey:
		if key.Params().BitSize < 256 {
			return "an ECDSA key must have 256 bits or more"
		}
	}
	switch c.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.MD2WithRSA:
		return "it must be signed with SHA-256 or stronger"
	}
	return ""
}

// setMutualTLS reads a trust store from S3 as the caller, who needs s3:GetObject on it, and s3:GetObjectVersion with a
// version. Without a URI it turns mutual TLS off.
func (s *Service) setMutualTLS(ctx context.Context, by dispatch.Principal, r *domainRecord, uri, version string) error {
	if uri == "" {
		r.MutualTLS, r.Truststore = nil, ""
		return nil
	}
	rest, ok := strings.CutPrefix(uri, "s3://")
	bucket, object, hasKey := strings.Cut(rest, "/")
	if !ok || bucket == "" || !hasKey || object == "" {
		return badRequest("Invalid truststore URI %s: it must have the form s3://bucket-name/key-name", uri)
	}
	out, err := dispatch.Do[s3.GetObjectOutput](ctx, s.d, by, "s3", "GetObject", &s3.GetObjectInput{Bucket: bucket, Key: object, VersionID: version})
	if err != nil {
		return badRequest("Unable to read the truststore %s: %s", uri, dispatch.AsError(err).Message)
	}
	store, err := parseTruststore(string(out.Body))
	if err != nil {
		return badRequest("Invalid truststore %s: %v", uri, err)
	}
	r.MutualTLS = &MutualTLS{TruststoreURI: uri, TruststoreVersion: version, TruststoreWarnings: store.warnings}
	r.Truststore = string(out.Body)
	return nil
}

// longestChain is in certificates, the client's own included.
const longestChain = 4

// admits reports whether a request has what the domain asks of its connection.
func (d *domainPlan) admits(r *http.Request, now time.Time) bool {
	if d.record.AccessMode == "STRICT" && (r.TLS == nil || hostName(r.TLS.ServerName) != hostName(r.Host)) {
		return false
	}
	if d.trusted == nil {
		return true
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return false
	}
	given := r.TLS.PeerCertificates
	between := x509.NewCertPool()
	for _, c := range given[1:] {
		between.AddCert(c)
	}
	if weakness(given[0]) != "" {
		return false
	}
	chains, err := given[0].Verify(x509.VerifyOptions{Roots: d.trusted, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return false
	}
	for _, chain := range chains {
		if len(chain) <= longestChain {
			return true
		}
	}
	return false
}

// TLSSettings is how a TLS server must treat the connections for a custom domain.
type TLSSettings struct {
	CertificateARN string
	// MinVersion is the least version of TLS, as in crypto/tls.
	MinVersion uint16
	// AsksClients says that clients are to be asked for a certificate. Handler judges it.
	AsksClients bool
}

// TLS returns the settings of the domain that a client names when it connects (SNI), and whether there is one.
func (s *Service) TLS(serverName string) (TLSSettings, bool) {
	d := s.live.Load().domain(serverName)
	if d == nil {
		return TLSSettings{}, false
	}
	settings := TLSSettings{CertificateARN: d.record.CertificateARN, MinVersion: tls.VersionTLS12, AsksClients: d.trusted != nil}
	switch policy := d.record.SecurityPolicy; {
	case policy == "TLS_1_0":
		settings.MinVersion = tls.VersionTLS10
	case strings.HasPrefix(policy, "SecurityPolicy_TLS13_1_3_"), policy == "SecurityPolicy_TLS13_2025_EDGE":
		settings.MinVersion = tls.VersionTLS13
	}
	return settings, true
}

// clientCertificate returns the certificate that a client on a domain with mutual TLS has shown.
func (x *exchange) clientCertificate() *x509.Certificate {
	if x.mapped == nil || x.mapped.trusted == nil {
		return nil
	}
	return x.r.TLS.PeerCertificates[0]
}

// lookupClientCert knows $context.identity.clientCert.
func (x *exchange) lookupClientCert(name string) (string, bool) {
	c := x.clientCertificate()
	if c == nil {
		return "", false
	}
	const form = "Jan _2 15:04:05 2006 GMT"
	switch name {
	case "clientCertPem":
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})), true
	case "subjectDN":
		return c.Subject.String(), true
	case "issuerDN":
		return c.Issuer.String(), true
	case "serialNumber":
		return serial(c), true
	case "validity.notBefore":
		return c.NotBefore.UTC().Format(form), true
	case "validity.notAfter":
		return c.NotAfter.UTC().Format(form), true
	}
	return "", false
}

func serial(c *x509.Certificate) string {
	var b bytes.Buffer
	for i, octet := range c.SerialNumber.Bytes() {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(hex.EncodeToString([]byte{octet}))
	}
	return b.String()
}

// clientCertNames are the members of $context.identity.clientCert that are plain text.
var clientCertNames = []string{"clientCertPem", "subjectDN", "issuerDN", "serialNumber"}

// clientCertObject is $context.identity.clientCert as templates see it; nil without one.
func (x *exchange) clientCertObject() *jsonvalue.Object {
	if x.clientCertificate() == nil {
		return nil
	}
	text := func(name string) string { value, _ := x.lookupClientCert(name); return value }
	members := make([]jsonvalue.Member, 0, len(clientCertNames)+1)
	for _, name := range clientCertNames {
		members = append(members, jsonvalue.Member{Name: name, Value: text(name)})
	}
	validity := jsonvalue.NewObject(jsonvalue.Member{Name: "notBefore", Value: text("validity.notBefore")}, jsonvalue.Member{Name: "notAfter", Value: text("validity.notAfter")})
	return jsonvalue.NewObject(append(members, jsonvalue.Member{Name: "validity", Value: validity})...)
}

// writeClientCert writes clientCert into the identity of a proxy event.
func (x *exchange) writeClientCert(w *eventWriter) {
	text := func(name string) string { value, _ := x.lookupClientCert(name); return value }
	w.name("clientCert")
	w.b = append(w.b, '{')
	for _, name := range clientCertNames {
		w.text(name, text(name))
	}
	w.name("validity")
	w.b = append(w.b, '{')
	w.text("notBefore", text("validity.notBefore"))
	w.text("notAfter", text("validity.notAfter"))
	w.b = append(w.b, '}', '}')
}

// lookupTLS knows what $context says of the connection.
func (x *exchange) lookupTLS(name string) (string, bool) {
	if x.r.TLS == nil {
		return "", false
	}
	if name == "tlsVersion" {
		return strings.Replace(tls.VersionName(x.r.TLS.Version), "TLS ", "TLSv", 1), true
	}
	suite := tls.CipherSuiteName(x.r.TLS.CipherSuite)
	if x.r.TLS.Version < tls.VersionTLS13 {
		suite = openSSLName(suite)
	}
	return suite, true
}

// openSSLName writes a cipher suite as OpenSSL, and so AWS, calls it: ECDHE-RSA-AES128-GCM-SHA256.
func openSSLName(suite string) string {
	return openSSL.Replace(strings.TrimPrefix(suite, "TLS_"))
}

var openSSL = strings.NewReplacer("_WITH_", "-", "AES_128", "AES128", "AES_256", "AES256", "_CBC_", "-", "_", "-")
