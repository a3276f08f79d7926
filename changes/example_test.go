package changes_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/carepath/carepath/changes"
)

// messageBody is what an SQS queue has that a rule on the change bus fills.
const messageBody = `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"FHIR Resource Changed","source":"carepath.healthlake",
	"account":"111122223333","time":"2026-01-02T03:04:06Z","region":"us-east-1","resources":[],"detail":{
	"schemaVersion":"1.0","idempotencyKey":"0123456789abcdef0123456789abcdef/Patient/p-1/2","dataStoreId":"0123456789abcdef0123456789abcdef",
	"resourceType":"Patient","resourceId":"p-1","versionId":"2","interaction":"update","lastUpdated":"2026-01-02T03:04:05.678Z",
	"url":"https://healthlake.us-east-1.amazonaws.com/datastore/0123456789abcdef0123456789abcdef/r4/Patient/p-1/_history/2",
	"resource":{"resourceType":"Patient","id":"p-1","active":true}}}`

func Example() {
	dedupe := changes.NewDeduplicator(&changes.Memory{})
	for range 2 { // at-least-once: every message may come again
		c, err := changes.Decode([]byte(messageBody))
		if err != nil {
			fmt.Println(err)
			return
		}
		verdict, err := dedupe.Handle(context.Background(), c, func(_ context.Context, v changes.Verdict) error {
			fmt.Println("handling", v, c.ResourceType, "version", c.Version)
			return nil
		})
		fmt.Println(verdict, err) // without an error the message can be deleted
	}
	// Output:
	// handling new Patient version 2
	// new <nil>
	// duplicate <nil>
}

func ExampleDecode() {
	c, err := changes.Decode([]byte(messageBody))
	if err != nil {
		fmt.Println(err)
		return
	}
	var patient struct{ Active bool }
	if err := json.Unmarshal(c.Resource, &patient); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Interaction, c.Key(), patient.Active)

	_, err = changes.Decode([]byte(`{"source":"aws.s3","detail-type":"Object Created","detail":{}}`))
	fmt.Println(err)
	// Output:
	// update 0123456789abcdef0123456789abcdef/Patient/p-1/2 true
	// not a change event: source is "aws.s3", not "carepath.healthlake"
}

func ExampleChange_Append() {
	c := changes.Change{
		DataStoreID: "0123456789abcdef0123456789abcdef", ResourceType: "Patient", ResourceID: "p-1", Version: 3,
		Interaction: changes.Delete, LastUpdated: "2026-01-02T03:04:05.678Z",
		URL: "https://healthlake.us-east-1.amazonaws.com/datastore/0123456789abcdef0123456789abcdef/r4/Patient/p-1/_history/3",
	}
	detail, err := c.Append(nil)
	fmt.Println(len(detail), err)
	c.Version = 0
	_, err = c.Append(nil)
	fmt.Println(err)
	// Output:
	// 382 <nil>
	// not a change event: versionId must be a whole number from 1, as a string
}
