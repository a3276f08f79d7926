package main

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carepath/carepath/components/usercreation"
	"github.com/carepath/carepath/localcloud"
)

// userRecords are everything that is kept of users.
type userRecords struct {
	last  string                       // number that was handed out
	items map[string]map[string]string // all others, by partition key
	pool  map[string]map[string]string // attributes of the user pool's users, by user name
}

func (l *local) userRecords(ctx context.Context) (userRecords, error) {
	r := userRecords{items: map[string]map[string]string{}, pool: map[string]map[string]string{}}
	var table struct {
		Items            []map[string]map[string]string
		LastEvaluatedKey json.RawMessage
	}
	if err := l.do(ctx, "dynamodb", dynamoTarget+"Scan", map[string]any{"TableName": l.outputs["usersTableName"], "ConsistentRead": true}, &table); err != nil {
		return r, err
	}
	for _, item := range table.Items {
		flat := map[string]string{}
		for name, value := range item {
			for _, text := range value {
				flat[name] = text
			}
		}
		if flat["PK"] == "USERMETADATA" {
			r.last = flat["LastId"]
			continue
		}
		r.items[flat["PK"]] = flat
	}
	var pool struct {
		Users []struct {
			Username   string
			Attributes []struct{ Name, Value string }
		}
		PaginationToken string
	}
	if err := l.do(ctx, "cognito-idp", cognitoTarget+"ListUsers", map[string]any{"UserPoolId": l.outputs["userPoolId"]}, &pool); err != nil {
		return r, err
	}
	for _, user := range pool.Users {
		flat := map[string]string{}
		for _, a := range user.Attributes {
			flat[a.Name] = a.Value
		}
		r.pool[user.Username] = flat
	}
	if table.LastEvaluatedKey != nil || pool.PaginationToken != "" {
		return r, errors.New("more users than on one page")
	}
	return r, nil
}

