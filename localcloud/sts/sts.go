// Package sts is the embedded AWS's Security Token Service: who a caller is, and temporary credentials for roles.
//
// It follows https://docs.aws.amazon.com/STS/latest/APIReference/. Session policies, session tags, external ids and MFA
// are not emulated: requests that name them are refused.
package sts

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/store"
)

// Service is the emulated STS. Make it with New.
type Service struct {
	d *dispatch.Dispatcher

	mu       sync.Mutex
	sessions map[string]session // by access key id
}

// session is what temporary credentials stand for.
type session struct {
	Principal  dispatch.Principal
	Expiration time.Time
}

// sessionsKept is the number of sessions from which expired ones are dropped when a new one is made.
const sessionsKept = 1024

// Credentials are temporary credentials.
type Credentials struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      dispatch.Time
}

// GetCallerIdentityInput is the request of GetCallerIdentity.
type GetCallerIdentityInput struct{}

// GetCallerIdentityOutput is the response of GetCallerIdentity.
type GetCallerIdentityOutput struct {
	UserId  string
	Account string
	Arn     string
}

// AssumeRoleInput is the request of AssumeRole.
type AssumeRoleInput struct {
	RoleArn         string
	RoleSessionName string
	DurationSeconds int32 `json:",omitempty"` // 900 to the role's maximum; 0 means 3600, or 12 hours for AWS services
}

// AssumedRoleUser is the session in a response of AssumeRole.
type AssumedRoleUser struct {
	AssumedRoleId string
	Arn           string
}

// AssumeRoleOutput is the response of AssumeRole.
type AssumeRoleOutput struct {
	Credentials     Credentials
	AssumedRoleUser AssumedRoleUser
}

// New registers STS's operations. Sessions survive a clean stop.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	svc := &Service{d: d, sessions: map[string]session{}}
	if _, err := s.Load("sts/sessions", &svc.sessions); err != nil {
		return nil, err
	}
	s.OnSave(func() error {
		svc.mu.Lock()
		defer svc.mu.Unlock()
		svc.dropExpired()
		return s.Save("sts/sessions", svc.sessions)
	})
	dispatch.Register(d, dispatch.Operation{Service: "sts", Action: "GetCallerIdentity", Open: true}, dispatch.Anywhere[GetCallerIdentityInput](), svc.getCallerIdentity)
	// The role's trust policy decides, and the caller's policies with it: that is Assume's matter, not the dispatcher's.
	dispatch.Register(d, dispatch.Operation{Service: "sts", Action: "AssumeRole", Open: true},
		dispatch.On(func(_ *dispatch.Call, in *AssumeRoleInput) []string { return []string{in.RoleArn} }), svc.assumeRole)
	return svc, nil
}

func (s *Service) getCallerIdentity(ctx context.Context, c *dispatch.Call, _ *GetCallerIdentityInput) (*GetCallerIdentityOutput, error) {
	out := &GetCallerIdentityOutput{UserId: s.d.Account, Account: s.d.Account, Arn: c.Principal.ARN}
	if c.Principal.RoleARN != "" {
		role, err := s.role(ctx, c.Principal.RoleARN)
		if err != nil {
			return nil, err
		}
		out.UserId = sessionID(role, c.Principal)
	}
	return out, nil
}

// role asks IAM for a role.
func (s *Service) role(ctx context.Context, arn string) (*iam.Role, error) {
	out, err := dispatch.Do[iam.RoleOutput](ctx, s.d, s.d.Root(), "iam", "GetRole", &iam.RoleInput{RoleName: lastPart(arn)})
	if err != nil {
		return nil, err
	}
	return &out.Role, nil
}

func sessionID(role *iam.Role, p dispatch.Principal) string {
	return role.RoleId + ":" + lastPart(p.ARN)
}

func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

