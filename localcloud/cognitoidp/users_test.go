package cognitoidp_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/carepath/carepath/localcloud/cognitoidp"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

func TestAdminCreateUserRefusals(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{"AliasAttributes": []string{"email", "phone_number"}, "Schema": []members{
		{"Name": "short", "AttributeDataType": "String", "StringAttributeConstraints": members{"MaxLength": "3"}},
		{"Name": "count", "AttributeDataType": "Number", "NumberAttributeConstraints": members{"MinValue": "1", "MaxValue": "9"}}}})
	w.create(pool, "taken", members{"UserAttributes": email("a@example.com")})
	given := func(name, value string) members {
		return members{"UserAttributes": attributes{{Name: name, Value: value}}}
	}
	password := func(text string) members { return members{"TemporaryPassword": text} }
	const policy = "InvalidPasswordException: Password did not conform with policy: "
	const username = "InvalidParameterException: 1 validation error detected: Value at 'username' failed to satisfy constraint: Member must "
	for _, c := range []struct {
		want, name string
		more       members
	}{
		{"UsernameExistsException: User account already exists", "taken", nil},
		{"UsernameExistsException: An account with the email already exists.", "new", members{"UserAttributes": email("a@example.com")}},
		{"InvalidParameterException: Username cannot be of email format, since user pool is configured for email alias.", "b@example.com", nil},
		{"InvalidParameterException: Username cannot be of phone number format, since user pool is configured for phone number alias.", "+15550100", nil},
		{username + `satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`, "two words", nil},
		{username + "have length less than or equal to 128", strings.Repeat("x", 129), nil},
		{username + "not be null", "", nil},
		{"InvalidParameterException: Invalid email address format.", "new", given("email", "nobody")},
		{"InvalidParameterException: Invalid phone number format.", "new", given("phone_number", "0123")},
		{"InvalidParameterException: Attributes did not conform to the schema: Type for attribute {custom:none} could not be determined", "new", given("custom:none", "x")},
		{"InvalidParameterException", "new", given("custom:short", "four")},
		{"InvalidParameterException", "new", given("custom:count", "10")},
		{"InvalidParameterException", "new", given("custom:count", "one")},
		{"InvalidParameterException", "new", given("email_verified", "perhaps")},
		{"InvalidParameterException", "new", given("sub", "x")},
		{"InvalidParameterException: 1 validation error detected: Value at 'userAttributes.1.member.value' failed to satisfy constraint: Member must have length less than or equal to 2048", "new", given("name", strings.Repeat("x", 2049))},
		{"InvalidParameterException", "new", members{"MessageAction": "WHISPER"}},
		{"InvalidParameterException", "new", members{"DesiredDeliveryMediums": []string{"PIGEON"}}},
		{"InvalidParameterException", "new", password("no blanks")},
		{policy + "Password not long enough", "new", password("Ab1!")},
		{policy + "Password must have uppercase characters", "new", password("abcdefg1!")},
		{policy + "Password must have lowercase characters", "new", password("ABCDEFG1!")},
		{policy + "Password must have numeric characters", "new", password("Abcdefgh!")},
		{policy + "Password must have symbol characters", "new", password("Abcdefgh1")},
		{"UserNotFoundException: User does not exist.", "new", members{"MessageAction": "RESEND"}},
	} {
		refused(w, c.want, "AdminCreateUser", userOf(pool, c.name, c.more))
	}
	refused(w, "ResourceNotFoundException: User pool us-east-1_none does not exist.", "AdminCreateUser", userOf("us-east-1_none", "new", nil))
	refused(w, "InvalidParameterException", "AdminCreateUser", userOf("none", "new", nil))
	if n := len(do[cognitoidp.ListUsersOutput](w, "ListUsers", members{"UserPoolId": pool}).Users); n != 1 {
		t.Errorf("%d users after refusals", n)
	}
}

