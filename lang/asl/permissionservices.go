package asl

import (
	"fmt"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// as lets a rule allow another action of the same service than the task's own.
func as(action string, rule permissionRule) permissionRule {
	return func(d *deriver, r *Resource, arguments *jsonvalue.Object) error {
		other := *r
		other.Action = action
		return rule(d, &other, arguments)
	}
}

// passing adds iam:PassRole for the roles that an argument hands on to the service: at the end of a path of members, on
// which arrays are followed into each of their items.
func passing(rule permissionRule, path ...string) permissionRule {
	return func(d *deriver, r *Resource, arguments *jsonvalue.Object) error {
		if err := rule(d, r, arguments); err != nil {
			return err
		}
		var roles []string
		if err := d.passedRoles(arguments, path, &roles); err != nil {
			return err
		}
		if len(roles) > 0 {
			d.allow(roles, "iam:PassRole")
		}
		return nil
	}
}

func (d *deriver) passedRoles(arguments *jsonvalue.Object, path []string, roles *[]string) error {
	name := path[0]
	given, has := arguments.Get(name)
	if _, dynamic := arguments.Get(name + ".$"); dynamic || isExpression(given) {
		return fmt.Errorf("the role that it passes on, in %s, is only known when it runs", name)
	}
	switch {
	case !has:
		return nil
	case len(path) == 1:
		role, err := d.arn(arguments, name, nil)
		if err == nil {
			*roles = appendNew(*roles, role)
		}
		return err
	}
	items := list(given)
	if o := object(given); o != nil {
		items = []any{o}
	}
	for _, item := range items {
		if err := d.passedRoles(object(item), path[1:], roles); err != nil {
			return err
		}
	}
	return nil
}

func queueNameARN(d *deriver, name string) string { return d.resourceARN("sqs", "", name) }

func topicARN(d *deriver, name string) string { return d.resourceARN("sns", "", name) }

func scheduleGroupARN(d *deriver, name string) string {
	return d.resourceARN("scheduler", "schedule-group/", name)
}

// ruleAction allows an action on a rule, which the argument name holds, of the default bus or of EventBusName's.
func ruleAction(name string) permissionRule {
	return func(d *deriver, r *Resource, arguments *jsonvalue.Object) error {
		resource := "rule/"
		if bus, err := literalArgument(arguments, "EventBusName"); err == nil && bus != "default" {
			resource += bus + "/"
		} else if _, dynamic := arguments.Get("EventBusName.$"); dynamic || isExpression(value(arguments, "EventBusName")) {
			resource += "*/"
		}
		arn, err := d.arn(arguments, name, func(rule string) string { return d.resourceARN("events", resource, rule) })
		if err != nil {
			return err
		}
		d.allow([]string{arn}, iamAction("events", r.Action))
		return nil
	}
}

// scheduleAction allows an action on one schedule, or on all of its group where the name is only known when it runs, as
// it mostly is.
func scheduleAction(d *deriver, r *Resource, arguments *jsonvalue.Object) error {
	group := "default"
	_, fixed := arguments.Get("GroupName")
	_, dynamic := arguments.Get("GroupName.$")
	if fixed || dynamic {
		var err error
		if group, err = literalArgument(arguments, "GroupName"); err != nil {
			return err
		}
		if d.resourceARN("scheduler", "schedule/", group) == "" {
			return fmt.Errorf("no ARN follows from its argument GroupName, %q", group)
		}
	}
	arn := "arn:aws:scheduler:" + d.opts.Region + ":" + d.opts.Account + ":schedule/" + group + "/*"
	if _, err := literalArgument(arguments, "Name"); err == nil {
		if arn, err = d.arn(arguments, "Name", func(name string) string { return d.resourceARN("scheduler", "schedule/"+group+"/", name) }); err != nil {
			return err
		}
	}
	d.allow([]string{arn}, iamAction("scheduler", r.Action))
	return nil
}
