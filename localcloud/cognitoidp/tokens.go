package cognitoidp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// sealed is what sessions and refresh tokens carry. They are not kept: the pool's secret vouches for them, so that they
// outlive the process.
type sealed struct {
	Pool, Client, Sub string
	Challenge         string `json:",omitempty"` // of sessions
	Password          int64  `json:",omitempty"` // of sessions: when the password was set, which a change makes another
	Origin            string `json:",omitempty"` // of refresh tokens: origin_jti
	AuthTime          int64  `json:",omitempty"` // of refresh tokens, in seconds since 1970
	Until             int64  // in milliseconds since 1970
}

// The kinds of sealed texts: one cannot pass for the other.
const (
	kindSession = "session"
	kindRefresh = "refresh"
)

func (r *poolRecord) mac(kind string, text []byte) []byte {
	m := hmac.New(sha256.New, r.Secret)
	m.Write([]byte(kind))
	m.Write([]byte{0})
	m.Write(text)
	return m.Sum(nil)
}

func (r *poolRecord) seal(kind string, v *sealed) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return encoding.EncodeToString(text) + "." + encoding.EncodeToString(r.mac(kind, text)), nil
}

// unseal returns what a text carries and the pool that vouches for it; nil if none does.
func (s *Service) unseal(kind, text string) (*sealed, *pool) {
	left, right, _ := strings.Cut(text, ".")
	payload, err := encoding.DecodeString(left)
	if err != nil {
		return nil, nil
	}
	tag, err := encoding.DecodeString(right)
	if err != nil {
		return nil, nil
	}
	var v sealed
	if json.Unmarshal(payload, &v) != nil {
		return nil, nil
	}
	p, err := s.find(v.Pool)
	if err != nil || !hmac.Equal(tag, p.now.Load().mac(kind, payload)) {
		return nil, nil
	}
	return &v, p
}

// origin makes the origin_jti of a sign-in: a UUID whose last digits depend on the generation of the user's tokens, so that
// a later one revokes it.
func (r *poolRecord) origin(u *user) string {
	id := dispatch.NewRequestID()[:24]
	return id + r.mark(u, id)
}

func (r *poolRecord) mark(u *user, id string) string {
	return hex.EncodeToString(r.mac("origin", []byte(u.Sub+id+strconv.Itoa(u.Generation)))[:6])
}

func (r *poolRecord) revoked(u *user, origin string) bool {
	return len(origin) != 36 || !hmac.Equal([]byte(r.mark(u, origin[:24])), []byte(origin[24:]))
}

// grant makes the tokens of a sign-in.
func (s *Service) grant(p *pool, c *UserPoolClient, u *user) (*AuthOutput, error) {
	now := s.d.Clock.Now()
	record := p.now.Load().poolRecord
	origin := record.origin(u)
	out, err := s.tokens(p, c, u, origin, now.Unix())
	if err != nil {
		return nil, err
	}
	_, _, life := c.lifetimes()
	out.AuthenticationResult.RefreshToken, err = record.seal(kindRefresh, &sealed{
		Pool: p.id, Client: c.ClientId, Sub: u.Sub, Origin: origin, AuthTime: now.Unix(), Until: now.Add(life).UnixMilli()})
	return out, err
}

// tokens makes an id token and an access token.
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
func (s *Service) tokens(p *pool, c *UserPoolClient, u *user, origin string, authTime int64) (*AuthOutput, error) {
	keys, err := s.keysOf(p)
	if err != nil {
		return nil, err
	}
	now := s.d.Clock.Now()
	accessLife, idLife, _ := c.lifetimes()
	event := dispatch.NewRequestID()
	claims := func(use string, life time.Duration) map[string]any {
		return map[string]any{
			"sub": u.Sub, "iss": s.issuer(p.id), "token_use": use, "auth_time": authTime, "iat": now.Unix(), "exp": now.Add(life).Unix(),
			"jti": dispatch.NewRequestID(), "event_id": event, "origin_jti": origin,
		}
	}
	access := claims("access", accessLife)
	access["client_id"], access["username"], access["scope"] = c.ClientId, u.Username, "aws.cognito.signin.user.admin"
	id := claims("id", idLife)
	id["aud"], id["cognito:username"] = c.ClientId, u.Username
	attributes := p.now.Load().attributes
	for _, a := range u.Attributes {
		known := attributes[a.Name]
		switch {
		case len(c.ReadAttributes) > 0 && !slices.Contains(c.ReadAttributes, a.Name), strings.HasPrefix(a.Name, "custom:dev:"):
		case a.Name == "email_verified" || a.Name == "phone_number_verified":
			id[a.Name] = strings.EqualFold(a.Value, "true")
		case a.Name == "address":
			id[a.Name] = map[string]string{"formatted": a.Value}
		case known != nil:
			id[a.Name] = a.Value
		}
	}
	result := &AuthenticationResult{TokenType: "Bearer", ExpiresIn: int(accessLife / time.Second)}
	if result.AccessToken, err = keys[accessTokenKey].sign(access); err != nil {
		return nil, err
	}
	if result.IdToken, err = keys[idTokenKey].sign(id); err != nil {
		return nil, err
	}
	return &AuthOutput{ChallengeParameters: map[string]string{}, AuthenticationResult: result}, nil
}

// accessClaims are what the service reads of its own access tokens.
type accessClaims struct {
	Sub      string `json:"sub"`
	Issuer   string `json:"iss"`
	Use      string `json:"token_use"`
	ClientID string `json:"client_id"`
	Origin   string `json:"origin_jti"`
	Expires  int64  `json:"exp"`
}

func (c *accessClaims) pool() string { return c.Issuer[strings.LastIndexByte(c.Issuer, '/')+1:] }

// claimsOf reads an access token without checking it.
func claimsOf(token string) (c accessClaims, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, false
	}
	payload, err := encoding.DecodeString(parts[1])
	return c, err == nil && json.Unmarshal(payload, &c) == nil
}

// bearer returns the user whose access token a call carries.
func (s *Service) bearer(token string) (*pool, *UserPoolClient, *user, error) {
	fail := func(text string) (*pool, *UserPoolClient, *user, error) {
		return nil, nil, nil, notAuthorized("%s", text)
	}
	if token == "" {
		return nil, nil, nil, invalid("1 validation error detected: Value at 'accessToken' failed to satisfy constraint: Member must not be null")
	}
	c, ok := claimsOf(token)
	if !ok || c.Use != "access" {
		return fail("Invalid Access Token")
	}
	p, err := s.find(c.pool())
	if err != nil {
		return fail("Invalid Access Token")
	}
	keys, err := s.keysOf(p)
	if err != nil {
		return nil, nil, nil, err
	}
	if verify(keys, token) != nil {
		return fail("Invalid Access Token")
	}
	if s.d.Clock.Now().Unix() >= c.Expires {
		return fail("Access Token has expired")
	}
	client, err := s.client(p.id, c.ClientID)
	if err != nil {
		return nil, nil, nil, err
	}
	u := p.bySub(c.Sub)
	switch {
	case u == nil:
		return nil, nil, nil, errNoUser
	case p.now.Load().revoked(u, c.Origin):
		return fail("Access Token has been revoked")
	case u.Disabled:
		return fail("User is disabled.")
	}
	return p, client, u, nil
}

func (p *pool) bySub(sub string) *user {
	p.users.mu.RLock()
	defer p.users.mu.RUnlock()
	return p.users.bySub[sub]
}
