package asl

import (
	"maps"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/asl/awsmodel"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// reservedErrors are the names that the language itself gives
// (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation).
var reservedErrors = []string{"States.ALL", "States.BranchFailed", "States.DataLimitExceeded",
	"States.ExceedToleratedFailureThreshold", "States.HeartbeatTimeout", "States.Http.Socket", "States.IntrinsicFailure",
	"States.ItemReaderFailed", "States.NoChoiceMatched", "States.ParameterPathFailure", "States.Permissions",
	"States.QueryEvaluationError", "States.ResultPathMatchFailure", "States.ResultWriterFailed", "States.Runtime",
	"States.TaskFailed", "States.Timeout"}

// optimizedErrors are the prefixes of the errors of optimised integrations, which are those of the SDK for Java 1, with
// that SDK's names for errors that the API has not modelled and for what EventBridge's integration reports itself. Of
// services that are missing here nothing is known for certain.
var optimizedErrors = map[string]struct {
	prefix string
	more   []string
}{
	"dynamodb": {"DynamoDB", []string{"AmazonDynamoDBException"}},
	"events":   {"EventBridge", []string{"AmazonEventBridgeException", "FailedEntry"}},
	"lambda":   {"Lambda", lambdaErrors},
	"sns":      {"SNS", []string{"AmazonSNSException"}},
	"sqs":      {"SQS", []string{"AmazonSQSException"}},
	"states":   {"StepFunctions", []string{"AWSStepFunctionsException"}},
}

// lambdaErrors are errors of calling functions that are not in Lambda's API.
var lambdaErrors = []string{"AWSLambdaException", "LambdaException", "Unknown", "ClientExecutionTimeoutException"}

// clientError is what both SDKs for Java report when no answer came.
const clientError = "SdkClientException"

// errorFamily are the errors of one service as one form of integration names them: "<prefix>.<name>".
type errorFamily struct {
	integration string   // as messages name it
	prefix      string   // for services without a table the service's name, whose spelling is not certain
	names       []string // nil when they are not known
	exact       bool     // whether the prefix is certain
	base        string   // the name of errors that are not modelled, "" when not known
}

// errorSource is what a state can fail with, beside the reserved names.
type errorSource struct {
	any      bool // functions, activities and callbacks report names of their own
	families []errorFamily
}

// errorNames checks the names in a state's Retry and Catch.
func (v *validator) errorNames(o *jsonvalue.Object, location string) {
	var source errorSource
	collected := false
	for _, field := range []string{"Retry", "Catch"} {
		for i, item := range list(value(o, field)) {
			for j, name := range texts(value(object(item), "ErrorEquals")) {
				if !collected {
					source.collect(o)
					collected = true
				}
				v.errorName(name, source, index(index(location+"/"+field, i)+"/ErrorEquals", j))
			}
		}
	}
}

func (v *validator) errorName(name string, source errorSource, location string) {
	warn := func(message, suggestion string) {
		v.note(SeverityWarning, CodeErrorName, location, message)
		v.hint(v.notes, hint{suggestion: suggestion})
	}
	prefix, rest, dotted := strings.Cut(name, ".")
	switch {
	case name == errRuntime:
		warn("States.Runtime is never caught or retried, by whatever name: the execution fails", "")
	case slices.Contains(reservedErrors, name) || strings.HasPrefix(name, "States.Http.StatusCode."):
	case dotted && strings.EqualFold(prefix, "States"), dotted && strings.EqualFold(prefix, "State") && !source.any:
		warn("'"+name+"' never matches: there is no such reserved name", nearest("States."+rest, reservedErrors))
	case source.any && !source.misspelt(prefix):
	case !source.raises(name):
		suggestion := source.meant(prefix, rest, dotted)
		why := "no integration of this state reports it"
		if len(source.families) > 0 {
			f := source.families[0]
			why = f.integration + " reports errors of the service as '" + f.prefix + ".<name>'"
			if !f.exact {
				why = f.integration + " reports errors with its own prefix"
			}
			if prefix == f.prefix && f.names != nil {
				why = f.integration + " has no such error"
				if f.base != "" {
					why += "; one that its API has not modelled is " + f.prefix + "." + f.base
				}
			}
		}
		warn("'"+name+"' never matches: "+why, suggestion)
	}
}

// collect adds what a state fails with: a Task itself, other states what is inside them.
func (s *errorSource) collect(o *jsonvalue.Object) {
	switch text(o, "Type") {
	case "Task":
		r, err := ParseResource(text(o, "Resource"))
		if err != nil || !knownIntegration(r) {
			s.any = true // that is reported elsewhere
			return
		}
		s.task(r)
	case "Fail":
		s.any = true
	}
	for _, inner := range workflowsOf(o) {
		for _, state := range object(value(inner, "States")).All() {
			s.collect(object(state))
		}
	}
	for _, field := range []string{"ItemReader", "ResultWriter"} {
		if r, err := ParseResource(text(object(value(o, field)), "Resource")); err == nil {
			s.any = true
			s.task(r)
		}
	}
}

// workflowsOf returns the definitions inside a state, which may be malformed.
func workflowsOf(o *jsonvalue.Object) []*jsonvalue.Object {
	var inner []*jsonvalue.Object
	for _, branch := range list(value(o, "Branches")) {
		inner = append(inner, object(branch))
	}
	for _, name := range []string{"ItemProcessor", "Iterator"} {
		if processor := object(value(o, name)); processor != nil {
			inner = append(inner, processor)
		}
	}
	return inner
}

func (s *errorSource) task(r Resource) {
	m := r.model()
	switch {
	case r.Kind == LambdaFunction:
		r = Resource{Kind: Optimized, Service: "lambda", Action: "invoke"}
		m = r.model()
		s.any = true
	case r.Kind == Activity || r.Pattern == WaitForTaskToken || r.Service == "lambda" && r.Action == "invoke":
		s.any = true
	}
	switch r.Kind {
	case Optimized:
		known, has := optimizedErrors[r.Service]
		if !has {
			s.any = true
			return
		}
		f := errorFamily{integration: r.Service, prefix: known.prefix, exact: true, base: known.more[0]}
		if m != nil {
			f.names = append(javaErrors(m), slices.Concat(known.more, []string{clientError})...)
		}
		s.families = append(s.families, f)
	case SDK:
		f := errorFamily{integration: "aws-sdk:" + r.Service, prefix: r.Service}
		if m != nil {
			f.prefix, f.exact, f.base = m.Prefix(), true, m.Prefix()+"Exception"
			f.names = append(javaErrors(m), f.base, clientError)
			if r.Service == "lambda" {
				f.names = append(f.names, lambdaErrors...)
			}
		}
		s.families = append(s.families, f)
	}
}

// javaErrors are an API's modelled errors as the SDKs for Java name them: always with "Exception" at the end.
func javaErrors(m *awsmodel.Service) []string {
	var names []string
	for _, name := range m.Errors() {
		name = strings.TrimSuffix(name, "Fault")
		if !strings.HasSuffix(name, "Exception") {
			name += "Exception"
		}
		names = append(names, name)
	}
	return names
}

// raises reports whether the state may fail with an error's name.
func (s *errorSource) raises(name string) bool {
	prefix, rest, _ := strings.Cut(name, ".")
	return slices.ContainsFunc(s.families, func(f errorFamily) bool {
		if !f.exact {
			return strings.EqualFold(prefix, f.prefix)
		}
		return prefix == f.prefix && rest != "" && (f.names == nil || slices.ContainsFunc(f.names, func(n string) bool { return sameSpelling(rest, n) }))
	})
}

// misspelt reports whether a prefix is one of the state's in another case.
func (s *errorSource) misspelt(prefix string) bool {
	return slices.ContainsFunc(s.families, func(f errorFamily) bool {
		return f.exact && prefix != f.prefix && strings.EqualFold(prefix, f.prefix)
	})
}

// meant returns the name that the author of one that never matches may have meant, "" when nothing is near.
func (s *errorSource) meant(prefix, rest string, dotted bool) string {
	for _, f := range s.families {
		if !f.exact {
			continue
		}
		name := rest
		if !dotted {
			name = prefix
		} else if !f.owns(prefix) {
			continue
		}
		switch {
		case f.names == nil:
			return f.prefix + "." + name
		case slices.Contains(f.names, name+"Exception"):
			return f.prefix + "." + name + "Exception"
		}
		if near := nearest(name, f.names); near != "" && (dotted || near == name) {
			return f.prefix + "." + near
		}
		if dotted && f.base != "" {
			return f.prefix + "." + f.base
		}
	}
	return ""
}

// owns reports whether a prefix is one that somebody may take for the family's.
func (f *errorFamily) owns(prefix string) bool {
	if strings.EqualFold(prefix, f.prefix) {
		return true
	}
	_, service, _ := strings.Cut(f.integration, ":")
	if service == "" {
		service = f.integration
	}
	aliases := slices.Collect(maps.Keys(otherNames))
	return strings.EqualFold(prefix, service) || slices.ContainsFunc(aliases, func(alias string) bool {
		return strings.EqualFold(prefix, alias) && (otherNames[alias] == service || optimizedModels[service] == otherNames[alias])
	})
}
