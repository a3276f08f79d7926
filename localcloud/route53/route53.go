// Package route53 is the embedded AWS's Route 53: public hosted zones and their records, simple and alias, as a control
// plane. It answers no DNS queries over the network; ACM and tests ask it through the operation Resolve, which is not AWS's.
//
// It follows https://docs.aws.amazon.com/Route53/latest/APIReference/. Private zones, routing policies, health checks, traffic
// policies, delegation sets and DNSSEC are refused. A change is in sync at once.
package route53

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Service is Route 53 of one account. Make it with New.
type Service struct {
	d *dispatch.Dispatcher

	mu      sync.Mutex // serialises changes
	zones   *store.Table[*zone]
	changes []ChangeInfo // the latest, oldest first
}

// zone is a hosted zone with its records, which change together and so are kept together.
type zone struct {
	ID          string
	Name        string // lower case, with the dot at its end
	Reference   string
	Comment     string
	NameServers []string
	Tags        map[string]string
	Records     []ResourceRecordSet // in Route 53's order
}

// changesKept bounds how many changes GetChange can tell of.
const changesKept = 1000

// New registers Route 53's operations with d and keeps its zones in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	zones, err := store.NewTable[*zone](s, "route53/zones")
	if err != nil {
		return nil, fmt.Errorf("opening the hosted zones: %w", err)
	}
	svc := &Service{d: d, zones: zones}
	svc.register()
	return svc, nil
}

func zoneARN(id string) string { return "arn:aws:route53:::hostedzone/" + bareID(id) }

// bareID is an id without what stands before it.
func bareID(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

const prefix = "/2013-04-01/"

func operation(action, method, path string, more ...func(*dispatch.HTTPBinding)) dispatch.Operation {
	b := &dispatch.HTTPBinding{Method: method, Path: prefix + path}
	for _, f := range more {
		f(b)
	}
	return dispatch.Operation{Service: "route53", Action: action, HTTP: b}
}

func query(pairs ...string) func(*dispatch.HTTPBinding) {
	return func(b *dispatch.HTTPBinding) {
		b.Query = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			b.Query[pairs[i]] = pairs[i+1]
		}
	}
}

func created(b *dispatch.HTTPBinding) {
	b.Status, b.Headers = 201, map[string]string{"Location": "Location"}
}

func onZone[In any](id func(*In) string) dispatch.Permits[In] {
	return dispatch.On(func(_ *dispatch.Call, in *In) []string { return []string{zoneARN(id(in))} })
}

func (s *Service) register() {
	d := s.d
	dispatch.Register(d, operation("CreateHostedZone", "POST", "hostedzone", created), dispatch.Anywhere[CreateHostedZoneInput](), s.createZone)
	dispatch.Register(d, operation("GetHostedZone", "GET", "hostedzone/{Id}"), onZone(func(in *ZoneInput) string { return in.ID }),
		func(_ context.Context, _ *dispatch.Call, in *ZoneInput) (*GetHostedZoneOutput, error) {
			z, err := s.zone(in.ID)
			if err != nil {
				return nil, err
			}
			return &GetHostedZoneOutput{z.shown(), DelegationSet{z.NameServers}}, nil
		})
	dispatch.Register(d, operation("DeleteHostedZone", "DELETE", "hostedzone/{Id}"), onZone(func(in *ZoneInput) string { return in.ID }), s.deleteZone)
	dispatch.Register(d, operation("UpdateHostedZoneComment", "POST", "hostedzone/{Id}"), onZone(func(in *UpdateHostedZoneCommentInput) string { return in.ID }),
		func(_ context.Context, _ *dispatch.Call, in *UpdateHostedZoneCommentInput) (*UpdateHostedZoneCommentOutput, error) {
			z, err := s.change(in.ID, func(z *zone) error { z.Comment = in.Comment; return nil })
			if err != nil {
				return nil, err
			}
			return &UpdateHostedZoneCommentOutput{z.shown()}, nil
		})
	dispatch.Register(d, operation("ListHostedZones", "GET", "hostedzone", query("marker", "Marker", "maxitems", "MaxItems")),
		dispatch.Anywhere[ListHostedZonesInput](), s.listZones)
	dispatch.Register(d, operation("ListHostedZonesByName", "GET", "hostedzonesbyname", query("dnsname", "DNSName", "hostedzoneid", "HostedZoneId", "maxitems", "MaxItems")),
		dispatch.Anywhere[ListHostedZonesByNameInput](), s.listZonesByName)
	dispatch.Register(d, operation("ChangeResourceRecordSets", "POST", "hostedzone/{HostedZoneId}/rrset"), permitsChange, s.changeRecords)
	dispatch.Register(d, operation("ListResourceRecordSets", "GET", "hostedzone/{HostedZoneId}/rrset",
		query("name", "StartRecordName", "type", "StartRecordType", "maxitems", "MaxItems")),
		onZone(func(in *ListResourceRecordSetsInput) string { return in.HostedZoneID }), s.listRecords)
	dispatch.Register(d, operation("GetChange", "GET", "change/{Id}"),
		dispatch.On(func(_ *dispatch.Call, in *GetChangeInput) []string {
			return []string{"arn:aws:route53:::change/" + bareID(in.ID)}
		}), s.getChange)
	dispatch.Register(d, operation("ChangeTagsForResource", "POST", "tags/{ResourceType}/{ResourceId}"),
		onZone(func(in *ChangeTagsForResourceInput) string { return in.ResourceID }), s.changeTags)
	dispatch.Register(d, operation("ListTagsForResource", "GET", "tags/{ResourceType}/{ResourceId}"),
		onZone(func(in *ListTagsForResourceInput) string { return in.ResourceID }), s.listTags)
	// Resolve is DNS itself: everybody may ask, and nobody by HTTP.
	dispatch.Register(d, dispatch.Operation{Service: "route53", Action: "Resolve", Open: true}, dispatch.Anywhere[ResolveInput](), s.resolve)
}

