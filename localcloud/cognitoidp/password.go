package cognitoidp

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"math/big"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// password is a password's PBKDF2-HMAC-SHA256. Passwords themselves are kept nowhere.
type password struct {
	Salt   []byte
	Rounds int
	Hash   []byte
}

// The work of hashing, in rounds of about 0.16 µs on a server's core. A password that a user chooses gets 3 ms: it is hashed at
// sign-in only. Temporary passwords are hashed in every AdminCreateUser, of which 500 a second must pass on two cores with
// everything else, so they get less than 0.2 ms: they are made up from random characters unless the caller insists on one,
// expire within days and open nothing but the change of the password.
const (
	chosenRounds    = 20000
	temporaryRounds = 1000
)

func hashPassword(text string, rounds int) password {
	p := password{Salt: make([]byte, 16), Rounds: rounds}
	rand.Read(p.Salt) // never fails, by its contract
	p.Hash = p.derive(text)
	return p
}

func (p *password) derive(text string) []byte {
	key, err := pbkdf2.Key(sha256.New, text, p.Salt, p.Rounds, sha256.Size)
	if err != nil {
		panic("cognitoidp: " + err.Error()) // only for lengths that FIPS 140 forbids
	}
	return key
}

func (p *password) is(text string) bool {
	return p.Hash != nil && subtle.ConstantTimeCompare(p.derive(text), p.Hash) == 1
}

// symbols are what AWS counts as special characters.
// https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html
const symbols = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- "

const (
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	smalls   = "abcdefghijklmnopqrstuvwxyz"
	digits   = "0123456789"
)

// check says why a password does not do.
func (p *PasswordPolicy) check(text string) error {
	reason := ""
	switch {
	case len([]rune(text)) < p.MinimumLength:
		reason = "Password not long enough"
	case p.RequireUppercase && !strings.ContainsAny(text, capitals):
		reason = "Password must have uppercase characters"
	case p.RequireLowercase && !strings.ContainsAny(text, smalls):
		reason = "Password must have lowercase characters"
	case p.RequireNumbers && !strings.ContainsAny(text, digits):
		reason = "Password must have numeric characters"
	case p.RequireSymbols && !strings.ContainsAny(text, symbols):
		reason = "Password must have symbol characters"
	default:
		return nil
	}
	return dispatch.Errorf("InvalidPasswordException", "Password did not conform with policy: %s", reason)
}

// propose makes up a password that satisfies the policy, with about six bits of chance in each character.
func (p *PasswordPolicy) propose() string {
	const marks = "!@#%&*=+-"
	text := []byte(random(1, capitals) + random(1, smalls) + random(1, digits) + random(1, marks) + random(max(p.MinimumLength, 12)-4, alphanumeric))
	for i := len(text) - 1; i > 0; i-- {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(i+1)))
		if err != nil {
			panic("cognitoidp: " + err.Error()) // the system's source of chance does not fail
		}
		j := int(n.Int64())
		text[i], text[j] = text[j], text[i]
	}
	return string(text)
}

// reused reports whether a password is among those that the pool's history forbids.
func (u *user) reused(policy *PasswordPolicy, text string) error {
	n := policy.PasswordHistorySize
	if n == 0 || u.Status != statusConfirmed {
		return nil
	}
	known := append([]password{u.Password}, u.Earlier...)
	if slices.ContainsFunc(known[:min(n, len(known))], func(p password) bool { return p.is(text) }) {
		return dispatch.Errorf("PasswordHistoryPolicyViolationException", "Password has previously been used")
	}
	return nil
}

func checkPassword(c *checks, member, text string) { c.text(member, text, 1, 256, passwordForm) }
