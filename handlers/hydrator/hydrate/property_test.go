package hydrate_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carepath/carepath/handlers/hydrator/hydrate"
	"pgregory.net/rapid"
)

// Whatever is written, and whenever, while pages are read or between passes, is published once and in order.
func TestWhateverHappensIsPublished(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"burst", "some", "sweep", "trigger", "minutes", "hours"}), 1, 6).Draw(r, "steps")
		noHistory, seed := rapid.Bool().Draw(r, "no history of types"), rapid.Uint64().Draw(r, "seed")
		var problems []string
		synctest.Test(t, func(t *testing.T) { problems = live(t, steps, noHistory, rand.New(rand.NewPCG(seed, 0))) })
		if len(problems) > 0 {
			r.Fatalf("%d problems: %s", len(problems), strings.Join(problems[:min(len(problems), 10)], "\n"))
		}
	})
}

// collected is a tester that notes what is wrong.
type collected struct {
	testing.TB
	problems []string
}

func (c *collected) Error(args ...any) { c.problems = append(c.problems, fmt.Sprint(args...)) }
func (c *collected) Errorf(form string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(form, args...))
}
func (c *collected) Fatal(args ...any) {
	c.Error(args...)
	panic(c)
}
func (c *collected) Fatalf(form string, args ...any) {
	c.Errorf(form, args...)
	panic(c)
}

// live carries out steps on a data store and returns what is wrong in the end.
func live(t *testing.T, steps []string, noHistory bool, chance *rand.Rand) (problems []string) {
	c, notes := newCloud(t), &collected{TB: t}
	c.tester = notes
	defer func() {
		if p := recover(); p != nil && p != any(notes) {
			panic(p)
		}
		problems = notes.problems
	}()
	l := &lake{base: c.c.Endpoint(), byID: map[string]*stay{}, noHistory: noHistory}
	c.intercept = func(w http.ResponseWriter, r *http.Request) bool { l.ServeHTTP(w, r); return true }
	write := func(name string, deletion bool, hidden time.Duration) {
		if s := l.byID[name]; deletion && (s == nil || s.latest().text == "") {
			return
		}
		n, text := l.write(name, deletion, hidden)
		c.written[fmt.Sprintf("Patient/%s/%d", name, n)] = text
	}
	some := func(most int) {
		for range chance.IntN(most + 1) {
			write(fmt.Sprintf("pt-%d", chance.IntN(300)), chance.IntN(5) == 0, time.Duration(chance.IntN(60))*time.Second)
		}
	}
	sweep := func(mode string) {
		pages := 0
		l.onPage = func() {
			if pages++; pages < 12 {
				some(3)
				if chance.IntN(3) == 0 {
					c.pass(700 * time.Millisecond)
				}
			}
		}
		if o := c.run(hydrate.Request{Mode: mode, Deletes: chance.IntN(2) == 0}); o.err != nil {
			c.Fatal(o.err)
		}
		l.onPage = nil
	}
	for _, step := range steps {
		switch step {
		case "burst":
			from := chance.IntN(100)
			for id := range 50 + chance.IntN(250) {
				write(fmt.Sprintf("pt-%d", from+id), false, 0)
			}
		case "some":
			some(10)
		case "minutes":
			c.pass(time.Duration(1+chance.IntN(300)) * time.Second)
		case "hours":
			c.pass(time.Duration(1+chance.IntN(5)) * time.Hour)
		default:
			sweep(step)
		}
	}
	// What is left is found by the sweeps that see all of it, however late they come.
	c.pass(2 * time.Minute)
	sweep(hydrate.Sweep)
	c.pass(20 * time.Hour)
	c.whole(hydrate.Sweep)
	for name, s := range l.byID {
		if c.order["Patient/"+name] == 0 && s.latest().text == "" && noHistory { // nobody can know of it
			for n := range s.versions {
				delete(c.written, fmt.Sprintf("Patient/%s/%d", name, n+1))
			}
		}
	}
	c.check()
	return notes.problems
}
