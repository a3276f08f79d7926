package platform

import (
	"fmt"

	"github.com/carepath/carepath/components/healthlakecdc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// healthLake is the FHIR data store and the capture of its changes.
type healthLake struct {
	capture *healthlakecdc.ChangeCapture // nil: the stack has none
}

func (s *system) newHealthLake() (*healthLake, error) {
	c := s.config.HealthLake
	if !c.Enabled {
		return &healthLake{}, nil
	}
	capture, err := healthlakecdc.NewChangeCapture(s.ctx, "fhir", &healthlakecdc.ChangeCaptureArgs{
		ResourceTypes: c.ResourceTypes,
		// It is for ever: what it is made of must not change by itself.
		DatastoreName:         fmt.Sprintf("%s-%s", s.ctx.Project(), s.ctx.Stack()),
		Tags:                  s.tags(),
		Feed:                  c.Feed,
		WithoutTrail:          !c.Trail,
		Payload:               c.Payload,
		IndexDelaySeconds:     c.IndexDelaySeconds,
		BatchingWindowSeconds: &c.BatchingWindowSeconds,
		SweepMinutes:          c.SweepMinutes,
		OverlapMinutes:        c.OverlapMinutes,
		ArchiveDays:           c.ArchiveDays,
		Subscriber:            c.Subscriber,
		DeletionProtection:    c.DeletionProtection,
		Architecture:          s.config.Platform.Architecture,
		FunctionMemoryMB:      c.FunctionMemoryMB,
		Account:               s.config.AccountID,
		Region:                s.config.Region,
		Partition:             s.partition(),
		LogRetentionDays:      pulumi.Int(s.config.Platform.LogRetentionDays),
		AlarmTopicARNs:        s.alarmTopics(),
	}, s.options()...)
	return &healthLake{capture}, err
}

func (h *healthLake) outputs() map[string]pulumi.Input {
	c := h.capture
	if c == nil {
		return nil
	}
	outputs := map[string]pulumi.Input{
		"fhirEndpoint":             c.FHIREndpoint,
		"changeBusName":            c.ChangeBusName,
		"changeLedgerTableName":    c.LedgerTableName,
		"changeTriggerQueueUrl":    c.TriggerQueueURL,
		"changeDeadLetterQueueUrl": c.DeadLetterQueueURL,
		"captureStateMachineArn":   c.CaptureStateMachineARN,
	}
	if c.SubscriberQueueURL.OutputState != nil {
		outputs["changeQueueUrl"] = c.SubscriberQueueURL
	}
	return outputs
}
