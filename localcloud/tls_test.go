package localcloud_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud"
	"github.com/carepath/carepath/localcloud/acm"
	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/route53"
	"github.com/carepath/carepath/localcloud/s3"
)

// do makes a call as root.
func do[Out any](t *testing.T, c *localcloud.Cloud, service, action string, in any) *Out {
	t.Helper()
	d := c.Dispatcher()
	out, err := dispatch.Do[Out](t.Context(), d, d.Root(), service, action, in)
	if err != nil {
		t.Fatalf("%s:%s: %v", service, action, err)
	}
	return out
}

// authority is a certificate authority of clients.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key, cert}
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// client issues a client's certificate.
func (a *authority) client(t *testing.T, usage x509.ExtKeyUsage, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(0xa1b2), Subject: pkix.Name{CommonName: "clinic"}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{usage}, KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// certificateFor requests a certificate and proves its names.
func certificateFor(t *testing.T, c *localcloud.Cloud, zone string, names ...string) string {
	t.Helper()
	arn := do[acm.RequestCertificateOutput](t, c, "acm", "RequestCertificate", &acm.RequestCertificateInput{DomainName: names[0], SubjectAlternativeNames: names[1:], ValidationMethod: "DNS", KeyAlgorithm: "EC_prime256v1"}).CertificateArn
	id := do[route53.CreateHostedZoneOutput](t, c, "route53", "CreateHostedZone", &route53.CreateHostedZoneInput{Name: zone, CallerReference: arn}).HostedZone.ID
	for _, o := range do[acm.DescribeCertificateOutput](t, c, "acm", "DescribeCertificate", &acm.CertificateInput{CertificateArn: arn}).Certificate.DomainValidationOptions {
		do[route53.ChangeOutput](t, c, "route53", "ChangeResourceRecordSets", &route53.ChangeResourceRecordSetsInput{HostedZoneID: id, ChangeBatch: route53.ChangeBatch{Changes: []route53.Change{{Action: "UPSERT",
			ResourceRecordSet: route53.ResourceRecordSet{Name: o.ResourceRecord.Name, Type: "CNAME", TTL: new(int64(60)), ResourceRecords: []route53.ResourceRecord{{Value: o.ResourceRecord.Value}}}}}}})
	}
	return arn
}

const answersContext = `{"openapi":"3.0.1","info":{"title":"t","version":"1"},"paths":{"/":{"get":{"responses":{"200":{"description":""}},"x-amazon-apigateway-integration":{"type":"mock",
"requestTemplates":{"application/json":"{\"statusCode\":200}"},
"responses":{"default":{"statusCode":"200","responseTemplates":{"application/json":"$context.identity.clientCert.subjectDN $context.identity.clientCert.serialNumber"}}}}}}}}`

// TestTLS calls a custom domain name over TLS with the authority's certificate as clients have it, and with mutual TLS.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	c, err := localcloud.New(localcloud.Options{Dir: dir, Addr: "127.0.0.1:0", TLSAddr: "127.0.0.1:0", Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	if text, err := os.ReadFile(filepath.Join(dir, "ca.pem")); err != nil || !trusted.AppendCertsFromPEM(text) {
		t.Fatal("the authority's certificate is not in the state folder: ", err)
	}
	_, tlsPort, _ := strings.Cut(strings.TrimPrefix(c.TLSEndpoint(), "https://"), ":")
	get := func(url string, config *tls.Config) (int, string, error) {
		t.Helper()
		config.RootCAs = trusted
		transport := &http.Transport{TLSClientConfig: config, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+tlsPort)
		}}
		defer transport.CloseIdleConnections()
		response, err := (&http.Client{Transport: transport}).Get(url)
		if err != nil {
			return 0, "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response.StatusCode, strings.TrimSpace(string(body)), err
	}
	if status, _, err := get("https://localhost/_carepath/health", &tls.Config{}); status != 200 {
		t.Errorf("the embedded AWS itself: %d %v", status, err)
	}

	api := do[apigateway.RestApi](t, c, "apigateway", "ImportRestApi", &apigateway.ImportRestApiInput{Body: []byte(answersContext)}).ID
	do[apigateway.Deployment](t, c, "apigateway", "CreateDeployment", &apigateway.CreateDeploymentInput{RestApiID: api, StageName: "main"})
	certificate := certificateFor(t, c, "clinic.test", "api.clinic.test")
	regional := &apigateway.EndpointConfiguration{Types: []string{"REGIONAL"}}
	do[apigateway.DomainName](t, c, "apigateway", "CreateDomainName", &apigateway.CreateDomainNameInput{DomainName: "api.clinic.test", RegionalCertificateArn: certificate, EndpointConfiguration: regional})
	do[apigateway.BasePathMapping](t, c, "apigateway", "CreateBasePathMapping", &apigateway.CreateBasePathMappingInput{DomainName: "api.clinic.test", BasePath: "users", RestAPIID: api, Stage: "main"})
	if status, _, err := get("https://api.clinic.test/users", &tls.Config{}); status != 200 || err != nil {
		t.Errorf("%d %v", status, err)
	}
	if _, _, err := get("https://other.clinic.test/users", &tls.Config{}); err == nil {
		t.Error("a name that nobody has a certificate for was accepted")
	}

	// Mutual TLS.
	ours, others := newAuthority(t, "ours"), newAuthority(t, "others")
	do[s3.CreateBucketOutput](t, c, "s3", "CreateBucket", &s3.CreateBucketInput{Bucket: "trust"})
	do[s3.PutObjectOutput](t, c, "s3", "PutObject", &s3.PutObjectInput{Bucket: "trust", Key: "clients.pem", Body: ours.pem()})
	patch := func(path, value string) {
		do[apigateway.DomainName](t, c, "apigateway", "UpdateDomainName", &apigateway.UpdateDomainNameInput{DomainName: "api.clinic.test",
			PatchOperations: []apigateway.PatchOperation{{Op: "replace", Path: path, Value: value}}})
	}
	patch("/mutualTlsAuthentication/truststoreUri", "s3://trust/clients.pem")
	soon := time.Now().Add(time.Hour)
	for _, test := range []struct {
		name   string
		client []tls.Certificate
		want   string
	}{
		{"a good certificate", []tls.Certificate{ours.client(t, x509.ExtKeyUsageClientAuth, soon)}, "CN=clinic a1:b2"},
		{"no certificate", nil, `{"message":"Forbidden"}`},
		{"another authority's", []tls.Certificate{others.client(t, x509.ExtKeyUsageClientAuth, soon)}, `{"message":"Forbidden"}`},
		{"an old one", []tls.Certificate{ours.client(t, x509.ExtKeyUsageClientAuth, time.Now().Add(-time.Hour))}, `{"message":"Forbidden"}`},
		{"a server's", []tls.Certificate{ours.client(t, x509.ExtKeyUsageServerAuth, soon)}, `{"message":"Forbidden"}`},
	} {
		config := &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if test.client == nil {
				return &tls.Certificate{}, nil
			}
			return &test.client[0], nil
		}}
		if status, body, err := get("https://api.clinic.test/users", config); body != test.want || err != nil {
			t.Errorf("%s: %d %s %v", test.name, status, body, err)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.Endpoint()+"/users", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "api.clinic.test"
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 403 {
		t.Errorf("without TLS: %d", response.StatusCode)
	}
	patch("/mutualTlsAuthentication/truststoreUri", "")
	patch("/securityPolicy", "TLS_1_0")
	if status, _, err := get("https://api.clinic.test/users", &tls.Config{MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}); status != 200 {
		t.Errorf("an old client on a domain that takes it: %d %v", status, err)
	}
	patch("/securityPolicy", "TLS_1_2")
	if _, _, err := get("https://api.clinic.test/users", &tls.Config{MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("a domain with TLS_1_2 takes TLS 1.1")
	}
}

// TestRESTXML speaks Route 53's and S3's protocol over HTTP.
func TestRESTXML(t *testing.T) {
	c := start(t, t.TempDir())
	defer c.Close(context.Background())
	send := func(service, method, path, body string, headers ...string) (int, string, http.Header) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, c.Endpoint()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			if r.Header.Set(name, value); name == "Host" {
				r.Host = value
			}
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var b bytes.Buffer
		if _, err := b.ReadFrom(response.Body); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, b.String(), response.Header
	}
	const namespace = ` xmlns="https://route53.amazonaws.com/doc/2013-04-01/"`
	status, body, header := send("route53", "POST", "/2013-04-01/hostedzone", `<CreateHostedZoneRequest`+namespace+`><Name>clinic.test</Name><CallerReference>1</CallerReference></CreateHostedZoneRequest>`)
	location := header.Get("Location")
	if status != 201 || !strings.Contains(location, "/2013-04-01/hostedzone/Z") || !strings.Contains(body, "<Name>clinic.test.</Name>") || strings.Contains(body, "<Location>") {
		t.Fatalf("%d %s %s", status, body, location)
	}
	zone := location[strings.Index(location, "/2013"):]
	change := func(action string) string {
		return `<ChangeResourceRecordSetsRequest` + namespace + `><ChangeBatch><Changes><Change><Action>` + action + `</Action><ResourceRecordSet><Name>*.clinic.test</Name><Type>A</Type><TTL>60</TTL>` +
			`<ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord><ResourceRecord><Value>192.0.2.2</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`
	}
	for _, step := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", zone + "/rrset/", change("CREATE"), 200, "<Status>PENDING</Status>"},
		{"POST", zone + "/rrset/", change("CREATE"), 400, `<Code>InvalidChangeBatch</Code><Message>[Tried to create resource record set [name=&#39;\052.clinic.test.&#39;, type=&#39;A&#39;] but it already exists]</Message>`},
		{"GET", zone + "/rrset?name=%5C052.clinic.test&maxitems=1", "", 200, `<ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord><ResourceRecord><Value>192.0.2.2</Value></ResourceRecord></ResourceRecords>`},
		{"DELETE", zone, "", 400, "<Code>HostedZoneNotEmpty</Code>"},
		{"POST", zone + "/rrset/", change("DELETE"), 200, "<ChangeInfo>"},
		{"POST", zone + "/rrset/", strings.Replace(change("CREATE"), "TTL>", "Ttl>", 2), 400, "does not have the member Ttl"},
		{"POST", zone + "/rrset/", "<x", 400, "<Code>InvalidInput</Code>"},
		{"DELETE", zone, "", 200, "<ChangeInfo>"},
		{"GET", zone, "", 404, "<Code>NoSuchHostedZone</Code>"},
	} {
		if status, body, _ := send("route53", step.method, step.path, step.body); status != step.status || !strings.Contains(body, step.want) {
			t.Errorf("%s %s: %d %s, want %s", step.method, step.path, status, body, step.want)
		}
	}

	if status, body, _ := send("s3", "PUT", "/trust", ""); status != 200 || body != "" {
		t.Errorf("%d %s", status, body)
	}
	// In chunks, as SDKs send it, to the bucket's own host.
	if status, body, _ := send("s3", "PUT", "/a/b.pem", "5;chunk-signature=0\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "Host: trust.localhost", "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		"Content-Encoding: aws-chunked", "Content-Type: text/plain"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if status, body, header := send("s3", "GET", "/trust/a/b.pem", ""); status != 200 || body != "hello world" || header.Get("Content-Type") != "text/plain" {
		t.Errorf("%d %s %v", status, body, header)
	}
	if status, body, _ := send("s3", "GET", "/trust?list-type=2&prefix=a/", ""); status != 200 || !strings.Contains(body, "<Contents><Key>a/b.pem</Key>") {
		t.Errorf("%d %s", status, body)
	}
	if status, body, _ := send("s3", "GET", "/trust/none", ""); status != 404 || !strings.Contains(body, "<Error><Code>NoSuchKey</Code>") {
		t.Errorf("%d %s", status, body)
	}
}
