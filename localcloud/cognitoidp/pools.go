package cognitoidp

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func (s *Service) registerPools() {
	dispatch.Register(s.d, dispatch.Operation{Service: serviceName, Action: "CreateUserPool"}, dispatch.Anywhere[CreateUserPoolInput](), s.createPool)
	dispatch.Register(s.d, dispatch.Operation{Service: serviceName, Action: "ListUserPools"}, dispatch.Anywhere[ListUserPoolsInput](), s.listPools)
	register(s, "DescribeUserPool", func(_ context.Context, p *pool, _ *PoolInput) (*UserPoolOutput, error) {
		return p.describe(), nil
	})
	register(s, "UpdateUserPool", s.updatePool)
	register(s, "DeleteUserPool", s.deletePool)
	register(s, "AddCustomAttributes", func(_ context.Context, p *pool, in *AddCustomAttributesInput) (*Empty, error) {
		return &Empty{}, s.changePool(p, func(r *poolRecord) (err error) {
			r.Pool.SchemaAttributes, err = withAttributes(r.Pool.SchemaAttributes, in.CustomAttributes, true)
			return err
		})
	})
	register(s, "GetUserPoolMfaConfig", func(_ context.Context, p *pool, _ *PoolInput) (*MfaConfig, error) {
		return p.mfaConfig(), nil
	})
	register(s, "SetUserPoolMfaConfig", s.setMFA)
	s.registerTags()
}

func (p *pool) describe() *UserPoolOutput {
	out := &UserPoolOutput{p.now.Load().Pool}
	p.users.mu.RLock()
	defer p.users.mu.RUnlock()
	out.UserPool.EstimatedNumberOfUsers = len(p.users.bySub)
	return out
}

func (s *Service) createPool(_ context.Context, _ *dispatch.Call, in *CreateUserPoolInput) (*UserPoolOutput, error) {
	var c checks
	c.text("poolName", in.PoolName, 1, 128, nameForm)
	c.each("aliasAttributes", in.AliasAttributes, "phone_number", "email", "preferred_username")
	c.each("usernameAttributes", in.UsernameAttributes, "phone_number", "email")
	c.count("schema", len(in.Schema), 50)
	if err := in.check(&c); err != nil {
		return nil, err
	}
	if len(in.AliasAttributes) > 0 && len(in.UsernameAttributes) > 0 {
		return nil, invalid("Only one of the aliasAttributes or usernameAttributes can be set in a user pool.")
	}
	if in.MfaConfiguration != "" && in.MfaConfiguration != "OFF" {
		return nil, errNoFactor // software tokens can be switched on for a pool that exists
	}
	schema, err := withAttributes(standardAttributes, in.Schema, false)
	if err != nil {
		return nil, err
	}
	id := s.d.Region + "_" + random(9, alphanumeric)
	now := dispatch.Time{Time: s.d.Clock.Now()}
	r := &poolRecord{Secret: make([]byte, 32), Pool: UserPool{Id: id, Name: in.PoolName, Arn: s.poolARN(id), CreationDate: now, SchemaAttributes: schema,
		AliasAttributes: in.AliasAttributes, UsernameAttributes: in.UsernameAttributes, UsernameConfiguration: in.UsernameConfiguration,
		DeletionProtection: "INACTIVE", UserPoolTier: "ESSENTIALS", MfaConfiguration: "OFF"}}
	rand.Read(r.Secret) // never fails, by its contract
	in.apply(&r.Pool, now)
	if err := s.records.Put(id, r); err != nil {
		return nil, fmt.Errorf("keeping the user pool %s: %w", id, err)
	}
	p := newPool(r)
	s.mu.Lock()
	s.pools[id] = p
	s.mu.Unlock()
	return p.describe(), nil
}

