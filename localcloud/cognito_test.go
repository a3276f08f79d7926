package localcloud_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/carepath/carepath/localcloud"
	"github.com/carepath/carepath/localcloud/cognitoidp"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/stepfunctions"
)

type members = map[string]any

// cognito calls Cognito over HTTP as an SDK does; without credentials the request is not signed.
func cognito(t *testing.T, c *localcloud.Cloud, as *aws.Config, action string, in members) (status int, out members) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Endpoint()+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+action)
	if as != nil {
		credentials, err := as.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := v4.NewSigner().SignHTTP(t.Context(), credentials, req, "UNSIGNED-PAYLOAD", "cognito-idp", as.Region, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(text, &out) != nil {
		t.Fatalf("%s: %v %s", action, err, text)
	}
	return resp.StatusCode, out
}

// Users sign in without credentials of AWS; everything else needs them, and a role's policies decide.
func TestCognitoOverHTTP(t *testing.T) {
	c := start(t, "")
	defer closeCloud(t, c)
	owner := root(c)
	must := func(as *aws.Config, action string, in members) members {
		t.Helper()
		status, out := cognito(t, c, as, action, in)
		if status != 200 {
			t.Fatalf("%s: %d %v", action, status, out)
		}
		return out
	}
	pool := must(&owner, "CreateUserPool", members{"PoolName": "people"})["UserPool"].(members)
	id := pool["Id"].(string)
	client := must(&owner, "CreateUserPoolClient", members{"UserPoolId": id, "ClientName": "app", "ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH"}})["UserPoolClient"].(members)["ClientId"]

	statement := `[{"Effect":"Allow","Action":"cognito-idp:AdminCreateUser","Resource":"` + pool["Arn"].(string) + `"}]`
	role := createRole(t, c, "creator", `{"AWS":"000000000000"}`, statement)
	session, err := sts.NewFromConfig(owner).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("me")})
	if err != nil {
		t.Fatal(err)
	}
	creator := config(c, *session.Credentials.AccessKeyId, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken)
	user := members{"UserPoolId": id, "Username": "ann", "TemporaryPassword": "Temp-pass1", "MessageAction": "SUPPRESS"}
	created := must(&creator, "AdminCreateUser", user)["User"].(members)
	if _, isNumber := created["UserCreateDate"].(float64); !isNumber || created["UserStatus"] != "FORCE_CHANGE_PASSWORD" {
		t.Errorf("%v", created)
	}
	if status, out := cognito(t, c, &creator, "AdminCreateUser", user); status != 400 || out["__type"] != "UsernameExistsException" || out["message"] != "User account already exists" {
		t.Errorf("the second time: %d %v", status, out)
	}
	other := members{"UserPoolId": "us-east-1_other", "Username": "ann"}
	for action, in := range map[string]members{"AdminDeleteUser": {"UserPoolId": id, "Username": "ann"}, "AdminCreateUser": other, "ListUserPools": {"MaxResults": 1}} {
		if status, out := cognito(t, c, &creator, action, in); status != 400 || out["__type"] != "AccessDeniedException" || !strings.Contains(out["message"].(string), "cognito-idp:"+action) {
			t.Errorf("%s by a role that may not: %d %v", action, status, out)
		}
	}
	if status, out := cognito(t, c, nil, "AdminGetUser", other); status != 403 || out["__type"] != "MissingAuthenticationTokenException" {
		t.Errorf("without credentials: %d %v", status, out)
	}

	// As a browser does, and as an SDK with credentials that may do nothing.
	auth := members{"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": members{"USERNAME": "ann", "PASSWORD": "Temp-pass1"}}
	must(&creator, "InitiateAuth", auth)
	asked := must(nil, "InitiateAuth", auth)
	tokens := must(nil, "RespondToAuthChallenge", members{"ClientId": client, "ChallengeName": asked["ChallengeName"], "Session": asked["Session"],
		"ChallengeResponses": members{"USERNAME": "ann", "NEW_PASSWORD": "Perm-pass1"}})["AuthenticationResult"].(members)
	if me := must(nil, "GetUser", members{"AccessToken": tokens["AccessToken"]}); me["Username"] != "ann" {
		t.Errorf("%v", me)
	}
	resp, err := http.Get(c.Endpoint() + "/" + id + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var keys struct{ Keys []members }
	if err := json.NewDecoder(resp.Body).Decode(&keys); err != nil || len(keys.Keys) != 2 {
		t.Errorf("%v %v", keys, err)
	}
}