var (
	roleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

func (s *Service) assumeRole(ctx context.Context, c *dispatch.Call, in *AssumeRoleInput) (*AssumeRoleOutput, error) {
	if !roleARN.MatchString(in.RoleArn) {
		return nil, dispatch.Errorf("ValidationError", "%s is invalid", in.RoleArn)
	}
	if !sessionName.MatchString(in.RoleSessionName) {
		return nil, dispatch.Errorf("ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", in.RoleSessionName)
	}
	p, err := s.d.Assume(ctx, c.Principal, in.RoleArn, in.RoleSessionName)
	if err != nil {
		return nil, err
	}
	role, err := s.role(ctx, in.RoleArn)
	if err != nil {
		return nil, err
	}
	duration, err := sessionDuration(c.Principal, role, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	return &AssumeRoleOutput{
		Credentials:     s.issue(p, duration),
		AssumedRoleUser: AssumedRoleUser{AssumedRoleId: sessionID(role, p), Arn: p.ARN},
	}, nil
}

// serviceSession is how long a session lasts that an AWS service opens, such as Lambda for a function.
const serviceSession = 12 * time.Hour

func sessionDuration(by dispatch.Principal, role *iam.Role, seconds int32) (time.Duration, error) {
	switch {
	case by.Service != "":
		return serviceSession, nil
	case seconds == 0:
		return time.Hour, nil
	case seconds < 900 || seconds > 43200:
		return 0, dispatch.Errorf("ValidationError", "1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200", seconds)
	case seconds > role.MaxSessionDuration:
		return 0, dispatch.Errorf("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case by.RoleARN != "" && seconds > 3600:
		return 0, dispatch.Errorf("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	return time.Duration(seconds) * time.Second, nil
}

// Issue returns credentials with which calls are made as p, for an hour.
func (s *Service) Issue(p dispatch.Principal) Credentials { return s.issue(p, time.Hour) }

func (s *Service) issue(p dispatch.Principal, lasting time.Duration) Credentials {
	expiration := s.d.Clock.Now().Add(lasting).Truncate(time.Second)
	c := Credentials{
		AccessKeyID:     "ASIA" + rand.Text()[:16],
		SecretAccessKey: randomText(30),
		SessionToken:    randomText(96),
		Expiration:      dispatch.Time{Time: expiration},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) >= sessionsKept {
		s.dropExpired()
	}
	s.sessions[c.AccessKeyID] = session{p, expiration}
	return c
}

func randomText(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails, by its contract
	return base64.StdEncoding.EncodeToString(b)
}

// dropExpired forgets expired sessions, but those of the last day, whose users are told that they expired. The caller
// holds the lock.
func (s *Service) dropExpired() {
	limit := s.d.Clock.Now().Add(-24 * time.Hour)
	for id, session := range s.sessions {
		if session.Expiration.Before(limit) {
			delete(s.sessions, id)
		}
	}
}

// Principal returns who makes a call that is signed with an access key. Keys that STS has not issued, such as the "test"
// of local profiles, are the account's root; signatures are not checked, because whoever reaches the loopback port owns
// the embedded AWS. Temporary keys (ASIA...) that are not known give UnrecognizedClientException, expired ones
// ExpiredTokenException, as AWS's JSON protocol names them.
func (s *Service) Principal(accessKeyID string) (dispatch.Principal, error) {
	if !strings.HasPrefix(accessKeyID, "ASIA") {
		return s.d.Root(), nil
	}
	s.mu.Lock()
	known, ok := s.sessions[accessKeyID]
	s.mu.Unlock()
	switch {
	case !ok:
		return dispatch.Principal{}, &dispatch.Error{Code: "UnrecognizedClientException", Status: 403, Message: "The security token included in the request is invalid."}
	case !s.d.Clock.Now().Before(known.Expiration):
		return dispatch.Principal{}, &dispatch.Error{Code: "ExpiredTokenException", Status: 403, Message: "The security token included in the request is expired"}
	}
	return known.Principal, nil
}
