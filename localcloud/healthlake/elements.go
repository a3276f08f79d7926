package healthlake

import (
	"slices"
	"strings"
)

// subsetted marks resources that are not whole. https://hl7.org/fhir/R4/search.html#elements
const subsetted = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`

// onlyElements returns a stored resource with the elements that are named and those that are always there, byte for byte but
// for the mark in its meta.
func onlyElements(text []byte, names []string) []byte {
	out := []byte{'{'}
	members(text, 0, func(key string, v span) {
		if key != "resourceType" && key != "id" && key != "meta" && !slices.Contains(names, strings.TrimPrefix(key, "_")) {
			return
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), key...), `":`...)
		value := v.in(text)
		if key == "meta" {
			value = withTag(value)
		}
		out = append(out, value...)
	})
	return append(out, '}')
}

// withTag adds the mark to a meta that has members.
func withTag(meta []byte) []byte {
	var tags span
	members(meta, 0, func(key string, v span) {
		if key == "tag" && meta[v.from] == '[' {
			tags = v
		}
	})
	if tags.to == 0 {
		last := len(meta) - 1
		return apply(meta, []edit{{span{last, last}, `,"tag":[` + subsetted + `]`}})
	}
	mark := subsetted
	if meta[blank(meta, tags.from+1)] != ']' {
		mark += ","
	}
	return apply(meta, []edit{{span{tags.from + 1, tags.from + 1}, mark}})
}
