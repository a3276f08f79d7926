package cognitoidp

import (
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// Category is a group of operations that share a rate on AWS.
// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html#category_operations
type Category string

// The categories that have operations here.
const (
	UserAuthentication Category = "UserAuthentication" // 120 a second on AWS
	UserCreation       Category = "UserCreation"       // 50
	UserRead           Category = "UserRead"           // 120
	UserUpdate         Category = "UserUpdate"         // 25
	UserList           Category = "UserList"           // 30
)

var categories = map[string]Category{
	"AdminInitiateAuth": UserAuthentication, "InitiateAuth": UserAuthentication, "AdminRespondToAuthChallenge": UserAuthentication, "RespondToAuthChallenge": UserAuthentication,
	"AdminCreateUser": UserCreation,
	"AdminGetUser":    UserRead, "GetUser": UserRead,
	"AdminDeleteUser": UserUpdate, "AdminDisableUser": UserUpdate, "AdminEnableUser": UserUpdate, "AdminUpdateUserAttributes": UserUpdate,
	"AdminDeleteUserAttributes": UserUpdate, "AdminSetUserPassword": UserUpdate, "ChangePassword": UserUpdate,
	"ListUsers": UserList,
}

// limits are token buckets by category.
type limits struct {
	mu      sync.RWMutex
	buckets map[Category]*bucket
}

type bucket struct {
	mu   sync.Mutex
	rate float64 // a second, and the most that is saved up
	left float64
	at   time.Time
}

// Limit lets so many calls of a category pass a second and answers the others with TooManyRequestsException, as AWS does; 0
// takes the limit away. Without it there is none, so that a test or a demo runs as fast as it can.
func (s *Service) Limit(c Category, perSecond int) {
	l := &s.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	if perSecond <= 0 {
		delete(l.buckets, c)
		return
	}
	if l.buckets == nil {
		l.buckets = map[Category]*bucket{}
	}
	l.buckets[c] = &bucket{rate: float64(perSecond), left: float64(perSecond), at: s.d.Clock.Now()}
}

func (l *limits) take(now time.Time, action string) error {
	l.mu.RLock()
	b := l.buckets[categories[action]]
	l.mu.RUnlock()
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.rate, b.left+now.Sub(b.at).Seconds()*b.rate)
	b.at = now
	if b.left < 1 {
		return dispatch.Errorf("TooManyRequestsException", "Too many requests")
	}
	b.left--
	return nil
}

// trials counts wrong passwords.
type trials struct {
	mu    sync.Mutex
	bySub map[string]trial
}

type trial struct {
	wrong int
	until time.Time // no attempt before
}

func (t *trials) init() { t.bySub = map[string]trial{} }

func (t *trials) locked(sub string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return now.Before(t.bySub[sub].until)
}

func (t *trials) failed(sub string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.bySub) >= trialsKept {
		clear(t.bySub)
	}
	n := t.bySub[sub].wrong + 1
	t.bySub[sub] = trial{n, now.Add(pause(n))}
}

func (t *trials) forget(sub string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.bySub, sub)
}

// trialsKept bounds the number of users whose wrong passwords are counted.
const trialsKept = 100_000

// pause is how long a user must wait after n wrong passwords.
func pause(n int) time.Duration {
	if n < 5 {
		return 0
	}
	return min(time.Second<<min(n-5, 10), 15*time.Minute)
}
