package platform

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Setting is one key of a stack's configuration, or one member of a key's object.
type Setting struct {
	Path     string // such as "carepath:intake.retry.maxAttempts"
	Meaning  string // what it is, a sentence or two
	Allowed  string // which values it may have; empty for an object
	Required bool   // every stack must have it
	Default  any    // what counts where the stack says nothing
	Value    any    // what counts for this stack; "[secret]" if its file has it encrypted
	Given    bool   // the stack's configuration has it
	Secret   bool   // the stack's file has it encrypted

	schema map[string]any
}

// secretText stands for an encrypted value.
const secretText = "[secret]"

// Type is the setting's type as JSON Schema names it: "string", "integer", "number", "boolean", "array" or "object"; or
// several of them, such as "integer or string".
func (s *Setting) Type() string {
	if types, several := s.schema["type"].([]string); several {
		return strings.Join(types, " or ")
	}
	return s.schema["type"].(string)
}

// Settings describe the whole configuration, in the order in which it is documented: keys and, after each object, its
// members. Defaults and what is allowed are those of the environment.
func Settings(environment string) []Setting {
	r := &configReader{values: map[string]string{KeyEnvironment: environment}}
	r.config() // its problems are those of a stack that says nothing: what it must have is missing
	return r.settings
}

// parent splits a path at its last member: "" for a key.
func (s *Setting) parent() (object, name string) {
	if i := strings.LastIndex(s.Path, "."); i >= 0 {
		return s.Path[:i], s.Path[i+1:]
	}
	return "", s.Path
}

// Schema is the JSON Schema (draft 7, which editors know best) of a stack's file, Pulumi.<stack>.yaml. It allows what any
// environment allows. Rules between members are not in it: [StackFile.Check] knows them.
func Schema() ([]byte, error) {
	objects := map[string]map[string]any{"": closed(nil)}
	// The local environment allows what all others do, and more.
	for _, s := range Settings(LocalEnvironment) {
		schema := s.schema
		if s.Type() == "object" {
			schema = closed(schema)
			objects[s.Path] = schema
		}
		schema["description"] = s.Meaning
		if s.Allowed != "" {
			schema["description"] = s.Meaning + " Allowed: " + byEnvironment(s.Path, func(s *Setting) string { return s.Allowed }) + "."
		}
		object, name := s.parent()
		objects[object]["properties"].(map[string]any)[name] = schema
		if s.Required {
			required, _ := objects[object]["required"].([]string)
			objects[object]["required"] = append(required, name)
		}
	}
	config := objects[""]
	config["patternProperties"] = map[string]any{"^pulumi:": map[string]any{"description": "Pulumi's own."}}
	return json.MarshalIndent(map[string]any{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "The configuration of a Carepath stack: Pulumi.<stack>.yaml",
		"type":        "object",
		"required":    []string{"config"},
		"properties":  map[string]any{"config": config},
		"description": "Members beside config are Pulumi's own.",
	}, "", "  ")
}

// closed makes a schema of an object with no members yet, and no others allowed.
func closed(schema map[string]any) map[string]any {
	if schema == nil {
		schema = map[string]any{"type": "object"}
	}
	schema["additionalProperties"], schema["properties"] = false, map[string]any{}
	return schema
}

// documented are the environments whose defaults the reference tells apart: any other is as "dev".
var documented = []string{"dev", LocalEnvironment, EphemeralEnvironment, productionEnvironment}

// byEnvironment is what say says of a setting in any environment, and after it where the local one or prod differ.
func byEnvironment(path string, say func(*Setting) string) string {
	var text, usual string
	for _, environment := range documented {
		settings := Settings(environment)
		i := slices.IndexFunc(settings, func(s Setting) bool { return s.Path == path })
		switch said := say(&settings[i]); {
		case environment == documented[0]:
			text, usual = said, said
		case said != usual:
			text += "; " + environment + ": " + said
		}
	}
	return text
}

// Reference is the documentation of the whole configuration, in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, s := range Settings(documented[0]) {
		if s.Type() == "object" {
			fmt.Fprintf(&b, "\n## `%s`\n\n%s\n\n%s", s.Path, s.Meaning, referenceColumns)
			continue
		}
		_, name := s.parent()
		standard := byEnvironment(s.Path, func(s *Setting) string { return "`" + s.DefaultText() + "`" })
		if s.Required {
			standard = "none: every stack says it"
		}
		allowed := byEnvironment(s.Path, func(s *Setting) string { return s.Allowed })
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", name, s.Type(), standard, allowed, s.Meaning)
	}
	return b.String()
}

const referenceColumns = "| name | type | default | allowed | meaning |\n|---|---|---|---|---|\n"

const referenceHead = `<!-- Made by go generate ./cmd/carepath from package platform; do not edit. -->

# Configuration

Everything that a stack's file, ` + "`Pulumi.<stack>.yaml`" + `, may say under ` + "`config:`" + `. What it does not say has the default; a key or
member that is not listed here is an error, and every problem of a file is reported at once.

` + "`carepath config validate --stack NAME`" + ` checks a file, ` + "`carepath config show --stack NAME`" + ` prints what counts for a stack, and
` + "`carepath config schema`" + ` prints the JSON Schema with which editors check a file as you type; it is also in
[config.schema.json](config.schema.json). A default that differs for the environments ` + "`local`, `pr` and `prod`" + ` is
listed with their name.

## Keys

` + referenceColumns

// DefaultText is the default as JSON; "" where there is none.
func (s *Setting) DefaultText() string { return text(s.Default) }

// ValueText is the value as JSON.
func (s *Setting) ValueText() string { return text(s.Value) }

func text(v any) string {
	if v == nil {
		return ""
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice && r.IsNil() {
		return "[]"
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		panic("platform: a setting is no JSON value: " + err.Error()) // they are texts, numbers, truth values and lists of texts
	}
	return string(encoded)
}
