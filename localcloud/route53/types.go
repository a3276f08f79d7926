package route53

import "github.com/carepath/carepath/localcloud/dispatch"

// HostedZone is a zone as the control plane shows it. See
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html.
type HostedZone struct {
	ID                     string            `json:"Id"` // "/hostedzone/Z..."
	Name                   string            `json:"Name"`
	CallerReference        string            `json:"CallerReference"`
	Config                 *HostedZoneConfig `json:"Config,omitempty"`
	ResourceRecordSetCount int               `json:"ResourceRecordSetCount"`
}

// HostedZoneConfig is a zone's comment, and whether it is a private one: those are not emulated.
type HostedZoneConfig struct {
	Comment     string `json:"Comment,omitempty"`
	PrivateZone bool   `json:"PrivateZone"`
}

// DelegationSet is the name servers of a zone.
type DelegationSet struct {
	NameServers []string `json:"NameServers"`
}

// ChangeInfo says how far a change has come: PENDING in the answer to it, INSYNC when it is asked for.
type ChangeInfo struct {
	ID          string        `json:"Id"` // "/change/C..."
	Status      string        `json:"Status"`
	SubmittedAt dispatch.Time `json:"SubmittedAt"`
	Comment     string        `json:"Comment,omitempty"`
}

// ResourceRecordSet is the records of one name and type. See
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html.
type ResourceRecordSet struct {
	Name            string           `json:"Name"`
	Type            string           `json:"Type"`
	TTL             *int64           `json:"TTL,omitempty"` // seconds
	ResourceRecords []ResourceRecord `json:"ResourceRecords,omitempty"`
	AliasTarget     *AliasTarget     `json:"AliasTarget,omitempty"`
}

// ResourceRecord is one record's value, in the form of a zone file.
type ResourceRecord struct {
	Value string `json:"Value"`
}

// AliasTarget is the AWS resource whose addresses an alias record has.
type AliasTarget struct {
	HostedZoneID         string `json:"HostedZoneId"`
	DNSName              string `json:"DNSName"`
	EvaluateTargetHealth bool   `json:"EvaluateTargetHealth"`
}

// CreateHostedZoneInput is the request of CreateHostedZone.
type CreateHostedZoneInput struct {
	Name             string            `json:"Name"`
	CallerReference  string            `json:"CallerReference"`
	HostedZoneConfig *HostedZoneConfig `json:"HostedZoneConfig"`
}

// CreateHostedZoneOutput is the response of CreateHostedZone.
type CreateHostedZoneOutput struct {
	HostedZone    HostedZone    `json:"HostedZone"`
	ChangeInfo    ChangeInfo    `json:"ChangeInfo"`
	DelegationSet DelegationSet `json:"DelegationSet"`
	Location      string        `json:"Location"`
}

// ZoneInput names a zone, with or without "/hostedzone/".
type ZoneInput struct {
	ID string `json:"Id"`
}

// GetHostedZoneOutput is the response of GetHostedZone.
type GetHostedZoneOutput struct {
	HostedZone    HostedZone    `json:"HostedZone"`
	DelegationSet DelegationSet `json:"DelegationSet"`
}

// UpdateHostedZoneCommentInput is the request of UpdateHostedZoneComment.
type UpdateHostedZoneCommentInput struct {
	ID      string `json:"Id"`
	Comment string `json:"Comment"`
}

// UpdateHostedZoneCommentOutput is the response of UpdateHostedZoneComment.
type UpdateHostedZoneCommentOutput struct {
	HostedZone HostedZone `json:"HostedZone"`
}

// ListHostedZonesInput is the request of ListHostedZones.
type ListHostedZonesInput struct {
	Marker   string `json:"Marker"` // a zone's id
	MaxItems string `json:"MaxItems"`
}

// ListHostedZonesOutput is the response of ListHostedZones.
type ListHostedZonesOutput struct {
	HostedZones []HostedZone `json:"HostedZones"`
	Marker      string       `json:"Marker,omitempty"`
	IsTruncated bool         `json:"IsTruncated"`
	NextMarker  string       `json:"NextMarker,omitempty"`
	MaxItems    string       `json:"MaxItems"`
}