// A state machine creates a user and sees AWS's casing, timestamps and errors.
func TestStateMachineCreatesUser(t *testing.T) {
	c := start(t, "")
	defer closeCloud(t, c)
	d := c.Dispatcher()
	out, err := dispatch.Do[cognitoidp.UserPoolOutput](t.Context(), d, d.Root(), "cognito-idp", "CreateUserPool", members{"PoolName": "people", "AliasAttributes": []string{"email"}})
	if err != nil {
		t.Fatal(err)
	}
	pool := out.UserPool
	role := createRole(t, c, "flow", `{"Service":"states.amazonaws.com"}`, `{"Effect":"Allow","Action":"cognito-idp:AdminCreateUser","Resource":"`+pool.Arn+`"}`)
	definition, err := json.Marshal(members{"StartAt": "Create", "States": members{"Create": members{
		"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:cognitoidentityprovider:adminCreateUser", "End": true,
		"Parameters": members{"UserPoolId": pool.Id, "Username.$": "States.JsonToString($.id)", "MessageAction": "SUPPRESS",
			"UserAttributes": []members{{"Name": "email", "Value.$": "$.email"}, {"Name": "email_verified", "Value": "true"}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	machine, err := dispatch.Do[stepfunctions.CreateStateMachineOutput](t.Context(), d, d.Root(), "states", "CreateStateMachine", members{"name": "create", "type": "EXPRESS", "roleArn": role, "definition": string(definition)})
	if err != nil {
		t.Fatal(err)
	}
	run := func(input string) *stepfunctions.StartSyncExecutionOutput {
		t.Helper()
		got, err := dispatch.Do[stepfunctions.StartSyncExecutionOutput](t.Context(), d, d.Root(), "states", "StartSyncExecution", members{"stateMachineArn": machine.StateMachineArn, "input": input})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := run(`{"id":1000000000000000000,"email":"ann@example.com"}`)
	if got.Status != "SUCCEEDED" {
		t.Fatalf("%s %v %v", got.Status, got.Error, got.Cause)
	}
	var result struct {
		User struct {
			Username, UserStatus                 string
			UserCreateDate, UserLastModifiedDate time.Time
			Enabled                              bool
			Attributes                           []cognitoidp.Attribute
		}
	}
	decoder := json.NewDecoder(strings.NewReader(*got.Output))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&result); err != nil {
		t.Fatalf("%v in %s", err, *got.Output)
	}
	if u := result.User; u.Username != "1000000000000000000" || !u.Enabled || u.UserStatus != "FORCE_CHANGE_PASSWORD" || time.Since(u.UserCreateDate) > time.Minute || len(u.Attributes) != 3 {
		t.Errorf("%s", *got.Output)
	}
	for input, text := range map[string]string{
		`{"id":1000000000000000000,"email":"b@example.com"}`: "User account already exists",
		`{"id":2,"email":"ann@example.com"}`:                 "An account with the email already exists.",
	} {
		got = run(input)
		if got.Status != "FAILED" || got.Error != "CognitoIdentityProvider.UsernameExistsException" ||
			!strings.HasPrefix(got.Cause, text+" (Service: CognitoIdentityProvider, Status Code: 400, Request ID: ") {
			t.Errorf("%s: %s %v %v", input, got.Status, got.Error, got.Cause)
		}
	}
}
