package cost

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/carepath/carepath/platform"
)

func own(t *testing.T) Prices {
	t.Helper()
	prices, err := Own()
	if err != nil {
		t.Fatal(err)
	}
	return prices
}

func usage() platform.UsageConfig {
	u := platform.DefaultUsage()
	u.IntakeRequests, u.IntakeFailures, u.IntakePayloadBytes = 1_000_000, 1_000, 100_000
	u.UserCreations, u.ActiveUsers, u.FunctionRequests, u.FunctionMilliseconds = 2_000, 5_000, 3_000_000, 40
	u.FHIRChanges, u.FHIRStoredGB, u.FHIRQueries, u.KMSRequests, u.AlarmNotifications, u.MonthsKept = 500_000, 25, 3_000_000, 50_000, 10, 24
	return u
}

// Each case says by hand what the resource uses a month; the amount must be the sum of it at the prices of the file.
func TestEachTypeCostsWhatItsUseDoesByHand(t *testing.T) {
	prices, u := own(t), usage()
	type amounts map[string]float64
	for _, test := range []struct {
		token, name string
		inputs      map[string]any
		want        amounts
		unknown     string // a part of the reason
	}{
		{"aws:apigateway/restApi:RestApi", "intake-api", nil, amounts{"apigateway.request": 1_000_000}, ""},
		{"aws:apigateway/restApi:RestApi", "users-api", nil, amounts{"apigateway.request": 2_000}, ""},
		{"aws:apigateway/restApi:RestApi", "samples-api", nil, amounts{"apigateway.request": 3_000_000}, ""},
		{"aws:apigateway/restApi:RestApi", "other", nil, nil, "how much it is used"},
		{"aws:apigateway/stage:Stage", "intake-api-stage", nil, amounts{"apigateway.free": 0}, ""},
		{"aws:apigateway/stage:Stage", "intake-api-stage", map[string]any{"xrayTracingEnabled": true}, amounts{"apigateway.free": 0, "xray.trace": 1_000_000}, ""},
		{"aws:apigateway/stage:Stage", "samples-api-stage", map[string]any{"xrayTracingEnabled": true}, amounts{"xray.trace": 2_628_000 + 0.05*372_000}, ""},
		{"aws:apigateway/stage:Stage", "intake-api-stage", map[string]any{"cacheClusterEnabled": true}, nil, "cache"},
		{"aws:sfn/stateMachine:StateMachine", "intake", map[string]any{"type": "STANDARD"}, amounts{"states.transition": 3_000_000}, ""},
		{"aws:sfn/stateMachine:StateMachine", "intake", map[string]any{"type": "EXPRESS", "definition": "{}"},
			amounts{"states.express": 1_000_000, "states.duration": 1_000_000 * 0.2 * 64 / 1024}, ""},
		{"aws:sfn/stateMachine:StateMachine", "users", map[string]any{"type": "EXPRESS", "definition": strings.Repeat("x", 20<<20)},
			amounts{"states.express": 2_000, "states.duration": 2_000 * 0.3 * 128 / 1024}, ""},
		{"aws:sfn/stateMachine:StateMachine", "users-sweep", map[string]any{"type": "EXPRESS", "tracingConfiguration": map[string]any{"enabled": true}},
			amounts{"states.express": 43_800, "states.duration": 43_800 * 0.1 * 64 / 1024, "xray.trace": 43_800}, ""},
		{"aws:sfn/stateMachine:StateMachine", "users", map[string]any{"type": "STANDARD"}, nil, "transitions"},
		{"aws:lambda/function:Function", "intake-handler", map[string]any{"architectures": []any{"arm64"}, "memorySize": 512.0},
			amounts{"lambda.request": 1_000_000, "lambda.arm64": 1_000_000 * 0.04 * 0.5}, ""},
		{"aws:lambda/function:Function", "samples-sample", map[string]any{"architectures": []any{"x86_64"}, "memorySize": 128.0},
			amounts{"lambda.request": 3_000_000, "lambda.x86_64": 3_000_000 * 0.04 * 0.125}, ""},
		{"aws:sqs/queue:Queue", "intake-dead-letters", nil, amounts{"sqs.standard": 3 * 1_000 * 2}, ""},
		{"aws:sqs/queue:Queue", "intake-dead-letters", map[string]any{"fifoQueue": true}, amounts{"sqs.fifo": 6_000}, ""},
		{"aws:sqs/queue:Queue", "other", nil, nil, "how much it is used"},
		{"aws:dynamodb/table:Table", "users", map[string]any{"billingMode": "PAY_PER_REQUEST", "pointInTimeRecovery": map[string]any{"enabled": true}},
			amounts{"dynamodb.write": 24_000, "dynamodb.read": 2_000, "dynamodb.storage": 2_000 * 24 * 2048.0 / (1 << 30), "dynamodb.pitr": 2_000 * 24 * 2048.0 / (1 << 30)}, ""},
		{"aws:dynamodb/table:Table", "users", map[string]any{"billingMode": "PROVISIONED"}, nil, "provisioned"},
		{"aws:cognito/userPool:UserPool", "users", nil, amounts{"cognito.mau": 5_000, "ses.mail": 2_000}, ""},
		{"aws:cognito/userPool:UserPool", "users", map[string]any{"userPoolTier": "PLUS"}, nil, "PLUS"},
		{"aws:kms/key:Key", "carepath", nil, amounts{"kms.key": 1, "kms.request": 50_000}, ""},
		{"aws:cloudwatch/logGroup:LogGroup", "intake-api-access-logs", map[string]any{"retentionInDays": 7.0},
			amounts{"logs.ingest": 1e6 * 600.0 / (1 << 30), "logs.storage": 0.15 * 1e6 * 600.0 / (1 << 30) * 7 * 24 / 730}, ""},
		{"aws:cloudwatch/logGroup:LogGroup", "intake-api-access-logs", nil,
			amounts{"logs.ingest": 1e6 * 600.0 / (1 << 30), "logs.storage": 0.15 * 1e6 * 600.0 / (1 << 30) * 24}, ""},
		{"aws:cloudwatch/metricAlarm:MetricAlarm", "x", map[string]any{"period": 60.0}, amounts{"cloudwatch.alarm": 1}, ""},
		{"aws:cloudwatch/metricAlarm:MetricAlarm", "x", map[string]any{"metricQueries": []any{
			map[string]any{"metric": map[string]any{}}, map[string]any{"metric": map[string]any{}}, map[string]any{"expression": "a/b"},
		}}, amounts{"cloudwatch.alarm": 2}, ""},
		{"aws:cloudwatch/metricAlarm:MetricAlarm", "x", map[string]any{"period": 10.0}, nil, "high-resolution"},
		{"aws:cloudwatch/dashboard:Dashboard", "x", nil, amounts{"cloudwatch.dashboard": 1}, ""},
		{"aws:scheduler/schedule:Schedule", "x", map[string]any{"scheduleExpression": "rate(5 minutes)"}, amounts{"scheduler.invocation": 8_760}, ""},
		{"aws:scheduler/schedule:Schedule", "x", map[string]any{"scheduleExpression": "cron(0 1 * * ? *)"}, nil, "how often"},
		{"aws:cloudcontrol/resource:Resource", "store", map[string]any{"typeName": "AWS::HealthLake::FHIRDatastore"},
			amounts{"healthlake.hour": 730, "healthlake.storage": 15, "healthlake.query": 3_000_000 + 1_000_000 + 26_280 - 2_555_000}, ""},
		{"aws:cloudcontrol/resource:Resource", "x", map[string]any{"typeName": "AWS::ApiGatewayV2::ApiMapping"}, amounts{"apigateway.free": 1}, ""},
		{"aws:cloudcontrol/resource:Resource", "x", map[string]any{"typeName": "AWS::X::Y"}, nil, "AWS::X::Y"},
		{"aws:cloudtrail/trail:Trail", "x", nil, amounts{"cloudtrail.management": 0}, ""},
		{"aws:cloudtrail/trail:Trail", "x", map[string]any{"eventSelectors": []any{map[string]any{"dataResources": []any{}}}}, nil, "data events"},
		{"aws:s3/bucketV2:BucketV2", "changes-trail", nil, amounts{"s3.put": 8_760, "s3.storage": (500_000 + 3_000_000 + 1_026_280) * 200 * 24.0 / (1 << 30)}, ""},
		{"aws:s3/bucketV2:BucketV2", "other", nil, nil, "how much it is used"},
		{"aws:cloudwatch/eventBus:EventBus", "x", nil, amounts{"events.custom": 500_000}, ""},
		{"aws:cloudwatch/eventArchive:EventArchive", "x", map[string]any{"retentionDays": 73.0},
			amounts{"events.archive": 500_000 * 4_000.0 / (1 << 30), "events.archive.storage": 500_000 * 4_000.0 / (1 << 30) * 2.4}, ""},
		{"aws:pipes/pipe:Pipe", "x", nil, amounts{"pipes.request": 508_760}, ""},
		{"aws:sns/topic:Topic", "x", nil, amounts{"sns.publish": 10, "sns.email": 10}, ""},
		{"aws:sqs/queue:Queue", "fhir-triggers", nil, amounts{"sqs.standard": 2*508_760 + 21_600*730.0/24}, ""},
		{"aws:sqs/queue:Queue", "fhir-subscriber", nil, amounts{"sqs.standard": 1_500_000}, ""},
		{"aws:sqs/queue:Queue", "fhir-dead-letters", nil, amounts{"sqs.standard": 0}, ""},
		{"aws:dynamodb/table:Table", "fhir-ledger", map[string]any{"billingMode": "PAY_PER_REQUEST"},
			amounts{"dynamodb.write": 1_000_000, "dynamodb.read": 500_000, "dynamodb.storage": 500_000 * 24 * 400.0 / (1 << 30)}, ""},
		{"aws:sfn/stateMachine:StateMachine", "fhir-capture", map[string]any{"type": "EXPRESS"}, amounts{"states.express": 508_760, "states.duration": 508_760 * 1.5 * 64 / 1024}, ""},
		{"aws:lambda/function:Function", "fhir-hydrator", map[string]any{"architectures": []any{"arm64"}, "memorySize": 256.0},
			amounts{"lambda.request": 526_280, "lambda.arm64": 526_280 * 0.3 * 0.25}, ""},
		{"aws:cloudwatch/logGroup:LogGroup", "fhir-hydrator-logs", map[string]any{"retentionInDays": 730.0 / 24},
			amounts{"logs.ingest": 526_280 * 1200.0 / (1 << 30), "logs.storage": 0.15 * 526_280 * 1200.0 / (1 << 30), "cloudwatch.metric": 3}, ""},
		{"aws:cloudwatch/eventBus:EventBus", "fhir-notifications", nil, amounts{"healthlake.notification": 500_000}, ""},
		{"awsx:cloudtrail:Trail", "fhir-trail", nil, amounts{"cloudtrail.management": 0}, ""},
		{"aws:route53/zone:Zone", "x", nil, amounts{"route53.zone": 1}, ""},
		{"aws:lambda/invocation:Invocation", "x", nil, amounts{"lambda.request": 1}, ""},
		{"aws:ec2/instance:Instance", "x", nil, nil, "no prices for this type"},
	} {
		e := Of("s", "us-east-1", []Resource{{URN: "u", Type: test.token, Name: test.name, Component: "c", Inputs: test.inputs}}, u, prices)
		r := e.Resources[0]
		if r.Unknown != (test.unknown != "") || !strings.Contains(r.Why, test.unknown) {
			t.Errorf("%s %s: unknown is %v because of %q, want %q", test.token, test.name, r.Unknown, r.Why, test.unknown)
		}
		if test.unknown != "" {
			if r.MonthlyUSD != 0 || r.Free {
				t.Errorf("%s %s: what is unknown costs %v, free %v", test.token, test.name, r.MonthlyUSD, r.Free)
			}
			continue
		}
		want := 0.0
		for id, amount := range test.want {
			want += prices[id].USD * amount
		}
		if math.Abs(r.MonthlyUSD-want) > 1e-9*max(1, want) || math.Abs(r.HourlyUSD*730-want) > 1e-9*max(1, want) {
			t.Errorf("%s %s %v: %v a month, by hand %v: %+v", test.token, test.name, test.inputs, r.MonthlyUSD, want, r.Items)
		}
		for _, i := range r.Items {
			if _, expected := test.want[i.Price.ID]; !expected && i.Price.ID != "apigateway.free" {
				t.Errorf("%s %s is billed for %s", test.token, test.name, i.Price.ID)
			}
		}
	}
}

