package jsonata

import "github.com/carepath/carepath/lang/jsonvalue"

var objectFunctions = map[string]builtin{
	"keys": {"<x-:a<s>>", 1, func(_ *call, args []any) (any, error) {
		result := newSequence()
		addKeys(args[0], map[string]bool{}, result)
		return result, nil
	}},
	"lookup": {"<x-s:x>", 2, func(_ *call, args []any) (any, error) {
		name, ok := textArgument(args, 1)
		if !ok {
			return undefined, nil
		}
		return lookupMember(args[0], name), nil
	}},
	"spread": {"<x-:a<o>>", 1, func(_ *call, args []any) (any, error) { return spread(args[0]), nil }},
	"merge":  {"<a<o>:o>", 1, defined(merge)},
	"clone":  {"<(oa)-:o>", 1, defined(func(c *call, args []any) (any, error) { return c.ev.clone(args[0]) })},
	"type":   {"<x:s>", 1, defined(func(_ *call, args []any) (any, error) { return TypeName(args[0]), nil })},
	"error":  {"<s?:x>", 1, raise},
	"assert": {"<bs?:x>", 2, assert},
}

func addKeys(v any, seen map[string]bool, to *array) {
	if o, ok := v.(*jsonvalue.Object); ok {
		for name := range o.All() {
			if !seen[name] {
				seen[name] = true
				to.items = append(to.items, name)
			}
		}
		return
	}
	items, _ := itemsOf(v)
	for _, item := range items {
		addKeys(item, seen, to)
	}
}

// spread makes an object an array of objects with one member each.
func spread(v any) any {
	if items, isArray := itemsOf(v); isArray {
		result := newSequence()
		for _, item := range items {
			result.items = append(result.items, listOf(spread(item))...)
		}
		return result
	}
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		return v
	}
	result := newSequence()
	for name, member := range o.All() {
		result.items = append(result.items, jsonvalue.NewObject(jsonvalue.Member{Name: name, Value: member}))
	}
	return result
}

func merge(c *call, args []any) (any, error) {
	result := &jsonvalue.Object{}
	for _, item := range listOf(args[0]) {
		o, _ := item.(*jsonvalue.Object)
		if err := c.ev.spend(o.Len()); err != nil {
			return nil, err
		}
		for name, member := range o.All() {
			result.Set(name, member)
		}
	}
	return result, nil
}

// TypeName returns the name of a value's type as $type gives it, such as "number" and "array".
func TypeName(v any) string {
	switch kind(v) {
	case 'l':
		return "null"
	case 'b':
		return "boolean"
	case 's':
		return "string"
	case 'n':
		return "number"
	case 'a':
		return "array"
	case 'f':
		return "function"
	}
	return "object"
}

func raise(_ *call, args []any) (any, error) {
	message, ok := textArgument(args, 0)
	if !ok {
		message = "$error() function evaluated"
	}
	return nil, &raised{code: "D3137", message: message}
}

func assert(_ *call, args []any) (any, error) {
	if args[0] == true {
		return undefined, nil
	}
	message, ok := textArgument(args, 1)
	if !ok {
		message = "$assert() statement failed"
	}
	return nil, &raised{code: "D3141", message: message}
}
