package jsonata

import "strings"

// signature is what a function's arguments must be (https://docs.jsonata.org/programming#function-signatures).
type signature struct {
	params []param
}

type param struct {
	accept   string // the letters of the types that fit
	array    bool   // a single value may stand for an array of it
	subtype  byte   // of an array's items; 0 for any
	optional bool
	repeated bool
	context  bool // the context stands in when it is left out
}

const anything = "asnblfom"

// parseSignature reads a signature such as "<a<n>:n>". What it says of the result is not checked, as in the reference
// implementation.
func parseSignature(text string) (*signature, error) {
	s := &signature{}
	for i := 1; i < len(text); i++ {
		var p param
		switch c := text[i]; c {
		case ':':
			return s, nil
		case 's', 'n', 'b', 'l', 'o':
			p.accept = string(c) + "m"
		case 'u':
			p.accept = "snblm"
		case 'a':
			p.accept, p.array = anything, true
		case 'f':
			p.accept = "f"
		case 'j':
			p.accept = "asnblom"
		case 'x':
			p.accept = anything
		case '(':
			end := strings.IndexByte(text[i:], ')')
			if end < 0 {
				return s, nil
			}
			choice := text[i+1 : i+end]
			if strings.Contains(choice, "<") {
				return nil, &raised{code: "S0402", value: choice}
			}
			p.accept = choice + "m"
			i += end
		case '-', '?', '+':
			if len(s.params) > 0 {
				last := &s.params[len(s.params)-1]
				last.context = last.context || c == '-'
				last.optional = last.optional || c != '+'
				last.repeated = last.repeated || c == '+'
			}
			continue
		case '<':
			if len(s.params) == 0 {
				continue
			}
			last := &s.params[len(s.params)-1]
			if last.accept != "f" && !last.array {
				return nil, &raised{code: "S0401", value: last.accept[:1]}
			}
			depth := 1
			start := i + 1
			for i++; i < len(text) && depth > 0; i++ {
				switch text[i] {
				case '<':
					depth++
				case '>':
					depth--
				}
			}
			i--
			if last.array && start < len(text) {
				last.subtype = text[start]
			}
			continue
		default:
			continue
		}
		s.params = append(s.params, p)
	}
	return s, nil
}

func mustSignature(text string) *signature {
	s, err := parseSignature(text)
	if err != nil {
		panic("jsonata: signature " + text + ": " + err.Error())
	}
	return s
}

// validate returns the arguments as the function gets them: with the context for those left out, and with arrays for
// single values where arrays are wanted.
func (s *signature) validate(args []any, context any) ([]any, error) {
	counts, ok := s.match(0, args, make([]int, 0, 4))
	if !ok {
		at := s.firstMismatch(args)
		v := undefined
		if at < len(args) {
			v = args[at]
		}
		return nil, &raised{code: "T0410", value: v, index: at + 1}
	}
	valid := make([]any, 0, len(s.params))
	next := 0
	for i := range s.params {
		p := &s.params[i]
		if counts[i] == 0 {
			var v any
			if !p.context {
				// What another parameter will get as well: so the reference implementation has it.
				v = argument(args, next)
				next++
			} else {
				if strings.IndexByte(p.accept, kind(context)) < 0 {
					return nil, &raised{code: "T0411", value: context, index: next + 1}
				}
				v = context
			}
			valid = append(valid, v)
			continue
		}
		for range counts[i] {
			v := argument(args, next)
			next++
			if p.array && v != undefined {
				var err error
				if v, err = p.asArray(v, next); err != nil {
					return nil, err
				}
			}
			valid = append(valid, v)
		}
	}
	return valid, nil
}

// match finds out how many arguments each parameter takes, from the i-th on.
func (s *signature) match(i int, args []any, counts []int) ([]int, bool) {
	if i == len(s.params) {
		return counts, len(args) == 0
	}
	p := &s.params[i]
	most := 1
	if p.repeated {
		most = len(args)
	}
	fit := 0
	for fit < most && fit < len(args) && strings.IndexByte(p.accept, kind(args[fit])) >= 0 {
		fit++
	}
	least := 1
	if p.optional {
		least = 0
	}
	for n := fit; n >= least; n-- {
		if found, ok := s.match(i+1, args[n:], append(counts, n)); ok {
			return found, true
		}
	}
	return nil, false
}

// firstMismatch is the index of the argument to blame.
func (s *signature) firstMismatch(args []any) int {
	at := 0
	for i := range s.params {
		p := &s.params[i]
		n := 0
		for at < len(args) && strings.IndexByte(p.accept, kind(args[at])) >= 0 && (n == 0 || p.repeated) {
			n++
			at++
		}
		if n == 0 && !p.optional {
			break
		}
	}
	return at
}

var typeNames = map[byte]string{'a': "arrays", 'b': "booleans", 'f': "functions", 'n': "numbers", 'o': "objects", 's': "strings"}

func (p *param) asArray(v any, index int) (any, error) {
	items, isArray := itemsOf(v)
	fits := true
	if p.subtype != 0 && !isArray {
		fits = kind(v) == p.subtype
	} else if p.subtype != 0 {
		for _, item := range items {
			fits = fits && kind(item) == p.subtype
		}
	}
	if !fits {
		return nil, &raised{code: "T0412", value: v, value2: typeNames[p.subtype], index: index}
	}
	if isArray {
		return v, nil
	}
	return &array{items: []any{v}}, nil
}
