package cognitoidp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

func (s *Service) registerAuth() {
	register(s, "AdminInitiateAuth", func(_ context.Context, p *pool, in *AdminInitiateAuthInput) (*AuthOutput, error) {
		c, err := s.client(p.id, in.ClientId)
		if err != nil {
			return nil, err
		}
		return s.initiate(p, c, in.AuthFlow, in.AuthParameters, true)
	})
	register(s, "AdminRespondToAuthChallenge", func(_ context.Context, p *pool, in *AdminRespondToAuthChallengeInput) (*AuthOutput, error) {
		c, err := s.client(p.id, in.ClientId)
		if err != nil {
			return nil, err
		}
		return s.respond(p, c, in.ChallengeName, in.Session, in.ChallengeResponses)
	})
	ofClient := func(id string) string {
		if c, ok := s.clients.Get(id); ok {
			return c.UserPoolId
		}
		return ""
	}
	registerOpen(s, "InitiateAuth", func(in *InitiateAuthInput) string { return ofClient(in.ClientId) }, func(_ context.Context, in *InitiateAuthInput) (*AuthOutput, error) {
		p, c, err := s.poolOf(in.ClientId)
		if err != nil {
			return nil, err
		}
		return s.initiate(p, c, in.AuthFlow, in.AuthParameters, false)
	})
	registerOpen(s, "RespondToAuthChallenge", func(in *RespondToAuthChallengeInput) string { return ofClient(in.ClientId) },
		func(_ context.Context, in *RespondToAuthChallengeInput) (*AuthOutput, error) {
			p, c, err := s.poolOf(in.ClientId)
			if err != nil {
				return nil, err
			}
			return s.respond(p, c, in.ChallengeName, in.Session, in.ChallengeResponses)
		})
	registerOpen(s, "GetUser", func(in *AccessTokenInput) string { return s.poolOfToken(in.AccessToken) }, func(_ context.Context, in *AccessTokenInput) (*GetUserOutput, error) {
		_, c, u, err := s.bearer(in.AccessToken)
		if err != nil {
			return nil, err
		}
		out := &GetUserOutput{Username: u.Username, UserAttributes: u.described(c.readable())}
		out.PreferredMfaSetting, out.UserMFASettingList = u.factors()
		return out, nil
	})
	registerOpen(s, "GlobalSignOut", func(in *AccessTokenInput) string { return s.poolOfToken(in.AccessToken) }, func(_ context.Context, in *AccessTokenInput) (*Empty, error) {
		p, _, u, err := s.bearer(in.AccessToken)
		if err != nil {
			return nil, err
		}
		return &Empty{}, s.changeUser(p, u.Sub, signOut)
	})
	registerOpen(s, "ChangePassword", func(in *ChangePasswordInput) string { return s.poolOfToken(in.AccessToken) }, s.changePassword)
}

// poolOf returns a client and its pool.
func (s *Service) poolOf(clientID string) (*pool, *UserPoolClient, error) {
	c, err := s.client("", clientID)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.find(c.UserPoolId)
	return p, c, err
}

// poolOfToken is the pool that an access token names; empty if there is none.
func (s *Service) poolOfToken(token string) string {
	c, ok := claimsOf(token)
	if !ok {
		return ""
	}
	if p, err := s.find(c.pool()); err == nil {
		return p.id
	}
	return ""
}

// readable are the attributes that a client may read; nil: all.
func (c *UserPoolClient) readable() []string {
	if len(c.ReadAttributes) == 0 {
		return nil
	}
	return append([]string{"sub"}, c.ReadAttributes...)
}

