package cognitoidp

import (
	"fmt"

	"github.com/carepath/carepath/localcloud/store"
)

// userLog keeps users: when an operation has answered, what it did survives kill -9.
type userLog struct {
	table *store.Table[*user] // by pool and sub
}

// open reads what was kept and calls restore with every user.
func (l *userLog) open(s *store.Store, restore func(u *user) (known bool)) (err error) {
	if l.table, err = store.NewTable[*user](s, "cognito-idp/users"); err != nil {
		return err
	}
	for key, u := range l.table.All() {
		if !restore(u) {
			if _, err := l.table.Delete(key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *userLog) put(u *user) error {
	if err := l.table.Put(u.key(), u); err != nil {
		return fmt.Errorf("keeping a user: %w", err)
	}
	return nil
}

func (l *userLog) forget(u *user) error {
	if _, err := l.table.Delete(u.key()); err != nil {
		return fmt.Errorf("deleting a user: %w", err)
	}
	return nil
}

// forgetAll forgets the users of a pool that is gone. Whom it does not reach, because the process ends, open leaves out.
func (l *userLog) forgetAll(p *pool) error {
	p.users.mu.RLock()
	defer p.users.mu.RUnlock()
	for _, u := range p.users.ordered {
		if err := l.forget(u); err != nil {
			return err
		}
	}
	return nil
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
