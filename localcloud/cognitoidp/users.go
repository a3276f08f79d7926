package cognitoidp

import (
	"context"
	"fmt"
	"slices"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func (s *Service) registerUsers() {
	register(s, "AdminCreateUser", s.createUser)
	register(s, "AdminGetUser", func(_ context.Context, p *pool, in *UserInput) (*AdminGetUserOutput, error) {
		u, err := p.named(in.Username)
		if err != nil {
			return nil, err
		}
		out := &AdminGetUserOutput{Username: u.Username, UserAttributes: u.described(nil), UserCreateDate: u.Created, UserLastModifiedDate: u.Modified,
			Enabled: !u.Disabled, UserStatus: u.Status}
		out.PreferredMfaSetting, out.UserMFASettingList = u.factors()
		return out, nil
	})
	register(s, "AdminDeleteUser", s.deleteUser)
	register(s, "AdminDisableUser", func(_ context.Context, p *pool, in *UserInput) (*Empty, error) {
		return s.edit(p, in.Username, func(_ *settings, u *user) error {
			u.Disabled = true
			return signOut(nil, u)
		})
	})
	register(s, "AdminEnableUser", func(_ context.Context, p *pool, in *UserInput) (*Empty, error) {
		return s.edit(p, in.Username, func(_ *settings, u *user) error {
			u.Disabled = false
			return nil
		})
	})
	register(s, "AdminUserGlobalSignOut", func(_ context.Context, p *pool, in *UserInput) (*Empty, error) {
		return s.edit(p, in.Username, signOut)
	})
	register(s, "AdminSetUserPassword", s.setUserPassword)
	register(s, "AdminUpdateUserAttributes", s.updateAttributes)
	register(s, "AdminDeleteUserAttributes", s.deleteAttributes)
	register(s, "ListUsers", s.listUsers)
}

// named is lookup for administrators, with AWS's check of the name.
func (p *pool) named(name string) (*user, error) {
	var c checks
	c.text("username", name, 1, 128, printableForm)
	if err := c.err(); err != nil {
		return nil, err
	}
	return p.lookup(name, true)
}

// edit changes the user whom an administrator names.
func (s *Service) edit(p *pool, name string, f func(now *settings, u *user) error) (*Empty, error) {
	u, err := p.named(name)
	if err != nil {
		return nil, err
	}
	return &Empty{}, s.changeUser(p, u.Sub, f)
}

// signOut revokes a user's tokens.
func signOut(_ *settings, u *user) error {
	u.Generation++
	return nil
}

func (s *Service) deleteUser(_ context.Context, p *pool, in *UserInput) (*Empty, error) {
	found, err := p.named(in.Username)
	if err != nil {
		return nil, err
	}
	d := &p.users
	d.mu.Lock()
	u := d.bySub[found.Sub]
	if u != nil {
		s.log.forget(u)
		d.remove(p.now.Load(), u)
	}
	d.mu.Unlock()
	if u == nil {
		return nil, errNoUser
	}
	return &Empty{}, s.log.flush()
}

func (s *Service) setUserPassword(_ context.Context, p *pool, in *AdminSetUserPasswordInput) (*Empty, error) {
	var c checks
	c.text("username", in.Username, 1, 128, printableForm)
	checkPassword(&c, "password", in.Password)
	if err := c.err(); err != nil {
		return nil, err
	}
	u, err := p.lookup(in.Username, true)
	if err != nil {
		return nil, err
	}
	policy := p.now.Load().Pool.Policies.PasswordPolicy
	if err := policy.check(in.Password); err != nil {
		return nil, err
	}
	rounds := temporaryRounds
	if in.Permanent {
		rounds = chosenRounds
		if err := u.reused(policy, in.Password); err != nil {
			return nil, err
		}
	}
	hashed := hashPassword(in.Password, rounds) // not under the pool's lock
	return &Empty{}, s.changeUser(p, u.Sub, func(now *settings, u *user) error {
		u.setPassword(now.Pool.Policies.PasswordPolicy, hashed, !in.Permanent, s.d.Clock.Now())
		return nil
	})
}

func (s *Service) updateAttributes(_ context.Context, p *pool, in *AdminUpdateUserAttributesInput) (*Empty, error) {
	var c checks
	c.attributes("userAttributes", in.UserAttributes)
	if in.UserAttributes == nil {
		c.fail("userAttributes", "Member must not be null")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return s.edit(p, in.Username, func(now *settings, u *user) error {
		given := map[string]bool{}
		for _, a := range in.UserAttributes {
			given[a.Name] = true
		}
		for _, a := range in.UserAttributes {
			if err := now.changeable(a.Name, a.Value == ""); err != nil {
				return err
			}
			if a.Value != "" {
				if err := now.attributes[a.Name].checkValue(a.Value); err != nil {
					return err
				}
			}
			// Another address is not verified because the last one was.
			if v := a.Name + "_verified"; (a.Name == "email" || a.Name == "phone_number") && !given[v] && u.attribute(a.Name) != a.Value && u.attribute(v) != "" {
				u.set(v, "false")
			}
			u.set(a.Name, a.Value)
		}
		return nil
	})
}

// changeable says why an attribute cannot be changed, or taken away.
func (s *settings) changeable(name string, remove bool) error {
	a := s.attributes[name]
	switch {
	case a == nil:
		return invalid("user.%s: Attribute does not exist in the schema.", name)
	case !a.mutable():
		return invalid("user.%s: Attribute cannot be updated.", name)
	case remove && a.Required:
		return invalid("user.%s: Attribute cannot be deleted.", name)
	case remove && (s.emailName && !s.phoneName && name == "email" || s.phoneName && !s.emailName && name == "phone_number"):
		return invalid("user.%s: Attribute cannot be deleted.", name)
	}
	return nil
}

func (s *Service) deleteAttributes(_ context.Context, p *pool, in *AdminDeleteUserAttributesInput) (*Empty, error) {
	var c checks
	for i, name := range in.UserAttributeNames {
		c.text(fmt.Sprintf("userAttributeNames.%d.member", i+1), name, 1, 32, attributeForm)
	}
	if in.UserAttributeNames == nil {
		c.fail("userAttributeNames", "Member must not be null")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return s.edit(p, in.Username, func(now *settings, u *user) error {
		for _, name := range in.UserAttributeNames {
			if err := now.changeable(name, true); err != nil {
				return err
			}
			u.set(name, "")
			if verified := name + "_verified"; slices.Contains([]string{"email", "phone_number"}, name) {
				u.set(verified, "")
			}
		}
		return nil
	})
}

var errNoFactor = dispatch.Errorf("InvalidParameterException", "SMS configuration and Auto verification for phone_number are required when MFA is required/optional")
