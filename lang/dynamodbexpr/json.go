package dynamodbexpr

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/jsonvalue"
)

const (
	emptyValue = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	manyValues = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	parameters = "One or more parameter values were invalid: "
)

// TypeError is a JSON value where DynamoDB's protocol wants another type: a SerializationException with this text.
type TypeError string

func (e TypeError) Error() string { return string(e) }

// UnmarshalJSON reads an attribute value. A value of the wrong JSON type is a [TypeError]; one that DynamoDB can read but
// refuses is Invalid.
func (v *Value) UnmarshalJSON(text []byte) error {
	tree, err := jsonvalue.Parse(text)
	if err != nil {
		return err
	}
	*v, err = ValueOf(tree)
	return err
}

// maxDepth is how deep lists and maps may lie in each other.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxDepth = 32
	tooDeep  = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)

// ValueOf reads an attribute value from a JSON object.
func ValueOf(tree any) (Value, error) { return valueOf(tree, 0) }

func valueOf(tree any, depth int) (Value, error) {
	object, ok := tree.(*jsonvalue.Object)
	if !ok {
		return Value{}, TypeError("Unexpected value type in payload")
	}
	found, count, problem := Value{}, 0, ""
	for k := KindS; k <= KindM; k++ {
		member, given := object.Get(kindNames[k])
		if !given || member == nil {
			continue
		}
		v, err := readKind(k, member, depth)
		if err != nil {
			return Value{}, err
		}
		if count++; count == 1 {
			found = v
		}
		if problem == "" {
			problem = v.Problem()
		}
	}
	switch {
	case count == 0:
		problem = emptyValue
	case count > 1 && problem == "":
		problem = manyValues
	}
	if problem != "" {
		return invalid(problem, jsonvalue.Text(tree)), nil
	}
	return found, nil
}

func readKind(k Kind, member any, depth int) (Value, error) {
	if (k == KindL || k == KindM) && depth >= maxDepth {
		return invalid(tooDeep, "{}"), nil
	}
	switch k {
	case KindS:
		s, err := StringOf(member)
		return String(s), err
	case KindN:
		s, err := StringOf(member)
		return Number(s), err
	case KindB:
		b, err := blobOf(member)
		return Value{kind: KindB, text: b}, err
	case KindBool:
		b, err := BoolOf(member)
		return Bool(b), err
	case KindNull:
		b, err := BoolOf(member)
		if err == nil && !b {
			return invalid(parameters+"Null attribute value types must have the value of true", `{"NULL":false}`), nil
		}
		return Null(), err
	case KindSS, KindNS, KindBS:
		return readSet(k, member)
	case KindL:
		array, ok := member.(*jsonvalue.Array)
		if !ok {
			return Value{}, notAList(member)
		}
		list := make([]Value, len(array.Items))
		for i, item := range array.Items {
			v, err := elementOf(item, depth+1)
			if err != nil {
				return Value{}, err
			}
			list[i] = v
		}
		return List(list...), nil
	}
	item, err := itemOf(member, depth+1)
	return Map(item), err
}

// ItemOf reads attributes from a JSON object of attribute values.
func ItemOf(tree any) (Item, error) { return itemOf(tree, 0) }

func itemOf(tree any, depth int) (Item, error) {
	object, ok := tree.(*jsonvalue.Object)
	if !ok {
		if _, list := tree.(*jsonvalue.Array); list {
			return nil, TypeError("Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>")
		}
		return nil, TypeError("Unexpected field type")
	}
	item := make(Item, object.Len())
	for name, member := range object.All() {
		v, err := elementOf(member, depth)
		if err != nil {
			return nil, err
		}
		item[name] = v
	}
	return item, nil
}

func elementOf(tree any, depth int) (Value, error) {
	if _, list := tree.(*jsonvalue.Array); list {
		return Value{}, TypeError("Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue")
	}
	if tree == nil {
		return Value{}, nil
	}
	return valueOf(tree, depth)
}

func notAList(tree any) error {
	if _, object := tree.(*jsonvalue.Object); object {
		return TypeError("Start of structure or map found where not expected")
	}
	return TypeError("Unexpected field type")
}

func readSet(k Kind, member any) (Value, error) {
	array, ok := member.(*jsonvalue.Array)
	if !ok {
		return Value{}, notAList(member)
	}
	members, problem := make([]string, 0, len(array.Items)), ""
	shown := make([]string, 0, len(array.Items))
	for _, item := range array.Items {
		var s string
		var err error
		if k == KindBS {
			s, err = blobOf(item)
			shown = append(shown, base64.StdEncoding.EncodeToString([]byte(s)))
		} else {
			s, err = StringOf(item)
			shown = append(shown, s)
		}
		if err != nil {
			return Value{}, err
		}
		if k == KindNS {
			var wrong string
			if s, wrong = ParseNumber(s); wrong != "" && problem == "" {
				problem = wrong
			}
		}
		members = append(members, s)
	}
	if problem == "" {
		problem = setProblem(k, members, shown)
	}
	if problem != "" {
		return invalid(problem, jsonvalue.Text(jsonvalue.NewObject(jsonvalue.Member{Name: k.String(), Value: member}))), nil
	}
	return Set(k, members), nil
}

