package cognitoidp_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/cognitoidp"
	"github.com/carepath/carepath/localcloud/store"
)

// stranger checks a token as a service would that knows nothing but its issuer, over HTTP, and returns the claims.
func stranger(w *world, issuer, token string) map[string]any {
	w.Helper()
	fetch := func(url string, into any) {
		w.Helper()
		resp, err := http.Get(url)
		if err != nil {
			w.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil || resp.StatusCode != 200 {
			w.Fatal(url, resp.Status, err)
		}
	}
	var configuration struct {
		Issuer string
		JWKS   string `json:"jwks_uri"`
	}
	fetch(issuer+"/.well-known/openid-configuration", &configuration)
	var set struct {
		Keys []struct{ Kid, N, E, Kty, Alg, Use string }
	}
	fetch(configuration.JWKS, &set)
	decode := func(text string) []byte {
		w.Helper()
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			w.Fatal(err)
		}
		return b
	}
	parts := strings.Split(token, ".")
	var header struct{ Kid, Alg string }
	if err := json.Unmarshal(decode(parts[0]), &header); err != nil || header.Alg != "RS256" {
		w.Fatal(header, err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	for _, k := range set.Keys {
		if k.Kid != header.Kid {
			continue
		}
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(decode(k.N)), E: int(new(big.Int).SetBytes(decode(k.E)).Int64())}
		if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], decode(parts[2])); err != nil {
			w.Fatal(err)
		}
		var claims map[string]any
		if err := json.Unmarshal(decode(parts[1]), &claims); err != nil {
			w.Fatal(err)
		}
		if claims["iss"] != issuer || configuration.Issuer != issuer {
			w.Fatalf("issued by %v", claims["iss"])
		}
		return claims
	}
	w.Fatalf("no key %s among %d", header.Kid, len(set.Keys))
	return nil
}

func serve(w *world) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.s.Serves(r) {
			http.NotFound(rw, r)
			return
		}
		w.s.Handler().ServeHTTP(rw, r)
	}))
	w.Cleanup(server.Close)
	w.s.SetEndpoint(server.URL)
	return server
}

