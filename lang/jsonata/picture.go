package jsonata

import (
	"strconv"
	"strings"
	"unicode"
)

// datePart is a part of a date's picture: a literal or a component
// (https://www.w3.org/TR/xpath-functions-31/#date-picture-string).
type datePart struct {
	literal    string // when component is 0
	component  byte
	names      bool
	letters    letterCase // of names
	integer    *integerFormat
	marker     byte // the second modifier, such as 't'
	maxWidth   int  // 0 for none
	yearDigits int  // of Y; 0 for all
}

const isoPicture = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]"

// defaultPresentation is how components without a modifier are written.
var defaultPresentation = map[byte]string{'Y': "1", 'M': "1", 'D': "1", 'd': "1", 'F': "n", 'W': "1", 'w': "1", 'X': "1",
	'x': "1", 'H': "1", 'h': "1", 'P': "n", 'm': "01", 's': "01", 'f': "1", 'Z': "01:01", 'z': "01:01", 'C': "n", 'E': "n"}

func parseDatePicture(picture string) ([]datePart, error) {
	var parts []datePart
	literal := ""
	for i := 0; i < len(picture); i++ {
		c := picture[i]
		doubled := i+1 < len(picture) && picture[i+1] == c
		switch {
		case (c == '[' || c == ']') && doubled:
			literal += string(c)
			i++
		case c != '[':
			literal += string(c)
		default:
			end := strings.IndexByte(picture[i:], ']')
			if end < 0 {
				return nil, problem("D3135", nil)
			}
			if literal != "" {
				parts = append(parts, datePart{literal: literal})
				literal = ""
			}
			p, err := parseDatePart(picture[i+1 : i+end])
			if err != nil {
				return nil, err
			}
			if n := len(parts); n > 0 && p.integer != nil && parts[n-1].integer != nil && parts[n-1].component != 'Z' && parts[n-1].component != 'z' {
				// Two numbers side by side can only be told apart when the first has a width.
				parts[n-1].integer.fixed = parts[n-1].integer.mandatory
			}
			parts = append(parts, p)
			i += end
		}
	}
	if literal != "" {
		parts = append(parts, datePart{literal: literal})
	}
	return parts, nil
}

func parseDatePart(marker string) (datePart, error) {
	marker = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, marker)
	var p datePart
	if marker == "" {
		return p, problem("D3132", "")
	}
	p.component = marker[0]
	modifiers := marker[1:]
	minWidth := 0
	if comma := strings.LastIndexByte(modifiers, ','); comma >= 0 {
		least, most, _ := strings.Cut(modifiers[comma+1:], "-")
		minWidth, _ = strconv.Atoi(least) // "*" is no limit
		p.maxWidth, _ = strconv.Atoi(most)
		modifiers = modifiers[:comma]
	}
	presentation := modifiers
	switch {
	case len(modifiers) > 1 && strings.IndexByte("atco", modifiers[len(modifiers)-1]) >= 0:
		p.marker = modifiers[len(modifiers)-1]
		presentation = modifiers[:len(modifiers)-1]
	case modifiers == "":
		presentation = defaultPresentation[p.component]
	}
	if presentation == "" {
		return p, problem("D3132", string(p.component))
	}
	if _, known := defaultPresentation[p.component]; !known {
		return p, problem("D3132", string(p.component))
	}
	var err error
	switch {
	case presentation[0] == 'n':
		p.names = true
	case presentation[0] == 'N':
		p.names = true
		p.letters = upperCase
		if strings.HasPrefix(presentation, "Nn") {
			p.letters = titleCase
		}
	case strings.IndexByte("YMDdFWwXxHhmsf", p.component) >= 0:
		if p.marker != 0 {
			presentation += ";" + string(p.marker)
		}
		if p.integer, err = parseIntegerPicture(presentation); err != nil {
			return p, err
		}
		p.integer.mandatory = max(p.integer.mandatory, minWidth)
		if p.component == 'Y' {
			if p.maxWidth > 0 {
				p.yearDigits = p.maxWidth
				p.integer.mandatory = p.maxWidth
			} else if width := p.integer.mandatory + p.integer.optional; width >= 2 {
				p.yearDigits = width
			}
		}
	}
	if p.component == 'Z' || p.component == 'z' {
		p.integer, err = parseIntegerPicture(presentation)
	}
	return p, err
}
