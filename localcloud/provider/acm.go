package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
)

func acmTypes() []*resourceType {
	return []*resourceType{certificateType(), certificateValidationType()}
}

// algorithm is a key's algorithm in the name that ACM has for it in requests; its answers write it otherwise.
func algorithm(v any) any {
	s, _ := v.(string)
	return strings.Replace(s, "-", "_", 1)
}

func certificateType() *resourceType {
	const noImport, noMail = "certificates are requested, not imported", "certificates are validated by DNS"
	r := &resourceType{
		token: "aws:acm/certificate:Certificate",
		properties: append(tagProperties(),
			text("arn").output(),
			text("certificateAuthorityArn").refused("there are no private authorities"),
			text("certificateBody").refused(noImport), text("certificateChain").refused(noImport), text("privateKey").refused(noImport),
			text("domainName").orChosen().replaces().length(1, 253),
			list("domainValidationOptions", object("", text("domainName"), text("resourceRecordName"), text("resourceRecordType"), text("resourceRecordValue"))).output(),
			text("earlyRenewalDuration").refused("it is for private authorities"),
			text("keyAlgorithm").orChosen().replaces().oneOf("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"),
			text("notAfter").output(), text("notBefore").output(),
			object("options", text("certificateTransparencyLoggingPreference").defaults("ENABLED").oneOf("ENABLED", "DISABLED")).orChosen(),
			boolean("pendingRenewal").output(), text("renewalEligibility").output(),
			list("renewalSummaries", object("", text("renewalStatus"), text("renewalStatusReason"), text("updatedAt"))).output(),
			text("status").output(),
			set("subjectAlternativeNames", text("").length(1, 253)).orChosen().replaces(),
			text("type").output(), list("validationEmails", text("")).output(),
			text("validationMethod").orChosen().replaces().oneOf("EMAIL", "DNS"),
			set("validationOptions", object("", text("domainName").needed(), text("validationDomain").needed())).refused(noMail),
		),
		check: func(in props) []failure {
			if !in.has("domainName") {
				return []failure{{"domainName", "one of `certificateAuthorityArn,domainName,privateKey` must be specified"}}
			}
			return nil
		},
		read: readCertificate,
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		req := in.copied(props{}, "domainName", "DomainName", "keyAlgorithm", "KeyAlgorithm", "subjectAlternativeNames", "SubjectAlternativeNames", "validationMethod", "ValidationMethod")
		if in.has("options") {
			req["Options"] = transparency(in)
		}
		if tags := tagList(in["tagsAll"], "Key", "Value"); len(tags) > 0 {
			req["Tags"] = tags
		}
		out, err := c.do(ctx, "acm", "RequestCertificate", req)
		return out.text("CertificateArn"), err
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if ch.of("options") {
			if _, err := c.do(ctx, "acm", "UpdateCertificateOptions", props{"CertificateArn": ch.id, "Options": transparency(ch.wanted)}); err != nil {
				return err
			}
		}
		removed, added := ch.tags()
		if len(removed) > 0 {
			var keys []any
			for _, k := range removed {
				keys = append(keys, props{"Key": k})
			}
			if _, err := c.do(ctx, "acm", "RemoveTagsFromCertificate", props{"CertificateArn": ch.id, "Tags": keys}); err != nil {
				return err
			}
		}
		if len(added) == 0 {
			return nil
		}
		_, err := c.do(ctx, "acm", "AddTagsToCertificate", props{"CertificateArn": ch.id, "Tags": tagList(asAny(added), "Key", "Value")})
		return err
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "acm", "DeleteCertificate", props{"CertificateArn": id})
		return err
	}
	return r
}

// transparency are a certificate's options as the API has them.
func transparency(in props) props {
	return in.object("options").copied(props{}, "certificateTransparencyLoggingPreference", "CertificateTransparencyLoggingPreference")
}