func TestFreeIsSaidToBeFreeWithItsSource(t *testing.T) {
	prices := own(t)
	for id, types := range free {
		for _, token := range types {
			r := Of("s", "us-east-1", []Resource{{Type: token}}, usage(), prices).Resources[0]
			if !r.Free || r.Unknown || r.MonthlyUSD != 0 || len(r.Items) != 1 || r.Items[0].Price.ID != id || r.Items[0].Price.Source == "" {
				t.Errorf("%s: %+v", token, r)
			}
		}
	}
}

func TestEveryPriceIsUsedAndKnown(t *testing.T) {
	prices := own(t)
	text := strings.Join(Types(), " ")
	if !strings.Contains(text, "aws:lambda/function:Function") {
		t.Errorf("the types are %s", text)
	}
	e := Of("s", "eu-central-1", []Resource{{Type: "aws:kms/key:Key"}, {Type: "aws:iam/role:Role"}, {Type: "aws:kms/alias:Alias"}}, usage(), prices)
	if !e.Unknown || e.MonthlyUSD != 0 || !strings.Contains(strings.Join(e.unknown(), "\n"), "in eu-central-1 is not known") {
		t.Errorf("a region without prices: %+v", e)
	}
	i := slices.IndexFunc(e.Resources, func(r ResourceCost) bool { return r.Type == "aws:iam/role:Role" })
	if !e.Resources[i].Free {
		t.Error("what is free everywhere is unknown in a region")
	}
}

