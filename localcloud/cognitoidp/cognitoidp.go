// Package cognitoidp is the embedded AWS's Cognito user pools: pools, app clients, users that administrators create, and their
// sign-in with passwords, temporary ones included, up to tokens that any JWT library can verify.
//
// Tokens name as their issuer the address at which this process serves the pool's keys, http://localhost:4566/<pool>, and not
// https://cognito-idp.<region>.amazonaws.com/<pool>, so that OpenID discovery and JWKS clients work unchanged.
//
// Not emulated and refused: sign-up and recovery by the user, SRP, custom and passwordless sign-in, triggers, SMS, groups,
// domains with hosted pages and OAuth endpoints, identity providers, devices, threat protection.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/
package cognitoidp

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

const serviceName = "cognito-idp"

// Service is the emulated Cognito. Make it with New.
type Service struct {
	d       *dispatch.Dispatcher
	records *store.Table[*poolRecord]
	clients *store.Table[*UserPoolClient] // by client id
	keys    *store.Table[*poolKeys]       // by pool id
	log     userLog
	outbox  outbox
	limits  limits
	trials  trials

	mu       sync.RWMutex
	pools    map[string]*pool
	endpoint string

	change sync.Mutex // serialises what reads a pool or a client and writes it back
}

// New registers Cognito's operations and reads pools and users from s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	svc := &Service{d: d, pools: map[string]*pool{}, endpoint: "http://localhost:4566"}
	svc.trials.init()
	var err error
	if svc.records, err = store.NewTable[*poolRecord](s, "cognito-idp/pools"); err != nil {
		return nil, err
	}
	if svc.clients, err = store.NewTable[*UserPoolClient](s, "cognito-idp/clients"); err != nil {
		return nil, err
	}
	if svc.keys, err = store.NewTable[*poolKeys](s, "cognito-idp/keys"); err != nil {
		return nil, err
	}
	for id, r := range svc.records.All() {
		svc.pools[id] = newPool(r)
	}
	if err := svc.log.open(s, svc.restore); err != nil {
		return nil, fmt.Errorf("reading the users: %w", err)
	}
	svc.registerPools()
	svc.registerClients()
	svc.registerUsers()
	svc.registerAuth()
	svc.registerMFA()
	svc.registerDelivery()
	return svc, nil
}

// SetEndpoint sets the URL of the embedded AWS, from which issuers are made; http://localhost:4566 by default.
func (s *Service) SetEndpoint(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoint = strings.TrimSuffix(url, "/")
}

// issuer is what a pool's tokens name as their issuer.
func (s *Service) issuer(pool string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.endpoint + "/" + pool
}

// find returns a pool.
func (s *Service) find(id string) (*pool, error) {
	s.mu.RLock()
	p := s.pools[id]
	s.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	var c checks
	c.text("userPoolId", id, 1, 55, poolIDForm)
	if err := c.err(); err != nil {
		return nil, err
	}
	return nil, dispatch.Errorf("ResourceNotFoundException", "User pool %s does not exist.", id)
}

func (s *Service) poolARN(id string) string { return s.d.ARN(serviceName, "userpool/"+id) }

// client returns a pool's client; without a pool, any.
func (s *Service) client(pool, id string) (*UserPoolClient, error) {
	c, ok := s.clients.Get(id)
	if !ok || pool != "" && c.UserPoolId != pool {
		if id == "" {
			return nil, invalid("1 validation error detected: Value at 'clientId' failed to satisfy constraint: Member must not be null")
		}
		return nil, dispatch.Errorf("ResourceNotFoundException", "User pool client %s does not exist.", id)
	}
	return c, nil
}

func invalid(format string, args ...any) error {
	return dispatch.Errorf("InvalidParameterException", format, args...)
}

func notAuthorized(format string, args ...any) error {
	return dispatch.Errorf("NotAuthorizedException", format, args...)
}

func notEmulated(what string) error {
	return invalid("the embedded AWS does not emulate %s", what)
}

// inPool is a request that names a pool.
type inPool interface{ pool() string }

// register adds an operation on a pool.
func register[In, Out any, P interface {
	*In
	inPool
}](s *Service, action string, do func(ctx context.Context, p *pool, in *In) (*Out, error)) {
	dispatch.Register(s.d, dispatch.Operation{Service: serviceName, Action: action},
		dispatch.On(func(_ *dispatch.Call, in *In) []string { return []string{s.poolARN(P(in).pool())} }),
		func(ctx context.Context, _ *dispatch.Call, in *In) (*Out, error) {
			if err := s.limits.take(s.d.Clock.Now(), action); err != nil {
				return nil, err
			}
			p, err := s.find(P(in).pool())
			if err != nil {
				return nil, err
			}
			return do(ctx, p, in)
		})
}

// registerOpen adds an operation that users call without credentials of AWS. acts names the pool for the journal; it is empty
// when the request names none that exists.
func registerOpen[In, Out any](s *Service, action string, acts func(in *In) (pool string), do func(ctx context.Context, in *In) (*Out, error)) {
	dispatch.Register(s.d, dispatch.Operation{Service: serviceName, Action: action, Open: true, Unsigned: true},
		dispatch.On(func(_ *dispatch.Call, in *In) []string {
			if pool := acts(in); pool != "" {
				return []string{s.poolARN(pool)}
			}
			return nil
		}),
		func(ctx context.Context, _ *dispatch.Call, in *In) (*Out, error) {
			if err := s.limits.take(s.d.Clock.Now(), action); err != nil {
				return nil, err
			}
			return do(ctx, in)
		})
}