// ListHostedZonesByNameInput is the request of ListHostedZonesByName.
type ListHostedZonesByNameInput struct {
	DNSName      string `json:"DNSName"` // where to begin
	HostedZoneID string `json:"HostedZoneId"`
	MaxItems     string `json:"MaxItems"`
}

// ListHostedZonesByNameOutput is the response of ListHostedZonesByName.
type ListHostedZonesByNameOutput struct {
	HostedZones      []HostedZone `json:"HostedZones"`
	DNSName          string       `json:"DNSName,omitempty"`
	HostedZoneID     string       `json:"HostedZoneId,omitempty"`
	IsTruncated      bool         `json:"IsTruncated"`
	NextDNSName      string       `json:"NextDNSName,omitempty"`
	NextHostedZoneID string       `json:"NextHostedZoneId,omitempty"`
	MaxItems         string       `json:"MaxItems"`
}

// ChangeOutput is the response of operations that answer how far their change has come.
type ChangeOutput struct {
	ChangeInfo ChangeInfo `json:"ChangeInfo"`
}

// ChangeResourceRecordSetsInput is the request of ChangeResourceRecordSets: all of its changes are made, or none.
type ChangeResourceRecordSetsInput struct {
	HostedZoneID string      `json:"HostedZoneId"`
	ChangeBatch  ChangeBatch `json:"ChangeBatch"`
}

// ChangeBatch is changes that belong together.
type ChangeBatch struct {
	Comment string   `json:"Comment"`
	Changes []Change `json:"Changes"`
}

// Change is one change of a record set: CREATE, DELETE or UPSERT.
type Change struct {
	Action            string            `json:"Action"`
	ResourceRecordSet ResourceRecordSet `json:"ResourceRecordSet"`
}

// ListResourceRecordSetsInput is the request of ListResourceRecordSets.
type ListResourceRecordSetsInput struct {
	HostedZoneID    string `json:"HostedZoneId"`
	StartRecordName string `json:"StartRecordName"`
	StartRecordType string `json:"StartRecordType"`
	MaxItems        string `json:"MaxItems"`
}

// ListResourceRecordSetsOutput is the response of ListResourceRecordSets.
type ListResourceRecordSetsOutput struct {
	ResourceRecordSets []ResourceRecordSet `json:"ResourceRecordSets"`
	IsTruncated        bool                `json:"IsTruncated"`
	NextRecordName     string              `json:"NextRecordName,omitempty"`
	NextRecordType     string              `json:"NextRecordType,omitempty"`
	MaxItems           string              `json:"MaxItems"`
}

// GetChangeInput names a change, with or without "/change/".
type GetChangeInput struct {
	ID string `json:"Id"`
}

// Tag is a tag of a zone.
type Tag struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}

// ChangeTagsForResourceInput is the request of ChangeTagsForResource.
type ChangeTagsForResourceInput struct {
	ResourceType  string   `json:"ResourceType"` // hostedzone
	ResourceID    string   `json:"ResourceId"`
	AddTags       []Tag    `json:"AddTags"`
	RemoveTagKeys []string `json:"RemoveTagKeys"`
}

// ListTagsForResourceInput is the request of ListTagsForResource.
type ListTagsForResourceInput struct {
	ResourceType string `json:"ResourceType"` // hostedzone
	ResourceID   string `json:"ResourceId"`
}

// ListTagsForResourceOutput is the response of ListTagsForResource.
type ListTagsForResourceOutput struct {
	ResourceTagSet ResourceTagSet `json:"ResourceTagSet"`
}

// ResourceTagSet is a resource with its tags.
type ResourceTagSet struct {
	ResourceType string `json:"ResourceType"`
	ResourceID   string `json:"ResourceId"`
	Tags         []Tag  `json:"Tags"`
}

// ResolveInput asks for the records of a name, as any resolver on the Internet could.
type ResolveInput struct {
	Name string `json:"Name"`
	Type string `json:"Type"`
}

// ResolveOutput is the values that a name server gives; none when it has no such record.
type ResolveOutput struct {
	Values []string `json:"Values"`
}

// Empty is the response of operations that answer nothing.
type Empty struct{}