func TestTotalsAreTheSumsOfTheirParts(t *testing.T) {
	resources := []Resource{
		{URN: "1", Type: "carepath:x:Y", Name: "x"},
		{URN: "2", Type: "aws:kms/key:Key", Name: "key", Component: "shared"},
		{URN: "3", Type: "aws:cloudcontrol/resource:Resource", Name: "store", Component: "changes", Inputs: map[string]any{"typeName": fhirDatastore}},
		{URN: "4", Type: "aws:ec2/instance:Instance", Name: "i", Component: "changes"},
		{URN: "5", Type: "aws:iam/role:Role", Name: "r", Component: "shared"},
	}
	u := usage()
	u.FHIRQueries, u.FHIRChanges, u.FHIRStoredGB, u.KMSRequests = 0, 0, 10, 0
	e := Of("s", "us-east-1", resources, u, own(t))
	if want := 730*0.27 + 1; math.Abs(e.MonthlyUSD-want) > 1e-9 || math.Abs(e.FixedMonthlyUSD-want) > 1e-9 || !e.Unknown || len(e.Resources) != 4 {
		t.Errorf("%+v", e.Cost)
	}
	if e.Components[0].Name != "changes" || !e.Components[0].Unknown || e.Components[1].Unknown || math.Abs(e.Components[1].MonthlyUSD-1) > 1e-9 {
		t.Errorf("%+v", e.Components)
	}
	if e.Resources[0].Name != "store" || e.Resources[2].Name != "i" {
		t.Error("the most expensive is not first, or the unknown is not before the free")
	}
	var text strings.Builder
	if err := e.WriteText(&text, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"$197.10            $0.2700 ", "at $0.27 per hour", "at $4.8 per million queries", "$198.10 + unknown", "free", "aws.amazon.com/healthlake/pricing", "fhirChanges 0"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text has no %q:\n%s", want, text.String())
		}
	}
	if page := e.Markdown(); !strings.Contains(page, "### Cost of `s`: $198.10 + unknown a month") || !strings.Contains(page, "| changes | $197.10 + unknown |") {
		t.Errorf("the page is\n%s", page)
	}
}

