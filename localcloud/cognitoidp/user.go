package cognitoidp

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// The states of users.
const (
	statusForceChange = "FORCE_CHANGE_PASSWORD"
	statusConfirmed   = "CONFIRMED"
)

// user is a user as it is kept.
type user struct {
	Pool, Sub, Username string
	Seq                 uint64 // the order of creation in the pool
	Attributes          []Attribute
	Created, Modified   dispatch.Time
	Disabled            bool `json:",omitempty"`
	Status              string
	Password            password
	PasswordSet         dispatch.Time
	Earlier             []password `json:",omitempty"` // as many as the pool's history asks for, latest first
	Generation          int        `json:",omitempty"` // of tokens; the earlier ones are revoked
	TOTP                []byte     `json:",omitempty"` // the verified secret of the authenticator app
	TOTPUsed            int64      `json:",omitempty"` // the latest time step whose code was taken
	UsesTOTP            bool       `json:",omitempty"` // the user's preference
}

func (u *user) key() string { return u.Pool + "/" + u.Sub }

func (u *user) attribute(name string) string {
	if name == "sub" {
		return u.Sub
	}
	for _, a := range u.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// set gives an attribute its value, or takes it away if there is none, on a copy of what the user has.
func (u *user) set(name, value string) {
	u.Attributes = slices.Clone(u.Attributes)
	i := slices.IndexFunc(u.Attributes, func(a Attribute) bool { return a.Name == name })
	switch {
	case i >= 0 && value == "":
		u.Attributes = slices.Delete(u.Attributes, i, i+1)
	case i >= 0:
		u.Attributes[i].Value = value
	case value != "":
		u.Attributes = append(u.Attributes, Attribute{name, value})
	}
}

// described are a user's attributes; without a filter all of them.
func (u *user) described(only []string) []Attribute {
	all := make([]Attribute, 0, len(u.Attributes)+1)
	if only == nil || slices.Contains(only, "sub") {
		all = append(all, Attribute{"sub", u.Sub})
	}
	for _, a := range u.Attributes {
		if only == nil || slices.Contains(only, a.Name) {
			all = append(all, a)
		}
	}
	return all
}

func (u *user) describe(only []string) User {
	return User{Username: u.Username, Attributes: u.described(only), UserCreateDate: u.Created, UserLastModifiedDate: u.Modified, Enabled: !u.Disabled, UserStatus: u.Status}
}

// factors are what AdminGetUser and GetUser tell of second factors.
func (u *user) factors() (preferred string, all []string) {
	if u.UsesTOTP && u.TOTP != nil {
		return softwareTokenMFA, []string{softwareTokenMFA}
	}
	return "", nil
}

// insert puts a user in the directory in the place of `before`, which is nil for a new one. The caller holds the lock.
func (d *directory) insert(s *settings, before, u *user) {
	if before != nil {
		d.unname(s, before)
	}
	d.byName[s.fold(u.Username)], d.bySub[u.Sub] = u, u
	for _, a := range s.aliases(u) {
		d.aliases[a] = u
	}
	if i, found := slices.BinarySearchFunc(d.ordered, u.Seq, bySeq); found {
		d.ordered[i] = u
	} else {
		d.ordered = slices.Insert(d.ordered, i, u)
	}
	d.last = max(d.last, u.Seq)
}

func bySeq(u *user, seq uint64) int { return cmp.Compare(u.Seq, seq) }

func (d *directory) unname(s *settings, u *user) {
	delete(d.byName, s.fold(u.Username))
	delete(d.bySub, u.Sub)
	for _, a := range s.aliases(u) {
		if d.aliases[a] == u {
			delete(d.aliases, a)
		}
	}
}

func (d *directory) remove(s *settings, u *user) {
	d.unname(s, u)
	if i, found := slices.BinarySearchFunc(d.ordered, u.Seq, bySeq); found {
		d.ordered = slices.Delete(d.ordered, i, i+1)
	}
}

// holder is another user who has one of u's aliases, and the attribute, or nil.
func (d *directory) holder(s *settings, u *user) (*user, string) {
	for _, a := range s.aliases(u) {
		if other := d.aliases[a]; other != nil && other.Sub != u.Sub {
			attribute, _, _ := strings.Cut(a, "\x00")
			return other, attribute
		}
	}
	return nil, ""
}

// changeUser replaces a user. f gets a copy, whose slices it must replace and not change.
func (s *Service) changeUser(p *pool, sub string, f func(now *settings, u *user) error) error {
	if err := s.replace(p, sub, f); err != nil {
		return err
	}
	return s.log.flush()
}

func (s *Service) replace(p *pool, sub string, f func(now *settings, u *user) error) error {
	d := &p.users
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.bySub[sub]
	if before == nil {
		return errNoUser
	}
	now := p.now.Load()
	u := *before
	if err := f(now, &u); err != nil {
		return err
	}
	if other, attribute := d.holder(now, &u); other != nil {
		return dispatch.Errorf("AliasExistsException", "An account with the %s already exists.", attribute)
	}
	u.Modified = dispatch.Time{Time: s.d.Clock.Now()}
	if err := s.log.put(&u); err != nil {
		return err
	}
	d.insert(now, before, &u)
	return nil
}

// setPassword gives a user a password that was checked against the policy. A temporary one must be changed at the next
// sign-in.
func (u *user) setPassword(policy *PasswordPolicy, hashed password, temporary bool, at time.Time) {
	if n := policy.PasswordHistorySize; n > 0 && u.Password.Hash != nil && u.Status == statusConfirmed {
		u.Earlier = append([]password{u.Password}, u.Earlier...)
		u.Earlier = u.Earlier[:min(n, len(u.Earlier))]
	}
	u.Password, u.PasswordSet, u.Status = hashed, dispatch.Time{Time: at}, statusConfirmed
	if temporary {
		u.Status = statusForceChange
	}
}
