package platform

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

func TestStackFilesAreValid(t *testing.T) {
	files, err := filepath.Glob("../Pulumi.*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("found %v (%v)", files, err)
	}
	schema := compileSchema(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := checkFile(t, string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if err := schema.Validate(yamlValue(t, string(text))); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// yamlValue is the text as JSON values.
func yamlValue(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func checkFile(t *testing.T, text string) ([]Setting, error) {
	t.Helper()
	file, err := ParseStackFile([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return file.Check()
}

const minimalFile = "config:\n  aws:region: us-east-1\n  carepath:environment: dev\n  carepath:accountId: \"123456789012\"\n"

func TestSchemaRefusesWhatLoadConfigRefuses(t *testing.T) {
	schema := compileSchema(t)
	for _, test := range []struct {
		lines string
		ok    bool
	}{
		{"", true},
		{"  pulumi:disable-default-providers: [aws]\n", true},
		{"  carepath:intake: {workflowType: EXPRESS, headers: [X-A], retry: {backoffRate: 1.5}, functionTimeoutSeconds: 3}\n", true},
		{"  carepath:intkae: {}\n", false},
		{"  carepath:intake: {retry: {tries: 1}}\n", false},
		{"  carepath:intake: {throttle: {burst: 0}}\n", false},
		{"  carepath:intake: {throttle: {burst: 1.5}}\n", false},
		{"  carepath:intake: {workflowType: express}\n", false},
		{"  carepath:intake: {headers: ['no spaces']}\n", false},
		{"  carepath:platform: {logRetentionDays: 31}\n", false},
		{"  carepath:platform: {protect: 'true'}\n", false},
	} {
		_, err := checkFile(t, minimalFile+test.lines)
		if schemaErr := schema.Validate(yamlValue(t, minimalFile+test.lines)); (err == nil) != test.ok || (schemaErr == nil) != test.ok {
			t.Errorf("%s: LoadConfig's rules say %v, the schema says %v", test.lines, err, schemaErr)
		}
	}
}

func TestStackFile(t *testing.T) {
	settings, err := checkFile(t, minimalFile+"  intake: {maxBodyBytes: 1000, functionMemoryMb: {secure: v1:abc}}\n  carepath:platform: {secure: v1:abc}\n")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Setting{
		"carepath:accountId":               {Value: "123456789012", Given: true},
		"carepath:platform":                {Value: "[secret]", Given: true, Secret: true},
		"carepath:intake.maxBodyBytes":     {Value: 1000, Given: true},
		"carepath:intake.functionMemoryMb": {Value: "[secret]", Given: true, Secret: true},
		"carepath:intake.throttle.burst":   {Value: 200},
		"carepath:intake.workflowType":     {Value: "STANDARD"},
	} {
		i := slices.IndexFunc(settings, func(s Setting) bool { return s.Path == path })
		if i < 0 {
			t.Errorf("%s is not there", path)
			continue
		}
		if got := settings[i]; got.ValueText() != want.ValueText() || got.Given != want.Given || got.Secret != want.Secret {
			t.Errorf("%s: got %+v, want %+v", path, got, want)
		}
	}
	var invalid *ConfigError
	if _, err := checkFile(t, "config:\n  accountId: 1\n  carepath:region: x\n"); !errors.As(err, &invalid) || len(invalid.Problems) != 4 {
		t.Errorf("got %v, want 4 problems", err)
	}
	if _, err := checkFile(t, "environment: [base]\nconfig:\n  aws:region: us-east-1\n"); err != nil {
		t.Errorf("what an imported environment may give is asked of the file: %v", err)
	}
	if _, err := ParseStackFile([]byte("config: [")); err == nil || !strings.Contains(err.Error(), "stack's file") {
		t.Errorf("got %v", err)
	}
}

func TestEverySettingIsDocumented(t *testing.T) {
	reference := Reference()
	for _, s := range Settings(LocalEnvironment) {
		if !strings.HasSuffix(s.Meaning, ".") || !strings.Contains(reference, s.Meaning) || s.Type() == "" {
			t.Errorf("%+v is not in the reference, or its meaning is no sentence", s)
		}
	}
}
