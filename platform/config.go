package platform

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/components/golambda"
	"github.com/carepath/carepath/components/restapi"
	"github.com/carepath/carepath/components/workflow"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// LocalEnvironment is the environment that runs on the embedded AWS.
const LocalEnvironment = "local"

// productionEnvironment is the one in which nothing may be lost: what protects it cannot be turned off.
const productionEnvironment = "prod"

// EphemeralEnvironment is the environment of stacks that are made for a pull request and destroyed with it. They have a time to live
// where their configuration does not say one.
const EphemeralEnvironment = "pr"

// ephemeralTTL is that time.
const ephemeralTTL = "12h"

// embeddedAccount is the account of the embedded AWS.
const embeddedAccount = "000000000000"

// leastProductionRetention is how many days logs are kept there at least.
const leastProductionRetention = 365

// Config is the configuration of a stack: the keys of Pulumi.<stack>.yaml.
type Config struct {
	// Environment is carepath:environment: "local", or a name such as "dev" or "prod". It tags every resource.
	Environment string
	// Region is aws:region.
	Region string
	// AccountID is carepath:accountId: twelve digits. Nothing is deployed into any other account.
	AccountID string
	// TTL is carepath:ttl: carepath reap destroys the stack when its last up or refresh is that long ago; 0: never.
	TTL time.Duration
	// Platform is carepath:platform: what all systems share.
	Platform PlatformConfig
	// Intake is carepath:intake: the asynchronous intake.
	Intake IntakeConfig
	// Users is carepath:users: the creation of users.
	Users UsersConfig
	// HealthLake is carepath:healthlake: the FHIR data store and the capture of its changes.
	HealthLake HealthLakeConfig
	// Domain is carepath:domain: the domain that all APIs are under.
	Domain DomainConfig
	// Usage is carepath:usage: what estimates of the cost assume.
	Usage UsageConfig
	// Policies is carepath:policies: exceptions from the rules that every stack must follow.
	Policies PoliciesConfig
}

// PlatformConfig is what all systems share.
type PlatformConfig struct {
	// Architecture of the functions: "arm64" or "x86_64"; "host" on the local stack only. Default: "arm64", locally "host".
	Architecture golambda.Architecture
	// LogRetentionDays is how long every log group keeps its events. Default: 30; for the environment "prod" 365, the least there.
	LogRetentionDays int
	// Protect keeps Pulumi from deleting what holds data or keys. Default: true for the environment "prod".
	Protect bool
	// APIGatewayAccount says who sets the role with which API Gateway writes the access logs of the account and region.
	// Default: AccountWhereAbsent; locally AccountAlways, for the embedded account is this stack's alone.
	APIGatewayAccount APIGatewayAccount
	// PermissionsBoundaryARN is the managed policy that bounds every role of the stack. Default: none.
	PermissionsBoundaryARN string
	// AlarmTopicARNs are SNS topics that hear of alarms. Default: none.
	AlarmTopicARNs []string
	// AlarmEmails are addresses that get mail of alarms, by a topic of the stack's own; not locally. Default: none, and no topic.
	AlarmEmails []string
}

// IntakeConfig is the asynchronous intake.
type IntakeConfig struct {
	// WorkflowType is STANDARD or EXPRESS. Default: STANDARD, which makes Idempotency-Key work.
	WorkflowType workflow.Type
	// MaxBodyBytes is the largest accepted body. Default and maximum: restapi.DefaultMaxBodyBytes.
	MaxBodyBytes int
	// Headers are the request's headers that reach the workflow. Default: Content-Type and User-Agent.
	Headers []string
	// Throttle limits the API. Default: 100 requests a second, 200 at once.
	Throttle ThrottleConfig
	// Retry says how often a payload that the function fails on is tried again.
	Retry RetryConfig
	// FunctionTimeoutSeconds is how long one try may take. Default: 10.
	FunctionTimeoutSeconds int
	// FunctionMemoryMB is the function's memory in MiB. Default: 128.
	FunctionMemoryMB int
}

// ThrottleConfig is a token bucket that all clients share.
type ThrottleConfig struct {
	RatePerSecond float64 // requests; locally 10000 by default
	Burst         int     // requests at once; locally 5000 by default
}