// check says what AWS, or the embedded AWS, refuses of a pool's settings.
func (in *Settings) check(c *checks) error {
	c.optional("poolName", in.PoolName, 1, 128, nameForm)
	c.oneOf("deletionProtection", in.DeletionProtection, "ACTIVE", "INACTIVE")
	c.oneOf("mfaConfiguration", in.MfaConfiguration, "OFF", "ON", "OPTIONAL")
	c.oneOf("userPoolTier", in.UserPoolTier, "LITE", "ESSENTIALS", "PLUS")
	c.each("autoVerifiedAttributes", in.AutoVerifiedAttributes, "phone_number", "email")
	c.optional("smsVerificationMessage", in.SmsVerificationMessage, 6, 140, nil)
	c.optional("smsAuthenticationMessage", in.SmsAuthenticationMessage, 6, 140, nil)
	c.optional("emailVerificationMessage", in.EmailVerificationMessage, 6, 20000, nil)
	c.optional("emailVerificationSubject", in.EmailVerificationSubject, 1, 140, nil)
	if v := in.VerificationMessageTemplate; v != nil {
		c.oneOf("verificationMessageTemplate.defaultEmailOption", v.DefaultEmailOption, "CONFIRM_WITH_LINK", "CONFIRM_WITH_CODE")
		c.optional("verificationMessageTemplate.emailMessage", v.EmailMessage, 6, 20000, nil)
		c.optional("verificationMessageTemplate.emailSubject", v.EmailSubject, 1, 140, nil)
		c.optional("verificationMessageTemplate.smsMessage", v.SmsMessage, 6, 140, nil)
	}
	if in.AdminCreateUserConfig != nil && in.AdminCreateUserConfig.InviteMessageTemplate != nil {
		m := in.AdminCreateUserConfig.InviteMessageTemplate
		c.optional("adminCreateUserConfig.inviteMessageTemplate.emailMessage", m.EmailMessage, 6, 20000, nil)
		c.optional("adminCreateUserConfig.inviteMessageTemplate.emailSubject", m.EmailSubject, 1, 140, nil)
		c.optional("adminCreateUserConfig.inviteMessageTemplate.sMSMessage", m.SMSMessage, 6, 140, nil)
	}
	if a := in.AccountRecoverySetting; a != nil {
		c.count("accountRecoverySetting.recoveryMechanisms", len(a.RecoveryMechanisms), 2)
		for i, m := range a.RecoveryMechanisms {
			at := fmt.Sprintf("accountRecoverySetting.recoveryMechanisms.%d.member.", i+1)
			c.oneOf(at+"name", m.Name, "verified_email", "verified_phone_number", "admin_only")
			c.number(at+"priority", m.Priority, 1, 2)
		}
	}
	if in.Policies != nil && in.Policies.PasswordPolicy != nil {
		p := in.Policies.PasswordPolicy
		if p.MinimumLength != 0 {
			c.number("policies.passwordPolicy.minimumLength", p.MinimumLength, 6, 99)
		}
		c.number("policies.passwordPolicy.passwordHistorySize", p.PasswordHistorySize, 0, 24)
		c.number("policies.passwordPolicy.temporaryPasswordValidityDays", p.TemporaryPasswordValidityDays, 0, 365)
	}
	if e := in.EmailConfiguration; e != nil {
		c.oneOf("emailConfiguration.emailSendingAccount", e.EmailSendingAccount, "COGNITO_DEFAULT", "DEVELOPER")
	}
	if err := c.err(); err != nil {
		return err
	}
	if e := in.EmailConfiguration; e != nil {
		switch {
		case e.SourceArn != "" && !identityARN.MatchString(e.SourceArn):
			return invalid("Invalid ARN of an Amazon SES identity: %s", e.SourceArn)
		case e.SourceArn == "" && e.EmailSendingAccount == "DEVELOPER":
			return invalid("EmailSendingAccount DEVELOPER needs SourceArn, the ARN of a verified Amazon SES identity.")
		}
	}
	return in.refused()
}

var identityARN = regexp.MustCompile(`^arn:aws[a-z-]*:ses:[a-z0-9-]+:[0-9]{12}:identity/[^\s/]+$`)

// refused says which settings the embedded AWS has not.
func (in *Settings) refused() error {
	switch {
	case in.LambdaConfig != nil && *in.LambdaConfig != LambdaConfig{}:
		return notEmulated("LambdaConfig: there are no triggers")
	case in.SmsConfiguration != nil:
		return notEmulated("SmsConfiguration: there is no SNS")
	case in.DeviceConfiguration != nil && *in.DeviceConfiguration != DeviceConfiguration{}:
		return notEmulated("DeviceConfiguration: devices are not remembered")
	case in.UserPoolAddOns != nil && (in.UserPoolAddOns.AdvancedSecurityMode != "OFF" || in.UserPoolAddOns.AdvancedSecurityAdditionalFlows != nil):
		return notEmulated("threat protection: use AdvancedSecurityMode OFF")
	case in.EmailConfiguration != nil && in.EmailConfiguration.ConfigurationSet != "":
		return notEmulated("EmailConfiguration.ConfigurationSet: there is no SES")
	case in.Policies != nil && in.Policies.SignInPolicy != nil && slices.ContainsFunc(in.Policies.SignInPolicy.AllowedFirstAuthFactors, func(f string) bool { return f != "PASSWORD" }):
		return notEmulated("passwordless sign-in: use AllowedFirstAuthFactors PASSWORD")
	}
	return checkTags(in.UserPoolTags)
}

func checkTags(tags map[string]string) error {
	for k, v := range tags {
		if k == "" || len(k) > 128 || len(v) > 256 || strings.HasPrefix(strings.ToLower(k), "aws:") {
			return dispatch.Errorf("UserPoolTaggingException", "A tag's key must have 1 to 128 characters and not begin with aws:; its value may have 256 characters.")
		}
	}
	if len(tags) > 50 {
		return dispatch.Errorf("UserPoolTaggingException", "A user pool can have 50 tags.")
	}
	return nil
}

