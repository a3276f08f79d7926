package deploy

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/carepath/carepath/deploy/policies"
	"github.com/carepath/carepath/platform"
)

// The stack has no engine: whoever calls one fails the test.
func TestUpRefusesWhatIsAgainstThePolicies(t *testing.T) {
	finding := policies.Finding{Rule: "CPK-KMS-001", Type: "aws:sqs/queue:Queue", Name: "plain", Problem: "no key", Mend: "give it one"}
	for name, test := range map[string]struct {
		report *policies.Report
		want   []string
	}{
		"a finding": {&policies.Report{Findings: []policies.Finding{finding}},
			[]string{"nothing was changed", "CPK-KMS-001: aws:sqs/queue:Queue plain: no key", "→ give it one", "carepath policy explain CPK-KMS-001", "Pulumi.dev.yaml"}},
		"an exception that is over": {&policies.Report{Expired: []platform.Suppression{{Rule: "CPK-KMS-001", Resource: "plain", Reason: "It is empty.", Until: "2026-01-31"}}},
			[]string{"the exception from CPK-KMS-001 for plain ended on 2026-01-31", "give them a later day"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Stack{name: "dev", policies: test.report}
			_, upErr := s.Up(context.Background(), UpOptions{})
			_, planErr := s.Preview(context.Background(), PreviewOptions{Out: "plan.json"})
			for what, err := range map[string]error{"up": upErr, "preview --out": planErr, "preview": (&Result{Stack: "dev", Policies: test.report}).Refused()} {
				var e *Error
				if !errors.As(err, &e) || e.Code != CodeRefused || len(e.Policies) != len(test.report.Findings) {
					t.Fatalf("%s: got %v", what, err)
				}
				for _, text := range test.want {
					if !strings.Contains(e.Error(), text) {
						t.Errorf("%s: %q is not in %s", what, text, e)
					}
				}
			}
			if page := (&Result{Stack: "dev", Policies: test.report}).Markdown(CommentLimit); !strings.Contains(page, "CPK-KMS-001") || !strings.Contains(page, "will refuse this") {
				t.Errorf("the page does not say it: %s", page)
			}
		})
	}
}
