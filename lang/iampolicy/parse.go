package iampolicy

import (
	"regexp"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// Use is what a policy is attached to; it decides which elements a policy must and must not have.
type Use uint8

// The uses of a policy.
const (
	Identity Use = iota // a role's inline or managed policy
	Resource            // a policy on a queue, a key, a function...
	Trust               // a role's trust policy (AssumeRolePolicyDocument)
)

// Parse reads and compiles a policy document. Its errors are *Error.
func Parse(document []byte) (*Policy, error) {
	value, err := jsonvalue.Parse(document)
	if err != nil {
		return nil, malformed("The policy is not in the valid JSON format.")
	}
	object, ok := value.(*jsonvalue.Object)
	if !ok {
		return nil, malformed("Syntax errors in policy.")
	}
	variables, p := false, &Policy{}
	var statements []any
	for name, v := range object.All() {
		text, isText := v.(string)
		switch name {
		case "Version":
			if !isText || text != "2012-10-17" && text != "2008-10-17" {
				return nil, malformed("Syntax errors in policy.")
			}
			variables = text == "2012-10-17"
		case "Id":
			if !isText {
				return nil, malformed("Syntax errors in policy.")
			}
		case "Statement":
			statements = list(v)
		default:
			return nil, malformed("Syntax errors in policy.")
		}
	}
	if len(statements) == 0 {
		return nil, malformed("Syntax errors in policy.")
	}
	sids := map[string]bool{}
	for _, v := range statements {
		o, ok := v.(*jsonvalue.Object)
		if !ok {
			return nil, malformed("Syntax errors in policy.")
		}
		s, err := parseStatement(o, variables)
		if err != nil {
			return nil, err
		}
		if s.sid != "" && sids[s.sid] {
			return nil, malformed("Statement IDs (SID) in a single policy must be unique.")
		}
		sids[s.sid] = true
		p.statements = append(p.statements, s)
	}
	return p, nil
}

// list is an element that may be written as one value or as an array.
func list(v any) []any {
	if a, ok := v.(*jsonvalue.Array); ok {
		return a.Items
	}
	return []any{v}
}

func texts(v any) ([]string, bool) {
	var all []string
	for _, item := range list(v) {
		text, ok := item.(string)
		if !ok {
			return nil, false
		}
		all = append(all, text)
	}
	return all, true
}

func parseStatement(o *jsonvalue.Object, variables bool) (s statement, err error) {
	effect := false
	for name, v := range o.All() {
		switch name {
		case "Sid":
			var ok bool
			if s.sid, ok = v.(string); !ok {
				return s, malformed("Syntax errors in policy.")
			}
		case "Effect":
			if v != "Allow" && v != "Deny" {
				return s, malformed("Syntax errors in policy.")
			}
			s.deny, effect = v == "Deny", true
		case "Action", "NotAction":
			if s.actions != nil {
				return s, malformed("Syntax errors in policy.")
			}
			s.notAction = name == "NotAction"
			err = s.parseActions(v)
		case "Resource", "NotResource":
			if s.resources != nil {
				return s, malformed("Syntax errors in policy.")
			}
			s.notResource = name == "NotResource"
			err = s.parseResources(v, variables)
		case "Principal", "NotPrincipal":
			if s.principal != nil {
				return s, malformed("Syntax errors in policy.")
			}
			s.notPrincipal = name == "NotPrincipal"
			s.principal, err = parsePrincipals(v)
		case "Condition":
			s.conditions, err = parseConditions(v, variables)
		default:
			return s, malformed("Syntax errors in policy.")
		}
		if err != nil {
			return s, err
		}
	}
	switch {
	case !effect:
		return s, malformed("Missing required field Effect")
	case len(s.actions) == 0:
		return s, malformed("Policy statement must contain actions.")
	case s.notPrincipal && !s.deny:
		return s, malformed("Allow with NotPrincipal is not allowed.")
	}
	return s, nil
}

var actionName = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$`)

func (s *statement) parseActions(v any) error {
	all, ok := texts(v)
	if !ok {
		return malformed("Syntax errors in policy.")
	}
	s.actionTexts = all
	for _, text := range all {
		if text != "*" && !actionName.MatchString(text) {
			if !strings.Contains(text, ":") {
				return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			}
			return malformed("The action %q is not one: it must be a service's name, a colon and an action's name.", text)
		}
		p, err := compile(text, true, false)
		if err != nil {
			return err
		}
		s.actions = append(s.actions, p)
	}
	return nil
}

func (s *statement) parseResources(v any, variables bool) error {
	all, ok := texts(v)
	if !ok {
		return malformed("Syntax errors in policy.")
	}
	s.resources = []pattern{}
	for _, text := range all {
		if !strings.HasPrefix(text, "*") && !strings.HasPrefix(text, "${") {
			parts := strings.SplitN(text, ":", 6)
			if len(parts) < 6 && !strings.HasSuffix(text, "*") || parts[0] != "arn" && !strings.HasPrefix(text, "arn*") {
				return malformed("Resource %s must be in ARN format or \"*\".", text)
			}
			if len(parts) > 1 && !strings.ContainsAny(parts[1], "*?$") && parts[1] != "aws" && parts[1] != "aws-cn" && parts[1] != "aws-us-gov" {
				return malformed("Partition %q is not valid for resource %q.", parts[1], text)
			}
		}
		p, err := compile(text, true, variables)
		if err != nil {
			return err
		}
		s.resources = append(s.resources, p)
	}
	return nil
}

var (
	accountID    = regexp.MustCompile(`^[0-9]{12}$`)
	principalARN = regexp.MustCompile(`^arn:aws[a-z-]*:(iam|sts)::([0-9]{12}):(root|(?:role|user|assumed-role|federated-user)/.+)$`)
	serviceName  = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?$`)
)

