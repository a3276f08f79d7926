package cognitoidp

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// mfaReady is the state of a sign-in between VerifySoftwareToken and the answer to MFA_SETUP.
const mfaReady = "MFA_SETUP verified"

func (s *Service) registerMFA() {
	registerOpen(s, "AssociateSoftwareToken", func(in *AssociateSoftwareTokenInput) string { return s.poolOfToken(in.AccessToken) }, s.associate)
	registerOpen(s, "VerifySoftwareToken", func(in *VerifySoftwareTokenInput) string { return s.poolOfToken(in.AccessToken) }, s.verifyToken)
	registerOpen(s, "SetUserMFAPreference", func(in *SetUserMFAPreferenceInput) string { return s.poolOfToken(in.AccessToken) },
		func(_ context.Context, in *SetUserMFAPreferenceInput) (*Empty, error) {
			p, _, u, err := s.bearer(in.AccessToken)
			if err != nil {
				return nil, err
			}
			return s.preferMFA(p, u, in.SoftwareTokenMfaSettings)
		})
	register(s, "AdminSetUserMFAPreference", func(_ context.Context, p *pool, in *AdminSetUserMFAPreferenceInput) (*Empty, error) {
		u, err := p.named(in.Username)
		if err != nil {
			return nil, err
		}
		return s.preferMFA(p, u, in.SoftwareTokenMfaSettings)
	})
}

func (p *pool) mfaConfig() *MfaConfig {
	now := p.now.Load()
	out := &MfaConfig{MfaConfiguration: now.Pool.MfaConfiguration}
	if now.SoftwareToken {
		out.SoftwareTokenMfaConfiguration = &SoftwareTokenMfaConfig{true}
	}
	return out
}

func (s *Service) setMFA(_ context.Context, p *pool, in *SetUserPoolMfaConfigInput) (*MfaConfig, error) {
	var c checks
	c.oneOf("mfaConfiguration", in.MfaConfiguration, "OFF", "ON", "OPTIONAL")
	if err := c.err(); err != nil {
		return nil, err
	}
	switch {
	case in.SmsMfaConfiguration != nil:
		return nil, notEmulated("SmsMfaConfiguration: there is no SNS")
	case in.EmailMfaConfiguration != nil:
		return nil, notEmulated("EmailMfaConfiguration: no mail is sent")
	case in.WebAuthnConfiguration != nil:
		return nil, notEmulated("WebAuthnConfiguration: there are no passkeys")
	}
	err := s.changePool(p, func(r *poolRecord) error {
		r.SoftwareToken = in.SoftwareTokenMfaConfiguration != nil && in.SoftwareTokenMfaConfiguration.Enabled
		r.Pool.MfaConfiguration = "OFF"
		if in.MfaConfiguration != "" {
			r.Pool.MfaConfiguration = in.MfaConfiguration
		}
		if r.Pool.MfaConfiguration != "OFF" && !r.SoftwareToken {
			return errNoFactor
		}
		return nil
	})
	return p.mfaConfig(), err
}

// secondFactor goes on with a sign-in whose password was right.
func (s *Service) secondFactor(p *pool, c *UserPoolClient, u *user) (*AuthOutput, error) {
	switch mode := p.now.Load().Pool.MfaConfiguration; {
	case mode == "OFF" || mode == "OPTIONAL" && !(u.TOTP != nil && u.UsesTOTP):
		return s.grant(p, c, u)
	case u.TOTP == nil:
		return s.challenge(p, c, u, mfaSetup, map[string]string{"MFAS_CAN_SETUP": `["` + softwareTokenMFA + `"]`})
	}
	return s.challenge(p, c, u, softwareTokenMFA, map[string]string{})
}

// candidate is the secret that a user's authenticator app gets next. It follows from what is known of the user, so that it
// need not be kept before it is verified.
func (r *poolRecord) candidate(u *user) []byte {
	return r.mac("totp", fmt.Appendf(nil, "%s %d %x", u.Sub, u.PasswordSet.UnixNano(), u.TOTP))
}