func (l *local) records(t testing.TB) userRecords {
	t.Helper()
	r, err := l.userRecords(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// X-Amz-Targets begin so.
const (
	cognitoTarget = "AWSCognitoIdentityProviderService."
	dynamoTarget  = "DynamoDB_20120810."
)

// agree says where table and user pool do not have the same users, or one of them is not complete.
func (r userRecords) agree() error {
	var problems []error
	profiles := 0
	for key, claim := range r.items {
		kind, name, _ := strings.Cut(key, "#")
		switch kind {
		case "USERPROFILE":
			profiles++
		case "USEREMAIL":
			profile, user := r.items["USERPROFILE#"+claim["UserId"]], r.pool[claim["UserId"]]
			if claim["Pending"] != "" || claim["LeaseUntil"] != "" || !strings.EqualFold(profile["EmailAddress"], name) || !strings.EqualFold(user["email"], name) ||
				profile["Claim"] != claim["Claim"] || user["custom:claim"] != claim["Claim"] {
				problems = append(problems, fmt.Errorf("the claim %v has the profile %v and the user %v", claim, profile, user))
			}
		}
	}
	if emails := len(r.items) - 2*profiles; profiles != len(r.pool) || emails != profiles { // a request of each is kept
		problems = append(problems, fmt.Errorf("%d profiles among %d items, %d users", profiles, len(r.items), len(r.pool)))
	}
	return errors.Join(problems...)
}

// userBody is a request: valid, but for the changes. A nil removes a member.
func userBody(email string, changes map[string]any) string {
	user := map[string]any{"firstName": "Ada", "lastName": "Lovelace", "emailAddress": email}
	maps.Copy(user, changes)
	maps.DeleteFunc(user, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(user)
	if err != nil {
		panic(err) // of maps of texts: a mistake of the test
	}
	return string(text)
}

// created returns the number of the user that an answer says was created.
func (l *local) created(t testing.TB, a answer) string {
	t.Helper()
	if a.status != http.StatusCreated || a.fields["userId"] == "" {
		t.Fatalf("not created: %d %s", a.status, a.body)
	}
	return a.fields["userId"]
}

// own calls what the embedded AWS has of its own. Into may be nil.
func (l *local) own(ctx context.Context, method, path string, in, into any) error {
	var body string
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = string(text)
	}
	got, err := l.call(ctx, "carepath", method, "/_carepath/"+path, "", body)
	if err == nil && into != nil {
		err = json.Unmarshal(got, into)
	}
	return err
}

// withFault makes calls fail while do runs, and says whether the fault was met as often as it was to.
func (l *local) withFault(ctx context.Context, f localcloud.Fault, do func()) error {
	if err := l.own(ctx, http.MethodPost, "faults", f, nil); err != nil {
		return err
	}
	do()
	var left localcloud.Faults
	if err := l.own(ctx, http.MethodGet, "faults", nil, &left); err != nil {
		return err
	}
	if err := l.own(ctx, http.MethodDelete, "faults", nil, nil); err != nil {
		return err
	}
	if len(left.Faults) > 0 {
		return fmt.Errorf("%s:%s was not called as often as was to fail: %+v", f.Service, f.Action, left.Faults)
	}
	return nil
}

func (l *local) testUsers(t *testing.T) {
	url := "usersUrl"
	names := []string{"Ada", `O'Brien "Q" \ ☃`, "{% $states %}$input #set($x=1)\u2028"}
	t.Run("get consecutive numbers and keep what was sent", func(t *testing.T) {
		for n, name := range names {
			body := userBody(fmt.Sprintf("User%d@Example.org", n), map[string]any{"firstName": name, "phoneNumber": "+12065550100"})
			want := map[string]string{"userId": fmt.Sprint(usercreation.DefaultFirstID + n)}
			if err := json.Unmarshal([]byte(body), &want); err != nil {
				t.Fatal(err)
			}
			if a := l.postTo(t, url, body); a.status != http.StatusCreated || !maps.Equal(a.fields, want) {
				t.Errorf("POST %s answers %d %s, want %v", body, a.status, a.body, want)
			}
		}
		r := l.records(t)
		if err := r.agree(); err != nil || len(r.pool) != len(names) || r.last != fmt.Sprint(usercreation.DefaultFirstID+len(names)-1) {
			t.Errorf("%v: %+v", err, r)
		}
		for n, name := range names {
			profile := r.items["USERPROFILE#"+fmt.Sprint(usercreation.DefaultFirstID+n)]
			if profile["FirstName"] != name || profile["LastName"] != "Lovelace" || profile["PhoneNumber"] != "+12065550100" {
				t.Errorf("the profile of %q is %v", name, profile)
			}
		}
	})

	before := l.records(t)
	t.Run("that cannot be are refused with the reason", func(t *testing.T) {
		for _, c := range []struct {
			changes map[string]any
			status  int
			reason  string
		}{
			{map[string]any{"emailAddress": "uSER1@eXAMPLE.ORG"}, 409, "emailAddress"},
			{map[string]any{"firstName": nil}, 400, "firstName"}, {map[string]any{"lastName": nil}, 400, "lastName"}, {map[string]any{"emailAddress": nil}, 400, "emailAddress"},
			{map[string]any{"nickName": "x"}, 400, "nickName"}, {map[string]any{"userId": "1"}, 400, "userId"},
			{map[string]any{"firstName": 7}, 400, "firstName"}, {map[string]any{"lastName": []string{"x"}}, 400, "lastName"}, {map[string]any{"emailAddress": map[string]any{}}, 400, "emailAddress"},
			{map[string]any{"phoneNumber": 12065550100}, 400, "phoneNumber"}, {map[string]any{"firstName": " "}, 400, "firstName"},
			{map[string]any{"emailAddress": "ada"}, 400, "emailAddress"}, {map[string]any{"emailAddress": "a b@example.org"}, 400, "emailAddress"},
			{map[string]any{"phoneNumber": "2065550100"}, 400, "phoneNumber"}, {map[string]any{"phoneNumber": "+1 206"}, 400, "phoneNumber"},
			{map[string]any{"firstName": strings.Repeat("☃", 101)}, 400, "firstName"}, {map[string]any{"lastName": strings.Repeat("x", 101)}, 400, "lastName"},
			{map[string]any{"emailAddress": "a@" + strings.Repeat("a.", 130) + "org"}, 400, "emailAddress"},
		} {
			body := userBody("refused@example.org", c.changes)
			if a := l.postTo(t, url, body); a.status != c.status || !strings.Contains(a.fields["message"], c.reason) {
				t.Errorf("POST %.200s answers %d %s, want %d that names %s", body, a.status, a.body, c.status, c.reason)
			}
		}
		for _, body := range []string{`[]`, `"x"`, `null`, `{"firstName":`, ``} {
			if a := l.postTo(t, url, body); a.status != 400 || a.fields["message"] == "" {
				t.Errorf("POST %s answers %d %s, want 400", body, a.status, a.body)
			}
		}
		if a := l.postTo(t, url, userBody("refused@example.org", nil), "Idempotency-Key", strings.Repeat("k", 300)); a.status != 400 || !strings.Contains(a.fields["message"], "Idempotency-Key") {
			t.Errorf("a long Idempotency-Key: %d %s", a.status, a.body)
		}
		if after := l.records(t); !reflect.DeepEqual(after, before) {
			t.Errorf("refused requests left %+v\nbefore: %+v", after, before)
		}
	})

	t.Run("repeated with the same Idempotency-Key are one", func(t *testing.T) {
		body, key := userBody("again@example.org", nil), `"a-key"/+='`
		first := l.created(t, l.postTo(t, url, body, "Idempotency-Key", key))
		if again := l.created(t, l.postTo(t, url, body, "Idempotency-Key", key)); again != first {
			t.Errorf("first %s, then %s", first, again)
		}
		if a := l.postTo(t, url, userBody("other@example.org", nil), "Idempotency-Key", key); a.status != 400 || !strings.Contains(a.fields["message"], "Idempotency-Key") {
			t.Errorf("another request with the same key: %d %s", a.status, a.body)
		}
		if r := l.records(t); r.agree() != nil || len(r.pool) != len(before.pool)+1 || r.last != first {
			t.Errorf("%v: %+v", r.agree(), r)
		}
	})

	t.Run("sign in with the password from their invitation", func(t *testing.T) { l.testSignIn(t) })
	t.Run("are made in spite of failures, or leave nothing", func(t *testing.T) { l.testUserFaults(t) })
}

// testSignIn takes a user from the invitation to tokens, and verifies them as a service would that knows the issuer only.
func (l *local) testSignIn(t *testing.T) {
	const address = "Sign.In@Example.org"
	id := l.created(t, l.postTo(t, "usersUrl", userBody(address, nil)))
	var mail localcloud.Mail
	if err := l.own(t.Context(), http.MethodGet, "mail?to="+url.QueryEscape(strings.ToLower(address)), nil, &mail); err != nil || len(mail.Messages) != 1 || mail.Messages[0].UserName != id {
		t.Fatalf("the mailbox of %s: %v %+v", address, err, mail)
	}
	temporary := mail.Messages[0].TemporaryPassword
	type result struct {
		ChallengeName, Session string
		AuthenticationResult   struct{ IdToken, AccessToken, RefreshToken string }
	}
	sign := func(action string, in map[string]any) (got result) {
		t.Helper()
		in["UserPoolId"], in["ClientId"] = l.outputs["userPoolId"], l.outputs["userPoolClientId"]
		l.json(t, "cognito-idp", cognitoTarget+action, in, &got)
		return got
	}
	password := map[string]any{"AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": strings.ToLower(address), "PASSWORD": temporary}}
	asked := sign("AdminInitiateAuth", password)
	if asked.ChallengeName != "NEW_PASSWORD_REQUIRED" || asked.AuthenticationResult.IdToken != "" {
		t.Fatalf("signed in with the temporary password: %s", asked.ChallengeName)
	}
	answered := sign("AdminRespondToAuthChallenge", map[string]any{"ChallengeName": asked.ChallengeName, "Session": asked.Session,
		"ChallengeResponses": map[string]string{"USERNAME": id, "NEW_PASSWORD": "A new one: 42"}})
	again := sign("AdminInitiateAuth", map[string]any{"AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": id, "PASSWORD": "A new one: 42"}})
	for _, token := range []string{answered.AuthenticationResult.IdToken, again.AuthenticationResult.IdToken} {
		claims, err := verified(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		expires, _ := claims["exp"].(float64)
		if claims["cognito:username"] != id || claims["token_use"] != "id" || claims["aud"] != l.outputs["userPoolClientId"] || claims["email"] != address ||
			claims["email_verified"] != true || !strings.HasSuffix(fmt.Sprint(claims["iss"]), "/"+l.outputs["userPoolId"]) || expires < float64(time.Now().Unix()) {
			t.Errorf("claims: %v", claims)
		}
	}
	if log, err := os.ReadFile(filepath.Join(l.home, "local", "log.txt")); err != nil || strings.Contains(string(log), temporary) {
		t.Errorf("the temporary password is in the log (%v)", err)
	}
}

// verified returns the claims of a token if one of its issuer's keys has signed it.
func verified(ctx context.Context, token string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("a token of %d parts", len(parts))
	}
	raw := make([][]byte, 3)
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return nil, err
		}
	}
	var header struct{ Alg, Kid string }
	var claims map[string]any
	if err := errors.Join(json.Unmarshal(raw[0], &header), json.Unmarshal(raw[1], &claims)); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprint(claims["iss"], "/.well-known/jwks.json"), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var set struct {
		Keys []struct{ Kid, Kty, N, E string }
	}
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		return nil, err
	}
	for _, key := range set.Keys {
		if key.Kid != header.Kid || key.Kty != "RSA" || header.Alg != "RS256" {
			continue
		}
		n, err := base64.RawURLEncoding.DecodeString(key.N)
		if err != nil {
			return nil, err
		}
		e, err := base64.RawURLEncoding.DecodeString(key.E)
		if err != nil {
			return nil, err
		}
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		return claims, rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], raw[2])
	}
	return nil, fmt.Errorf("the issuer has no key %s for %s", header.Kid, header.Alg)
}

