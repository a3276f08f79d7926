package logs

import "fmt"

// contents is a log group's data plane in the state file.
type contents struct {
	Streams []keptStream
	Events  []keptEvent
}

type keptStream struct {
	Name                           string
	Created, First, Last, Ingested int64
}

type keptEvent struct {
	Stream              int // index
	Timestamp, Ingested int64
	Message             string
}

// Each log group is a document of its own, so that no one transaction is large.
func document(group string) string { return "logs/events/" + group }

func (s *Service) save() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, g := range s.groups {
		g.mu.Lock()
		var c contents
		index := map[*stream]int{}
		for _, st := range g.streams {
			index[st] = len(c.Streams)
			c.Streams = append(c.Streams, keptStream{st.name, st.created, st.first, st.last, st.ingested})
		}
		for _, e := range g.events[g.head:] {
			if i, ok := index[e.stream]; ok {
				c.Events = append(c.Events, keptEvent{i, e.timestamp, e.ingested, e.message})
			}
		}
		g.mu.Unlock()
		if err := s.store.Save(document(name), c); err != nil {
			return fmt.Errorf("saving the events of log group %s: %w", name, err)
		}
	}
	return nil
}

func (s *Service) load() error {
	for name, g := range s.groups {
		var c contents
		if _, err := s.store.Load(document(name), &c); err != nil {
			return fmt.Errorf("loading the events of log group %s: %w", name, err)
		}
		streams := make([]*stream, len(c.Streams))
		for i, st := range c.Streams {
			streams[i] = &stream{name: st.Name, created: st.Created, first: st.First, last: st.Last, ingested: st.Ingested}
			g.streams[st.Name] = streams[i]
		}
		for _, e := range c.Events {
			if e.Stream < 0 || e.Stream >= len(streams) {
				return fmt.Errorf("loading the events of log group %s: no stream %d", name, e.Stream)
			}
			g.next++
			g.events = append(g.events, event{streams[e.Stream], g.next, e.Timestamp, e.Ingested, e.Message})
			g.bytes += len(e.Message) + overhead + kept
		}
	}
	return nil
}
