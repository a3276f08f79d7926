package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// values are the alternatives of a condition: one of them suffices.
type values struct {
	strings      []string
	literals     []string // true, false, null
	numbers      []float64
	numberTexts  []string
	ranges       []numberRange
	addresses    []addressRange
	prefixes     []string
	suffixes     []string
	folds        []fold
	foldPrefixes []fold
	foldSuffixes []fold
	wildcards    []wildcard
	buts         []but
	exists       bool
	absent       bool
}

// but is one anything-but: a value matches if none of these does.
type but struct {
	strings       []string
	numbers       []float64
	prefixes      []string
	suffixes      []string
	folds         []fold
	wildcards     []wildcard
	wildcardTexts []string
}

func (v *values) addText(s string) {
	if a, ok := parseAddress(s); ok {
		v.addresses = append(v.addresses, addressRange{a, a})
		return
	}
	v.strings = append(v.strings, s)
}

func (v *values) addNumber(word string) {
	if n, ok := parseNumber(word); ok {
		v.numbers = append(v.numbers, n)
	}
	v.numberTexts = append(v.numberTexts, word)
}

func (v *values) addLiteral(word string) { v.literals = append(v.literals, word) }

// key is a text that is the same for the same alternatives.
func (v *values) key() string {
	text, err := json.Marshal([]any{v.strings, v.literals, v.numberTexts, v.prefixes, v.suffixes, v.exists, v.absent,
		fmt.Sprint(v.addresses), fmt.Sprint(v.ranges), fmt.Sprintf("%#v", [][]fold{v.folds, v.foldPrefixes, v.foldSuffixes}),
		v.wildcards, fmt.Sprintf("%#v", v.buts)})
	if err != nil { // strings and booleans only
		panic("eventpattern: " + err.Error())
	}
	return string(text)
}

// match reports whether a leaf is one of the alternatives.
func (v *values) match(l *leaf) bool {
	if v.exists {
		return true
	}
	switch l.kind {
	case kindText:
		if v.matchText(l) {
			return true
		}
	case kindNumber:
		if among(v.numberTexts, l.text) {
			return true
		}
		if n, ok := l.number(); ok {
			if slices.Contains(v.numbers, n) || slices.ContainsFunc(v.ranges, func(r numberRange) bool { return r.contains(n) }) {
				return true
			}
		}
	default:
		if among(v.literals, l.text) {
			return true
		}
	}
	for i := range v.buts {
		if !v.buts[i].matches(l) {
			return true
		}
	}
	return false
}

func (v *values) matchText(l *leaf) bool {
	if among(v.strings, l.text) || affixes(v.prefixes, v.suffixes, l.text) {
		return true
	}
	for _, f := range v.folds {
		if n, ok := f.prefixOf(l.text); ok && n == len(l.text) {
			return true
		}
	}
	for _, f := range v.foldPrefixes {
		if _, ok := f.prefixOf(l.text); ok {
			return true
		}
	}
	for _, f := range v.foldSuffixes {
		if f.suffixOf(l.text) {
			return true
		}
	}
	for _, w := range v.wildcards {
		if w.match(l.text) {
			return true
		}
	}
	if len(v.addresses) > 0 {
		if a, ok := l.address(); ok {
			return slices.ContainsFunc(v.addresses, func(r addressRange) bool { return r.contains(a) })
		}
	}
	return false
}

// among is slices.Contains without making a string of the text.
func among(list []string, text []byte) bool {
	for _, s := range list {
		if string(text) == s {
			return true
		}
	}
	return false
}

func affixes(prefixes, suffixes []string, text []byte) bool {
	for _, p := range prefixes {
		if len(text) >= len(p) && string(text[:len(p)]) == p {
			return true
		}
	}
	for _, s := range suffixes {
		if len(text) >= len(s) && string(text[len(text)-len(s):]) == s {
			return true
		}
	}
	return false
}

