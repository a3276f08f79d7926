package dynamodbexpr_test

import (
	"testing"

	"github.com/carepath/carepath/lang/dynamodbexpr"
)

func TestFirst(t *testing.T) {
	env, err := dynamodbexpr.NewEnvironment(map[string]string{"#a": "a"}, dynamodbexpr.Item{":v": dynamodbexpr.Number("1.50")})
	if err != nil {
		t.Fatal(err)
	}
	c, err := env.Condition("FilterExpression", "NOT (#a < :v) AND size(b) > size(a) or attribute_exists(c.d[1])")
	t.Log(c, err)
	u, err := env.Update("SET a.b[3] = list_append(if_not_exists(x, :v), y), z = (c) + (:v) REMOVE l[0], l[2]")
	t.Log(u, err)
}
