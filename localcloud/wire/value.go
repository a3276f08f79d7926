package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// The protocols that are not JSON write responses from a tree of these and of string, bool, int64, uint64, float64,
// []byte and time.Time.
type (
	object []field
	field  struct {
		name  string
		value any
	}
	dictionary []field // a map, which XML writes otherwise than a structure
	list       []any
)

var (
	timeType  = reflect.TypeFor[dispatch.Time]()
	marshaler = reflect.TypeFor[json.Marshaler]()
)

// tree turns a response structure into a tree, with the members that encoding/json would write; ok is false for what is
// absent (nil).
func tree(v reflect.Value) (_ any, ok bool, err error) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil, false, nil
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil, false, nil
	}
	if v.Type() == timeType {
		return v.Interface().(dispatch.Time).Time, true, nil
	}
	if v.Type().Implements(marshaler) {
		text, err := json.Marshal(v.Interface())
		if err != nil {
			return nil, false, err
		}
		var any any
		if err := json.Unmarshal(text, &any); err != nil {
			return nil, false, err
		}
		return tree(reflect.ValueOf(any))
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), true, nil
	case reflect.Bool:
		return v.Bool(), true, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), true, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Uint(), true, nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), true, nil
	case reflect.Struct:
		o := object{}
		for _, m := range membersOf(v.Type()).order {
			f, err := v.FieldByIndexErr(m.index)
			if err != nil || m.omitempty && isEmpty(f) {
				continue
			}
			value, ok, err := tree(f)
			if err != nil {
				return nil, false, err
			}
			if ok {
				o = append(o, field{m.name, value})
			}
		}
		return o, true, nil
	case reflect.Map:
		if v.IsNil() {
			return nil, false, nil
		}
		byName := map[string]reflect.Value{}
		for key, value := range v.Seq2() {
			byName[fmt.Sprint(key)] = value
		}
		d := dictionary{}
		for _, name := range sortedKeys(byName) {
			value, ok, err := tree(byName[name])
			if err != nil {
				return nil, false, err
			}
			if ok {
				d = append(d, field{name, value})
			}
		}
		return d, true, nil
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			return nil, false, nil
		}
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Bytes(), true, nil
		}
		l := list{}
		for i := range v.Len() {
			item, ok, err := tree(v.Index(i))
			if err != nil {
				return nil, false, err
			}
			if ok {
				l = append(l, item)
			}
		}
		return l, true, nil
	}
	return nil, false, fmt.Errorf("a %s cannot be sent", v.Type())
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.String, reflect.Array:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// setText sets a member from text, as it comes in paths, query strings, headers and forms.
func setText(v reflect.Value, name, text string) error {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	if v.Type() == timeType {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return dispatch.Errorf("SerializationException", "%s is not a timestamp", name)
		}
		v.Set(reflect.ValueOf(dispatch.Time{Time: t.UTC()}))
		return nil
	}
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
		return nil
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		v.Set(reflect.Append(v, reflect.ValueOf(text).Convert(v.Type().Elem())))
		return nil
	case v.Kind() == reflect.Bool:
		text = strings.ToLower(text)
	case v.Kind() == reflect.Slice: // bytes, in base64
		text = `"` + text + `"`
	}
	if json.Unmarshal([]byte(text), v.Addr().Interface()) != nil {
		return dispatch.Errorf("SerializationException", "%s must be a %s", name, v.Kind())
	}
	return nil
}

// memberValue returns the field of a structure that a member stands for; in must be a pointer to it.
func memberValue(in any, name string) (reflect.Value, bool) {
	v := reflect.ValueOf(in).Elem()
	m, ok := membersOf(v.Type()).byName[name]
	if !ok {
		return reflect.Value{}, false
	}
	f, err := v.FieldByIndexErr(m.index)
	return f, err == nil
}
