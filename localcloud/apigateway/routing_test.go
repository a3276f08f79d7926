package apigateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/carepath/carepath/localcloud/apigateway"
	"pgregory.net/rapid"
)

// serveOnce makes a request without a network and returns the answer's status.
func serveOnce(h http.Handler, host, path string) int {
	r := httptest.NewRequest("GET", path, nil)
	r.Host = host
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// TestLongestPathWins holds the router against the rule itself: of the mapped paths that the request's path begins with, by
// whole steps, the longest.
func TestLongestPathWins(t *testing.T) {
	step := rapid.StringMatching(`[ab]{1,2}`)
	path := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(step, 0, 4).Draw(t, "steps"), "/") })
	rapid.Check(t, func(t *rapid.T) {
		mapped := rapid.SliceOfNDistinct(path, 0, 12, rapid.ID[string]).Draw(t, "mapped")
		asked := path.Draw(t, "asked")
		want, found := "", false
		for _, m := range mapped {
			if (m == "" || asked == m || strings.HasPrefix(asked, m+"/")) && (!found || len(m) > len(want)) {
				want, found = m, true
			}
		}
		got, rest, ok := apigateway.Route(mapped, "/"+asked)
		if ok != found || got != want || ok && strings.Trim(want+"/"+rest, "/") != asked {
			t.Fatalf("%v of %v: %q, %q, %v; want %q, %v", asked, mapped, got, rest, ok, want, found)
		}
	})
}

// BenchmarkRouting measures how a request finds its method: 200 mappings, 10,000 routes of 200 APIs, and one API alone.
func BenchmarkRouting(b *testing.B) {
	for _, apis := range []int{1, 200} {
		b.Run(fmt.Sprintf("apis=%d", apis), func(b *testing.B) {
			lookup := apigateway.NewLookup(apis, 50)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if !lookup(i) {
					b.Fatal("no method")
				}
			}
		})
	}
}

// TestRoutingCost is the benchmark as a test: no allocation, however many APIs there are.
func TestRoutingCost(t *testing.T) {
	few, many := apigateway.NewLookup(1, 50), apigateway.NewLookup(200, 50)
	count := func(lookup func(int) bool) float64 {
		i := 0
		return testing.AllocsPerRun(1000, func() { i++; lookup(i) })
	}
	if a, b := count(few), count(many); a > 0 || b > 0 {
		t.Errorf("%v allocations with one API, %v with 200", a, b)
	}
}
