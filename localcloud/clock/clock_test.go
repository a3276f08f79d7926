package clock_test

import (
	"slices"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
)

func TestDrivenRunsCallbacksInOrderAtTheirTimes(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := clock.NewDriven(start)
	var got []time.Duration
	note := func() { got = append(got, c.Now().Sub(start)) }
	c.AfterFunc(3*time.Second, note)
	c.AfterFunc(time.Second, func() { note(); c.AfterFunc(time.Second, note) })
	stopped := c.AfterFunc(2*time.Second, func() { t.Error("a stopped timer ran") })
	if !stopped.Stop() || stopped.Stop() {
		t.Error("Stop must say whether it prevented the callback")
	}
	c.AfterFunc(time.Hour, func() { t.Error("ran too early") })
	c.Advance(3 * time.Second)
	if want := []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}; !slices.Equal(got, want) {
		t.Errorf("callbacks at %v, want %v", got, want)
	}
	if c.Now() != start.Add(3*time.Second) {
		t.Errorf("the clock shows %v", c.Now())
	}
}
