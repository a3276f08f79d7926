// Package hydrate finds what has changed in a HealthLake data store and is not published yet, and gives it in batches that
// fit PutEvents: every version of every resource, deletions among them, in order.
//
// It works by pages. A request without a continuation begins a pass over one resource type; each response has batches and
// the continuation for the next request, which is made when the batches have been published and the ledger says so. The last
// one has the watermark that the pass has reached, if nothing had to be left out.
//
// The ledger is a DynamoDB table. It has an item for each resource (PK <data store>#<Type>#<shard>, SK <id>) with the highest
// version that is published, and a watermark for each type (PK <data store>#WATERMARK, SK <Type>). This package only reads it.
//
// What a reader of HealthLake has to reckon with, and how it is met:
//
//   - A search hides a resource while its index update is pending, up to minutes. Passes overlap; the ledger knows what was seen.
//   - Resources that are written move to the end of the order while the pages are read, and a page's link may be an offset. A
//     page is asked for by the position that was reached, and not by a link; links are followed only where one second has
//     more than a page, and then the second is read until two readings in a row find the same.
//   - A search shows the current version only. Those before it, from the published one on, are read one by one.
//   - History lags as well. A version that it does not show is held back, with all that follow it, until the resource has
//     been at rest for a quarter of an hour; then it counts as erased.
//   - A search does not show what was deleted. The history of the type does; where HealthLake does not serve it, those of the
//     published resources that the search does not show are asked for.
//
// Logs and metrics have types and counts, and neither content nor ids.
package hydrate

// Modes of a pass.
const (
	// Trigger follows a hint that something has changed: what is new since the last pass.
	Trigger = "trigger"
	// Sweep is the scheduled pass: what is new since the last sweep, with a longer overlap, and always deletions.
	Sweep = "sweep"
	// References follows notifications that name resources.
	References = "references"
)

// Request asks for a page of a pass.
type Request struct {
	ResourceType string `json:"resourceType"`
	Mode         string `json:"mode"`
	// References are what a pass of the mode References is about: Type/id or Type/id/_history/version, relative or absolute. Those
	// of other types are left out.
	References []string `json:"references,omitempty"`
	// Deletes makes a Trigger look for deletions, too.
	Deletes bool `json:"deletes,omitempty"`
	// Continuation is the one of the response before; nil begins a pass.
	Continuation *Continuation `json:"continuation,omitempty"`
}

// Response is a page: 200 KB of JSON at most.
type Response struct {
	// Batches can be published at the same time and in any order.
	Batches []Batch `json:"batches"`
	// Continuation asks for the next page; nil on the last one.
	Continuation *Continuation `json:"continuation"`
	// Held counts resources of this page of which something had to be held back.
	Held int `json:"held"`
	// Watermark is what the pass has reached. It comes with the last page, unless something of the pass was held back.
	Watermark *Watermark `json:"watermark"`
}

// Batch is at most 10 events. All of a resource that are in a page are in one batch, in the order of their versions.
type Batch struct {
	Resources []Claim `json:"resources"`
	Entries   []Event `json:"entries"`
}

// Claim is what publishing a batch's events does to a resource's item in the ledger.
type Claim struct {
	Key         Key    `json:"key"`
	From        string `json:"from"`        // the published version that the item must have; "0": none
	To          string `json:"to"`          // the published version that it gets
	Deleted     bool   `json:"deleted"`     // whether version To is a deletion
	LastUpdated string `json:"lastUpdated"` // of version To
}

// Key is the primary key of an item of the ledger.
type Key struct {
	PK string `json:"PK"`
	SK string `json:"SK"`
}

// Event is an entry of PutEvents, but for the bus.
type Event struct {
	Resource   int    `json:"resource"` // index of the claim that it belongs to
	Source     string `json:"source"`
	DetailType string `json:"detailType"`
	Detail     string `json:"detail"` // JSON, with the resource byte for byte; see package changes
	Time       string `json:"time"`   // of the version, RFC 3339 to the second
}

// Watermark is an advance of a type's watermark.
type Watermark struct {
	Key   Key    `json:"key"`
	Value string `json:"value"` // when the pass began: RFC 3339, UTC, nine decimals
	Mode  string `json:"mode"`  // Sweep advances swept and triggered; Trigger advances triggered
}

// Continuation is where a pass stands. It is for the next Request, as it is.
type Continuation struct {
	Phase        string    `json:"phase"`                  // changes, history, gate, walk or rest: see the constants
	Began        string    `json:"began"`                  // as Watermark.Value
	Deletes      bool      `json:"deletes,omitempty"`      // the pass looks for deletions
	DeletesSince string    `json:"deletesSince,omitempty"` // from when; empty: from the beginning
	Position     string    `json:"position,omitempty"`     // of the changes: what lies before this second is done; empty: nothing is
	Link         string    `json:"link,omitempty"`         // to the next page, within a second of more than one page and in the history
	Seen         string    `json:"seen,omitempty"`         // a sum over what this reading of the second has found so far, in hexadecimal digits
	SeenBefore   string    `json:"seenBefore,omitempty"`   // what the reading before had found
	Rounds       int       `json:"rounds,omitempty"`       // how often the second, or the history, was begun again
	Shard        int       `json:"shard,omitempty"`        // of the walk
	After        string    `json:"after,omitempty"`        // the id up to which the walk is done in its shard
	Held         bool      `json:"held,omitempty"`         // something of the pass was held back
	Pending      []Pending `json:"pending,omitempty"`      // resources that did not fit
}

// Pending is a resource that a page had no room for, or not for all its versions.
type Pending struct {
	ID      string `json:"id"`
	From    int64  `json:"from,omitempty"` // the version that was given before: if it is not published by now, somebody else is at it
	To      int64  `json:"to,omitempty"`   // the version up to which it is to be published; 0: the current one
	Time    string `json:"time,omitempty"` // of version To, as far as it is known
	Deleted bool   `json:"deleted,omitempty"`
}

// Phases of a pass, in their order. Deletions are looked for in the history of the type, or, where there is none, by the gate
// and the walk.
const (
	phaseChanges = "changes"
	phaseHistory = "history"
	phaseGate    = "gate"
	phaseWalk    = "walk"
	phaseRest    = "rest" // only pending resources are left
)
