package localcloud_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/carepath/carepath/localcloud"
)

// own calls the embedded AWS about itself.
func own(t *testing.T, c *localcloud.Cloud, method, path, body string, into any) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.Endpoint()+"/_carepath/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil && into != nil {
		err = json.Unmarshal(got, into)
	}
	if err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, got)
	}
	return resp.StatusCode, string(got)
}

func TestFaultsOnDemand(t *testing.T) {
	c := start(t, "")
	defer closeCloud(t, c)
	owner := root(c)
	create := func(name string) (int, string) {
		t.Helper()
		status, out := cognito(t, c, &owner, "CreateUserPool", members{"PoolName": name})
		code, _ := out["__type"].(string)
		return status, code
	}
	pools := func() int {
		t.Helper()
		_, out := cognito(t, c, &owner, "ListUserPools", members{"MaxResults": 60})
		return len(out["UserPools"].([]any))
	}

	var in localcloud.Faults
	own(t, c, http.MethodPost, "faults", `{"service":"cognito-idp","action":"CreateUserPool","times":2,"code":"TooManyRequestsException","message":"slow down"}`, &in)
	lost := localcloud.Fault{Service: "cognito-idp", Action: "CreateUserPool", After: true, Code: "InternalErrorException", Message: "a fault that was asked for", Status: 500}
	own(t, c, http.MethodPost, "faults", `{"service":"cognito-idp","action":"CreateUserPool","after":true,"code":"InternalErrorException","status":500}`, &in)
	throttled := localcloud.Fault{Service: "cognito-idp", Action: "CreateUserPool", Times: 2, Code: "TooManyRequestsException", Message: "slow down", Status: 400}
	if want := []localcloud.Fault{throttled, lost}; !reflect.DeepEqual(in.Faults, want) {
		t.Fatalf("in force: %+v, want %+v", in.Faults, want)
	}
	for _, want := range []struct {
		status int
		code   string
		pools  int
		left   int // faults
	}{
		{400, "TooManyRequestsException", 0, 2},
		{400, "TooManyRequestsException", 0, 1},
		{500, "InternalErrorException", 1, 1}, // had its effect
		{500, "InternalErrorException", 2, 1},
	} {
		status, code := create("people")
		own(t, c, http.MethodGet, "faults", "", &in)
		if status != want.status || code != want.code || pools() != want.pools || len(in.Faults) != want.left {
			t.Errorf("%d %s, %d pools, in force: %+v; want %+v", status, code, pools(), in.Faults, want)
		}
	}
	own(t, c, http.MethodDelete, "faults", "", &in)
	if status, code := create("people"); status != 200 || len(in.Faults) != 0 {
		t.Errorf("without faults: %d %s %+v", status, code, in.Faults)
	}

	for body, reason := range map[string]string{
		`{"service":"cognito-idp"}`:                                    "code is required",
		`{"code":"X","times":-1}`:                                      "times is -1",
		`{"code":"X","status":200}`:                                    "status is 200",
		`{"code":"X","service":"cognito"}`:                             `no operation is service "cognito"`,
		`{"code":"X","service":"sqs","action":"AdminCreateUser"}`:      `action "AdminCreateUser"`,
		`{"code":"X","often":1}`:                                       `unknown field "often"`,
		`{"code":"X"`:                                                  "unexpected EOF",
		`{"code":"X","message":"` + strings.Repeat("x", 64<<10) + `"}`: "too large",
	} {
		status, text := own(t, c, http.MethodPost, "faults", body, nil)
		if status != 400 || !strings.Contains(text, reason) {
			t.Errorf("%.80s: %d %s, want 400 with %s", body, status, text, reason)
		}
	}
}

func TestMail(t *testing.T) {
	c := start(t, "")
	defer closeCloud(t, c)
	owner := root(c)
	_, out := cognito(t, c, &owner, "CreateUserPool", members{"PoolName": "people"})
	pool := out["UserPool"].(members)["Id"].(string)
	_, out = cognito(t, c, &owner, "CreateUserPoolClient", members{"UserPoolId": pool, "ClientName": "app", "ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH"}})
	client := out["UserPoolClient"].(members)["ClientId"]
	invite := func(name, address, action string) {
		t.Helper()
		in := members{"UserPoolId": pool, "Username": name, "DesiredDeliveryMediums": []string{"EMAIL"}, "UserAttributes": []members{{"Name": "email", "Value": address}}}
		if action != "" {
			in["MessageAction"] = action
		}
		if status, out := cognito(t, c, &owner, "AdminCreateUser", in); status != 200 {
			t.Fatal(status, out)
		}
	}
	var mail localcloud.Mail
	if own(t, c, http.MethodGet, "mail", "", &mail); mail.Messages == nil || len(mail.Messages) != 0 {
		t.Errorf("before: %+v", mail)
	}
	invite("ann", "Ann+1@example.com", "")
	invite("bob", "bob@example.com", "")
	invite("ann", "Ann+1@example.com", "RESEND")
	invite("cid", "cid@example.com", "SUPPRESS")
	own(t, c, http.MethodGet, "mail", "", &mail)
	if names := []string{mail.Messages[0].UserName, mail.Messages[1].UserName, mail.Messages[2].UserName}; len(mail.Messages) != 3 || !reflect.DeepEqual(names, []string{"ann", "bob", "ann"}) {
		t.Errorf("%+v", mail)
	}
	own(t, c, http.MethodGet, "mail?to=ann%2B1@EXAMPLE.com", "", &mail)
	if len(mail.Messages) != 2 {
		t.Fatalf("%+v", mail)
	}
	for i, m := range mail.Messages {
		if m.To != "Ann+1@example.com" || m.Medium != "EMAIL" || m.Subject == "" || !strings.Contains(m.Body, m.TemporaryPassword) || m.UserPoolID != pool {
			t.Errorf("%+v", m)
		}
		status, out := cognito(t, c, nil, "InitiateAuth", members{"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": members{"USERNAME": m.UserName, "PASSWORD": m.TemporaryPassword}})
		if newest := i == 0; newest != (status == 200) || newest && out["ChallengeName"] != "NEW_PASSWORD_REQUIRED" {
			t.Errorf("message %d: %d %v", i, status, out)
		}
	}
	own(t, c, http.MethodGet, "mail?to=nobody@example.com", "", &mail)
	if len(mail.Messages) != 0 {
		t.Errorf("%+v", mail)
	}
}
