package vtl

import (
	"errors"
	"fmt"
	"math"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// call calls a method of a value, as Velocity finds it: by its name and the classes of the arguments. Where there is
// none the result is nil, as it is for one that returns null. A method that returns nothing gives the empty string.
// What Java throws is an error.
func (e *evaluator) call(v any, s *step, args []any) (any, error) {
	switch v := v.(type) {
	case *inputObject:
		return v.call(s, args)
	case *utilObject:
		return v.call(s.name, args)
	case string:
		return e.callString(v, s, args)
	case bool:
		return e.callBool(v, s.name, args)
	case integer, double, *bigInteger, *bigDecimal:
		return e.callNumber(v, s.name, args)
	case *entry:
		return e.callEntry(v, s.name, args)
	case *iterator:
		return callIterator(v, s.name, args)
	case *foreachScope:
		return callScope(v, s.name, args)
	}
	if m, ok := asMapping(v); ok {
		return e.callMap(v, m, s.name, args)
	}
	if l, ok := items(v); ok {
		return e.callList(v, l, s.name, args)
	}
	return nil, nil
}

// object is the methods that every Java object has.
func (e *evaluator) object(v any, name string, args []any) (any, error) {
	switch {
	case name == "toString" && len(args) == 0:
		s, err := e.text(v)
		if err != nil {
			return nil, err
		}
		return e.newString(s)
	case name == "equals" && len(args) == 1:
		same, err := e.equals(v, args[0], 0)
		return same, err
	case name == "hashCode" && len(args) == 0:
		return integer(javaHash(v)), nil
	}
	return nil, nil
}

// intArg is an argument for a parameter of type int.
func intArg(args []any, i int) (int, bool) {
	if i >= len(args) {
		return 0, false
	}
	n, ok := args[i].(integer)
	if !ok || n > math.MaxInt32 || n < math.MinInt32 {
		return 0, false
	}
	return int(n), true
}

// textArg is an argument for a parameter of type String or CharSequence.
func textArg(args []any, i int) (string, bool) {
	if i >= len(args) {
		return "", false
	}
	s, ok := args[i].(string)
	return s, ok
}

func (e *evaluator) callBool(v bool, name string, args []any) (any, error) {
	switch {
	case name == "booleanValue" && len(args) == 0:
		return v, nil
	case name == "parseBoolean" || name == "valueOf":
		if s, ok := textArg(args, 0); ok && len(args) == 1 {
			return len(s) == 4 && foldEqual(s, "true"), nil
		}
	case name == "compareTo" && len(args) == 1:
		if other, ok := args[0].(bool); ok {
			switch {
			case v == other:
				return integer(0), nil
			case v:
				return integer(1), nil
			}
			return integer(-1), nil
		}
	}
	return e.object(v, name, args)
}

func (e *evaluator) callEntry(v *entry, name string, args []any) (any, error) {
	switch {
	case name == "getKey" && len(args) == 0:
		return v.key, nil
	case name == "getValue" && len(args) == 0:
		return v.value, nil
	case name == "setValue" && len(args) == 1:
		old := v.value
		v.value = args[0]
		v.of.put(v.key, v.value)
		return old, nil
	}
	return e.object(v, name, args)
}

func callIterator(v *iterator, name string, args []any) (any, error) {
	if len(args) != 0 {
		return nil, nil
	}
	switch name {
	case "hasNext":
		return v.next < len(*v.items), nil
	case "next":
		if v.next >= len(*v.items) {
			return nil, errors.New("there is no next item")
		}
		item := (*v.items)[v.next]
		v.next++
		return item, nil
	}
	return nil, nil
}

func callScope(v *foreachScope, name string, args []any) (any, error) {
	if len(args) != 0 {
		return nil, nil
	}
	switch name {
	case "stop":
		return nil, &stopError{scope: v}
	case "getIndex", "getCount", "getParent", "getTopmost", "getReplaced":
		return v.property(string(name[3]|0x20) + name[4:]), nil
	case "hasNext", "isFirst", "isLast", "getHasNext":
		return v.property(map[string]string{
			"hasNext": "hasNext", "isFirst": "first", "isLast": "last", "getHasNext": "hasNext"}[name]), nil
	}
	return nil, nil
}

func (e *evaluator) callMap(v any, m mapping, name string, args []any) (any, error) {
	switch len(args) {
	case 0:
		switch name {
		case "size":
			return integer(m.size()), nil
		case "isEmpty":
			return m.size() == 0, nil
		case "keySet":
			return keysOf(m), e.work(m.size())
		case "values":
			return valuesOf(m), e.work(m.size())
		case "entrySet":
			return entriesOf(m), e.work(m.size())
		case "clear":
			m.clear()
			return "", nil
		}
	case 1:
		switch name {
		case "get":
			value, _ := m.get(args[0])
			return value, nil
		case "containsKey":
			_, ok := m.get(args[0])
			return ok, nil
		case "containsValue":
			return e.contains(valuesOf(m).items, args[0])
		case "remove":
			old, _ := m.get(args[0])
			m.remove(args[0])
			return old, e.work(m.size() >> 2)
		case "putAll":
			if other, ok := asMapping(args[0]); ok {
				if err := e.work(other.size()); err != nil {
					return nil, err
				}
				for _, x := range entriesOf(other).items {
					m.put(x.(*entry).key, x.(*entry).value)
				}
				return "", nil
			}
		}
	case 2:
		old, there := m.get(args[0])
		switch name {
		case "put":
			m.put(args[0], args[1])
			return old, nil
		case "getOrDefault":
			if there {
				return old, nil
			}
			return args[1], nil
		case "putIfAbsent":
			if old == nil {
				m.put(args[0], args[1])
			}
			return old, nil
		case "replace":
			if there {
				m.put(args[0], args[1])
			}
			return old, nil
		}
	}
	return e.object(v, name, args)
}

// contains is java.util.Collection.contains.
func (e *evaluator) contains(items []any, v any) (bool, error) {
	i, err := e.indexOf(items, v)
	return i >= 0, err
}

func (e *evaluator) indexOf(items []any, v any) (int, error) {
	if err := e.work(len(items) >> 3); err != nil {
		return -1, err
	}
	for i, item := range items {
		if same, err := e.equals(v, item, 0); same || err != nil {
			return i, err
		}
	}
	return -1, nil
}

// errFixed is what Java throws for a list that cannot grow.
var errFixed = errors.New("this list cannot be changed so")

func (e *evaluator) callList(v any, l *[]any, name string, args []any) (any, error) {
	other, fromJSON := v.(*jsonvalue.Array)
	own, _ := v.(*list)
	indexed := fromJSON || own.kind != setView
	fixed := !fromJSON && own.kind != arrayList
	switch len(args) {
	case 0:
		switch name {
		case "size":
			return integer(len(*l)), nil
		case "isEmpty":
			return len(*l) == 0, nil
		case "iterator":
			return &iterator{items: l}, nil
		case "toArray":
			return &list{kind: javaArray, items: append([]any(nil), *l...)}, e.work(len(*l))
		case "clear":
			if fixed && own.kind == javaArray {
				return nil, errFixed
			}
			*l = nil
			return "", nil
		case "toJSONString":
			if fromJSON {
				s, err := e.text(other)
				if err != nil {
					return nil, err
				}
				return e.newString(s)
			}
		}
	case 1:
		return e.callList1(v, l, name, args[0], indexed, fixed)
	case 2:
		return e.callList2(v, l, name, args, indexed, fixed)
	}
	return e.object(v, name, args)
}

func (e *evaluator) callList1(v any, l *[]any, name string, arg any, indexed, fixed bool) (any, error) {
	switch name {
	case "contains":
		return e.contains(*l, arg)
	case "containsAll", "addAll", "removeAll", "retainAll":
		others, ok := items(arg)
		if !ok {
			return nil, nil
		}
		return e.bulk(l, name, *others, fixed)
	case "add":
		if fixed {
			return nil, errFixed
		}
		*l = append(*l, arg)
		return true, nil
	case "remove":
		if n, ok := arg.(integer); ok && indexed {
			if n < 0 || int(n) >= len(*l) {
				return nil, indexError(n, len(*l))
			}
			if fixed {
				return nil, errFixed
			}
			old := (*l)[n]
			*l = append((*l)[:n], (*l)[n+1:]...)
			return old, e.work(len(*l) >> 3)
		}
		i, err := e.indexOf(*l, arg)
		if err != nil || i < 0 {
			return false, err
		}
		if fixed && indexed {
			return nil, errFixed
		}
		*l = append((*l)[:i], (*l)[i+1:]...)
		return true, nil
	}
	if !indexed {
		return e.object(v, name, []any{arg})
	}
	switch name {
	case "get":
		return e.index(v, arg)
	case "indexOf":
		i, err := e.indexOf(*l, arg)
		return integer(i), err
	case "lastIndexOf":
		for i := len(*l) - 1; i >= 0; i-- {
			if same, err := e.equals(arg, (*l)[i], 0); same || err != nil {
				return integer(i), err
			}
		}
		return integer(-1), nil
	}
	return e.object(v, name, []any{arg})
}

func (e *evaluator) callList2(v any, l *[]any, name string, args []any, indexed, fixed bool) (any, error) {
	n, ok := intArg(args, 0)
	if !ok || !indexed {
		return nil, nil
	}
	switch name {
	case "set":
		if n < 0 || n >= len(*l) {
			return nil, indexError(integer(n), len(*l))
		}
		old := (*l)[n]
		(*l)[n] = args[1]
		return old, nil
	case "add":
		if n < 0 || n > len(*l) {
			return nil, indexError(integer(n), len(*l))
		}
		if fixed {
			return nil, errFixed
		}
		*l = append(*l, nil)
		copy((*l)[n+1:], (*l)[n:])
		(*l)[n] = args[1]
		return "", e.work(len(*l) >> 3)
	case "subList":
		to, ok := intArg(args, 1)
		if !ok {
			return nil, nil
		}
		if n < 0 || to > len(*l) || n > to {
			return nil, fmt.Errorf("from %d to %d is out of bounds for length %d", n, to, len(*l))
		}
		return &list{items: append([]any(nil), (*l)[n:to]...)}, e.work(to - n)
	}
	return nil, nil
}

// bulk is the methods of a collection that take another one.
func (e *evaluator) bulk(l *[]any, name string, others []any, fixed bool) (any, error) {
	if err := e.work(len(others)); err != nil {
		return nil, err
	}
	if name != "containsAll" && fixed {
		return nil, errFixed
	}
	switch name {
	case "addAll":
		*l = append(*l, others...)
		return len(others) > 0, nil
	case "containsAll":
		for _, item := range others {
			if ok, err := e.contains(*l, item); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	var kept []any
	for _, item := range *l {
		in, err := e.contains(others, item)
		if err != nil {
			return nil, err
		}
		if in == (name == "retainAll") {
			kept = append(kept, item)
		}
	}
	changed := len(kept) != len(*l)
	*l = kept
	return changed, nil
}