func readCertificate(ctx context.Context, c *call, id string, state props) (props, error) {
	out, err := c.do(ctx, "acm", "DescribeCertificate", props{"CertificateArn": id})
	if err != nil {
		return nil, err
	}
	tags, err := c.do(ctx, "acm", "ListTagsForCertificate", props{"CertificateArn": id})
	if err != nil {
		return nil, err
	}
	d := out.object("Certificate")
	live := props{"arn": d["CertificateArn"], "domainName": d["DomainName"], "keyAlgorithm": algorithm(d["KeyAlgorithm"]), "notAfter": "", "notBefore": "",
		"options":        map[string]any(d.object("Options").copied(props{}, "CertificateTransparencyLoggingPreference", "certificateTransparencyLoggingPreference")),
		"pendingRenewal": false, "renewalEligibility": d["RenewalEligibility"], "renewalSummaries": []any{}, "status": d["Status"], "type": d["Type"],
		"validationEmails": []any{}, "validationMethod": "DNS", "tagsAll": tagMap(tags.objects("Tags"), "Key", "Value")}
	for property, member := range map[string]string{"notAfter": "NotAfter", "notBefore": "NotBefore"} {
		if d.has(member) {
			live[property] = date(d[member])
		}
	}
	// The domain name is among the alternative names whether the program repeats it or not.
	names := d.strings("SubjectAlternativeNames")
	if given := state.strings("subjectAlternativeNames"); len(given) > 0 && sameNames(append([]string{d.text("DomainName")}, given...), names) {
		names = given
	}
	live["subjectAlternativeNames"] = names
	var options []any
	for _, v := range d.objects("DomainValidationOptions") {
		options = append(options, map[string]any(v.object("ResourceRecord").copied(props{"domainName": v["DomainName"]},
			"Name", "resourceRecordName", "Type", "resourceRecordType", "Value", "resourceRecordValue")))
	}
	live["domainValidationOptions"] = options
	return live, nil
}

func sameNames(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// How long a certificate's validation is waited for, and how often it is looked at.
const (
	validationWait = 75 * time.Minute
	validationLook = time.Second
)

func certificateValidationType() *resourceType {
	return &resourceType{
		token: "aws:acm/certificateValidation:CertificateValidation",
		properties: []*property{
			text("certificateArn").needed().replaces().checked(isARN),
			set("validationRecordFqdns", text("")).kept().replaces(),
		},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			arn := in.text("certificateArn")
			d, err := describeCertificate(ctx, c, arn)
			if err != nil {
				return "", err
			}
			if err := checkFQDNs(d, in.strings("validationRecordFqdns")); err != nil {
				return "", err
			}
			deadline := c.d.Clock.Now().Add(validationWait)
			for d.text("Status") != "ISSUED" {
				if s := d.text("Status"); s != "PENDING_VALIDATION" {
					return "", fmt.Errorf("waiting for ACM Certificate (%s) to be issued: unexpected state '%s', wanted target 'ISSUED'", arn, s)
				}
				if c.d.Clock.Now().After(deadline) {
					return "", fmt.Errorf("waiting for ACM Certificate (%s) to be issued: timeout while waiting for state to become 'ISSUED' (last state: 'PENDING_VALIDATION', timeout: %s): "+
						"are the validation records in the zone that the domain has?", arn, validationWait)
				}
				if err := pause(ctx, c.d.Clock, validationLook); err != nil {
					return "", err
				}
				if d, err = describeCertificate(ctx, c, arn); err != nil {
					return "", err
				}
			}
			return fmt.Sprint(date(d["IssuedAt"])), nil
		},
		read: func(ctx context.Context, c *call, id string, state props) (props, error) {
			arn := state.text("certificateArn")
			if arn == "" {
				return nil, errors.New("a certificate validation cannot be imported")
			}
			d, err := describeCertificate(ctx, c, arn)
			if err != nil || d.text("Status") != "ISSUED" {
				return nil, err
			}
			return props{"certificateArn": arn}, nil
		},
		remove: func(context.Context, *call, string, props) error { return nil }, // there is nothing to take back
	}
}