func setProblem(k Kind, members, shown []string) string {
	if len(members) == 0 {
		switch k {
		case KindSS:
			return parameters + "An string set  may not be empty"
		case KindNS:
			return parameters + "An number set  may not be empty"
		}
		return parameters + "Binary sets should not be empty"
	}
	seen := make(map[string]bool, len(members))
	for _, m := range members {
		if seen[m] {
			switch k {
			case KindNS:
				return "Input collection contains duplicates"
			case KindSS:
				return parameters + "Input collection [" + strings.Join(shown, ", ") + "] contains duplicates."
			}
			return parameters + "Input collection [" + strings.Join(shown, ", ") + "]of type BS contains duplicates."
		}
		seen[m] = true
	}
	return ""
}

// StringOf reads a string of the protocol; null is "".
func StringOf(tree any) (string, error) {
	switch v := tree.(type) {
	case string:
		return v, nil
	case nil:
		return "", nil
	}
	return "", scalarError(tree, "String")
}

// BoolOf reads a boolean of the protocol, which takes some texts for one as well; null is false.
func BoolOf(tree any) (bool, error) {
	switch v := tree.(type) {
	case bool:
		return v, nil
	case nil:
		return false, nil
	case string:
		switch strings.ToUpper(v) {
		case "TRUE", "1", "YES":
			return true, nil
		case "FALSE", "0", "NO":
			return false, nil
		}
		return false, TypeError("Unexpected token received from parser")
	}
	return false, scalarError(tree, "Boolean")
}

// IntegerOf reads an integer of the protocol, the name of whose Java type goes into errors; null is 0.
func IntegerOf(tree any, java string) (int64, error) {
	switch v := tree.(type) {
	case nil:
		return 0, nil
	case jsonvalue.Number:
		d, ok := parseDecimal(string(v))
		if !ok || d.exponent > 18 {
			return 0, TypeError("NUMBER_VALUE cannot be converted to " + java)
		}
		var n int64
		for i := 0; i <= d.exponent; i++ {
			n *= 10
			if i < len(d.digits) {
				n += int64(d.digits[i] - '0')
			}
		}
		if d.negative {
			n = -n
		}
		return n, nil
	}
	return 0, scalarError(tree, java)
}

func scalarError(tree any, java string) error {
	switch v := tree.(type) {
	case bool:
		if v {
			return TypeError("TRUE_VALUE cannot be converted to " + java)
		}
		return TypeError("FALSE_VALUE cannot be converted to " + java)
	case jsonvalue.Number:
		if d, _ := parseDecimal(string(v)); len(d.digits)-1 > d.exponent {
			return TypeError("DECIMAL_VALUE cannot be converted to " + java)
		}
		return TypeError("NUMBER_VALUE cannot be converted to " + java)
	case string:
		return TypeError("STRING_VALUE cannot be converted to " + java)
	case *jsonvalue.Array:
		return TypeError("Unrecognized collection type class java.lang." + java)
	}
	return TypeError("Start of structure or map found where not expected")
}

func blobOf(tree any) (string, error) {
	switch v := tree.(type) {
	case nil:
		return "", nil
	case string:
		if n := len(v); n%4 != 0 {
			return "", TypeError("Base64 encoded length is expected a multiple of 4 bytes but found: " + itoa(n))
		}
		b, err := base64.StdEncoding.Strict().DecodeString(v)
		if err != nil || base64.StdEncoding.EncodeToString(b) != v {
			return "", TypeError("Invalid last non-pad Base64 character dectected")
		}
		return string(b), nil
	case *jsonvalue.Array:
		return "", TypeError("Unrecognized collection type class java.nio.ByteBuffer")
	case *jsonvalue.Object:
		return "", TypeError("Start of structure or map found where not expected")
	}
	return "", TypeError("only base-64-encoded strings are convertible to bytes")
}

// MarshalJSON writes an attribute value as DynamoDB does.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// MarshalJSON writes attributes by name.
func (i Item) MarshalJSON() ([]byte, error) {
	if i == nil {
		return []byte("null"), nil
	}
	return i.AppendJSON(make([]byte, 0, 64*len(i))), nil
}

// AppendJSON appends an item's JSON text.
func (i Item) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	for n, name := range slices.Sorted(maps.Keys(i)) {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, name), ':')
		b = i[name].AppendJSON(b)
	}
	return append(b, '}')
}

// AppendJSON appends a value's JSON text.
func (v Value) AppendJSON(b []byte) []byte {
	if v.kind == Invalid {
		if v.text == "" {
			return append(b, "{}"...)
		}
		return append(b, v.text...)
	}
	b = append(append(append(b, `{"`...), kindNames[v.kind]...), `":`...)
	switch v.kind {
	case KindS:
		b = appendQuoted(b, v.text)
	case KindN:
		b = append(append(append(b, '"'), v.text...), '"')
	case KindB:
		b = appendBlob(b, v.text)
	case KindBool, KindNull:
		if v.yes {
			b = append(b, "true"...)
		} else {
			b = append(b, "false"...)
		}
	case KindM:
		b = v.Map().AppendJSON(b)
	case KindL:
		b = append(b, '[')
		for i, e := range v.List() {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.AppendJSON(b)
		}
		b = append(b, ']')
	default:
		b = append(b, '[')
		for i, m := range v.Members() {
			if i > 0 {
				b = append(b, ',')
			}
			if v.kind == KindBS {
				b = appendBlob(b, m)
			} else {
				b = appendQuoted(b, m)
			}
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendBlob(b []byte, bytes string) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, []byte(bytes))
	return append(b, '"')
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends a JSON string; text that is not UTF-8 loses what is wrong in it, as everywhere in JSON.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = append(b, "\ufffd"...)
			i++
			start = i
			continue
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func quote(s string) string { return string(appendQuoted(nil, s)) }
