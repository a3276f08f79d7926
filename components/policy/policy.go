// Package policy writes IAM policy documents whose ARNs may not be known yet.
//
// The text is canonical: the same statements give the same bytes, so that a policy changes only when its meaning does.
package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Statement allows actions, or denies them. See
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html.
type Statement struct {
	// Sid names the statement; optional.
	Sid string
	// Deny refuses the actions, whatever else allows them.
	Deny bool
	// Principal is whom a resource policy or a trust policy is about: {"Service": "lambda.amazonaws.com"}, or {"AWS": "*"}.
	// Identity policies have none.
	Principal map[string]string
	// Actions are what is allowed or denied, such as "sqs:SendMessage".
	Actions []string
	// Resources are the ARNs on which; trust policies have none.
	Resources []pulumi.StringInput
	// Conditions are by operator and condition key. A condition holds if the key has one of the values.
	Conditions []Condition
}

// Condition restricts a statement.
type Condition struct {
	Operator string // such as "ArnLike"
	Key      string // such as "aws:SourceArn"
	Values   []pulumi.StringInput
}

// ARNs makes a list of resources.
func ARNs(arns ...pulumi.StringInput) []pulumi.StringInput { return arns }

type statementJSON struct {
	Sid       string                         `json:"Sid,omitempty"`
	Effect    string                         `json:"Effect"`
	Principal map[string]string              `json:"Principal,omitempty"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource,omitempty"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

// Document returns the policy of the statements as JSON text. Actions, resources and condition values are sorted and
// each is named once; the statements keep their order.
func Document(statements ...Statement) pulumi.StringOutput {
	var inputs []any
	for _, s := range statements {
		for _, r := range s.Resources {
			inputs = append(inputs, r)
		}
		for _, c := range s.Conditions {
			for _, v := range c.Values {
				inputs = append(inputs, v)
			}
		}
	}
	return pulumi.All(inputs...).ApplyT(func(values []any) (string, error) {
		next := func(n int) ([]string, error) {
			texts := make([]string, n)
			for i := range texts {
				text, ok := values[i].(string)
				if !ok {
					return nil, fmt.Errorf("a policy's resource or condition value is a %T, not a string", values[i])
				}
				texts[i] = text
			}
			values = values[n:]
			return sorted(texts), nil
		}
		document := struct {
			Version   string
			Statement []statementJSON
		}{"2012-10-17", []statementJSON{}}
		for _, s := range statements {
			out := statementJSON{Sid: s.Sid, Effect: "Allow", Principal: s.Principal, Action: sorted(s.Actions)}
			if s.Deny {
				out.Effect = "Deny"
			}
			var err error
			if out.Resource, err = next(len(s.Resources)); err != nil {
				return "", err
			}
			for _, c := range s.Conditions {
				if out.Condition == nil {
					out.Condition = map[string]map[string][]string{}
				}
				if out.Condition[c.Operator] == nil {
					out.Condition[c.Operator] = map[string][]string{}
				}
				if out.Condition[c.Operator][c.Key], err = next(len(c.Values)); err != nil {
					return "", err
				}
			}
			document.Statement = append(document.Statement, out)
		}
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(document); err != nil {
			return "", fmt.Errorf("writing an IAM policy: %w", err)
		}
		return strings.TrimSuffix(text.String(), "\n"), nil
	}).(pulumi.StringOutput)
}

// Trust returns the trust policy that lets a service assume a role, under the conditions.
func Trust(service string, conditions ...Condition) pulumi.StringOutput {
	return Document(Statement{
		Principal: map[string]string{"Service": service}, Actions: []string{"sts:AssumeRole"}, Conditions: conditions,
	})
}

// ARNPart returns one of the colon-separated parts of an ARN: 1 is the partition, 3 the region, 4 the account.
func ARNPart(arn pulumi.StringInput, part int) pulumi.StringOutput {
	return arn.ToStringOutput().ApplyT(func(arn string) (string, error) {
		parts := strings.SplitN(arn, ":", 6)
		if len(parts) <= part || parts[0] != "arn" {
			return "", fmt.Errorf("%q is not an ARN with %d parts", arn, part+1)
		}
		return parts[part], nil
	}).(pulumi.StringOutput)
}

func sorted(texts []string) []string {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	return slices.Compact(texts)
}
