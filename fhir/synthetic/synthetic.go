// Package synthetic makes FHIR R4 resources of people who do not exist, to try and to load data stores with: patients, their
// encounters and what was observed at them.
//
// Everything is made up: names carry numbers, telephone numbers and addresses are of those that are kept for examples, and
// every resource has the security label HTEST, "test health data"
// (https://terminology.hl7.org/CodeSystem-v3-ActReason.html).
//
// Values differ from resource to resource as far as FHIR allows it to matter: members that are missing, letters of other
// alphabets, decimals whose last digit is 0.
package synthetic

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Resource is one FHIR resource.
type Resource struct {
	Type string // such as "Patient"
	ID   string // the logical id, a UUID
	JSON []byte // the whole, without line breaks
}

// The types that there are, in the order in which a patient's resources come: a reference leads backwards.
const (
	Patient     = "Patient"
	Encounter   = "Encounter"
	Observation = "Observation"
)

// Types returns the types that there are.
func Types() []string { return []string{Patient, Encounter, Observation} }

// Resources gives resources of some types, of all if none is named, without end. The same seed and types always give the same
// ones. A reference leads to a resource that came before; to one of a type that was not asked for there is none.
func Resources(seed uint64, types ...string) (iter.Seq[Resource], error) {
	for _, t := range types {
		if !slices.Contains(Types(), t) {
			return nil, fmt.Errorf("there are no synthetic resources of type %q: there are %s", t, strings.Join(Types(), ", "))
		}
	}
	if len(types) == 0 {
		types = Types()
	}
	return func(yield func(Resource) bool) {
		for n := uint64(0); ; n++ {
			p := &person{Rand: rand.New(rand.NewPCG(seed, n)), number: n, types: types, yield: yield}
			if !p.live() {
				return
			}
		}
	}, nil
}

// latest is when the youngest events are: nothing depends on the time at which it is made.
var latest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// person is one patient with all that happened to them. What is drawn does not depend on the types.
type person struct {
	*rand.Rand
	number uint64
	types  []string
	yield  func(Resource) bool
	id     string
	born   time.Time
	until  time.Time // the last day that they live
}

// live makes the person's resources; false: no more are wanted.
func (p *person) live() bool {
	p.id = p.newID()
	if !p.give(Patient, p.id, p.patient()) {
		return false
	}
	for range 1 + p.IntN(3) {
		since := p.born
		if recent := p.until.AddDate(-5, 0, 0); recent.After(since) {
			since = recent
		}
		id, began := p.newID(), since.Add(time.Duration(p.IntN(int(p.until.Sub(since)/time.Minute)))*time.Minute)
		length := time.Duration(10+p.IntN(110)) * time.Minute
		if !p.give(Encounter, id, p.encounter(id, began, length)) {
			return false
		}
		for range 1 + p.IntN(4) {
			observed := began.Add(time.Duration(p.IntN(int(length/time.Minute))) * time.Minute)
			if o := p.observation(id, observed); !p.give(Observation, o.ID, o) {
				return false
			}
		}
	}
	return true
}

func (p *person) wanted(t string) bool { return slices.Contains(p.types, t) }

func (p *person) give(resourceType, id string, resource any) bool {
	if !p.wanted(resourceType) {
		return true
	}
	text, err := json.Marshal(resource)
	if err != nil {
		panic(fmt.Sprintf("synthetic: writing a %s: %v", resourceType, err)) // types of this package can be written
	}
	return p.yield(Resource{Type: resourceType, ID: id, JSON: text})
}

// newID draws a UUID of version 4.
func (p *person) newID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], p.Uint64())
	binary.BigEndian.PutUint64(b[8:], p.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// refer is a reference, or nil if there is nothing of the type to refer to.
func (p *person) refer(resourceType, id string) *reference {
	if !p.wanted(resourceType) {
		return nil
	}
	return &reference{Reference: resourceType + "/" + id}
}

// chance is true so many times of a hundred.
func (p *person) chance(percent int) bool { return p.IntN(100) < percent }

func pick[T any](p *person, of []T) T { return of[p.IntN(len(of))] }

// decimal is a number between two, with so many digits after the point, all of which are written.
func (p *person) decimal(least, most float64, digits int) json.Number {
	return json.Number(fmt.Sprintf("%.*f", digits, least+p.Float64()*(most-least)))
}
