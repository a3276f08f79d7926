package dynamodbexpr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/carepath/carepath/lang/dynamodbexpr"
)

func item(t testing.TB, text string) dynamodbexpr.Item {
	t.Helper()
	if text == "" {
		return nil
	}
	var i map[string]dynamodbexpr.Value
	if err := json.Unmarshal([]byte(text), &i); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return i
}

func environment(t testing.TB, names map[string]string, values string) *dynamodbexpr.Environment {
	t.Helper()
	e, err := dynamodbexpr.NewEnvironment(names, item(t, values))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func ExampleEnvironment_Update() {
	var values map[string]dynamodbexpr.Value
	if err := json.Unmarshal([]byte(`{":one":{"N":"1"}}`), &values); err != nil {
		fmt.Println(err)
	}
	e, _ := dynamodbexpr.NewEnvironment(nil, values)
	update, err := e.Update("ADD LastId :one SET seen = if_not_exists(seen, :one) + :one")
	if err != nil {
		fmt.Println(err)
		return
	}
	counter, _ := update.Apply(dynamodbexpr.Item{"LastId": dynamodbexpr.Number("41")})
	text, _ := json.Marshal(counter)
	fmt.Println(string(text))
	// Output: {"LastId":{"N":"42"},"seen":{"N":"2"}}
}

func TestConditions(t *testing.T) {
	const values = `{":n":{"N":"5"},":s":{"S":"ab"},":l":{"L":[{"S":"ab"}]}}`
	const thing = `{"a":{"N":"5.0"},"b":{"S":"abc"},"c":{"L":[{"S":"ab"},{"M":{"d":{"N":"7"}}}]},"e":{"SS":["ab","x"]},"f":{"NULL":true}}`
	for text, want := range map[string]bool{
		"a = :n": true, "a <> :n": false, "absent <> :n": true, "absent = :n": false, "a >= :n AND a <= :n": true, "a > b": false, "b > :s": true,
		"c[1].d > :n": true, "c[2].d > :n": false, "c[0] = :s": true, "contains(c, :s)": true, "contains(e, :s)": true, "contains(b, :s)": true, "begins_with(b, :s)": true,
		"size(b) < :n": true, "size(a) < :n": false, "size(c) <> :n": true, "a IN (:s, :n)": true, "a BETWEEN :n AND :n": true,
		"attribute_exists(c[1].d) AND attribute_not_exists(c[1].e)": true, "attribute_exists(f)": true, "NOT attribute_exists(f) OR NOT (a = :n)": false,
		"a = :s OR a = :n AND b = :n": false, "(a = :s OR a = :n) AND (b > :s)": true, "NOT a = :s AND NOT b = :n": true,
	} {
		e := environment(t, nil, values)
		c, err := e.Condition("FilterExpression", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := c.Holds(item(t, thing)); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
}

func TestRefusedConditions(t *testing.T) {
	for text, want := range map[string]string{
		"a = ":                 `Syntax error; token: "<EOF>", near: "="`,
		"a b :n":               `Syntax error; token: "b", near: "a b :n"`,
		"(a = :n":              `Syntax error; token: "<EOF>", near: ":n"`,
		"_a = :n":              `Syntax error; token: "_a", near: "_a ="`,
		"a":                    `Syntax error; token: "<EOF>", near: "a"`,
		"(a = :n) = :n":        `Syntax error; token: "=", near: ") = :n"`,
		"((a = :n))":           "The expression has redundant parentheses;",
		"size(a)":              "The function is not allowed to be used this way in an expression; function: size",
		"year = :n":            "Attribute name is a reserved keyword; reserved keyword: year",
		"a = :x":               "An expression attribute value used in expression is not defined; attribute value: :x",
		"#x = :n":              "An expression attribute name used in the document path is not defined; attribute name: #x",
		"exists(a)":            "Invalid function name; function: exists",
		"a.b[1] = a.b[1]":      "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a, b, [1]]",
		"a BETWEEN :n AND :s":  "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {S:ab}",
		"begins_with(a, :n)":   "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"attribute_exists(:n)": "Operator or function requires a document path; operator or function: attribute_exists",
	} {
		_, err := environment(t, nil, `{":n":{"N":"5"},":s":{"S":"ab"}}`).Condition("ConditionExpression", text)
		if err == nil || err.Error() != "Invalid ConditionExpression: "+want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func TestUpdates(t *testing.T) {
	const values = `{":n":{"N":"5"},":s":{"S":"ab"},":l":{"L":[{"S":"x"}]},":ss":{"SS":["a","b"]}}`
	const before = `{"a":{"N":"1"},"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"N":"3"}]},"m":{"M":{"x":{"L":[{"S":"y"}]}}},"ss":{"SS":["a","c"]}}`
	for text, want := range map[string]string{
		"SET a = a - :n, b = a":                                    `{"a":{"N":"-4"},"b":{"N":"1"}}`,
		"SET m.x[0] = :s":                                          `{"m":{"M":{"x":{"L":[{"S":"ab"}]}}}}`,
		"SET l[9] = :s, l[7] = :n REMOVE l[0], l[2]":               `{"l":{"L":[{"N":"1"},{"N":"3"},{"N":"5"},{"S":"ab"}]}}`,
		"REMOVE m.x[0]":                                            `{"m":{"M":{"x":{"L":[]}}}}`,
		"ADD ss :ss, a :n, made :ss":                               `{"ss":{"SS":["a","c","b"]},"a":{"N":"6"},"made":{"SS":["a","b"]}}`,
		"DELETE ss :ss":                                            `{"ss":{"SS":["c"]}}`,
		"SET l = list_append(:l, l) REMOVE a":                      `{"l":{"L":[{"S":"x"},{"N":"0"},{"N":"1"},{"N":"2"},{"N":"3"}]},"a":null}`,
		"SET c = if_not_exists(absent, if_not_exists(a, :n)) + :n": `{"c":{"N":"6"}}`,
		"SET a = absent":                                           "The provided expression refers to an attribute that does not exist in the item",
		"SET a = m + :n":                                           "An operand in the update expression has an incorrect data type",
		"SET a.b = :n":                                             "The document path provided in the update expression is invalid for update",
		"ADD m :ss":                                                "An operand in the update expression has an incorrect data type",
		"SET a = :n, a = :s":                                       "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
		"SET a.b = :n REMOVE a[1]":                                 "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]",
		"SET a = :n SET b = :n":                                    `Invalid UpdateExpression: The "SET" section can only be used once in an update expression;`,
		"":                                                         "Invalid UpdateExpression: The expression can not be empty;",
	} {
		start := item(t, before)
		after, err := func() (dynamodbexpr.Item, error) {
			u, err := environment(t, nil, values).Update(text)
			if err != nil {
				return nil, err
			}
			return u.Apply(start)
		}()
		if err != nil {
			if err.Error() != want {
				t.Errorf("%s: %v\nwant %s", text, err, want)
			}
			continue
		}
		var changed map[string]*dynamodbexpr.Value
		if err := json.Unmarshal([]byte(want), &changed); err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		expected := item(t, before)
		for name, v := range changed {
			if v == nil {
				delete(expected, name)
			} else {
				expected[name] = *v
			}
		}
		if !dynamodbexpr.Map(after).Equal(dynamodbexpr.Map(expected)) {
			t.Errorf("%s makes %s\nwant %s", text, after.AppendJSON(nil), expected.AppendJSON(nil))
		}
		if !dynamodbexpr.Map(start).Equal(dynamodbexpr.Map(item(t, before))) {
			t.Errorf("%s changed the item that it was given", text)
		}
	}
}

func TestUnusedPlaceholders(t *testing.T) {
	e := environment(t, map[string]string{"#a": "a", "#b": "b", "#c": "c"}, `{":x":{"N":"1"},":y":{"N":"2"}}`)
	if _, err := e.Condition("FilterExpression", "#b = :x"); err != nil {
		t.Fatal(err)
	}
	var wrong dynamodbexpr.Error
	if err := e.Unused(); !errors.As(err, &wrong) || wrong != "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #c}" {
		t.Error(err)
	}
}

// TestProjectionsAgreeWithPaths holds that a projection to one path keeps exactly what an update could remove there.
func TestProjectionsAgreeWithPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := items().Draw(t, "item")
		name := rapid.StringMatching(`[a-z]{1,2}(\.[a-z]|\[[01]\])?`).Draw(t, "path")
		e, err := dynamodbexpr.NewEnvironment(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := e.Projection(name)
		if err != nil {
			t.Skip(err) // a reserved word
		}
		c, err := e.Condition("FilterExpression", "attribute_exists("+name+")")
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Of(whole); (len(got) > 0) != c.Holds(whole) {
			t.Fatalf("%s of %s is %s", name, whole.AppendJSON(nil), got.AppendJSON(nil))
		}
	})
}

// FuzzExpressions holds that no text makes the parsers do anything but answer.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{"a = :v AND NOT (b.c[1] IN (:v, #n))", "SET a = list_append(b, :v) + :v REMOVE c[1] ADD d :v DELETE e :v", "a, b.c[0], #n", "((size(a)) <> :v)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e := environment(t, map[string]string{"#n": "name"}, `{":v":{"N":"1"}}`)
		thing := item(t, `{"a":{"L":[{"N":"1"}]},"b":{"M":{"c":{"S":"x"}}},"name":{"N":"3"}}`)
		if c, err := e.Condition("FilterExpression", text); err == nil {
			c.Holds(thing)
			_, _ = c.Comparisons()
		}
		if u, err := e.Update(text); err == nil {
			_, _ = u.Apply(thing)
		}
		if p, err := e.Projection(text); err == nil {
			p.Of(thing)
		}
	})
}
