package cognitoidp

import (
	"context"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func (s *Service) createUser(ctx context.Context, p *pool, in *AdminCreateUserInput) (*AdminCreateUserOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	now := p.now.Load()
	policy := now.Pool.Policies.PasswordPolicy
	text := in.TemporaryPassword
	if text == "" {
		text = policy.propose()
	} else if err := policy.check(text); err != nil {
		return nil, err
	}
	var u *user
	var err error
	if in.MessageAction == "RESEND" {
		u, err = s.renew(p, in.Username, hashPassword(text, temporaryRounds))
	} else {
		if u, err = in.user(now); err == nil {
			u.Password = hashPassword(text, temporaryRounds)
			err = s.add(p, u, in.ForceAliasCreation)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := s.log.flush(); err != nil {
		return nil, err
	}
	if in.MessageAction != "SUPPRESS" {
		mediums := in.DesiredDeliveryMediums
		if len(mediums) == 0 {
			mediums = []string{"SMS"}
		}
		// As on AWS a message that cannot be delivered fails the call, and the user stays.
		if err := s.invite(ctx, now, u, text, mediums); err != nil {
			return nil, err
		}
	}
	return &AdminCreateUserOutput{u.describe(nil)}, nil
}

func (in *AdminCreateUserInput) check() error {
	var c checks
	c.text("username", in.Username, 1, 128, printableForm)
	c.attributes("userAttributes", in.UserAttributes)
	c.attributes("validationData", in.ValidationData)
	c.optional("temporaryPassword", in.TemporaryPassword, 1, 256, passwordForm)
	c.oneOf("messageAction", in.MessageAction, "RESEND", "SUPPRESS")
	c.each("desiredDeliveryMediums", in.DesiredDeliveryMediums, "SMS", "EMAIL")
	return c.err()
}

// user makes the user that a request describes, without a password.
func (in *AdminCreateUserInput) user(now *settings) (*user, error) {
	u := &user{Pool: now.Pool.Id, Sub: dispatch.NewRequestID(), Username: in.Username, Status: statusForceChange}
	attributes := in.UserAttributes
	switch {
	case now.emailName || now.phoneName:
		attribute := ""
		switch {
		case now.emailName && isEmail(in.Username):
			attribute = "email"
		case now.phoneName && isPhone(in.Username):
			attribute = "phone_number"
		case now.emailName && now.phoneName:
			return nil, invalid("Username should be either an email or a phone number.")
		case now.emailName:
			return nil, invalid("Username should be an email.")
		default:
			return nil, invalid("Username should be a phone number.")
		}
		u.Username = u.Sub
		u.Attributes = []Attribute{{attribute, in.Username}}
	case now.emailAlias && isEmail(in.Username):
		return nil, invalid("Username cannot be of email format, since user pool is configured for email alias.")
	case now.phoneAlias && isPhone(in.Username):
		return nil, invalid("Username cannot be of phone number format, since user pool is configured for phone number alias.")
	}
	seen := make(map[string]bool, len(attributes))
	for _, a := range attributes {
		known := now.attributes[a.Name]
		switch {
		case known == nil:
			return nil, invalid(badAttribute+"Type for attribute {%s} could not be determined", a.Name)
		case a.Name == "sub":
			return nil, invalid("Cannot modify the non-mutable attribute sub")
		case seen[a.Name]:
			return nil, invalid(badAttribute+"%s: The attribute is given twice", a.Name)
		}
		seen[a.Name] = true
		if a.Value == "" {
			continue
		}
		if err := known.checkValue(a.Value); err != nil {
			return nil, err
		}
		if len(u.Attributes) > 0 && u.Attributes[0].Name == a.Name { // the one that is the user name
			u.Attributes[0].Value = a.Value
			continue
		}
		u.Attributes = append(u.Attributes, a)
	}
	return u, nil
}

var errTaken = dispatch.Errorf("UsernameExistsException", "User account already exists")

// add puts a new user in its pool.
func (s *Service) add(p *pool, u *user, force bool) error {
	d := &p.users
	d.mu.Lock()
	defer d.mu.Unlock()
	now := p.now.Load()
	if d.byName[now.fold(u.Username)] != nil {
		return errTaken
	}
	aliases := now.aliases(u)
	for _, alias := range aliases {
		attribute, _, _ := strings.Cut(alias, "\x00")
		switch {
		case d.aliases[alias] == nil:
		case now.emailName || now.phoneName:
			return dispatch.Errorf("UsernameExistsException", "An account with the given %s already exists.", attribute)
		case !force || attribute == "preferred_username":
			return dispatch.Errorf("UsernameExistsException", "An account with the %s already exists.", attribute)
		}
	}
	at := dispatch.Time{Time: s.d.Clock.Now()}
	u.Created, u.Modified, u.PasswordSet, u.Seq = at, at, at, d.last+1
	for _, alias := range aliases {
		other := d.aliases[alias]
		if other == nil {
			continue
		}
		// The alias moves: whoever had it keeps the address, unverified.
		loser := *other
		attribute, _, _ := strings.Cut(alias, "\x00")
		loser.set(attribute+"_verified", "false")
		loser.Modified = at
		if err := s.log.put(&loser); err != nil {
			return err
		}
		d.insert(now, other, &loser)
	}
	if err := s.log.put(u); err != nil {
		return err
	}
	d.insert(now, nil, u)
	return nil
}

// renew gives a user who has not signed in yet another temporary password, for a repeated invitation.
func (s *Service) renew(p *pool, name string, hashed password) (*user, error) {
	found, err := p.lookup(name, true)
	if err != nil {
		return nil, err
	}
	var renewed user
	err = s.replace(p, found.Sub, func(now *settings, u *user) error {
		if u.Status != statusForceChange {
			return dispatch.Errorf("UnsupportedUserStateException", "Resend not possible. %s status is not FORCE_CHANGE_PASSWORD", u.Username)
		}
		u.setPassword(now.Pool.Policies.PasswordPolicy, hashed, true, s.d.Clock.Now())
		renewed = *u
		return nil
	})
	return &renewed, err
}

// verified reports whether an attribute that says so is true.
func (u *user) verified(attribute string) bool {
	return strings.EqualFold(u.attribute(attribute+"_verified"), "true")
}
