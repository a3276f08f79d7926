package synthetic_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"testing"

	"github.com/carepath/carepath/fhir/synthetic"
)

func first(t testing.TB, n int, seed uint64, types ...string) []synthetic.Resource {
	t.Helper()
	all, err := synthetic.Resources(seed, types...)
	if err != nil {
		t.Fatal(err)
	}
	next, stop := iter.Pull(all)
	defer stop()
	var list []synthetic.Resource
	for range n {
		r, _ := next()
		list = append(list, r)
	}
	return list
}

var reference = regexp.MustCompile(`"reference":"([^"]*)"`)

func TestReferencesLeadToWhatCameBefore(t *testing.T) {
	for _, types := range [][]string{nil, {synthetic.Patient}, {synthetic.Observation}, {synthetic.Encounter, synthetic.Observation}, {synthetic.Observation, synthetic.Patient}} {
		seen, of, references := map[string]bool{}, map[string]int{}, 0
		for _, r := range first(t, 2000, 1, types...) {
			var head struct {
				ResourceType, ID string
				Meta             struct{ Security []struct{ Code string } }
			}
			if err := json.Unmarshal(r.JSON, &head); err != nil || head.ResourceType != r.Type || head.ID != r.ID || len(head.Meta.Security) != 1 || head.Meta.Security[0].Code != "HTEST" {
				t.Fatalf("%s: %+v, %v", r.JSON, head, err)
			}
			if seen[r.Type+"/"+r.ID] || bytes.ContainsRune(r.JSON, '\n') {
				t.Fatalf("%s/%s comes again, or has line breaks", r.Type, r.ID)
			}
			for _, m := range reference.FindAllSubmatch(r.JSON, -1) {
				references++
				if !seen[string(m[1])] {
					t.Fatalf("%s refers to what is not there", r.JSON)
				}
			}
			seen[r.Type+"/"+r.ID] = true
			of[r.Type]++
		}
		if len(types) == 0 {
			types = synthetic.Types()
		}
		if len(of) != len(types) || (references > 0) != (len(types) > 1) {
			t.Errorf("of %v there are %v with %d references", types, of, references)
		}
	}
}

// TestNothingHappensBeforeBirthOrAfterDeath compares dates as text, which is how they sort.
func TestNothingHappensBeforeBirthOrAfterDeath(t *testing.T) {
	var born, died string
	deaths := 0
	for _, r := range first(t, 5000, 5) {
		var of struct {
			BirthDate, DeceasedDateTime, EffectiveDateTime string
			Period                                         struct{ Start, End string }
		}
		if err := json.Unmarshal(r.JSON, &of); err != nil {
			t.Fatal(err)
		}
		if r.Type == synthetic.Patient {
			born, died = of.BirthDate, "9999"
			if of.DeceasedDateTime != "" {
				died = of.DeceasedDateTime + "T24"
				deaths++
			}
			continue
		}
		began, ended := of.EffectiveDateTime, of.EffectiveDateTime
		if r.Type == synthetic.Encounter {
			began, ended = of.Period.Start, of.Period.End
		}
		if began < born || ended > died {
			t.Errorf("%s of a person who lived from %s to %s", r.JSON, born, died)
		}
	}
	if deaths == 0 {
		t.Error("nobody died")
	}
}

func TestASeedAlwaysGivesTheSame(t *testing.T) {
	a, b, other := first(t, 500, 7), first(t, 100, 7), first(t, 100, 8)
	same := map[string]bool{}
	for i := range b {
		if !bytes.Equal(a[i].JSON, b[i].JSON) {
			t.Fatalf("%s\n%s", a[i].JSON, b[i].JSON)
		}
		same[b[i].ID] = true
	}
	for _, r := range other {
		if same[r.ID] {
			t.Errorf("another seed gives %s too", r.ID)
		}
	}
	// Whether others are wanted does not change a patient.
	patients := first(t, 3, 7, synthetic.Patient)
	if !bytes.Equal(patients[0].JSON, a[0].JSON) {
		t.Errorf("%s\n%s", patients[0].JSON, a[0].JSON)
	}
}

func TestNobodyIsReal(t *testing.T) {
	name := regexp.MustCompile(`"family":"[^"]*\d{3}","given":\["[^"]*\d{3}"`)
	for _, r := range first(t, 500, 3, synthetic.Patient) {
		text := string(r.JSON)
		if !name.MatchString(text) || strings.Contains(text, "@") && !strings.Contains(text, "@example.org") || strings.Contains(text, "+1-") && !strings.Contains(text, "-555-01") {
			t.Errorf("%s", text)
		}
	}
}

func TestUnknownTypesAreRefused(t *testing.T) {
	if _, err := synthetic.Resources(1, "patient"); err == nil || err.Error() != `there are no synthetic resources of type "patient": there are Patient, Encounter, Observation` {
		t.Errorf("got %v", err)
	}
}

func ExampleResources() {
	all, err := synthetic.Resources(42, synthetic.Patient, synthetic.Encounter)
	if err != nil {
		fmt.Println(err)
		return
	}
	n := 0
	for r := range all {
		fmt.Println(r.Type, json.Valid(r.JSON))
		if n++; n == 2 {
			break
		}
	}
	// Output:
	// Patient true
	// Encounter true
}

func BenchmarkResources(b *testing.B) {
	all, err := synthetic.Resources(1)
	if err != nil {
		b.Fatal(err)
	}
	next, stop := iter.Pull(all)
	defer stop()
	b.ReportAllocs()
	for b.Loop() {
		next()
	}
}
