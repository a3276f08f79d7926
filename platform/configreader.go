package platform

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// configReader collects the problems of a whole configuration.
type configReader struct {
	get      func(key string) (string, bool)
	problems []Problem
}

func (r *configReader) text(key string, pattern *regexp.Regexp, allowed string) string {
	value, ok := r.get(key)
	switch {
	case !ok:
		r.problems = append(r.problems, Problem{Path: key, Allowed: allowed})
	case !pattern.MatchString(value):
		r.problems = append(r.problems, Problem{key, jsonvalue.Text(value), allowed})
	}
	return value
}

// object reads the object of a key; a missing one is empty.
func (r *configReader) object(key string) *objectReader {
	o := &objectReader{reader: r, path: key}
	text, ok := r.get(key)
	if !ok {
		return o
	}
	value, err := jsonvalue.Parse(text)
	if err != nil {
		r.problems = append(r.problems, Problem{key, jsonvalue.Text(text), "an object"})
		return o
	}
	o.set(value)
	return o
}

// objectReader reads the members of one object and knows which it has.
type objectReader struct {
	reader *configReader
	path   string
	value  *jsonvalue.Object // nil: empty
	known  []string
}

func (o *objectReader) set(value any) {
	object, ok := value.(*jsonvalue.Object)
	if !ok {
		o.reader.problems = append(o.reader.problems, Problem{o.path, jsonvalue.Text(value), "an object"})
	}
	o.value = object
}

func (o *objectReader) problem(name, value, allowed string) {
	o.reader.problems = append(o.reader.problems, Problem{o.path + "." + name, value, allowed})
}

func (o *objectReader) member(name string) (any, bool) {
	o.known = append(o.known, name)
	return o.value.Get(name)
}

// object reads a member that is an object; a missing one is empty.
func (o *objectReader) object(name string) *objectReader {
	inner := &objectReader{reader: o.reader, path: o.path + "." + name}
	if value, ok := o.member(name); ok {
		inner.set(value)
	}
	return inner
}

// end reports the members that nobody asked for.
func (o *objectReader) end() {
	for name, value := range o.value.All() {
		if !slices.Contains(o.known, name) {
			o.problem(name, jsonvalue.Text(value), "removed: the members are "+strings.Join(o.known, ", "))
		}
	}
}

func (o *objectReader) boolean(name string, to *bool) {
	if value, ok := o.member(name); ok {
		if b, ok := value.(bool); ok {
			*to = b
		} else {
			o.problem(name, jsonvalue.Text(value), "true or false")
		}
	}
}

func (o *objectReader) integer(name string, to *int, fits func(int) bool, allowed string) {
	value, ok := o.member(name)
	if !ok {
		return
	}
	number, _ := value.(jsonvalue.Number)
	n, ok := number.Int64()
	if !ok || n > math.MaxInt32 || n < math.MinInt32 || !fits(int(n)) {
		o.problem(name, jsonvalue.Text(value), allowed)
		return
	}
	*to = int(n)
}

func (o *objectReader) within(name string, to *int, least, most int) {
	o.integer(name, to, func(n int) bool { return least <= n && n <= most }, fmt.Sprintf("an integer from %d to %d", least, most))
}

func (o *objectReader) number(name string, to *float64, least, most float64) {
	value, ok := o.member(name)
	if !ok {
		return
	}
	number, ok := value.(jsonvalue.Number)
	f := number.Float64()
	if !ok || f < least || f > most {
		o.problem(name, jsonvalue.Text(value), "a number from "+strconv.FormatFloat(least, 'f', -1, 64)+" to "+strconv.FormatFloat(most, 'f', -1, 64))
		return
	}
	*to = f
}

func (o *objectReader) texts(name string, to *[]string, pattern *regexp.Regexp, allowed string) {
	value, ok := o.member(name)
	if !ok {
		return
	}
	array, ok := value.(*jsonvalue.Array)
	if !ok {
		o.problem(name, jsonvalue.Text(value), "a list, each item "+allowed)
		return
	}
	*to = []string{}
	for i, item := range array.Items {
		text, ok := item.(string)
		if !ok || !pattern.MatchString(text) {
			o.problem(fmt.Sprintf("%s[%d]", name, i), jsonvalue.Text(item), allowed)
			continue
		}
		*to = append(*to, text)
	}
}

// choice reads a member that is one of a few texts.
func choice[T ~string](o *objectReader, name string, to *T, allowed ...string) {
	value, ok := o.member(name)
	if !ok {
		return
	}
	text, ok := value.(string)
	if !ok || !slices.Contains(allowed, text) {
		o.problem(name, jsonvalue.Text(value), strings.Join(allowed, " or "))
		return
	}
	*to = T(text)
}
