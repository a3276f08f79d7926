package eventpattern

import (
	"bytes"
	"net/netip"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

type kind uint8

const (
	kindText kind = iota
	kindNumber
	kindLiteral
)

// leaf is one value of an event at a path that some pattern looks at.
type leaf struct {
	path    int32
	member  int32 // index of the innermost membership, -1 for none
	kind    kind
	text    []byte // of a string its value, of any other its text
	readNum bool
	readIP  bool
	isNum   bool
	isIP    bool
	num     float64
	ip      netip.Addr
}

// number returns a number's value if it can be compared.
func (l *leaf) number() (float64, bool) {
	if !l.readNum {
		l.num, l.isNum = parseNumber(string(l.text))
		l.readNum = true
	}
	return l.num, l.isNum
}

// address returns the address that a string is.
func (l *leaf) address() (netip.Addr, bool) {
	if !l.readIP {
		if l.readIP = true; looksLikeAddress(l.text) {
			l.ip, l.isIP = parseAddress(string(l.text))
		}
	}
	return l.ip, l.isIP
}

// membership says in which element of which array a leaf is, and in which the array.
type membership struct {
	array, index int32
	outer        int32
}

// node is a place in the tree of the paths that patterns look at.
type node struct {
	children map[string]*node
	path     int32 // -1 if no pattern ends here
}

func (n *node) add(name string) *node {
	c := n.children[name]
	if c == nil {
		c = &node{path: -1}
		if n.children == nil {
			n.children = map[string]*node{}
		}
		n.children[name] = c
	}
	return c
}

// at follows a name, which may have dots.
func (n *node) at(name []byte) *node {
	for n != nil {
		i := bytes.IndexByte(name, '.')
		if i < 0 {
			return n.children[string(name)]
		}
		n, name = n.children[string(name[:i])], name[i+1:]
	}
	return nil
}

// reader takes an event apart. It reads the whole event but keeps only what patterns look at.
type reader struct {
	in      []byte
	pos     int
	leaves  []leaf
	members []membership
	arrays  int32
	depth   int
}

// maxDepth is how deep objects and arrays may be in each other.
const maxDepth = 1000

func (r *reader) event(root *node) error {
	r.space()
	if r.peek() != '{' || !r.object(root, -1) {
		return ErrEvent
	}
	if r.space(); r.pos < len(r.in) {
		return ErrEvent
	}
	return nil
}

func (r *reader) peek() byte {
	if r.pos < len(r.in) {
		return r.in[r.pos]
	}
	return 0
}

func (r *reader) space() {
	for r.pos < len(r.in) {
		switch r.in[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// take reads a character and the white space after it.
func (r *reader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.pos++
	r.space()
	return true
}

// object reads an object at a node, which is nil where nobody looks.
func (r *reader) object(n *node, member int32) bool {
	if r.depth++; r.depth > maxDepth || !r.take('{') {
		return false
	}
	for first := true; !r.take('}'); first = false {
		if !first && !r.take(',') || r.peek() != '"' {
			return false
		}
		name, ok := r.str(n != nil)
		if r.space(); !ok || !r.take(':') {
			return false
		}
		var child *node
		if n != nil {
			child = n.at(name)
		}
		if !r.value(child, member) {
			return false
		}
	}
	r.depth--
	return true
}

// array reads an array. Its objects and arrays are members of it; its plain values are not, as in EventBridge.
func (r *reader) array(n *node, member int32) bool {
	if r.depth++; r.depth > maxDepth || !r.take('[') {
		return false
	}
	id := r.arrays
	r.arrays++
	for index := int32(0); !r.take(']'); index++ {
		if index > 0 && !r.take(',') {
			return false
		}
		inner := member
		if c := r.peek(); n != nil && (c == '{' || c == '[') {
			inner = int32(len(r.members))
			r.members = append(r.members, membership{id, index, member})
		}
		if !r.value(n, inner) {
			return false
		}
	}
	r.depth--
	return true
}

// value reads a value and the white space after it.
func (r *reader) value(n *node, member int32) bool {
	wanted := n != nil && n.path >= 0
	l := leaf{member: member}
	var ok bool
	switch c := r.peek(); {
	case c == '{':
		return r.object(n, member)
	case c == '[':
		return r.array(n, member)
	case c == '"':
		l.text, ok = r.str(wanted)
	case c == '-' || c >= '0' && c <= '9':
		l.kind = kindNumber
		l.text, ok = r.number()
	default:
		l.kind = kindLiteral
		l.text, ok = r.literal()
	}
	if ok && wanted {
		l.path = n.path
		r.leaves = append(r.leaves, l)
	}
	r.space()
	return ok
}

func (r *reader) literal() ([]byte, bool) {
	for _, word := range []string{"true", "false", "null"} {
		if end := r.pos + len(word); end <= len(r.in) && string(r.in[r.pos:end]) == word {
			r.pos = end
			return r.in[end-len(word) : end], true
		}
	}
	return nil, false
}

func (r *reader) number() ([]byte, bool) {
	begin := r.pos
	digits := func() bool {
		from := r.pos
		for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
			r.pos++
		}
		return r.pos > from
	}
	if r.peek() == '-' {
		r.pos++
	}
	zero := r.peek() == '0'
	whole := r.pos
	if !digits() || zero && r.pos > whole+1 {
		return nil, false
	}
	if r.peek() == '.' {
		if r.pos++; !digits() {
			return nil, false
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.pos++
		if c := r.peek(); c == '+' || c == '-' {
			r.pos++
		}
		if !digits() {
			return nil, false
		}
	}
	return r.in[begin:r.pos], true
}

// str reads a string; its value is made only where it is wanted.
func (r *reader) str(wanted bool) ([]byte, bool) {
	r.pos++
	begin := r.pos
	for r.pos < len(r.in) {
		switch c := r.in[r.pos]; {
		case c == '"':
			r.pos++
			return r.in[begin : r.pos-1], true
		case c == '\\':
			return r.escaped(begin, wanted)
		case c < ' ':
			return nil, false
		}
		r.pos++
	}
	return nil, false
}

// escaped reads the rest of a string from its first escape on.
func (r *reader) escaped(begin int, wanted bool) ([]byte, bool) {
	var b []byte
	if wanted {
		b = append(b, r.in[begin:r.pos]...)
	}
	for r.pos < len(r.in) {
		c := r.in[r.pos]
		r.pos++
		switch {
		case c == '"':
			return b, true
		case c < ' ':
			return nil, false
		case c != '\\':
			if wanted {
				b = append(b, c)
			}
			continue
		}
		char := r.peek()
		r.pos++
		i := bytes.IndexByte([]byte(`"\/bfnrt`), char)
		switch {
		case i >= 0:
			b = append(b, "\"\\/\b\f\n\r\t"[i])
		case char != 'u':
			return nil, false
		default:
			first, ok := r.hex()
			if !ok {
				return nil, false
			}
			if at := r.pos; utf16.IsSurrogate(first) && r.pos+1 < len(r.in) && r.in[r.pos] == '\\' && r.in[r.pos+1] == 'u' {
				r.pos += 2
				second, ok := r.hex()
				if !ok {
					return nil, false
				}
				if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
					first = pair
				} else {
					r.pos = at
				}
			}
			b = utf8.AppendRune(b, first)
		}
	}
	return nil, false
}

func (r *reader) hex() (rune, bool) {
	if r.pos+4 > len(r.in) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(r.in[r.pos:r.pos+4]), 16, 16)
	r.pos += 4
	return rune(n), err == nil
}
