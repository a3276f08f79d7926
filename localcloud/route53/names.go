package route53

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// normalName is a name as the zone keeps it: lower case, escapes resolved, with the dot at its end.
func normalName(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '\\' && i+3 < len(name) {
			if code, err := strconv.ParseUint(name[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		b.WriteByte(name[i])
	}
	return strings.TrimSuffix(strings.ToLower(b.String()), ".") + "."
}

// escapeName is a name as Route 53 shows it: what is no letter, digit, hyphen, underscore or dot is \ and three octal digits.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
func escapeName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "\\%03o", c)
		}
	}
	return b.String()
}

// validName reports whether a normal name is a name of the DNS: labels of 1 to 63 bytes, 255 in all.
func validName(name string) bool {
	if len(name) > 255 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > 63 || strings.ContainsAny(label, " \t\r\n") {
			return false
		}
	}
	return true
}

// compareNames orders names as Route 53 does: by their labels, beginning with the last.
func compareNames(a, b string) int {
	x, y := strings.Split(strings.TrimSuffix(a, "."), "."), strings.Split(strings.TrimSuffix(b, "."), ".")
	slices.Reverse(x)
	slices.Reverse(y)
	return slices.Compare(x, y)
}

func compareSets(a, b ResourceRecordSet) int {
	return cmp.Or(compareNames(a.Name, b.Name), strings.Compare(a.Type, b.Type))
}

// inZone reports whether a normal name is the zone's or below it.
func inZone(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }
