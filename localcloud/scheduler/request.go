package scheduler

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// request reads the input of a universal target into the operation's request structure. As in AWS's SDKs members begin
// with a capital whatever the API calls them, blobs are text and times are in ISO 8601.
func request(op *dispatch.Operation, text string) (any, error) {
	var members any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&members); err != nil || !json.Valid([]byte(text)) {
		return nil, errors.New("The input is not well-formed JSON.")
	}
	if _, is := members.(map[string]any); !is {
		return nil, errors.New("The input is not a JSON object.")
	}
	in := op.NewInput()
	shaped, err := shape(members, reflect.TypeOf(in))
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(shaped)
	if err != nil {
		return nil, fmt.Errorf("writing the input: %w", err)
	}
	if err := dispatch.Decode(encoded, in); err != nil {
		return nil, errors.New(dispatch.AsError(err).Message)
	}
	return in, nil
}

var (
	bytesType       = reflect.TypeFor[[]byte]()
	timeType        = reflect.TypeFor[dispatch.Time]()
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
)

// shape brings a JSON value into the form in which the type reads it.
func shape(v any, t reflect.Type) (any, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	text, isText := v.(string)
	switch {
	case t == timeType && isText:
		at, err := time.Parse(time.RFC3339, text)
		return dispatch.Time{Time: at}, err
	case t == bytesType && isText:
		return base64.StdEncoding.EncodeToString([]byte(text)), nil
	case reflect.PointerTo(t).Implements(unmarshalerType):
		return v, nil
	}
	switch v := v.(type) {
	case map[string]any:
		return shapeObject(v, t)
	case []any:
		if t.Kind() != reflect.Slice {
			return v, nil
		}
		for i := range v {
			var err error
			if v[i], err = shape(v[i], t.Elem()); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func shapeObject(v map[string]any, t reflect.Type) (any, error) {
	out := make(map[string]any, len(v))
	for name, value := range v {
		var err error
		switch t.Kind() {
		case reflect.Map:
			out[name], err = shape(value, t.Elem())
		case reflect.Struct:
			member, of, ok := memberOf(t, name)
			if !ok {
				return nil, fmt.Errorf("The field '%s' is not supported.", name)
			}
			out[member], err = shape(value, of)
		default:
			out[name] = value
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// memberOf finds the member of a structure that has a name when its first letter is a capital.
func memberOf(t reflect.Type, name string) (member string, of reflect.Type, ok bool) {
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "-" || !f.IsExported() || f.Anonymous {
			continue
		}
		if tag == "" {
			tag = f.Name
		}
		if strings.ToUpper(tag[:1])+tag[1:] == name {
			return tag, f.Type, true
		}
	}
	return "", nil, false
}
