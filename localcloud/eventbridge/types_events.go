package eventbridge

import "github.com/carepath/carepath/localcloud/dispatch"

// PutEventsInput is the request of PutEvents: at most ten entries of less than 1 MB in all.
// See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html.
type PutEventsInput struct {
	Entries []PutEventsEntry
}

// PutEventsEntry is one event.
type PutEventsEntry struct {
	Time         *dispatch.Time `json:",omitempty"` // now by default
	Source       string         `json:",omitempty"`
	Resources    []string       `json:",omitempty"`
	DetailType   string         `json:",omitempty"`
	Detail       string         `json:",omitempty"` // a JSON object
	EventBusName string         `json:",omitempty"` // a name or ARN, "default" by default
	TraceHeader  string         `json:",omitempty"` // of X-Ray; passed to nobody

	forwarded *event // that a rule sends to another bus as it is; nil for all others
}

// PutEventsOutput is the response of PutEvents, whose entries are in the order of the request's.
type PutEventsOutput struct {
	Entries          []PutEventsResult
	FailedEntryCount int
}

// PutEventsResult is an event's id, or why it was not taken.
type PutEventsResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// TestEventPatternInput is the request of TestEventPattern.
type TestEventPatternInput struct {
	EventPattern string
	Event        string
}

// TestEventPatternOutput is the response of TestEventPattern.
type TestEventPatternOutput struct {
	Result bool
}

// CreateArchiveInput is the request of CreateArchive.
// See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html.
type CreateArchiveInput struct {
	ArchiveName      string
	EventSourceArn   string // of a bus
	Description      string `json:",omitempty"`
	EventPattern     string `json:",omitempty"` // none: every event
	RetentionDays    int    `json:",omitempty"` // 0: for ever
	KmsKeyIdentifier string `json:",omitempty"`
}

// UpdateArchiveInput is the request of UpdateArchive.
type UpdateArchiveInput struct {
	ArchiveName      string
	Description      *string `json:",omitempty"`
	EventPattern     *string `json:",omitempty"`
	RetentionDays    *int    `json:",omitempty"`
	KmsKeyIdentifier *string `json:",omitempty"`
}

// ArchiveOutput is the response of CreateArchive and UpdateArchive.
type ArchiveOutput struct {
	ArchiveArn   string
	State        string
	CreationTime dispatch.Time
}

// ArchiveInput names an archive: the request of DescribeArchive and DeleteArchive.
type ArchiveInput struct {
	ArchiveName string
}

// Archive is the response of DescribeArchive, and without ArchiveArn, Description and EventPattern an archive in a list.
type Archive struct {
	ArchiveArn       string `json:",omitempty"`
	ArchiveName      string
	EventSourceArn   string
	Description      string `json:",omitempty"`
	EventPattern     string `json:",omitempty"`
	KmsKeyIdentifier string `json:",omitempty"`
	State            string
	RetentionDays    int
	SizeBytes        int64
	EventCount       int64
	CreationTime     dispatch.Time
}

// ListArchivesInput is the request of ListArchives.
type ListArchivesInput struct {
	NamePrefix     string `json:",omitempty"`
	EventSourceArn string `json:",omitempty"`
	State          string `json:",omitempty"`
	Limit          *int   `json:",omitempty"`
	NextToken      string `json:",omitempty"`
}

// ListArchivesOutput is the response of ListArchives.
type ListArchivesOutput struct {
	Archives  []Archive
	NextToken string `json:",omitempty"`
}

// ReplayDestination is where a replay puts its events.
type ReplayDestination struct {
	Arn        string   // the archive's bus
	FilterArns []string `json:",omitempty"` // of rules; none: all of the bus
}

// StartReplayInput is the request of StartReplay.
// See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html.
type StartReplayInput struct {
	ReplayName     string
	EventSourceArn string // of an archive
	Description    string `json:",omitempty"`
	EventStartTime *dispatch.Time
	EventEndTime   *dispatch.Time
	Destination    *ReplayDestination
}

// ReplayOutput is the response of StartReplay and CancelReplay.
type ReplayOutput struct {
	ReplayArn       string
	State           string
	StateReason     string         `json:",omitempty"`
	ReplayStartTime *dispatch.Time `json:",omitempty"`
}

// ReplayInput names a replay: the request of DescribeReplay and CancelReplay.
type ReplayInput struct {
	ReplayName string
}

// Replay is the response of DescribeReplay, and without ReplayArn, Description and Destination a replay in a list.
type Replay struct {
	ReplayArn             string `json:",omitempty"`
	ReplayName            string
	Description           string `json:",omitempty"`
	State                 string // STARTING, RUNNING, COMPLETED, CANCELLED
	StateReason           string `json:",omitempty"`
	EventSourceArn        string
	Destination           *ReplayDestination `json:",omitempty"`
	EventStartTime        dispatch.Time
	EventEndTime          dispatch.Time
	EventLastReplayedTime *dispatch.Time `json:",omitempty"`
	ReplayStartTime       dispatch.Time
	ReplayEndTime         *dispatch.Time `json:",omitempty"`
}

// ListReplaysInput is the request of ListReplays.
type ListReplaysInput struct {
	NamePrefix     string `json:",omitempty"`
	EventSourceArn string `json:",omitempty"`
	State          string `json:",omitempty"`
	Limit          *int   `json:",omitempty"`
	NextToken      string `json:",omitempty"`
}

// ListReplaysOutput is the response of ListReplays.
type ListReplaysOutput struct {
	Replays   []Replay
	NextToken string `json:",omitempty"`
}