// matches reports whether a leaf is what anything-but excludes.
func (b *but) matches(l *leaf) bool {
	switch l.kind {
	case kindNumber:
		n, ok := l.number()
		return ok && slices.Contains(b.numbers, n)
	case kindText:
		if among(b.strings, l.text) || affixes(b.prefixes, b.suffixes, l.text) {
			return true
		}
		for _, f := range b.folds {
			if n, ok := f.prefixOf(l.text); ok && n == len(l.text) {
				return true
			}
		}
		return slices.ContainsFunc(b.wildcards, func(w wildcard) bool { return w.match(l.text) })
	}
	return false
}

// parseNumber returns the double that is a number, if one is it exactly: EventBridge compares no others.
func parseNumber(word string) (float64, bool) {
	f, err := strconv.ParseFloat(word, 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, false
	}
	if len(word) <= 15 || strings.IndexByte(word, '.') < 0 && math.Abs(f) <= 1<<53 {
		return f, true // at most 15 digits
	}
	shortest := strconv.FormatFloat(f, 'e', -1, 64)
	if len(word) > 400 {
		return 0, false // beyond what a double can be
	}
	a, ok := new(big.Rat).SetString(word)
	b, ok2 := new(big.Rat).SetString(shortest)
	return f, ok && ok2 && a.Cmp(b) == 0
}

// numberRange is a numeric comparison. The bounds' texts are nil where there is none.
type numberRange struct {
	min, max         *string
	minOpen, maxOpen bool
	low, high        float64
}

func (r *numberRange) compile(equal bool) error {
	r.low, r.high = math.Inf(-1), math.Inf(1)
	for _, bound := range []struct {
		text *string
		into *float64
	}{{r.min, &r.low}, {r.max, &r.high}} {
		if bound.text == nil {
			continue
		}
		n, ok := parseNumber(*bound.text)
		if !ok {
			return errors.New("Cannot compare number : " + *bound.text)
		}
		*bound.into = n
	}
	if !equal && r.low >= r.high {
		return errOrder
	}
	return nil
}

func (r numberRange) contains(n float64) bool {
	return (n > r.low || !r.minOpen && n == r.low) && (n < r.high || !r.maxOpen && n == r.high)
}

func (r numberRange) String() string { return fmt.Sprint(r.low, r.high, r.minOpen, r.maxOpen) }

// addressRange is a range of IP addresses, ends included.
type addressRange struct{ first, last netip.Addr }

func (r addressRange) contains(a netip.Addr) bool {
	return a.BitLen() == r.first.BitLen() && !a.Less(r.first) && !r.last.Less(a)
}

// looksLikeAddress says whether EventBridge tries to read a string as an address.
func looksLikeAddress[T string | []byte](s T) bool {
	dots, colons := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			dots++
		case c == ':':
			colons++
		case c >= '0' && c <= '9':
		case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			if dots > 0 {
				return false
			}
			colons |= 1 << 20 // hexadecimal: no IPv4 address
		default:
			return false
		}
	}
	return dots == 3 && colons == 0 || dots == 0 && colons&(1<<20-1) > 0
}

// parseAddress reads an IP address. Parts of IPv4 addresses may have zeros before them; IPv4 in IPv6 is IPv4.
func parseAddress(s string) (netip.Addr, bool) {
	if !looksLikeAddress(s) {
		return netip.Addr{}, false
	}
	if strings.IndexByte(s, '.') < 0 {
		a, err := netip.ParseAddr(s)
		return a.Unmap(), err == nil
	}
	var v4 [4]byte
	for i, part := range strings.Split(s, ".") {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		v4[i] = byte(n)
	}
	return netip.AddrFrom4(v4), true
}

