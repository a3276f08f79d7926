package dynamodb

import (
	"errors"
	"reflect"
	"strings"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// unknown is the part of every request that notes the first member that it does not have. DynamoDB ignores such members;
// here they would hide what is not emulated, so that a request with one is refused once DynamoDB would accept it.
type unknown struct{ shape, member string }

func (u *unknown) check() error {
	if u.member == "" {
		return nil
	}
	return invalid("the embedded AWS does not have the member %s in a %s", u.member, u.shape)
}

// decode reads a request in DynamoDB's JSON protocol, with DynamoDB's own words about values of the wrong type.
func decode(text []byte, into any, other *unknown) error {
	tree, err := jsonvalue.Parse(text)
	if err != nil {
		return &dispatch.Error{Code: "SerializationException"}
	}
	b := binder{other}
	if err := b.bind(tree, reflect.ValueOf(into).Elem(), asField); err != nil {
		var wrong dynamodbexpr.TypeError
		if errors.As(err, &wrong) {
			return &dispatch.Error{Code: "SerializationException", Message: string(wrong)}
		}
		return err
	}
	return nil
}

// place is where a value stands: DynamoDB's messages differ.
type place int

const (
	asField   place = iota // a member of a structure
	asElement              // an element of a list or a value of a map
)

var (
	valueType = reflect.TypeFor[Value]()
	itemType  = reflect.TypeFor[Item]()
)

// binder sets requests from JSON.
type binder struct{ unknown *unknown }

// bind sets target from JSON.
func (b binder) bind(tree any, target reflect.Value, where place) error {
	if tree == nil {
		return nil
	}
	t := target.Type()
	if t.Kind() == reflect.Pointer {
		fresh := reflect.New(t.Elem())
		if err := b.bind(tree, fresh.Elem(), where); err != nil {
			return err
		}
		target.Set(fresh)
		return nil
	}
	if t == valueType {
		if err := checkStructure(tree, "AttributeValue", where); err != nil {
			return err
		}
		v, err := dynamodbexpr.ValueOf(tree)
		target.Set(reflect.ValueOf(v))
		return err
	}
	switch t.Kind() {
	case reflect.String:
		s, err := dynamodbexpr.StringOf(tree)
		target.SetString(s)
		return err
	case reflect.Bool:
		b, err := dynamodbexpr.BoolOf(tree)
		target.SetBool(b)
		return err
	case reflect.Int32, reflect.Int64:
		java := "Integer"
		if t.Kind() == reflect.Int64 {
			java = "Long"
		}
		n, err := dynamodbexpr.IntegerOf(tree, java)
		target.SetInt(n)
		return err
	case reflect.Slice:
		return b.bindList(tree, target, where)
	case reflect.Map:
		return b.bindMap(tree, target, where)
	}
	return b.bindStructure(tree, target, where)
}

// unparameterized is what the Java behind DynamoDB says of a scalar where a list of maps, or a map of lists, has its element.
const unparameterized = dynamodbexpr.TypeError("class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of loader 'bootstrap')")

func notACollection(where place) error {
	if where == asElement {
		return unparameterized
	}
	return dynamodbexpr.TypeError("Unexpected field type")
}

func (b binder) bindList(tree any, target reflect.Value, where place) error {
	array, ok := tree.(*jsonvalue.Array)
	if !ok {
		if _, object := tree.(*jsonvalue.Object); object {
			return dynamodbexpr.TypeError("Start of structure or map found where not expected")
		}
		return notACollection(where)
	}
	list := reflect.MakeSlice(target.Type(), len(array.Items), len(array.Items))
	for i, item := range array.Items {
		if err := b.bind(item, list.Index(i), asElement); err != nil {
			return err
		}
	}
	target.Set(list)
	return nil
}

func (b binder) bindMap(tree any, target reflect.Value, where place) error {
	t := target.Type()
	object, ok := tree.(*jsonvalue.Object)
	if !ok {
		if _, list := tree.(*jsonvalue.Array); list {
			return dynamodbexpr.TypeError("Unrecognized collection type java.util.Map<java.lang.String, " + javaName(t.Elem()) + ">")
		}
		return notACollection(where)
	}
	if t == itemType {
		item, err := dynamodbexpr.ItemOf(tree)
		target.Set(reflect.ValueOf(item))
		return err
	}
	m := reflect.MakeMapWithSize(t, object.Len())
	for name, member := range object.All() {
		element := reflect.New(t.Elem()).Elem()
		if err := b.bind(member, element, asElement); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(name), element)
	}
	target.Set(m)
	return nil
}