func TestFirstSignIn(t *testing.T) {
	w := newWorld(t, store.Memory())
	server := serve(w)
	pool := w.pool(members{"AliasAttributes": []string{"email"}, "Schema": []members{
		{"Name": "given_name", "AttributeDataType": "String", "Required": true}, {"Name": "requestId", "AttributeDataType": "String"}}})
	client := w.client(pool, members{})
	u := w.create(pool, "1000000000000000000", members{"TemporaryPassword": temporary,
		"UserAttributes": append(email("ann@example.com"), cognitoidp.Attribute{Name: "custom:requestId", Value: "r-1"})})
	if u.UserStatus != "FORCE_CHANGE_PASSWORD" || !u.Enabled || u.Attributes[0].Name != "sub" {
		t.Errorf("%+v", u)
	}

	begin := func() *cognitoidp.AuthOutput {
		t.Helper()
		return do[cognitoidp.AuthOutput](w, "AdminInitiateAuth", &cognitoidp.AdminInitiateAuthInput{UserPoolId: pool, ClientId: client.ClientId,
			AuthFlow: "ADMIN_USER_PASSWORD_AUTH", AuthParameters: map[string]string{"USERNAME": u.Username, "PASSWORD": temporary}})
	}
	asked := begin()
	if asked.ChallengeName != "NEW_PASSWORD_REQUIRED" || asked.AuthenticationResult != nil || asked.ChallengeParameters["USER_ID_FOR_SRP"] != u.Username ||
		asked.ChallengeParameters["requiredAttributes"] != `["userAttributes.given_name"]` ||
		asked.ChallengeParameters["userAttributes"] != `{"custom:requestId":"r-1","email":"ann@example.com","email_verified":"true"}` {
		t.Fatalf("%+v", asked)
	}
	answer := func(session string, answers members) members {
		all := members{"USERNAME": u.Username, "NEW_PASSWORD": permanent, "userAttributes.given_name": "Ann"}
		for k, v := range answers {
			if all[k] = v; v == nil {
				delete(all, k)
			}
		}
		return members{"UserPoolId": pool, "ClientId": client.ClientId, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": session, "ChallengeResponses": all}
	}
	const respond = "AdminRespondToAuthChallenge"
	refused(w, "InvalidPasswordException: Password did not conform with policy: Password not long enough", respond, answer(asked.Session, members{"NEW_PASSWORD": "aB1!"}))
	refused(w, "InvalidParameterException: Missing required parameter NEW_PASSWORD", respond, answer(asked.Session, members{"NEW_PASSWORD": nil}))
	refused(w, "InvalidParameterException: Invalid attributes given, given_name is missing", respond, answer(asked.Session, members{"userAttributes.given_name": nil}))
	refused(w, "NotAuthorizedException: Cannot modify an already provided email", respond, answer(asked.Session, members{"userAttributes.email": "b@example.com"}))
	refused(w, "NotAuthorizedException: A client attempted to write unauthorized attribute", respond, answer(asked.Session, members{"userAttributes.phone_number_verified": "true"}))
	refused(w, "NotAuthorizedException: Invalid session for the user.", respond, answer(asked.Session+"x", nil))
	refused(w, "NotAuthorizedException: Invalid session for the user.", respond, answer(asked.Session, members{"USERNAME": "somebody"}))
	w.clock.Advance(3 * time.Minute)
	refused(w, "NotAuthorizedException: Invalid session for the user, session is expired.", respond, answer(asked.Session, nil))
	if got := w.get(pool, u.Username); got.UserStatus != "FORCE_CHANGE_PASSWORD" {
		t.Errorf("after failures the user is %s", got.UserStatus)
	}

	asked = begin()
	tokens := do[cognitoidp.AuthOutput](w, respond, answer(asked.Session, nil)).AuthenticationResult
	refused(w, "NotAuthorizedException: Invalid session for the user.", respond, answer(asked.Session, nil))
	if got := w.get(pool, u.Username); got.UserStatus != "CONFIRMED" || value(got.UserAttributes, "given_name") != "Ann" {
		t.Errorf("%+v", got)
	}
	if tokens.TokenType != "Bearer" || tokens.ExpiresIn != 3600 || tokens.RefreshToken == "" {
		t.Errorf("%+v", tokens)
	}
	id := stranger(w, server.URL+"/"+pool, tokens.IdToken)
	for name, want := range map[string]any{"sub": u.Attributes[0].Value, "aud": client.ClientId, "token_use": "id", "cognito:username": u.Username, "email": "ann@example.com",
		"email_verified": true, "custom:requestId": "r-1", "given_name": "Ann", "exp": float64(w.clock.Now().Add(time.Hour).Unix()), "auth_time": float64(w.clock.Now().Unix())} {
		if id[name] != want {
			t.Errorf("the id token's %s is %v, want %v", name, id[name], want)
		}
	}
	access := stranger(w, server.URL+"/"+pool, tokens.AccessToken)
	for name, want := range map[string]any{"client_id": client.ClientId, "token_use": "access", "username": u.Username, "scope": "aws.cognito.signin.user.admin", "email": nil, "aud": nil,
		"event_id": id["event_id"], "origin_jti": id["origin_jti"]} {
		if access[name] != want {
			t.Errorf("the access token's %s is %v, want %v", name, access[name], want)
		}
	}
	refused(w, "NotAuthorizedException: Incorrect username or password.", "InitiateAuth", signIn(client.ClientId, u.Username, temporary))
	if out := w.signedIn(client.ClientId, "ann@example.com"); out.IdToken == "" {
		t.Error("the alias does not sign in")
	}
}

func TestTemporaryPasswordsExpire(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{"Policies": members{"PasswordPolicy": members{"MinimumLength": 8, "TemporaryPasswordValidityDays": 2}}})
	client := w.client(pool, members{})
	w.create(pool, "ann", members{"TemporaryPassword": temporary})
	w.clock.Advance(48*time.Hour + time.Second)
	refused(w, "NotAuthorizedException: Temporary password has expired and must be reset by an administrator.", "InitiateAuth", signIn(client.ClientId, "ann", temporary))
	w.create(pool, "ann", members{"MessageAction": "RESEND", "TemporaryPassword": temporary})
	if out := do[cognitoidp.AuthOutput](w, "InitiateAuth", signIn(client.ClientId, "ann", temporary)); out.ChallengeName != "NEW_PASSWORD_REQUIRED" {
		t.Errorf("%+v", out)
	}
}