func TestAliases(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{"AliasAttributes": []string{"email"}, "UsernameConfiguration": members{"CaseSensitive": false}})
	client := w.client(pool, members{})
	w.confirmed(pool, "ann", members{"UserAttributes": email("Ann@example.com")})
	unverified := members{"UserAttributes": attributes{{Name: "email", Value: "ann@example.com"}}}
	w.create(pool, "bob", unverified) // not verified, so no alias
	refused(w, "UsernameExistsException", "AdminCreateUser", userOf(pool, "ANN", nil))
	refused(w, "UsernameExistsException: An account with the email already exists.", "AdminCreateUser", userOf(pool, "new", members{"UserAttributes": email("ann@EXAMPLE.com")}))
	w.signedIn(client.ClientId, "ann@example.com")
	verify := members{"UserPoolId": pool, "Username": "bob", "UserAttributes": attributes{{Name: "email_verified", Value: "true"}}}
	refused(w, "AliasExistsException: An account with the email already exists.", "AdminUpdateUserAttributes", verify)

	w.confirmed(pool, "cid", members{"UserAttributes": email("ann@example.com"), "ForceAliasCreation": true})
	if u := w.get(pool, "ann@example.com"); u.Username != "cid" {
		t.Errorf("the alias leads to %s", u.Username)
	}
	if u := w.get(pool, "ann"); value(u.UserAttributes, "email") != "Ann@example.com" || value(u.UserAttributes, "email_verified") != "false" {
		t.Errorf("who lost the alias has %+v", u.UserAttributes)
	}
	do[cognitoidp.Empty](w, "AdminDeleteUser", &cognitoidp.UserInput{UserPoolId: pool, Username: "cid"})
	refused(w, "UserNotFoundException", "AdminGetUser", &cognitoidp.UserInput{UserPoolId: pool, Username: "ann@example.com"})
	do[cognitoidp.Empty](w, "AdminUpdateUserAttributes", verify)
	if u := w.get(pool, "ann@example.com"); u.Username != "bob" {
		t.Errorf("the alias leads to %s", u.Username)
	}
	w.create(pool, "cid", nil) // the name is free again

	sensitive := w.pool(members{})
	w.create(sensitive, "ann", nil)
	w.create(sensitive, "Ann", nil)
}

func TestAddressesAsUserNames(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{"UsernameAttributes": []string{"email"}})
	client := w.client(pool, members{})
	u := w.confirmed(pool, "ann@example.com", nil)
	if u.Username != u.Attributes[0].Value || value(u.Attributes, "email") != "ann@example.com" {
		t.Errorf("%+v", u)
	}
	w.signedIn(client.ClientId, "ann@example.com")
	w.signedIn(client.ClientId, u.Username)
	refused(w, "InvalidParameterException: Username should be an email.", "AdminCreateUser", userOf(pool, "ann", nil))
	refused(w, "UsernameExistsException: An account with the given email already exists.", "AdminCreateUser", userOf(pool, "ann@example.com", nil))
	refused(w, "InvalidParameterException: Only one of the aliasAttributes or usernameAttributes can be set in a user pool.", "CreateUserPool",
		members{"PoolName": "x", "UsernameAttributes": []string{"email"}, "AliasAttributes": []string{"email"}})
}

func TestAttributes(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{"Schema": []members{{"Name": "name", "AttributeDataType": "String", "Required": true, "Mutable": true}, {"Name": "fixed", "AttributeDataType": "String"}}})
	w.create(pool, "ann", members{"UserAttributes": append(email("a@example.com"), cognitoidp.Attribute{Name: "name", Value: "Ann"}, cognitoidp.Attribute{Name: "custom:fixed", Value: "1"})})
	update := func(name, value string) members {
		return members{"UserPoolId": pool, "Username": "ann", "UserAttributes": attributes{{Name: name, Value: value}}}
	}
	refused(w, "InvalidParameterException: user.custom:none: Attribute does not exist in the schema.", "AdminUpdateUserAttributes", update("custom:none", "x"))
	refused(w, "InvalidParameterException: user.custom:fixed: Attribute cannot be updated.", "AdminUpdateUserAttributes", update("custom:fixed", "2"))
	refused(w, "InvalidParameterException: user.name: Attribute cannot be deleted.", "AdminUpdateUserAttributes", update("name", ""))
	w.clock.Advance(time.Second)
	do[cognitoidp.Empty](w, "AdminUpdateUserAttributes", update("email", "b@example.com"))
	u := w.get(pool, "ann")
	if value(u.UserAttributes, "email") != "b@example.com" || value(u.UserAttributes, "email_verified") != "false" {
		t.Errorf("%+v", u.UserAttributes)
	}
	if !u.UserLastModifiedDate.Equal(start.Add(time.Second)) || !u.UserCreateDate.Equal(start) {
		t.Errorf("created %v, modified %v", u.UserCreateDate, u.UserLastModifiedDate)
	}
	do[cognitoidp.Empty](w, "AdminDeleteUserAttributes", members{"UserPoolId": pool, "Username": "ann", "UserAttributeNames": []string{"email"}})
	if u := w.get(pool, "ann"); len(u.UserAttributes) != 3 {
		t.Errorf("%+v", u.UserAttributes)
	}
	do[cognitoidp.Empty](w, "AddCustomAttributes", members{"UserPoolId": pool, "CustomAttributes": []members{{"Name": "later", "AttributeDataType": "String", "Mutable": true}}})
	do[cognitoidp.Empty](w, "AdminUpdateUserAttributes", update("custom:later", "x"))
}

