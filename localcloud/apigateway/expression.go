package apigateway

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/carepath/carepath/lang/jsonpath"
)

// source is where a parameter mapping takes its value from.
type source int

const (
	fromLiteral source = iota
	fromHeader
	fromQuery
	fromPath
	fromBody
	fromContext
	fromStageVariables
	fromIntegrationHeader
	fromIntegrationBody
)

// expression is the right side of a parameter mapping. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping.html.
type expression struct {
	kind  source
	name  string         // of the parameter, variable or context member; of a literal its text
	multi bool           // all values of the header or query parameter, joined with commas
	path  *jsonpath.Path // into the body; nil for all of it
}

var expressionPrefixes = []struct {
	prefix string
	kind   source
	multi  bool
}{
	{"method.request.header.", fromHeader, false},
	{"method.request.multivalueheader.", fromHeader, true},
	{"method.request.querystring.", fromQuery, false},
	{"method.request.multivaluequerystring.", fromQuery, true},
	{"method.request.path.", fromPath, false},
	{"context.", fromContext, false},
	{"stageVariables.", fromStageVariables, false},
	{"integration.response.header.", fromIntegrationHeader, false},
	{"integration.response.multivalueheader.", fromIntegrationHeader, true},
}

func parseExpression(text string) (expression, error) {
	if n := len(text); n >= 2 && text[0] == '\'' && text[n-1] == '\'' {
		return expression{kind: fromLiteral, name: text[1 : n-1]}, nil
	}
	for _, p := range expressionPrefixes {
		if name, ok := strings.CutPrefix(text, p.prefix); ok && name != "" {
			return expression{kind: p.kind, name: name, multi: p.multi}, nil
		}
	}
	for prefix, kind := range map[string]source{"method.request.body": fromBody, "integration.response.body": fromIntegrationBody} {
		rest, ok := strings.CutPrefix(text, prefix)
		if !ok {
			continue
		}
		if rest == "" {
			return expression{kind: kind}, nil
		}
		if rest[0] != '.' && rest[0] != '[' {
			break
		}
		path, err := jsonpath.CompileVersion("$"+rest, jsonpath.V2_0)
		if err != nil {
			return expression{}, fmt.Errorf("the JSON path in %q: %w", text, err)
		}
		return expression{kind: kind, path: path}, nil
	}
	return expression{}, fmt.Errorf("%q is no mapping expression", text)
}

// mapping is a compiled parameter mapping: what goes where.
type mapping struct {
	place string // header, querystring or path
	name  string
	from  expression
}

var stageVariable = regexp.MustCompile(`\$\{stageVariables\.([A-Za-z0-9_]+)\}`)

// withStageVariables puts the stage's variables into a URI; those that the stage lacks become empty.
func withStageVariables(uri string, variables map[string]string) string {
	return stageVariable.ReplaceAllStringFunc(uri, func(reference string) string {
		return variables[reference[len("${stageVariables."):len(reference)-1]]
	})
}

// compilePattern compiles a selection pattern: a Java regular expression that must match in full.
func compilePattern(pattern string) (*regexp2.Regexp, error) {
	re, err := regexp2.Compile(`\A(?:`+pattern+`)\z`, regexp2.None)
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = time.Second // a pattern that backtracks without end must not hang the gateway
	return re, nil
}
