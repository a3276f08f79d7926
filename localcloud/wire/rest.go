package wire

import (
	"bytes"
	"encoding"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// route is a REST operation with its path cut into segments.
type route struct {
	op       *dispatch.Operation
	segments []segment
	fixed    url.Values // what the path's own query part asks for, as in "/restapis?mode=import"
	literals int        // number of segments without a member: the more, the more specific
}

type segment struct {
	text   string // literal text, or the member's name
	member bool
	greedy bool // {name+}: the rest of the path
}

// routes are REST operations by method.
type routes map[string][]route

// newRoutes builds the table of every registered REST operation.
func newRoutes(d *dispatch.Dispatcher) routes {
	table := routes{}
	for _, op := range d.Operations() {
		if op.HTTP == nil {
			continue
		}
		path, query, _ := strings.Cut(op.HTTP.Path, "?")
		r := route{op: op}
		// A query that cannot be read is a mistake in an operation's description: it then asks for nothing.
		r.fixed, _ = url.ParseQuery(query)
		for text := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
			s := segment{text: text}
			if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
				s.text, s.greedy = strings.CutSuffix(text[1:len(text)-1], "+")
				s.member = true
			} else {
				r.literals++
			}
			r.segments = append(r.segments, s)
		}
		table[op.HTTP.Method] = append(table[op.HTTP.Method], r)
	}
	return table
}

// find returns the most specific route to a request and the members in its path. An empty service stands for any.
func (t routes) find(service, method, escapedPath string, query url.Values) (best *route, members map[string]string) {
	parts := strings.Split(strings.Trim(escapedPath, "/"), "/")
	for i := range t[method] {
		r := &t[method][i]
		if service != "" && r.op.Service != service {
			continue
		}
		found, ok := r.match(parts, query)
		if ok && (best == nil || r.literals+len(r.fixed) > best.literals+len(best.fixed)) {
			best, members = r, found
		}
	}
	return best, members
}

func (r *route) match(parts []string, query url.Values) (map[string]string, bool) {
	for name, values := range r.fixed {
		if !query.Has(name) || values[0] != "" && query.Get(name) != values[0] {
			return nil, false
		}
	}
	members := map[string]string{}
	for i, s := range r.segments {
		if i >= len(parts) {
			return nil, false
		}
		text := parts[i]
		if s.greedy {
			text = strings.Join(parts[i:], "/")
		}
		if !s.member {
			if text != s.text {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(text)
		if err != nil || value == "" {
			return nil, false
		}
		members[s.text] = value
		if s.greedy {
			return members, true
		}
	}
	return members, len(parts) == len(r.segments)
}

// decode reads a REST request into the operation's request structure.
func (r *route) decode(req *http.Request, members map[string]string, query url.Values, body []byte) (any, error) {
	in := r.op.NewInput()
	b := r.op.HTTP
	switch {
	case b.Payload != "":
		if v, ok := memberValue(in, b.Payload); ok && len(body) > 0 {
			if v.Kind() != reflect.Slice || v.Type().Elem().Kind() != reflect.Uint8 {
				if err := DecodeJSON(body, v.Addr().Interface()); err != nil {
					return nil, err
				}
			} else {
				v.SetBytes(body)
			}
		}
	case len(body) > 0:
		decode := DecodeJSON
		if restXML[r.op.Service] != "" {
			decode = decodeXML
		}
		if err := decode(body, in); err != nil {
			return nil, err
		}
	}
	for name, text := range members {
		if err := r.set(in, name, text); err != nil {
			return nil, err
		}
	}
	for name, values := range query {
		member, ok := b.Query[name]
		if !ok {
			if strings.HasPrefix(name, "X-Amz-") || r.fixed.Has(name) || name == "x-id" { // SDKs name the operation so
				continue
			}
			if member, ok = r.parameters(in); !ok {
				return nil, dispatch.Errorf("ValidationException", "the embedded AWS does not have the query parameter %s of %s", name, r.op.Action)
			}
			v, _ := memberValue(in, member)
			if v.IsNil() {
				v.Set(reflect.ValueOf(map[string]string{}))
			}
			v.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(values[0]))
			continue
		}
		for _, text := range values {
			if err := r.set(in, member, text); err != nil {
				return nil, err
			}
		}
	}
	for name, member := range b.Headers {
		if _, isInput := memberValue(in, member); !isInput {
			continue
		}
		if text := req.Header.Get(name); text != "" {
			if err := r.set(in, member, text); err != nil {
				return nil, err
			}
		}
	}
	return in, nil
}

// parameters returns the member that takes every other query parameter: the binding has it under the name "*".
func (r *route) parameters(in any) (string, bool) {
	member, ok := r.op.HTTP.Query["*"]
	if !ok {
		return "", false
	}
	v, ok := memberValue(in, member)
	return member, ok && v.Type() == reflect.TypeFor[map[string]string]()
}

func (r *route) set(in any, member, text string) error {
	v, ok := memberValue(in, member)
	if !ok {
		return dispatch.Errorf("InternalFailure", "%s binds the member %s, which it does not have", r.op.Action, member)
	}
	return setText(v, member, text)
}

// encode writes a REST response: headers first, then the status and the body.
func (r *route) encode(header http.Header, out any) (status int, body []byte, err error) {
	b := r.op.HTTP
	if status = b.Status; status == 0 {
		status = http.StatusOK
	}
	bound := map[string]bool{}
	for name, member := range b.Headers {
		v, ok := memberValue(out, member)
		if !ok {
			continue
		}
		bound[member] = true
		if text, ok := headerText(v); ok {
			header.Set(name, text)
		}
	}
	if b.Payload != "" {
		if v, ok := memberValue(out, "StatusCode"); ok && v.CanInt() && v.Int() != 0 {
			status = int(v.Int())
		}
		if v, ok := memberValue(out, b.Payload); ok && v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return status, v.Bytes(), nil
		}
	}
	if status == http.StatusNoContent {
		return status, nil, nil
	}
	if restXML[r.op.Service] != "" {
		if v := reflect.ValueOf(out).Elem(); v.Kind() == reflect.Struct && v.NumField() == len(bound) {
			return status, nil, nil // all of it is in the headers
		}
		body, err = encodeRestXML(r.op.Service, r.op.Action, out, bound)
		return status, body, err
	}
	if body, err = EncodeJSON(out); err != nil {
		return 0, nil, err
	}
	if len(bound) > 0 {
		body, err = without(body, bound)
	}
	return status, body, err
}

func headerText(v reflect.Value) (string, bool) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "", false
		}
		v = v.Elem()
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		return string(text), err == nil
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String(), v.Len() > 0
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), true
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool()), true
	}
	return "", false
}

// errorREST writes an error's body and header as services of the REST-JSON protocol do.
func errorREST(service string, header http.Header, e *dispatch.Error) []byte {
	header.Set("X-Amzn-Errortype", e.Code)
	var b bytes.Buffer
	b.WriteByte('{')
	if service == "lambda" {
		fault := "User"
		if e.HTTPStatus() >= 500 {
			fault = "Service"
		}
		b.WriteString(`"Type":"` + fault + `","Message":`)
	} else if service == "scheduler" {
		b.WriteString(`"Message":`)
	} else {
		b.WriteString(`"message":`)
	}
	writeJSON(&b, e.Message)
	for _, name := range sortedKeys(e.Fields) {
		if service == "lambda" && name == "Type" {
			continue
		}
		b.WriteByte(',')
		writeJSON(&b, name)
		b.WriteByte(':')
		writeJSON(&b, e.Fields[name])
	}
	b.WriteByte('}')
	return b.Bytes()
}
