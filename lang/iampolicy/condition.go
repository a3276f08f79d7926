package iampolicy

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// condition is one operator on one key with its values.
type condition struct {
	op       operator
	negated  bool
	ifExists bool
	set      setOperator
	key      string
	values   []conditionValue
}

type operator uint8

const (
	stringEquals operator = iota
	stringEqualsIgnoreCase
	stringLike
	arnLike
	boolean
	numeric
	date
	ipAddress
	binaryEquals
	null
)

type setOperator uint8

const (
	single setOperator = iota
	forAllValues
	forAnyValue
)

// relation is the comparison of numbers and dates.
type relation uint8

const (
	equal relation = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// conditionValue is a value of the policy, compiled for its operator.
type conditionValue struct {
	pattern  pattern
	relation relation
	number   float64 // dates: seconds since 1970
	prefix   netip.Prefix
	truth    bool
}

type operatorInfo struct {
	op       operator
	negated  bool
	relation relation
}

// operators are all of IAM's, by their names in lower case (they are not case-sensitive).
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
var operators = map[string]operatorInfo{
	"stringequals":              {op: stringEquals},
	"stringnotequals":           {op: stringEquals, negated: true},
	"stringequalsignorecase":    {op: stringEqualsIgnoreCase},
	"stringnotequalsignorecase": {op: stringEqualsIgnoreCase, negated: true},
	"stringlike":                {op: stringLike},
	"stringnotlike":             {op: stringLike, negated: true},
	"arnequals":                 {op: arnLike},
	"arnlike":                   {op: arnLike},
	"arnnotequals":              {op: arnLike, negated: true},
	"arnnotlike":                {op: arnLike, negated: true},
	"bool":                      {op: boolean},
	"numericequals":             {op: numeric},
	"numericnotequals":          {op: numeric, negated: true},
	"numericlessthan":           {op: numeric, relation: less},
	"numericlessthanequals":     {op: numeric, relation: lessOrEqual},
	"numericgreaterthan":        {op: numeric, relation: greater},
	"numericgreaterthanequals":  {op: numeric, relation: greaterOrEqual},
	"dateequals":                {op: date},
	"datenotequals":             {op: date, negated: true},
	"datelessthan":              {op: date, relation: less},
	"datelessthanequals":        {op: date, relation: lessOrEqual},
	"dategreaterthan":           {op: date, relation: greater},
	"dategreaterthanequals":     {op: date, relation: greaterOrEqual},
	"ipaddress":                 {op: ipAddress},
	"notipaddress":              {op: ipAddress, negated: true},
	"binaryequals":              {op: binaryEquals},
	"null":                      {op: null},
}

// newCondition compiles an operator, a key and its values.
func newCondition(name, key string, values []string, variables bool) (condition, error) {
	c := condition{key: key}
	op := strings.ToLower(name)
	if rest, ok := strings.CutPrefix(op, "forallvalues:"); ok {
		c.set, op = forAllValues, rest
	} else if rest, ok := strings.CutPrefix(op, "foranyvalue:"); ok {
		c.set, op = forAnyValue, rest
	}
	if rest, ok := strings.CutSuffix(op, "ifexists"); ok {
		c.ifExists, op = true, rest
	}
	info, ok := operators[op]
	if !ok || info.op == null && (c.ifExists || c.set != single) {
		return c, malformed("Invalid Condition type : %s.", name)
	}
	if !strings.Contains(key, ":") {
		return c, malformed("Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	}
	c.op, c.negated = info.op, info.negated
	for _, text := range values {
		v, err := newConditionValue(name, info, text, variables)
		if err != nil {
			return c, err
		}
		c.values = append(c.values, v)
	}
	return c, nil
}

func newConditionValue(name string, info operatorInfo, text string, variables bool) (conditionValue, error) {
	v := conditionValue{relation: info.relation}
	invalid := malformed("The value %q is not one that the condition operator %s can compare.", text, name)
	var err error
	switch info.op {
	case boolean, null:
		switch strings.ToLower(text) {
		case "true":
			v.truth = true
		case "false":
		default:
			return v, invalid
		}
	case numeric:
		if v.number, err = strconv.ParseFloat(text, 64); err != nil {
			return v, invalid
		}
	case date:
		seconds, ok := parseDate(text)
		if !ok {
			return v, invalid
		}
		v.number = seconds
	case ipAddress:
		if addr, err := netip.ParseAddr(text); err == nil {
			v.prefix = netip.PrefixFrom(addr, addr.BitLen())
		} else if v.prefix, err = netip.ParsePrefix(text); err != nil {
			return v, invalid
		}
		v.prefix = v.prefix.Masked()
	default:
		wildcards := info.op == stringLike || info.op == arnLike
		v.pattern, err = compile(text, wildcards, variables && info.op != binaryEquals)
	}
	return v, err
}

// parseDate reads a W3C form of ISO 8601, or seconds since 1970.
func parseDate(text string) (seconds float64, ok bool) {
	if n, err := strconv.ParseFloat(text, 64); err == nil && len(text) != 4 && !math.IsInf(n, 0) && !math.IsNaN(n) {
		return n, true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(layout, text); err == nil {
			return float64(t.UnixNano()) / 1e9, true
		}
	}
	return 0, false
}

// holds says whether the request meets the condition.
func (c *condition) holds(r *Request) bool {
	value, more, found := r.lookup(c.key)
	if c.op == null {
		for i := range c.values {
			if c.values[i].truth == !found {
				return true
			}
		}
		return false
	}
	if !found {
		if c.ifExists || c.set == forAllValues {
			return true
		}
		return c.negated && c.set != forAnyValue
	}
	if more == nil {
		return c.one(value, r)
	}
	switch c.set {
	case forAllValues:
		for _, v := range more {
			if !c.one(v, r) {
				return false
			}
		}
		return true
	case forAnyValue:
		for _, v := range more {
			if c.one(v, r) {
				return true
			}
		}
		return false
	}
	// Without a set operator a key with many values is compared as a whole only where that is unambiguous.
	return len(more) == 1 && c.one(more[0], r)
}

// one compares one value of the request: it must equal any of the policy's values, or none of them if negated.
func (c *condition) one(value string, r *Request) bool {
	for i := range c.values {
		if c.compare(&c.values[i], value, r) {
			return !c.negated
		}
	}
	return c.negated
}

func (c *condition) compare(want *conditionValue, value string, r *Request) bool {
	switch c.op {
	case stringEquals, stringLike, binaryEquals:
		return want.pattern.match(value, r)
	case stringEqualsIgnoreCase:
		return want.pattern.matchFold(value, r)
	case arnLike:
		return want.pattern.matchARN(value, r)
	case boolean:
		return strings.EqualFold(value, "true") && want.truth || strings.EqualFold(value, "false") && !want.truth
	case numeric:
		n, err := strconv.ParseFloat(value, 64)
		return err == nil && want.relation.holds(n, want.number)
	case date:
		n, ok := parseDate(value)
		return ok && want.relation.holds(n, want.number)
	case ipAddress:
		addr, err := netip.ParseAddr(value)
		return err == nil && want.prefix.Contains(addr.Unmap())
	}
	return false
}

func (rel relation) holds(a, b float64) bool {
	switch rel {
	case less:
		return a < b
	case lessOrEqual:
		return a <= b
	case greater:
		return a > b
	case greaterOrEqual:
		return a >= b
	}
	return a == b
}