// authFlows are AWS's ways to begin a sign-in.
var authFlows = []string{"USER_SRP_AUTH", "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN", "CUSTOM_AUTH", "ADMIN_NO_SRP_AUTH", "USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "USER_AUTH"}

// initiate begins a sign-in.
func (s *Service) initiate(p *pool, c *UserPoolClient, flow string, params map[string]string, admin bool) (*AuthOutput, error) {
	var wrong checks
	if wrong.oneOf("authFlow", flow, authFlows...); flow == "" {
		wrong.fail("authFlow", "Member must not be null")
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	switch flow {
	case "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN":
		if !c.allows("ALLOW_REFRESH_TOKEN_AUTH", "") {
			return nil, invalid("Auth flow not enabled for this client")
		}
		return s.refresh(p, c, params)
	case "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH":
		if !admin {
			return nil, invalid("Initiate Auth method not supported.")
		}
		if !c.allows("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH") {
			return nil, invalid("Auth flow not enabled for this client")
		}
	case "USER_PASSWORD_AUTH":
		if admin {
			return nil, invalid("Initiate Auth method not supported.")
		}
		if !c.allows("ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH") {
			return nil, invalid("USER_PASSWORD_AUTH flow not enabled for this client")
		}
	default:
		return nil, notEmulated(flow + ": sign in with USER_PASSWORD_AUTH, or with ADMIN_USER_PASSWORD_AUTH through AdminInitiateAuth")
	}
	return s.byPassword(p, c, params)
}

func required(params map[string]string, name string) (string, error) {
	if v := params[name]; v != "" {
		return v, nil
	}
	return "", invalid("Missing required parameter %s", name)
}

// checkSecret checks that who signs a user in knows the client's secret, if it has one.
// https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html#cognito-user-pools-computing-secret-hash
func (c *UserPoolClient) checkSecret(given string, names ...string) error {
	if c.ClientSecret == "" {
		return nil
	}
	if given == "" {
		return notAuthorized("Client %s is configured with secret but SECRET_HASH was not received", c.ClientId)
	}
	for _, name := range names {
		m := hmac.New(sha256.New, []byte(c.ClientSecret))
		m.Write([]byte(name + c.ClientId))
		if hmac.Equal([]byte(base64.StdEncoding.EncodeToString(m.Sum(nil))), []byte(given)) {
			return nil
		}
	}
	return notAuthorized("Unable to verify secret hash for client %s", c.ClientId)
}

const wrongPassword = "Incorrect username or password."

func (s *Service) byPassword(p *pool, c *UserPoolClient, params map[string]string) (*AuthOutput, error) {
	name, err := required(params, "USERNAME")
	if err != nil {
		return nil, err
	}
	text, err := required(params, "PASSWORD")
	if err != nil {
		return nil, err
	}
	if err := c.checkSecret(params["SECRET_HASH"], name); err != nil {
		return nil, err
	}
	u, err := p.lookup(name, false)
	if err != nil {
		if c.PreventUserExistenceErrors == "ENABLED" {
			return nil, notAuthorized(wrongPassword)
		}
		return nil, err
	}
	if err := s.checkPassword(u, text); err != nil {
		return nil, err
	}
	now := s.d.Clock.Now()
	switch {
	case u.Disabled:
		return nil, notAuthorized("User is disabled.")
	case u.Status != statusForceChange:
		return s.secondFactor(p, c, u)
	case now.After(u.PasswordSet.Add(time.Duration(p.now.Load().Pool.Policies.PasswordPolicy.TemporaryPasswordValidityDays) * day)):
		return nil, notAuthorized("Temporary password has expired and must be reset by an administrator.")
	}
	return s.newPasswordRequired(p, c, u)
}

// checkPassword compares a password, with ever longer pauses after five wrong ones.
func (s *Service) checkPassword(u *user, text string) error {
	now := s.d.Clock.Now()
	if s.trials.locked(u.Sub, now) {
		return notAuthorized("Password attempts exceeded")
	}
	if !u.Password.is(text) {
		s.trials.failed(u.Sub, now)
		return notAuthorized(wrongPassword)
	}
	s.trials.forget(u.Sub)
	return nil
}

func (s *Service) refresh(p *pool, c *UserPoolClient, params map[string]string) (*AuthOutput, error) {
	text, err := required(params, "REFRESH_TOKEN")
	if err != nil {
		return nil, err
	}
	t, of := s.unseal(kindRefresh, text)
	if t == nil || of != p || t.Client != c.ClientId {
		return nil, notAuthorized("Invalid Refresh Token")
	}
	u := p.bySub(t.Sub)
	switch {
	case u == nil:
		return nil, errNoUser
	case s.d.Clock.Now().UnixMilli() >= t.Until:
		return nil, notAuthorized("Refresh Token has expired")
	case p.now.Load().revoked(u, t.Origin):
		return nil, notAuthorized("Refresh Token has been revoked")
	case u.Disabled:
		return nil, notAuthorized("User is disabled.")
	}
	if err := c.checkSecret(params["SECRET_HASH"], u.Username, u.Sub); err != nil {
		return nil, err
	}
	return s.tokens(p, c, u, t.Origin, t.AuthTime)
}

// The challenges.
const (
	newPasswordRequired = "NEW_PASSWORD_REQUIRED"
	softwareTokenMFA    = "SOFTWARE_TOKEN_MFA"
	mfaSetup            = "MFA_SETUP"
)

// challenge asks for the next step of a sign-in.
func (s *Service) challenge(p *pool, c *UserPoolClient, u *user, name string, params map[string]string) (*AuthOutput, error) {
	params["USER_ID_FOR_SRP"] = u.Username
	session, err := s.session(p, c, u, name)
	if err != nil {
		return nil, err
	}
	return &AuthOutput{ChallengeName: name, Session: session, ChallengeParameters: params}, nil
}

func (s *Service) session(p *pool, c *UserPoolClient, u *user, challenge string) (string, error) {
	until := s.d.Clock.Now().Add(time.Duration(c.AuthSessionValidity) * time.Minute)
	return p.now.Load().seal(kindSession, &sealed{Pool: p.id, Client: c.ClientId, Sub: u.Sub, Challenge: challenge, Password: u.PasswordSet.UnixNano(), Until: until.UnixMilli()})
}

func (s *Service) newPasswordRequired(p *pool, c *UserPoolClient, u *user) (*AuthOutput, error) {
	missing := []string{}
	for _, name := range p.now.Load().required {
		if u.attribute(name) == "" {
			missing = append(missing, userAttributes+name)
		}
	}
	known := map[string]string{}
	for _, a := range u.Attributes {
		known[a.Name] = a.Value
	}
	params := map[string]string{}
	for name, v := range map[string]any{"requiredAttributes": missing, "userAttributes": known} {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		params[name] = string(text)
	}
	return s.challenge(p, c, u, newPasswordRequired, params)
}

const userAttributes = "userAttributes."

func (s *Service) changePassword(_ context.Context, in *ChangePasswordInput) (*Empty, error) {
	var wrong checks
	checkPassword(&wrong, "previousPassword", in.PreviousPassword)
	checkPassword(&wrong, "proposedPassword", in.ProposedPassword)
	if err := wrong.err(); err != nil {
		return nil, err
	}
	p, _, u, err := s.bearer(in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := s.checkPassword(u, in.PreviousPassword); err != nil {
		return nil, err
	}
	return &Empty{}, s.choose(p, u, in.ProposedPassword, nil)
}

// choose gives a user the password that the user has chosen; also, if not nil, changes more.
func (s *Service) choose(p *pool, was *user, text string, also func(now *settings, u *user) error) error {
	policy := p.now.Load().Pool.Policies.PasswordPolicy
	if err := policy.check(text); err != nil {
		return err
	}
	if err := was.reused(policy, text); err != nil {
		return err
	}
	hashed := hashPassword(text, chosenRounds) // not under the pool's lock
	return s.changeUser(p, was.Sub, func(now *settings, u *user) error {
		if !u.PasswordSet.Equal(was.PasswordSet.Time) {
			return notAuthorized(invalidSession) // somebody was faster
		}
		u.setPassword(policy, hashed, false, s.d.Clock.Now())
		if also == nil {
			return nil
		}
		return also(now, u)
	})
}

var challengeNames = []string{"SMS_MFA", "EMAIL_OTP", softwareTokenMFA, "SELECT_MFA_TYPE", mfaSetup, "PASSWORD_VERIFIER", "CUSTOM_CHALLENGE", "SELECT_CHALLENGE",
	"DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER", "ADMIN_NO_SRP_AUTH", newPasswordRequired, "SMS_OTP", "PASSWORD", "WEB_AUTHN", "PASSWORD_SRP"}

const invalidSession = "Invalid session for the user."

// open returns the user of a session for a challenge.
func (s *Service) open(text, challenge string) (*pool, *UserPoolClient, *user, error) {
	fail := func(text string) (*pool, *UserPoolClient, *user, error) {
		return nil, nil, nil, notAuthorized("%s", text)
	}
	if text == "" {
		return nil, nil, nil, invalid("Missing required parameter Session")
	}
	t, p := s.unseal(kindSession, text)
	if t == nil || t.Challenge != challenge {
		return fail(invalidSession)
	}
	if s.d.Clock.Now().UnixMilli() >= t.Until {
		return fail("Invalid session for the user, session is expired.")
	}
	c, err := s.client(p.id, t.Client)
	if err != nil {
		return nil, nil, nil, err
	}
	u := p.bySub(t.Sub)
	switch {
	case u == nil:
		return nil, nil, nil, errNoUser
	case u.Disabled:
		return fail("User is disabled.")
	case u.PasswordSet.UnixNano() != t.Password:
		return fail(invalidSession)
	}
	return p, c, u, nil
}

// respond takes the answer to a challenge.
func (s *Service) respond(p *pool, c *UserPoolClient, name, session string, answers map[string]string) (*AuthOutput, error) {
	var wrong checks
	if wrong.oneOf("challengeName", name, challengeNames...); name == "" {
		wrong.fail("challengeName", "Member must not be null")
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{newPasswordRequired, softwareTokenMFA, mfaSetup}, name) {
		return nil, notEmulated("the challenge " + name)
	}
	called, err := required(answers, "USERNAME")
	if err != nil {
		return nil, err
	}
	if err := c.checkSecret(answers["SECRET_HASH"], called); err != nil {
		return nil, err
	}
	asked := name
	if name == mfaSetup {
		asked = mfaReady
	}
	of, client, u, err := s.open(session, asked)
	if err != nil {
		return nil, err
	}
	if named, err := p.lookup(called, false); err != nil || named.Sub != u.Sub || of != p || client.ClientId != c.ClientId {
		return nil, notAuthorized(invalidSession)
	}
	switch name {
	case softwareTokenMFA:
		if err := s.answerTOTP(p, u, answers); err != nil {
			return nil, err
		}
		return s.grant(p, c, u)
	case mfaSetup:
		return s.grant(p, c, u)
	}
	if u.Status != statusForceChange {
		return nil, notAuthorized(invalidSession)
	}
	text, err := required(answers, "NEW_PASSWORD")
	if err != nil {
		return nil, err
	}
	var chosen *user
	err = s.choose(p, u, text, func(now *settings, u *user) error {
		chosen = u
		return u.complete(now, c, answers)
	})
	if err != nil {
		return nil, err
	}
	return s.secondFactor(p, c, chosen)
}
