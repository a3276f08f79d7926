package apigateway

import (
	"regexp"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// substitution is a text with references: the template of a gateway response, or the format of an access log. These are
// no VTL: references are replaced and that is all. Of the replaced texts one only is escaped for the JSON string that it is to
// stand in, $context.error.validationErrorString, which quotes what clients send: AWS's samples put it between quotes, and
// the answers they show have its quotes escaped. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html.
type substitution struct{ parts []part }

type part struct {
	text string
	from *expression // nil: the text itself
	// escaped says that the value is escaped as in a JSON string.
	escaped bool
}

var reference = regexp.MustCompile(`\$\{?(context|stageVariables|method\.request)((?:\.[A-Za-z0-9_-]+)+)\}?`)

func compileSubstitution(text string) *substitution {
	s := &substitution{}
	end := 0
	for _, at := range reference.FindAllStringSubmatchIndex(text, -1) {
		e, err := parseExpression(text[at[2]:at[3]] + text[at[4]:at[5]])
		if err != nil {
			continue
		}
		if at[0] > end {
			s.parts = append(s.parts, part{text: text[end:at[0]]})
		}
		end = at[1]
		if text[at[0]+1] != '{' && text[end-1] == '}' {
			end-- // the brace closes something else
		}
		s.parts = append(s.parts, part{from: &e, escaped: e.kind == fromContext && e.name == "error.validationErrorString"})
	}
	s.parts = append(s.parts, part{text: text[end:]})
	return s
}

// append writes the text with the values of a request; missing stands for what the request does not have.
func (s *substitution) append(dst []byte, x *exchange, missing string) []byte {
	for i := range s.parts {
		p := &s.parts[i]
		if p.from == nil {
			dst = append(dst, p.text...)
			continue
		}
		value, ok, _ := x.value(p.from, nil)
		if !ok {
			value = missing
		}
		if p.escaped {
			text := jsonvalue.AppendString(nil, value)
			value = string(text[1 : len(text)-1])
		}
		dst = append(dst, value...)
	}
	return dst
}
