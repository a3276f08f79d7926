package stepfunctions

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// A state names API members in PascalCase, whatever their case in the API, and gives blobs as text or JSON and times in
// ISO 8601. This file carries values between that form and the request and response structures of the operations.

// unknownField is a parameter that the operation does not have.
type unknownField struct{ name string }

func (e *unknownField) Error() string {
	return fmt.Sprintf("The field %q is not supported by Step Functions", e.name)
}

var (
	timeType        = reflect.TypeFor[dispatch.Time]()
	rawType         = reflect.TypeFor[json.RawMessage]()
	bytesType       = reflect.TypeFor[[]byte]()
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	marshalerType   = reflect.TypeFor[json.Marshaler]()
)

// memberName returns the name of a structure's field in the API; empty for fields that are no members.
func memberName(f *reflect.StructField) (name string, omitEmpty bool) {
	tag := f.Tag.Get("json")
	if tag == "-" || !f.IsExported() {
		return "", false
	}
	name, options, _ := strings.Cut(tag, ",")
	if name == "" {
		name = f.Name
	}
	return name, strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
}

// fill gives a request structure, or a part of one, its value.
func fill(into reflect.Value, v any) error {
	t := into.Type()
	if v == nil {
		return nil
	}
	switch {
	case t == rawType:
		into.SetBytes([]byte(jsonvalue.Text(v)))
		return nil
	case t == bytesType:
		if text, ok := v.(string); ok {
			into.SetBytes([]byte(text))
		} else {
			into.SetBytes([]byte(jsonvalue.Text(v)))
		}
		return nil
	case t == timeType:
		if text, ok := v.(string); ok {
			at, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				return fmt.Errorf("%q is not a timestamp", text)
			}
			into.Set(reflect.ValueOf(dispatch.Time{Time: at.UTC()}))
			return nil
		}
	case t.Kind() == reflect.Pointer && !t.Implements(unmarshalerType):
		into.Set(reflect.New(t.Elem()))
		return fill(into.Elem(), v)
	}
	if reflect.PointerTo(t).Implements(unmarshalerType) || t.Kind() == reflect.Interface {
		return json.Unmarshal(jsonvalue.Append(nil, v), into.Addr().Interface())
	}
	switch v := v.(type) {
	case *jsonvalue.Object:
		switch t.Kind() {
		case reflect.Struct:
			return fillStruct(into, v)
		case reflect.Map:
			m := reflect.MakeMapWithSize(t, v.Len())
			for name, item := range v.All() {
				elem := reflect.New(t.Elem()).Elem()
				if err := fill(elem, item); err != nil {
					return err
				}
				m.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), elem)
			}
			into.Set(m)
			return nil
		case reflect.String: // as AWS: JSON where the API wants its text, such as MessageBody
			into.SetString(jsonvalue.Text(v))
			return nil
		}
	case *jsonvalue.Array:
		switch t.Kind() {
		case reflect.Slice:
			list := reflect.MakeSlice(t, v.Len(), v.Len())
			for i, item := range v.Items {
				if err := fill(list.Index(i), item); err != nil {
					return err
				}
			}
			into.Set(list)
			return nil
		case reflect.String:
			into.SetString(jsonvalue.Text(v))
			return nil
		}
	case string:
		if t.Kind() == reflect.String {
			into.SetString(v)
			return nil
		}
	case bool, jsonvalue.Number:
		if t.Kind() == reflect.String {
			into.SetString(jsonvalue.Text(v))
			return nil
		}
	}
	if err := json.Unmarshal(jsonvalue.Append(nil, v), into.Addr().Interface()); err != nil {
		return fmt.Errorf("the value is not a %s", t.Kind())
	}
	return nil
}

func fillStruct(into reflect.Value, o *jsonvalue.Object) error {
	t := into.Type()
next:
	for name, v := range o.All() {
		if name == "" || !unicode.IsUpper(rune(name[0])) {
			return &unknownField{name}
		}
		for i := range t.NumField() {
			f := t.Field(i)
			member, _ := memberName(&f)
			if strings.EqualFold(member, name) {
				if err := fill(into.Field(i), v); err != nil {
					return err
				}
				continue next
			}
		}
		return &unknownField{name}
	}
	return nil
}

// style is how a kind of integration writes responses.
type style struct {
	rename func(member string) string
	time   func(time.Time) any
}

var (
	// optimisedStyle follows the AWS SDK for Java 1, as Jackson writes its results.
	optimisedStyle = style{capitalized, func(t time.Time) any { return jsonvalue.NumberFromInt(t.UnixMilli()) }}
	// sdkStyle follows the AWS SDK for Java 2.
	sdkStyle = style{pascal, func(t time.Time) any { return t.UTC().Format("2006-01-02T15:04:05.999Z07:00") }}
)

// value returns a response structure, or a part of one, as a state sees it.
func (st style) value(from reflect.Value) any {
	t := from.Type()
	switch {
	case t == timeType:
		return st.time(from.Interface().(dispatch.Time).Time)
	case t == rawType:
		return parsed(from.Bytes())
	case t.Kind() == reflect.Struct && t.NumField() == 1 && t.Field(0).Anonymous && t.Field(0).Type == timeType:
		return st.value(from.Field(0)) // how the service writes it does not matter here
	case t == bytesType:
		return strings.ToValidUTF8(string(from.Bytes()), "\uFFFD")
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
		if from.IsNil() {
			return nil
		}
		return st.value(from.Elem())
	case t.Implements(marshalerType):
		text, err := json.Marshal(from.Interface())
		if err != nil {
			return nil
		}
		return parsed(text)
	}
	switch t.Kind() {
	case reflect.Struct:
		o := &jsonvalue.Object{}
		for i := range t.NumField() {
			f := t.Field(i)
			member, omitEmpty := memberName(&f)
			if member == "" || omitEmpty && from.Field(i).IsZero() {
				continue
			}
			o.Set(st.rename(member), st.value(from.Field(i)))
		}
		return o
	case reflect.Map:
		o := &jsonvalue.Object{}
		keys := from.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			o.Set(key.String(), st.value(from.MapIndex(key)))
		}
		return o
	case reflect.Slice, reflect.Array:
		a := &jsonvalue.Array{Items: make([]any, from.Len())}
		for i := range a.Items {
			a.Items[i] = st.value(from.Index(i))
		}
		return a
	case reflect.String:
		return from.String()
	case reflect.Bool:
		return from.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return jsonvalue.NumberFromInt(from.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return jsonvalue.Number(strconv.FormatUint(from.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		return jsonvalue.Number(strconv.FormatFloat(from.Float(), 'f', -1, 64))
	}
	return nil
}

func parsed(text []byte) any {
	v, err := jsonvalue.Parse(text)
	if err != nil {
		return base64.StdEncoding.EncodeToString(text)
	}
	return v
}

// capitalized is an API member's name as the optimised integrations write it.
func capitalized(name string) string {
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		return name
	}
	return string(name[0]-'a'+'A') + name[1:]
}

// pascal is an API member's name as the AWS SDK integrations write it, after the AWS SDK for Java 2: an abbreviation that
// it begins with keeps only its first capital, so that MD5OfMessageBody becomes Md5OfMessageBody; ChecksumCRC32 stays.
func pascal(name string) string {
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case i == 0:
			runes[i] = unicode.ToUpper(r)
		case !unicode.IsUpper(r) || i+1 < len(runes) && unicode.IsLower(runes[i+1]):
			return string(runes)
		default:
			runes[i] = unicode.ToLower(r)
		}
	}
	return string(runes)
}
