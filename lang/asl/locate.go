package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// places are the positions of a definition's members and items, by their locations.
type places struct {
	text    []byte
	offsets map[string]int
}

// locate finds where everything in a definition is. Of a text that is no JSON it finds what comes before the mistake.
func locate(definition []byte) *places {
	p := &places{text: definition, offsets: map[string]int{}}
	d := json.NewDecoder(bytes.NewReader(definition))
	d.UseNumber()
	p.value(d, "")
	return p
}

// next is the offset of the token that comes next.
func (p *places) next(d *json.Decoder) int {
	offset := int(d.InputOffset())
	for offset < len(p.text) && strings.IndexByte(" \t\r\n,:", p.text[offset]) >= 0 {
		offset++
	}
	return offset
}

// value reads one value and reports whether it was there.
func (p *places) value(d *json.Decoder, location string) bool {
	token, err := d.Token()
	if err != nil {
		return false
	}
	switch token {
	case json.Delim('{'):
		for d.More() {
			offset := p.next(d)
			name, err := d.Token()
			if err != nil {
				return false
			}
			member, _ := name.(string)
			at := location + "/" + member
			p.offsets[at] = offset
			if !p.value(d, at) {
				return false
			}
		}
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			at := index(location, i)
			p.offsets[at] = p.next(d)
			if !p.value(d, at) {
				return false
			}
		}
	default:
		return true
	}
	_, err = d.Token()
	return err == nil
}

var lastStep = regexp.MustCompile(`(/[^/]*|\[\d+\])$`)

// find returns the line and column of a diagnostic: of a place that is given, of its location or of the nearest thing around
// it.
func (p *places) find(d Diagnostic, place string) (line, column int) {
	if d.Code == CodeInvalidJSON {
		var syntax *jsonvalue.SyntaxError
		if _, err := jsonvalue.Parse(p.text); errors.As(err, &syntax) {
			return syntax.Line, syntax.Column
		}
		return 1, 1
	}
	if place == "" {
		place = d.Location
	}
	for location := place; location != ""; location = lastStep.ReplaceAllString(location, "") {
		if offset, found := p.offsets[location]; found {
			before := p.text[:offset]
			return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
		}
		if !lastStep.MatchString(location) {
			break
		}
	}
	return 1, 1
}