func TestInvitations(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{"AdminCreateUserConfig": members{"InviteMessageTemplate": members{"EmailSubject": "Welcome", "EmailMessage": "{username}, your password is {####}"}},
		"EmailConfiguration": members{"EmailSendingAccount": "DEVELOPER", "SourceArn": "arn:aws:ses:us-east-1:111111111111:identity/example.com", "From": "Accounts <accounts@example.com>"}})
	invited := func(more members) members {
		in := members{"MessageAction": nil, "DesiredDeliveryMediums": []string{"EMAIL"}, "UserAttributes": email("ann@example.com"), "TemporaryPassword": temporary}
		for k, v := range more {
			in[k] = v
		}
		return userOf(pool, "ann", in)
	}
	do[cognitoidp.AdminCreateUserOutput](w, "AdminCreateUser", invited(nil))
	want := cognitoidp.DeliverMessageInput{UserPoolId: pool, Username: "ann", Medium: "EMAIL", Destination: "ann@example.com", From: "Accounts <accounts@example.com>", Subject: "Welcome", Body: "ann, your password is " + temporary, TemporaryPassword: temporary}
	if got := w.s.Outbox(); len(got) != 1 || got[0] != want {
		t.Errorf("%+v", got)
	}
	if e := w.d.Journal.Latest(); !slices.ContainsFunc(e, func(e dispatch.Entry) bool {
		return e.Action == "DeliverMessage" && e.Principal == "cognito-idp.amazonaws.com"
	}) {
		t.Errorf("the journal lacks the delivery: %+v", e)
	}
	refused(w, "UnknownOperationException", "DeliverMessage", &want)

	w.d.Faults.Inject(dispatch.Fault{Action: "DeliverMessage", Times: 1, Err: dispatch.Errorf("MessageRejected", "Email address is not verified.")})
	in := invited(nil)
	in["Username"] = "bob"
	refused(w, "CodeDeliveryFailureException: Email address is not verified.", "AdminCreateUser", in)
	if u := w.get(pool, "bob"); u.UserStatus != "FORCE_CHANGE_PASSWORD" {
		t.Errorf("the user is there all the same, but %s", u.UserStatus)
	}
	w.create(pool, "cid", members{"UserAttributes": email("cid@example.com")}) // SUPPRESS
	if n := len(w.s.Outbox()); n != 1 {
		t.Errorf("%d messages", n)
	}
	do[cognitoidp.AdminCreateUserOutput](w, "AdminCreateUser", invited(members{"MessageAction": "RESEND"}))
	do[cognitoidp.Empty](w, "AdminSetUserPassword", members{"UserPoolId": pool, "Username": "ann", "Password": permanent, "Permanent": true})
	refused(w, "UnsupportedUserStateException: Resend not possible. ann status is not FORCE_CHANGE_PASSWORD", "AdminCreateUser", invited(members{"MessageAction": "RESEND"}))
	if n := len(w.s.Outbox()); n != 2 {
		t.Errorf("%d messages", n)
	}
}

