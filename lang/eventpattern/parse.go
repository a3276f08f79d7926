package eventpattern

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// reserved are the names that no field within $or may have.
var reserved = []string{
	"exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
	"=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case",
	"date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range",
}

// draft is a branch while it is read: conditions by path.
type draft map[string]*condition

type parser struct {
	scanner
	drafts []draft // the branches so far
}

// parse reads a pattern into its branches.
func parse(source string) ([]branch, error) {
	p := &parser{scanner: scanner{source: source}}
	t, err := p.next()
	switch {
	case err != nil:
		return nil, err
	case t != beginObject:
		return nil, p.fail(0, "Filter is not an object")
	}
	if err := p.object("", false); err != nil {
		return nil, err
	}
	var branches []branch
	for _, d := range p.drafts {
		var b branch
		for _, path := range slices.Sorted(maps.Keys(d)) {
			b = append(b, d[path])
		}
		branches = append(branches, b)
	}
	return branches, nil
}

// object reads an object of the pattern up to its end; path is where it stands, with a dot at its end.
func (p *parser) object(path string, inOr bool) *Error {
	for fields := 0; ; fields++ {
		t, err := p.next()
		switch {
		case err != nil:
			return err
		case t == endObject && fields == 0:
			return p.fail(0, "Empty objects are not allowed")
		case t == endObject:
			return nil
		}
		name := p.name
		if name == "$or" {
			if err := p.or(path); err != nil {
				return err
			}
			continue
		}
		if inOr && slices.Contains(reserved, name) {
			return p.fail(0, "%s is Ruler reserved fieldName which cannot be used inside $or.", name)
		}
		switch t, err = p.next(); {
		case err != nil:
			return err
		case t == beginObject:
			err = p.object(path+name+".", inOr)
		case t == beginArray:
			err = p.field(path + name)
		default:
			err = p.fail(0, `"%s" must be an object or an array`, name)
		}
		if err != nil {
			return err
		}
	}
}

// or multiplies the branches by the alternatives of an $or.
func (p *parser) or(path string) *Error {
	before := p.drafts
	if t, err := p.next(); err != nil {
		return err
	} else if t != beginArray {
		return p.fail(0, "It must be an Array followed with $or.")
	}
	var all []draft
	for n := 0; ; n++ {
		t, err := p.next()
		switch {
		case err != nil:
			return err
		case t == endArray && n < 2:
			return p.fail(0, "There must have at least 2 Objects in $or relationship.")
		case t == endArray:
			p.drafts = all
			return nil
		case t != beginObject:
			return p.fail(0, "Only JSON object is allowed in array of $or relationship.")
		}
		p.drafts = []draft{{}}
		if len(before) > 0 {
			p.drafts = nil
			for _, d := range before {
				p.drafts = append(p.drafts, maps.Clone(d))
			}
		}
		if err := p.object(path, true); err != nil {
			return err
		}
		if all = append(all, p.drafts...); len(all) > MaxCombinations {
			return p.fail(0, "$or has more than %d combinations", MaxCombinations)
		}
	}
}

// field reads the values that a field may have.
func (p *parser) field(path string) *Error {
	c := &condition{path: path}
	for n := 0; ; n++ {
		t, err := p.next()
		if err != nil {
			return err
		}
		switch t {
		case endArray:
			if n == 0 {
				return p.fail(0, "Empty arrays are not allowed")
			}
			c.key = path + "\x00" + c.values.key()
			if len(p.drafts) == 0 {
				p.drafts = []draft{{}}
			}
			for _, d := range p.drafts {
				d[path] = c
			}
			return nil
		case beginObject:
			err = p.operator(&c.values)
		case text:
			var s string
			if s, err = p.text(); err == nil {
				c.values.addText(s)
			}
		case number:
			c.values.addNumber(p.word)
		case literal:
			c.values.addLiteral(p.word)
		default:
			err = p.fail(0, "Match value must be String, number, true, false, or null")
		}
		if err != nil {
			return err
		}
	}
}

const oneKey = "Only one key allowed in match expression"

