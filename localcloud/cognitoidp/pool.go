package cognitoidp

import (
	"crypto/rand"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// poolRecord is a pool as the state file keeps it.
type poolRecord struct {
	Pool          UserPool
	SoftwareToken bool   // one-time passwords of authenticator apps are on
	Secret        []byte // seals sessions and refresh tokens
}

// pool is a pool at work.
type pool struct {
	id    string
	now   atomic.Pointer[settings]
	users directory
	keys  keyring
}

// settings are a pool's record, which is never changed but replaced, and what follows from it.
type settings struct {
	*poolRecord
	attributes map[string]*SchemaAttribute
	required   []string // but sub
	emailAlias, phoneAlias, nameAlias,
	emailName, phoneName,
	caseSensitive bool
}

func newPool(r *poolRecord) *pool {
	p := &pool{id: r.Pool.Id}
	p.set(r)
	p.users.init()
	return p
}

func (p *pool) set(r *poolRecord) {
	s := &settings{poolRecord: r, attributes: map[string]*SchemaAttribute{}, caseSensitive: true}
	for i := range r.Pool.SchemaAttributes {
		a := &r.Pool.SchemaAttributes[i]
		s.attributes[a.Name] = a
		if a.Required && a.Name != "sub" {
			s.required = append(s.required, a.Name)
		}
	}
	for _, a := range r.Pool.AliasAttributes {
		s.emailAlias = s.emailAlias || a == "email"
		s.phoneAlias = s.phoneAlias || a == "phone_number"
		s.nameAlias = s.nameAlias || a == "preferred_username"
	}
	for _, a := range r.Pool.UsernameAttributes {
		s.emailName = s.emailName || a == "email"
		s.phoneName = s.phoneName || a == "phone_number"
	}
	if u := r.Pool.UsernameConfiguration; u != nil {
		s.caseSensitive = u.CaseSensitive
	}
	p.now.Store(s)
}

// fold is a user name or alias as it is compared.
func (s *settings) fold(name string) string {
	if s.caseSensitive {
		return name
	}
	return strings.ToLower(name)
}

// aliases are the names by which a user can be found beside the user name: "email\x00a@b". Those of attributes that need
// it are there once the attribute is verified; where addresses are user names they need no verification.
func (s *settings) aliases(u *user) []string {
	var all []string
	add := func(attribute string, on bool) {
		if v := u.attribute(attribute); on && v != "" {
			all = append(all, attribute+"\x00"+s.fold(v))
		}
	}
	add("email", s.emailName || s.emailAlias && u.verified("email"))
	add("phone_number", s.phoneName || s.phoneAlias && u.verified("phone_number"))
	add("preferred_username", s.nameAlias)
	return all
}

// lookup finds a user by user name, alias or, as operations for administrators allow, sub.
func (p *pool) lookup(name string, bySub bool) (*user, error) {
	s := p.now.Load()
	p.users.mu.RLock()
	defer p.users.mu.RUnlock()
	folded := s.fold(name)
	if u := p.users.byName[folded]; u != nil {
		return u, nil
	}
	for _, attribute := range []string{"email", "phone_number", "preferred_username"} {
		if u := p.users.aliases[attribute+"\x00"+folded]; u != nil {
			return u, nil
		}
	}
	if bySub {
		if u := p.users.bySub[name]; u != nil {
			return u, nil
		}
	}
	return nil, errNoUser
}

var errNoUser = dispatch.Errorf("UserNotFoundException", "User does not exist.")

// directory are a pool's users. Users in it are never changed but replaced.
type directory struct {
	mu      sync.RWMutex
	byName  map[string]*user // folded
	bySub   map[string]*user
	aliases map[string]*user
	ordered []*user // by Seq
	last    uint64  // the highest Seq given
}

func (d *directory) init() {
	d.byName, d.bySub, d.aliases = map[string]*user{}, map[string]*user{}, map[string]*user{}
}

const (
	alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	lowercase    = "0123456789abcdefghijklmnopqrstuvwxyz"
)

// random returns n characters of an alphabet.
func random(n int, alphabet string) string {
	var b strings.Builder
	b.Grow(n)
	limit := 256 - 256%len(alphabet) // above it the remainder would favour the first letters
	var buffer [64]byte
	for b.Len() < n {
		rand.Read(buffer[:]) // never fails, by its contract
		for _, c := range buffer {
			if int(c) < limit && b.Len() < n {
				b.WriteByte(alphabet[int(c)%len(alphabet)])
			}
		}
	}
	return b.String()
}
