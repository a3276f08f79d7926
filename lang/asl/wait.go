package asl

import (
	"math"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// waitState lets time pass (https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html).
type waitState struct {
	leaf
	hasSeconds    bool
	seconds       int64
	until         time.Time // of Timestamp
	secondsPath   *path
	timestampPath *path
	query         *query // Seconds or Timestamp of a JSONata state, else nil
}

func (s *waitState) run(t *thread, input any) *failure {
	env := &environment{thread: t, input: input}
	var d time.Duration
	switch {
	case s.query != nil:
		var f *failure
		if d, f = s.query.delay(t); f != nil {
			return f
		}
	case s.hasSeconds:
		d = seconds(s.seconds)
	case s.secondsPath != nil:
		v, f := s.secondsPath.evalField(env)
		if f != nil {
			return f
		}
		n, ok := integer(v)
		switch {
		case !ok:
			return runtimeFailure("The SecondsPath parameter cannot be parsed as a long value: %s == %s", s.secondsPath.source, plainText(v))
		case n < 0:
			return runtimeFailure("The SecondsPath parameter references a negative value: %s == %s", s.secondsPath.source, plainText(v))
		}
		d = seconds(n)
	default:
		until := s.until
		if s.timestampPath != nil {
			v, f := s.timestampPath.evalField(env)
			if f != nil {
				return f
			}
			text, _ := v.(string)
			var ok bool
			if until, ok = parseTimestamp(text); !ok {
				return runtimeFailure("The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time "+
					"format string: %s == %s", s.timestampPath.source, plainText(v))
			}
		}
		d = until.Sub(t.e.now)
	}
	if d > math.MaxInt32*time.Second {
		return runtimeFailure("Wait state delay is too long.")
	}
	if d <= 0 {
		return t.leave(input, input)
	}
	t.await(resuming)
	t.after(d, wakeTimer)
	return nil
}

// delay evaluates Seconds or Timestamp.
func (q *query) delay(t *thread) (time.Duration, *failure) {
	if q.field == "Seconds" {
		n, f := q.integer(t.queries(), 0)
		return seconds(n), f
	}
	text, f := q.text(t.queries())
	if f != nil {
		return 0, f
	}
	until, ok := parseTimestamp(text)
	if !ok {
		f := queryFailure(q.field, "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: %s", text)
		f.entered = true
		return 0, f
	}
	return until.Sub(t.e.now), nil
}

func (s *waitState) resume(t *thread) *failure { return t.leave(t.effective, t.effective) }

// integer reads a value as a whole number.
func integer(v any) (int64, bool) {
	n, ok := v.(jsonvalue.Number)
	if !ok {
		return 0, false
	}
	return n.Int64()
}

// plainText is a value as Jackson's asText gives it: strings as they are, arrays and objects as JSON.
func plainText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return jsonvalue.Text(v)
}

// parseTimestamp reads a timestamp of RFC 3339 with the letters T and Z in upper case, which Step Functions demands.
func parseTimestamp(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[10] != 'T' || strings.ContainsAny(s, "z,") {
		return time.Time{}, false
	}
	ts, err := time.Parse(time.RFC3339Nano, s)
	return ts, err == nil
}
