package jsonata

import (
	"math"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// found is one match of a regular expression or of a function that stands for one.
type found struct {
	text       string
	start, end int // in bytes; of a function as it counts them
	groups     []any
}

// matcher yields the matches in a text.
type matcher struct {
	c    *call
	f    *function
	text string
	at   int
	next *function // of a function that stands for a regular expression
	done bool
}

func (m *matcher) find() (*found, error) {
	if m.done {
		return nil, nil
	}
	if m.f.regex == nil {
		return m.ask()
	}
	if err := m.c.ev.spend(1 + (len(m.text)-m.at)/64); err != nil {
		return nil, err
	}
	loc := m.f.regex.FindStringSubmatchIndex(m.text[m.at:])
	if loc == nil {
		m.done = true
		return nil, nil
	}
	if loc[0] == loc[1] {
		return nil, problem("D1004", "")
	}
	result := &found{text: m.text[m.at+loc[0] : m.at+loc[1]], start: m.at + loc[0], end: m.at + loc[1]}
	for i := 2; i < len(loc); i += 2 {
		if loc[i] < 0 {
			result.groups = append(result.groups, undefined)
		} else {
			result.groups = append(result.groups, m.text[m.at+loc[i]:m.at+loc[i+1]])
		}
	}
	m.at = result.end
	m.done = m.at >= len(m.text)
	return result, nil
}

// ask gets a match from a function, which answers with an object: match, start, end, groups, and next, a function that
// gives the next one (https://docs.jsonata.org/regex).
func (m *matcher) ask() (*found, error) {
	f, args := m.next, []any{}
	if f == nil {
		f, args = m.f, []any{m.text}
	}
	v, err := m.c.ev.invoke(f, args, undefined)
	if err != nil {
		return nil, err
	}
	if v == undefined {
		m.done = true
		return nil, nil
	}
	o, ok := v.(*jsonvalue.Object)
	member := func(name string) any {
		if member, has := o.Get(name); has {
			return member
		}
		return undefined
	}
	start, hasStart := number(member("start"))
	end, hasEnd := number(member("end"))
	_, hasStartOrGroups := itemsOf(member("groups"))
	next, hasNext := member("next").(*function)
	if !ok || !hasStart && !hasEnd && !hasStartOrGroups && !hasNext {
		return nil, problem("T1010", v)
	}
	text, _ := member("match").(string)
	result := &found{text: text, start: clampInt(start), end: clampInt(end)}
	if groups, ok := itemsOf(member("groups")); ok {
		result.groups = groups
	}
	m.next = next
	m.done = next == nil
	return result, nil
}

// matchRegex is a regular expression called as a function: it gives the first match, with a function for the next.
func matchRegex(c *call, args []any) (any, error) {
	s, ok := argument(args, 0).(string)
	if !ok {
		return undefined, nil
	}
	return nextMatch(&matcher{c: c, f: c.f, text: s})
}

func nextMatch(m *matcher) (any, error) {
	hit, err := m.find()
	if err != nil || hit == nil {
		return undefined, err
	}
	o := &jsonvalue.Object{}
	o.Set("match", hit.text)
	o.Set("start", float64(utf16Length(m.text[:hit.start])))
	o.Set("end", float64(utf16Length(m.text[:hit.end])))
	o.Set("groups", &array{items: hit.groups})
	o.Set("next", &function{native: func(*call, []any) (any, error) { return nextMatch(m) }})
	return o, nil
}

func containsText(c *call, args []any) (any, error) {
	s := args[0].(string)
	switch token := argument(args, 1).(type) {
	case string:
		return strings.Contains(s, token), nil
	case *function:
		m := &matcher{c: c, f: token, text: s}
		hit, err := m.find()
		return hit != nil, err
	}
	return undefined, nil
}

func match(c *call, args []any) (any, error) {
	limit, limited := numberArgument(args, 2)
	if limited && limit < 0 {
		return nil, &raised{code: "D3040", value: limit, index: 3}
	}
	f := functionArgument(args, 1)
	if f == nil {
		return undefined, nil
	}
	result := newSequence()
	m := &matcher{c: c, f: f, text: args[0].(string)}
	for count := 0; !limited || float64(count) < limit; count++ {
		hit, err := m.find()
		if err != nil {
			return nil, err
		}
		if hit == nil {
			break
		}
		result.items = append(result.items, hit.object(m))
	}
	return result, nil
}

// object is a match as $match gives it and as $replace shows it to a function.
func (f *found) object(m *matcher) *jsonvalue.Object {
	index := f.start
	if m.f.regex != nil {
		index = utf16Length(m.text[:f.start])
	}
	o := &jsonvalue.Object{}
	o.Set("match", f.text)
	o.Set("index", float64(index))
	groups := make([]any, len(f.groups))
	for i, g := range f.groups {
		if g == undefined {
			g = nil
		}
		groups[i] = g
	}
	o.Set("groups", &array{items: groups})
	return o
}

func split(c *call, args []any) (any, error) {
	s := args[0].(string)
	limit, limited := numberArgument(args, 2)
	if limited && limit < 0 {
		return nil, &raised{code: "D3020", value: limit, index: 3}
	}
	most := math.MaxInt
	if limited {
		most = clampInt(math.Floor(limit))
	}
	result := &array{}
	f := functionArgument(args, 1)
	if f == nil {
		separator, ok := textArgument(args, 1)
		if !ok {
			return &array{items: []any{s}}, nil
		}
		for _, piece := range strings.Split(s, separator) {
			if len(result.items) >= most {
				break
			}
			result.items = append(result.items, piece)
		}
		return result, c.ev.spend(len(result.items))
	}
	m := &matcher{c: c, f: f, text: s}
	start := 0
	for len(result.items) < most {
		hit, err := m.find()
		if err != nil {
			return nil, err
		}
		if hit == nil {
			result.items = append(result.items, s[start:])
			break
		}
		from, to := m.bounds(hit)
		if from < start {
			break
		}
		result.items = append(result.items, s[start:from])
		start = to
	}
	return result, nil
}

// bounds are a match's place in bytes, kept within the text.
func (m *matcher) bounds(f *found) (from, to int) {
	from = max(0, min(f.start, len(m.text)))
	return from, max(from, min(f.end, len(m.text)))
}

func replace(c *call, args []any) (any, error) {
	s := args[0].(string)
	pattern, isText := textArgument(args, 1)
	if isText && pattern == "" {
		return nil, &raised{code: "D3010", value: pattern, index: 2}
	}
	limit, limited := numberArgument(args, 3)
	if limited && limit < 0 {
		return nil, &raised{code: "D3011", value: limit, index: 4}
	}
	replacement, hasText := textArgument(args, 2)
	f := functionArgument(args, 1)
	by := functionArgument(args, 2)
	if !isText && f == nil || !hasText && by == nil {
		return undefined, nil
	}
	if isText {
		f = literalMatcher(pattern)
	}
	m := &matcher{c: c, f: f, text: s}
	var b strings.Builder
	start := 0
	for count := 0; !limited || float64(count) < limit; count++ {
		hit, err := m.find()
		if err != nil {
			return nil, err
		}
		if hit == nil {
			break
		}
		from, to := m.bounds(hit)
		if from < start {
			break
		}
		text := replacement
		switch {
		case by != nil:
			v, err := c.invokeFor(by, hit.object(m))
			if err != nil {
				return nil, err
			}
			if text, hasText = v.(string); !hasText {
				return nil, problem("D3012", v)
			}
		case !isText:
			text = hit.expand(replacement)
		}
		if err := c.ev.allocate(from - start + len(text)); err != nil {
			return nil, err
		}
		b.WriteString(s[start:from])
		b.WriteString(text)
		start = to
	}
	b.WriteString(s[start:])
	return b.String(), c.ev.allocate(len(s) - start)
}

// expand replaces $0, $1 and so on by what was matched; $$ is a dollar sign. Of several digits as many count as make the
// number of a group.
func (f *found) expand(replacement string) string {
	var b strings.Builder
	for i := 0; i < len(replacement); i++ {
		c := replacement[i]
		if c != '$' || i+1 >= len(replacement) {
			b.WriteByte(c)
			continue
		}
		if replacement[i+1] == '$' {
			b.WriteByte('$')
			i++
			continue
		}
		digits := i + 1
		for digits < len(replacement) && '0' <= replacement[digits] && replacement[digits] <= '9' {
			digits++
		}
		if digits == i+1 {
			b.WriteByte('$')
			continue
		}
		digits = min(digits, i+1+len(strconv.Itoa(len(f.groups))))
		group, _ := strconv.Atoi(replacement[i+1 : digits])
		if group > len(f.groups) && digits > i+2 {
			digits--
			group, _ = strconv.Atoi(replacement[i+1 : digits])
		}
		if group == 0 {
			b.WriteString(f.text)
		} else if group <= len(f.groups) {
			text, _ := f.groups[group-1].(string)
			b.WriteString(text)
		}
		i = digits - 1
	}
	return b.String()
}