// apply makes a pool as the settings say, with AWS's defaults for what they leave out.
func (in *Settings) apply(p *UserPool, now dispatch.Time) {
	p.LastModifiedDate = now
	p.Policies = Policies{
		PasswordPolicy: &PasswordPolicy{MinimumLength: 8, RequireUppercase: true, RequireLowercase: true, RequireNumbers: true, RequireSymbols: true, TemporaryPasswordValidityDays: 7},
		SignInPolicy:   &SignInPolicy{[]string{"PASSWORD"}},
	}
	if in.Policies != nil && in.Policies.PasswordPolicy != nil {
		asked := *in.Policies.PasswordPolicy
		if asked.MinimumLength == 0 {
			asked.MinimumLength = 8
		}
		if asked.TemporaryPasswordValidityDays == 0 {
			asked.TemporaryPasswordValidityDays = 7
		}
		p.Policies.PasswordPolicy = &asked
	}
	p.AutoVerifiedAttributes = in.AutoVerifiedAttributes
	p.SmsVerificationMessage, p.SmsAuthenticationMessage = in.SmsVerificationMessage, in.SmsAuthenticationMessage
	p.VerificationMessageTemplate = VerificationMessageTemplate{DefaultEmailOption: "CONFIRM_WITH_CODE"}
	if in.VerificationMessageTemplate != nil {
		p.VerificationMessageTemplate = *in.VerificationMessageTemplate
		if p.VerificationMessageTemplate.DefaultEmailOption == "" {
			p.VerificationMessageTemplate.DefaultEmailOption = "CONFIRM_WITH_CODE"
		}
	}
	// The texts are kept twice, as on AWS: by their old names, and in the template.
	same := func(asked string, template *string) string {
		if asked != "" {
			*template = asked
		}
		return *template
	}
	t := &p.VerificationMessageTemplate
	p.EmailVerificationMessage = same(in.EmailVerificationMessage, &t.EmailMessage)
	p.EmailVerificationSubject = same(in.EmailVerificationSubject, &t.EmailSubject)
	p.SmsVerificationMessage = same(in.SmsVerificationMessage, &t.SmsMessage)
	p.EmailConfiguration = EmailConfiguration{EmailSendingAccount: "COGNITO_DEFAULT"}
	if in.EmailConfiguration != nil {
		p.EmailConfiguration = *in.EmailConfiguration
		if p.EmailConfiguration.EmailSendingAccount == "" {
			p.EmailConfiguration.EmailSendingAccount = "COGNITO_DEFAULT"
		}
	}
	p.AdminCreateUserConfig = AdminCreateUserConfig{}
	if in.AdminCreateUserConfig != nil {
		p.AdminCreateUserConfig = *in.AdminCreateUserConfig
		if days := p.AdminCreateUserConfig.UnusedAccountValidityDays; days > 0 && (in.Policies == nil || in.Policies.PasswordPolicy == nil) {
			p.Policies.PasswordPolicy.TemporaryPasswordValidityDays = days
		}
	}
	p.AdminCreateUserConfig.UnusedAccountValidityDays = p.Policies.PasswordPolicy.TemporaryPasswordValidityDays
	p.UserPoolAddOns, p.AccountRecoverySetting = in.UserPoolAddOns, in.AccountRecoverySetting
	if in.UserAttributeUpdateSettings != nil {
		p.UserAttributeUpdateSettings = in.UserAttributeUpdateSettings
	}
	if in.UserPoolTags != nil {
		p.UserPoolTags = in.UserPoolTags
	}
	if in.DeletionProtection != "" {
		p.DeletionProtection = in.DeletionProtection
	}
	if in.UserPoolTier != "" {
		p.UserPoolTier = in.UserPoolTier
	}
	if in.PoolName != "" {
		p.Name = in.PoolName
	}
	p.MfaConfiguration = "OFF"
	if in.MfaConfiguration != "" {
		p.MfaConfiguration = in.MfaConfiguration
	}
}

// changePool changes a pool's record; f must replace slices, maps and what pointers lead to.
func (s *Service) changePool(p *pool, f func(r *poolRecord) error) error {
	s.change.Lock()
	defer s.change.Unlock()
	if _, err := s.find(p.id); err != nil {
		return err // deleted meanwhile
	}
	r := *p.now.Load().poolRecord
	if err := f(&r); err != nil {
		return err
	}
	r.Pool.LastModifiedDate = dispatch.Time{Time: s.d.Clock.Now()}
	if err := s.records.Put(p.id, &r); err != nil {
		return fmt.Errorf("keeping the user pool %s: %w", p.id, err)
	}
	p.set(&r)
	return nil
}

