package eventbridge

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// replay is a replay as the store keeps it.
type replay struct {
	Name, Description string
	Archive           string
	From, To          time.Time // of the events: from the one on, before the other
	Destination       ReplayDestination
	State             string
	Last              time.Time // of the latest event that was replayed
	Started, Ended    time.Time
}

// States of replays.
const (
	replayStarting  = "STARTING"
	replayRunning   = "RUNNING"
	replayCompleted = "COMPLETED"
	replayFailed    = "FAILED"
	replayCancelled = "CANCELLED"
)

func (s *Service) startReplay(_ context.Context, _ *dispatch.Call, in *StartReplayInput) (*ReplayOutput, error) {
	var p problems
	p.text("replayName", in.ReplayName, 1, 64, nameForm)
	p.text("description", in.Description, 0, 512, nil)
	for member, missing := range map[string]bool{"destination": in.Destination == nil, "eventStartTime": in.EventStartTime == nil, "eventEndTime": in.EventEndTime == nil} {
		if missing {
			p.add(member, "", "not be null")
		}
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	name, ok := strings.CutPrefix(in.EventSourceArn, s.archiveARN(""))
	if !ok {
		return nil, invalid("Parameter EventSourceArn is not valid. Reason: Must contain an archive ARN.")
	}
	a, known := s.archives.Get(name)
	switch {
	case !known:
		return nil, invalid("Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", name)
	case !strings.HasPrefix(in.Destination.Arn, s.busARN("")[:len(s.busARN(""))-len(defaultBus)]):
		return nil, invalid("Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN.")
	case s.busName(in.Destination.Arn) != a.Bus:
		return nil, invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
	case !in.EventStartTime.Before(in.EventEndTime.Time):
		return nil, invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
	}
	for _, arn := range in.Destination.FilterArns {
		key, ok := s.ruleKey(arn)
		if _, known := s.rules.Get(key); !ok || !known {
			return nil, invalid("Parameter Destination.FilterArns is not valid. Reason: Rule %s does not exist.", arn)
		}
	}
	s.change.Lock()
	defer s.change.Unlock()
	now := s.now()
	r := replay{Name: in.ReplayName, Description: in.Description, Archive: name, From: in.EventStartTime.Time, To: in.EventEndTime.Time, Destination: *in.Destination,
		State: replayStarting, Started: now}
	created, err := s.replays.Create(r.Name, r)
	if err != nil {
		return nil, err
	}
	if !created {
		return nil, dispatch.Errorf("ResourceAlreadyExistsException", "Replay %s already exists.", r.Name)
	}
	if s.isOpen() {
		s.delivery.run(func() { s.replay(r.Name) })
	}
	return &ReplayOutput{ReplayArn: s.replayARN(r.Name), State: r.State, ReplayStartTime: &dispatch.Time{Time: now}}, nil
}

func (s *Service) changeReplay(name string, f func(*replay) error) (replay, error) {
	s.change.Lock()
	defer s.change.Unlock()
	r, ok := s.replays.Get(name)
	if !ok {
		return r, notFound("Replay %s does not exist.", name)
	}
	if err := f(&r); err != nil {
		return r, err
	}
	return r, s.replays.Put(name, r)
}

var errCancelled = errors.New("the replay was cancelled")

// replay puts the events of a replay on their bus. One that ends with the process begins anew at the next start: its events
// may come twice.
func (s *Service) replay(name string) {
	r, err := s.changeReplay(name, func(r *replay) error {
		if r.State == replayCancelled {
			return errCancelled
		}
		r.State = replayRunning
		return nil
	})
	if errors.Is(err, errCancelled) {
		return
	}
	if err != nil {
		s.d.Logf("the replay %s: %v", name, err)
		return
	}
	err = s.archived.each(r.Archive, r.From, r.To, func(ev *event) error {
		if now, _ := s.replays.Get(name); now.State != replayRunning {
			return errCancelled
		}
		if err := s.delivery.waitForRoom(s.ctx); err != nil {
			return err
		}
		ev.Replay, ev.Ingested, ev.DataKey = name, s.now(), nil
		ev.text = append(ev.text[:len(ev.text)-1:len(ev.text)-1], `,"replay-name":`...)
		ev.text = append(jsonvalue.AppendString(ev.text, name), '}')
		parcels, err := s.take(s.ctx, ev, r.Destination.FilterArns...)
		if err != nil {
			return err
		}
		if ev.Time.After(r.Last) {
			r.Last = ev.Time
		}
		return s.dispatchAll(parcels)
	})
	if s.ctx.Err() != nil || errors.Is(err, errCancelled) {
		return
	}
	_, saved := s.changeReplay(name, func(now *replay) error {
		now.State, now.Last, now.Ended = replayCompleted, r.Last, s.now()
		if err != nil {
			now.State = replayFailed
		}
		return nil
	})
	if err := errors.Join(err, saved); err != nil {
		s.d.Logf("the replay %s: %v", name, err)
	}
}

func (s *Service) viewReplay(r replay) Replay {
	out := Replay{ReplayName: r.Name, State: r.State, EventSourceArn: s.archiveARN(r.Archive), EventStartTime: dispatch.Time{Time: r.From},
		EventEndTime: dispatch.Time{Time: r.To}, ReplayStartTime: dispatch.Time{Time: r.Started}}
	if !r.Last.IsZero() {
		out.EventLastReplayedTime = &dispatch.Time{Time: r.Last}
	}
	if !r.Ended.IsZero() {
		out.ReplayEndTime = &dispatch.Time{Time: r.Ended}
	}
	return out
}

func (s *Service) describeReplay(_ context.Context, _ *dispatch.Call, in *ReplayInput) (*Replay, error) {
	r, ok := s.replays.Get(in.ReplayName)
	if !ok {
		return nil, notFound("Replay %s does not exist.", in.ReplayName)
	}
	out := s.viewReplay(r)
	out.ReplayArn, out.Description, out.Destination = s.replayARN(r.Name), r.Description, &r.Destination
	return &out, nil
}

func (s *Service) cancelReplay(_ context.Context, _ *dispatch.Call, in *ReplayInput) (*ReplayOutput, error) {
	r, err := s.changeReplay(in.ReplayName, func(r *replay) error {
		if r.State != replayStarting && r.State != replayRunning {
			return dispatch.Errorf("IllegalStatusException", "Replay %s is not in a valid state for this operation.", r.Name)
		}
		r.State, r.Ended = replayCancelled, s.now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ReplayOutput{ReplayArn: s.replayARN(r.Name), State: r.State}, nil
}

func (s *Service) listReplays(_ context.Context, _ *dispatch.Call, in *ListReplaysInput) (*ListReplaysOutput, error) {
	replays, next, err := listed(s.replays, in.Limit, in.NextToken, func(r replay) bool {
		return strings.HasPrefix(r.Name, in.NamePrefix) && (in.State == "" || r.State == in.State) && (in.EventSourceArn == "" || s.archiveARN(r.Archive) == in.EventSourceArn)
	}, s.viewReplay)
	return &ListReplaysOutput{replays, next}, err
}
