package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEveryGrantedActionIsNeeded removes each action on a resource of each role's policy and of the key's policy of the running
// stack in turn. What the stack promises must break each time: then no granted action is unused, and none is there that nobody
// checks. The log says what each is for. What the capture of changes may do is tested with its component, where time takes no time:
// most of it is missed only when a sweep does not come.
func TestEveryGrantedActionIsNeeded(t *testing.T) {
	l := deployLocal(t)
	for _, p := range l.promises(t) {
		if err := l.keeps(t, p); err != nil {
			t.Fatalf("with every policy whole, %s: %v", p.what, err)
		}
	}
	removed := 0
	remove := func(of string, whole policyDocument, cached bool, put func(policyDocument)) {
		for _, g := range whole.grants() {
			if g.action == "kms:*" || strings.HasPrefix(g.action, "xray:") {
				continue // the account's administration of its key, without which KMS refuses the policy; X-Ray is not emulated
			}
			start := time.Now()
			put(whole.without(g))
			if cached {
				l.restart(t)
			}
			broken, err := l.breaks(t, of)
			if err == nil && !cached {
				l.restart(t) // so that no cached grant remains
				broken, err = l.breaks(t, of)
			}
			if err == nil {
				t.Errorf("%s of %s is granted on %s, and nothing breaks without it", g.action, of, g.resource)
			} else {
				t.Logf("without %s of %s (%.1f s), %s: %v", g.action, of, time.Since(start).Seconds(), broken.what, err)
			}
			put(whole)
			l.mend(t, broken)
			removed++
		}
	}
	for _, role := range l.list(t, "ListRoles", nil, "ListRolesResult>Roles>member>RoleName") {
		if strings.HasPrefix(role, "fhir-") {
			continue
		}
		for _, name := range l.list(t, "ListRolePolicies", url.Values{"RoleName": {role}}, "ListRolePoliciesResult>PolicyNames>member") {
			remove(role, l.policy(t, role, name), false, func(d policyDocument) { l.putPolicy(t, role, name, d) })
		}
	}
	roles := removed
	var keys struct{ Keys []struct{ KeyId string } }
	l.json(t, "kms", "TrentService.ListKeys", struct{}{}, &keys)
	for _, key := range keys.Keys {
		var got struct{ Policy string }
		l.json(t, "kms", "TrentService.GetKeyPolicy", map[string]string{"KeyId": key.KeyId, "PolicyName": "default"}, &got)
		var whole policyDocument
		if err := json.Unmarshal([]byte(got.Policy), &whole); err != nil {
			t.Fatalf("%s: %v", got.Policy, err)
		}
		if strings.Contains(got.Policy, `"Trail"`) { // the data store's
			continue
		}
		// The services that use the key keep what it has decrypted for minutes.
		remove("the key", whole, true, func(d policyDocument) {
			text, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			l.json(t, "kms", "TrentService.PutKeyPolicy", map[string]string{"KeyId": key.KeyId, "PolicyName": "default", "Policy": string(text)}, nil)
		})
	}
	if roles == 0 || removed == roles {
		t.Errorf("%d actions of roles and %d of keys were removed: the stack has both", roles, removed-roles)
	}
	for _, p := range l.promises(t) {
		if err := l.keeps(t, p); err != nil {
			t.Errorf("with every policy whole again, %s: %v", p.what, err)
		}
	}
}

// breaks returns the first promise that is broken, and how; nil if none is. Those about a role's own system come first, because
// they are the likely ones.
func (l *local) breaks(t *testing.T, role string) (promise, error) {
	t.Helper()
	own := func(p promise) int {
		if strings.HasPrefix(role, p.system) {
			return 0
		}
		return 1
	}
	promises := l.promises(t)
	slices.SortStableFunc(promises, func(a, b promise) int { return own(a) - own(b) })
	for _, p := range promises {
		if err := l.keeps(t, p); err != nil {
			return p, err
		}
	}
	return promise{}, nil
}

// mend sees that a promise is kept again, so that the next one to break does so for its own reason. What goes on for long may
// have to begin anew: functions, and grants that were cached while there were none.
func (l *local) mend(t *testing.T, broken promise) {
	t.Helper()
	if broken.keep == nil || l.keeps(t, broken) == nil {
		return
	}
	l.restart(t)
	if err := l.keeps(t, broken); err != nil {
		t.Fatalf("with every policy whole again, %s: %v", broken.what, err)
	}
}

func (l *local) keeps(t *testing.T, p promise) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return p.keep(ctx)
}

