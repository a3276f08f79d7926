package apigateway_test

import (
	"encoding/json"
	"strings"
	"testing"
)

const validated = `"x-amazon-apigateway-request-validators":{"all":{"validateRequestBody":true,"validateRequestParameters":true}},"x-amazon-apigateway-request-validator":"all"`

func TestRequestValidation(t *testing.T) {
	c := newCloud(t)
	operation := strings.TrimSuffix(mock("200", "ok"), "}") + `,"parameters":[{"name":"X-Must","in":"header","required":true},{"name":"q","in":"query","required":true},{"name":"may","in":"query"}],
		"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Person"}}}}}`
	api := c.deploy(document(`"/":{"post":`+operation+`}`, validated,
		`"components":{"schemas":{"Person":{"type":"object","required":["name","age"],"additionalProperties":false,"properties":{
			"name":{"type":"string","minLength":1,"pattern":"^[^0-9]+$"},"age":{"type":"integer","maximum":9007199254740992},"home":{"$ref":"#/components/schemas/Home"},"kind":{"enum":["a","b"]}}},
			"Home":{"type":"object","properties":{"people":{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/Person"}}}}}}`,
		`"x-amazon-apigateway-gateway-responses":{"BAD_REQUEST_BODY":{"responseParameters":{"gatewayresponse.header.X-Reason":"context.error.validationErrorString","gatewayresponse.header.Access-Control-Allow-Origin":"'*'"}}}`))
	if got := c.send(api, "POST", "/", "{}"); got.status != 400 || got.body != `{"message":"Missing required request parameters: [X-Must, q]"}` || got.header.Get("X-Amzn-Errortype") != "BadRequestException" {
		t.Errorf("%+v", got)
	}
	if got := c.send(api, "POST", "/?q=%20", "{}", "X-Must: x"); got.body != `{"message":"Missing required request parameters: [q]"}` {
		t.Errorf("a blank parameter: %+v", got)
	}
	for body, reason := range map[string]string{
		`{"name":"n","age":1}`:                      "",
		`{"name":"n","age":9007199254740992}`:       "",
		``:                                          `[object has missing required properties (["age","name"])]`,
		`{"name":"n"}`:                              `[object has missing required properties (["age"])]`,
		`{"name":"n","age":9007199254740993}`:       `[numeric instance is greater than the required maximum (maximum: 9007199254740992, found: 9007199254740993)]`,
		`{"name":1,"age":1}`:                        `[instance type (integer) does not match any allowed primitive type (allowed: ["string"])]`,
		`{"name":"n","age":1.5}`:                    `[instance type (number) does not match any allowed primitive type (allowed: ["integer"])]`,
		`{"name":"n","age":1,"x":2}`:                `[object instance has properties which are not allowed by the schema: ["x"]]`,
		`{"name":"","age":1}`:                       `string "" is too short (length: 0, required minimum: 1)`,
		`{"name":"7","age":1}`:                      `[ECMA 262 regex "^[^0-9]+$" does not match input string "7"]`,
		`{"name":"n","age":1,"kind":"c"}`:           `[instance value ("c") not found in enum (possible values: ["a","b"])]`,
		`{"name":"n","age":1,"home":{"people":[]}}`: `[array is too short: must have at least 1 elements but instance has 0 elements]`,
		`{"name":"n","age":1,"home":{"people":[{"name":"m"}]}}`: `[object has missing required properties (["age"])]`,
		`{"name":"n","age":1e1000000}`:                          `[numeric instance is greater than the required maximum`,
		`{"name":"n","age":1e-1000000}`:                         `[instance type (number) does not match any allowed primitive type (allowed: ["integer"])]`,
		`{"name":"n","age":0E99999999999999999999}`:             "",
		`{"name":"n","age":-1E+999999}`:                         "",
		"{\"name\":\n\"n\",}":                                   `line 2, column 5`,
		`{"name":"n","age":1} x`:                                `unexpected text after the end of the document`,
		`{name:"n","age":1}`:                                    `line 1, column 2`,
		"{\"\x00":                                               `control character U+0000`,
		"{\"\\\x00":                                             `a backslash before U+0000`,
	} {
		got := c.send(api, "POST", "/?q=1", body, "X-Must: x")
		switch {
		case reason == "":
			if got.status != 200 {
				t.Errorf("%s: %+v", body, got)
			}
		case got.status != 400 || got.body != `{"message":"Invalid request body"}` || !strings.Contains(got.header.Get("X-Reason"), reason) || got.header.Get("Access-Control-Allow-Origin") != "*":
			t.Errorf("%s: %+v, want %s", body, got, reason)
		}
	}
	if got := c.send(api, "POST", "/?q=1", "x", "X-Must: x", "Content-Type: text/plain"); got.status == 400 {
		t.Errorf("a media type without a model: %+v", got)
	}
}

