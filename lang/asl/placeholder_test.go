package asl_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"pgregory.net/rapid"
)

const unfinished = `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:${partition}:states:::lambda:invoke","TimeoutSeconds":"${seconds}",
	"Parameters":{"FunctionName":"${functionArn}","Payload":{"note":"n: ${note}","seconds":"${seconds}"}},"End":true}}}`

func TestFill(t *testing.T) {
	got, err := asl.Fill([]byte(unfinished), map[string]string{"partition": "aws", "seconds": "7", "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:f", "note": "\"a\" \\ ${seconds}"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"TimeoutSeconds":7,`, `"seconds":"7"`, `arn:aws:states:::lambda:invoke`, `n: \"a\" \\ ${seconds}`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
	if _, err := asl.Parse(got, asl.Options{}); err != nil {
		t.Error(err)
	}
	_, err = asl.Fill([]byte(unfinished), map[string]string{"seconds": "soon", "note": ""})
	for _, want := range []string{"${functionArn} has no value", "${partition} has no value", `TimeoutSeconds: got "soon"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

func TestLintTakesPlaceholdersForValues(t *testing.T) {
	file, err := os.ReadFile("../../platform/intake.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	const whole = `{"StartAt":"A","TimeoutSeconds":"${seconds}","States":{"A":{"Type":"Task","Resource":"${function}","InputPath":"${path}","Next":"B"},
		"B":{"Type":"Task","Resource":"arn:${partition}:states:::aws-sdk:dynamodb:query","Parameters":{"TableName":"${table}","Limit":"${limit}","Select":"${select}"},
		"Retry":[{"ErrorEquals":["States.ALL"],"BackoffRate":"${rate}"}],"End":true}}}`
	for _, definition := range []string{unfinished, string(file), whole} {
		if len(asl.Placeholders([]byte(definition))) == 0 {
			t.Fatal("no placeholders")
		}
		if findings := asl.Lint([]byte(definition), asl.Options{}); len(findings) > 0 {
			t.Errorf("%+v\n%s", findings, definition)
		}
		if len(asl.Validate([]byte(definition), asl.Options{})) == 0 {
			t.Error("Step Functions puts nothing in their place")
		}
	}
}

func TestFillLeavesEverythingElseAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		value := rapid.String().Draw(t, "value")
		document := jsonvalue.NewObject(jsonvalue.Member{Name: text, Value: "${a}" + strings.ReplaceAll(text, "$", "")})
		filled, err := asl.Fill([]byte(jsonvalue.Text(document)), map[string]string{"a": value})
		if slices.Contains(asl.Placeholders([]byte(text)), "a") || err != nil {
			t.Skip("the drawn text has placeholders of its own")
		}
		got, err := jsonvalue.Parse(filled)
		want := jsonvalue.NewObject(jsonvalue.Member{Name: text, Value: strings.ToValidUTF8(value, "\ufffd") + strings.ReplaceAll(text, "$", "")})
		if err != nil || !jsonvalue.Equal(got, want) {
			t.Fatalf("got %s, want %s (%v)", filled, jsonvalue.Text(want), err)
		}
	})
}
