package policies

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/carepath/carepath/deploy/graph"
)

// statement is one of an IAM policy document, its lists made lists. See
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
type statement struct {
	Sid        string
	Effect     string
	Actions    []string
	NotActions []string
	Resources  []string
	// Principals are "AWS:..." and the like; "*" is everybody.
	Principals   []string
	NotPrincipal bool
	Conditions   map[string]map[string][]string // by operator and key
}

// texts reads a text or a list of texts.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// document reads a policy.
func document(text string) ([]statement, error) {
	var from struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &from); err != nil {
		return nil, err
	}
	type written struct {
		Sid, Effect                 string
		Action, NotAction, Resource texts
		Principal, NotPrincipal     json.RawMessage
		Condition                   map[string]map[string]texts
	}
	var all []written
	if err := json.Unmarshal(from.Statement, &all); err != nil {
		var one written
		if json.Unmarshal(from.Statement, &one) != nil {
			return nil, err
		}
		all = []written{one}
	}
	var statements []statement
	for _, w := range all {
		s := statement{
			Sid: w.Sid, Effect: w.Effect, Actions: w.Action, NotActions: w.NotAction, Resources: w.Resource, NotPrincipal: w.NotPrincipal != nil,
			Conditions: map[string]map[string][]string{},
		}
		for operator, keys := range w.Condition {
			s.Conditions[operator] = map[string][]string{}
			for name, values := range keys {
				s.Conditions[operator][name] = values
			}
		}
		var err error
		if s.Principals, err = principals(w.Principal); err != nil {
			return nil, err
		}
		statements = append(statements, s)
	}
	return statements, nil
}

func principals(text json.RawMessage) ([]string, error) {
	if text == nil {
		return nil, nil
	}
	var everybody string
	if json.Unmarshal(text, &everybody) == nil {
		return []string{everybody}, nil
	}
	var byKind map[string]texts
	if err := json.Unmarshal(text, &byKind); err != nil {
		return nil, err
	}
	var all []string
	for kind, names := range byKind {
		for _, name := range names {
			if name == "*" {
				all = append(all, "*")
			} else {
				all = append(all, kind+":"+name)
			}
		}
	}
	slices.Sort(all)
	return all, nil
}

// keys are the condition keys, in lower case.
func (s *statement) keys() []string {
	var all []string
	for _, keys := range s.Conditions {
		for name := range keys {
			all = append(all, strings.ToLower(name))
		}
	}
	slices.Sort(all)
	return all
}

// label names the statement for people.
func (s *statement) label() string {
	if s.Sid != "" {
		return "the statement " + s.Sid
	}
	return "the statement of " + strings.Join(append(s.Actions, s.NotActions...), ", ")
}

// policy is where a document stands.
type policy struct {
	owner *graph.Resource
	path  string
}

// identityPolicies say what their holders may do.
func (c *check) identityPolicies() []policy {
	var all []policy
	for _, token := range []string{"aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy", "aws:iam/userPolicy:UserPolicy", "aws:iam/groupPolicy:GroupPolicy"} {
		for _, r := range c.Of(token) {
			all = append(all, policy{r, "policy"})
		}
	}
	for _, r := range c.Of("aws:iam/role:Role") {
		inline, _ := r.Value("inlinePolicies")
		if !inline.IsArray() {
			continue
		}
		for i := range inline.ArrayValue() {
			all = append(all, policy{r, fmt.Sprintf("inlinePolicies[%d].policy", i)})
		}
	}
	return all
}

// resourcePolicies say who may use a resource; by type, the inputs that hold them.
var resourcePolicies = []struct{ token, path string }{
	{queue, "policy"}, {"aws:sqs/queuePolicy:QueuePolicy", "policy"},
	{"aws:sns/topic:Topic", "policy"}, {"aws:sns/topicPolicy:TopicPolicy", "policy"},
	{"aws:cloudwatch/eventBusPolicy:EventBusPolicy", "policy"},
	{"aws:s3/bucketV2:BucketV2", "policy"}, {"aws:s3/bucket:Bucket", "policy"}, {"aws:s3/bucketPolicy:BucketPolicy", "policy"},
	{key, "policy"}, {"aws:kms/keyPolicy:KeyPolicy", "policy"},
	{"aws:secretsmanager/secret:Secret", "policy"}, {"aws:secretsmanager/secretPolicy:SecretPolicy", "policy"},
	{"aws:dynamodb/resourcePolicy:ResourcePolicy", "policy"}, {"aws:schemas/registryPolicy:RegistryPolicy", "policy"},
	{"aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "policyDocument"},
	{"aws:apigateway/restApi:RestApi", "policy"},
}

func (c *check) resourcePolicies() []policy {
	var all []policy
	for _, p := range resourcePolicies {
		for _, r := range c.Of(p.token) {
			if _, has := r.Value(p.path); has {
				all = append(all, policy{r, p.path})
			}
		}
	}
	return all
}

// statements reads a document; one that cannot be read is a finding: nobody knows what it allows.
func (c *check) statements(p policy) []statement {
	all, err := document(p.owner.Text(p.path))
	if err != nil {
		c.found(p.owner, "%s cannot be read without live data, so nobody knows what it allows", p.path)
	}
	return all
}