func TestSignInRefusals(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{})
	client := w.client(pool, members{})
	secretive := w.client(pool, members{"GenerateSecret": true, "PreventUserExistenceErrors": "ENABLED"})
	closed := w.client(pool, members{"ExplicitAuthFlows": []string{"ALLOW_USER_SRP_AUTH"}})
	w.confirmed(pool, "ann", nil)
	with := func(client, flow string, params members) members {
		return members{"ClientId": client, "AuthFlow": flow, "AuthParameters": params}
	}
	const flow = "USER_PASSWORD_AUTH"
	right := members{"USERNAME": "ann", "PASSWORD": permanent}
	for want, in := range map[string]members{
		"UserNotFoundException: User does not exist.":                                                                          with(client.ClientId, flow, members{"USERNAME": "bob", "PASSWORD": "x"}),
		"NotAuthorizedException: Incorrect username or password.":                                                              with(client.ClientId, flow, members{"USERNAME": "ann", "PASSWORD": "x"}),
		"InvalidParameterException: Missing required parameter PASSWORD":                                                       with(client.ClientId, flow, members{"USERNAME": "ann"}),
		"InvalidParameterException: Missing required parameter USERNAME":                                                       with(client.ClientId, flow, nil),
		"ResourceNotFoundException: User pool client nobody does not exist.":                                                   with("nobody", flow, right),
		"InvalidParameterException: USER_PASSWORD_AUTH flow not enabled for this client":                                       with(closed.ClientId, flow, right),
		"InvalidParameterException: Auth flow not enabled for this client":                                                     with(closed.ClientId, "REFRESH_TOKEN_AUTH", right),
		"InvalidParameterException: Initiate Auth method not supported.":                                                       with(client.ClientId, "ADMIN_USER_PASSWORD_AUTH", right),
		"NotAuthorizedException: Client " + secretive.ClientId + " is configured with secret but SECRET_HASH was not received": with(secretive.ClientId, flow, right),
		"NotAuthorizedException: Unable to verify secret hash for client " + secretive.ClientId:                                with(secretive.ClientId, flow, members{"USERNAME": "ann", "PASSWORD": permanent, "SECRET_HASH": "eA=="}),
		"NotAuthorizedException: Invalid Refresh Token":                                                                        with(client.ClientId, "REFRESH_TOKEN_AUTH", members{"REFRESH_TOKEN": "x.y"}),
		"InvalidParameterException":                                                                                            with(client.ClientId, "NO_FLOW", nil),
		"InvalidParameterException: the embedded AWS does not emulate USER_SRP_AUTH: sign in with USER_PASSWORD_AUTH, or with ADMIN_USER_PASSWORD_AUTH through AdminInitiateAuth": with(client.ClientId, "USER_SRP_AUTH", right),
	} {
		refused(w, want, "InitiateAuth", in)
	}
	secretHash := func(name string) string {
		m := hmac.New(sha256.New, []byte(secretive.ClientSecret))
		m.Write([]byte(name + secretive.ClientId))
		return base64.StdEncoding.EncodeToString(m.Sum(nil))
	}
	refused(w, "NotAuthorizedException: Incorrect username or password.", "InitiateAuth", with(secretive.ClientId, flow, members{"USERNAME": "bob", "PASSWORD": "x", "SECRET_HASH": secretHash("bob")}))
	out := do[cognitoidp.AuthOutput](w, "InitiateAuth", with(secretive.ClientId, flow, members{"USERNAME": "ann", "PASSWORD": permanent, "SECRET_HASH": secretHash("ann")}))
	do[cognitoidp.AuthOutput](w, "InitiateAuth", with(secretive.ClientId, "REFRESH_TOKEN_AUTH", members{"REFRESH_TOKEN": out.AuthenticationResult.RefreshToken, "SECRET_HASH": secretHash("ann")}))
	refused(w, "NotAuthorizedException: Invalid Refresh Token", "InitiateAuth", with(client.ClientId, "REFRESH_TOKEN_AUTH", members{"REFRESH_TOKEN": out.AuthenticationResult.RefreshToken}))

	for range 5 {
		refused(w, "NotAuthorizedException: Incorrect username or password.", "InitiateAuth", signIn(client.ClientId, "ann", "wrong"))
	}
	refused(w, "NotAuthorizedException: Password attempts exceeded", "InitiateAuth", signIn(client.ClientId, "ann", permanent))
	w.clock.Advance(time.Second)
	w.signedIn(client.ClientId, "ann")
	do[cognitoidp.Empty](w, "AdminDisableUser", &cognitoidp.UserInput{UserPoolId: pool, Username: "ann"})
	refused(w, "NotAuthorizedException: User is disabled.", "InitiateAuth", signIn(client.ClientId, "ann", permanent))
	do[cognitoidp.Empty](w, "AdminEnableUser", &cognitoidp.UserInput{UserPoolId: pool, Username: "ann"})
	w.signedIn(client.ClientId, "ann")
}

