package dynamodb

import (
	"container/heap"
	"strconv"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/clock"
)

// expiries are the times at which items of a table may have expired, the next one first. The table's lock guards them.
type expiries struct {
	queue expiryQueue
	timer clock.Timer
	due   time.Time // of the timer
}

type expiry struct {
	at  int64 // seconds since 1970
	key string
}

type expiryQueue []expiry

func (q expiryQueue) Len() int           { return len(q) }
func (q expiryQueue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q expiryQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *expiryQueue) Push(x any)        { *q = append(*q, x.(expiry)) }
func (q *expiryQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	(*q)[last] = expiry{}
	*q = (*q)[:last]
	return x
}

// tooOld is how long ago an item must not have expired to be deleted: DynamoDB leaves what is older.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
const tooOld = 5 * 365 * 24 * time.Hour

// expiresAt returns when an item expires, in seconds since 1970.
func expiresAt(attribute string, item Item) (int64, bool) {
	v := item[attribute]
	if attribute == "" || v.Kind() != dynamodbexpr.KindN {
		return 0, false
	}
	whole, _, _ := strings.Cut(v.Text(), ".")
	at, err := strconv.ParseInt(whole, 10, 64)
	return at, err == nil && at > 0 && at < 1<<40
}

// expect notes when a written item expires. The caller holds the table's lock.
func (s *Service) expect(w *write) {
	if w.table.record.TTLAttribute == "" || w.new == nil {
		return
	}
	if at, ok := expiresAt(w.table.record.TTLAttribute, w.new); ok {
		x := &w.table.expiry
		heap.Push(&x.queue, expiry{at, w.at})
		s.schedule(w.table)
		if len(x.queue) > 2*w.table.space.items.n+1024 { // most of it is of items that were written again
			if err := s.watch(w.table); err != nil {
				s.d.Logf("DynamoDB: looking for the items of %s that expire: %v", w.table.name, err)
			}
		}
	}
}

// schedule sets the table's timer to the next expiry. The caller holds the table's lock.
func (s *Service) schedule(t *table) {
	x := &t.expiry
	if len(x.queue) == 0 || t.gone {
		return
	}
	due := time.Unix(x.queue[0].at, 0)
	if x.timer != nil && !due.Before(x.due) {
		return
	}
	if x.timer != nil {
		x.timer.Stop()
	}
	x.due = due
	x.timer = s.d.Clock.AfterFunc(due.Sub(s.now()), func() { s.expire(t) })
}

// expire deletes the items whose time has come.
func (s *Service) expire(t *table) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expiry.timer = nil
	now := s.now()
	for len(t.expiry.queue) > 0 && t.expiry.queue[0].at <= now.Unix() && !t.gone {
		next := heap.Pop(&t.expiry.queue).(expiry)
		if t.busy[next.key] {
			heap.Push(&t.expiry.queue, expiry{now.Unix() + 1, next.key})
			continue
		}
		w := &write{table: t, at: next.key, remove: true}
		if w.entry, _ = t.space.items.get(next.key); w.entry == nil {
			continue
		}
		var err error
		if w.old, err = w.entry.item(); err != nil {
			s.d.Logf("DynamoDB: an expired item of %s cannot be read: %v", t.name, err)
			continue
		}
		// The item may have got more time since.
		at, ok := expiresAt(t.record.TTLAttribute, w.old)
		if !ok || at > now.Unix() || now.Sub(time.Unix(at, 0)) > tooOld {
			continue
		}
		s.log.one(w)
		w.apply()
	}
	if err := s.log.flush(); err != nil {
		s.d.Logf("DynamoDB: deleting expired items of %s: %v", t.name, err)
	}
	s.schedule(t)
}

// watch finds every item of a table that will expire. The caller holds the table's lock, or has the table alone.
func (s *Service) watch(t *table) error {
	t.expiry.queue = nil
	if t.expiry.timer != nil {
		t.expiry.timer.Stop()
		t.expiry.timer = nil
	}
	if t.record.TTLAttribute == "" {
		return nil
	}
	var failure error
	t.space.items.ascend("", func(key string, e *entry) bool {
		item, err := e.item()
		if err != nil {
			failure = err
			return false
		}
		if at, ok := expiresAt(t.record.TTLAttribute, item); ok {
			t.expiry.queue = append(t.expiry.queue, expiry{at, key})
		}
		return true
	})
	heap.Init(&t.expiry.queue)
	s.schedule(t)
	return failure
}
