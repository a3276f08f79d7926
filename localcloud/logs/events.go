package logs

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/carepath/carepath/localcloud/dispatch"
)

const (
	maxGroupBytes = 16 << 20 // kept per log group, each event with overhead
	overhead      = 26       // bytes that AWS adds to each event
	kept          = 64       // bytes that an event costs in memory beyond its text
	maxBatchBytes = 1 << 20
	maxBatch      = 10000
	day           = int64(24 * 60 * 60 * 1000)
)

// event is a log event. Events are kept in the order in which they came.
type event struct {
	stream    *stream
	id        uint64
	timestamp int64
	ingested  int64
	message   string
}

type stream struct {
	name        string
	created     int64
	first, last int64 // timestamps; 0 before the first event
	ingested    int64
	deleted     bool
}

// group is a log group's data plane.
type group struct {
	mu      sync.Mutex
	streams map[string]*stream
	events  []event
	head    int // of events that are kept
	bytes   int
	next    uint64
}

func newGroup() *group { return &group{streams: map[string]*stream{}} }

func (g *group) size() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int64(g.bytes)
}

// drop forgets the oldest event; the caller holds the lock.
func (g *group) drop() {
	g.bytes -= len(g.events[g.head].message) + overhead + kept
	g.events[g.head] = event{}
	g.head++
}

// trim keeps the group within its bounds; the caller holds the lock.
func (g *group) trim(oldest int64) {
	for g.head < len(g.events) && (g.bytes > maxGroupBytes || g.events[g.head].timestamp < oldest || g.events[g.head].stream.deleted) {
		g.drop()
	}
	if g.head > 1024 && g.head*2 > len(g.events) {
		n := copy(g.events, g.events[g.head:])
		clear(g.events[n:])
		g.events, g.head = g.events[:n], 0
	}
}

// oldest is the timestamp before which events have expired.
func oldest(row groupRecord, now int64) int64 {
	if row.RetentionDays == 0 {
		return 0
	}
	return now - int64(row.RetentionDays)*day
}

