// Package awsmodel tells what the actions of some AWS services take and which errors the services have, as far as a
// state machine's definition can be checked for it: the names, types and requiredness of arguments, the values of
// enumerations and the names of modelled errors.
//
// The tables are generated from the AWS SDK for Go and embedded as text. A line names the prefix of the service's
// errors, an action with the shape of its input, an error, an enumeration with its values, or a structure or union,
// whose members follow on lines that begin with a tab: the name, "!" where the API requires it, and the type. A type is
// string, blob, boolean, integer, float, timestamp, document, or a name of the table, after a "[]" for each list and a
// "{}" for each map that it is in.
//
// What actions answer is in tables of their own, which are generated from botocore's models of the services and cover
// some more of them. There a scalar's type may have bounds: string@1:128 is a string of 1 to 128 characters,
// integer@128: a number of at least 128.
package awsmodel

import (
	"embed"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run -C ../../../tools/asltable . ../../lang/asl/awsmodel/tables

//go:embed tables outputs
var tables embed.FS

// Service is one service's table.
type Service struct {
	prefix  string
	actions map[string]*Shape
	names   []string
	errors  []string
}

// Shape is a structure or a union.
type Shape struct {
	Name    string // the API's, such as PutItemInput
	Members []Member
	Union   bool // exactly one member is to be given
}

// Member is a member of a structure or a union.
type Member struct {
	Name     string // in PascalCase
	Required bool
	Type     *Type
}

// Kind is what a value is in JSON.
type Kind int

// The kinds. Values of the kinds Blob and Document can be anything.
const (
	String Kind = iota + 1
	Blob
	Boolean
	Integer
	Float
	Timestamp
	Document
	Enum
	List
	Map
	Structure
)

// Type is the type of a member, of a list's items or of a map's values.
type Type struct {
	Kind   Kind
	Values []string // of an Enum: those that the API knew when the table was made
	Item   *Type    // of a List and a Map
	Shape  *Shape   // of a Structure
	// Min and Max are the bounds of a number, or of a text's length, infinite where there is none; both are 0 where the
	// table has no bounds. Only types of what actions answer have them.
	Min, Max float64
}

var scalars = map[string]*Type{
	"string": {Kind: String}, "blob": {Kind: Blob}, "boolean": {Kind: Boolean}, "integer": {Kind: Integer},
	"float": {Kind: Float}, "timestamp": {Kind: Timestamp}, "document": {Kind: Document},
}

// services and outputs have a reader for each table; a table is read when it is first asked for.
var (
	services = readersOf("tables")
	outputs  = readersOf("outputs")
)

func readersOf(folder string) func() map[string]func() *Service {
	return sync.OnceValue(func() map[string]func() *Service {
		readers := map[string]func() *Service{}
		entries, err := tables.ReadDir(folder)
		if err != nil {
			panic(fmt.Sprintf("awsmodel: reading the embedded tables: %v", err))
		}
		for _, e := range entries {
			name := strings.TrimSuffix(e.Name(), ".txt")
			readers[name] = sync.OnceValue(func() *Service {
				text, err := tables.ReadFile(folder + "/" + name + ".txt")
				if err != nil {
					panic(fmt.Sprintf("awsmodel: reading the embedded table of %s: %v", name, err))
				}
				return parse(string(text))
			})
		}
		return readers
	})
}

// Output returns what an action answers, both by the names that Step Functions' SDK integrations have for them; nil when
// it is not known or the action answers nothing.
func Output(service, action string) *Shape {
	if read := outputs()[service]; read != nil {
		return read().Action(action)
	}
	return nil
}

// Lookup returns the table of a service by the name that Step Functions' SDK integrations have for it, such as
// "dynamodb" and "cognitoidentityprovider"; nil when there is none.
func Lookup(service string) *Service {
	if read := services()[service]; read != nil {
		return read()
	}
	return nil
}

// Services returns the names of all services that have a table, sorted.
func Services() []string {
	var names []string
	for name := range services() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Prefix returns what the names of the service's errors begin with in SDK integrations, such as "DynamoDb".
func (s *Service) Prefix() string { return s.prefix }

// Action returns an action's input by the action's name in camelCase, nil when the service has no such action.
func (s *Service) Action(name string) *Shape { return s.actions[name] }

// Actions returns the names of all actions in camelCase, sorted.
func (s *Service) Actions() []string { return s.names }

// Errors returns the names of the modelled errors, sorted, such as "ConditionalCheckFailedException" and "NoSuchKey".
func (s *Service) Errors() []string { return s.errors }

// Member returns a member by its exact name, nil when there is none.
func (s *Shape) Member(name string) *Member {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return &s.Members[i]
		}
	}
	return nil
}

// parser reads a table: first its names, then what they refer to.
type parser struct {
	shapes map[string]*Shape
	types  map[string]*Type
}

func parse(table string) *Service {
	p := parser{shapes: map[string]*Shape{}, types: map[string]*Type{}}
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	for _, line := range lines {
		words := strings.Fields(line)
		switch words[0] {
		case "enum":
			p.types[words[1]] = &Type{Kind: Enum, Values: words[2:]}
		case "shape", "union":
			shape := &Shape{Name: words[1], Union: words[0] == "union"}
			p.shapes[shape.Name] = shape
			p.types[shape.Name] = &Type{Kind: Structure, Shape: shape}
		}
	}
	s := &Service{actions: map[string]*Shape{}}
	var shape *Shape
	for _, line := range lines {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "\t"):
			name, required := strings.CutSuffix(words[0], "!")
			shape.Members = append(shape.Members, Member{name, required, p.typeOf(words[1])})
		case words[0] == "shape", words[0] == "union":
			shape = p.shapes[words[1]]
		case words[0] == "prefix":
			s.prefix = words[1]
		case words[0] == "action":
			s.actions[words[1]] = p.shapes[words[2]]
			s.names = append(s.names, words[1])
		case words[0] == "error":
			s.errors = append(s.errors, words[1])
		}
	}
	return s
}

func (p *parser) typeOf(text string) *Type {
	if t := p.types[text]; t != nil {
		return t
	}
	t := scalars[text]
	if base, bounds, bounded := strings.Cut(text, "@"); bounded && scalars[base] != nil {
		from, to, _ := strings.Cut(bounds, ":")
		t = &Type{Kind: scalars[base].Kind, Min: bound(from, -1), Max: bound(to, 1)}
	}
	switch {
	case strings.HasPrefix(text, "[]"):
		t = &Type{Kind: List, Item: p.typeOf(text[2:])}
	case strings.HasPrefix(text, "{}"):
		t = &Type{Kind: Map, Item: p.typeOf(text[2:])}
	}
	if t == nil {
		panic("awsmodel: a table names the unknown type " + text)
	}
	p.types[text] = t
	return t
}

// bound reads a bound; where there is none it is infinite.
func bound(text string, sign int) float64 {
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	return math.Inf(sign)
}
