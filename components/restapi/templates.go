package restapi

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed templates/*.vtl
var templateFiles embed.FS

// binding is a variable that a template finds set.
type binding struct {
	name  string
	value any // string, int or []string
}

// bind returns the named template files, one after the other, with the variables set before them. So the files are
// VTL as they stand, with nothing to fill in.
func bind(bindings []binding, files ...string) (string, error) {
	var out strings.Builder
	for _, b := range bindings {
		literal, err := literal(b.value)
		if err != nil {
			return "", fmt.Errorf("variable $%s: %w", b.name, err)
		}
		fmt.Fprintf(&out, "#set($%s = %s)\n", b.name, literal)
	}
	for _, f := range files {
		text, err := templateFiles.ReadFile("templates/" + f)
		if err != nil {
			return "", err
		}
		out.Write(text)
	}
	return out.String(), nil
}

// literal writes a value in VTL. Single quotes keep references and directives as text; a quote inside would end them, and
// nothing that is bound needs one.
func literal(v any) (string, error) {
	switch v := v.(type) {
	case int:
		return strconv.Itoa(v), nil
	case string:
		if strings.ContainsAny(v, "'\n\r") {
			return "", fmt.Errorf("%q cannot be a VTL literal: it has a quote or a line break", v)
		}
		return "'" + v + "'", nil
	case []string:
		items := make([]string, len(v))
		for i, s := range v {
			item, err := literal(s)
			if err != nil {
				return "", err
			}
			items[i] = item
		}
		return "[" + strings.Join(items, ", ") + "]", nil
	}
	return "", fmt.Errorf("a %T has no VTL literal", v)
}
