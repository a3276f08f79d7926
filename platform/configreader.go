package platform

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// configReader reads a whole configuration. It collects its problems, and describes every key and member that it is asked for.
type configReader struct {
	values   map[string]string
	file     *StackFile // nil: the values come from the engine, decrypted and complete
	problems []Problem
	known    []string
	settings []Setting
}

// encrypted reports what stands in a stack's file in the place of a secret. Only the engine knows the value.
func (r *configReader) encrypted(value any) bool {
	object, ok := value.(*jsonvalue.Object)
	if r.file == nil || !ok || object.Len() != 1 {
		return false
	}
	text, ok := object.Get("secure")
	_, isText := text.(string)
	return ok && isText
}

// text reads a key that every stack must have.
func (r *configReader) text(key string, pattern *regexp.Regexp, allowed, meaning string) string {
	value, ok := r.values[key]
	r.known = append(r.known, key)
	s := Setting{Path: key, Meaning: meaning, Allowed: allowed, Required: true, Value: value, Given: ok, schema: map[string]any{"type": "string", "pattern": pattern.String()}}
	parsed, err := jsonvalue.Parse(value)
	switch {
	case !ok && r.file != nil && r.file.Imports:
	case !ok:
		r.problems = append(r.problems, Problem{Path: key, Allowed: allowed})
	case err == nil && r.encrypted(parsed):
		s.Secret, s.Value = true, secretText
	case !pattern.MatchString(value):
		r.problems = append(r.problems, Problem{key, jsonvalue.Text(value), allowed})
	}
	r.settings = append(r.settings, s)
	return value
}

// timeToLive reads how long the stack may be left alone; 0 for ever, which is the standard "".
func (r *configReader) timeToLive(key, standard string, forbidden bool, meaning string) time.Duration {
	const allowed = "days, hours and minutes of at least 10 minutes, such as \"8h\" or \"1d12h\"; no key in the environment prod"
	value, ok := r.values[key]
	r.known = append(r.known, key)
	s := Setting{Path: key, Meaning: meaning, Allowed: allowed, Default: standard, Value: value, Given: ok, schema: map[string]any{"type": "string", "pattern": ttlPattern.String()}}
	defer func() { r.settings = append(r.settings, s) }()
	if !ok {
		if s.Value = standard; standard == "" {
			return 0
		}
		value, forbidden = standard, false
	}
	ttl, err := ParseTTL(value)
	if err != nil || forbidden {
		r.problems = append(r.problems, Problem{key, jsonvalue.Text(value), allowed})
	}
	return ttl
}

var ttlPattern = regexp.MustCompile(`^([0-9]{1,4}d)?([0-9]{1,4}h)?([0-9]{1,4}m)?$`)

// ParseTTL reads the value of the key KeyTTL.
func ParseTTL(text string) (time.Duration, error) {
	var ttl time.Duration
	m := ttlPattern.FindStringSubmatch(text)
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		if m == nil || m[i+1] == "" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimRight(m[i+1], "dhm"))
		if err != nil {
			return 0, fmt.Errorf("the time to live %q: %w", text, err)
		}
		ttl += time.Duration(n) * unit
	}
	if ttl < 10*time.Minute {
		return 0, fmt.Errorf("the time to live %q is not days, hours and minutes of at least 10 minutes, such as 8h", text)
	}
	return ttl, nil
}

