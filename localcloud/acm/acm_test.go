package acm_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/acm"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/route53"
	"github.com/carepath/carepath/localcloud/store"
)

type world struct {
	*testing.T
	d     *dispatch.Dispatcher
	clock *clock.Driven
	zone  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, clock: clock.NewDriven(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))}
	w.d = dispatch.New(w.clock, "000000000000", "us-east-1")
	s := store.Memory()
	if _, err := acm.New(w.d, s); err != nil {
		t.Fatal(err)
	}
	if _, err := route53.New(w.d, s); err != nil {
		t.Fatal(err)
	}
	w.zone = do[route53.CreateHostedZoneOutput](w, "route53", "CreateHostedZone", &route53.CreateHostedZoneInput{Name: "example.com", CallerReference: "1"}).HostedZone.ID
	return w
}

func do[Out any](w *world, service, action string, in any) *Out {
	w.Helper()
	out, err := dispatch.Do[Out](context.Background(), w.d, w.d.Root(), service, action, in)
	if err != nil {
		w.Fatalf("%s:%s: %v", service, action, err)
	}
	return out
}

func (w *world) request(names ...string) string {
	w.Helper()
	return do[acm.RequestCertificateOutput](w, "acm", "RequestCertificate", &acm.RequestCertificateInput{DomainName: names[0], SubjectAlternativeNames: names[1:], ValidationMethod: "DNS", KeyAlgorithm: "EC_prime256v1"}).CertificateArn
}

func (w *world) detail(arn string) acm.CertificateDetail {
	w.Helper()
	return do[acm.DescribeCertificateOutput](w, "acm", "DescribeCertificate", &acm.CertificateInput{CertificateArn: arn}).Certificate
}

// record makes or deletes the record that proves a name.
func (w *world) record(action string, o acm.DomainValidation, value string) {
	w.Helper()
	set := route53.ResourceRecordSet{Name: o.ResourceRecord.Name, Type: "CNAME", TTL: new(int64(60)), ResourceRecords: []route53.ResourceRecord{{Value: value}}}
	do[route53.ChangeOutput](w, "route53", "ChangeResourceRecordSets", &route53.ChangeResourceRecordSetsInput{HostedZoneID: w.zone,
		ChangeBatch: route53.ChangeBatch{Changes: []route53.Change{{Action: action, ResourceRecordSet: set}}}})
}

// TestValidation follows a certificate from its request to its end.
func TestValidation(t *testing.T) {
	w := newWorld(t)
	arn := w.request("api.example.com", "*.api.example.com", "example.com")
	d := w.detail(arn)
	if d.Status != "PENDING_VALIDATION" || len(d.DomainValidationOptions) != 3 || d.NotAfter != nil {
		t.Fatalf("%+v", d)
	}
	if a, b := d.DomainValidationOptions[0].ResourceRecord, d.DomainValidationOptions[1].ResourceRecord; *a != *b {
		t.Errorf("a domain and its wildcard are to have one record: %v, %v", a, b)
	}
	w.record("UPSERT", d.DomainValidationOptions[0], "_0.wrong.acm-validations.aws.")
	w.record("UPSERT", d.DomainValidationOptions[2], d.DomainValidationOptions[2].ResourceRecord.Value)
	if d = w.detail(arn); d.Status != "PENDING_VALIDATION" || d.DomainValidationOptions[0].ValidationStatus != "PENDING_VALIDATION" || d.DomainValidationOptions[2].ValidationStatus != "SUCCESS" {
		t.Fatalf("with a wrong record: %+v", d)
	}
	if _, err := w.d.Do(context.Background(), w.d.Root(), "acm", "GetCertificate", &acm.CertificateInput{CertificateArn: arn}); dispatch.AsError(err).Code != "RequestInProgressException" {
		t.Error(err)
	}
	w.record("UPSERT", d.DomainValidationOptions[0], strings.ToUpper(d.DomainValidationOptions[0].ResourceRecord.Value))
	w.clock.Advance(time.Minute) // ACM looks by itself
	d = w.detail(arn)
	if d.Status != "ISSUED" || !d.IssuedAt.Equal(w.clock.Now()) || d.NotAfter.Sub(d.NotBefore.Time) != 395*24*time.Hour {
		t.Fatalf("%+v", d)
	}
	got := do[acm.GetCertificateOutput](w, "acm", "GetCertificate", &acm.CertificateInput{CertificateArn: arn})
	block, _ := pem.Decode([]byte(got.Certificate))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(got.CertificateChain))
	for _, name := range []string{"api.example.com", "x.api.example.com", "example.com"} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: w.clock.Now()}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	// It is renewed while its records are there, and ends when they are not.
	w.clock.Advance(340 * 24 * time.Hour)
	renewed := w.detail(arn)
	if renewed.Serial == d.Serial || !renewed.NotAfter.After(d.NotAfter.Time) || renewed.Status != "ISSUED" {
		t.Errorf("renewed: %+v", renewed)
	}
	w.record("DELETE", d.DomainValidationOptions[2], d.DomainValidationOptions[2].ResourceRecord.Value)
	w.clock.Advance(400 * 24 * time.Hour)
	if d = w.detail(arn); d.Status != "EXPIRED" {
		t.Errorf("%+v", d)
	}
}

