package dynamodbexpr

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

// Size returns an item's size in bytes as DynamoDB counts it for its 400 KB limit and for capacity units: names and
// strings in UTF-8, numbers half a byte per digit, one byte for booleans and nulls, three and one per element for lists
// and maps.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (i Item) Size() int {
	n := 0
	for name, v := range i {
		n += len(name) + v.Size()
	}
	return n
}

// Size returns a value's size in bytes, without its name.
func (v Value) Size() int {
	switch v.kind {
	case KindS, KindB:
		return len(v.text)
	case KindN:
		return numberSize(v.text)
	case KindBool, KindNull:
		return 1
	case KindSS, KindBS:
		n := 0
		for _, m := range v.Members() {
			n += len(m)
		}
		return n
	case KindNS:
		n := 0
		for _, m := range v.Members() {
			n += numberSize(m)
		}
		return n
	case KindL:
		n := 3
		for _, e := range v.List() {
			n += 1 + e.Size()
		}
		return n
	case KindM:
		return 3 + len(v.Map()) + v.Map().Size()
	}
	return 0
}

// numberSize is one byte for the exponent, one for each two digits as they lie on even places, one more for a sign.
func numberSize(canonical string) int {
	negative, digits, exponent := NumberDigits(canonical)
	if digits == "" {
		return 1
	}
	n := 1 + (len(digits)+1)/2
	if len(digits)%2 == 0 && exponent%2 == 0 {
		n++
	}
	if negative {
		n++
	}
	return n
}
