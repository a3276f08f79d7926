package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/fhir"
)

const resourceType = "Patient"

// changes writes a made-up patient three times and waits for the three changes.
func (r *run) changes(ctx context.Context, s *system) {
	client, err := fhir.New(fhir.Config{Endpoint: r.output("fhirEndpoint"), Region: r.Config.Region, Credentials: r.Config.Credentials, Transport: r.http.Transport})
	id := "carepath-demo-" + r.report.Run
	written := s.promise("a resource is created, updated and deleted", func() (string, error) {
		if err != nil {
			return "", err
		}
		for _, active := range []bool{true, false} {
			body := fmt.Sprintf(`{"resourceType":%q,"id":%q,"active":%t,"name":[{"text":"Synthetic Demo"}],"meta":{"tag":[{"system":"urn:carepath","code":"synthetic"}]}}`, resourceType, id, active)
			if _, err := client.Update(ctx, resourceType, id, []byte(body), fhir.Condition{}); err != nil {
				return "", err
			}
		}
		if err := client.Delete(ctx, resourceType, id, fhir.Condition{}); err != nil {
			return "", err
		}
		switch _, err := client.Read(ctx, resourceType, id); {
		case err == nil:
			return "", errors.New("a deleted resource is still there")
		case fhir.Status(err) != http.StatusGone:
			return "", err
		}
		return resourceType + "/" + id, nil
	})
	s.promise("each change comes to the subscriber, deletion included", func() (string, error) {
		queue := r.output("changeQueueUrl")
		switch {
		case !written:
			return "", skip("nothing was written")
		case queue == "":
			return "", skip("the stack has no queue that subscribes to the changes")
		}
		return r.arrived(ctx, queue, id)
	})
}

// arrived waits for every version of a resource in the queue of a subscriber, the deletion the last, and takes them from it.
func (r *run) arrived(ctx context.Context, queue, id string) (string, error) {
	client := sqs.NewFromConfig(r.Config)
	seen := map[int64]changes.Interaction{}
	err := r.poll(ctx, func() (bool, string, error) {
		received, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 5})
		if err != nil {
			return false, "", fmt.Errorf("reading the queue of changes: %w", err)
		}
		for _, m := range received.Messages {
			c, err := changes.Decode([]byte(aws.ToString(m.Body)))
			if err != nil || c.ResourceID != id {
				continue // somebody else's; it is hidden for the queue's visibility timeout
			}
			seen[c.Version] = c.Interaction
			if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return false, "", fmt.Errorf("taking a change from its queue: %w", err)
			}
		}
		return seen[int64(len(seen))] == changes.Delete, "came: " + history(seen), nil
	})
	if err == nil && (seen[1] != changes.Create || seen[2] != changes.Update) {
		err = fmt.Errorf("the changes are not a creation, an update and a deletion: %s", history(seen))
	}
	return history(seen), err
}

// history is what became of the versions that were seen.
func history(seen map[int64]changes.Interaction) string {
	var all []string
	for _, version := range slices.Sorted(maps.Keys(seen)) {
		all = append(all, fmt.Sprintf("version %d %s", version, seen[version]))
	}
	return strings.Join(all, ", ")
}
