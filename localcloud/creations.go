package localcloud

import "net/http"

// Creations is what GET /_carepath/creations answers: what a Pulumi engine had made, the latest of each URN. What was deleted since
// is among it.
type Creations struct {
	Creations []Creation `json:"creations"` // by URN
}

// Creation is a resource that was made for a Pulumi engine. The engine may not have heard of it, if it was killed: the resource is
// then in no state.
type Creation struct {
	URN string `json:"urn"`
	ID  string `json:"id"` // as the provider's, for an import
}

func (c *Cloud) recordCreation(urn, id string) error {
	return c.creations.Put(urn, Creation{URN: urn, ID: id})
}

func (c *Cloud) listCreations(w http.ResponseWriter, _ *http.Request) {
	list := Creations{Creations: []Creation{}}
	for _, made := range c.creations.All() {
		list.Creations = append(list.Creations, made)
	}
	c.answer(w, list)
}
