package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// model is an API as the sources of its SDK tell it.
type model struct {
	actions []string            // the API's names, such as PutItem
	shapes  map[string][]member // structures, inputs among them
	unions  map[string][]member
	enums   map[string][]string
	errors  []string
}

type member struct {
	name     string
	kind     string // as in the table
	required bool
}

// unionMember separates a union's name from its member's in the SDK's type names.
const unionMember = "Member"

func readModel(directory string) (*model, error) {
	m := &model{shapes: map[string][]member{}, unions: map[string][]member{}, enums: map[string][]string{}}
	types, err := parseFiles(filepath.Join(directory, "types", "*.go"))
	if err != nil {
		return nil, err
	}
	for _, f := range types {
		m.readEnums(f.syntax)
		m.readErrors(f.syntax)
		m.readUnions(f.syntax)
	}
	for _, f := range types {
		m.readShapes(f.syntax)
	}
	operations, err := parseFiles(filepath.Join(directory, "api_op_*.go"))
	if err != nil {
		return nil, err
	}
	for _, f := range operations {
		if bytes.Contains(f.source, []byte(") GetStream() ")) {
			continue // a stream of events is nothing that a task could return
		}
		action := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f.name), "api_op_"), ".go")
		m.actions = append(m.actions, action)
		m.readShapes(f.syntax)
	}
	slices.Sort(m.actions)
	slices.Sort(m.errors)
	return m, nil
}

type file struct {
	name   string
	source []byte
	syntax *ast.File
}

func parseFiles(pattern string) ([]file, error) {
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no files %s", pattern)
	}
	var files []file
	for _, name := range names {
		source, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name, source, syntax})
	}
	return files, nil
}

// typeSpecs yields a file's type declarations.
func typeSpecs(f *ast.File, yield func(*ast.TypeSpec)) {
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
			for _, s := range g.Specs {
				yield(s.(*ast.TypeSpec))
			}
		}
	}
}

// readEnums reads types of strings and their constants.
func (m *model) readEnums(f *ast.File) {
	typeSpecs(f, func(s *ast.TypeSpec) {
		if id, ok := s.Type.(*ast.Ident); ok && id.Name == "string" && m.enums[s.Name.Name] == nil {
			m.enums[s.Name.Name] = []string{}
		}
	})
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			id, ok := v.Type.(*ast.Ident)
			if !ok || len(v.Values) != 1 {
				continue
			}
			if lit, ok := v.Values[0].(*ast.BasicLit); ok {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					m.enums[id.Name] = append(m.enums[id.Name], text)
				}
			}
		}
	}
}

// readErrors reads which structures are errors: those with a method ErrorCode.
func (m *model) readErrors(f *ast.File) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv == nil || fn.Name.Name != "ErrorCode" {
			continue
		}
		if star, ok := fn.Recv.List[0].Type.(*ast.StarExpr); ok {
			m.errors = append(m.errors, star.X.(*ast.Ident).Name)
		}
	}
}

// readUnions reads the interfaces with which the SDK renders unions.
func (m *model) readUnions(f *ast.File) {
	typeSpecs(f, func(s *ast.TypeSpec) {
		if _, ok := s.Type.(*ast.InterfaceType); ok && s.Name.IsExported() {
			m.unions[s.Name.Name] = nil
		}
	})
}

func (m *model) readShapes(f *ast.File) {
	typeSpecs(f, func(s *ast.TypeSpec) {
		structure, ok := s.Type.(*ast.StructType)
		if !ok || !s.Name.IsExported() {
			return
		}
		name := s.Name.Name
		if union, of, found := strings.Cut(name, unionMember); found {
			if _, known := m.unions[union]; known {
				m.unions[union] = append(m.unions[union], member{name: of, kind: m.kind(structure.Fields.List[0].Type)})
				return
			}
		}
		members := []member{}
		for _, field := range structure.Fields.List {
			if len(field.Names) != 1 || !field.Names[0].IsExported() || field.Names[0].Name == "ResultMetadata" {
				continue
			}
			name := field.Names[0].Name
			required := field.Doc != nil && strings.Contains(field.Doc.Text(), "This member is required.")
			members = append(members, member{name: strings.TrimSuffix(name, "_"), kind: m.kind(field.Type), required: required})
		}
		m.shapes[name] = members
	})
}

// kind is a type in the table's words.
func (m *model) kind(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return m.kind(t.X)
	case *ast.ArrayType:
		if id, ok := t.Elt.(*ast.Ident); ok && id.Name == "byte" {
			return "blob"
		}
		return "[]" + m.kind(t.Elt)
	case *ast.MapType:
		return "{}" + m.kind(t.Value)
	case *ast.SelectorExpr:
		switch pkg := t.X.(*ast.Ident).Name; pkg + "." + t.Sel.Name {
		case "io.Reader", "io.ReadCloser":
			return "blob"
		case "time.Time":
			return "timestamp"
		case "document.Interface":
			return "document"
		default:
			return t.Sel.Name
		}
	case *ast.Ident:
		switch t.Name {
		case "string":
			return "string"
		case "bool":
			return "boolean"
		case "int32", "int64", "int16", "int8":
			return "integer"
		case "float32", "float64":
			return "float"
		}
		return t.Name
	}
	return "document"
}

// table renders what the inputs of the actions need.
func (m *model) table(title, prefix string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\nprefix %s\n", title, prefix)
	needed := map[string]bool{}
	for _, action := range m.actions {
		fmt.Fprintf(&b, "action %s%s %sInput\n", strings.ToLower(action[:1]), action[1:], action)
		m.need(needed, action+"Input")
	}
	for _, name := range m.errors {
		fmt.Fprintf(&b, "error %s\n", name)
	}
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		if values, ok := m.enums[name]; ok {
			fmt.Fprintf(&b, "enum %s %s\n", name, strings.Join(values, " "))
			continue
		}
		keyword, members := "shape", m.shapes[name]
		if union, ok := m.unions[name]; ok {
			keyword, members = "union", union
		}
		fmt.Fprintf(&b, "%s %s\n", keyword, name)
		for _, member := range members {
			mark := ""
			if member.required {
				mark = "!"
			}
			fmt.Fprintf(&b, "\t%s%s %s\n", member.name, mark, member.kind)
		}
	}
	return b.Bytes()
}

// need adds a named type, and what its members need.
func (m *model) need(needed map[string]bool, kind string) {
	for strings.HasPrefix(kind, "[]") || strings.HasPrefix(kind, "{}") {
		kind = kind[2:]
	}
	_, isEnum := m.enums[kind]
	_, isShape := m.shapes[kind]
	_, isUnion := m.unions[kind]
	if needed[kind] || !isEnum && !isShape && !isUnion {
		return
	}
	needed[kind] = true
	for _, member := range slices.Concat(m.shapes[kind], m.unions[kind]) {
		m.need(needed, member.kind)
	}
}
