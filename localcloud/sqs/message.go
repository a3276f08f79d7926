package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)
	messageToken  = regexp.MustCompile("^[a-zA-Z0-9!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]{1,128}$")
)

// checkText refuses what XML 1.0 cannot hold, as SQS does.
func checkText(text string) error {
	for _, r := range text {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 {
			continue
		}
		return dispatch.Errorf("InvalidMessageContents", "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	}
	return nil
}

func attributeSize(name string, v MessageAttributeValue) int {
	n := len(name) + len(v.DataType) + len(v.BinaryValue)
	if v.StringValue != nil {
		n += len(*v.StringValue)
	}
	return n
}

func checkAttributes(attributes map[string]MessageAttributeValue) error {
	if len(attributes) > 10 {
		return invalidParameter("Number of message attributes [%d] exceeds the allowed maximum [10].", len(attributes))
	}
	for name, v := range attributes {
		lower := strings.ToLower(name)
		if !attributeName.MatchString(name) || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
			strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
			return invalidParameter("Message attribute name '%s' is invalid.", name)
		}
		kind, _, _ := strings.Cut(v.DataType, ".")
		if len(v.StringListValues) > 0 || len(v.BinaryListValues) > 0 {
			return dispatch.Errorf("UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported.")
		}
		switch kind {
		case "String", "Number":
			if v.StringValue == nil || *v.StringValue == "" || v.BinaryValue != nil {
				return invalidParameter("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, kind)
			}
			if err := checkText(*v.StringValue); err != nil {
				return err
			}
			if kind == "Number" {
				if _, ok := new(big.Float).SetString(*v.StringValue); !ok {
					return invalidParameter("Can't cast the value of message (user) attribute '%s' to a number.", name)
				}
			}
		case "Binary":
			if len(v.BinaryValue) == 0 || v.StringValue != nil {
				return invalidParameter("The message attribute '%s' must contain non-empty message attribute value for message attribute type 'Binary'.", name)
			}
		case "":
			return invalidParameter("The message attribute '%s' must contain non-empty message attribute type.", name)
		default:
			return invalidParameter("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		}
	}
	return nil
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// attributesMD5 is the digest that the SDKs compare, by "Calculating the MD5 message digest for message attributes" of the
// SQS developer guide; empty without attributes.
func attributesMD5(attributes map[string]MessageAttributeValue) string {
	if len(attributes) == 0 {
		return ""
	}
	var b []byte
	put := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		v := attributes[name]
		put(name)
		put(v.DataType)
		if v.StringValue != nil {
			b = append(b, 1)
			put(*v.StringValue)
		} else {
			b = append(b, 2)
			put(string(v.BinaryValue))
		}
	}
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}