// parseCIDR reads a block of addresses.
func parseCIDR(s string) (r addressRange, problem string) {
	parts := strings.Split(s, "/")
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	if len(parts) != 2 {
		return r, "Malformed CIDR, one '/' required"
	}
	bits, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil {
		return r, "Malformed CIDR, mask bits must be an integer"
	}
	if bits < 0 {
		return r, "Malformed CIDR, mask bits must not be negative"
	}
	first, ok := parseAddress(parts[0])
	switch {
	case !ok && looksLikeAddress(parts[0]):
		return r, "Invalid IP address: " + parts[0]
	case !ok:
		return r, "Nonstandard IP address: " + parts[0]
	case first.Is4() && bits > 31:
		return r, "IPv4 mask bits must be < 32"
	case bits > 127:
		return r, "IPv6 mask bits must be < 128"
	}
	block := netip.PrefixFrom(first, int(bits)).Masked()
	last := block.Addr().AsSlice()
	for bit := block.Bits(); bit < 8*len(last); bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	r.first = block.Addr()
	r.last, _ = netip.AddrFromSlice(last)
	return r, ""
}

// fold is a string in any case: for each character its lower and its upper case.
type fold []cases

type cases struct{ lower, upper string }

func newFold(s string) fold {
	var f fold
	for _, r := range s {
		upper := string(unicode.ToUpper(r))
		if special, ok := specialUpper[r]; ok {
			upper = special
		}
		lower := string(unicode.ToLower(r))
		if r == 0x130 { // capital I with a dot: the only one with a lower case of two characters
			lower = "i\u0307"
		}
		f = append(f, cases{lower, upper})
	}
	return f
}

// prefixOf reports whether text begins with the string, and where it ends there.
func (f fold) prefixOf(text []byte) (int, bool) {
	at := 0
	for i, c := range f {
		lower, upper := hasPrefix(text[at:], c.lower), hasPrefix(text[at:], c.upper)
		switch {
		case lower && upper && len(c.lower) != len(c.upper):
			if n, ok := f[i+1:].prefixOf(text[at+len(c.lower):]); ok {
				return at + len(c.lower) + n, true
			}
			at += len(c.upper)
		case lower:
			at += len(c.lower)
		case upper:
			at += len(c.upper)
		default:
			return 0, false
		}
	}
	return at, true
}

func (f fold) suffixOf(text []byte) bool {
	at := len(text)
	for i := len(f) - 1; i >= 0; i-- {
		switch c := f[i]; {
		case bytes.HasSuffix(text[:at], []byte(c.lower)):
			at -= len(c.lower)
		case bytes.HasSuffix(text[:at], []byte(c.upper)):
			at -= len(c.upper)
		default:
			return false
		}
	}
	return true
}

func hasPrefix(text []byte, p string) bool { return len(text) >= len(p) && string(text[:len(p)]) == p }

// wildcard is a text with * for any characters: its parts between them.
type wildcard []string

func parseWildcard(s string) (w wildcard, problem string) {
	var part strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '*' && i+1 < len(s) && s[i+1] == '*':
			// The position counts the quote that EventBridge puts before the text.
			return nil, fmt.Sprintf("Consecutive wildcard characters at pos %d", i+1)
		case c == '*':
			w = append(w, part.String())
			part.Reset()
		case c == '\\':
			if i+1 == len(s) || s[i+1] != '*' && s[i+1] != '\\' {
				return nil, fmt.Sprintf("Invalid escape character at pos %d", i+1)
			}
			i++
			part.WriteByte(s[i])
		default:
			part.WriteByte(c)
		}
	}
	return append(w, part.String()), ""
}

func (w wildcard) match(text []byte) bool {
	first, last := w[0], w[len(w)-1]
	if len(w) == 1 {
		return string(text) == first
	}
	if len(text) < len(first)+len(last) || string(text[:len(first)]) != first || string(text[len(text)-len(last):]) != last {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range w[1 : len(w)-1] {
		i := indexOf(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}

// indexOf is bytes.Index for a string.
func indexOf(text []byte, part string) int {
	if part == "" {
		return 0
	}
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], part[0])
		if i < 0 || from+i+len(part) > len(text) {
			return -1
		}
		if from += i; string(text[from:from+len(part)]) == part {
			return from
		}
		from++
	}
}
