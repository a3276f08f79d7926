package jsonata

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

var (
	smallNumbers = []string{"Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven",
		"Twelve", "Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen"}
	smallOrdinals = []string{"Zeroth", "First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth",
		"Tenth", "Eleventh", "Twelfth", "Thirteenth", "Fourteenth", "Fifteenth", "Sixteenth", "Seventeenth", "Eighteenth",
		"Nineteenth"}
	decades    = []string{"Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"}
	magnitudes = []string{"Thousand", "Million", "Billion", "Trillion"}
)

// toWords writes a number in English words, in title case.
func toWords(n float64, ordinal bool) string { return words(n, "", ordinal) }

// words writes what follows other words, which need "and" before it or a comma.
func words(n float64, before string, ordinal bool) string {
	small := ""
	if before != "" {
		small, before = " and ", ", "
	}
	switch {
	case n <= 19:
		if ordinal {
			return small + smallOrdinals[int(n)]
		}
		return small + smallNumbers[int(n)]
	case n < 100:
		text := small + decades[int(n)/10-2]
		if rest := math.Mod(n, 10); rest > 0 {
			return text + "-" + words(rest, "", ordinal)
		}
		if ordinal {
			return strings.TrimSuffix(text, "y") + "ieth"
		}
		return text
	case n < 1000:
		return before + smallNumbers[int(n)/100] + " Hundred" + restInWords(math.Mod(n, 100), ordinal)
	}
	magnitude := min(int(math.Floor(math.Log10(n)/3)), len(magnitudes))
	factor := math.Pow(10, float64(magnitude*3))
	count := math.Floor(n / factor)
	return before + words(count, "", false) + " " + magnitudes[magnitude-1] + restInWords(n-count*factor, ordinal)
}

func restInWords(rest float64, ordinal bool) string {
	switch {
	case rest > 0:
		return words(rest, "before", ordinal)
	case ordinal:
		return "th"
	}
	return ""
}

var wordValues = makeWordValues()

func makeWordValues() map[string]float64 {
	values := map[string]float64{"hundred": 100, "hundredth": 100}
	for i := range smallNumbers {
		values[strings.ToLower(smallNumbers[i])] = float64(i)
		values[strings.ToLower(smallOrdinals[i])] = float64(i)
	}
	for i, decade := range decades {
		lower := strings.ToLower(decade)
		values[lower] = float64((i + 2) * 10)
		values[strings.TrimSuffix(lower, "y")+"ieth"] = float64((i + 2) * 10)
	}
	for i, magnitude := range magnitudes {
		lower := strings.ToLower(magnitude)
		values[lower] = math.Pow(10, float64((i+1)*3))
		values[lower+"th"] = values[lower]
	}
	return values
}

var betweenWords = regexp.MustCompile(`,\s|\sand\s|[\s\-]`)

// wordsPattern is a regular expression for numbers in words.
var wordsPattern = "(?:" + strings.Join(slices.Sorted(maps.Keys(wordValues)), "|") + `|and|[\-, ])+`

func fromWords(text string) float64 {
	segments := []float64{0}
	for _, word := range betweenWords.Split(text, -1) {
		value, known := wordValues[word]
		if !known {
			return math.NaN()
		}
		last := &segments[len(segments)-1]
		switch {
		case value >= 100:
			*last *= value
		case *last >= 1000:
			segments = append(segments, value)
		default:
			*last += value
		}
	}
	total := 0.0
	for _, s := range segments {
		total += s
	}
	return total
}
