package localcloud

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/carepath/carepath/localcloud/acm"
	"github.com/carepath/carepath/localcloud/apigateway"
)

// authorityFile is where the certificate of the local authority is written, in the state folder, for clients to trust.
const authorityFile = "ca.pem"

// TLSEndpoint is the URL of the TLS port, such as https://localhost:4567; empty before Start and without one.
func (c *Cloud) TLSEndpoint() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tlsEndpoint
}

// AuthorityPEM is the certificate of the authority that signs what the TLS port shows.
func (c *Cloud) AuthorityPEM() ([]byte, error) { return c.acm.AuthorityPEM() }

// secure makes a listener one of TLS. Custom domain names show their certificates of ACM, by the terms of their security
// policies; every other name shows one of the embedded AWS's own.
func (c *Cloud) secure(l net.Listener) (net.Listener, error) {
	authority, err := c.acm.AuthorityPEM()
	if err != nil {
		return nil, err
	}
	if c.dir != "" {
		if err := os.WriteFile(filepath.Join(c.dir, authorityFile), authority, 0o600); err != nil {
			return nil, fmt.Errorf("writing the local authority's certificate: %w", err)
		}
	}
	own, err := c.acm.Sign([]string{"localhost", "*.localhost", "*.execute-api.localhost", "*.execute-api." + c.d.Region + ".localhost"})
	if err != nil {
		return nil, err
	}
	c.tlsEndpoint = "https://localhost:" + strconv.Itoa(port(l))
	return tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{*own}, MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			return domainTLS(hello.Context(), c.apigateway, c.acm, hello.ServerName)
		},
	}), nil
}

// domainTLS is the configuration of a connection for a custom domain name; nil for other names.
func domainTLS(ctx context.Context, gateway *apigateway.Service, certificates *acm.Service, name string) (*tls.Config, error) {
	settings, ok := gateway.TLS(name)
	if !ok {
		return nil, nil
	}
	certificate, err := certificates.TLS(ctx, settings.CertificateARN)
	if err != nil {
		return nil, err
	}
	// The least version is the domain's security policy, which may be an old one.
	config := &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: settings.MinVersion}
	if settings.AsksClients {
		// Whether the client's certificate is good is the gateway's to judge: AWS answers those that are not with 403.
		config.ClientAuth = tls.RequestClientCert
	}
	return config, nil
}