func (s *Service) createStream(_ context.Context, _ *dispatch.Call, in *StreamInput) (*Empty, error) {
	if in.LogStreamName == "" || len(in.LogStreamName) > 512 || strings.ContainsAny(in.LogStreamName, ":*") {
		return nil, constraint(in.LogStreamName, "logStreamName", "[^:*]*")
	}
	g, _, err := s.group(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.streams[in.LogStreamName] != nil {
		return nil, dispatch.Errorf("ResourceAlreadyExistsException", "The specified log stream already exists")
	}
	g.streams[in.LogStreamName] = &stream{name: in.LogStreamName, created: s.now()}
	return &Empty{}, nil
}

func (s *Service) deleteStream(_ context.Context, _ *dispatch.Call, in *StreamInput) (*Empty, error) {
	g, _, err := s.group(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	st := g.streams[in.LogStreamName]
	if st == nil {
		return nil, noStream()
	}
	st.deleted = true
	delete(g.streams, in.LogStreamName)
	return &Empty{}, nil
}

func (s *Service) describeStreams(_ context.Context, _ *dispatch.Call, in *DescribeLogStreamsInput) (*DescribeLogStreamsOutput, error) {
	limit, err := limitOf(in.Limit, 50)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == "LastEventTime"
	if in.OrderBy != "" && in.OrderBy != "LogStreamName" && !byTime {
		return nil, invalid("1 validation error detected: Value '%s' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]", in.OrderBy)
	}
	if byTime && in.LogStreamNamePrefix != "" {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	name := s.nameOf(in.LogGroupName, in.LogGroupIdentifier)
	g, _, err := s.group(name)
	if err != nil {
		return nil, err
	}
	start := 0
	if in.NextToken != "" {
		if start, err = strconv.Atoi(in.NextToken); err != nil || start < 0 {
			return nil, invalid("The specified nextToken is invalid.")
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []*stream
	for n, st := range g.streams {
		if strings.HasPrefix(n, in.LogStreamNamePrefix) {
			all = append(all, st)
		}
	}
	slices.SortFunc(all, func(a, b *stream) int {
		if byTime && a.last != b.last {
			return cmp.Compare(a.last, b.last)
		}
		return cmp.Compare(a.name, b.name)
	})
	if in.Descending {
		slices.Reverse(all)
	}
	start = min(start, len(all))
	end := min(start+limit, len(all))
	out := &DescribeLogStreamsOutput{LogStreams: []LogStream{}}
	for _, st := range all[start:end] {
		out.LogStreams = append(out.LogStreams, LogStream{LogStreamName: st.name, Arn: s.target(name, st.name), CreationTime: st.created,
			FirstEventTimestamp: st.first, LastEventTimestamp: st.last, LastIngestionTime: st.ingested})
	}
	if end < len(all) {
		out.NextToken = strconv.Itoa(end)
	}
	return out, nil
}

func (s *Service) putEvents(_ context.Context, _ *dispatch.Call, in *PutLogEventsInput) (*PutLogEventsOutput, error) {
	if len(in.LogEvents) == 0 || len(in.LogEvents) > maxBatch {
		return nil, invalid("1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length between 1 and %d", maxBatch)
	}
	size := 0
	for i, e := range in.LogEvents {
		if e.Message == "" {
			return nil, invalid("1 validation error detected: Value '' at 'logEvents.%d.member.message' failed to satisfy constraint: Member must have length greater than or equal to 1", i+1)
		}
		if i > 0 && e.Timestamp < in.LogEvents[i-1].Timestamp {
			return nil, invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
		size += len(e.Message) + overhead
	}
	if size > maxBatchBytes {
		return nil, invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes)
	}
	if in.LogEvents[len(in.LogEvents)-1].Timestamp-in.LogEvents[0].Timestamp > day {
		return nil, invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	g, row, err := s.group(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	now := s.now()
	rejected := &RejectedLogEventsInfo{}
	first, end := 0, len(in.LogEvents)
	for first < end && in.LogEvents[first].Timestamp < now-14*day {
		first++
	}
	if first > 0 {
		n := first
		rejected.TooOldLogEventEndIndex = &n
	}
	expired := first
	for expired < end && in.LogEvents[expired].Timestamp < oldest(row, now) {
		expired++
	}
	if expired > first {
		n := expired
		rejected.ExpiredLogEventEndIndex, first = &n, expired
	}
	for end > first && in.LogEvents[end-1].Timestamp > now+day/12 {
		end--
	}
	if end < len(in.LogEvents) {
		n := end
		rejected.TooNewLogEventStartIndex = &n
	}
	out := &PutLogEventsOutput{}
	if first > 0 || end < len(in.LogEvents) {
		out.RejectedLogEventsInfo = rejected
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	st := g.streams[in.LogStreamName]
	if st == nil {
		return nil, noStream()
	}
	for _, e := range in.LogEvents[first:end] {
		g.next++
		g.events = append(g.events, event{st, g.next, e.Timestamp, now, e.Message})
		g.bytes += len(e.Message) + overhead + kept
		if st.first == 0 || e.Timestamp < st.first {
			st.first = e.Timestamp
		}
		st.last = max(st.last, e.Timestamp)
		st.ingested = now
	}
	g.trim(oldest(row, now))
	out.NextSequenceToken = strconv.FormatUint(g.next, 10)
	return out, nil
}

// collect returns the events that match, by timestamp and then in the order in which they came.
func (g *group) collect(from int64, match func(*event) bool) []event {
	g.mu.Lock()
	defer g.mu.Unlock()
	var some []event
	for i := g.head; i < len(g.events); i++ {
		if e := &g.events[i]; !e.stream.deleted && e.timestamp >= from && match(e) {
			some = append(some, *e)
		}
	}
	slices.SortStableFunc(some, func(a, b event) int { return cmp.Compare(a.timestamp, b.timestamp) })
	return some
}

// token is the position of an event in a listing.
func token(kind byte, timestamp int64, id uint64) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%c/%d/%d", kind, timestamp, id))
}

func parseToken(t string) (kind byte, timestamp int64, id uint64, err error) {
	text, err := base64.RawURLEncoding.DecodeString(t)
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%c/%d/%d", &kind, &timestamp, &id)
	}
	if err != nil {
		return 0, 0, 0, invalid("The specified nextToken is invalid.")
	}
	return kind, timestamp, id, nil
}

func compare(e event, timestamp int64, id uint64) int {
	return cmp.Or(cmp.Compare(e.timestamp, timestamp), cmp.Compare(e.id, id))
}

func (s *Service) getEvents(_ context.Context, _ *dispatch.Call, in *GetLogEventsInput) (*GetLogEventsOutput, error) {
	limit, err := limitOf(in.Limit, 10000)
	if err != nil {
		return nil, err
	}
	g, row, err := s.group(s.nameOf(in.LogGroupName, in.LogGroupIdentifier))
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	st := g.streams[in.LogStreamName]
	g.mu.Unlock()
	if st == nil {
		return nil, noStream()
	}
	all := g.collect(oldest(row, s.now()), func(e *event) bool {
		return e.stream == st && (in.StartTime == nil || e.timestamp >= *in.StartTime) && (in.EndTime == nil || e.timestamp < *in.EndTime)
	})
	kind, at, id := byte('b'), int64(1)<<62, uint64(0)
	if in.StartFromHead {
		kind, at = 'f', -1
	}
	if in.NextToken != "" {
		if kind, at, id, err = parseToken(in.NextToken); err != nil {
			return nil, err
		}
	}
	if kind == 'f' {
		start, _ := slices.BinarySearchFunc(all, 0, func(e event, _ int) int {
			if compare(e, at, id) <= 0 {
				return -1
			}
			return 1
		})
		all = all[start:min(start+limit, len(all))]
	} else {
		end, _ := slices.BinarySearchFunc(all, 0, func(e event, _ int) int {
			if compare(e, at, id) < 0 {
				return -1
			}
			return 1
		})
		all = all[max(end-limit, 0):end]
	}
	out := &GetLogEventsOutput{Events: make([]OutputLogEvent, 0, len(all))}
	for _, e := range all {
		out.Events = append(out.Events, OutputLogEvent{e.timestamp, e.message, e.ingested})
	}
	if len(all) == 0 { // the same tokens again say that there is no more
		out.NextForwardToken, out.NextBackwardToken = token('f', at, id), token('b', at, id)
		return out, nil
	}
	last := all[len(all)-1]
	out.NextForwardToken, out.NextBackwardToken = token('f', last.timestamp, last.id), token('b', all[0].timestamp, all[0].id)
	return out, nil
}

func (s *Service) filterEvents(_ context.Context, _ *dispatch.Call, in *FilterLogEventsInput) (*FilterLogEventsOutput, error) {
	limit, err := limitOf(in.Limit, 10000)
	if err != nil {
		return nil, err
	}
	if in.StartFromHead != nil && !*in.StartFromHead {
		return nil, invalid("FilterLogEvents with startFromHead false is not emulated")
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "" {
		return nil, invalid("logStreamNames and logStreamNamePrefix are mutually exclusive")
	}
	name := s.nameOf(in.LogGroupName, in.LogGroupIdentifier)
	g, row, err := s.group(name)
	if err != nil {
		return nil, err
	}
	matches, err := parsePattern(in.FilterPattern)
	if err != nil {
		return nil, err
	}
	at, id := int64(-1), uint64(0)
	if in.NextToken != "" {
		if _, at, id, err = parseToken(in.NextToken); err != nil {
			return nil, err
		}
	}
	all := g.collect(oldest(row, s.now()), func(e *event) bool {
		return (in.StartTime == nil || e.timestamp >= *in.StartTime) && (in.EndTime == nil || e.timestamp <= *in.EndTime) &&
			(len(in.LogStreamNames) == 0 || slices.Contains(in.LogStreamNames, e.stream.name)) &&
			strings.HasPrefix(e.stream.name, in.LogStreamNamePrefix) && compare(*e, at, id) > 0 && matches(e.message)
	})
	out := &FilterLogEventsOutput{SearchedLogStreams: []struct{}{}}
	if len(all) > limit {
		all = all[:limit]
		out.NextToken = token('f', all[limit-1].timestamp, all[limit-1].id)
	}
	out.Events = make([]FilteredLogEvent, 0, len(all))
	for _, e := range all {
		out.Events = append(out.Events, FilteredLogEvent{LogStreamName: e.stream.name, Timestamp: e.timestamp, Message: e.message, IngestionTime: e.ingested,
			EventID: fmt.Sprintf("%020d%020d", e.timestamp, e.id)})
	}
	return out, nil
}
