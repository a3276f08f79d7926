package vtl_test

import (
	"strings"
	"testing"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
)

const intake = `#set($body = $input.body)
{"stateMachineArn": "$stageVariables.arn",
 "name": "$context.requestId",
 "input": "{\"body\":$util.escapeJavaScript($body).replaceAll("\\'","'"),\"metadata\":{\"requestId\":\"$context.requestId\",\"sourceIp\":\"$context.identity.sourceIp\",\"stage\":\"$context.stage\"}}"}
`

// record is a JSON body of about n bytes.
func record(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"resourceType":"Observation","note":"O'Brien said \"ok\"","values":[`)
	for b.Len() < n-20 {
		b.WriteString(`{"code":"718-7","value":13.5},`)
	}
	b.WriteString(`null]}`)
	return []byte(b.String())
}

func intakeRequest(body []byte) *vtl.Request {
	member := func(name string, v any) jsonvalue.Member { return jsonvalue.Member{Name: name, Value: v} }
	return &vtl.Request{
		Body: body,
		Context: jsonvalue.NewObject(
			member("requestId", "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"), member("stage", "prod"),
			member("identity", jsonvalue.NewObject(member("sourceIp", "192.0.2.1"), member("userAgent", "test"))),
		),
		StageVariables: map[string]string{"arn": "arn:aws:states:us-east-1:111111111111:stateMachine:intake"},
	}
}

func BenchmarkRenderIntake(b *testing.B) {
	t, err := vtl.Compile(intake)
	if err != nil {
		b.Fatal(err)
	}
	for name, size := range map[string]int{"1KB": 1 << 10, "100KB": 100 << 10} {
		b.Run(name, func(b *testing.B) {
			r := intakeRequest(record(size))
			b.SetBytes(int64(len(r.Body)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				if out, _, err = t.Append(out[:0], r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRenderPaths parses the body, as templates with $input.path and $input.json do.
func BenchmarkRenderPaths(b *testing.B) {
	t, err := vtl.Compile(`#set($root = $input.path('$'))
{"type": "$root.resourceType", "first": "$root.values[0].code", "all": $input.json('$.values')}`)
	if err != nil {
		b.Fatal(err)
	}
	r := intakeRequest(record(1 << 10))
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		if out, _, err = t.Append(out[:0], r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileIntake(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := vtl.Compile(intake); err != nil {
			b.Fatal(err)
		}
	}
}
