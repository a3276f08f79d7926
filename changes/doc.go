// Package changes is for those who consume what Carepath publishes: an event for each version of each FHIR resource that was
// created, updated or deleted in a HealthLake data store.
//
// The events are on the stack's change bus (output changeBusName) with the source [Source] and the detail type [DetailType].
// [Decode] reads one, however it came: as EventBridge gives it to a Lambda function, as the body of an SQS message that a rule
// sent, or the detail alone. [Schema] is its JSON Schema.
//
// An event comes at least once, and events of one resource need not come in the order of their versions. [Deduplicator] says
// of each whether it is new.
//
// The package depends on nothing but the standard library.
package changes
