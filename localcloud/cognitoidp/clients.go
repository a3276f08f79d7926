package cognitoidp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func (s *Service) registerClients() {
	register(s, "CreateUserPoolClient", s.createClient)
	register(s, "DescribeUserPoolClient", func(_ context.Context, p *pool, in *ClientInput) (*UserPoolClientOutput, error) {
		c, err := s.client(p.id, in.ClientId)
		if err != nil {
			return nil, err
		}
		return &UserPoolClientOutput{*c}, nil
	})
	register(s, "UpdateUserPoolClient", s.updateClient)
	register(s, "DeleteUserPoolClient", func(_ context.Context, p *pool, in *ClientInput) (*Empty, error) {
		if _, err := s.client(p.id, in.ClientId); err != nil {
			return nil, err
		}
		if _, err := s.clients.Delete(in.ClientId); err != nil {
			return nil, fmt.Errorf("deleting the client %s: %w", in.ClientId, err)
		}
		return &Empty{}, nil
	})
	register(s, "ListUserPoolClients", s.listClients)
}

func (s *Service) createClient(_ context.Context, p *pool, in *CreateUserPoolClientInput) (*UserPoolClientOutput, error) {
	var c checks
	c.text("clientName", in.ClientName, 1, 128, nameForm)
	if err := in.check(&c, p.now.Load()); err != nil {
		return nil, err
	}
	now := dispatch.Time{Time: s.d.Clock.Now()}
	client := &UserPoolClient{UserPoolId: p.id, ClientId: random(26, lowercase), CreationDate: now, LastModifiedDate: now, ClientSettings: in.withDefaults()}
	if in.GenerateSecret {
		client.ClientSecret = random(52, lowercase)
	}
	return &UserPoolClientOutput{*client}, s.keepClient(client)
}

func (s *Service) keepClient(c *UserPoolClient) error {
	if err := s.clients.Put(c.ClientId, c); err != nil {
		return fmt.Errorf("keeping the client %s: %w", c.ClientId, err)
	}
	return nil
}

