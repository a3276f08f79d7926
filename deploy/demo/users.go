package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/carepath/carepath/deploy/awsjson"
	"github.com/carepath/carepath/localcloud"
)

// simulator takes mail for any name after a plus and bounces nothing: mail to made-up addresses would cost the account its reputation.
// See https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator.
const simulator = "success+carepath-demo-%s@simulator.amazonses.com"

var (
	userPools = awsjson.API{Service: "cognito-idp", Target: "AWSCognitoIdentityProviderService", Version: "1.1"}
	tables    = awsjson.API{Service: "dynamodb", Target: "DynamoDB_20120810", Version: "1.0"}
)

var digits = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)

func (r *run) users(ctx context.Context, s *system) {
	at, email := r.output("usersUrl"), fmt.Sprintf(simulator, r.report.Run)
	body, err := json.Marshal(map[string]string{"firstName": "Ada", "lastName": "O'Demo", "emailAddress": email})
	if err != nil {
		panic("demo: a map of texts is no JSON: " + err.Error())
	}
	key := map[string]string{"Idempotency-Key": "carepath-demo-" + r.report.Run}
	id := ""
	create := func() (string, error) {
		a, err := r.expect(ctx, http.StatusCreated, http.MethodPost, at, string(body), key)
		if err != nil {
			return "", err
		}
		if !digits.MatchString(a.field("userId")) || a.field("emailAddress") != email {
			return "", errors.New("the answer is not the user that was posted, with a number")
		}
		return a.field("userId"), nil
	}
	s.promise("a user gets a number, a profile and a Cognito user", func() (string, error) {
		var err error
		if id, err = create(); err != nil {
			return "", err
		}
		var user struct{ UserStatus string }
		err = userPools.Call(ctx, r.Config, r.http, "AdminGetUser", map[string]string{"UserPoolId": r.output("userPoolId"), "Username": id}, &user)
		return "user " + id + ", " + user.UserStatus, err
	})
	s.promise("a repeat with the same Idempotency-Key answers with the same user", func() (string, error) {
		if id == "" {
			return "", skip("nobody was created")
		}
		again, err := create()
		if err == nil && again != id {
			err = fmt.Errorf("the repeat created another user, %s", again)
		}
		return "user " + again, err
	})
	s.promise("an e-mail address is registered once", func() (string, error) {
		return r.refused(ctx, http.StatusConflict, http.MethodPost, at, string(body))
	})
	s.promise("a user that is not valid is refused", func() (string, error) {
		return r.refused(ctx, http.StatusBadRequest, http.MethodPost, at, `{"firstName":"Ada"}`)
	})
	s.promise("the user signs in with the temporary password and chooses a new one", func() (string, error) {
		switch {
		case id == "":
			return "", skip("nobody was created")
		case r.Mailbox == "":
			return "", skip("the invitation went out by mail, which this program cannot read")
		}
		return r.signIn(ctx, id, email)
	})
	if id != "" {
		s.promise("what the demo made of users is removed", func() (string, error) { return "", r.removeUser(ctx, id, email, key["Idempotency-Key"]) })
	}
}

// signIn signs a new user in.
func (r *run) signIn(ctx context.Context, id, email string) (string, error) {
	a, err := r.expect(ctx, http.StatusOK, http.MethodGet, r.Mailbox+"?to="+url.QueryEscape(email), "", nil)
	if err != nil {
		return "", err
	}
	password, err := temporaryPassword(a.text)
	if err != nil {
		return "", err
	}
	pool := map[string]any{"UserPoolId": r.output("userPoolId"), "ClientId": r.output("userPoolClientId")}
	var challenge struct {
		ChallengeName, Session string
		AuthenticationResult   struct{ AccessToken string }
	}
	pool["AuthFlow"], pool["AuthParameters"] = "ADMIN_USER_PASSWORD_AUTH", map[string]string{"USERNAME": email, "PASSWORD": password}
	if err := userPools.Call(ctx, r.Config, r.http, "AdminInitiateAuth", pool, &challenge); err != nil {
		return "", err
	}
	if challenge.ChallengeName != "NEW_PASSWORD_REQUIRED" {
		return "", fmt.Errorf("the first sign-in asks for %q, not for a new password", challenge.ChallengeName)
	}
	delete(pool, "AuthFlow")
	delete(pool, "AuthParameters")
	pool["ChallengeName"], pool["Session"] = challenge.ChallengeName, challenge.Session
	pool["ChallengeResponses"] = map[string]string{"USERNAME": id, "NEW_PASSWORD": "Demo 1: " + password}
	if err := userPools.Call(ctx, r.Config, r.http, "AdminRespondToAuthChallenge", pool, &challenge); err != nil {
		return "", err
	}
	switch {
	case challenge.AuthenticationResult.AccessToken != "":
		return "got tokens", nil
	case challenge.ChallengeName == "MFA_SETUP": // where a second factor is required
		return "the next step is the second factor", nil
	}
	return "", fmt.Errorf("the new password gives no tokens, but the challenge %q", challenge.ChallengeName)
}

// temporaryPassword is that of the newest invitation in the embedded AWS's mailbox.
func temporaryPassword(text string) (string, error) {
	var mail localcloud.Mail
	if err := json.Unmarshal([]byte(text), &mail); err != nil {
		return "", fmt.Errorf("reading the mailbox: %w", err)
	}
	if len(mail.Messages) == 0 || mail.Messages[0].TemporaryPassword == "" {
		return "", errors.New("no invitation came")
	}
	return mail.Messages[0].TemporaryPassword, nil
}

// removeUser removes everything of a user that docs/users.md lists.
func (r *run) removeUser(ctx context.Context, id, email, idempotencyKey string) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	err := userPools.Call(ctx, r.Config, r.http, "AdminDeleteUser", map[string]string{"UserPoolId": r.output("userPoolId"), "Username": id}, nil)
	for _, key := range []string{"USERPROFILE#" + id, "USEREMAIL#" + email, "USERREQUEST#" + idempotencyKey} {
		item := map[string]string{"S": key}
		err = errors.Join(err, tables.Call(ctx, r.Config, r.http, "DeleteItem", map[string]any{"TableName": r.output("usersTableName"), "Key": map[string]any{"PK": item, "SK": item}}, nil))
	}
	return err
}
