package asl

import (
	"strings"
	"unicode"
)

// nearest returns the candidate that a wrong name was most likely meant to be, "" when none is near.
func nearest(name string, candidates []string) string {
	if name == "" {
		return ""
	}
	best, distance := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if strings.EqualFold(name, c) {
			return c
		}
		d := editDistance(strings.ToLower(name), strings.ToLower(c), distance)
		// A beginning or an end is a likely abbreviation, if not as likely as a slip of the pen.
		if d >= distance && len(name) >= 3 && (strings.HasPrefix(c, name) || strings.HasSuffix(c, name)) && best == "" {
			best = c
		}
		if d < distance {
			best, distance = c, d
		}
	}
	return best
}

// editDistance is the Levenshtein distance of two texts, or limit where it is not below that.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return min(row[len(b)], limit)
}

// isAcronymic reports whether a name has two capitals in a row. The spelling of such a name is not certain: Step
// Functions writes names as the SDK for Java does, which makes words of most acronyms, so that KMSKeyId is KmsKeyId.
func isAcronymic(name string) bool {
	capital := false
	for _, r := range name {
		if capital && unicode.IsUpper(r) {
			return true
		}
		capital = unicode.IsUpper(r)
	}
	return false
}

// sameSpelling reports whether a name in a definition may be what Step Functions makes of an API's name.
func sameSpelling(given, api string) bool {
	return given == api || isAcronymic(api) && given[0] == api[0] && strings.EqualFold(given, api)
}
