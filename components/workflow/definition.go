package workflow

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Placeholder is the value of a "${name}" in a definition. Make one with Text, Number, Function, Queue, Table or UserPool:
// what a value is tells which permission follows from its use.
type Placeholder struct {
	text       pulumi.StringInput
	number     string
	isFunction bool
	// Of a resource that arguments name otherwise than by its ARN:
	arn                    pulumi.StringInput
	textPrefix, arnService string // with which a stand-in begins, and what stands in ARNs before its name
}

// Text stands inside a string of the definition.
func Text(value pulumi.StringInput) Placeholder { return Placeholder{text: value} }

// Function stands for the ARN of a Lambda function.
func Function(arn pulumi.StringInput) Placeholder { return Placeholder{text: arn, isFunction: true} }

// Number takes the place of a whole string "${name}", quotes included, so that a definition with a number to fill in is
// JSON as it stands.
func Number(value float64) Placeholder {
	return Placeholder{number: strconv.FormatFloat(value, 'f', -1, 64)}
}

// Queue stands for the URL of an SQS queue, and tells the ARN that belongs to it, which policies need.
func Queue(url, arn pulumi.StringInput) Placeholder {
	return Placeholder{text: url, arn: arn, textPrefix: "https://sqs.us-east-1.amazonaws.com/123456789012/", arnService: "sqs:us-east-1:123456789012:"}
}

// Table stands for the name of a DynamoDB table, and tells its ARN.
func Table(name, arn pulumi.StringInput) Placeholder {
	return Placeholder{text: name, arn: arn, arnService: "dynamodb:us-east-1:123456789012:table/"}
}

// UserPool stands for the id of a Cognito user pool, and tells its ARN.
func UserPool(id, arn pulumi.StringInput) Placeholder {
	return Placeholder{text: id, arn: arn, textPrefix: "us-east-1_", arnService: "cognito-idp:us-east-1:123456789012:userpool/"}
}

var (
	placeholderPattern = regexp.MustCompile(`\$\{([^}]*)\}`)
	placeholderName    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
)

// checkPlaceholders reports the placeholders that a definition has and nobody gives, and the other way round.
func checkPlaceholders(definition string, given map[string]Placeholder) error {
	var problems []error
	used := map[string]bool{}
	for _, m := range placeholderPattern.FindAllStringSubmatchIndex(definition, -1) {
		name := definition[m[2]:m[3]]
		whole := m[0] > 0 && definition[m[0]-1] == '"' && m[1] < len(definition) && definition[m[1]] == '"'
		p, ok := given[name]
		switch {
		case !placeholderName.MatchString(name):
			problems = append(problems, fmt.Errorf("Definition: ${%s}: a placeholder's name is letters and digits", name))
		case !ok && !used[name]:
			problems = append(problems, fmt.Errorf("Placeholders: %q is missing: the definition has ${%s}", name, name))
		case ok && p.number != "" && !whole:
			problems = append(problems, fmt.Errorf(`Placeholders: %q is a number: the definition must have it as "${%s}", alone in a string`, name, name))
		}
		used[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !used[name] {
			problems = append(problems, fmt.Errorf("Placeholders: %q is unused: the definition has no ${%s}", name, name))
		}
	}
	return errors.Join(problems...)
}

// fill puts the values into a definition whose placeholders have been checked.
func fill(definition string, given map[string]Placeholder, texts map[string]string) string {
	for name, p := range given {
		if p.number != "" {
			definition = strings.ReplaceAll(definition, `"${`+name+`}"`, p.number)
		}
	}
	return placeholderPattern.ReplaceAllStringFunc(definition, func(found string) string {
		quoted := jsonvalue.Text(texts[found[2:len(found)-1]])
		return quoted[1 : len(quoted)-1]
	})
}

// standIn is a value with which a definition is checked and its permissions are derived before its resources exist, and what
// belongs in its place.
type standIn struct {
	value string
	real  pulumi.StringInput
}

// standIns returns a text for every placeholder, the ARNs of those that name a resource otherwise, by their texts, and what
// they stand for. Texts that the program knows already stand for themselves.
func standIns(given map[string]Placeholder) (texts, arns map[string]string, stand []standIn) {
	const prefix, suffix = "carepath-placeholder-", "-end"
	texts, arns = map[string]string{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		p, id := given[name], prefix+name+suffix
		known, isKnown := p.text.(pulumi.String)
		switch {
		case p.text == nil: // a number
		case isKnown:
			texts[name] = string(known)
		case p.isFunction:
			texts[name] = "arn:aws:lambda:us-east-1:123456789012:function:" + id
			stand = append(stand, standIn{texts[name], p.text})
		case p.arn != nil:
			texts[name] = p.textPrefix + id
			arns[texts[name]] = "arn:aws:" + p.arnService + id
			stand = append(stand, standIn{arns[texts[name]], p.arn})
		default:
			texts[name] = id
			stand = append(stand, standIn{id, p.text})
		}
	}
	return texts, arns, stand
}

// realise puts the real values into a text with stand-ins.
func realise(text string, stand []standIn) pulumi.StringInput {
	var used []standIn
	for _, s := range stand {
		if strings.Contains(text, s.value) {
			used = append(used, s)
		}
	}
	if len(used) == 0 {
		return pulumi.String(text)
	}
	inputs := make([]any, len(used))
	for i, s := range used {
		inputs[i] = s.real
	}
	return pulumi.All(inputs...).ApplyT(func(values []any) (string, error) {
		filled := text
		for i, s := range used {
			value, ok := values[i].(string)
			if !ok {
				return "", fmt.Errorf("the placeholder's value is a %T, not a string", values[i])
			}
			filled = strings.ReplaceAll(filled, s.value, value)
		}
		return filled, nil
	}).(pulumi.StringOutput)
}
