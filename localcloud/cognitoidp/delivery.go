package cognitoidp

import (
	"context"
	"strings"
	"sync"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// DeliverMessageInput is a message on its way to a user: the request of DeliverMessage, an operation that is not AWS's and
// that only Cognito itself may call. Deliveries are calls so that the journal shows them and faults can hit them: one that
// fails makes AdminCreateUser answer CodeDeliveryFailureException, with the user created.
type DeliverMessageInput struct {
	UserPoolId  string
	Username    string
	Medium      string // EMAIL or SMS
	Destination string // an e-mail address or a phone number
	From        string `json:",omitempty"` // of mail, if the pool says so
	Subject     string `json:",omitempty"`
	Body        string
	// TemporaryPassword is in Body too.
	TemporaryPassword string
}

// outbox keeps the latest messages, in memory only: they hold passwords.
type outbox struct {
	mu       sync.Mutex
	messages []DeliverMessageInput
}

const outboxSize = 256

// Outbox returns the latest messages that would have been sent, oldest first, with the passwords in them. Nothing leaves this
// machine.
func (s *Service) Outbox() []DeliverMessageInput {
	s.outbox.mu.Lock()
	defer s.outbox.mu.Unlock()
	return append([]DeliverMessageInput(nil), s.outbox.messages...)
}

const (
	deliverMessage = "DeliverMessage"
	ownPrincipal   = "cognito-idp.amazonaws.com"
)

func (s *Service) registerDelivery() {
	dispatch.Register(s.d, dispatch.Operation{Service: serviceName, Action: deliverMessage, Open: true},
		func(c *dispatch.Call, in *DeliverMessageInput) ([]string, []dispatch.ResourcePolicy, error) {
			if c.Principal.Service != ownPrincipal {
				return nil, nil, &dispatch.Error{Code: "UnknownOperationException", Status: 400}
			}
			return []string{s.poolARN(in.UserPoolId)}, nil, nil
		},
		func(_ context.Context, _ *dispatch.Call, in *DeliverMessageInput) (*Empty, error) {
			o := &s.outbox
			o.mu.Lock()
			defer o.mu.Unlock()
			if len(o.messages) >= outboxSize {
				o.messages = append(o.messages[:0], o.messages[1:]...)
			}
			o.messages = append(o.messages, *in)
			return &Empty{}, nil
		})
}

// The texts of invitations where the pool has none.
const (
	inviteSubject = "Your temporary password"
	inviteBody    = "Your username is {username} and temporary password is {####}."
)

// invite tells a new user how to sign in, by every medium in which the user has an address.
func (s *Service) invite(ctx context.Context, now *settings, u *user, temporaryPassword string, mediums []string) error {
	subject, mail, sms := inviteSubject, inviteBody, inviteBody
	if t := now.Pool.AdminCreateUserConfig.InviteMessageTemplate; t != nil {
		for _, text := range []struct{ given, used *string }{{&t.EmailSubject, &subject}, {&t.EmailMessage, &mail}, {&t.SMSMessage, &sms}} {
			if *text.given != "" {
				*text.used = *text.given
			}
		}
	}
	for _, medium := range mediums {
		m := &DeliverMessageInput{UserPoolId: u.Pool, Username: u.Username, Medium: medium, Destination: u.attribute("phone_number"), Body: sms, TemporaryPassword: temporaryPassword}
		if medium == "EMAIL" {
			m.Destination, m.From, m.Subject, m.Body = u.attribute("email"), now.Pool.EmailConfiguration.From, subject, mail
		}
		if m.Destination == "" {
			continue
		}
		m.Body = strings.NewReplacer("{username}", u.Username, "{####}", temporaryPassword).Replace(m.Body)
		by := dispatch.Principal{ARN: ownPrincipal, Service: ownPrincipal, SourceARN: now.Pool.Arn}
		if _, err := s.d.Do(ctx, by, serviceName, deliverMessage, m); err != nil {
			return dispatch.Errorf("CodeDeliveryFailureException", "%s", dispatch.AsError(err).Message)
		}
	}
	return nil
}