func (l *local) testUserFaults(t *testing.T) {
	for n, c := range []struct {
		fault  localcloud.Fault
		status int
	}{
		{localcloud.Fault{Service: "cognito-idp", Action: "AdminCreateUser", Code: "TooManyRequestsException", Times: 2}, 201},
		{localcloud.Fault{Service: "cognito-idp", Action: "AdminCreateUser", Code: "InternalErrorException", Times: 1, After: true}, 201}, // met again, it is ours
		{localcloud.Fault{Service: "dynamodb", Action: "TransactWriteItems", Code: "InternalServerError", Status: 500, Times: 1, After: true}, 201},
		{localcloud.Fault{Service: "cognito-idp", Action: "DeliverMessage", Code: "MessageRejected", Times: 1}, 500},
		{localcloud.Fault{Service: "states", Action: "StartSyncExecution", Code: "ThrottlingException", Times: 1}, 429},
		{localcloud.Fault{Service: "states", Action: "StartSyncExecution", Code: "ServiceUnavailable", Status: 503, Times: 1}, 503},
	} {
		before := l.records(t)
		body, key := userBody(fmt.Sprintf("fault%d@example.org", n), nil), fmt.Sprintf("fault-%d", n)
		if c.fault.Status == 0 {
			c.fault.Status = 400
		}
		var a answer
		if err := l.withFault(t.Context(), c.fault, func() { a = l.postTo(t, "usersUrl", body, "Idempotency-Key", key) }); err != nil {
			t.Error(err)
		}
		after := l.records(t)
		if a.status != c.status || (c.status != 201) != (a.fields["message"] != "") {
			t.Errorf("%+v: %d %s, want %d", c.fault, a.status, a.body, c.status)
		}
		before.last, after.last = "", "" // an atomic allocation consumes the number
		if after.agree() != nil || reflect.DeepEqual(after, before) == (c.status == 201) {
			t.Errorf("%+v left %v: %v\nbefore: %v", c.fault, after, after.agree(), before)
		}
		l.created(t, l.postTo(t, "usersUrl", body, "Idempotency-Key", key))
		if r := l.records(t); r.agree() != nil || len(r.pool) != len(before.pool)+1 {
			t.Errorf("%+v, and then the request again: %v %v", c.fault, r.agree(), r)
		}
	}
}