func problem(code string, status int, format string, args ...any) error {
	return &dispatch.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

func (s *Service) zone(id string) (*zone, error) {
	if z, ok := s.zones.Get(bareID(id)); ok {
		return z, nil
	}
	return nil, problem("NoSuchHostedZone", 404, "No hosted zone found with ID: %s", bareID(id))
}

// change applies f to a copy of a zone and stores it when f returns nil.
func (s *Service) change(id string, f func(*zone) error) (*zone, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.zone(id)
	if err != nil {
		return nil, err
	}
	z := *old
	z.Records, z.Tags = slices.Clone(old.Records), maps.Clone(old.Tags)
	if err := f(&z); err != nil {
		return nil, err
	}
	return &z, s.zones.Put(z.ID, &z)
}

func (z *zone) shown() HostedZone {
	return HostedZone{ID: "/hostedzone/" + z.ID, Name: escapeName(z.Name), CallerReference: z.Reference, ResourceRecordSetCount: len(z.Records),
		Config: &HostedZoneConfig{Comment: z.Comment}}
}

const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// newID returns a random identifier in Route 53's form.
func newID(first string) string {
	b := make([]byte, 20)
	rand.Read(b) // never fails, by its contract
	for i := range b {
		b[i] = idAlphabet[int(b[i])%len(idAlphabet)]
	}
	return first + string(b)
}

// submit notes a change. The caller holds s.mu.
func (s *Service) submit(comment string) ChangeInfo {
	c := ChangeInfo{ID: "/change/" + newID("C"), Status: "PENDING", SubmittedAt: dispatch.Time{Time: s.d.Clock.Now()}, Comment: comment}
	if len(s.changes) == changesKept {
		s.changes = s.changes[1:]
	}
	s.changes = append(s.changes, c)
	return c
}

func (s *Service) getChange(_ context.Context, _ *dispatch.Call, in *GetChangeInput) (*ChangeOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.changes {
		if bareID(c.ID) == bareID(in.ID) {
			c.Status = "INSYNC"
			return &ChangeOutput{c}, nil
		}
	}
	return nil, problem("NoSuchChange", 404, "Could not find resource with ID: %s", bareID(in.ID))
}

func (s *Service) createZone(_ context.Context, _ *dispatch.Call, in *CreateHostedZoneInput) (*CreateHostedZoneOutput, error) {
	name := normalName(in.Name)
	switch {
	case in.CallerReference == "" || len(in.CallerReference) > 128:
		return nil, problem("InvalidInput", 400, "1 validation error detected: Value '%s' at 'callerReference' failed to satisfy constraint: Member must have length between 1 and 128", in.CallerReference)
	case in.HostedZoneConfig != nil && in.HostedZoneConfig.PrivateZone:
		return nil, problem("InvalidInput", 400, "the embedded AWS does not emulate private hosted zones: there are no VPCs")
	case !validName(name) || name == "." || strings.HasPrefix(name, "*."):
		return nil, problem("InvalidDomainName", 400, "%s is not a valid domain name.", in.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, z := range s.zones.All() {
		if z.Reference == in.CallerReference {
			return nil, problem("HostedZoneAlreadyExists", 409, "A hosted zone has already been created with the specified caller reference.")
		}
	}
	z := &zone{ID: newID("Z"), Name: name, Reference: in.CallerReference, Tags: map[string]string{}}
	if in.HostedZoneConfig != nil {
		z.Comment = in.HostedZoneConfig.Comment
	}
	for i, top := range []string{"com", "net", "org", "co.uk"} {
		n := int(z.ID[i+1])*7 + i*512
		z.NameServers = append(z.NameServers, fmt.Sprintf("ns-%d.awsdns-%02d.%s", n, n%64, top))
	}
	servers := make([]ResourceRecord, len(z.NameServers))
	for i, n := range z.NameServers {
		servers[i].Value = n + "."
	}
	soa := []ResourceRecord{{z.NameServers[0] + ". awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"}}
	z.Records = []ResourceRecordSet{{Name: name, Type: "NS", TTL: new(int64(172800)), ResourceRecords: servers}, {Name: name, Type: "SOA", TTL: new(int64(900)), ResourceRecords: soa}}
	if err := s.zones.Put(z.ID, z); err != nil {
		return nil, err
	}
	return &CreateHostedZoneOutput{HostedZone: z.shown(), ChangeInfo: s.submit(""), DelegationSet: DelegationSet{z.NameServers},
		Location: "https://route53.amazonaws.com" + prefix + "hostedzone/" + z.ID}, nil
}

func (s *Service) deleteZone(_ context.Context, _ *dispatch.Call, in *ZoneInput) (*ChangeOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	z, err := s.zone(in.ID)
	if err != nil {
		return nil, err
	}
	if len(z.Records) > 2 {
		return nil, problem("HostedZoneNotEmpty", 400, "The specified hosted zone contains non-required resource record sets  and so cannot be deleted.")
	}
	if _, err := s.zones.Delete(z.ID); err != nil {
		return nil, err
	}
	return &ChangeOutput{s.submit("")}, nil
}

// limit reads MaxItems, which travels as text.
func limit(text string, most int) (int, error) {
	if text == "" {
		return most, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, problem("InvalidInput", 400, "The specified MaxItems value '%s' is not valid: it must be a number of at least 1", text)
	}
	return min(n, most), nil
}

func (s *Service) listZones(_ context.Context, _ *dispatch.Call, in *ListHostedZonesInput) (*ListHostedZonesOutput, error) {
	n, err := limit(in.MaxItems, 100)
	if err != nil {
		return nil, err
	}
	out := &ListHostedZonesOutput{HostedZones: []HostedZone{}, Marker: in.Marker, MaxItems: strconv.Itoa(n)}
	for id, z := range s.zones.All() {
		if id < bareID(in.Marker) {
			continue
		}
		if len(out.HostedZones) == n {
			out.IsTruncated, out.NextMarker = true, id
			break
		}
		out.HostedZones = append(out.HostedZones, z.shown())
	}
	return out, nil
}

func (s *Service) listZonesByName(_ context.Context, _ *dispatch.Call, in *ListHostedZonesByNameInput) (*ListHostedZonesByNameOutput, error) {
	n, err := limit(in.MaxItems, 100)
	if err != nil {
		return nil, err
	}
	var all []*zone
	for _, z := range s.zones.All() {
		all = append(all, z)
	}
	slices.SortStableFunc(all, func(a, b *zone) int { return compareNames(a.Name, b.Name) }) // equal names stay in the order of ids
	out := &ListHostedZonesByNameOutput{HostedZones: []HostedZone{}, DNSName: in.DNSName, HostedZoneID: in.HostedZoneID, MaxItems: strconv.Itoa(n)}
	start := normalName(in.DNSName)
	for _, z := range all {
		if in.DNSName != "" {
			if c := compareNames(z.Name, start); c < 0 || c == 0 && z.ID < bareID(in.HostedZoneID) {
				continue
			}
		}
		if len(out.HostedZones) == n {
			out.IsTruncated, out.NextDNSName, out.NextHostedZoneID = true, escapeName(z.Name), z.ID
			break
		}
		out.HostedZones = append(out.HostedZones, z.shown())
	}
	return out, nil
}

func (s *Service) changeTags(_ context.Context, _ *dispatch.Call, in *ChangeTagsForResourceInput) (*Empty, error) {
	if in.ResourceType != "hostedzone" {
		return nil, problem("InvalidInput", 400, "the embedded AWS has tags of hosted zones only, not of a %s", in.ResourceType)
	}
	_, err := s.change(in.ResourceID, func(z *zone) error {
		for _, k := range in.RemoveTagKeys {
			delete(z.Tags, k)
		}
		for _, t := range in.AddTags {
			if z.Tags == nil {
				z.Tags = map[string]string{}
			}
			z.Tags[t.Key] = t.Value
		}
		return nil
	})
	return &Empty{}, err
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	z, err := s.zone(in.ResourceID)
	if err != nil {
		return nil, err
	}
	out := &ListTagsForResourceOutput{ResourceTagSet{ResourceType: "hostedzone", ResourceID: z.ID, Tags: []Tag{}}}
	for _, k := range slices.Sorted(maps.Keys(z.Tags)) {
		out.ResourceTagSet.Tags = append(out.ResourceTagSet.Tags, Tag{k, z.Tags[k]})
	}
	return out, nil
}

// sameSet reports whether two record sets say the same; the order of the values has no meaning.
func sameSet(a, b *ResourceRecordSet) bool {
	text := func(r ResourceRecordSet) string {
		r.Name = ""
		r.ResourceRecords = slices.Clone(r.ResourceRecords)
		slices.SortFunc(r.ResourceRecords, func(a, b ResourceRecord) int { return strings.Compare(a.Value, b.Value) })
		out, _ := json.Marshal(r) // strings and numbers can always be written
		return string(out)
	}
	return text(*a) == text(*b)
}
