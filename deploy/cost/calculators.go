package cost

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/platform"
)

// calculator says what a resource uses a month, and why something cannot be said.
type calculator func(r *Resource, u *platform.UsageConfig) (used []quantity, why string)

// notKnown is why an amount is unknown for a resource that the program has not.
const notKnown = "how much it is used is not known"

// free are the types that AWS asks nothing for, by the price that says so.
var free = map[string][]string{
	"acm.public": {"aws:acm/certificate:Certificate", "aws:acm/certificateValidation:CertificateValidation"},
	"apigateway.free": {
		"aws:apigateway/account:Account", "aws:apigateway/basePathMapping:BasePathMapping", "aws:apigateway/deployment:Deployment", "aws:apigateway/domainName:DomainName",
		"aws:apigateway/methodSettings:MethodSettings", "aws:apigateway/restApiPolicy:RestApiPolicy",
	},
	"cognito.free": {"aws:cognito/userPoolClient:UserPoolClient"},
	"events.aws": {
		"aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget", "aws:cloudwatch/eventPermission:EventPermission", "aws:cloudwatch/eventBusPolicy:EventBusPolicy",
	},
	"iam.free": {
		"aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/policy:Policy",
		"aws:iam/openIdConnectProvider:OpenIdConnectProvider",
	},
	"kms.free":    {"aws:kms/alias:Alias"},
	"lambda.free": {"aws:lambda/permission:Permission", "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"},
	"logs.free":   {"aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "aws:cloudwatch/logMetricFilter:LogMetricFilter"},
	"route53.free": {
		"aws:route53/record:Record",
	},
	"s3.free": {
		"aws:s3/bucketPolicy:BucketPolicy", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "aws:s3/bucketVersioningV2:BucketVersioningV2",
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
		"aws:s3/bucketOwnershipControls:BucketOwnershipControls",
	},
	"schemas.free": {"aws:schemas/registry:Registry", "aws:schemas/schema:Schema", "aws:schemas/registryPolicy:RegistryPolicy"},
	"sns.free":     {"aws:sns/topicPolicy:TopicPolicy", "aws:sns/topicSubscription:TopicSubscription"},
	"sqs.free":     {"aws:sqs/queuePolicy:QueuePolicy", "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", "aws:sqs/redrivePolicy:RedrivePolicy"},
}

var calculators = func() map[string]calculator {
	all := map[string]calculator{
		"aws:apigateway/restApi:RestApi":           restAPI,
		"aws:apigateway/stage:Stage":               stage,
		"aws:cloudcontrol/resource:Resource":       cloudControl,
		"aws:cloudtrail/trail:Trail":               trail,
		"awsx:cloudtrail:Trail":                    trail,
		"aws:cloudwatch/dashboard:Dashboard":       oneOf("cloudwatch.dashboard"),
		"aws:cloudwatch/eventArchive:EventArchive": archive,
		"aws:cloudwatch/eventBus:EventBus":         bus,
		"aws:cloudwatch/logGroup:LogGroup":         logGroup,
		"aws:cloudwatch/metricAlarm:MetricAlarm":   alarm,
		"aws:cognito/userPool:UserPool":            userPool,
		"aws:dynamodb/table:Table":                 table,
		"aws:kms/key:Key":                          key,
		"aws:lambda/function:Function":             function,
		"aws:lambda/invocation:Invocation":         invocation,
		"aws:pipes/pipe:Pipe":                      pipe,
		"aws:route53/zone:Zone":                    oneOf("route53.zone"),
		"aws:scheduler/schedule:Schedule":          schedule,
		"aws:sfn/stateMachine:StateMachine":        stateMachine,
		"aws:sns/topic:Topic":                      topic,
		"aws:sqs/queue:Queue":                      queue,
	}
	for _, name := range []string{"bucket:Bucket", "bucketV2:BucketV2"} {
		all["aws:s3/"+name] = bucket
	}
	for price, types := range free {
		for _, t := range types {
			all[t] = func(*Resource, *platform.UsageConfig) ([]quantity, string) {
				return []quantity{{price: price, fixed: true}}, ""
			}
		}
	}
	return all
}()

// oneOf is for what costs the same every month.
func oneOf(price string) calculator {
	return func(*Resource, *platform.UsageConfig) ([]quantity, string) {
		return []quantity{{price, 1, "there is one", true}}, ""
	}
}

func (r *Resource) text(name string) string {
	text, _ := r.Inputs[name].(string)
	return text
}

func (r *Resource) number(name string, otherwise float64) float64 {
	if f, ok := r.Inputs[name].(float64); ok {
		return f
	}
	return otherwise
}

func (r *Resource) object(name string) map[string]any {
	object, _ := r.Inputs[name].(map[string]any)
	return object
}

// chunks is how many pieces of 64 KB a payload is billed as.
func chunks(bytes float64) float64 { return max(1, math.Ceil(bytes/(64<<10))) }

func restAPI(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	l, ok := loadOf(r, u)
	if !ok {
		return nil, notKnown
	}
	return []quantity{{"apigateway.request", l.count, l.basis(), false}}, ""
}

// traces is how many traces X-Ray's default rule records of requests that come evenly: one a second, and 5 % of the others. See
// https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html.
func traces(requests float64) float64 {
	const reservoir = HoursPerMonth * 3600
	return min(requests, reservoir) + 0.05*max(0, requests-reservoir)
}

func traced(l load) quantity {
	return quantity{"xray.trace", traces(l.count), "one a second and 5 % of the others, of " + l.basis(), false}
}

// stage costs nothing itself, but traces begin there. A cache would cost.
func stage(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	used, why := []quantity{{price: "apigateway.free", fixed: true}}, ""
	if enabled, _ := r.Inputs["cacheClusterEnabled"].(bool); enabled {
		why = "carepath knows no prices of stages with a cache"
	}
	if enabled, _ := r.Inputs["xrayTracingEnabled"].(bool); enabled {
		l, ok := loadOf(r, u)
		if !ok {
			return used, notKnown
		}
		used = append(used, traced(l))
	}
	return used, why
}

// logGroup is billed for what goes in, and for what is kept: after compression about 15 % of it. See
// https://aws.amazon.com/cloudwatch/pricing/.
func logGroup(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	l, ok := loadOf(r, u)
	if !ok && strings.HasSuffix(r.Name, "-logs") { // of a function
		l, ok = functionLoad(u), true
	}
	if !ok {
		return nil, notKnown
	}
	in := l.count * l.logBytes / gigabyte
	months := float64(u.MonthsKept)
	if days := r.number("retentionInDays", 0); days > 0 {
		months = min(months, days*24/HoursPerMonth)
	}
	used := []quantity{
		{"logs.ingest", in, fmt.Sprintf("%s bytes for each of %s", number(l.logBytes), l.basis()), false},
		{"logs.storage", 0.15 * in * months, fmt.Sprintf("%s months of it, compressed to 15 %%", number(months)), false},
	}
	if strings.Contains(r.Name, "-hydrator-") {
		used = append(used, quantity{"cloudwatch.metric", 3, "3 that CloudWatch takes from the records", true})
	}
	return used, ""
}

// alarm costs for each of its metrics.
func alarm(r *Resource, _ *platform.UsageConfig) ([]quantity, string) {
	metrics := 0.0
	queries, _ := r.Inputs["metricQueries"].([]any)
	for _, q := range queries {
		if q, ok := q.(map[string]any); ok && q["metric"] != nil {
			metrics++
		}
	}
	metrics = max(1, metrics)
	if r.number("period", 60) < 60 {
		return nil, "carepath knows no prices of high-resolution alarms"
	}
	return []quantity{{"cloudwatch.alarm", metrics, number(metrics) + " metric", true}}, ""
}

// userPool is billed by the users who are active: creating one counts. Invitations are mails.
func userPool(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	if tier := r.text("userPoolTier"); tier != "" && tier != "ESSENTIALS" {
		return nil, "carepath knows no prices of the tier " + tier
	}
	active := float64(max(u.ActiveUsers, u.UserCreations))
	return []quantity{
		{"cognito.mau", active, number(active) + " users sign in or are created", false},
		{"ses.mail", float64(u.UserCreations), number(float64(u.UserCreations)) + " invitations", false},
	}, ""
}

func table(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	if mode := r.text("billingMode"); mode != "PAY_PER_REQUEST" {
		return nil, "carepath knows no prices of tables with provisioned capacity"
	}
	l, ok := loadOf(r, u)
	if !ok {
		return nil, notKnown
	}
	kept := l.count * l.keptBytes * float64(u.MonthsKept) / gigabyte
	used := []quantity{
		{"dynamodb.write", l.count * l.writes, fmt.Sprintf("%s for each of %s", number(l.writes), l.basis()), false},
		{"dynamodb.read", l.count * l.reads, fmt.Sprintf("%s for each of %s", number(l.reads), l.basis()), false},
		{"dynamodb.storage", kept, fmt.Sprintf("%s bytes of each, of %d months", number(l.keptBytes), u.MonthsKept), false},
	}
	if enabled, _ := r.object("pointInTimeRecovery")["enabled"].(bool); enabled {
		used = append(used, quantity{"dynamodb.pitr", kept, "as much as the table's data", false})
	}
	return used, ""
}

func key(_ *Resource, u *platform.UsageConfig) ([]quantity, string) {
	requests := float64(u.KMSRequests)
	return []quantity{
		{"kms.key", 1, "there is one", true},
		{"kms.request", requests, number(requests) + " requests that no cache answers", false},
	}, ""
}

func function(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	l, ok := loadOf(r, u)
	if !ok {
		l = functionLoad(u)
	}
	if l.milliseconds == 0 {
		return nil, notKnown
	}
	architecture := "x86_64"
	if list, _ := r.Inputs["architectures"].([]any); len(list) == 1 && list[0] == "arm64" {
		architecture = "arm64"
	}
	memory := r.number("memorySize", 128)
	return []quantity{
		{"lambda.request", l.count, l.basis(), false},
		{"lambda." + architecture, l.count * l.milliseconds / 1000 * memory / 1024, fmt.Sprintf("%s ms at %s MB for each of %s", number(l.milliseconds), number(memory), l.basis()), false},
	}, ""
}

// invocation runs a function once, when the stack is deployed.
func invocation(*Resource, *platform.UsageConfig) ([]quantity, string) {
	return []quantity{{"lambda.request", 1, "one invocation at most", false}}, ""
}

// expressMemory is what an execution of an Express workflow is billed for, in GB: chunks of 64 MB of a base of 50 MB, the definition
// and the payload. See https://aws.amazon.com/step-functions/pricing/.
func expressMemory(definition string, payload float64) float64 {
	return math.Ceil((50+(float64(len(definition))+payload)/(1<<20))/64) * 64 / 1024
}

func stateMachine(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	l, ok := loadOf(r, u)
	if !ok {
		return nil, notKnown
	}
	var used []quantity
	if r.text("type") != "EXPRESS" {
		if l.transitions == 0 {
			return nil, "how many transitions an execution has is not known"
		}
		used = append(used, quantity{"states.transition", l.count * l.transitions, fmt.Sprintf("%s for each of %s", number(l.transitions), l.basis()), false})
	} else {
		seconds := math.Ceil(l.milliseconds/100) / 10
		memory := expressMemory(r.text("definition"), l.bytes)
		used = append(used, quantity{"states.express", l.count, l.basis(), false},
			quantity{"states.duration", l.count * seconds * memory, fmt.Sprintf("%s s at %s MB for each of %s", number(seconds), number(memory*1024), l.basis()), false})
	}
	// What comes through an API is traced there: the trace is the same.
	if enabled, _ := r.object("tracingConfiguration")["enabled"].(bool); enabled && strings.Contains(r.Name, "sweep") {
		used = append(used, traced(l))
	}
	return used, ""
}

func queue(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	price := "sqs.standard"
	if fifo, _ := r.Inputs["fifoQueue"].(bool); fifo {
		price = "sqs.fifo"
	}
	l, ok := loadOf(r, u)
	if !ok {
		return nil, notKnown
	}
	return []quantity{{price, l.count * chunks(l.bytes), l.basis(), false}}, ""
}

func topic(_ *Resource, u *platform.UsageConfig) ([]quantity, string) {
	n := float64(u.AlarmNotifications)
	return []quantity{
		{"sns.publish", n, number(n) + " notifications of alarms", false},
		{"sns.email", n, "each to one address", false},
	}, ""
}

var rate = regexp.MustCompile(`^rate\(([0-9]+) (minute|hour|day)s?\)$`)

// perMonth is how often a rate comes.
func perMonth(expression string) (float64, bool) {
	m := rate.FindStringSubmatch(expression)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil || n == 0 {
		return 0, false
	}
	minutes := map[string]float64{"minute": 1, "hour": 60, "day": 24 * 60}[m[2]]
	return minutesPerMonth / (n * minutes), true
}

func schedule(r *Resource, _ *platform.UsageConfig) ([]quantity, string) {
	times, ok := perMonth(r.text("scheduleExpression"))
	if !ok {
		return nil, "how often it comes is not known"
	}
	return []quantity{{"scheduler.invocation", times, r.text("scheduleExpression"), true}}, ""
}

// HealthLake's data store is made through Cloud Control.
const fhirDatastore = "AWS::HealthLake::FHIRDatastore"

func cloudControl(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	switch name := r.text("typeName"); name {
	case fhirDatastore:
	case "AWS::ApiGatewayV2::ApiMapping":
		return []quantity{{price: "apigateway.free", fixed: true}}, ""
	default:
		return nil, "carepath knows no prices for " + strings.TrimSpace("Cloud Control's type "+name)
	}
	const includedGB, includedQueries = 10, 3500 * HoursPerMonth
	queries := float64(u.FHIRQueries) + captureQueries(u)
	return []quantity{
		{"healthlake.hour", HoursPerMonth, "every hour from its creation to its deletion", true},
		{"healthlake.storage", max(0, float64(u.FHIRStoredGB)-includedGB), fmt.Sprintf("%d GB, of which %d are included", u.FHIRStoredGB, includedGB), false},
		{"healthlake.query", max(0, queries-includedQueries), fmt.Sprintf("%s queries, of which %s are included", number(queries), number(includedQueries)), false},
	}, ""
}

// captureQueries are the searches and reads with which changes are captured: for a change a search and a read at most, and the sweeps.
func captureQueries(u *platform.UsageConfig) float64 {
	return 2*float64(u.FHIRChanges) + sweptTypes*sweepsPerMonth
}

const (
	sweepsPerMonth = minutesPerMonth / 5
	sweptTypes     = 3 // resource types whose changes are captured, by default
)

// trail delivers the first copy of management events for nothing; data events are billed.
func trail(r *Resource, _ *platform.UsageConfig) ([]quantity, string) {
	used := []quantity{{price: "cloudtrail.management", fixed: true}}
	for _, name := range []string{"eventSelectors", "advancedEventSelectors"} {
		if text, err := json.Marshal(r.Inputs[name]); err == nil && (strings.Contains(string(text), "dataResources") || strings.Contains(string(text), `"Data"`)) {
			return used, "how many data events it records is not known"
		}
	}
	return used, ""
}

// bucket holds the log files of a trail: one every five minutes, of the FHIR calls above all.
func bucket(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	if !strings.Contains(r.Name, "trail") {
		return nil, notKnown
	}
	const recordBytes, files = 200, minutesPerMonth / 5 // a record, compressed
	records := float64(u.FHIRChanges) + float64(u.FHIRQueries) + captureQueries(u)
	months := float64(u.MonthsKept)
	rules, _ := r.Inputs["lifecycleRules"].([]any)
	for _, rule := range rules {
		rule, _ := rule.(map[string]any)
		expiration, _ := rule["expiration"].(map[string]any)
		if days, ok := expiration["days"].(float64); ok {
			months = min(months, days*24/HoursPerMonth)
		}
	}
	return []quantity{
		{"s3.put", files, "a file every five minutes", true},
		{"s3.storage", records * recordBytes * months / gigabyte, fmt.Sprintf("%d bytes for each of %s calls, of %s months", recordBytes, number(records), number(months)), false},
	}, ""
}

// changeBytes is an event with its resource.
func changeBytes(u *platform.UsageConfig) float64 { return float64(u.FHIRResourceBytes) + 1000 }

func bus(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	events := float64(u.FHIRChanges)
	if strings.HasSuffix(r.Name, "-notifications") { // HealthLake puts them there
		return []quantity{{"healthlake.notification", events, number(events) + " changes of FHIR resources", false}}, ""
	}
	return []quantity{{"events.custom", events * chunks(changeBytes(u)), number(events) + " changes of FHIR resources", false}}, ""
}

func archive(r *Resource, u *platform.UsageConfig) ([]quantity, string) {
	in := float64(u.FHIRChanges) * changeBytes(u) / gigabyte
	months := float64(u.MonthsKept)
	if days := r.number("retentionDays", 0); days > 0 {
		months = min(months, days*24/HoursPerMonth)
	}
	return []quantity{
		{"events.archive", in, fmt.Sprintf("%s bytes for each of %s changes", number(changeBytes(u)), number(float64(u.FHIRChanges))), false},
		{"events.archive.storage", in * months, number(months) + " months of it", false},
	}, ""
}

// pipe is billed for the messages that trigger the capture and for those of the sweep.
func pipe(_ *Resource, u *platform.UsageConfig) ([]quantity, string) {
	messages := float64(u.FHIRChanges) + sweepsPerMonth
	return []quantity{{"pipes.request", messages, number(messages) + " messages: one for each change and each sweep, at most", false}}, ""
}

// Types are the types that carepath knows prices for.
func Types() []string {
	var all []string
	for t := range calculators {
		all = append(all, t)
	}
	slices.Sort(all)
	return all
}
