package hydrate

import (
	"strconv"

	"github.com/carepath/carepath/changes"
)

const (
	// maxDetail is the longest detail of an event, escaped. PutEvents takes 256 KB, and so does a state of a workflow, in which
	// there are other things.
	maxDetail = 180_000
	// maxPage is the most that a page's batches are, as JSON. The continuation comes on top: 150 bytes for each of the
	// resources that wait, of which a page of a search can add 100.
	maxPage = 181_000
	// maxPending is how many resources may wait before no more are looked for.
	maxPending = 50
	// maxEntries is PutEvents' limit.
	maxEntries = 10
)

// page collects batches.
type page struct {
	batches         []Batch
	size            int  // at most this many bytes of JSON
	full            bool // something had no room
	claims, entries int
	given           map[string]int64 // the resources that are in it, by id, with their highest version there
}

// overhead is more than what an event's or a claim's JSON has beside its texts.
const overhead = 160

// eventSize bounds the JSON of an event.
func eventSize(e *Event) int {
	return changes.EscapedLen([]byte(e.Detail)) + len(e.Source) + len(e.DetailType) + len(e.Time) + overhead
}

func claimSize(c *Claim) int { return len(c.Key.PK) + 2*len(c.Key.SK) + len(c.LastUpdated) + overhead }

// add puts a resource's events, 1 to 10, into a batch that has room for all of them.
func (p *page) add(c Claim, events []Event, size int) {
	last := len(p.batches) - 1
	if last < 0 || len(p.batches[last].Entries)+len(events) > maxEntries {
		p.batches = append(p.batches, Batch{})
		last++
	}
	b := &p.batches[last]
	for i := range events {
		events[i].Resource = len(b.Resources)
	}
	b.Resources = append(b.Resources, c)
	b.Entries = append(b.Entries, events...)
	p.size += size
	p.claims++
	p.entries += len(events)
	p.given[c.Key.SK], _ = strconv.ParseInt(c.To, 10, 64) // it was made of a number
}

// number reads a version.
func number(versionID string) (int64, bool) {
	n, err := strconv.ParseInt(versionID, 10, 64)
	return n, err == nil && n > 0
}
