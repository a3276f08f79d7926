package asl

import (
	"math"
	"time"
)

// retrier is one element of Retry
// (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error).
type retrier struct {
	errors      []string
	interval    float64 // seconds
	maxAttempts int
	backoffRate float64
	maxDelay    float64 // seconds; 0 for none
	jitter      bool
}

// maxRetryDelay keeps computed delays within what a time can hold; AWS allows 31,622,400 seconds.
const maxRetryDelay = 31622400

// delay is the time before the next attempt, after a number of attempts by this retrier.
func (r *retrier) delay(attempts int, random func() float64) time.Duration {
	seconds := min(r.interval*math.Pow(r.backoffRate, float64(attempts)), maxRetryDelay)
	if r.maxDelay > 0 {
		seconds = min(seconds, r.maxDelay)
	}
	if r.jitter {
		seconds *= random()
	}
	return time.Duration(seconds * float64(time.Second))
}

// retry reports whether a failure is to be retried, and after which time. The first retrier that names the error
// counts, each with its own number of attempts.
func (t *thread) retry(f *failure) (time.Duration, bool) {
	for i := range t.state.retriers {
		r := &t.state.retriers[i]
		if !f.matches(r.errors) {
			continue
		}
		if t.attempts == nil {
			t.attempts = make([]int, len(t.state.retriers))
		}
		if t.attempts[i] >= r.maxAttempts {
			return 0, false
		}
		d := r.delay(t.attempts[i], t.e.random)
		t.attempts[i]++
		t.retryCount++
		t.context = nil
		return d, true
	}
	return 0, false
}
