package asl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// maxDefinition is how many bytes a definition may have
// (https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html).
const maxDefinition = 1 << 20

// validator collects what is wrong with a definition.
type validator struct {
	express     bool
	jsonata     bool // the machine's query language
	diagnostics []Diagnostic
	graph       []Diagnostic    // of transitions, which are reported only for definitions that are otherwise in order
	names       map[string]bool // of all states: they are unique in the whole machine

	placeholders bool         // whether a text such as "${name}" may stand for any value
	notes        []Diagnostic // what only Lint reports
	hints        map[Diagnostic]hint
}

// validate checks a definition and returns it parsed.
func validate(definition []byte, opts Options) (*jsonvalue.Object, []Diagnostic) {
	v := newValidator(opts)
	doc := v.check(definition)
	return doc, v.diagnostics
}

func newValidator(opts Options) *validator {
	return &validator{express: opts.Express, names: map[string]bool{}, hints: map[Diagnostic]hint{}}
}

// check collects what is wrong with a definition and returns it parsed, nil when that cannot be done.
func (v *validator) check(definition []byte) *jsonvalue.Object {
	if len(definition) > maxDefinition {
		v.schema("", "The definition is longer than 1 MB")
		return nil
	}
	doc, err := jsonvalue.Parse(definition)
	if err != nil {
		v.diagnostics = []Diagnostic{invalidJSON(string(definition), err)}
		return nil
	}
	o, ok := doc.(*jsonvalue.Object)
	if !ok {
		v.schema("/", "Expected value of type [OBJECT]")
		return nil
	}
	v.machine(o)
	if len(v.diagnostics) == 0 {
		v.diagnostics = v.graph
	}
	return o
}

func (v *validator) report(code, location, format string, args ...any) {
	message := format
	if len(args) > 0 {
		message = fmt.Sprintf(format, args...)
	}
	v.diagnostics = append(v.diagnostics, Diagnostic{"ERROR", code, message, location})
}

func (v *validator) schema(location, format string, args ...any) {
	v.report(CodeSchema, location, format, args...)
}

var topFields = []string{"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"}

func (v *validator) machine(o *jsonvalue.Object) {
	v.supported(o, "/", topFields)
	v.typed(o, "", "Comment", "STRING")
	v.queryLanguage(o, "")
	v.jsonata = isJSONata(o, false)
	if version, has := o.Get("Version"); has && version != "1.0" {
		v.schema("/Version", "Value should be one of the following: [1.0]")
	}
	v.wholeNumber(o, "", "TimeoutSeconds", 0, 99999999)
	v.expressLimit(o, "", "TimeoutSeconds")
	if v.workflow(o, "") {
		v.transitions(o, "", true)
	}
}

// workflow checks a machine, a branch or a processor, and reports whether it has states to speak of.
func (v *validator) workflow(o *jsonvalue.Object, location string) bool {
	at := location
	if at == "" {
		at = "/"
	}
	v.required(o, at, "StartAt", "States")
	v.typed(o, location, "StartAt", "STRING")
	states, has := o.Get("States")
	if !has {
		return false
	}
	all, ok := states.(*jsonvalue.Object)
	if !ok {
		v.schema(location+"/States", "Expected value of type [OBJECT]")
		return false
	}
	if all.Len() == 0 {
		v.schema(location+"/States", "Value cannot be empty")
		return false
	}
	for name, s := range all.All() {
		at := location + "/States/" + name
		if n := utf16Length(name); n == 0 || n > 80 {
			v.schema(at, "State name length should be between 1 and 80 characters")
		}
		if v.names[name] {
			v.report(CodeDuplicateState, at, "Duplicate State name: %s", name)
		}
		v.names[name] = true
		if state, ok := s.(*jsonvalue.Object); ok {
			v.state(state, at)
		} else {
			v.schema(at, "Expected value of type [OBJECT]")
		}
	}
	return true
}

