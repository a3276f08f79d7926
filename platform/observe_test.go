package platform

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var notInAnchors = regexp.MustCompile(`[^a-z0-9 -]`)

// anchors are the sections of a Markdown file as GitHub addresses them.
func anchors(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			all = append(all, strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), ""), " ", "-"))
		}
	}
	return all
}

func TestEveryAlarmHasARunbook(t *testing.T) {
	sections := anchors(t, "../docs/operate.md")
	for _, environment := range []string{"local", "dev", "prod"} {
		e := deployed(t, map[string]string{"carepath:environment": environment})
		alarms := 0
		for _, r := range e.resources {
			if r.token != "aws:cloudwatch/metricAlarm:MetricAlarm" {
				continue
			}
			alarms++
			description := r.inputs["alarmDescription"].StringValue()
			_, section, found := strings.Cut(description, ". Runbook: https://github.com/carepath/carepath/blob/main/docs/operate.md#")
			if !found || section == "alarms" || !slices.Contains(sections, section) {
				t.Errorf("%s: the alarm %s has no section of its own in docs/operate.md: its description is %q", environment, r.name, description)
			}
		}
		if alarms == 0 {
			t.Errorf("%s has no alarms", environment)
		}
	}
	for _, r := range runbooks {
		if !slices.Contains(sections, r.section) {
			t.Errorf("docs/operate.md has no section %s", r.section)
		}
	}
}

func TestTheDashboardShowsEverything(t *testing.T) {
	for _, environment := range []string{"local", "dev", "prod"} {
		e := deployed(t, map[string]string{"carepath:environment": environment})
		dashboards := 0
		var text string
		for _, r := range e.resources {
			if r.token == "aws:cloudwatch/dashboard:Dashboard" && r.name == "stack" {
				dashboards++
				text = r.inputs["dashboardBody"].StringValue()
				if name := r.inputs["dashboardName"].StringValue(); name != "carepath-test" {
					t.Errorf("the dashboard's name is %s", name)
				}
			}
		}
		if dashboards != 1 {
			t.Fatalf("%s has %d dashboards", environment, dashboards)
		}
		var body struct {
			Widgets []struct {
				Type                string
				X, Y, Width, Height int
				Properties          struct {
					Title, Region string
					Alarms        []string
					Metrics       [][]any
				}
			}
		}
		if err := json.Unmarshal([]byte(text), &body); err != nil {
			t.Fatal(err)
		}
		labels, places := map[string]bool{}, map[[2]int]bool{}
		for _, w := range body.Widgets {
			if at := [2]int{w.X, w.Y}; places[at] || w.X+w.Width > 24 {
				t.Errorf("%s: the widget %q is where another is", environment, w.Properties.Title)
			} else {
				places[at] = true
			}
			for _, line := range w.Properties.Metrics {
				label, _, _ := strings.Cut(line[4].(map[string]any)["label"].(string), " ")
				labels[label] = true
				if id, _ := line[3].(string); id == "" {
					t.Errorf("%s: %v is about nothing", environment, line)
				}
			}
		}
		alarms := 0
		for _, r := range e.resources {
			switch r.token {
			case "aws:apigateway/restApi:RestApi", "aws:sfn/stateMachine:StateMachine", "aws:lambda/function:Function", "aws:sqs/queue:Queue", "aws:dynamodb/table:Table":
				if !labels[r.name] {
					t.Errorf("%s: %s %s is not on the dashboard", environment, r.token, r.name)
				}
			case "aws:cloudwatch/metricAlarm:MetricAlarm":
				alarms++
			}
		}
		if shown := len(body.Widgets[0].Properties.Alarms); shown != alarms {
			t.Errorf("%s: the dashboard shows %d alarms of %d", environment, shown, alarms)
		}
	}
}
