package healthlake

import (
	"context"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// announce tells EventBridge's default bus of a change of a data store's state.
// https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-healthlake.html
func (s *Service) announce(r *row, detailType string) {
	detail, err := encode(map[string]string{"datastoreId": r.ID, "datastoreName": r.Name, "datastoreTypeVersion": "R4", "datastoreEndpoint": s.address(r.ID)})
	if err != nil {
		s.d.Logf("telling of a data store: %v", err)
		return
	}
	const name = "healthlake.amazonaws.com"
	_, err = s.d.Do(context.Background(), dispatch.Principal{ARN: name, Service: name, SourceARN: s.arn(r.ID)}, "events", "PutEvents", map[string]any{"Entries": []any{map[string]any{
		"Source": "aws.healthlake", "DetailType": detailType, "Detail": string(detail), "Resources": []string{s.arn(r.ID)}, "Time": dispatch.Time{Time: s.d.Clock.Now()}}}})
	if err != nil {
		s.d.Logf("telling of a data store: %v", err)
	}
}

// announceReady tells that a data store is active once it is, unless it was deleted meanwhile.
func (s *Service) announceReady(id string, after time.Duration) {
	s.d.Clock.AfterFunc(after, func() {
		if r, ok := s.rows.Get(id); ok && r.Deleted.IsZero() {
			s.announce(&r, "Data Store Active")
		}
	})
}
