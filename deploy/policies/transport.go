package policies

import (
	"slices"
	"strings"

	"github.com/carepath/carepath/deploy/graph"
)

const hipaaTransmission = "HIPAA §164.312(e)(1)"

var transport = []Rule{
	{
		ID: "CPK-TLS-001", Title: "Domains speak TLS 1.2 at least", Mend: "set carepath:domain.securityPolicy to TLS_1_2",
		Reason:   "Older versions can be broken into.",
		Controls: []string{hipaaTransmission, "HIPAA §164.312(e)(2)(ii)"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if p := r.Text("securityPolicy"); p == "" || p == "TLS_1_0" {
					c.found(r, "its security policy is %q", p)
				}
			}, "aws:apigateway/domainName:DomainName")
		},
	},
	{
		ID: "CPK-TLS-002", Title: "Buckets refuse requests without TLS", Mend: `deny s3:* where aws:SecureTransport is "false" in the bucket's policy`,
		Reason:   "S3 answers plain HTTP unless a bucket's policy forbids it.",
		Controls: []string{hipaaTransmission, "AWS Security Hub S3.5", "CIS 2.1.1"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				// pulumi-awsx makes the policy of a trail's bucket itself, one that lets in nobody but CloudTrail, and a bucket has one.
				if len(c.about(r, "awsx:cloudtrail:Trail", "s3Bucket.existing.arn")) > 0 {
					return
				}
				policies := []policy{{r, "policy"}}
				for _, p := range c.about(r, "aws:s3/bucketPolicy:BucketPolicy", "bucket") {
					policies = append(policies, policy{p, "policy"})
				}
				if !slices.ContainsFunc(policies, refusesPlain) {
					c.found(r, "no policy denies requests without TLS")
				}
			}, buckets...)
		},
	},
	{
		ID: "CPK-TLS-003", Title: "Topics deliver over TLS", Mend: "subscribe with https, or a queue",
		Reason:   "What is delivered by http can be read on the way.",
		Controls: []string{hipaaTransmission},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if r.Text("protocol") == "http" {
					c.found(r, "it delivers by http")
				}
			}, "aws:sns/topicSubscription:TopicSubscription")
		},
	},
}

func refusesPlain(p policy) bool {
	all, err := document(p.owner.Text(p.path))
	return err == nil && slices.ContainsFunc(all, func(s statement) bool {
		whole := slices.Contains(s.Actions, "s3:*") || slices.Contains(s.Actions, "*")
		return s.Effect == "Deny" && whole && slices.Contains(s.Principals, "*") && slices.ContainsFunc(s.Conditions["Bool"]["aws:SecureTransport"], func(v string) bool {
			return strings.EqualFold(v, "false")
		})
	})
}
