package apigateway

import (
	"sync"
	"time"
)

// bucket is a token bucket: requests take tokens, time brings them back.
type bucket struct {
	rate  float64 // tokens per second; negative: no limit
	burst float64 // tokens that fit

	mu     sync.Mutex
	tokens float64
	last   time.Time
}

func newBucket(rate float64, burst int) *bucket {
	return &bucket{rate: rate, burst: float64(burst), tokens: float64(burst)}
}

// take takes one token and says whether there was one.
func (b *bucket) take(now time.Time) bool {
	if b == nil || b.rate < 0 || b.burst < 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if elapsed := now.Sub(b.last); elapsed > 0 {
		if !b.last.IsZero() {
			b.tokens = min(b.burst, b.tokens+elapsed.Seconds()*b.rate)
		}
		b.last = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