func javaName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "java.lang.String"
	case reflect.Slice:
		return "java.util.List<" + javaName(t.Elem()) + ">"
	}
	name := t.Name()
	if t == valueType {
		name = "AttributeValue"
	}
	return "com.amazonaws.dynamodb.v20120810." + name
}

func checkStructure(tree any, name string, where place) error {
	switch tree.(type) {
	case *jsonvalue.Object:
		return nil
	case *jsonvalue.Array:
		return dynamodbexpr.TypeError("Unrecognized collection type class com.amazonaws.dynamodb.v20120810." + name)
	}
	if where == asElement {
		return dynamodbexpr.TypeError("Unexpected value type in payload")
	}
	return dynamodbexpr.TypeError("Unexpected field type")
}

func (b binder) bindStructure(tree any, target reflect.Value, where place) error {
	t := target.Type()
	if err := checkStructure(tree, t.Name(), where); err != nil {
		return err
	}
	object, _ := tree.(*jsonvalue.Object)
	known := 0
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			continue
		}
		name := memberName(t.Field(i))
		if member, given := object.Get(name); given {
			known++
			if err := b.bind(member, target.Field(i), asField); err != nil {
				return err
			}
		}
	}
	if known < object.Len() && b.unknown.member == "" {
		*b.unknown = unknown{t.Name(), unknownMember(object, t)}
	}
	return nil
}

func memberName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" {
		return f.Name
	}
	return name
}

func unknownMember(object *jsonvalue.Object, t reflect.Type) string {
	for name := range object.All() {
		found := false
		for i := range t.NumField() {
			found = found || memberName(t.Field(i)) == name
		}
		if !found {
			return name
		}
	}
	return ""
}

// UnmarshalJSON reads the request as DynamoDB does.
func (in *GetItemInput) UnmarshalJSON(text []byte) error { return decode(text, in, &in.unknown) }

// UnmarshalJSON reads the request as DynamoDB does.
func (in *PutItemInput) UnmarshalJSON(text []byte) error { return decode(text, in, &in.unknown) }

// UnmarshalJSON reads the request as DynamoDB does.
func (in *UpdateItemInput) UnmarshalJSON(text []byte) error { return decode(text, in, &in.unknown) }

// UnmarshalJSON reads the request as DynamoDB does.
func (in *DeleteItemInput) UnmarshalJSON(text []byte) error { return decode(text, in, &in.unknown) }

// UnmarshalJSON reads the request as DynamoDB does.
func (in *QueryInput) UnmarshalJSON(text []byte) error { return decode(text, in, &in.unknown) }

// UnmarshalJSON reads the request as DynamoDB does.
func (in *ScanInput) UnmarshalJSON(text []byte) error { return decode(text, in, &in.unknown) }

// UnmarshalJSON reads the request as DynamoDB does.
func (in *BatchGetItemInput) UnmarshalJSON(text []byte) error { return decode(text, in, &in.unknown) }

// UnmarshalJSON reads the request as DynamoDB does.
func (in *BatchWriteItemInput) UnmarshalJSON(text []byte) error { return decode(text, in, &in.unknown) }

// UnmarshalJSON reads the request as DynamoDB does.
func (in *TransactGetItemsInput) UnmarshalJSON(text []byte) error {
	return decode(text, in, &in.unknown)
}

// UnmarshalJSON reads the request as DynamoDB does.
func (in *TransactWriteItemsInput) UnmarshalJSON(text []byte) error {
	return decode(text, in, &in.unknown)
}