func TestRates(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{})
	w.s.Limit(cognitoidp.UserCreation, 2)
	w.create(pool, "a", nil)
	w.create(pool, "b", nil)
	refused(w, "TooManyRequestsException: Too many requests", "AdminCreateUser", userOf(pool, "c", nil))
	w.get(pool, "a") // another category
	w.clock.Advance(500 * time.Millisecond)
	w.create(pool, "c", nil)
	refused(w, "TooManyRequestsException", "AdminCreateUser", userOf(pool, "d", nil))
	w.s.Limit(cognitoidp.UserCreation, 0)
	w.create(pool, "d", nil)
}

func TestListUsersFilters(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{"UsernameConfiguration": members{"CaseSensitive": false}})
	name := func(v string) attributes { return attributes{{Name: "name", Value: v}} }
	w.create(pool, "ann", members{"UserAttributes": append(email("ann@example.com"), name(`An "A"`)...)})
	w.confirmed(pool, "anton", members{"UserAttributes": append(email("anton@example.org"), name("Anton")...)})
	w.create(pool, "bob", nil)
	do[cognitoidp.Empty](w, "AdminDisableUser", &cognitoidp.UserInput{UserPoolId: pool, Username: "bob"})
	for filter, want := range map[string]string{
		"": "ann anton bob", `username = "ann"`: "ann", `username="ANN"`: "ann", `username ^= "an"`: "ann anton", `email = "ann@example.com"`: "ann",
		`email ^= "an"`: "ann anton", `name = "An \"A\""`: "ann", `name ^= ""`: "ann anton", `cognito:user_status = "confirmed"`: "anton",
		`status = "Disabled"`: "bob", `status = "Enabled"`: "ann anton", `email = "ann"`: "", `family_name = "x"`: "", `sub = "x"`: "",
	} {
		var got []string
		for _, u := range do[cognitoidp.ListUsersOutput](w, "ListUsers", members{"UserPoolId": pool, "Filter": filter}).Users {
			got = append(got, u.Username)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s finds %v, want %s", filter, got, want)
		}
	}
	for _, filter := range []string{"ann", "username = ann", `username = "ann`, `username ^ "ann"`, `custom:x = "1"`, `locale = "en"`, `username = "a" "b"`} {
		refused(w, "InvalidParameterException", "ListUsers", members{"UserPoolId": pool, "Filter": filter})
	}
	refused(w, "InvalidParameterException", "ListUsers", members{"UserPoolId": pool, "Limit": 61})
	refused(w, "InvalidParameterException", "ListUsers", members{"UserPoolId": pool, "PaginationToken": "?"})
	refused(w, "InvalidParameterException", "ListUsers", members{"UserPoolId": pool, "AttributesToGet": []string{"custom:none"}})
	out := do[cognitoidp.ListUsersOutput](w, "ListUsers", members{"UserPoolId": pool, "AttributesToGet": []string{"email"}, "Limit": 1})
	if out.PaginationToken == "" || len(out.Users) != 1 || !slices.Equal(out.Users[0].Attributes, attributes{{Name: "email", Value: "ann@example.com"}}) {
		t.Errorf("%+v", out)
	}
}

// Whatever happens between the pages, every user who is there all the time is listed once.
func TestPaging(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, store.Memory())
		pool := w.pool(members{})
		n := rapid.IntRange(0, 20).Draw(r, "users")
		for i := range n {
			w.create(pool, fmt.Sprint("u", i), nil)
		}
		in := members{"UserPoolId": pool, "Limit": rapid.IntRange(1, 7).Draw(r, "limit")}
		gone, seen := map[string]bool{}, map[string]int{}
		for i := 0; ; i++ {
			out := do[cognitoidp.ListUsersOutput](w, "ListUsers", in)
			for _, u := range out.Users {
				seen[u.Username]++
			}
			if out.PaginationToken == "" {
				break
			}
			in["PaginationToken"] = out.PaginationToken
			if i < 5 { // what comes new stands at the end, so that the list must not grow for ever
				w.create(pool, fmt.Sprint("new", i), nil)
			}
			if name := fmt.Sprint("u", rapid.IntRange(0, max(n-1, 0)).Draw(r, "deleted")); n > 0 && !gone[name] {
				do[cognitoidp.Empty](w, "AdminDeleteUser", &cognitoidp.UserInput{UserPoolId: pool, Username: name})
				gone[name] = true
			}
		}
		for i := range n {
			if name := fmt.Sprint("u", i); !gone[name] && seen[name] != 1 {
				r.Fatalf("%s was listed %d times", name, seen[name])
			}
		}
	})
}