func TestCompare(t *testing.T) {
	prices, u := own(t), usage()
	u.KMSRequests = 0
	of := func(resources ...Resource) *Estimate { return Of("s", "us-east-1", resources, u, prices) }
	key, alarm := Resource{URN: "k", Type: "aws:kms/key:Key", Name: "k"}, Resource{URN: "a", Type: "aws:cloudwatch/metricAlarm:MetricAlarm", Name: "a"}
	twice := alarm
	twice.Inputs = map[string]any{"metricQueries": []any{map[string]any{"metric": 1.0}, map[string]any{"metric": 1.0}}}
	odd, role := Resource{URN: "o", Type: "aws:ec2/instance:Instance", Name: "o"}, Resource{URN: "r", Type: "aws:iam/role:Role"}
	d := Compare(of(key, alarm), of(twice, odd, role))
	if math.Abs(d.MonthlyUSD-(0.1-1)) > 1e-9 || !d.Unknown || len(d.Resources) != 3 || d.Resources[0].Name != "k" || d.Resources[0].After != nil || d.Resources[2].Name != "o" {
		t.Errorf("%+v", d)
	}
	if want := "-$0.90 a month and an unknown amount: $1.10 a month before, $0.20 + unknown after"; d.Summary() != want {
		t.Errorf("got %q, want %q", d.Summary(), want)
	}
	if rows := strings.Join(d.Rows(), ""); !strings.Contains(rows, "| `aws:kms/key:Key` | `k` | $1.00 |  | -$1.00 |") || !strings.Contains(rows, "|  | unknown | unknown |") {
		t.Errorf("got %s", rows)
	}
	if d := Compare(of(key, odd), of(key, odd)); d.MonthlyUSD != 0 || d.Unknown || len(d.Resources) != 0 || !strings.HasPrefix(d.Summary(), "no difference: ") {
		t.Errorf("%+v", d)
	}
}

