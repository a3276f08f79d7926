package dynamodb

import (
	"crypto/md5" //nolint:gosec // it places items, as DynamoDB does, and protects nothing
	"strings"

	"github.com/carepath/carepath/lang/dynamodbexpr"
)

// attribute is a key attribute of a table or an index.
type attribute struct {
	name string
	kind dynamodbexpr.Kind
}

// hashLength is how many bytes of a partition key's hash stand before it in stored keys: scans go in their order.
const hashLength = 3

// appendHash appends the beginning of the hash by which DynamoDB spreads partition keys. Where items come in a scan, and
// in which of its segments, follows from it.
func appendHash(b []byte, values ...Value) []byte {
	var buffer [128]byte
	text := append(buffer[:0], "Outliers"...)
	for _, v := range values {
		if v.Kind() == dynamodbexpr.KindN {
			text = appendStoredNumber(text, v.Text())
		} else {
			text = append(text, v.Text()...)
		}
	}
	sum := md5.Sum(text) //nolint:gosec // as above
	return append(b, sum[:hashLength]...)
}

// appendStoredNumber appends a number as DynamoDB stores it: an exponent to the base 100, then two digits in a byte.
func appendStoredNumber(b []byte, canonical string) []byte {
	negative, digits, exponent := dynamodbexpr.NumberDigits(canonical)
	if digits == "" {
		return append(b, 0x80)
	}
	exponent++
	if exponent%2 != 0 {
		digits = "0" + digits
		exponent++
	}
	if len(digits)%2 != 0 {
		digits += "0"
	}
	first := byte(exponent/2 - 64)
	if negative {
		first = ^first
	}
	b = append(b, first)
	for i := 0; i < len(digits); i += 2 {
		pair := (digits[i]-'0')*10 + digits[i+1] - '0'
		if negative {
			b = append(b, 101-pair)
		} else {
			b = append(b, pair+1)
		}
	}
	if negative && len(digits)/2 < 20 {
		b = append(b, 102)
	}
	return b
}

// appendOrdered appends a key value so that the order of bytes is DynamoDB's order of values, and so that no value is the
// beginning of another.
func appendOrdered(b []byte, v Value) []byte {
	if v.Kind() != dynamodbexpr.KindN {
		return append(appendPrefix(b, v), 0, 1)
	}
	negative, digits, exponent := dynamodbexpr.NumberDigits(v.Text())
	if digits == "" {
		return append(b, 1)
	}
	biased := uint16(exponent + 1000)
	if negative {
		biased = ^biased
		b = append(b, 0, byte(biased>>8), byte(biased))
		for i := range len(digits) {
			b = append(b, 0xff-digits[i])
		}
		return append(b, 0xff)
	}
	b = append(b, 2, byte(biased>>8), byte(biased))
	return append(append(b, digits...), 0)
}

// appendPrefix appends a string or binary value without its end: what every value that begins with it begins with.
func appendPrefix(b []byte, v Value) []byte {
	text := v.Text()
	for {
		i := strings.IndexByte(text, 0)
		if i < 0 {
			return append(b, text...)
		}
		b = append(append(b, text[:i]...), 0, 0xff)
		text = text[i+1:]
	}
}

// keyOf returns the stored key of an item that has every key attribute: its hash, its partition key and its sort key.
func keyOf(keys []attribute, item Item) string {
	var buffer [192]byte
	b := appendHash(buffer[:0], item[keys[0].name])
	for _, k := range keys {
		b = appendOrdered(b, item[k.name])
	}
	return string(b)
}

// after returns the least key that is greater than every key that begins with prefix.
func after(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return "\xff\xff\xff\xff"
}
