package localcloud

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// Creations is what GET /_carepath/creations answers: what a Pulumi engine had made and did not have deleted since.
type Creations struct {
	Creations []Creation `json:"creations"` // in the order in which they were made
}

// Creation is a resource that was made for a Pulumi engine. The engine may not have heard of it, if it was killed: the resource is
// then in no state.
type Creation struct {
	URN  string    `json:"urn"`
	ID   string    `json:"id"` // as the provider's, for an import
	Made time.Time `json:"made"`
}

func creationKey(urn, id string) string { return urn + " " + id }

func (c *Cloud) recordCreation(urn, id string) error {
	return c.creations.Put(creationKey(urn, id), Creation{URN: urn, ID: id, Made: c.d.Clock.Now()})
}

func (c *Cloud) recordDeletion(urn, id string) error {
	_, err := c.creations.Delete(creationKey(urn, id))
	return err
}

func (c *Cloud) listCreations(w http.ResponseWriter, _ *http.Request) {
	list := Creations{Creations: []Creation{}}
	for _, made := range c.creations.All() {
		list.Creations = append(list.Creations, made)
	}
	slices.SortStableFunc(list.Creations, func(a, b Creation) int { return cmp.Compare(a.Made.UnixNano(), b.Made.UnixNano()) })
	c.answer(w, list)
}