// required reports the fields that are missing, all at once.
func (v *validator) required(o *jsonvalue.Object, location string, names ...string) {
	var missing []string
	for _, name := range names {
		if _, has := o.Get(name); !has {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		v.schema(location, "These fields are required: [%s]", strings.Join(missing, ", "))
	}
}

// onlyOne reports two or more of the fields; with need, also none of them.
func (v *validator) onlyOne(o *jsonvalue.Object, location string, need bool, names ...string) {
	n := 0
	for _, name := range names {
		if _, has := o.Get(name); has {
			n++
		}
	}
	switch {
	case n > 1:
		v.schema(location, "There should only be one of the following fields: [%s]", strings.Join(names, ", "))
	case n == 0 && need:
		v.schema(location, "This object should have only one of the following fields: [%s]", strings.Join(names, ", "))
	}
}

func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "NULL"
	case bool:
		return "BOOLEAN"
	case string:
		return "STRING"
	case jsonvalue.Number:
		return "NUMBER"
	case *jsonvalue.Array:
		return "ARRAY"
	}
	return "OBJECT"
}

// typed checks a field's type and returns its value, and whether it is there and right.
func (v *validator) typed(o *jsonvalue.Object, location, name, want string) (any, bool) {
	value, has := o.Get(name)
	if !has {
		return nil, false
	}
	if v.isPlaceholder(value) {
		return nil, false
	}
	if typeName(value) != want {
		v.schema(location+"/"+name, "Expected value of type [%s]", want)
		return nil, false
	}
	return value, true
}

// oneOf checks a field that has one of a few texts.
func (v *validator) oneOf(o *jsonvalue.Object, location, name string, values ...string) {
	value, ok := v.typed(o, location, name, "STRING")
	if !ok {
		return
	}
	for _, allowed := range values {
		if value == allowed {
			return
		}
	}
	v.schema(location+"/"+name, "Value should be one of the following: [%s]", strings.Join(values, ", "))
}

// wholeNumber checks a field that is an integer between two bounds.
func (v *validator) wholeNumber(o *jsonvalue.Object, location, name string, least, most int64) {
	value, has := o.Get(name)
	if !has || v.isPlaceholder(value) {
		return
	}
	n, ok := integer(value)
	switch {
	case !ok:
		v.schema(location+"/"+name, "Expected value of type Integer")
	case n < least:
		v.schema(location+"/"+name, "Minimum value is %d", least)
	case n > most:
		v.schema(location+"/"+name, "Maximum value is %d", most)
	}
}

// isPlaceholder reports whether a value is put in before the definition is deployed.
func (v *validator) isPlaceholder(value any) bool {
	s, ok := value.(string)
	return ok && v.placeholders && placeholder.FindString(s) == s && s != ""
}

func (v *validator) queryLanguage(o *jsonvalue.Object, location string) {
	v.oneOf(o, location, "QueryLanguage", "JSONPath", "JSONata")
}

// isJSONata is the query language of a state or a machine: anything but "JSONPath" counts as JSONata, measured on AWS.
func isJSONata(o *jsonvalue.Object, inherited bool) bool {
	language, has := o.Get("QueryLanguage")
	if !has {
		return inherited
	}
	return language != "JSONPath"
}

// invalidJSON puts a syntax error into Jackson's words, as far as they are known.
func invalidJSON(definition string, err error) Diagnostic {
	var syntax *jsonvalue.SyntaxError
	if !errors.As(err, &syntax) {
		return Diagnostic{"ERROR", CodeInvalidJSON, err.Error(), ""}
	}
	line, column := syntax.Line, syntax.Column
	problem := "Unexpected character"
	rest := definition[syntax.Offset:]
	switch {
	case rest == "":
		problem = "Unexpected end-of-input"
	case isNameStart(rest[0]):
		token := rest
		for i := range len(rest) {
			if !isNamePart(rest[i]) {
				token = rest[:i]
				break
			}
		}
		problem = "Unrecognized token '" + token + "': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
		column += len(token)
	default:
		for _, r := range rest {
			problem = fmt.Sprintf("Unexpected character ('%c' (code %d)): %s", r, r, syntax.Problem)
			break
		}
	}
	location := "[Source: (String)" + quoteSource(definition) + "; line: " + strconv.Itoa(line) + ", column: " + strconv.Itoa(column) + "]"
	return Diagnostic{"ERROR", CodeInvalidJSON, problem + "\n at " + location, location}
}

// quoteSource is how Jackson shows its source: the first 500 characters in quotes.
func quoteSource(s string) string {
	const shown = 500
	runes := []rune(s)
	if len(runes) <= shown {
		return `"` + s + `"`
	}
	return `"` + string(runes[:shown]) + `"[truncated ` + strconv.Itoa(len(runes)-shown) + " chars]"
}
