package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// schemas compiles the models of one API: JSON Schema draft 4, with references to other models.
type schemas struct {
	api      *apiRecord
	compiler *jsonschema.Compiler
}

// modelBase is the address of a model in references. The API's id varies, so all are brought to this form.
const modelBase = "https://apigateway.amazonaws.com/restapis/api/models/"

func newSchemas(a *apiRecord) *schemas {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	c.UseRegexpEngine(ecmaPattern)
	s := &schemas{api: a, compiler: c}
	c.UseLoader(s)
	return s
}

// Load gives the compiler a model by its address. It is part of jsonschema.URLLoader.
func (s *schemas) Load(url string) (any, error) {
	name, ok := strings.CutPrefix(url, modelBase)
	if !ok {
		return nil, fmt.Errorf("%s is no model of this API", url)
	}
	m, ok := s.api.Models[name]
	if !ok {
		return nil, fmt.Errorf("there is no model %s", name)
	}
	text := m.Schema
	if strings.TrimSpace(text) == "" {
		text = "{}"
	}
	v, err := jsonvalue.Parse(text)
	if err != nil {
		return nil, err
	}
	plain, err := plainValue(v)
	if err != nil {
		return nil, err
	}
	root, ok := plain.(map[string]any)
	if !ok {
		return nil, errors.New("a model is a JSON object")
	}
	delete(root, "id") // would move the base of references
	if _, ok := root["$schema"].(string); ok {
		root["$schema"] = "http://json-schema.org/draft-04/schema#"
	}
	local, _ := root["definitions"].(map[string]any)
	rewriteReferences(root, local)
	return root, nil
}

func (s *schemas) compile(model string) (*jsonschema.Schema, error) {
	return s.compiler.Compile(modelBase + model)
}

// rewriteReferences brings references to models, in the forms of the API and of OpenAPI documents, to one form. local are
// the definitions within the schema itself.
func rewriteReferences(v any, local map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			name := referredModel(ref)
			if _, inside := local[name]; name != "" && !(inside && strings.HasPrefix(ref, "#")) {
				v["$ref"] = modelBase + name
			}
		}
		for _, member := range v {
			rewriteReferences(member, local)
		}
	case []any:
		for _, item := range v {
			rewriteReferences(item, local)
		}
	}
}

// referredModel returns the name of the model that a $ref means, or "".
func referredModel(ref string) string {
	for _, prefix := range []string{"#/components/schemas/", "#/definitions/"} {
		if name, ok := strings.CutPrefix(ref, prefix); ok && modelNamePattern.MatchString(name) {
			return name
		}
	}
	if rest, ok := strings.CutPrefix(ref, "https://apigateway.amazonaws.com/restapis/"); ok {
		if _, name, ok := strings.Cut(rest, "/models/"); ok {
			return name
		}
	}
	return ""
}

// maxExponent bounds the numbers that are validated: what is beyond it would take the memory of its digits. Such a number
// is validated with the nearest exponent that is not, so that it is still an integer or not, and larger or smaller than what
// schemas compare it with.
const maxExponent = 10_000

// plainValue turns a JSON value into what the schema library reads. Numbers keep every digit.
func plainValue(v any) (any, error) {
	switch v := v.(type) {
	case jsonvalue.Number:
		if i := strings.IndexAny(string(v), "eE"); i >= 0 {
			switch e, err := strconv.Atoi(string(v[i+1:])); {
			case v[i+1] == '-' && (err != nil || e < -maxExponent):
				v = v[:i+1] + jsonvalue.Number(strconv.Itoa(-maxExponent))
			case err != nil || e > maxExponent:
				v = v[:i+1] + jsonvalue.Number(strconv.Itoa(maxExponent))
			}
		}
		return json.Number(v), nil
	case *jsonvalue.Array:
		items := make([]any, v.Len())
		for i, item := range v.Items {
			plain, err := plainValue(item)
			if err != nil {
				return nil, err
			}
			items[i] = plain
		}
		return items, nil
	case *jsonvalue.Object:
		members := make(map[string]any, v.Len())
		for name, member := range v.All() {
			plain, err := plainValue(member)
			if err != nil {
				return nil, err
			}
			members[name] = plain
		}
		return members, nil
	}
	return v, nil
}

// ecmaPattern compiles the patterns of schemas, which are ECMAScript's.
func ecmaPattern(pattern string) (jsonschema.Regexp, error) {
	re, err := regexp2.Compile(pattern, regexp2.ECMAScript)
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = time.Second
	return ecmaRegexp{re}, nil
}

type ecmaRegexp struct{ *regexp2.Regexp }

// MatchString reports whether the text contains a match.
func (r ecmaRegexp) MatchString(text string) bool {
	matched, err := r.Regexp.MatchString(text)
	return err == nil && matched
}