// operator reads a comparison, whose brace has been read.
func (p *parser) operator(v *values) *Error {
	t, err := p.next()
	switch {
	case err != nil:
		return err
	case t != fieldName:
		return p.fail(0, "Match expression name not found")
	}
	switch name := p.name; name {
	case "exactly":
		return p.single("exact match pattern must be a string", func(s string) *Error { v.strings = append(v.strings, s); return nil })
	case "prefix":
		return p.affix(name, &v.prefixes, &v.foldPrefixes)
	case "suffix":
		return p.affix(name, &v.suffixes, &v.foldSuffixes)
	case "numeric":
		if t, err = p.next(); err != nil {
			return err
		} else if t != beginArray {
			return p.fail(0, "Value of numeric must be an array.")
		}
		r, err := p.numeric()
		if err != nil {
			return err
		}
		v.ranges = append(v.ranges, r)
		return p.close(tooMany)
	case "anything-but":
		return p.anythingBut(v)
	case "exists":
		if t, err = p.next(); err != nil {
			return err
		} else if t != literal || p.word == "null" {
			return p.fail(0, "exists match pattern must be either true or false.")
		}
		if p.word == "true" {
			v.exists = true
		} else {
			v.absent = true
		}
		return p.close(oneKey)
	case "cidr":
		return p.single("prefix match pattern must be a string", func(s string) *Error {
			r, problem := parseCIDR(s)
			if problem != "" {
				return &Error{Reason: problem}
			}
			v.addresses = append(v.addresses, r)
			return nil
		})
	case "equals-ignore-case":
		return p.single("equals-ignore-case match pattern must be a string", func(s string) *Error { v.folds = append(v.folds, newFold(s)); return nil })
	case "wildcard":
		return p.single("wildcard match pattern must be a string", func(s string) *Error {
			w, problem := parseWildcard(s)
			if problem != "" {
				return p.fail(0, "%s", problem)
			}
			v.wildcards = append(v.wildcards, w)
			return nil
		})
	default:
		return p.fail(0, "Unrecognized match type %s", name)
	}
}

// single reads a string and the end of the comparison.
func (p *parser) single(otherwise string, take func(string) *Error) *Error {
	t, err := p.next()
	switch {
	case err != nil:
		return err
	case t != text:
		return p.fail(0, "%s", otherwise)
	}
	s, err := p.text()
	if err == nil {
		err = take(s)
	}
	if err != nil {
		return err
	}
	return p.close(oneKey)
}

// affix reads what follows prefix or suffix: a string, or one in any case.
func (p *parser) affix(name string, plain *[]string, folded *[]fold) *Error {
	t, err := p.next()
	switch {
	case err != nil:
		return err
	case t == text:
		s, err := p.text()
		if err != nil {
			return err
		}
		*plain = append(*plain, s)
		return p.close(oneKey)
	case t != beginObject:
		return p.fail(0, "%s match pattern must be a string", name)
	}
	switch t, err = p.next(); {
	case err != nil:
		return err
	case t != fieldName:
		return p.fail(0, "%s expression name not found", strings.ToUpper(name[:1])+name[1:])
	case p.name != "equals-ignore-case":
		return p.fail(0, "Unsupported %s pattern: %s", name, p.name)
	}
	if err := p.single("equals-ignore-case match pattern must be a string", func(s string) *Error { *folded = append(*folded, newFold(s)); return nil }); err != nil {
		return err
	}
	return p.close(oneKey)
}

// close reads the end of a comparison.
func (p *parser) close(otherwise string) *Error {
	t, err := p.next()
	if err == nil && t != endObject {
		err = p.fail(0, "%s", otherwise)
	}
	return err
}

const tooMany = "Too many elements in numeric expression" // EventBridge says so of anything-but too

// anythingBut reads what follows anything-but.
func (p *parser) anythingBut(v *values) *Error {
	t, err := p.next()
	if err != nil {
		return err
	}
	kind := ""
	if t == beginObject {
		switch t, err = p.next(); {
		case err != nil:
			return err
		case t != fieldName:
			return p.fail(0, "Anything-But expression name not found")
		}
		if kind = p.name; kind != "equals-ignore-case" && kind != "prefix" && kind != "suffix" && kind != "wildcard" {
			return p.fail(0, "Unsupported anything-but pattern: %s", kind)
		}
		if t, err = p.next(); err != nil {
			return err
		}
	}
	list := t == beginArray
	if !list && t != text && t != number {
		return p.fail(0, "Value of anything-but must be an array or single string/number value.")
	}
	var b but
	take := b.take(p, kind)
	if list {
		err = p.list(take)
		if err == nil && kind == "" && (len(b.strings) > 0) == (len(b.numbers) > 0) {
			err = p.fail(0, "Inside anything but list, either all values are number or string, mixed type is not supported")
		}
	} else {
		err = take(t)
	}
	if err == nil {
		err = b.checkWildcards(p)
	}
	if err == nil {
		err = p.close(tooMany)
	}
	if err == nil && kind != "" {
		err = p.close(tooMany)
	}
	v.buts = append(v.buts, b)
	return err
}

