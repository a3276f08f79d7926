package asl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// Permission is what a machine's role must be allowed for one Task: actions on resources, in the terms of an IAM
// statement.
type Permission struct {
	State     string // the Task's name
	Actions   []string
	Resources []string // ARNs or patterns as they stand in the definition, or as [PermissionsOptions] has mapped them
}

// PermissionsOptions are what [DerivePermissions] may be told.
type PermissionsOptions struct {
	// ARNOf gives the ARN of the resource that an argument names: a queue's URL, a table's or a user pool's id. It is
	// asked first for every argument; without it, or where it does not know, ARNs and the URLs and names from which an
	// ARN follows are recognised. A definition made by a program may hold placeholders instead.
	ARNOf func(argument string) (arn string, ok bool)
	// Region and Account are those of resources that are given by name only; both empty mean "*".
	Region, Account string
}

// PermissionsError names the Tasks whose permissions do not follow from the definition.
type PermissionsError struct {
	Tasks []TaskPermissionsError // at least one
}

// TaskPermissionsError says why the permissions of one Task cannot be derived.
type TaskPermissionsError struct {
	State, Resource, Problem string
}

// Error lists the Tasks and asks for a statement.
func (e *PermissionsError) Error() string {
	var b strings.Builder
	for i, t := range e.Tasks {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "the permissions of Task %q (%s) cannot be derived: %s: give an explicit statement", t.State, t.Resource, t.Problem)
	}
	return b.String()
}

// Permissions derives what a machine's role must be allowed, from the Resource and the arguments of each Task, in the
// definition's order; the ItemReader of a Map state counts as a Task. The error is a *[PermissionsError] that names each Task for which this cannot be done; the
// permissions of the others are returned all the same.
func Permissions(m *Machine) ([]Permission, error) {
	return DerivePermissions(m, PermissionsOptions{})
}

// DerivePermissions is [Permissions] with options.
func DerivePermissions(m *Machine, opts PermissionsOptions) ([]Permission, error) {
	d := deriver{opts: opts}
	if d.opts.Region == "" {
		d.opts.Region = "*"
	}
	if d.opts.Account == "" {
		d.opts.Account = "*"
	}
	m.root.walk(func(s *state) {
		switch b := s.behaviour.(type) {
		case *taskState:
			d.task(s.name, b)
		case *mapState:
			if b.reader != nil {
				d.task(s.name, b.reader.asTask())
			}
		}
	})
	if len(d.failed) > 0 {
		return d.permissions, &PermissionsError{Tasks: d.failed}
	}
	return d.permissions, nil
}

type deriver struct {
	opts        PermissionsOptions
	permissions []Permission
	failed      []TaskPermissionsError
	state       string
}

func (d *deriver) allow(resources []string, actions ...string) {
	d.permissions = append(d.permissions, Permission{State: d.state, Actions: actions, Resources: resources})
}

func (d *deriver) task(name string, task *taskState) {
	d.state = name
	before := len(d.permissions)
	if err := d.derive(task); err != nil {
		d.permissions = d.permissions[:before]
		d.failed = append(d.failed, TaskPermissionsError{State: name, Resource: task.resourceText, Problem: err.Error()})
	}
}

func (d *deriver) derive(task *taskState) error {
	if task.query != nil && task.query.role != nil {
		role, ok := task.query.role.literal.(string)
		if !ok || task.query.role.kind != literalQuery {
			return fmt.Errorf("the role in Credentials is only known when it runs")
		}
		d.allow([]string{role}, "sts:AssumeRole")
		return nil
	}
	if task.credentials != nil {
		role, ok := task.credentials.literal.(*jsonvalue.Object)
		if !ok {
			return fmt.Errorf("the role in Credentials is only known when it runs")
		}
		// The work is done as the other role: the machine's own need only be allowed to take it.
		d.allow([]string{text(role, "RoleArn")}, "sts:AssumeRole")
		return nil
	}
	r := &task.resource
	switch r.Kind {
	case Activity:
		return nil // Needs no permission: workers ask for the task.
	case LambdaFunction:
		d.allow([]string{r.ARN}, "lambda:InvokeFunction")
		return nil
	}
	arguments, ok := task.arguments.(*jsonvalue.Object)
	switch {
	case !ok && task.query != nil:
		return fmt.Errorf("its Arguments are no object, so they are only known when it runs")
	case !ok:
		return fmt.Errorf("it has no Parameters, so its arguments are only known when it runs")
	}
	key := r.Service + ":" + r.Action
	if r.Kind == SDK {
		key = "aws-sdk:" + key
	}
	rule, known := permissionRules[key]
	if !known && r.Kind == SDK {
		rule, known = permissionRules["aws-sdk:"+r.Service+":*"]
	}
	if !known {
		return fmt.Errorf("which resource %s acts on is not known", key)
	}
	return rule(d, r, arguments)
}

// staticArguments are a JSONata state's Arguments as if they were Parameters: members that are expressions have a name in ".$".
func staticArguments(v any) any {
	switch v := v.(type) {
	case *jsonvalue.Object:
		o := &jsonvalue.Object{}
		for name, member := range v.All() {
			if _, isExpression := expressionSource(member); isExpression {
				o.Set(name+".$", member)
			} else {
				o.Set(name, staticArguments(member))
			}
		}
		return o
	case *jsonvalue.Array:
		a := &jsonvalue.Array{Items: make([]any, len(v.Items))}
		for i, item := range v.Items {
			a.Items[i] = staticArguments(item)
		}
		return a
	}
	return v
}

// literalArgument returns an argument that the definition gives literally.
func literalArgument(arguments *jsonvalue.Object, name string) (string, error) {
	v, has := arguments.Get(name)
	if !has {
		if path, dynamic := arguments.Get(name + ".$"); dynamic {
			if _, isExpression := expressionSource(path); !isExpression {
				name += ".$"
			}
			return "", fmt.Errorf("its argument %s is only known when it runs", name)
		}
		return "", fmt.Errorf("it has no argument %s", name)
	}
	s, ok := v.(string)
	if isExpression(v) {
		return "", fmt.Errorf("its argument %s is only known when it runs", name)
	}
	if !ok || s == "" {
		return "", fmt.Errorf("its argument %s is not a text", name)
	}
	return s, nil
}

// arn is the ARN that an argument stands for: what the caller's ARNOf says, the argument itself if it is one, or what
// fromName makes of it.
func (d *deriver) arn(arguments *jsonvalue.Object, name string, fromName func(string) string) (string, error) {
	value, err := literalArgument(arguments, name)
	if err != nil {
		return "", err
	}
	if d.opts.ARNOf != nil {
		if arn, ok := d.opts.ARNOf(value); ok {
			return arn, nil
		}
	}
	if splitARN(value) != nil {
		return value, nil
	}
	if fromName != nil {
		if arn := fromName(value); arn != "" {
			return arn, nil
		}
	}
	return "", fmt.Errorf("no ARN follows from its argument %s, %q", name, value)
}

// iamAction is an action as IAM writes it: the API's name, in PascalCase.
func iamAction(prefix, action string) string {
	return prefix + ":" + strings.ToUpper(action[:1]) + action[1:]
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