func (s *Service) updatePool(_ context.Context, p *pool, in *UpdateUserPoolInput) (*Empty, error) {
	if err := in.check(&checks{}); err != nil {
		return nil, err
	}
	return &Empty{}, s.changePool(p, func(r *poolRecord) error {
		if in.MfaConfiguration != "" && in.MfaConfiguration != "OFF" && !r.SoftwareToken {
			return errNoFactor
		}
		in.apply(&r.Pool, r.Pool.LastModifiedDate)
		return nil
	})
}

func (s *Service) deletePool(_ context.Context, p *pool, _ *PoolInput) (*Empty, error) {
	s.change.Lock()
	defer s.change.Unlock()
	if p.now.Load().Pool.DeletionProtection == "ACTIVE" {
		return nil, invalid("The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.")
	}
	for id, c := range s.clients.All() {
		if c.UserPoolId == p.id {
			if _, err := s.clients.Delete(id); err != nil {
				return nil, fmt.Errorf("deleting the client %s: %w", id, err)
			}
		}
	}
	if _, err := s.keys.Delete(p.id); err != nil {
		return nil, fmt.Errorf("deleting the keys of %s: %w", p.id, err)
	}
	if _, err := s.records.Delete(p.id); err != nil {
		return nil, fmt.Errorf("deleting the user pool %s: %w", p.id, err)
	}
	s.mu.Lock()
	delete(s.pools, p.id)
	s.mu.Unlock()
	return &Empty{}, s.log.forgetAll(p)
}

// page cuts a list that is sorted by key; a token is the key before the page.
func page[T any](all []T, key func(T) string, size int, token string) (part []T, next string) {
	start, _ := slices.BinarySearchFunc(all, token, func(t T, token string) int { return strings.Compare(key(t), token) })
	if start < len(all) && key(all[start]) == token {
		start++
	}
	if all = all[start:]; len(all) > size {
		return all[:size], key(all[size-1])
	}
	return all, ""
}

func (s *Service) listPools(_ context.Context, _ *dispatch.Call, in *ListUserPoolsInput) (*ListUserPoolsOutput, error) {
	var c checks
	c.number("maxResults", in.MaxResults, 1, 60)
	if err := c.err(); err != nil {
		return nil, err
	}
	all := []UserPoolDescription{}
	for _, r := range s.records.All() {
		all = append(all, UserPoolDescription{Id: r.Pool.Id, Name: r.Pool.Name, LastModifiedDate: r.Pool.LastModifiedDate, CreationDate: r.Pool.CreationDate})
	}
	out := &ListUserPoolsOutput{}
	out.UserPools, out.NextToken = page(all, func(p UserPoolDescription) string { return p.Id }, in.MaxResults, in.NextToken)
	return out, nil
}

// registerTags adds the operations on tags, which name a pool by its ARN.
func (s *Service) registerTags() {
	find := func(arn string) (*pool, error) {
		id, ok := strings.CutPrefix(arn, s.poolARN(""))
		if !ok {
			return nil, invalid("Invalid user pool arn.")
		}
		return s.find(id)
	}
	dispatch.Register(s.d, dispatch.Operation{Service: serviceName, Action: "TagResource"},
		dispatch.On(func(_ *dispatch.Call, in *TagResourceInput) []string { return []string{in.ResourceArn} }),
		func(_ context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
			return s.retag(find, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
		})
	dispatch.Register(s.d, dispatch.Operation{Service: serviceName, Action: "UntagResource"},
		dispatch.On(func(_ *dispatch.Call, in *UntagResourceInput) []string { return []string{in.ResourceArn} }),
		func(_ context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
			return s.retag(find, in.ResourceArn, func(tags map[string]string) {
				for _, k := range in.TagKeys {
					delete(tags, k)
				}
			})
		})
	dispatch.Register(s.d, dispatch.Operation{Service: serviceName, Action: "ListTagsForResource"},
		dispatch.On(func(_ *dispatch.Call, in *ResourceInput) []string { return []string{in.ResourceArn} }),
		func(_ context.Context, _ *dispatch.Call, in *ResourceInput) (*ListTagsForResourceOutput, error) {
			p, err := find(in.ResourceArn)
			if err != nil {
				return nil, err
			}
			return &ListTagsForResourceOutput{p.now.Load().Pool.UserPoolTags}, nil
		})
}

func (s *Service) retag(find func(arn string) (*pool, error), arn string, change func(tags map[string]string)) (*Empty, error) {
	p, err := find(arn)
	if err != nil {
		return nil, err
	}
	return &Empty{}, s.changePool(p, func(r *poolRecord) error {
		tags := maps.Clone(r.Pool.UserPoolTags)
		if tags == nil {
			tags = map[string]string{}
		}
		change(tags)
		r.Pool.UserPoolTags = tags
		return checkTags(tags)
	})
}

const day = 24 * time.Hour
