package cognitoidp

import (
	"encoding/json"
	"fmt"

	"github.com/carepath/carepath/localcloud/store"
)

// userLog keeps users. What it is told under a pool's lock is in the right order; once flush has returned, without the lock,
// it survives kill -9.
type userLog struct{ journal *store.Journal }

// open reads what was kept and calls restore with every user.
func (l *userLog) open(s *store.Store, restore func(u *user) (known bool)) (err error) {
	if l.journal, err = store.NewJournal(s, "cognito-idp-users"); err != nil {
		return err
	}
	for r, err := range l.journal.All() {
		if err != nil {
			return err
		}
		u := &user{}
		if err := json.Unmarshal(r.Value, u); err != nil {
			return fmt.Errorf("reading the user %s: %w", r.Key, err)
		}
		if !restore(u) {
			l.journal.Delete(r.Key)
		}
	}
	return l.flush()
}

func (l *userLog) put(u *user) error {
	text, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("writing a user: %w", err)
	}
	l.journal.Put(u.key(), text)
	return nil
}

func (l *userLog) forget(u *user) { l.journal.Delete(u.key()) }

func (l *userLog) flush() error {
	if err := l.journal.Flush(); err != nil {
		return fmt.Errorf("keeping the users: %w", err)
	}
	return nil
}

// forgetAll forgets the users of a pool that is gone. Whom it does not reach, because the process ends, open leaves out.
func (l *userLog) forgetAll(p *pool) error {
	p.users.mu.RLock()
	for _, u := range p.users.ordered {
		l.forget(u)
	}
	p.users.mu.RUnlock()
	return l.flush()
}

// restore puts a user that was kept into its pool; a user of a pool that was deleted is not known.
func (s *Service) restore(u *user) bool {
	p := s.pools[u.Pool]
	if p == nil {
		return false
	}
	p.users.insert(p.now.Load(), nil, u)
	return true
}