func TestRequestsTimeOut(t *testing.T) {
	w := newWorld(t)
	arn := w.request("api.example.com")
	w.clock.Advance(71 * time.Hour)
	if s := w.detail(arn).Status; s != "PENDING_VALIDATION" {
		t.Error(s)
	}
	w.clock.Advance(2 * time.Hour)
	d := w.detail(arn)
	if d.Status != "VALIDATION_TIMED_OUT" || d.DomainValidationOptions[0].ValidationStatus != "FAILED" {
		t.Errorf("%+v", d)
	}
	w.record("UPSERT", d.DomainValidationOptions[0], d.DomainValidationOptions[0].ResourceRecord.Value)
	if s := w.detail(arn).Status; s != "VALIDATION_TIMED_OUT" {
		t.Errorf("a record that came too late: %s", s)
	}
	do[acm.Empty](w, "acm", "DeleteCertificate", &acm.CertificateInput{CertificateArn: arn})
	if w.clock.Next() {
		t.Error("ACM still looks though nothing is pending")
	}
}

func TestRequestsAreChecked(t *testing.T) {
	w := newWorld(t)
	for want, in := range map[string]acm.RequestCertificateInput{
		"ValidationException: 1 validation error detected: Value 'a b' at 'domainName'": {DomainName: "a b", ValidationMethod: "DNS"},
		"Value 'localhost' at 'domainName'":                                             {DomainName: "localhost", ValidationMethod: "DNS"},
		"Value '*.*.example.com' at 'subjectAlternativeNames'":                          {DomainName: "example.com", SubjectAlternativeNames: []string{"*.*.example.com"}, ValidationMethod: "DNS"},
		"the validation method DNS only, not \"\"":                                      {DomainName: "example.com"},
		"Member must satisfy enum value set: [DNS, EMAIL, HTTP]":                        {DomainName: "example.com", ValidationMethod: "PHONE"},
		"the key algorithm RSA_512 is not one of those":                                 {DomainName: "example.com", ValidationMethod: "DNS", KeyAlgorithm: "RSA_512"},
		"LimitExceededException":                                                        {DomainName: "example.com", ValidationMethod: "DNS", SubjectAlternativeNames: strings.Split("a.bb,c.dd,e.ff,g.hh,i.jj,k.ll,m.nn,o.pp,q.rr,s.tt", ",")},
		"does not emulate the export":                                                   {DomainName: "example.com", ValidationMethod: "DNS", Options: &acm.Options{Export: "ENABLED"}},
	} {
		_, err := w.d.Do(context.Background(), w.d.Root(), "acm", "RequestCertificate", &in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	in := &acm.RequestCertificateInput{DomainName: "example.com", ValidationMethod: "DNS", IdempotencyToken: "t"}
	first, again := do[acm.RequestCertificateOutput](w, "acm", "RequestCertificate", in), do[acm.RequestCertificateOutput](w, "acm", "RequestCertificate", in)
	if first.CertificateArn != again.CertificateArn {
		t.Error("a repeated request makes another certificate")
	}
	w.request("example.com")
	for want, in := range map[int]*acm.ListCertificatesInput{1: {}, 2: {Includes: &acm.Filters{KeyTypes: []string{"RSA_2048", "EC_prime256v1"}}}, 0: {CertificateStatuses: []string{"ISSUED"}}} {
		if got := do[acm.ListCertificatesOutput](w, "acm", "ListCertificates", in).CertificateSummaryList; len(got) != want {
			t.Errorf("%+v lists %d, want %d", in, len(got), want)
		}
	}
	tags := &acm.TagsInput{CertificateArn: first.CertificateArn, Tags: []acm.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}}
	do[acm.Empty](w, "acm", "AddTagsToCertificate", tags)
	do[acm.Empty](w, "acm", "RemoveTagsFromCertificate", &acm.TagsInput{CertificateArn: first.CertificateArn, Tags: []acm.Tag{{Key: "a"}, {Key: "b", Value: "3"}}})
	if got := do[acm.TagsOutput](w, "acm", "ListTagsForCertificate", &acm.CertificateInput{CertificateArn: first.CertificateArn}).Tags; len(got) != 1 || got[0] != (acm.Tag{Key: "b", Value: "2"}) {
		t.Errorf("%v", got)
	}
}
