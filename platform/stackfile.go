package platform

import (
	"encoding/json"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// StackFile is what a Pulumi.<stack>.yaml says.
type StackFile struct {
	// Values are the configuration's values by key, as LoadConfig takes them; encrypted ones are objects with the member
	// "secure".
	Values map[string]string
	// Imports says that the stack imports Pulumi ESC environments: what every stack must have may come from there.
	Imports bool
}

// ParseStackFile reads the text of a Pulumi.<stack>.yaml.
func ParseStackFile(text []byte) (*StackFile, error) {
	var from struct {
		Config      map[string]any
		Environment any
	}
	if err := yaml.Unmarshal(text, &from); err != nil {
		return nil, fmt.Errorf("the stack's file is not what Pulumi reads: %w", err)
	}
	f := &StackFile{Values: map[string]string{}, Imports: from.Environment != nil}
	for key, value := range from.Config {
		if !strings.Contains(key, ":") {
			key = "carepath:" + key // as Pulumi takes a key without a namespace
		}
		if value == nil {
			continue
		}
		if text, ok := value.(string); ok {
			f.Values[key] = text
			continue
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("%s: its members' names must be texts: %w", key, err)
		}
		f.Values[key] = string(encoded)
	}
	return f, nil
}

// Check reports every problem of the file in a *ConfigError, and returns what counts for the stack. Encrypted values are
// taken as they are, and so are those that come from an imported environment.
func (f *StackFile) Check() ([]Setting, error) {
	r := &configReader{values: f.Values, file: f}
	r.config()
	if len(r.problems) > 0 {
		return r.settings, &ConfigError{Problems: r.problems}
	}
	return r.settings, nil
}
