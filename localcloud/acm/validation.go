package acm

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/route53"
)

// recordFor is the record that proves who has a domain. It depends on the account and the domain only, so that it need not
// change for the next certificate, and a domain and its wildcard have the same, as with AWS.
func (s *Service) recordFor(name string) ResourceRecord {
	name = strings.TrimPrefix(name, "*.")
	sum := sha256.Sum256([]byte(s.d.Account + " " + name))
	var tail strings.Builder
	for _, b := range sum[22:32] {
		tail.WriteByte('a' + b%26)
	}
	again := sha256.Sum256(sum[:])
	return ResourceRecord{Name: "_" + hex.EncodeToString(sum[:16]) + "." + name + ".", Type: "CNAME",
		Value: "_" + hex.EncodeToString(again[:16]) + "." + tail.String() + ".acm-validations.aws."}
}

// watch sees to it that pending certificates are looked at. The caller holds s.mu.
func (s *Service) watch() {
	if s.watching != nil || s.closed {
		return
	}
	pending := false
	for _, c := range s.certificates.All() {
		pending = pending || c.Status == "PENDING_VALIDATION"
	}
	if !pending {
		return
	}
	s.watching = s.d.Clock.AfterFunc(lookEvery, func() {
		for arn, c := range s.certificates.All() {
			if c.Status != "PENDING_VALIDATION" {
				continue
			}
			if _, err := s.current(context.Background(), arn); err != nil {
				s.d.Logf("ACM cannot look at the records of %s: %v", arn, err)
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watching = nil
		s.watch()
	})
}

// Close ends the looking at pending certificates; it goes on when the state is opened again.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.watching != nil {
		s.watching.Stop()
	}
}

// current returns a certificate as it is now: its records are looked at, what has expired is so, what is due is renewed.
// ACM looks every now and then; whoever asks here has the answer of that moment.
func (s *Service) current(ctx context.Context, arn string) (*certificate, error) {
	c, err := s.certificate(arn)
	if err != nil {
		return nil, err
	}
	now := s.d.Clock.Now()
	pending := c.Status == "PENDING_VALIDATION"
	if renewing := c.Status == "ISSUED" && now.After(c.NotAfter.Add(-renewalTime)); !pending && !renewing {
		return c, nil
	}
	found := map[string]bool{}
	for _, name := range c.Names {
		record := s.recordFor(name)
		answer, err := dispatch.Do[route53.ResolveOutput](ctx, s.d, s.self(), "route53", "Resolve", &route53.ResolveInput{Name: record.Name, Type: record.Type})
		var apiErr *dispatch.Error
		if errors.As(err, &apiErr) && apiErr.Code == "UnknownOperationException" {
			return c, nil // an embedded AWS without Route 53
		}
		if err != nil {
			return nil, fmt.Errorf("looking at the record %s: %w", record.Name, err)
		}
		found[name] = slices.ContainsFunc(answer.Values, func(v string) bool {
			return strings.EqualFold(strings.TrimSuffix(v, "."), strings.TrimSuffix(record.Value, "."))
		})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, err = s.certificate(arn); err != nil {
		return nil, err
	}
	all := !slices.ContainsFunc(c.Names, func(name string) bool { return !found[name] })
	next := *c
	next.Validated = maps.Clone(c.Validated)
	switch {
	case c.Status == "PENDING_VALIDATION":
		for name, ok := range found {
			next.Validated[name] = c.Validated[name] || ok
		}
		if !slices.ContainsFunc(c.Names, func(name string) bool { return !next.Validated[name] }) {
			next.issue(now)
		} else if now.Sub(c.Created) >= validationTime {
			next.Status = "VALIDATION_TIMED_OUT"
		}
	case c.Status == "ISSUED" && all:
		next.issue(now)
	case c.Status == "ISSUED" && now.After(c.NotAfter):
		next.Status = "EXPIRED"
	}
	if next.Status == c.Status && next.Serial == c.Serial && maps.Equal(next.Validated, c.Validated) {
		return c, nil
	}
	return &next, s.certificates.Put(c.ARN, &next)
}

// issue makes the certificate a valid one. Its key is made when somebody wants it.
func (c *certificate) issue(now time.Time) {
	var serial [16]byte
	rand.Read(serial[:]) // never fails, by its contract
	serial[0] &= 0x7f
	parts := make([]string, len(serial))
	for i, b := range serial {
		parts[i] = hex.EncodeToString([]byte{b})
	}
	c.Status, c.Serial, c.Material = "ISSUED", strings.Join(parts, ":"), nil
	c.NotBefore = now.Truncate(24 * time.Hour)
	c.NotAfter = c.NotBefore.Add(validity)
	if c.Issued.IsZero() {
		c.Issued = now
	}
}

// detail is what ACM tells of a certificate.
func (s *Service) detail(c *certificate, uses []string) CertificateDetail {
	at := func(t time.Time) *dispatch.Time {
		if t.IsZero() {
			return nil
		}
		return &dispatch.Time{Time: t}
	}
	d := CertificateDetail{CertificateArn: c.ARN, DomainName: c.Names[0], SubjectAlternativeNames: c.Names, Subject: "CN=" + c.Names[0],
		CreatedAt: dispatch.Time{Time: c.Created}, IssuedAt: at(c.Issued), Status: c.Status, NotBefore: at(c.NotBefore), NotAfter: at(c.NotAfter),
		KeyAlgorithm: strings.ReplaceAll(c.Algorithm, "_", "-"), SignatureAlgorithm: "SHA256WITHECDSA", Serial: c.Serial, InUseBy: uses, Type: "AMAZON_ISSUED",
		KeyUsages:         []KeyUsage{},
		ExtendedKeyUsages: []ExtendedKeyUsage{}, RenewalEligibility: "INELIGIBLE",
		Options: Options{CertificateTransparencyLoggingPreference: c.Logging, Export: "DISABLED"}}
	if c.Serial != "" {
		d.Issuer = issuer
		d.KeyUsages = []KeyUsage{{"DIGITAL_SIGNATURE"}, {"KEY_ENCIPHERMENT"}}
		d.ExtendedKeyUsages = []ExtendedKeyUsage{{"TLS_WEB_SERVER_AUTHENTICATION", "1.3.6.1.5.5.7.3.1"}, {"TLS_WEB_CLIENT_AUTHENTICATION", "1.3.6.1.5.5.7.3.2"}}
		if len(uses) > 0 {
			d.RenewalEligibility = "ELIGIBLE"
		}
	}
	for _, name := range c.Names {
		status := "PENDING_VALIDATION"
		if c.Validated[name] {
			status = "SUCCESS"
		} else if c.Status == "VALIDATION_TIMED_OUT" {
			status = "FAILED"
		}
		record := s.recordFor(name)
		d.DomainValidationOptions = append(d.DomainValidationOptions, DomainValidation{DomainName: name, ValidationDomain: name, ValidationStatus: status,
			ResourceRecord: &record, ValidationMethod: "DNS"})
	}
	return d
}
