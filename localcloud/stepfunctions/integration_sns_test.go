package stepfunctions

import (
	"context"
	"strings"
	"testing"

	"github.com/carepath/carepath/localcloud/sns"
	"github.com/carepath/carepath/localcloud/store"
)

func TestPublishTasks(t *testing.T) {
	w := newWorld(t, store.Memory())
	if _, err := sns.New(w.d, store.Memory()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.d.Do(context.Background(), w.d.Root(), "sns", "CreateTopic", &sns.CreateTopicInput{Name: "topic"}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ resource, topic, want string }{
		"optimised":      {"sns:publish", "topic", `"Content-Type":["text/xml"]`},
		"sdk":            {"aws-sdk:sns:publish", "topic", `{"MessageId":"`},
		"optimised-none": {"sns:publish", "none", "SNS.NotFoundException: Topic does not exist (Service: AmazonSNS; Status Code: 404; Error Code: NotFound; Request ID: "},
		"sdk-none":       {"aws-sdk:sns:publish", "none", "Sns.NotFoundException: Topic does not exist (Service: Sns, Status Code: 404, Request ID: "},
	} {
		arn := create(w, name, "STANDARD", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::`+c.resource+
			`","Parameters":{"TopicArn":"`+w.d.ARN("sns", c.topic)+`","Message":{"any":"JSON"}},"End":true}}}`)
		execution := begin(w, arn, "", "{}")
		w.settle()
		out := describe(w, execution)
		got := deref(out.Error) + ": " + deref(out.Cause)
		if out.Output != nil {
			got = *out.Output
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s gives %s, want %s", name, got, c.want)
		}
	}
}
