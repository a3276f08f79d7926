package dynamodbexpr

import (
	"encoding/binary"
	"errors"
)

// Encode appends a compact form of the item from which DecodeItem makes it again. It keeps everything but the order
// of names.
func (i Item) Encode(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(i)))
	for name, v := range i {
		b = appendText(b, name)
		b = v.appendBinary(b)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (v Value) appendBinary(b []byte) []byte {
	k := byte(v.kind)
	if v.yes {
		k |= 0x80
	}
	b = append(b, k)
	switch v.kind {
	case KindS, KindN, KindB:
		b = appendText(b, v.text)
	case KindSS, KindNS, KindBS:
		b = binary.AppendUvarint(b, uint64(len(v.Members())))
		for _, m := range v.Members() {
			b = appendText(b, m)
		}
	case KindL:
		b = binary.AppendUvarint(b, uint64(len(v.List())))
		for _, e := range v.List() {
			b = e.appendBinary(b)
		}
	case KindM:
		b = v.Map().Encode(b)
	}
	return b
}

// DecodeItem reads what Encode wrote. The item's strings share the text's memory.
func DecodeItem(image string) (Item, error) {
	d := decoder{text: image}
	i := d.item()
	if d.bad || d.text != "" {
		return nil, errors.New("not the binary form of an item")
	}
	return i, nil
}

type decoder struct {
	text string
	bad  bool
}

func (d *decoder) number() int {
	var n uint64
	for shift := 0; shift < 35; shift += 7 {
		if d.text == "" {
			break
		}
		c := d.text[0]
		d.text = d.text[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int(n)
		}
	}
	d.bad = true
	return 0
}

func (d *decoder) str() string {
	n := d.number()
	if n > len(d.text) {
		d.bad = true
		return ""
	}
	s := d.text[:n]
	d.text = d.text[n:]
	return s
}

// count reads a number of things that follow, each of at least one byte.
func (d *decoder) count() int {
	n := d.number()
	if n > len(d.text) {
		d.bad = true
		return 0
	}
	return n
}

func (d *decoder) item() Item {
	n := d.count()
	i := make(Item, n)
	for range n {
		name := d.str()
		i[name] = d.value()
		if d.bad {
			return nil
		}
	}
	return i
}

func (d *decoder) value() Value {
	if d.text == "" {
		d.bad = true
		return Value{}
	}
	c := d.text[0]
	d.text = d.text[1:]
	v := Value{kind: Kind(c & 0x7f), yes: c&0x80 != 0}
	switch v.kind {
	case KindS, KindN, KindB:
		v.text = d.str()
	case KindBool, KindNull:
	case KindSS, KindNS, KindBS:
		members := make([]string, d.count())
		for j := range members {
			members[j] = d.str()
		}
		v.more = members
	case KindL:
		list := make([]Value, d.count())
		for j := range list {
			if list[j] = d.value(); d.bad {
				break
			}
		}
		v.more = list
	case KindM:
		v.more = d.item()
	default:
		d.bad = true
	}
	return v
}