// call makes a request to one of the embedded AWS's APIs; target is the X-Amz-Target of a JSON API, else the content type.
func (l *local) call(ctx context.Context, service, method, path, target, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1:"+l.port+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	switch {
	case strings.Contains(target, "/"):
		request.Header.Set("Content-Type", target)
	case target != "":
		request.Header.Set("Content-Type", "application/x-amz-json-1.1")
		request.Header.Set("X-Amz-Target", target)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s of %s answers %d: %s", method, path, service, response.StatusCode, text)
	}
	return text, err
}

// iam calls IAM's Query API.
func (l *local) iam(t *testing.T, action string, parameters url.Values) []byte {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for name, values := range parameters {
		form[name] = values
	}
	body, err := l.call(t.Context(), "iam", http.MethodPost, "/", "application/x-www-form-urlencoded", form.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// do calls an operation of a JSON API. Out may be nil.
func (l *local) do(ctx context.Context, service, target string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	body, err := l.call(ctx, service, http.MethodPost, "/", target, string(text))
	if err == nil && out != nil {
		err = json.Unmarshal(body, out)
	}
	return err
}

// json is do where nothing may fail.
func (l *local) json(t *testing.T, service, target string, in, out any) {
	t.Helper()
	if err := l.do(t.Context(), service, target, in, out); err != nil {
		t.Fatal(err)
	}
}

// list returns the texts at a path of elements below the response's root.
func (l *local) list(t *testing.T, action string, parameters url.Values, path string) []string {
	t.Helper()
	var texts, at []string
	decoder := xml.NewDecoder(strings.NewReader(string(l.iam(t, action, parameters))))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			at = append(at, token.Name.Local)
		case xml.EndElement:
			at = at[:len(at)-1]
		case xml.CharData:
			if len(at) > 0 && strings.Join(at[1:], ">") == path {
				texts = append(texts, string(token))
			}
		}
	}
}

// oneOrMore is a string or a list of them, as policies have it.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

type policyDocument struct {
	Version   string
	Statement []policyStatement
}

type policyStatement struct {
	Sid       string `json:",omitempty"`
	Effect    string
	Principal json.RawMessage `json:",omitempty"`
	Action    oneOrMore
	Resource  oneOrMore
	Condition json.RawMessage `json:",omitempty"`
}

// grant is an action on a resource, for a principal and under a condition if the policy is one of a resource.
type grant struct{ action, resource, principal, condition string }

// grants are what a document allows. Several statements may allow the same.
func (d policyDocument) grants() []grant {
	var all []grant
	for _, s := range d.Statement {
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				if g := (grant{action, resource, string(s.Principal), string(s.Condition)}); !slices.Contains(all, g) {
					all = append(all, g)
				}
			}
		}
	}
	return all
}

// without returns the document less one grant, which goes from every statement.
func (d policyDocument) without(g grant) policyDocument {
	less := policyDocument{Version: d.Version}
	for _, s := range d.Statement {
		if !slices.Contains(s.Action, g.action) || !slices.Contains(s.Resource, g.resource) || string(s.Principal) != g.principal || string(s.Condition) != g.condition {
			less.Statement = append(less.Statement, s)
			continue
		}
		others, elsewhere := s, s
		others.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == g.action })
		elsewhere.Sid, elsewhere.Action = "", oneOrMore{g.action}
		elsewhere.Resource = slices.DeleteFunc(slices.Clone(s.Resource), func(r string) bool { return r == g.resource })
		for _, part := range []policyStatement{others, elsewhere} {
			if len(part.Action) > 0 && len(part.Resource) > 0 {
				less.Statement = append(less.Statement, part)
			}
		}
	}
	if len(less.Statement) == 0 { // a policy must have one
		less.Statement = []policyStatement{{Effect: "Deny", Action: oneOrMore{"none:None"}, Resource: oneOrMore{"*"}}}
	}
	return less
}

func (l *local) policy(t *testing.T, role, name string) policyDocument {
	t.Helper()
	texts := l.list(t, "GetRolePolicy", url.Values{"RoleName": {role}, "PolicyName": {name}}, "GetRolePolicyResult>PolicyDocument")
	text, err := url.QueryUnescape(strings.Join(texts, ""))
	if err != nil {
		t.Fatal(err)
	}
	var d policyDocument
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func (l *local) putPolicy(t *testing.T, role, name string, d policyDocument) {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	l.iam(t, "PutRolePolicy", url.Values{"RoleName": {role}, "PolicyName": {name}, "PolicyDocument": {string(text)}})
}

func (l *local) restart(t *testing.T) {
	t.Helper()
	carepath(t, exitDone, "local", "stop")
	carepath(t, exitDone, "local", "start")
}
