package apigateway

import (
	"fmt"
	"strings"

	"github.com/carepath/carepath/lang/iampolicy"
)

// setPolicy gives an API its resource policy; empty takes it away.
func (a *apiRecord) setPolicy(document string) error {
	if document == "" {
		a.Policy = ""
		return nil
	}
	if _, err := iampolicy.Parse([]byte(expandPolicy(document, "us-east-1", "000000000000", a.ID))); err != nil {
		return badRequest("Invalid policy document. Please check the policy syntax and ensure that Principals are valid. %v", err)
	}
	a.Policy = document
	return nil
}

func parseAPIPolicy(document, region, account, api string) (*iampolicy.Policy, error) {
	policy, err := iampolicy.Parse([]byte(expandPolicy(document, region, account, api)))
	if err != nil {
		return nil, fmt.Errorf("reading the API's resource policy: %w", err)
	}
	return policy, nil
}

// expandPolicy writes "execute-api:/…" in full, as AWS does when a policy is put on an API.
func expandPolicy(document, region, account, api string) string {
	return strings.ReplaceAll(document, `"execute-api:/`, fmt.Sprintf(`"arn:aws:execute-api:%s:%s:%s/`, region, account, api))
}

// admits asks the API's resource policy whether an anonymous caller may make this request.
func (p *apiPlan) admits(resource, sourceIP string) (problem string) {
	if p.policy == nil {
		return ""
	}
	decision := p.policy.Evaluate(&iampolicy.Request{Action: "execute-api:Invoke", Resource: resource, Keys: []iampolicy.Key{{Name: "aws:SourceIp", Value: sourceIP}}})
	switch decision {
	case iampolicy.Allow:
		return ""
	case iampolicy.Deny:
		return "User: anonymous is not authorized to perform: execute-api:Invoke on resource: " + resource + " with an explicit deny"
	}
	return "User: anonymous is not authorized to perform: execute-api:Invoke on resource: " + resource
}
