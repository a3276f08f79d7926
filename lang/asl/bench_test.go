package asl

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// intake is like the machine that takes patients in: a Task with Retry and Catch between a Pass and a Choice.
const intake = `{"StartAt":"Shape","States":{
	"Shape":{"Type":"Pass","Parameters":{"id.$":"$.detail.id","who.$":"States.Format('{} {}', $.detail.first, $.detail.last)","at.$":"$$.Execution.StartTime"},"ResultPath":"$.shaped","Next":"Known"},
	"Known":{"Type":"Choice","Choices":[{"And":[{"Variable":"$.shaped.id","IsString":true},{"Variable":"$.detail.age","NumericGreaterThanEquals":18}],"Next":"Store"}],"Default":"Refused"},
	"Store":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:dynamodb:putItem","Parameters":{"TableName":"Patients","Item":{"PK":{"S.$":"$.shaped.id"},"Name":{"S.$":"$.shaped.who"}}},"ResultPath":null,
		"Retry":[{"ErrorEquals":["DynamoDb.ThrottlingException"],"IntervalSeconds":1,"MaxAttempts":5,"BackoffRate":2,"MaxDelaySeconds":20,"JitterStrategy":"FULL"}],
		"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.error","Next":"Refused"}],"Next":"Done"},
	"Refused":{"Type":"Fail","Error":"Refused","Cause":"not now"},
	"Done":{"Type":"Succeed","OutputPath":"$.shaped"}}}`

const intakeInput = `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","source":"clinic","detail":{"id":"p-4711","first":"Ada","last":"Byron","age":36,"notes":["a","b","c"]}}`

func BenchmarkTransitions(b *testing.B) {
	m := mustParse(b, intake)
	input, answer := mustJSON(b, intakeInput), mustJSON(b, `{}`)
	for _, recording := range []bool{false, true} {
		b.Run(fmt.Sprintf("recorder=%v", recording), func(b *testing.B) {
			var recorder func(Event)
			events := 0
			if recording {
				recorder = func(Event) { events++ }
			}
			const states = 4 // of one execution
			b.ReportAllocs()
			for b.Loop() {
				e := m.Start(ExecutionInput{Input: input, StartTime: start, Recorder: recorder})
				e.Run(start)
				e.Complete(e.TakeTasks()[0].ID, answer, start)
				e.Run(start)
				if e.Status() != Succeeded {
					b.Fatal(e.Error())
				}
			}
			perExecution := float64(b.Elapsed()) / float64(b.N)
			b.ReportMetric(states*float64(time.Second)/perExecution, "states/s")
			b.ReportMetric(float64(time.Second)/perExecution, "executions/s")
		})
	}
}

func BenchmarkParse(b *testing.B) {
	definition := []byte(intake)
	b.ReportAllocs()
	b.SetBytes(int64(len(definition)))
	for b.Loop() {
		if _, err := Parse(definition, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMap(b *testing.B) {
	m := mustParse(b, `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","Parameters":{"v.$":"$"},"End":true}}},"End":true}}}`)
	input := mustJSON(b, "["+strings.TrimSuffix(strings.Repeat(`{"a":1},`, 1000), ",")+"]")
	b.ReportAllocs()
	for b.Loop() {
		e := m.Start(ExecutionInput{Input: input, StartTime: start})
		e.Run(start)
		if e.Status() != Succeeded {
			b.Fatal(e.Error())
		}
	}
}