func TestGatewayResponses(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"get":`+mock("200", "ok")+`}`, `"x-amazon-apigateway-gateway-responses":{
		"DEFAULT_4XX":{"statusCode":"410","responseParameters":{"gatewayresponse.header.X-Path":"context.path","gatewayresponse.header.X-Asked":"method.request.header.X-Ask",
			"gatewayresponse.header.X-Query":"method.request.querystring.q"},
			"responseTemplates":{"application/json":"{\"m\":$context.error.messageString,\"t\":\"$context.error.responseType\",\"s\":\"${context.stage}\",\"v\":\"$stageVariables.v\",\"x\":\"$unknown.x\"}"}},
		"THROTTLED":{"statusCode":503}}`))
	c.patchStage(api, replace("/variables/v", "1"), replace("/~1/GET/throttling/rateLimit", "0"), replace("/~1/GET/throttling/burstLimit", "0"))
	got := c.send(api, "GET", "/none?q=a%09b%00%0D%0ASet-Cookie:+c", "", "X-Ask: a")
	if want := `{"m":"Missing Authentication Token","t":"MISSING_AUTHENTICATION_TOKEN","s":"prod","v":"1","x":"$unknown.x"}`; got.status != 410 || got.body != want {
		t.Errorf("%+v, want %s", got, want)
	}
	if got.header.Get("X-Path") != "/prod/none" || got.header.Get("X-Asked") != "a" {
		t.Errorf("%v", got.header)
	}
	if want := "a\tb   Set-Cookie: c"; got.header.Get("X-Query") != want || got.header.Get("Set-Cookie") != "" {
		t.Errorf("a header from a query string: %q, want %q", got.header.Get("X-Query"), want)
	}
	if got := c.send(api, "GET", "/", ""); got.status != 503 || got.body != `{"message":"Too Many Requests"}` {
		t.Errorf("a response of its own: %+v", got)
	}
}

// The text that tells what is wrong quotes what the client sent; between the quotes of a template it stays JSON.
func TestValidationErrorsInTemplates(t *testing.T) {
	c := newCloud(t)
	operation := strings.TrimSuffix(mock("200", "ok"), "}") + `,"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Person"}}}}}`
	api := c.deploy(document(`"/":{"post":`+operation+`}`, validated,
		`"components":{"schemas":{"Person":{"type":"object","required":["e-mail"],"additionalProperties":false,"properties":{"e-mail":{"type":"string","pattern":"^\\S+@\\S+$","maxLength":9}}}}}`,
		`"x-amazon-apigateway-gateway-responses":{"BAD_REQUEST_BODY":{"responseTemplates":{"application/json":"{\"message\":\"$context.error.validationErrorString\"}"}}}`))
	for body, want := range map[string]string{
		`{"e\"\\ \u0001":1}`:           `[object has missing required properties (["e-mail"]), object instance has properties which are not allowed by the schema: ["e\"\\ \u0001"]]`,
		`{"e-mail":"\"'\u0000\n\\ 😀"}`: `[ECMA 262 regex "^\S+@\S+$" does not match input string "` + "\"'\x00\n\\ 😀" + `"]`,
		`{"e-mail":"\"@aaaaaaaaaa"}`:   `[string ""@aaaaaaaaaa" is too long (length: 12, maximum allowed: 9)]`,
		`{"e-mail":1}`:                 `[instance type (integer) does not match any allowed primitive type (allowed: ["string"])]`,
		`{"e-mail":{}}`:                `[instance type (object) does not match any allowed primitive type (allowed: ["string"])]`,
		`{`:                            "",
	} {
		got := c.send(api, "POST", "/", body)
		var answer struct{ Message string }
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != 400 || want != "" && answer.Message != want {
			t.Errorf("%s: %d %s: %v\n%s, want\n%s", body, got.status, got.body, err, answer.Message, want)
		}
	}
}