func TestTokensOfASignIn(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{"Policies": members{"PasswordPolicy": members{"MinimumLength": 8, "PasswordHistorySize": 2}}})
	client := w.client(pool, members{"AccessTokenValidity": 10, "TokenValidityUnits": members{"AccessToken": "minutes"}, "ReadAttributes": []string{"email"}})
	w.confirmed(pool, "ann", members{"UserAttributes": append(email("ann@example.com"), cognitoidp.Attribute{Name: "nickname", Value: "A"})})
	tokens := w.signedIn(client.ClientId, "ann")
	if tokens.ExpiresIn != 600 {
		t.Errorf("expires in %d", tokens.ExpiresIn)
	}
	me := do[cognitoidp.GetUserOutput](w, "GetUser", &cognitoidp.AccessTokenInput{AccessToken: tokens.AccessToken})
	if me.Username != "ann" || len(me.UserAttributes) != 2 || value(me.UserAttributes, "email") != "ann@example.com" {
		t.Errorf("%+v", me)
	}
	refused(w, "NotAuthorizedException: Invalid Access Token", "GetUser", &cognitoidp.AccessTokenInput{AccessToken: tokens.IdToken})
	refused(w, "NotAuthorizedException: Invalid Access Token", "GetUser", &cognitoidp.AccessTokenInput{AccessToken: tokens.AccessToken[:len(tokens.AccessToken)-8] + "AAAAAAAA"})
	w.clock.Advance(10 * time.Minute)
	refused(w, "NotAuthorizedException: Access Token has expired", "GetUser", &cognitoidp.AccessTokenInput{AccessToken: tokens.AccessToken})

	renew := &cognitoidp.InitiateAuthInput{ClientId: client.ClientId, AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters: map[string]string{"REFRESH_TOKEN": tokens.RefreshToken}}
	again := do[cognitoidp.AuthOutput](w, "InitiateAuth", renew).AuthenticationResult
	if again.RefreshToken != "" || again.AccessToken == tokens.AccessToken {
		t.Errorf("%+v", again)
	}
	change := func(from, to string) members {
		return members{"AccessToken": again.AccessToken, "PreviousPassword": from, "ProposedPassword": to}
	}
	refused(w, "NotAuthorizedException: Incorrect username or password.", "ChangePassword", change("x", "Other-pass1"))
	refused(w, "InvalidPasswordException", "ChangePassword", change(permanent, "short"))
	refused(w, "PasswordHistoryPolicyViolationException", "ChangePassword", change(permanent, permanent))
	do[cognitoidp.Empty](w, "ChangePassword", change(permanent, "Other-pass1"))
	refused(w, "PasswordHistoryPolicyViolationException", "ChangePassword", change("Other-pass1", permanent))
	do[cognitoidp.Empty](w, "ChangePassword", change("Other-pass1", "Third-pass1"))
	do[cognitoidp.Empty](w, "ChangePassword", change("Third-pass1", permanent)) // it has left the history of two

	do[cognitoidp.Empty](w, "GlobalSignOut", &cognitoidp.AccessTokenInput{AccessToken: again.AccessToken})
	refused(w, "NotAuthorizedException: Access Token has been revoked", "GetUser", &cognitoidp.AccessTokenInput{AccessToken: again.AccessToken})
	refused(w, "NotAuthorizedException: Refresh Token has been revoked", "InitiateAuth", renew)
	fresh := w.signedIn(client.ClientId, "ann") // in the same instant
	do[cognitoidp.GetUserOutput](w, "GetUser", &cognitoidp.AccessTokenInput{AccessToken: fresh.AccessToken})
	w.clock.Advance(30 * 24 * time.Hour)
	renew.AuthParameters["REFRESH_TOKEN"] = fresh.RefreshToken
	refused(w, "NotAuthorizedException: Refresh Token has expired", "InitiateAuth", renew)
	do[cognitoidp.Empty](w, "AdminDeleteUser", &cognitoidp.UserInput{UserPoolId: pool, Username: "ann"})
	refused(w, "UserNotFoundException", "InitiateAuth", renew)
}