// RetryConfig is a back-off with full jitter.
type RetryConfig struct {
	MaxAttempts     int     // tries after the first; default 3
	IntervalSeconds int     // before the first of them; default 2
	BackoffRate     float64 // by which the interval grows; default 2
	MaxDelaySeconds int     // the longest interval; default 30
}

// Keys of a stack's configuration that programs around this one look at.
const (
	KeyEnvironment = "carepath:environment" // Config.Environment
	KeyRegion      = "aws:region"           // Config.Region
	KeyAccountID   = "carepath:accountId"   // Config.AccountID
	KeyTTL         = "carepath:ttl"         // Config.TTL; see ParseTTL
)

// The keys of a stack's configuration that the program reads.
const (
	keyPlatform   = "carepath:platform"
	keyIntake     = "carepath:intake"
	keyUsers      = "carepath:users"
	keyHealthLake = "carepath:healthlake"
	keyDomain     = "carepath:domain"
	keyUsage      = "carepath:usage"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Path    string `json:"path"`            // such as "carepath:intake.retry.maxAttempts"
	Value   string `json:"value,omitempty"` // as JSON; empty if it is missing
	Allowed string `json:"allowed"`         // what it may be
}

// String says it in one line.
func (p Problem) String() string {
	if p.Value == "" {
		return p.Path + ": is missing: must be " + p.Allowed
	}
	return fmt.Sprintf("%s: got %s: must be %s", p.Path, p.Value, p.Allowed)
}

// ConfigError is everything that is wrong with a configuration.
type ConfigError struct {
	Problems []Problem
}

