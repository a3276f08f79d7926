package platform

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/components/healthlakecdc"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// HealthLakeConfig is the FHIR data store and the capture of its changes.
type HealthLakeConfig struct {
	// Enabled says whether the stack has a data store. Default: true. AWS charges for each hour of it.
	Enabled bool
	// ResourceTypes are the FHIR resource types whose changes are captured. Default: Patient, Encounter and Observation.
	ResourceTypes []string
	// Feed is what tells of changes. Default: cloudtrail.
	Feed healthlakecdc.Feed
	// Trail says whether the stack makes the trail that the feed cloudtrail needs. Default: true.
	Trail bool
	// Payload of the events. Default: full.
	Payload healthlakecdc.Payload
	// IndexDelaySeconds is how long triggers wait for the index. Default: that of the feed, locally 2; nil is the feed's.
	IndexDelaySeconds *int
	// BatchingWindowSeconds is how long triggers are gathered. Default: 30, with the feed subscriptions 5; locally 1.
	BatchingWindowSeconds int
	// SweepMinutes is the interval of the sweep. Default: 5, locally 1.
	SweepMinutes int
	// OverlapMinutes is how far a sweep looks back beyond the last whole one. Default: 15.
	OverlapMinutes int
	// ArchiveDays is how long the change bus keeps its events. Default: 30.
	ArchiveDays int
	// Subscriber makes a queue with every change. Default: true, where nothing is protected.
	Subscriber bool
	// DeletionProtection of the data store, its key and the ledger. Default: that of carepath:platform.protect.
	DeletionProtection bool
	// FunctionMemoryMB is the hydrator's memory in MiB. Default: 256.
	FunctionMemoryMB int
}

// healthLakeRegions are where AWS has HealthLake. See
// https://docs.aws.amazon.com/healthlake/latest/devguide/reference-healthlake-endpoints-quotas.html.
var healthLakeRegions = []string{"ap-south-1", "ap-southeast-2", "ca-central-1", "eu-west-1", "eu-west-2", "us-east-1", "us-east-2", "us-west-2"}

func healthLakeDefaults(local, protect bool) HealthLakeConfig {
	h := HealthLakeConfig{
		Enabled: true, ResourceTypes: []string{"Patient", "Encounter", "Observation"}, Feed: healthlakecdc.CloudTrail, Trail: true, Payload: healthlakecdc.Full,
		BatchingWindowSeconds: 30, SweepMinutes: 5, OverlapMinutes: 15, ArchiveDays: 30, Subscriber: !protect, DeletionProtection: protect, FunctionMemoryMB: 256,
	}
	if local {
		h.BatchingWindowSeconds, h.SweepMinutes = 1, 1
	}
	return h
}

var fhirTypePattern = regexp.MustCompile(`^[A-Z][A-Za-z]{1,63}$`)

func (h *HealthLakeConfig) read(o *objectReader, region string, local bool) {
	o.boolean("enabled", &h.Enabled, "Whether the stack has a FHIR data store. AWS charges for every hour of it.")
	o.texts("resourceTypes", &h.ResourceTypes, fhirTypePattern, `a FHIR resource type such as "Patient"`, "The FHIR resource types whose changes are captured.")
	choice(o, "feed", &h.Feed, "What tells of changes: CloudTrail's records, within minutes, or FHIR Subscriptions, sooner and at a price for each notification. Sweeps find what either does not tell of.",
		string(healthlakecdc.CloudTrail), string(healthlakecdc.Subscriptions))
	o.boolean("trail", &h.Trail, "Whether the stack makes the trail that the feed cloudtrail needs; false where the account has one for management events already, such as its organisation's.")
	choice(o, "payload", &h.Payload, "What an event has of the resource: all of it, where it fits into an event, or its URL.", string(healthlakecdc.Full), string(healthlakecdc.Reference))
	delay := 30
	if local {
		delay = 2
	}
	if h.Feed == healthlakecdc.Subscriptions {
		delay, h.BatchingWindowSeconds = 0, min(h.BatchingWindowSeconds, 5)
	}
	o.within("indexDelaySeconds", &delay, 0, 900, "How long a trigger waits in the queue until the data store's index has what was written, in seconds; 0 with the feed subscriptions, which needs no index.")
	h.IndexDelaySeconds = &delay
	o.within("batchingWindowSeconds", &h.BatchingWindowSeconds, 1, 300, "How long triggers are gathered for one capture, in seconds: a burst costs a search for each window in which it is told of. 5 with the feed subscriptions.")
	o.within("sweepMinutes", &h.SweepMinutes, 1, 60, "The interval of the sweep, in minutes.")
	o.within("overlapMinutes", &h.OverlapMinutes, 1, 1440, "How far a sweep looks back beyond the last whole one, in minutes: longer than the data store's index and histories ever lag.")
	o.within("archiveDays", &h.ArchiveDays, 1, 3650, "How many days the change bus keeps its events for a replay.")
	o.boolean("subscriber", &h.Subscriber, "Makes an example of a subscriber: a queue with every change, which carepath changes tail shows.")
	o.boolean("deletionProtection", &h.DeletionProtection, "Keeps AWS and Pulumi from deleting the data store, its key and the ledger.")
	o.within("functionMemoryMb", &h.FunctionMemoryMB, 128, 10240, "The hydrator's memory, in MiB.")
	switch n := len(h.ResourceTypes); {
	case n == 0:
		o.problem("resourceTypes", "[]", "at least one FHIR resource type")
	case h.Feed == healthlakecdc.Subscriptions && n > 50:
		o.problem("resourceTypes", fmt.Sprintf("%d of them", n), "at most 50 with the feed subscriptions, as many as a data store may have")
	}
	for i, name := range h.ResourceTypes {
		if slices.Contains(h.ResourceTypes[:i], name) {
			o.problem(fmt.Sprintf("resourceTypes[%d]", i), jsonvalue.Text(name), "named once")
		}
		if name == "Subscription" || name == "SubscriptionTopic" {
			o.problem(fmt.Sprintf("resourceTypes[%d]", i), jsonvalue.Text(name), "a type other than those by which HealthLake is told what to tell of")
		}
	}
	if h.Enabled && !local && regionPattern.MatchString(region) && !slices.Contains(healthLakeRegions, region) {
		o.reader.problems = append(o.reader.problems, Problem{Path: o.path + ".enabled", Value: "true",
			Allowed: "false in " + region + ", where AWS has no HealthLake: it is in " + strings.Join(healthLakeRegions, ", ")})
	}
	o.end()
}