// code is the one-time password that an authenticator app shows.
func code(w *world, secret string) string {
	w.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		w.Fatal(err)
	}
	m := hmac.New(sha1.New, key)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(w.clock.Now().Unix()/30)))
	sum := m.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}

func TestSecondFactor(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{})
	client := w.client(pool, members{})
	w.confirmed(pool, "ann", nil)
	refused(w, "InvalidParameterException", "SetUserPoolMfaConfig", members{"UserPoolId": pool, "MfaConfiguration": "ON"})
	do[cognitoidp.MfaConfig](w, "SetUserPoolMfaConfig", members{"UserPoolId": pool, "MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": members{"Enabled": true}})

	asked := do[cognitoidp.AuthOutput](w, "InitiateAuth", signIn(client.ClientId, "ann", permanent))
	if asked.ChallengeName != "MFA_SETUP" || asked.ChallengeParameters["MFAS_CAN_SETUP"] != `["SOFTWARE_TOKEN_MFA"]` {
		t.Fatalf("%+v", asked)
	}
	respond := func(name, session string, answers members) members {
		answers["USERNAME"] = "ann"
		return members{"ClientId": client.ClientId, "ChallengeName": name, "Session": session, "ChallengeResponses": answers}
	}
	refused(w, "NotAuthorizedException", "RespondToAuthChallenge", respond("MFA_SETUP", asked.Session, members{})) // nothing was set up
	app := do[cognitoidp.AssociateSoftwareTokenOutput](w, "AssociateSoftwareToken", members{"Session": asked.Session})
	refused(w, "EnableSoftwareTokenMFAException", "VerifySoftwareToken", members{"Session": app.Session, "UserCode": "abcdef"})
	done := do[cognitoidp.VerifySoftwareTokenOutput](w, "VerifySoftwareToken", members{"Session": app.Session, "UserCode": code(w, app.SecretCode)})
	if out := do[cognitoidp.AuthOutput](w, "RespondToAuthChallenge", respond("MFA_SETUP", done.Session, members{})); out.AuthenticationResult == nil {
		t.Fatalf("%+v", out)
	}

	asked = do[cognitoidp.AuthOutput](w, "InitiateAuth", signIn(client.ClientId, "ann", permanent))
	if asked.ChallengeName != "SOFTWARE_TOKEN_MFA" {
		t.Fatalf("%+v", asked)
	}
	answer := func(text string) members {
		return respond("SOFTWARE_TOKEN_MFA", asked.Session, members{"SOFTWARE_TOKEN_MFA_CODE": text})
	}
	refused(w, "CodeMismatchException", "RespondToAuthChallenge", answer("abcdef"))
	refused(w, "ExpiredCodeException", "RespondToAuthChallenge", answer(code(w, app.SecretCode)))
	w.clock.Advance(30 * time.Second)
	tokens := do[cognitoidp.AuthOutput](w, "RespondToAuthChallenge", answer(code(w, app.SecretCode))).AuthenticationResult
	refused(w, "ExpiredCodeException", "RespondToAuthChallenge", answer(code(w, app.SecretCode)))

	do[cognitoidp.MfaConfig](w, "SetUserPoolMfaConfig", members{"UserPoolId": pool, "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": members{"Enabled": true}})
	w.signedIn(client.ClientId, "ann")
	do[cognitoidp.Empty](w, "SetUserMFAPreference", members{"AccessToken": tokens.AccessToken, "SoftwareTokenMfaSettings": members{"Enabled": true, "PreferredMfa": true}})
	if out := do[cognitoidp.AuthOutput](w, "InitiateAuth", signIn(client.ClientId, "ann", permanent)); out.ChallengeName != "SOFTWARE_TOKEN_MFA" {
		t.Errorf("%+v", out)
	}
	if got := w.get(pool, "ann"); got.PreferredMfaSetting != "SOFTWARE_TOKEN_MFA" || len(got.UserMFASettingList) != 1 {
		t.Errorf("%+v", got)
	}
}