// list reads the elements of an array. Its errors say twice where they are, as EventBridge's do.
func (p *parser) list(take func(token) *Error) *Error {
	for {
		t, err := p.next()
		if err == nil && t == endArray {
			return nil
		}
		if err == nil {
			err = take(t)
		}
		if err != nil {
			err.Location += p.fail(0, "").Location
			return err
		}
	}
}

// take returns what takes an element of anything-but.
func (b *but) take(p *parser, kind string) func(token) *Error {
	return func(t token) *Error {
		if kind == "" && t == number {
			n, ok := parseNumber(p.word)
			if !ok {
				return &Error{Reason: "Cannot compare number : " + p.word}
			}
			b.numbers = append(b.numbers, n)
			return nil
		}
		if t != text {
			switch kind {
			case "":
				return p.fail(0, "Inside anything but list, start|null|boolean is not supported.")
			case "equals-ignore-case":
				return p.fail(0, "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
			case "wildcard":
				return p.fail(0, "wildcard match pattern must be a string")
			}
			return p.fail(0, "prefix/suffix match pattern must be a string")
		}
		s, err := p.text()
		if err != nil {
			return err
		}
		switch kind {
		case "":
			b.strings = append(b.strings, s)
		case "equals-ignore-case":
			b.folds = append(b.folds, newFold(s))
		case "wildcard":
			b.wildcardTexts = append(b.wildcardTexts, s)
		default:
			if s == "" {
				return p.fail(0, "Null prefix/suffix not allowed")
			}
			if kind == "prefix" {
				b.prefixes = append(b.prefixes, s)
			} else {
				b.suffixes = append(b.suffixes, s)
			}
		}
		return nil
	}
}

func (b *but) checkWildcards(p *parser) *Error {
	for _, s := range b.wildcardTexts {
		w, problem := parseWildcard(s)
		if problem != "" {
			return p.fail(0, "%s", problem)
		}
		b.wildcards = append(b.wildcards, w)
	}
	return nil
}

// numeric reads a numeric comparison, whose bracket has been read, up to its closing bracket.
func (p *parser) numeric() (numberRange, *Error) {
	var r numberRange
	t, err := p.next()
	switch {
	case err != nil:
		return r, err
	case t != text:
		shown := p.word
		if i := strings.IndexByte("{}[]", p.source[p.pos-1]); t != number && t != literal && i >= 0 {
			shown = p.source[p.pos-1 : p.pos]
		}
		return r, p.fail(0, "Invalid member in numeric match: %s", shown)
	}
	operator, err := p.text()
	if err != nil {
		return r, err
	}
	switch t, err = p.next(); {
	case err != nil:
		return r, err
	case !slices.Contains([]string{"=", "<", "<=", ">", ">="}, operator):
		return r, p.fail(0, "Unrecognized numeric range operator: %s", operator)
	case t != number:
		if operator == "=" {
			operator = "equals"
		}
		return r, p.fail(0, "Value of %s must be numeric", operator)
	}
	bound := p.word
	switch t, err = p.next(); {
	case err != nil:
		return r, err
	case operator == ">" || operator == ">=":
		r.min = &bound
		r.minOpen = operator == ">"
		if t != endArray {
			err = p.upperBound(&r, t)
		}
	case t != endArray:
		err = p.fail(0, tooMany)
	case operator == "=":
		r.min, r.max = &bound, &bound
	default:
		r.max, r.maxOpen = &bound, operator == "<"
	}
	if err != nil {
		return r, err
	}
	if problem := r.compile(operator == "="); problem != nil {
		return r, p.fail(0, "%s", problem.Error())
	}
	return r, nil
}

// upperBound reads the second half of a range: its operator has been read.
func (p *parser) upperBound(r *numberRange, t token) *Error {
	if t != text {
		return p.fail(0, "Bad value in numeric range: %s", p.word)
	}
	operator, err := p.text()
	if err != nil {
		return err
	}
	if operator != "<" && operator != "<=" {
		return p.fail(0, "Bad numeric range operator: %s", operator)
	}
	r.maxOpen = operator == "<"
	switch t, err = p.next(); {
	case err != nil:
		return err
	case t != number:
		return p.fail(0, "Value of %s must be numeric", operator)
	}
	bound := p.word
	r.max = &bound
	switch t, err = p.next(); {
	case err != nil:
		return err
	case t != endArray:
		return p.fail(0, "Too many terms in numeric range expression")
	}
	return nil
}

var errOrder = errors.New("Bottom must be less than top")
