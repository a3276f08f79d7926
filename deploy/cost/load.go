package cost

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/carepath/carepath/platform"
)

// load is what a resource has to do in a month.
type load struct {
	count float64 // requests, executions, invocations or messages, as the resource's type has them
	bytes float64 // of the payload of each
	what  string  // what count is, for people

	milliseconds float64 // how long each execution takes
	transitions  float64 // of each execution of a Standard workflow
	logBytes     float64 // what each writes into a log group
	writes       float64 // write request units of each
	reads        float64 // read request units of each
	keptBytes    float64 // what each leaves for ever
}

const (
	minutesPerMonth = HoursPerMonth * 60
	// recordBytes is a record of an access log, or of a function with those of Lambda around it, on average.
	recordBytes = 600
	// eventBytes is a record of an execution's event without its data.
	eventBytes = 400
	gigabyte   = 1 << 30
)

// loads say by the resources' names what the systems of the program have to do. Names are stable: changing one replaces the resource.
// The first pattern that matches counts.
var loads = []struct {
	name *regexp.Regexp
	of   func(u *platform.UsageConfig) load
}{
	// Of the access log's record the format is the API's.
	{regexp.MustCompile(`^intake-api(-|$)`), func(u *platform.UsageConfig) load {
		return load{count: float64(u.IntakeRequests), bytes: float64(u.IntakePayloadBytes), what: "payloads posted to the intake", logBytes: recordBytes}
	}},
	{regexp.MustCompile(`^intake-handler(-|$)`), func(u *platform.UsageConfig) load {
		return load{count: float64(u.IntakeRequests), milliseconds: float64(u.FunctionMilliseconds), what: "payloads handled", logBytes: 2 * recordBytes}
	}},
	// A message is sent, received and deleted.
	{regexp.MustCompile(`^intake-dead-letters$`), func(u *platform.UsageConfig) load {
		return load{count: 3 * float64(u.IntakeFailures), bytes: float64(u.IntakePayloadBytes), what: "requests: 3 for each payload that fails"}
	}},
	// The start, the one task, the end. An Express workflow logs each of some 8 events.
	{regexp.MustCompile(`^intake(-logs)?$`), func(u *platform.UsageConfig) load {
		return load{
			count: float64(u.IntakeRequests), bytes: float64(u.IntakePayloadBytes), what: "executions of the intake",
			transitions: 3, milliseconds: float64(u.FunctionMilliseconds) + 100, logBytes: 8 * eventBytes,
		}
	}},
	{regexp.MustCompile(`^users-api(-|$)`), func(u *platform.UsageConfig) load {
		return load{count: float64(u.UserCreations), bytes: 300, what: "users created", logBytes: recordBytes}
	}},
	{regexp.MustCompile(`^users-sweep(-logs)?$`), func(*platform.UsageConfig) load {
		return load{count: minutesPerMonth, bytes: 100, what: "sweeps, one a minute", milliseconds: 100}
	}},
	// What a creation costs is in docs/users.md: some 40 events, 12 write units, 1 read unit; three items of together 2 KB remain.
	{regexp.MustCompile(`^users(-logs)?$`), func(u *platform.UsageConfig) load {
		return load{
			count: float64(u.UserCreations), bytes: 300, what: "users created", milliseconds: 300, logBytes: 40 * eventBytes,
			writes: 12, reads: 1, keptBytes: 2 << 10,
		}
	}},
	// A trigger is sent and deleted; the pipe looks for more all the time.
	{regexp.MustCompile(`^fhir-triggers$`), func(u *platform.UsageConfig) load {
		return load{count: 2*captures(u) + idlePolls, bytes: 1_000, what: "requests: 2 for each change and each sweep, and the pipe's polling"}
	}},
	{regexp.MustCompile(`^fhir-dead-letters$`), func(*platform.UsageConfig) load { return load{what: "requests: captures do not fail for long"} }},
	{regexp.MustCompile(`^fhir-subscriber$`), func(u *platform.UsageConfig) load {
		return load{count: 3 * float64(u.FHIRChanges), bytes: changeBytes(u), what: "requests: 3 for each change"}
	}},
	// Each change is claimed and marked, and its resource's item read before.
	{regexp.MustCompile(`^fhir-ledger$`), func(u *platform.UsageConfig) load {
		return load{count: float64(u.FHIRChanges), what: "changes of FHIR resources", writes: 2, reads: 1, keptBytes: 400}
	}},
	{regexp.MustCompile(`^fhir-capture(-logs)?$`), func(u *platform.UsageConfig) load {
		return load{count: captures(u), bytes: 200_000, what: "captures: one for each change and each sweep, at most", milliseconds: 1_500, logBytes: 30 * eventBytes}
	}},
	{regexp.MustCompile(`^fhir-hydrator(-logs)?$`), func(u *platform.UsageConfig) load {
		return load{count: float64(u.FHIRChanges) + sweptTypes*sweepsPerMonth, what: "hydrations: one for each change, and for each type of each sweep", milliseconds: 300, logBytes: 2 * recordBytes}
	}},
	{regexp.MustCompile(`^fhir-subscriptions(-logs)?$`), func(*platform.UsageConfig) load {
		return load{count: HoursPerMonth / 24, what: "renewals, one a day", milliseconds: 1_000, logBytes: 2 * recordBytes}
	}},
	{regexp.MustCompile(`^[a-z0-9]+-api(-|$)`), func(u *platform.UsageConfig) load {
		return load{count: float64(u.FunctionRequests), bytes: 1_000, what: "requests to the API of functions", logBytes: recordBytes}
	}},
}

// idlePolls is how often an idle poller of a queue asks it a month: some 21,600 times a day.
const idlePolls = 21_600 * HoursPerMonth / 24

// captures is how many executions capture changes, when no trigger meets another one.
func captures(u *platform.UsageConfig) float64 { return float64(u.FHIRChanges) + sweepsPerMonth }

// functionLoad is that of the functions that answer the requests of an API.
func functionLoad(u *platform.UsageConfig) load {
	return load{count: float64(u.FunctionRequests), milliseconds: float64(u.FunctionMilliseconds), what: "requests to the API of functions", logBytes: 2 * recordBytes}
}

// loadOf is what a resource has to do, if carepath knows it.
func loadOf(r *Resource, u *platform.UsageConfig) (load, bool) {
	for _, l := range loads {
		if l.name.MatchString(r.Name) {
			return l.of(u), true
		}
	}
	return load{}, false
}

// basis says how a quantity comes about.
func (l *load) basis() string { return number(l.count) + " " + l.what }

// number writes a number as people read it.
func number(f float64) string {
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if f != math.Trunc(f) {
		text = strconv.FormatFloat(f, 'f', 2, 64)
	}
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		return whole + "." + rest
	}
	return whole
}