// Error lists the problems, one a line.
func (e *ConfigError) Error() string {
	var b strings.Builder
	b.WriteString("the stack's configuration is not valid:")
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// logRetentions are the numbers of days that CloudWatch Logs takes. See
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html.
var logRetentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

var (
	environmentPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,20}$`)
	regionPattern      = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	accountPattern     = regexp.MustCompile(`^[0-9]{12}$`)
	headerPattern      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	emailPattern       = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
	topicPattern       = regexp.MustCompile(`^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$`)
)

// LoadConfig reads and checks a stack's configuration. values has what the stack gives for each key, as Pulumi has it:
// objects are JSON text. A configuration with problems gives a *ConfigError with all of them; a key that the program does not
// read is one, so that a misspelt key is not without effect.
func LoadConfig(values map[string]string) (*Config, error) {
	r := &configReader{values: values}
	c := r.config()
	if len(r.problems) > 0 {
		return nil, &ConfigError{Problems: r.problems}
	}
	return c, nil
}

// config reads every key. The order is that of the reference and of the problems.
func (r *configReader) config() *Config {
	c := &Config{}
	c.Environment = r.text(KeyEnvironment, environmentPattern, `"local", or a name of your own such as "dev": lower-case letters, digits and hyphens`,
		`The environment's name; every resource is tagged with it. "local" runs on the embedded AWS.`)
	c.Region = r.text(KeyRegion, regionPattern, `a region, such as "us-east-1"`, "The AWS region that everything is deployed into.")
	local, prod := c.Environment == LocalEnvironment, c.Environment == productionEnvironment
	const account = "the twelve digits of the AWS account that the stack belongs to"
	c.AccountID = r.text(KeyAccountID, accountPattern, account, "The AWS account that the stack belongs to. Nothing is deployed into any other.")
	if !local && c.AccountID == embeddedAccount {
		r.problems = append(r.problems, Problem{KeyAccountID, jsonvalue.Text(c.AccountID), account + ": this is the embedded AWS's"})
	}
	ttl := ""
	if c.Environment == EphemeralEnvironment {
		ttl = ephemeralTTL
	}
	c.TTL = r.timeToLive(KeyTTL, ttl, prod, "How long the stack may live after the last up or refresh: then carepath reap destroys it, unless something of it is protected. Without it, for ever.")

	p := &c.Platform
	*p = PlatformConfig{Architecture: golambda.ARM64, LogRetentionDays: 30, Protect: prod, APIGatewayAccount: AccountWhereAbsent}
	retentions := logRetentions
	if prod {
		retentions = slices.DeleteFunc(slices.Clone(retentions), func(days int) bool { return days < leastProductionRetention })
		p.LogRetentionDays = leastProductionRetention
	}
	architectures := []string{string(golambda.ARM64), string(golambda.X8664)}
	if local {
		p.Architecture, p.APIGatewayAccount = golambda.Host, AccountAlways
		architectures = append(architectures, string(golambda.Host))
	}
	o := r.object(keyPlatform, "What all systems share.")
	choice(o, "architecture", &p.Architecture, "The processor that functions are built for; host is this machine's.", architectures...)
	o.oneOf("logRetentionDays", &p.LogRetentionDays, retentions, "How many days every log group keeps its events.")
	o.mayBeOff("protect", &p.Protect, !prod, "Keeps Pulumi from deleting what holds data or keys.")
	choice(o, "apiGatewayAccount", &p.APIGatewayAccount,
		"Whether this stack sets the role with which API Gateway writes access logs: there is one role for all APIs of an account and region. whereAbsent asks AWS, sets it where there is none, and leaves the role of others alone.",
		string(AccountWhereAbsent), string(AccountAlways), string(AccountNever))
	o.optional("permissionsBoundaryArn", &p.PermissionsBoundaryARN, boundaryPattern, "the ARN of a managed policy",
		"The permissions boundary of every role of the stack. Who deploys with a role of the bootstrap stack must have it: see bootstrap.md.")
	o.texts("alarmTopicArns", &p.AlarmTopicARNs, topicPattern, "the ARN of an SNS topic", "SNS topics that hear of alarms.")
	o.texts("alarmEmails", &p.AlarmEmails, emailPattern, "an e-mail address",
		"Addresses that get mail of alarms, by a topic of the stack's own. Each must confirm once. Not on the stack local: the embedded AWS sends no mail.")
	if local && len(p.AlarmEmails) > 0 {
		o.problem("alarmEmails", text(p.AlarmEmails), "left out: the embedded AWS sends no mail")
	}
	o.end()

	c.Intake = intakeDefaults(local)
	c.Intake.read(r.object(keyIntake, "The asynchronous intake."))
	c.Users = usersDefaults(local, p.Protect)
	c.Users.read(r.object(keyUsers, "The creation of users."), prod)
	c.HealthLake = healthLakeDefaults(local, p.Protect)
	c.HealthLake.read(r.object(keyHealthLake, "The FHIR data store and the capture of its changes."), c.Region, local)
	c.Domain = domainDefaults(local)
	c.Domain.read(r.object(keyDomain, "The domain that all APIs are under."), c.Region, local)
	c.Usage = DefaultUsage()
	c.Usage.read(r.object(keyUsage, "How much the stack is used: what carepath cost assumes. Nothing that is deployed depends on it."))
	c.Policies.read(r.object(keyPolicies, "How the rules of docs/policies.md are applied to the stack. What is deployed depends on it only in that up refuses what is against a rule."))
	r.end()
	return c
}

func intakeDefaults(local bool) IntakeConfig {
	i := IntakeConfig{
		WorkflowType: workflow.Standard, MaxBodyBytes: restapi.DefaultMaxBodyBytes,
		Headers:                []string{"Content-Type", "User-Agent"},
		Throttle:               ThrottleConfig{RatePerSecond: 100, Burst: 200},
		Retry:                  RetryConfig{MaxAttempts: 3, IntervalSeconds: 2, BackoffRate: 2, MaxDelaySeconds: 30},
		FunctionTimeoutSeconds: 10, FunctionMemoryMB: 128,
	}
	if local {
		i.Throttle = localThrottle
	}
	return i
}

// localThrottle is for the embedded AWS: nobody is to be protected, and measurements should not meet the throttle.
var localThrottle = ThrottleConfig{RatePerSecond: 10000, Burst: 5000}

