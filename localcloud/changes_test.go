package localcloud_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/carepath/carepath/localcloud"
)

// signed makes a request to the HTTP port, signed for a service by the SDK's signer.
func signed(t *testing.T, c *localcloud.Cloud, cfg aws.Config, method, url, service, body string, headers ...string) (int, string) {
	t.Helper()
	if !strings.HasPrefix(url, "http") {
		url = c.Endpoint() + url
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	credentials, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, "UNSIGNED-PAYLOAD", service, "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// A write to a data store reaches a queue by both ways: as CloudTrail's record on the default bus, and as the notification of
// a FHIR Subscription on a bus of its own. Everything is asked for over HTTP or as JSON, as the AWS CLI and programs do.
func TestChangesReachQueues(t *testing.T) {
	c := start(t, "")
	defer func() {
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	d := c.Dispatcher()
	do := func(service, action, in string) map[string]any {
		t.Helper()
		var out map[string]any
		if err := d.DoInto(t.Context(), d.Root(), service, action, []byte(in), &out); err != nil {
			t.Fatalf("%s: %v", action, err)
		}
		return out
	}
	status, text := signed(t, c, root(c), "POST", "/", "healthlake", `{"DatastoreTypeVersion":"R4","DatastoreName":"records"}`,
		"X-Amz-Target", "HealthLake.CreateFHIRDatastore", "Content-Type", "application/x-amz-json-1.0")
	var store struct {
		DatastoreID       string `json:"DatastoreId"`
		DatastoreEndpoint string
	}
	if err := json.Unmarshal([]byte(text), &store); err != nil || status != 200 || !strings.HasPrefix(store.DatastoreEndpoint, c.Endpoint()) {
		t.Fatal(status, text, err)
	}
	queues := sqs.NewFromConfig(root(c))
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("changes"), Attributes: map[string]string{"Policy": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:changes"}}`}})
	if err != nil {
		t.Fatal(err)
	}
	const target = `"Targets":[{"Id":"queue","Arn":"arn:aws:sqs:us-east-1:000000000000:changes"}]`
	do("events", "PutRule", `{"Name":"records","EventPattern":"{\"source\":[\"aws.healthlake\"],\"detail-type\":[\"AWS API Call via CloudTrail\"],\"detail\":{\"requestParameters\":{\"datastoreId\":[\"`+store.DatastoreID+`\"]},\"responseElements\":{\"statusCode\":[200,201]}}}"}`)
	do("events", "PutTargets", `{"Rule":"records",`+target+`}`)
	do("events", "CreateEventBus", `{"Name":"notices"}`)
	do("events", "PutPermission", `{"EventBusName":"notices","Policy":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Sid\":\"in\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"healthlake.amazonaws.com\"},\"Action\":\"events:PutEvents\",\"Resource\":\"arn:aws:events:us-east-1:000000000000:event-bus/notices\"}}"}`)
	do("events", "PutRule", `{"Name":"notices","EventBusName":"notices","EventPattern":"{\"source\":[\"healthlake\"]}"}`)
	do("events", "PutTargets", `{"Rule":"notices","EventBusName":"notices",`+target+`}`)
	do("s3", "CreateBucket", `{"Bucket":"audit-logs"}`)
	if _, err := d.Do(t.Context(), d.Root(), "s3", "PutBucketPolicy", map[string]any{"Bucket": "audit-logs", "Policy": []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::audit-logs"},
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::audit-logs/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}]}`)}); err != nil {
		t.Fatal(err)
	}
	for action, in := range map[string]string{"CreateTrail": `{"Name":"audit","S3BucketName":"audit-logs"}`} {
		if status, text := signed(t, c, root(c), "POST", "/", "cloudtrail", in, "X-Amz-Target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101."+action, "Content-Type", "application/x-amz-json-1.1"); status != 200 {
			t.Fatal(text)
		}
	}
	do("cloudtrail", "StartLogging", `{"Name":"audit"}`)

	until := func(what string, f func() bool) {
		t.Helper()
		deadline := time.NewTimer(20 * time.Second)
		defer deadline.Stop()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for !f() {
			select {
			case <-tick.C:
			case <-deadline.C:
				t.Fatalf("%s never was", what)
			}
		}
	}
	until("the data store active", func() bool {
		status, _ := signed(t, c, root(c), "GET", store.DatastoreEndpoint+"Patient", "healthlake", "")
		return status == 200
	})
	fhir := func(want int, method, path, body string) string {
		t.Helper()
		status, text := signed(t, c, root(c), method, store.DatastoreEndpoint+path, "healthlake", body, "Content-Type", "application/fhir+json")
		if status != want {
			t.Fatalf("%s %s: %d %s", method, path, status, text)
		}
		return text
	}
	fhir(201, "PUT", "SubscriptionTopic/t", `{"resourceType":"SubscriptionTopic","id":"t","url":"http://example.org/t","status":"unknown","resourceTrigger":[{"resource":"Patient"}]}`)
	fhir(201, "PUT", "Subscription/s", `{"resourceType":"Subscription","id":"s","status":"requested","reason":"changes","criteria":"`+store.DatastoreEndpoint+`SubscriptionTopic/t",
		"channel":{"type":"event-bridge","endpoint":"arn:aws:events:us-east-1:000000000000:event-bus/notices","payload":"application/fhir+json",
		"_payload":{"extension":[{"url":"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content","valueCode":"id-only"}]}}}`)
	until("the subscription active", func() bool { return strings.Contains(fhir(200, "GET", "Subscription/s", ""), `"active"`) })
	fhir(201, "PUT", "Patient/p", `{"resourceType":"Patient","id":"p"}`)
	found := map[string]bool{}
	until("the change in the queue by both ways", func() bool {
		got, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.Messages {
			for _, sign := range []string{`"resourceType":"Patient"`, "Patient/p/_history/1"} {
				found[sign] = found[sign] || strings.Contains(*m.Body, sign)
			}
		}
		return found[`"resourceType":"Patient"`] && found["Patient/p/_history/1"]
	})
}