// object reads the object of a key; a missing one is empty.
func (r *configReader) object(key, meaning string) *objectReader {
	o := &objectReader{reader: r, path: key}
	text, ok := r.values[key]
	r.known = append(r.known, key)
	o.describe(meaning)
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

// end reports the keys that nobody asked for: a misspelt one would be without effect. Those of Pulumi itself are not ours.
func (r *configReader) end() {
	for _, key := range slices.Sorted(maps.Keys(r.values)) {
		if !slices.Contains(r.known, key) && !strings.HasPrefix(key, "pulumi:") {
			value := r.values[key]
			if _, err := jsonvalue.Parse(value); err != nil {
				value = jsonvalue.Text(value)
			}
			r.problems = append(r.problems, Problem{key, value, removed("keys", r.known)})
		}
	}
}

// removed is what is allowed in the place of a name that is not known.
func removed(what string, known []string) string {
	return "removed: the " + what + " are " + strings.Join(known, ", ")
}

// objectReader reads the members of one object and knows which it has.
type objectReader struct {
	reader *configReader
	path   string
	value  *jsonvalue.Object // nil: empty
	known  []string
	index  int // of its setting
}

// describe adds the object itself to the settings.
func (o *objectReader) describe(meaning string) {
	o.reader.settings = append(o.reader.settings, Setting{Path: o.path, Meaning: meaning, schema: map[string]any{"type": "object"}})
	o.index = len(o.reader.settings) - 1
}

func (o *objectReader) set(value any) {
	if o.reader.encrypted(value) {
		s := &o.reader.settings[o.index]
		s.Given, s.Secret, s.Value = true, true, secretText
		return
	}
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

// leaf reads a member that is no object. to points at its default; read puts the given value there, or reports what is wrong
// with it.
func leaf[T any](o *objectReader, name string, to *T, s Setting, read func(value any)) {
	s.Path, s.Default = o.path+"."+name, *to
	value, ok := o.member(name)
	switch {
	case ok && o.reader.encrypted(value):
		s.Given, s.Secret = true, true
	case ok:
		s.Given = true
		read(value)
	}
	if s.Value = any(*to); s.Secret {
		s.Value = secretText
	}
	o.reader.settings = append(o.reader.settings, s)
}

// object reads a member that is an object; a missing one is empty.
func (o *objectReader) object(name, meaning string) *objectReader {
	inner := &objectReader{reader: o.reader, path: o.path + "." + name}
	inner.describe(meaning)
	if value, ok := o.member(name); ok {
		inner.set(value)
	}
	return inner
}

// end reports the members that nobody asked for.
func (o *objectReader) end() {
	for name, value := range o.value.All() {
		if !slices.Contains(o.known, name) {
			o.problem(name, jsonvalue.Text(value), removed("members", o.known))
		}
	}
}

func (o *objectReader) boolean(name string, to *bool, meaning string) {
	o.mayBeOff(name, to, true, meaning)
}

// mayBeOff reads a truth value that must be true unless off.
func (o *objectReader) mayBeOff(name string, to *bool, off bool, meaning string) {
	s := Setting{Meaning: meaning, Allowed: "true or false", schema: map[string]any{"type": "boolean"}}
	if !off {
		s.Allowed = "true"
	}
	leaf(o, name, to, s, func(value any) {
		if b, ok := value.(bool); ok && (b || off) {
			*to = b
		} else {
			o.problem(name, jsonvalue.Text(value), s.Allowed)
		}
	})
}

// integer reads an integer that fits; schema says the same as fits.
func (o *objectReader) integer(name string, to *int, fits func(int) bool, allowed, meaning string, schema map[string]any) {
	schema["type"] = "integer"
	leaf(o, name, to, Setting{Meaning: meaning, Allowed: allowed, schema: schema}, func(value any) {
		number, _ := value.(jsonvalue.Number)
		n, ok := number.Int64()
		if !ok || n > math.MaxInt32 || n < math.MinInt32 || !fits(int(n)) {
			o.problem(name, jsonvalue.Text(value), allowed)
			return
		}
		*to = int(n)
	})
}

func (o *objectReader) within(name string, to *int, least, most int, meaning string) {
	o.integer(name, to, func(n int) bool { return least <= n && n <= most }, fmt.Sprintf("an integer from %d to %d", least, most), meaning,
		map[string]any{"minimum": least, "maximum": most})
}

// oneOf reads an integer that is one of a few.
func (o *objectReader) oneOf(name string, to *int, allowed []int, meaning string) {
	o.integer(name, to, func(n int) bool { return slices.Contains(allowed, n) },
		"one of "+strings.Trim(strings.ReplaceAll(fmt.Sprint(allowed), " ", ", "), "[]"), meaning, map[string]any{"enum": allowed})
}

func (o *objectReader) number(name string, to *float64, least, most float64, meaning string) {
	allowed := "a number from " + strconv.FormatFloat(least, 'f', -1, 64) + " to " + strconv.FormatFloat(most, 'f', -1, 64)
	s := Setting{Meaning: meaning, Allowed: allowed, schema: map[string]any{"type": "number", "minimum": least, "maximum": most}}
	leaf(o, name, to, s, func(value any) {
		number, ok := value.(jsonvalue.Number)
		f := number.Float64()
		if !ok || f < least || f > most {
			o.problem(name, jsonvalue.Text(value), allowed)
			return
		}
		*to = f
	})
}

func (o *objectReader) texts(name string, to *[]string, pattern *regexp.Regexp, allowed, meaning string) {
	list := "a list, each item " + allowed
	s := Setting{Meaning: meaning, Allowed: list, schema: map[string]any{"type": "array", "items": map[string]any{"type": "string", "pattern": pattern.String()}}}
	leaf(o, name, to, s, func(value any) {
		array, ok := value.(*jsonvalue.Array)
		if !ok {
			o.problem(name, jsonvalue.Text(value), list)
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
	})
}

// optional reads a text that may be left out.
func (o *objectReader) optional(name string, to *string, pattern *regexp.Regexp, allowed, meaning string) {
	s := Setting{Meaning: meaning, Allowed: allowed, schema: map[string]any{"type": "string", "pattern": pattern.String()}}
	leaf(o, name, to, s, func(value any) {
		text, ok := value.(string)
		if !ok || !pattern.MatchString(text) {
			o.problem(name, jsonvalue.Text(value), allowed)
			return
		}
		*to = text
	})
}

// hasSecret reports whether a member is encrypted, so that rules between members cannot be checked.
func (o *objectReader) hasSecret() bool {
	return slices.ContainsFunc(o.reader.settings[o.index:], func(s Setting) bool { return s.Secret })
}

// choice reads a member that is one of a few texts.
func choice[T ~string](o *objectReader, name string, to *T, meaning string, allowed ...string) {
	s := Setting{Meaning: meaning, Allowed: strings.Join(allowed, " or "), schema: map[string]any{"type": "string", "enum": allowed}}
	leaf(o, name, to, s, func(value any) {
		text, ok := value.(string)
		if !ok || !slices.Contains(allowed, text) {
			o.problem(name, jsonvalue.Text(value), s.Allowed)
			return
		}
		*to = T(text)
	})
}