func parsePrincipals(v any) (*principals, error) {
	p := &principals{}
	if text, ok := v.(string); ok {
		if text != "*" {
			return nil, malformed("Invalid principal in policy: %q", text)
		}
		p.everyone = true
		return p, nil
	}
	o, ok := v.(*jsonvalue.Object)
	if !ok || o.Len() == 0 {
		return nil, malformed("Syntax errors in policy.")
	}
	for kind, v := range o.All() {
		all, ok := texts(v)
		if !ok {
			return nil, malformed("Syntax errors in policy.")
		}
		for _, text := range all {
			invalid := malformed("Invalid principal in policy: %q:%q", kind, text)
			switch kind {
			case "AWS":
				arn := principalARN.FindStringSubmatch(text)
				switch {
				case text == "*":
					p.everyone = true
				case accountID.MatchString(text):
					p.accounts = append(p.accounts, text)
				case arn == nil || strings.ContainsAny(text, "*?"):
					return nil, invalid
				case arn[3] == "root":
					p.accounts = append(p.accounts, arn[2])
				default:
					p.arns = append(p.arns, text)
				}
			case "Service":
				if !serviceName.MatchString(text) {
					return nil, invalid
				}
				p.services = append(p.services, text)
			case "Federated":
				p.federated = append(p.federated, text)
			case "CanonicalUser": // valid; nobody here is one
			default:
				return nil, invalid
			}
		}
	}
	return p, nil
}

func parseConditions(v any, variables bool) ([]condition, error) {
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		return nil, malformed("Syntax errors in policy.")
	}
	var all []condition
	for operator, v := range o.All() {
		keys, ok := v.(*jsonvalue.Object)
		if !ok {
			return nil, malformed("Syntax errors in policy.")
		}
		for key, v := range keys.All() {
			var values []string
			for _, item := range list(v) {
				switch item := item.(type) {
				case string:
					values = append(values, item)
				case bool:
					values = append(values, map[bool]string{true: "true", false: "false"}[item])
				case jsonvalue.Number:
					values = append(values, string(item))
				default:
					return nil, malformed("Syntax errors in policy.")
				}
			}
			c, err := newCondition(operator, key, values, variables)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// ValidFor says whether the policy has the elements that its use asks for; its error is an *Error with AWS's text.
func (p *Policy) ValidFor(use Use) error {
	for i := range p.statements {
		s := &p.statements[i]
		switch {
		case use == Identity && s.principal != nil:
			return malformed("Policy document should not specify a principal.")
		case use != Identity && s.principal == nil:
			return malformed("Missing required field Principal")
		case use == Trust && s.resources != nil:
			return malformed("Has prohibited field Resource")
		case use != Trust && len(s.resources) == 0:
			return malformed("Policy statement must contain resources.")
		}
		if use != Trust {
			if use == Identity && !plainSID.MatchString(s.sid) {
				return malformed("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
			}
			continue
		}
		for _, action := range s.actionTexts {
			if service, _, _ := strings.Cut(action, ":"); !strings.EqualFold(service, "sts") {
				return malformed("AssumeRole policy may only specify STS AssumeRole actions.")
			}
		}
	}
	return nil
}

var plainSID = regexp.MustCompile(`^[0-9A-Za-z]*$`)
