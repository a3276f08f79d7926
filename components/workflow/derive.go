package workflow

import (
	"fmt"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// permission is what a task needs.
type permission struct {
	actions, resources []string
}

// derive returns what the role of a definition must be allowed. queues maps the URLs of queues to their ARNs.
func derive(definition string, kind Type, queues map[string]string) ([]permission, error) {
	parsed, err := jsonvalue.Parse(definition)
	if err != nil {
		return nil, err
	}
	machine, _ := parsed.(*jsonvalue.Object)
	states, _ := machine.Get("States")
	object, _ := states.(*jsonvalue.Object)
	var permissions []permission
	for name, value := range object.All() {
		state, _ := value.(*jsonvalue.Object)
		resource, isTask := state.Get("Resource")
		if !isTask {
			continue
		}
		given, _ := state.Get("Parameters")
		parameters, _ := given.(*jsonvalue.Object)
		text, _ := resource.(string)
		switch {
		case strings.HasSuffix(text, ":states:::lambda:invoke"):
			function, _ := parameters.Get("FunctionName")
			arn, _ := function.(string)
			permissions = append(permissions, permission{[]string{"lambda:InvokeFunction"}, []string{arn}})
		case strings.HasSuffix(text, ":states:::sqs:sendMessage"):
			queue, _ := parameters.Get("QueueUrl")
			url, _ := queue.(string)
			permissions = append(permissions, permission{[]string{"sqs:SendMessage"}, []string{queues[url]}})
		default:
			return nil, fmt.Errorf("%s: no permission can be derived from the resource %q: give it in Statements", name, text)
		}
	}
	return permissions, nil
}