// testOptimisticAllocation deploys the stack again with the other way of handing out numbers. Users who come together get
// consecutive ones, and those who fail before their profile is written consume none.
func (l *local) testOptimisticAllocation(t *testing.T) {
	t.Chdir(projectWith(t, "  carepath:users:\n    allocation: optimistic\n"))
	if result := l.up(t); len(result.Changes) != 1 || result.Changes[0].Type != "aws:sfn/stateMachine:StateMachine" {
		t.Errorf("another allocation changes %+v, want one state machine", result.Changes)
	}
	before := l.records(t)
	const together = 5
	answers := make([]answer, together)
	var posting sync.WaitGroup
	for n := range together {
		posting.Go(func() {
			answers[n] = l.postTo(t, "usersUrl", userBody(fmt.Sprintf("together%d@example.org", n), nil))
		})
	}
	posting.Wait()
	var got, want []string
	next, _ := new(big.Int).SetString(before.last, 10)
	for _, a := range answers {
		got = append(got, l.created(t, a))
		want = append(want, next.Add(next, big.NewInt(1)).String())
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("numbers: %v, want %v", got, want)
	}
	if r := l.records(t); r.agree() != nil || len(r.pool) != len(before.pool)+together || r.last != want[together-1] {
		t.Errorf("%v: %+v", r.agree(), r)
	}
}

// projectWith is a folder with the project in it, whose local stack has some more lines of configuration.
func projectWith(t *testing.T, config string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, entry := range entries {
		if entry.Name() == "Pulumi.local.yaml" || entry.Name() == ".git" {
			continue
		}
		if err := os.Symlink(filepath.Join(root, entry.Name()), filepath.Join(folder, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "Pulumi.local.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "\nconfig:\n", "\nconfig:\n"+config, 1)
	if changed == string(text) {
		t.Fatal("Pulumi.local.yaml has no line config:")
	}
	if err := os.WriteFile(filepath.Join(folder, "Pulumi.local.yaml"), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}
