package jsonpath

import (
	"fmt"
	"math"
	"strings"

	"github.com/carepath/carepath/lang/javatext"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// functionNames are the library's functions (https://github.com/json-path/JsonPath#functions).
var functionNames = map[string]bool{
	"min": true, "max": true, "avg": true, "stddev": true, "sum": true, "length": true, "size": true, "keys": true,
	"concat": true, "append": true, "first": true, "last": true, "index": true,
}

// function applies the last step of a path to a value and adds the result.
func (e *evaluation) function(s *Step, v any) error {
	name := s.Names[0]
	args, err := e.arguments(s)
	if err != nil {
		return err
	}
	var result any
	switch name {
	case "length", "size":
		if len(args) > 0 {
			v = args[0]
		}
		switch v := v.(type) {
		case *jsonvalue.Array:
			result = jsonvalue.NumberFromInt(int64(v.Len()))
		case *jsonvalue.Object:
			result = jsonvalue.NumberFromInt(int64(v.Len()))
		}
	case "keys":
		if o, ok := v.(*jsonvalue.Object); ok {
			keys := &jsonvalue.Array{}
			for key := range o.All() {
				keys.Items = append(keys.Items, key)
			}
			result = keys
		}
	case "append":
		if a, ok := v.(*jsonvalue.Array); ok {
			result = jsonvalue.NewArray(append(append([]any{}, a.Items...), args...)...)
		} else {
			result = v
		}
	case "concat":
		var b strings.Builder
		for _, item := range flatten(v, args) {
			if text, ok := item.(string); ok {
				b.WriteString(text)
			} else if n, ok := number(item); ok {
				b.WriteString(string(n))
			}
		}
		result = b.String()
	case "first", "last", "index":
		result, err = pick(name, v, args)
	default:
		result, err = aggregate(name, flatten(v, args))
	}
	if err != nil {
		return err
	}
	e.results = append(e.results, result)
	return nil
}

func (e *evaluation) arguments(s *Step) ([]any, error) {
	var values []any
	for _, a := range s.args {
		if a.path == nil {
			values = append(values, a.value)
			continue
		}
		v, err := a.path.eval(e.root, e.root, e.clock)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// flatten lists the items of v and of the arguments, an array standing for its items.
func flatten(v any, args []any) []any {
	var items []any
	if a, ok := v.(*jsonvalue.Array); ok {
		items = append(items, a.Items...)
	}
	for _, arg := range args {
		if a, ok := arg.(*jsonvalue.Array); ok {
			items = append(items, a.Items...)
		} else {
			items = append(items, arg)
		}
	}
	return items
}

func pick(name string, v any, args []any) (any, error) {
	a, ok := v.(*jsonvalue.Array)
	if !ok {
		return nil, &EvaluationError{fmt.Sprintf("%s() needs an array, not %s", name, typeName(v))}
	}
	place := int64(0)
	switch name {
	case "last":
		place = int64(len(a.Items) - 1)
	case "index":
		n := jsonvalue.Number("")
		if len(args) == 1 {
			n, _ = number(args[0])
		}
		if place, ok = n.Int64(); !ok {
			return nil, &EvaluationError{"index() needs one whole number"}
		}
		if place < 0 {
			place += int64(len(a.Items))
		}
	}
	if place < 0 || place >= int64(len(a.Items)) {
		return nil, &NotFoundError{fmt.Sprintf("Target index:%d larger than object count:%d", place, len(a.Items))}
	}
	return a.Items[place], nil
}

// aggregate computes with doubles, as the library does; items that are not numbers do not count.
func aggregate(name string, items []any) (any, error) {
	var sum, squares float64
	least, most, count := math.Inf(1), math.Inf(-1), 0.0
	for _, item := range items {
		n, ok := number(item)
		if !ok {
			continue
		}
		f := n.Float64()
		sum, squares, count = sum+f, squares+f*f, count+1
		least, most = min(least, f), max(most, f)
	}
	if count == 0 {
		return nil, &EvaluationError{"Aggregation function attempted to calculate value using empty array"}
	}
	result := sum
	switch name {
	case "min":
		result = least
	case "max":
		result = most
	case "avg":
		result = sum / count
	case "stddev":
		result = math.Sqrt(max(0, squares/count-sum*sum/count/count))
	}
	if math.IsInf(result, 0) || math.IsNaN(result) {
		return nil, &EvaluationError{fmt.Sprintf("%s() is not a finite number", name)}
	}
	return jsonvalue.Number(javatext.Double(result)), nil
}

func number(v any) (jsonvalue.Number, bool) {
	switch v := v.(type) {
	case jsonvalue.Number:
		return v, true
	case Numeric:
		n := v.Number()
		return n, n != ""
	}
	return "", false
}