func TestReadPricesRefuses(t *testing.T) {
	price := func(members string) string {
		return `{"currency":"USD","prices":[{"id":"a.b","service":"s","what":"w","source":"x","date":"2026-11","regions":["*"],` + members + `}]}`
	}
	if _, err := ReadPrices([]byte(price(`"unit":"request","usd":1`))); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{`:                          "reading the prices",
		`{"currency":"EUR"}`:         `must be USD`,
		price(`"usd":1`):             `"usd"`,
		price(`"unit":"x","usd":0`):  `"usd"`,
		price(`"unit":"x","usd":-1`): `"usd"`,
		price(`"usd":0,"tax":1`):     "tax",
		strings.Replace(price(`"usd":0`), "2026-11", "lately", 1):           `"date"`,
		strings.Replace(price(`"usd":0`), `["*"]`, `[]`, 1):                 `"regions"`,
		strings.Replace(price(`"usd":0`), "a.b", "A", 1):                    `"id"`,
		strings.Replace(price(`"usd":0`), `"source":"x"`, `"source":""`, 1): `"source"`,
		strings.Replace(price(`"usd":0`), `"prices":[{`, `"prices":[{"id":"a.b","service":"s","what":"w","source":"x","date":"2026-11","regions":["*"],"usd":0},{`, 1): "twice",
	} {
		if _, err := ReadPrices([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
