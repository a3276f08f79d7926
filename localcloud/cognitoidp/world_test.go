package cognitoidp_test

import (
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/cognitoidp"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// world is Cognito with a clock that the test drives.
type world struct {
	testing.TB
	d     *dispatch.Dispatcher
	clock *clock.Driven
	s     *cognitoidp.Service
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, st *store.Store) *world {
	t.Helper()
	w := &world{TB: t, clock: clock.NewDriven(start)}
	w.d = dispatch.New(w.clock, "111111111111", "us-east-1")
	var err error
	if w.s, err = cognitoidp.New(w.d, st); err != nil {
		t.Fatal(err)
	}
	return w
}

// do makes a call as root that must succeed.
func do[Out any](w *world, action string, in any) *Out {
	w.Helper()
	out, err := dispatch.Do[Out](w.Context(), w.d, w.d.Root(), "cognito-idp", action, in)
	if err != nil {
		w.Fatalf("%s: %v", action, err)
	}
	return out
}

// refused makes a call as root that must fail, with a code or with "code: message".
func refused(w *world, want, action string, in any) {
	w.Helper()
	_, err := w.d.Do(w.Context(), w.d.Root(), "cognito-idp", action, in)
	if err == nil {
		w.Errorf("%s was accepted, want %s", action, want)
		return
	}
	if e := dispatch.AsError(err); want != e.Code && want != e.Error() || e.HTTPStatus() != 400 {
		w.Errorf("%s: %d %v, want %s", action, e.HTTPStatus(), err, want)
	}
}

type (
	members    = map[string]any
	attributes = []cognitoidp.Attribute
)

// pool makes a pool from the members of a CreateUserPool request.
func (w *world) pool(in members) string {
	w.Helper()
	if in["PoolName"] == nil {
		in["PoolName"] = "pool"
	}
	return do[cognitoidp.UserPoolOutput](w, "CreateUserPool", in).UserPool.Id
}

// client makes a client from the members of a CreateUserPoolClient request.
func (w *world) client(pool string, in members) *cognitoidp.UserPoolClient {
	w.Helper()
	in["UserPoolId"], in["ClientName"] = pool, "client"
	if in["ExplicitAuthFlows"] == nil {
		in["ExplicitAuthFlows"] = []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
	}
	return &do[cognitoidp.UserPoolClientOutput](w, "CreateUserPoolClient", in).UserPoolClient
}

func (w *world) create(pool, name string, more members) cognitoidp.User {
	w.Helper()
	return do[cognitoidp.AdminCreateUserOutput](w, "AdminCreateUser", userOf(pool, name, more)).User
}

func userOf(pool, name string, more members) members {
	in := members{"UserPoolId": pool, "Username": name, "MessageAction": "SUPPRESS"}
	for k, v := range more {
		if in[k] = v; v == nil {
			delete(in, k)
		}
	}
	return in
}

const (
	temporary = "Temp-pass1"
	permanent = "Perm-pass1"
)

// confirmed makes a user with a password that needs no change.
func (w *world) confirmed(pool, name string, more members) cognitoidp.User {
	w.Helper()
	u := w.create(pool, name, more)
	do[cognitoidp.Empty](w, "AdminSetUserPassword", &cognitoidp.AdminSetUserPasswordInput{UserPoolId: pool, Username: u.Username, Password: permanent, Permanent: true})
	return u
}

func signIn(client, name, password string) *cognitoidp.InitiateAuthInput {
	return &cognitoidp.InitiateAuthInput{ClientId: client, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password}}
}

// signedIn signs a confirmed user in.
func (w *world) signedIn(client, name string) *cognitoidp.AuthenticationResult {
	w.Helper()
	out := do[cognitoidp.AuthOutput](w, "InitiateAuth", signIn(client, name, permanent))
	if out.AuthenticationResult == nil {
		w.Fatalf("the challenge %s instead of tokens", out.ChallengeName)
	}
	return out.AuthenticationResult
}

func (w *world) get(pool, name string) *cognitoidp.AdminGetUserOutput {
	w.Helper()
	return do[cognitoidp.AdminGetUserOutput](w, "AdminGetUser", &cognitoidp.UserInput{UserPoolId: pool, Username: name})
}

func value(all attributes, name string) string {
	for _, a := range all {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

func email(address string) attributes {
	return attributes{{Name: "email", Value: address}, {Name: "email_verified", Value: "true"}}
}