func (s *Service) updateClient(_ context.Context, p *pool, in *UpdateUserPoolClientInput) (*UserPoolClientOutput, error) {
	if err := in.check(&checks{}, p.now.Load()); err != nil {
		return nil, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	old, err := s.client(p.id, in.ClientId)
	if err != nil {
		return nil, err
	}
	client := *old
	client.ClientSettings, client.LastModifiedDate = in.withDefaults(), dispatch.Time{Time: s.d.Clock.Now()}
	if in.ClientName == "" {
		client.ClientName = old.ClientName
	}
	return &UserPoolClientOutput{client}, s.keepClient(&client)
}

func (s *Service) listClients(_ context.Context, p *pool, in *ListUserPoolClientsInput) (*ListUserPoolClientsOutput, error) {
	var c checks
	size := 60
	if in.MaxResults != 0 {
		c.number("maxResults", in.MaxResults, 1, 60)
		size = in.MaxResults
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	all := []UserPoolClientDescription{}
	for id, client := range s.clients.All() {
		if client.UserPoolId == p.id {
			all = append(all, UserPoolClientDescription{id, p.id, client.ClientName})
		}
	}
	out := &ListUserPoolClientsOutput{}
	out.UserPoolClients, out.NextToken = page(all, func(d UserPoolClientDescription) string { return d.ClientId }, size, in.NextToken)
	return out, nil
}

var (
	newFlows    = []string{"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_AUTH"}
	legacyFlows = []string{"ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH"}
	units       = []string{"seconds", "minutes", "hours", "days"}
)

// check says what AWS, or the embedded AWS, refuses of a client's settings.
func (in *ClientSettings) check(c *checks, now *settings) error {
	c.optional("clientName", in.ClientName, 1, 128, nameForm)
	c.each("explicitAuthFlows", in.ExplicitAuthFlows, slices.Concat(legacyFlows, newFlows)...)
	c.each("allowedOAuthFlows", in.AllowedOAuthFlows, "code", "implicit", "client_credentials")
	c.oneOf("preventUserExistenceErrors", in.PreventUserExistenceErrors, "LEGACY", "ENABLED")
	c.count("callbackURLs", len(in.CallbackURLs), 100)
	c.count("logoutURLs", len(in.LogoutURLs), 100)
	c.count("allowedOAuthScopes", len(in.AllowedOAuthScopes), 50)
	c.optional("defaultRedirectURI", in.DefaultRedirectURI, 1, 1024, urlForm)
	if in.AuthSessionValidity != 0 {
		c.number("authSessionValidity", in.AuthSessionValidity, 3, 15)
	}
	c.number("refreshTokenValidity", in.RefreshTokenValidity, 0, 315360000)
	c.number("accessTokenValidity", in.AccessTokenValidity, 0, 86400)
	c.number("idTokenValidity", in.IdTokenValidity, 0, 86400)
	if u := in.TokenValidityUnits; u != nil {
		c.oneOf("tokenValidityUnits.accessToken", u.AccessToken, units...)
		c.oneOf("tokenValidityUnits.idToken", u.IdToken, units...)
		c.oneOf("tokenValidityUnits.refreshToken", u.RefreshToken, units...)
	}
	if r := in.RefreshTokenRotation; r != nil {
		c.oneOf("refreshTokenRotation.feature", r.Feature, "ENABLED", "DISABLED")
	}
	if err := c.err(); err != nil {
		return err
	}
	access, id, refresh := in.lifetimes()
	for _, d := range []time.Duration{access, id} {
		if d < 5*time.Minute || d > day || d > refresh {
			return invalid("Invalid range for token validity.")
		}
	}
	if refresh < time.Hour || refresh > 3650*day {
		return invalid("Invalid range for token validity.")
	}
	isNew := func(f string) bool { return slices.Contains(newFlows, f) }
	if slices.ContainsFunc(in.ExplicitAuthFlows, isNew) && slices.ContainsFunc(in.ExplicitAuthFlows, func(f string) bool { return !isNew(f) }) {
		return invalid("ExplicitAuthFlows cannot mix values with and without the prefix ALLOW_.")
	}
	for _, name := range slices.Concat(in.ReadAttributes, in.WriteAttributes) {
		if now.attributes[name] == nil {
			return invalid("Invalid attribute %s specified while creating a client", name)
		}
	}
	return in.refused()
}

func (in *ClientSettings) refused() error {
	switch {
	case in.AnalyticsConfiguration != nil:
		return notEmulated("AnalyticsConfiguration: there is no Pinpoint")
	case in.RefreshTokenRotation != nil && in.RefreshTokenRotation.Feature == "ENABLED":
		return notEmulated("the rotation of refresh tokens")
	case slices.ContainsFunc(in.SupportedIdentityProviders, func(p string) bool { return p != "COGNITO" }):
		return notEmulated("identity providers other than COGNITO")
	case in.AllowedOAuthFlowsUserPoolClient || len(in.AllowedOAuthFlows) > 0 || len(in.AllowedOAuthScopes) > 0:
		return notEmulated("OAuth endpoints: leave AllowedOAuthFlowsUserPoolClient, AllowedOAuthFlows and AllowedOAuthScopes out")
	}
	return nil
}

func (in *ClientSettings) withDefaults() ClientSettings {
	c := *in
	if c.RefreshTokenValidity == 0 {
		c.RefreshTokenValidity = 30
		if c.TokenValidityUnits != nil && c.TokenValidityUnits.RefreshToken != "" {
			c.RefreshTokenValidity = int(30 * day / unit(c.TokenValidityUnits.RefreshToken, day))
		}
	}
	if c.AuthSessionValidity == 0 {
		c.AuthSessionValidity = 3
	}
	if c.EnableTokenRevocation == nil {
		yes := true
		c.EnableTokenRevocation = &yes
	}
	if c.EnablePropagateAdditionalUserContextData == nil {
		c.EnablePropagateAdditionalUserContextData = new(bool)
	}
	return c
}

func unit(name string, without time.Duration) time.Duration {
	switch name {
	case "seconds":
		return time.Second
	case "minutes":
		return time.Minute
	case "hours":
		return time.Hour
	case "days":
		return day
	}
	return without
}

// lifetimes are those of access, id and refresh tokens.
func (in *ClientSettings) lifetimes() (access, id, refresh time.Duration) {
	u := in.TokenValidityUnits
	if u == nil {
		u = &TokenValidityUnits{}
	}
	of := func(n int, name string, usual, without time.Duration) time.Duration {
		if n == 0 {
			return without
		}
		return time.Duration(n) * unit(name, usual)
	}
	return of(in.AccessTokenValidity, u.AccessToken, time.Hour, time.Hour), of(in.IdTokenValidity, u.IdToken, time.Hour, time.Hour),
		of(in.RefreshTokenValidity, u.RefreshToken, day, 30*day)
}

// allows reports whether a way to sign in is switched on, by its new or its old name. Clients that name none have those with
// refresh tokens, SRP and custom challenges; those with old names have refresh tokens always.
func (in *ClientSettings) allows(flow, old string) bool {
	if len(in.ExplicitAuthFlows) == 0 {
		return flow == "ALLOW_REFRESH_TOKEN_AUTH"
	}
	return slices.Contains(in.ExplicitAuthFlows, flow) || old != "" && slices.Contains(in.ExplicitAuthFlows, old) ||
		flow == "ALLOW_REFRESH_TOKEN_AUTH" && !strings.HasPrefix(in.ExplicitAuthFlows[0], "ALLOW_")
}
