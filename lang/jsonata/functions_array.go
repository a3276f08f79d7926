package jsonata

import "github.com/carepath/carepath/lang/jsonvalue"

var arrayFunctions = map[string]builtin{
	"count": {"<a:n>", 1, func(_ *call, args []any) (any, error) {
		if args[0] == undefined {
			return 0.0, nil
		}
		return float64(len(listOf(args[0]))), nil
	}},
	"append": {"<xx:a>", 2, func(c *call, args []any) (any, error) {
		v := appendValues(args[0], args[1])
		items, _ := itemsOf(v)
		return v, c.ev.spend(len(items))
	}},
	"reverse":  {"<a:a>", 1, defined(reverse)},
	"shuffle":  {"<a:a>", 1, defined(shuffle)},
	"distinct": {"<x:x>", 1, defined(distinct)},
	"zip":      {"<a+>", 0, zip},
	"exists": {"<x:b>", 1, func(_ *call, args []any) (any, error) {
		return args[0] != undefined, nil
	}},
	"sort": {"<af?:a>", 2, defined(sortArray)},
}

func reverse(_ *call, args []any) (any, error) {
	items := listOf(args[0])
	if len(items) <= 1 {
		return args[0], nil
	}
	reversed := make([]any, len(items))
	for i, item := range items {
		reversed[len(items)-1-i] = item
	}
	return &array{items: reversed}, nil
}

func shuffle(c *call, args []any) (any, error) {
	items := listOf(args[0])
	if len(items) <= 1 {
		return args[0], nil
	}
	shuffled := append([]any(nil), items...)
	for i := len(shuffled) - 1; i > 0; i-- {
		j := int(c.ev.random() * float64(i+1))
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	}
	return &array{items: shuffled}, nil
}

func distinct(c *call, args []any) (any, error) {
	items, isArray := itemsOf(args[0])
	if !isArray || len(items) <= 1 {
		return args[0], nil
	}
	result := &array{sequence: isSequence(args[0])}
	simple := map[any]bool{}
	for _, item := range items {
		var key any
		switch v := item.(type) {
		case string, bool, nil:
			key = v
		default:
			if f, ok := number(v); ok {
				key = f
			}
		}
		if _, isText := item.(string); key != nil || item == nil || isText {
			if simple[key] {
				continue
			}
			simple[key] = true
			result.items = append(result.items, item)
			continue
		}
		found := false
		for _, known := range result.items {
			var err error
			if found, err = c.ev.same(known, item); err != nil {
				return nil, err
			}
			if found {
				break
			}
		}
		if !found {
			result.items = append(result.items, item)
		}
	}
	return result, nil
}

func zip(c *call, args []any) (any, error) {
	result := &array{}
	for i := 0; ; i++ {
		tuple := make([]any, len(args))
		for j, a := range args {
			items, _ := itemsOf(a)
			if i >= len(items) {
				return result, nil
			}
			tuple[j] = items[i]
		}
		if err := c.ev.spend(len(args)); err != nil || len(args) == 0 {
			return result, err
		}
		result.items = append(result.items, &array{items: tuple})
	}
}

func sortArray(c *call, args []any) (any, error) {
	items := listOf(args[0])
	if len(items) <= 1 {
		return args[0], nil
	}
	var after func(a, b any) (bool, error)
	if f := functionArgument(args, 1); f != nil {
		after = func(a, b any) (bool, error) {
			v, err := c.ev.invoke(f, []any{a, b}, undefined)
			return isTrue(v), err
		}
	} else {
		letter := kind(items[0])
		for _, item := range items {
			if kind(item) != letter || letter != 'n' && letter != 's' {
				return nil, &raised{code: "D3070", index: 1}
			}
		}
		after = func(a, b any) (bool, error) {
			v, err := compare(greater, a, b)
			return v == true, err
		}
	}
	sorted, err := c.ev.mergeSort(items, after)
	if err != nil {
		return nil, err
	}
	return &array{items: sorted}, nil
}

var higherOrderFunctions = map[string]builtin{
	"map":    {"<af>", 2, defined(mapItems)},
	"filter": {"<af>", 2, defined(filterItems)},
	"single": {"<af?>", 2, defined(single)},
	"reduce": {"<afj?:j>", 3, defined(reduce)},
	"each":   {"<o-f:a>", 2, defined(each)},
	"sift":   {"<o-f?:o>", 2, defined(sift)},
}

func mapItems(c *call, args []any) (any, error) {
	result := newSequence()
	for i, item := range listOf(args[0]) {
		v, err := c.invokeFor(functionArgument(args, 1), item, float64(i), args[0])
		if err != nil {
			return nil, err
		}
		if v != undefined {
			result.items = append(result.items, v)
		}
	}
	return result, nil
}

func filterItems(c *call, args []any) (any, error) {
	result := newSequence()
	for i, item := range listOf(args[0]) {
		v, err := c.invokeFor(functionArgument(args, 1), item, float64(i), args[0])
		if err != nil {
			return nil, err
		}
		if isTrue(v) {
			result.items = append(result.items, item)
		}
	}
	return result, nil
}

func single(c *call, args []any) (any, error) {
	result := undefined
	found := false
	f := functionArgument(args, 1)
	for i, item := range listOf(args[0]) {
		fits := true
		if f != nil {
			v, err := c.invokeFor(f, item, float64(i), args[0])
			if err != nil {
				return nil, err
			}
			fits = isTrue(v)
		}
		if !fits {
			continue
		}
		if found {
			return nil, &raised{code: "D3138", index: i}
		}
		result, found = item, true
	}
	if !found {
		return nil, problem("D3139", nil)
	}
	return result, nil
}

func reduce(c *call, args []any) (any, error) {
	f := functionArgument(args, 1)
	if f.arity < 2 {
		return nil, &raised{code: "D3050", index: 1}
	}
	items := listOf(args[0])
	result := argument(args, 2)
	i := 0
	if result == undefined && len(items) > 0 {
		result, i = items[0], 1
	}
	for ; i < len(items); i++ {
		var err error
		if result, err = c.invokeFor(f, result, items[i], float64(i), args[0]); err != nil {
			return nil, err
		}
	}
	return result, nil
}

func each(c *call, args []any) (any, error) {
	result := newSequence()
	o, _ := args[0].(*jsonvalue.Object)
	for name, member := range o.All() {
		v, err := c.invokeFor(functionArgument(args, 1), member, name, args[0])
		if err != nil {
			return nil, err
		}
		if v != undefined {
			result.items = append(result.items, v)
		}
	}
	return result, nil
}

func sift(c *call, args []any) (any, error) {
	result := &jsonvalue.Object{}
	o, _ := args[0].(*jsonvalue.Object)
	f := functionArgument(args, 1)
	for name, member := range o.All() {
		fits := isTrue(member)
		if f != nil {
			v, err := c.invokeFor(f, member, name, args[0])
			if err != nil {
				return nil, err
			}
			fits = isTrue(v)
		}
		if fits {
			result.Set(name, member)
		}
	}
	if result.Len() == 0 {
		return undefined, nil
	}
	return result, nil
}
