package vtl

import (
	"maps"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// Overrides are what templates have set of $context.requestOverride and $context.responseOverride
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html).
// They take effect after the template, and win over parameter mappings. A response override that the request template
// has set holds for the response as well, and the response template can read both.
//
// A parameter has several values when the template set it to a list; API Gateway joins a header's values with commas.
// A name that is not in a map was not set.
type Overrides struct {
	RequestHeader, RequestPath, RequestQuery map[string][]string
	ResponseHeader                           map[string][]string
	// ResponseStatus is $context.responseOverride.status as it was set: a string, a bool or a [jsonvalue.Number]; nil when
	// it was not. [Overrides.Status] says what API Gateway makes of it.
	ResponseStatus any
	// OtherRequest and OtherResponse hold what else was set there, which has no effect but can be read by the response
	// template: $context.responseOverride.custom. They are nil when there is nothing.
	OtherRequest, OtherResponse *jsonvalue.Object
}

// Status returns the overriding status code. It is one only if it was set to a whole number from 100 to 599: anything
// else, a text with digits too, is ignored and the integration response's status holds.
func (o Overrides) Status() (int, bool) {
	n, ok := o.ResponseStatus.(jsonvalue.Number)
	if !ok {
		return 0, false
	}
	code, ok := n.Int64()
	if !ok || code < 100 || code > 599 {
		return 0, false
	}
	return int(code), true
}

func (e *evaluator) requestOverrides() *contextMap {
	if e.requests == nil {
		o := e.request.Overrides
		own := &dict{}
		own.put("path", parameterMap(o.RequestPath))
		own.put("header", parameterMap(o.RequestHeader))
		own.put("querystring", parameterMap(o.RequestQuery))
		e.requests = withOthers(own, o.OtherRequest)
	}
	return e.requests
}

func (e *evaluator) responseOverrides() *contextMap {
	if e.responses == nil {
		o := e.request.Overrides
		own := &dict{}
		own.put("header", parameterMap(o.ResponseHeader))
		if o.ResponseStatus != nil {
			own.put("status", fromJSON(o.ResponseStatus))
		}
		e.responses = withOthers(own, o.OtherResponse)
	}
	return e.responses
}

func withOthers(own *dict, others *jsonvalue.Object) *contextMap {
	for name, v := range others.All() {
		own.put(name, fromJSON(v))
	}
	return &contextMap{own: own}
}

func parameterMap(m map[string][]string) *contextMap {
	own := &dict{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		values := m[name]
		if len(values) == 1 {
			own.put(name, values[0])
			continue
		}
		l := &list{}
		for _, v := range values {
			l.items = append(l.items, v)
		}
		own.put(name, l)
	}
	return &contextMap{own: own}
}

// overrides collects what was set. Its strings do not share memory with the request's body.
func (e *evaluator) overrides() (Overrides, error) {
	if e.requests == nil && e.responses == nil && (e.context == nil || e.context.own == nil) {
		return e.request.Overrides, nil
	}
	return e.collectOverrides()
}

func (e *evaluator) collectOverrides() (Overrides, error) {
	o := e.request.Overrides
	requests, responses := mapping(nil), mapping(nil)
	if e.requests != nil {
		requests = e.requests
	}
	if e.responses != nil {
		responses = e.responses
	}
	if e.context != nil && e.context.own != nil {
		// The whole map may have been replaced.
		if v, ok := e.context.own.get(requestOverride); ok {
			requests, _ = asMapping(v)
		}
		if v, ok := e.context.own.get(responseOverride); ok {
			responses, _ = asMapping(v)
		}
	}
	var err error
	if requests != nil {
		o.RequestHeader, o.RequestPath, o.RequestQuery, o.OtherRequest = nil, nil, nil, nil
		requests.each(func(k, v any) bool {
			switch k {
			case "header":
				o.RequestHeader, err = e.parameters(v)
			case "path":
				o.RequestPath, err = e.parameters(v)
			case "querystring":
				o.RequestQuery, err = e.parameters(v)
			default:
				err = e.other(&o.OtherRequest, k, v)
			}
			return err == nil
		})
	}
	if responses != nil && err == nil {
		o.ResponseHeader, o.ResponseStatus, o.OtherResponse = nil, nil, nil
		responses.each(func(k, v any) bool {
			switch k {
			case "header":
				o.ResponseHeader, err = e.parameters(v)
			case "status":
				o.ResponseStatus, err = e.exported(v, 0)
			default:
				err = e.other(&o.OtherResponse, k, v)
			}
			return err == nil
		})
	}
	return o, e.at(0, err)
}

func (e *evaluator) parameters(v any) (map[string][]string, error) {
	m, ok := asMapping(v)
	if !ok || m.size() == 0 {
		return nil, nil
	}
	values := make(map[string][]string, m.size())
	var err error
	m.each(func(k, v any) bool {
		all := []any{v}
		if l, ok := items(v); ok {
			all = *l
		}
		name := strings.Clone(plainText(k))
		for _, v := range all {
			if v == nil {
				continue
			}
			var s string
			if s, err = e.text(v); err != nil {
				return false
			}
			values[name] = append(values[name], strings.Clone(s))
		}
		return true
	})
	return values, err
}

func (e *evaluator) other(o **jsonvalue.Object, k, v any) error {
	value, err := e.exported(v, 0)
	if err != nil {
		return err
	}
	if *o == nil {
		*o = &jsonvalue.Object{}
	}
	(*o).Set(strings.Clone(plainText(k)), value)
	return nil
}

// exported makes a JSON value of a template's value.
func (e *evaluator) exported(v any, depth int) (any, error) {
	if depth > e.limits.MaxDepth {
		return nil, errTooDeep
	}
	if err := e.step(); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil, bool:
		return v, nil
	case string:
		return strings.Clone(v), nil
	case integer, double, *bigInteger, *bigDecimal:
		return jsonvalue.Number(plainText(v)), nil
	}
	if l, ok := items(v); ok {
		a := &jsonvalue.Array{}
		for _, item := range *l {
			x, err := e.exported(item, depth+1)
			if err != nil {
				return nil, err
			}
			a.Items = append(a.Items, x)
		}
		return a, nil
	}
	if m, ok := asMapping(v); ok {
		o := &jsonvalue.Object{}
		var err error
		m.each(func(k, v any) bool {
			var x any
			if x, err = e.exported(v, depth+1); err == nil {
				o.Set(strings.Clone(plainText(k)), x)
			}
			return err == nil
		})
		return o, err
	}
	s, err := e.text(v)
	return s, err
}
