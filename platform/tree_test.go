package platform

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/carepath/carepath"

// layers say what the packages below a folder may import of this module. Arrows point one way.
var layers = []struct {
	folder  string
	allowed []string
	foreign []string // what of other modules is forbidden
}{
	{"lang", []string{"lang"}, []string{"github.com/pulumi/", "github.com/aws/"}},
	{"changes", []string{"changes"}, []string{"github.com/pulumi/", "github.com/aws/"}},
	{"fhir", []string{"fhir"}, []string{"github.com/pulumi/"}},
	{"handlers", []string{"handlers", "changes", "fhir", "lang"}, []string{"github.com/pulumi/"}},
	{"components", []string{"components", "changes", "lang"}, nil},
	{"platform", []string{"platform", "components", "lang"}, nil},
	{"localcloud", []string{"localcloud", "lang"}, nil},
	{"deploy", []string{"deploy", "changes", "fhir", "platform", "localcloud", "lang"}, nil},
	{"cmd", []string{"cmd", "changes", "deploy", "platform", "localcloud", "fhir", "lang"}, nil},
	{"internal", []string{"internal", "localcloud", "lang"}, nil},
}

// componentsMayImport is what components share.
var componentsMayImport = []string{"components/alarm", "components/golambda", "components/policy", "components/workflow"}

// packages returns the Go files of the module by their folder, relative to the root.
func packages(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "tools") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			relative, err := filepath.Rel(root, filepath.Dir(file))
			if err != nil {
				return err
			}
			relative = filepath.ToSlash(relative)
			found[relative] = append(found[relative], file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func below(folder string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return folder == f || strings.HasPrefix(folder, f+"/") })
}

func TestImportsPointOneWay(t *testing.T) {
	for folder, files := range packages(t, "..") {
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") { // tests may look from outside
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				t.Errorf("%v", err)
				continue
			}
			for _, spec := range parsed.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				check(t, folder, file, imported)
			}
		}
	}
}

func check(t *testing.T, folder, file, imported string) {
	own, isOwn := strings.CutPrefix(imported, module+"/")
	for _, layer := range layers {
		if !below(folder, []string{layer.folder}) {
			continue
		}
		if isOwn && !below(own, layer.allowed) {
			t.Errorf("%s imports %s: %s may import only %v", file, own, layer.folder, layer.allowed)
		}
		for _, prefix := range layer.foreign {
			if strings.HasPrefix(imported, prefix) {
				t.Errorf("%s imports %s: %s may not", file, imported, layer.folder)
			}
		}
	}
	if isOwn && below(folder, []string{"components"}) && below(own, []string{"components"}) && !below(own, append(componentsMayImport, folder)) {
		t.Errorf("%s imports %s: a component knows nothing of another's insides", file, own)
	}
}

func TestNoPackageIsACatchAll(t *testing.T) {
	for folder := range packages(t, "..") {
		if slices.Contains([]string{"util", "utils", "common", "helpers", "misc"}, path.Base(folder)) {
			t.Errorf("%s: name a package after what it is about", folder)
		}
	}
}

func TestEveryPackageHasADocComment(t *testing.T) {
	for folder, files := range packages(t, "..") {
		documented, onlyTests := false, true
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			onlyTests = false
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Errorf("%v", err)
				continue
			}
			documented = documented || parsed.Doc != nil && strings.TrimSpace(parsed.Doc.Text()) != ""
		}
		if !documented && !onlyTests {
			t.Errorf("%s has no package comment", folder)
		}
	}
}
