package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// Finding is a resource that an operation would replace or delete although it is protected or holds what cannot be made again.
type Finding struct {
	URN  string `json:"urn"`
	Type string `json:"type"`
	Name string `json:"name"`
	// Op is "replace" or "delete".
	Op string `json:"op"`
	// Why says what makes the engine do it.
	Why string `json:"why"`
	// Properties are the inputs that force a replacement.
	Properties []string `json:"properties,omitempty"`
	// Protected says that the resource is protected in the state.
	Protected bool `json:"protected"`
	// Loses says what is lost with the resource; empty if it holds nothing.
	Loses string `json:"loses,omitempty"`
}

// cloudControlType is the type of whatever Cloud Control makes: the input typeName says what it is.
const cloudControlType = "aws:cloudcontrol/resource:Resource"

// holdNothing are Cloud Control's types that a new resource replaces in full.
var holdNothing = []string{"AWS::ApiGatewayV2::ApiMapping"}

// losses are the types that hold what a new resource of the same name has not.
var losses = map[string]string{
	cloudControlType: "all its data: for a FHIR data store, every resource and its versions",
	"aws:cloudwatch/eventArchive:EventArchive": "the events that it keeps",
	"aws:cognito/userPool:UserPool":            "its users; their passwords cannot be restored",
	"aws:dynamodb/globalTable:GlobalTable":     "its items",
	"aws:dynamodb/table:Table":                 "its items",
	"aws:kms/key:Key":                          "everything that is encrypted with it, once its waiting period has passed",
	"aws:s3/bucket:Bucket":                     "its objects",
	"aws:s3/bucketV2:BucketV2":                 "its objects",
	"aws:secretsmanager/secret:Secret":         "its value",
	"aws:sqs/queue:Queue":                      "the messages in it",
}

// logGroupType holds what only production must keep.
const logGroupType = "aws:cloudwatch/logGroup:LogGroup"

// loss is what is lost with a resource of a type, that has these inputs.
func loss(resourceType string, inputs map[string]any, production bool) string {
	typeName, _ := inputs["typeName"].(string)
	switch {
	case resourceType == logGroupType && production:
		return "its log events"
	case resourceType == cloudControlType && slices.Contains(holdNothing, typeName):
		return ""
	}
	return losses[resourceType]
}

// findings are what a plan's steps would do to protected and stateful resources, in the order of their URNs.
func findings(steps []apitype.StepEventMetadata, production bool) []Finding {
	found := map[string]*Finding{}
	for _, step := range steps {
		if step.Old == nil || !step.Old.Custom || step.Old.External {
			continue
		}
		op := ""
		switch step.Op {
		case apitype.OpReplace, apitype.OpCreateReplacement, apitype.OpDeleteReplaced:
			op = "replace"
		case apitype.OpDelete:
			op = "delete"
			if step.Old.RetainOnDelete {
				continue
			}
		default:
			continue
		}
		f := found[step.URN]
		if f == nil {
			f = &Finding{URN: step.URN, Type: step.Type, Name: urnName(step.URN), Op: op, Loses: loss(step.Type, step.Old.Inputs, production)}
			found[step.URN] = f
		}
		if op == "replace" {
			f.Op = op
		}
		f.Protected = f.Protected || step.Old.Protect
		f.Properties = append(f.Properties, replacing(step)...)
		if step.Op == apitype.OpDelete && step.Old.Delete {
			f.Why = "an operation that was cut off had replaced it and left the old one to be deleted"
		}
	}
	var all []Finding
	for _, urn := range slices.Sorted(maps.Keys(found)) {
		f := found[urn]
		if !f.Protected && f.Loses == "" {
			continue
		}
		slices.Sort(f.Properties)
		f.Properties = slices.Compact(f.Properties)
		f.explain()
		all = append(all, *f)
	}
	return all
}

// replacing are the inputs that force a step to replace: as paths where the provider tells them.
func replacing(step apitype.StepEventMetadata) []string {
	var paths []string
	for path, diff := range step.DetailedDiff {
		switch diff.Kind {
		case apitype.DiffAddReplace, apitype.DiffDeleteReplace, apitype.DiffUpdateReplace:
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return step.Keys
	}
	return paths
}

func (f *Finding) explain() {
	switch {
	case f.Why != "":
	case f.Op == "delete":
		f.Why = "neither the program nor the stack's configuration asks for it any more"
	case len(f.Properties) > 0:
		f.Why = "AWS cannot change " + strings.Join(f.Properties, ", ") + " of one that exists"
	default:
		f.Why = "something that it depends on is replaced"
	}
}

// String says the finding in one line.
func (f Finding) String() string {
	state := "it"
	if f.Protected {
		state = "it is protected and"
	}
	text := fmt.Sprintf("%s %s would be %sd: %s", f.Type, f.Name, f.Op, f.Why)
	switch {
	case f.Loses != "":
		text += "; " + state + " loses " + f.Loses
	case f.Protected:
		text += "; it is protected"
	}
	return text
}

// refused is the error for findings that nobody allowed; nil if there is none.
func refused(doing string, all []Finding, allowed Allowed) error {
	var left []Finding
	for _, f := range all {
		if !allowed.has(f) {
			left = append(left, f)
		}
	}
	if len(left) == 0 {
		return nil
	}
	var message, flags strings.Builder
	fmt.Fprintf(&message, "%s was refused, nothing was changed: resources that are protected or hold data would be lost", doing)
	for _, f := range left {
		message.WriteString("\n  " + f.String())
		fmt.Fprintf(&flags, " \\\n    --allow-%s '%s'", f.Op, f.URN)
	}
	return &Error{Code: CodeRefused, Message: message.String(), Findings: left,
		Hint: "take back what makes it so; or save the data first, and repeat the command with" + flags.String()}
}

// Allowed are the resources, by URN, that an operation may replace or delete although they are protected or hold data.
type Allowed struct {
	Replace, Delete []string
}

func (a Allowed) has(f Finding) bool {
	if f.Op == "replace" {
		return slices.Contains(a.Replace, f.URN)
	}
	return slices.Contains(a.Delete, f.URN)
}

// check refuses what is no URN of a resource: a name would be without effect.
func (a Allowed) check() error {
	for _, urn := range slices.Concat(a.Replace, a.Delete) {
		if !strings.HasPrefix(urn, "urn:pulumi:") || !strings.Contains(urn, "::") {
			return &Error{Code: CodeUsage, Message: fmt.Sprintf("%q is no URN", urn), Hint: "give it as the refusal printed it: urn:pulumi:<stack>::carepath::<type>::<name>"}
		}
	}
	return nil
}

// urnName is the last part of a URN.
func urnName(urn string) string { return urn[strings.LastIndex(urn, "::")+2:] }