func (i *IntakeConfig) read(o *objectReader) {
	before := len(o.reader.problems)
	choice(o, "workflowType", &i.WorkflowType, "The state machine's type. EXPRESS costs less and does not know a repeated Idempotency-Key.",
		string(workflow.Standard), string(workflow.Express))
	o.within("maxBodyBytes", &i.MaxBodyBytes, 1, restapi.DefaultMaxBodyBytes, "The largest body that is accepted, in bytes.")
	o.texts("headers", &i.Headers, headerPattern, "a header's name: letters, digits, - and _",
		"The request's headers that reach the workflow. Each is named once, whatever the case.")
	seen := map[string]bool{}
	for _, h := range i.Headers {
		if lower := strings.ToLower(h); seen[lower] {
			o.problem("headers", jsonvalue.Text(h), "named once, whatever the case")
		} else {
			seen[lower] = true
		}
	}
	o.within("functionTimeoutSeconds", &i.FunctionTimeoutSeconds, 1, 900, "How long one try of the function may take, in seconds.")
	o.within("functionMemoryMb", &i.FunctionMemoryMB, 128, 10240, "The function's memory, in MiB.")
	i.Throttle.read(o.object("throttle", "A token bucket that all clients share."))
	r := o.object("retry", "How often a payload that the function fails on is tried again, with back-off and full jitter. With EXPRESS all tries must fit into its five minutes.")
	r.within("maxAttempts", &i.Retry.MaxAttempts, 0, 100, "Tries after the first.")
	r.within("intervalSeconds", &i.Retry.IntervalSeconds, 1, 3600, "Seconds before the first of them.")
	r.number("backoffRate", &i.Retry.BackoffRate, 1, 10, "The factor by which the interval grows.")
	r.within("maxDelaySeconds", &i.Retry.MaxDelaySeconds, 1, 86400, "The longest interval, in seconds; not less than intervalSeconds.")
	if len(o.reader.problems) == before && i.Retry.MaxDelaySeconds < i.Retry.IntervalSeconds {
		r.problem("maxDelaySeconds", fmt.Sprint(i.Retry.MaxDelaySeconds), fmt.Sprintf("at least intervalSeconds, %d", i.Retry.IntervalSeconds))
	}
	r.end()
	o.end()
	if len(o.reader.problems) > before || i.WorkflowType != workflow.Express {
		return
	}
	if worst := i.worstHandling(); worst > expressHandlingSeconds {
		o.reader.problems = append(o.reader.problems, Problem{Path: o.path + ".retry", Value: fmt.Sprintf("tries and delays of up to %d seconds together", worst),
			Allowed: fmt.Sprintf("%d seconds at most with workflowType EXPRESS, which ends after 300: lower functionTimeoutSeconds or the retries", expressHandlingSeconds)})
	}
}

func (t *ThrottleConfig) read(o *objectReader) {
	o.number("ratePerSecond", &t.RatePerSecond, 1, 10000, "Requests per second.")
	o.within("burst", &t.Burst, 1, 5000, "Requests at once.")
	o.end()
}

const (
	// serviceMaxAttempts is how often a call that Lambda itself fails is tried again.
	serviceMaxAttempts = 6
	// expressHandlingSeconds is what an Express execution may spend on handling a payload: of its 300 seconds the rest is for
	// the dead-letter queue.
	expressHandlingSeconds = 240
)

// handleTimeoutSeconds is how long the workflow waits for one try: the function's time and some for the way.
func (i *IntakeConfig) handleTimeoutSeconds() int { return i.FunctionTimeoutSeconds + 5 }

// worstHandling is how many seconds a payload can take before it goes to the dead-letter queue.
func (i *IntakeConfig) worstHandling() int {
	service := RetryConfig{MaxAttempts: serviceMaxAttempts, IntervalSeconds: 1, BackoffRate: 2, MaxDelaySeconds: 20}
	tries := 1 + serviceMaxAttempts + i.Retry.MaxAttempts
	return tries*i.handleTimeoutSeconds() + service.delays() + i.Retry.delays()
}

// delays is the sum of the longest delays, in seconds, rounded up.
func (r RetryConfig) delays() int {
	sum, delay := 0.0, float64(r.IntervalSeconds)
	for range r.MaxAttempts {
		sum += min(delay, float64(r.MaxDelaySeconds))
		delay *= r.BackoffRate
	}
	return int(math.Ceil(sum))
}

// deadLetterRetry says how long sending to the dead-letter queue is tried: hours where an execution may last, and what is
// left of five minutes where not.
func (i *IntakeConfig) deadLetterRetry() (maxAttempts, maxDelaySeconds int) {
	if i.WorkflowType == workflow.Express {
		return 8, 8
	}
	return 100, 300
}