func describeCertificate(ctx context.Context, c *call, arn string) (props, error) {
	out, err := c.do(ctx, "acm", "DescribeCertificate", props{"CertificateArn": arn})
	return out.object("Certificate"), err
}

// checkFQDNs holds the records that a program has made against those that ACM wants, if the program names them.
func checkFQDNs(d props, given []string) error {
	if len(given) == 0 {
		return nil
	}
	var missing []string
	for _, v := range d.objects("DomainValidationOptions") {
		name := strings.TrimSuffix(v.object("ResourceRecord").text("Name"), ".")
		if !slices.ContainsFunc(given, func(f string) bool { return strings.TrimSuffix(f, ".") == name }) {
			missing = append(missing, fmt.Sprintf("missing %s DNS validation record: %s", v.text("DomainName"), name))
		}
	}
	if missing != nil {
		return errors.New(strings.Join(missing, "\n"))
	}
	return nil
}

// pause waits by the embedded AWS's clock.
func pause(ctx context.Context, c clock.Clock, d time.Duration) error {
	done := make(chan struct{})
	defer c.AfterFunc(d, func() { close(done) }).Stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// getCertificateArguments are those of getCertificate.
func getCertificateArguments() []*property {
	return []*property{text("domain"), list("keyTypes", text("")), boolean("mostRecent"), list("statuses", text("")), stringMap("tags"), list("types", text(""))}
}

// getCertificate finds the one certificate that has all that is asked for; with mostRecent, the newest of them.
func getCertificate(ctx context.Context, d *dispatch.Dispatcher, in props) (props, error) {
	c := &call{d: d}
	if in.text("domain") == "" && in["tags"] == nil {
		return nil, errors.New("at least one of domain and tags must be set")
	}
	req := props{"CertificateStatuses": []string{"ISSUED"}, "SortBy": "CREATED_AT", "SortOrder": "DESCENDING"}
	if s := in.strings("statuses"); len(s) > 0 {
		req["CertificateStatuses"] = s
	}
	if k := in.strings("keyTypes"); len(k) > 0 {
		req["Includes"] = props{"keyTypes": k}
	}
	all, err := c.all(ctx, "acm", "ListCertificates", req, "CertificateSummaryList", "NextToken", "NextToken")
	if err != nil {
		return nil, err
	}
	var found []props
	for _, s := range all {
		if in.has("domain") && s.text("DomainName") != in.text("domain") || len(in.strings("types")) > 0 && !slices.Contains(in.strings("types"), s.text("Type")) {
			continue
		}
		tags, err := c.do(ctx, "acm", "ListTagsForCertificate", props{"CertificateArn": s["CertificateArn"]})
		if err != nil {
			return nil, err
		}
		has := tagMap(tags.objects("Tags"), "Key", "Value")
		if slices.ContainsFunc(sortedKeys(asObject(in["tags"])), func(k string) bool { return has[k] != asObject(in["tags"])[k] }) {
			continue
		}
		arn := s.text("CertificateArn")
		found = append(found, props{"arn": arn, "id": arn, "domain": s["DomainName"], "status": s["Status"], "tags": has, "certificate": "", "certificateChain": ""})
	}
	switch {
	case len(found) == 0:
		return nil, errors.New("no ACM Certificate matching domain (" + in.text("domain") + ") found")
	case len(found) > 1 && !in.boolean("mostRecent"):
		return nil, errors.New("multiple ACM Certificates matching domain (" + in.text("domain") + "): set mostRecent to take the newest")
	}
	out := in.copied(found[0], "keyTypes", "keyTypes", "mostRecent", "mostRecent", "statuses", "statuses", "types", "types")
	if out.text("status") == "ISSUED" {
		pem, err := c.do(ctx, "acm", "GetCertificate", props{"CertificateArn": out["arn"]})
		if err != nil {
			return nil, err
		}
		out["certificate"], out["certificateChain"] = pem["Certificate"], pem["CertificateChain"]
	}
	return out, nil
}
