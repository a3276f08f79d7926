package apigateway

import (
	"regexp"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// substitution is a text with references: the template of a gateway response, or the format of an access log. These are
// no VTL: references are replaced, and that is all. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html.
type substitution struct {
	parts []part
	json  bool // values are escaped to stand within JSON strings
}

type part struct {
	text string
	from *expression // nil: the text itself
}

var reference = regexp.MustCompile(`\$\{?(context|stageVariables|method\.request)((?:\.[A-Za-z0-9_-]+)+)\}?`)

func compileSubstitution(text string, inJSON bool) *substitution {
	s := &substitution{json: inJSON}
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
		s.parts = append(s.parts, part{from: &e})
	}
	return &substitution{parts: append(s.parts, part{text: text[end:]}), json: inJSON}
}

// append writes the text with the values of a request.
func (s *substitution) append(dst []byte, x *exchange) []byte {
	for i := range s.parts {
		p := &s.parts[i]
		if p.from == nil {
			dst = append(dst, p.text...)
			continue
		}
		value, _, _ := x.value(p.from, nil)
		if !s.json || p.from.name == "error.messageString" {
			dst = append(dst, value...)
			continue
		}
		dst = appendEscaped(dst, value)
	}
	return dst
}

// appendEscaped appends a value as the inside of a JSON string.
func appendEscaped(dst []byte, value string) []byte {
	if !strings.ContainsAny(value, "\"\\\x00\x01\x02\x03\x04\x05\x06\x07\b\t\n\x0b\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f") {
		return append(dst, value...)
	}
	start := len(dst)
	dst = jsonvalue.AppendString(dst, value)
	return append(dst[:start], dst[start+1:len(dst)-1]...)
}
