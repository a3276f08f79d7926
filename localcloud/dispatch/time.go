package dispatch

import (
	"math"
	"strconv"
	"time"
)

// Time is a timestamp in requests and responses. Its JSON form is AWS's: seconds since 1970 with up to three decimals.
type Time struct{ time.Time }

// MarshalJSON writes seconds since 1970; milliseconds are kept.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', -1, 64), nil
}

// UnmarshalJSON reads seconds since 1970.
func (t *Time) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return Errorf("SerializationException", "%s is not a timestamp: seconds since 1970", text)
	}
	t.Time = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
	return nil
}