// signedIn returns the user of an access token, or of the session of an MFA_SETUP challenge.
func (s *Service) signedIn(token, session string) (*pool, *UserPoolClient, *user, error) {
	if token == "" && session != "" {
		return s.open(session, mfaSetup)
	}
	return s.bearer(token)
}

func (s *Service) associate(_ context.Context, in *AssociateSoftwareTokenInput) (*AssociateSoftwareTokenOutput, error) {
	p, c, u, err := s.signedIn(in.AccessToken, in.Session)
	if err != nil {
		return nil, err
	}
	now := p.now.Load()
	if !now.SoftwareToken {
		return nil, dispatch.Errorf("SoftwareTokenMFANotFoundException", "Software Token MFA has not been enabled by the userPool")
	}
	out := &AssociateSoftwareTokenOutput{SecretCode: base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(now.candidate(u))}
	if in.AccessToken == "" {
		out.Session, err = s.session(p, c, u, mfaSetup)
	}
	return out, err
}

func (s *Service) verifyToken(_ context.Context, in *VerifySoftwareTokenInput) (*VerifySoftwareTokenOutput, error) {
	p, c, u, err := s.signedIn(in.AccessToken, in.Session)
	if err != nil {
		return nil, err
	}
	secret := p.now.Load().candidate(u)
	step, ok := s.stepOf(secret, in.UserCode)
	if !ok {
		return nil, dispatch.Errorf("EnableSoftwareTokenMFAException", "Code mismatch and fail enable Software Token MFA")
	}
	if err := s.changeUser(p, u.Sub, func(_ *settings, u *user) error {
		u.TOTP, u.TOTPUsed = secret, step
		return nil
	}); err != nil {
		return nil, err
	}
	out := &VerifySoftwareTokenOutput{Status: "SUCCESS"}
	if in.AccessToken == "" {
		out.Session, err = s.session(p, c, u, mfaReady)
	}
	return out, err
}

func (s *Service) preferMFA(p *pool, u *user, wanted *SoftwareTokenMfaSettings) (*Empty, error) {
	if wanted == nil {
		return &Empty{}, nil
	}
	return &Empty{}, s.changeUser(p, u.Sub, func(_ *settings, u *user) error {
		if wanted.Enabled && u.TOTP == nil {
			return invalid("User has not verified software token mfa")
		}
		u.UsesTOTP = wanted.Enabled
		return nil
	})
}

// answerTOTP checks a one-time password, which counts once.
func (s *Service) answerTOTP(p *pool, u *user, answers map[string]string) error {
	code, err := required(answers, "SOFTWARE_TOKEN_MFA_CODE")
	if err != nil {
		return err
	}
	now := s.d.Clock.Now()
	if s.trials.locked(u.Sub, now) {
		return notAuthorized("Password attempts exceeded")
	}
	step, ok := s.stepOf(u.TOTP, code)
	if !ok {
		s.trials.failed(u.Sub, now)
		return dispatch.Errorf("CodeMismatchException", "Invalid code received for user")
	}
	return s.changeUser(p, u.Sub, func(_ *settings, u *user) error {
		if step <= u.TOTPUsed {
			return dispatch.Errorf("ExpiredCodeException", "Your software token has already been used once.")
		}
		u.TOTPUsed = step
		return nil
	})
}

const totpStep = 30 // seconds

// stepOf returns the time step whose one-time password a code is, of the present one and its neighbours.
func (s *Service) stepOf(secret []byte, code string) (step int64, ok bool) {
	if secret == nil {
		return 0, false
	}
	now := s.d.Clock.Now().Unix() / totpStep
	for step := now - 1; step <= now+1; step++ {
		if hmac.Equal([]byte(totp(secret, step)), []byte(code)) {
			return step, true
		}
	}
	return 0, false
}

// totp is the one-time password of RFC 6238 with SHA-1 and six digits, as authenticator apps make it.
func totp(secret []byte, step int64) string {
	m := hmac.New(sha1.New, secret)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := m.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0xf:]) & 0x7fffffff
	text := strconv.Itoa(int(n % 1_000_000))
	return "000000"[len(text):] + text
}
