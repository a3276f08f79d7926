package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/wire"
)

func init() { register("asl-teststate", runASLTestState) }

// testStateRow is a call of TestState and its answer.
type testStateRow struct {
	Request  json.RawMessage   `json:"request"`
	Setup    []json.RawMessage `json:"setup"`
	Expected json.RawMessage   `json:"expected"`
}

// runASLTestState makes a call of TestState on the embedded AWS.
func runASLTestState(data json.RawMessage) Outcome {
	var row testStateRow
	if err := json.Unmarshal(data, &row); err != nil {
		return failed("a row of the asl-teststate suite", err.Error())
	}
	rig, err := newServicesRig(&servicesRow{Setup: row.Setup})
	var absent *absentService
	if errors.As(err, &absent) {
		return skipped(absent.Error())
	}
	if err != nil {
		return failed("the row's resources", err.Error())
	}
	defer rig.close()
	var request map[string]any
	if err := json.Unmarshal(row.Request, &request); err != nil {
		return failed(row.Expected, err.Error())
	}
	if _, has := request["roleArn"]; !has { // the recordings leave it out
		request["roleArn"] = "arn:aws:iam::" + recordedAccount + ":role/sfn-role"
	}
	body, err := json.Marshal(request)
	if err != nil {
		return failed(row.Expected, err.Error())
	}
	var status int
	var response []byte
	err = rig.until(context.Background(), func() error {
		status, response, _ = wire.CallJSON(context.Background(), rig.d, rig.d.Root(), "states", "TestState", body)
		return nil
	})
	if err != nil {
		return failed(row.Expected, err.Error())
	}
	if !row.same(status, response) {
		return failed(row.Expected, json.RawMessage(response))
	}
	return passed()
}

// same compares an answer with the recorded one, whose JSON texts are parsed where they are objects.
func (row *testStateRow) same(status int, response []byte) bool {
	var refused struct {
		Error *struct {
			Code, Message string
		}
		Type  string `json:"exception_typename"`
		Value string `json:"exception_value"`
	}
	if err := json.Unmarshal(row.Expected, &refused); err == nil && (refused.Error != nil || refused.Type != "") {
		code, message := refused.Type, refused.Value
		if refused.Error != nil {
			code, message = refused.Error.Code, refused.Error.Message
		}
		if _, after, found := strings.Cut(message, " operation: "); found { // as the SDK for Python says it
			message = after
		}
		var got struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if json.Unmarshal(response, &got) != nil || status == http.StatusOK {
			return false
		}
		got.Type = got.Type[strings.Index(got.Type, "#")+1:]
		if code == "ParamValidationError" { // the SDK for Python refuses the request itself, in words of its own
			return got.Type == "ValidationException"
		}
		return got.Type == code && got.Message == message
	}
	want, err := jsonvalue.Parse(withoutNames(row.Expected))
	if err != nil || status != http.StatusOK {
		return false
	}
	got, err := jsonvalue.Parse(withoutNames(response))
	r := aslRow{IgnoreKeys: []string{"SdkHttpMetadata", "SdkResponseMetadata"}, loose: true}
	return err == nil && r.sameOutput(want, texts(want, got), "")
}

// texts parses the JSON texts in an answer that the recording has parsed.
func texts(want, got any) any {
	w, isObject := want.(*jsonvalue.Object)
	g, ok := got.(*jsonvalue.Object)
	if text, isText := got.(string); isText && isObject {
		if v, err := jsonvalue.Parse(text); err == nil {
			return v
		}
	}
	if !isObject || !ok {
		return got
	}
	parsed := &jsonvalue.Object{}
	for name, v := range g.All() {
		expected, _ := w.Get(name)
		parsed.Set(name, texts(expected, v))
	}
	return parsed
}