// Of many who register an address at once, one gets it.
func TestOneOfManyGetsTheAlias(t *testing.T) {
	w := newWorld(t, store.Memory())
	pool := w.pool(members{"AliasAttributes": []string{"email"}})
	var all sync.WaitGroup
	var created atomic.Int64
	for i := range 16 {
		all.Go(func() {
			_, err := w.d.Do(t.Context(), w.d.Root(), "cognito-idp", "AdminCreateUser", userOf(pool, fmt.Sprint(i), members{"UserAttributes": email("a@example.com")}))
			if err == nil {
				created.Add(1)
			} else if dispatch.AsError(err).Code != "UsernameExistsException" {
				t.Error(err)
			}
		})
	}
	if all.Wait(); created.Load() != 1 {
		t.Errorf("%d users got the address", created.Load())
	}
}

// What an operation has answered survives the death of the process; passwords stand nowhere.
func TestUsersSurviveKill(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, st)
	pool := w.pool(members{"AliasAttributes": []string{"email"}})
	client := w.client(pool, members{})
	u := w.confirmed(pool, "ann", members{"UserAttributes": email("ann@example.com"), "TemporaryPassword": temporary})
	w.create(pool, "gone", nil)
	do[cognitoidp.Empty](w, "AdminDeleteUser", &cognitoidp.UserInput{UserPoolId: pool, Username: "gone"})
	dropped := w.pool(members{})
	w.create(dropped, "nobody", nil)
	do[cognitoidp.Empty](w, "DeleteUserPool", &cognitoidp.PoolInput{UserPoolId: dropped})
	tokens := w.signedIn(client.ClientId, "ann")

	killed := t.TempDir() // what a killed process leaves: the files as they are, without a clean stop
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(killed, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, secret := range []string{temporary, permanent} {
			if bytes.Contains(text, []byte(secret)) {
				err = errors.Join(err, fmt.Errorf("%s holds a password", d.Name()))
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if st, err = store.Open(filepath.Join(killed, "state.db")); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	again := newWorld(t, st)
	if got := again.get(pool, "ann@example.com"); got.Username != "ann" || got.UserAttributes[0].Value != u.Attributes[0].Value || !got.UserCreateDate.Equal(u.UserCreateDate.Time) {
		t.Errorf("%+v", got)
	}
	refused(again, "UserNotFoundException", "AdminGetUser", &cognitoidp.UserInput{UserPoolId: pool, Username: "gone"})
	refused(again, "ResourceNotFoundException", "AdminGetUser", &cognitoidp.UserInput{UserPoolId: dropped, Username: "nobody"})
	again.signedIn(client.ClientId, "ann")
	do[cognitoidp.GetUserOutput](again, "GetUser", &cognitoidp.AccessTokenInput{AccessToken: tokens.AccessToken})
	do[cognitoidp.AuthOutput](again, "InitiateAuth", &cognitoidp.InitiateAuthInput{ClientId: client.ClientId, AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters: map[string]string{"REFRESH_TOKEN": tokens.RefreshToken}})
	again.create(pool, "bob", nil)
}

func TestPools(t *testing.T) {
	w := newWorld(t, store.Memory())
	out := do[cognitoidp.UserPoolOutput](w, "CreateUserPool", members{"PoolName": "people", "DeletionProtection": "ACTIVE", "UserPoolTags": members{"a": "1"},
		"AutoVerifiedAttributes": []string{"email"}, "Policies": members{"PasswordPolicy": members{"MinimumLength": 12}}}).UserPool
	if !regexp.MustCompile(`^us-east-1_[0-9a-zA-Z]{9}$`).MatchString(out.Id) || out.Arn != "arn:aws:cognito-idp:us-east-1:111111111111:userpool/"+out.Id {
		t.Errorf("%s %s", out.Id, out.Arn)
	}
	if p := out.Policies.PasswordPolicy; p.MinimumLength != 12 || p.RequireSymbols || p.TemporaryPasswordValidityDays != 7 {
		t.Errorf("%+v", p)
	}
	in := &cognitoidp.PoolInput{UserPoolId: out.Id}
	refused(w, "InvalidParameterException: The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.", "DeleteUserPool", in)
	do[cognitoidp.Empty](w, "UpdateUserPool", members{"UserPoolId": out.Id, "DeletionProtection": "INACTIVE"})
	w.create(out.Id, "ann", nil)
	got := do[cognitoidp.UserPoolOutput](w, "DescribeUserPool", in).UserPool
	if got.DeletionProtection != "INACTIVE" || got.AutoVerifiedAttributes != nil || !got.Policies.PasswordPolicy.RequireSymbols || got.UserPoolTags["a"] != "1" || got.EstimatedNumberOfUsers != 1 {
		t.Errorf("an update resets what it does not name, but tags: %+v", got)
	}
	do[cognitoidp.Empty](w, "TagResource", members{"ResourceArn": out.Arn, "Tags": members{"b": "2"}})
	do[cognitoidp.Empty](w, "UntagResource", members{"ResourceArn": out.Arn, "TagKeys": []string{"a"}})
	if tags := do[cognitoidp.ListTagsForResourceOutput](w, "ListTagsForResource", members{"ResourceArn": out.Arn}).Tags; len(tags) != 1 || tags["b"] != "2" {
		t.Errorf("%v", tags)
	}
	client := w.client(out.Id, members{})
	if page := do[cognitoidp.ListUserPoolClientsOutput](w, "ListUserPoolClients", members{"UserPoolId": out.Id}); len(page.UserPoolClients) != 1 {
		t.Errorf("%+v", page)
	}
	do[cognitoidp.Empty](w, "DeleteUserPool", in)
	refused(w, "ResourceNotFoundException: User pool "+out.Id+" does not exist.", "DescribeUserPool", in)
	refused(w, "ResourceNotFoundException: User pool client "+client.ClientId+" does not exist.", "InitiateAuth", signIn(client.ClientId, "ann", permanent))

	want := []string{}
	for range 3 {
		want = append(want, w.pool(members{}))
	}
	slices.Sort(want)
	first := do[cognitoidp.ListUserPoolsOutput](w, "ListUserPools", members{"MaxResults": 2})
	second := do[cognitoidp.ListUserPoolsOutput](w, "ListUserPools", members{"MaxResults": 2, "NextToken": first.NextToken})
	var ids []string
	for _, p := range append(first.UserPools, second.UserPools...) {
		ids = append(ids, p.Id)
	}
	if !slices.Equal(ids, want) || second.NextToken != "" {
		t.Errorf("%v, want %v", ids, want)
	}
	for name, v := range map[string]any{"LambdaConfig": members{"PreSignUp": "arn:aws:lambda:us-east-1:111111111111:function:f"}, "SmsConfiguration": members{"SnsCallerArn": "x"},
		"UserPoolAddOns": members{"AdvancedSecurityMode": "ENFORCED"}, "EmailConfiguration": members{"EmailSendingAccount": "DEVELOPER"}, "MfaConfiguration": "ON",
		"Schema": []members{{"Name": "email", "AttributeDataType": "Number"}}, "AliasAttributes": []string{"nickname"}} {
		refused(w, "InvalidParameterException", "CreateUserPool", members{"PoolName": "x", name: v})
	}
	for name, v := range map[string]any{"AccessTokenValidity": 25, "ExplicitAuthFlows": []string{"ALLOW_USER_SRP_AUTH", "USER_PASSWORD_AUTH"}, "ReadAttributes": []string{"custom:none"},
		"AllowedOAuthFlows": []string{"code"}, "SupportedIdentityProviders": []string{"Google"}} {
		refused(w, "InvalidParameterException", "CreateUserPoolClient", members{"UserPoolId": want[0], "ClientName": "x", name: v})
	}
}

func BenchmarkAdminCreateUser(b *testing.B) {
	st, err := store.Open(filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	w := newWorld(b, st)
	pool := w.pool(members{"AliasAttributes": []string{"email"}})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprint(i)
		in := &cognitoidp.AdminCreateUserInput{UserPoolId: pool, Username: name, MessageAction: "SUPPRESS", UserAttributes: email(name + "@example.com")}
		if _, err := w.d.Do(b.Context(), w.d.Root(), "cognito-idp", "AdminCreateUser", in); err != nil {
			b.Fatal(err)
		}
	}
}
