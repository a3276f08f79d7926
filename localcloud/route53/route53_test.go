package route53_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/route53"
	"github.com/carepath/carepath/localcloud/store"
)

type world struct {
	*testing.T
	d *dispatch.Dispatcher
}

func newWorld(t *testing.T, s *store.Store) *world {
	t.Helper()
	w := &world{t, dispatch.New(clock.NewDriven(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)), "000000000000", "us-east-1")}
	if _, err := route53.New(w.d, s); err != nil {
		t.Fatal(err)
	}
	return w
}

func do[Out any](w *world, action string, in any) *Out {
	w.Helper()
	out, err := dispatch.Do[Out](context.Background(), w.d, w.d.Root(), "route53", action, in)
	if err != nil {
		w.Fatalf("%s: %v", action, err)
	}
	return out
}

func (w *world) zone(name string) string {
	w.Helper()
	return do[route53.CreateHostedZoneOutput](w, "CreateHostedZone", &route53.CreateHostedZoneInput{Name: name, CallerReference: name + fmt.Sprint(len(w.d.Journal.Latest()))}).HostedZone.ID
}

// set is a record set: "name type value...".
func set(text string) route53.ResourceRecordSet {
	parts := strings.Fields(text)
	s := route53.ResourceRecordSet{Name: parts[0], Type: parts[1], TTL: new(int64(60))}
	for _, v := range parts[2:] {
		s.ResourceRecords = append(s.ResourceRecords, route53.ResourceRecord{Value: v})
	}
	return s
}

// change makes changes: "ACTION name type value...".
func (w *world) change(zone string, changes ...string) error {
	in := &route53.ChangeResourceRecordSetsInput{HostedZoneID: zone}
	for _, c := range changes {
		action, rest, _ := strings.Cut(c, " ")
		in.ChangeBatch.Changes = append(in.ChangeBatch.Changes, route53.Change{Action: action, ResourceRecordSet: set(rest)})
	}
	return w.apply(in)
}

func (w *world) apply(in *route53.ChangeResourceRecordSetsInput) error {
	_, err := w.d.Do(context.Background(), w.d.Root(), "route53", "ChangeResourceRecordSets", in)
	return err
}

func (w *world) names(zone string) (all []string) {
	w.Helper()
	for _, r := range do[route53.ListResourceRecordSetsOutput](w, "ListResourceRecordSets", &route53.ListResourceRecordSetsInput{HostedZoneID: zone}).ResourceRecordSets {
		all = append(all, r.Name+" "+r.Type)
	}
	return all
}

func TestChangesAreRefusedInAWSWords(t *testing.T) {
	w := newWorld(t, store.Memory())
	zone := w.zone("Example.com")
	if err := w.change(zone, "CREATE www.example.com A 192.0.2.1", "CREATE alias.example.com CNAME www.example.com"); err != nil {
		t.Fatal(err)
	}
	before := w.names(zone)
	for _, test := range []struct{ change, want string }{
		{"CREATE www.example.com A 192.0.2.2", "InvalidChangeBatch: [Tried to create resource record set [name='www.example.com.', type='A'] but it already exists]"},
		{"DELETE www.example.com A 192.0.2.2", "InvalidChangeBatch: [Tried to delete resource record set [name='www.example.com.', type='A'] but the values provided do not match the current values]"},
		{"DELETE no.example.com A 192.0.2.2", "InvalidChangeBatch: [Tried to delete resource record set [name='no.example.com.', type='A'] but it was not found]"},
		{"CREATE www.example.org A 192.0.2.2", "InvalidChangeBatch: [RRSet with DNS name www.example.org. is not permitted in zone example.com.]"},
		{"CREATE example.com CNAME www.example.com", "InvalidChangeBatch: [RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com.]"},
		{"UPSERT www.example.com CNAME x.example.com", "InvalidChangeBatch: [RRSet of type CNAME with DNS name www.example.com. is not permitted as it conflicts with other records with the same DNS name in zone example.com.]"},
		{"UPSERT alias.example.com A 192.0.2.1", "InvalidChangeBatch: [RRSet of type A with DNS name alias.example.com. is not permitted because a conflicting RRSet of type  CNAME with the same DNS name already exists in zone example.com.]"},
		{"CREATE a.example.com A 300.1.1.1", "ARRDATAIllegalIPv4Address"},
		{"CREATE a.example.com AAAA 192.0.2.1", "AAAARRDATAIllegalIPv6Address"},
		{"CREATE a.example.com TXT plain", "InvalidCharacterString (Value should be enclosed in quotation marks)"},
		{"CREATE a.example.com A 192.0.2.1 192.0.2.1", "Duplicate Resource Record"},
		{"MAKE a.example.com A 192.0.2.1", "Value 'MAKE' at 'changeBatch.changes.1.member.action'"},
		{"CREATE a.example.com X 192.0.2.1", "Value 'X' at 'changeBatch.changes.1.member.resourceRecordSet.type'"},
		{"CREATE a.example.com A", "InvalidInput: Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in Change with [Action=CREATE, Name=a.example.com, Type=A, SetIdentifier=null]"},
	} {
		if err := w.change(zone, "CREATE first.example.com A 192.0.2.9", test.change); err == nil || !strings.Contains(strings.Replace(err.Error(), "changes.2", "changes.1", 1), test.want) {
			t.Errorf("%s: %v", test.change, err)
		}
	}
	if after := w.names(zone); !slices.Equal(before, after) {
		t.Errorf("batches that failed left %v", after)
	}
	if err := w.change(zone, "DELETE www.example.com A 192.0.2.1", "CREATE www.example.com CNAME x.example.com"); err != nil {
		t.Errorf("a batch that makes room for itself: %v", err)
	}
	if err := w.change("Z000", "DELETE www.example.com A 192.0.2.1"); err == nil || err.Error() != "NoSuchHostedZone: No hosted zone found with ID: Z000" {
		t.Error(err)
	}
}

func TestAliases(t *testing.T) {
	w := newWorld(t, store.Memory())
	zone := w.zone("example.com")
	alias := func(kind, zoneID, target string) error {
		return w.apply(&route53.ChangeResourceRecordSetsInput{HostedZoneID: zone, ChangeBatch: route53.ChangeBatch{Changes: []route53.Change{{Action: "UPSERT",
			ResourceRecordSet: route53.ResourceRecordSet{Name: "api.example.com", Type: kind, AliasTarget: &route53.AliasTarget{HostedZoneID: zoneID, DNSName: target}}}}}})
	}
	for _, test := range []struct{ kind, zone, target, want string }{
		{"A", "Z1UJRXOUMOOFQ8", "d-abc.execute-api.us-east-1.amazonaws.com", ""},
		{"AAAA", "Z2FDTNDATAQYW2", "d1.cloudfront.net.", ""},
		{"A", "Z1UJRXOUMOOFQ8", "d-abc.execute-api.eu-west-1.amazonaws.com", "but the alias target name does not lie within the target zone"},
		{"TXT", "Z2FDTNDATAQYW2", "d1.cloudfront.net", "but that target was not found"},
		{"A", zone, "none.example.com", "but that target was not found"},
		{"A", "Z999", "x.example.com", "is not one that the embedded AWS has"},
	} {
		err := alias(test.kind, strings.TrimPrefix(test.zone, "/hostedzone/"), test.target)
		if err == nil != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

// TestListing holds Route 53's order, by labels from the last, its paging and its names.
func TestListing(t *testing.T) {
	w := newWorld(t, store.Memory())
	zone := w.zone("example.com")
	if err := w.change(zone, "CREATE b.example.com A 192.0.2.1", "CREATE z.a.example.com A 192.0.2.1", "CREATE *.a.example.com A 192.0.2.1", "CREATE b.example.com AAAA 2001:db8::1", "CREATE A.example.com A 192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	want := []string{"example.com. NS", "example.com. SOA", "a.example.com. A", `\052.a.example.com. A`, "z.a.example.com. A", "b.example.com. A", "b.example.com. AAAA"}
	if got := w.names(zone); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	var paged []string
	in := &route53.ListResourceRecordSetsInput{HostedZoneID: zone, MaxItems: "2"}
	for {
		out := do[route53.ListResourceRecordSetsOutput](w, "ListResourceRecordSets", in)
		for _, r := range out.ResourceRecordSets {
			paged = append(paged, r.Name+" "+r.Type)
		}
		if !out.IsTruncated {
			break
		}
		in.StartRecordName, in.StartRecordType = out.NextRecordName, out.NextRecordType
	}
	if !slices.Equal(paged, want) {
		t.Errorf("in pages: %v", paged)
	}
	w.zone("a.org")
	w.zone("example.com")
	byName := do[route53.ListHostedZonesByNameOutput](w, "ListHostedZonesByName", &route53.ListHostedZonesByNameInput{DNSName: "example.com", MaxItems: "1"})
	if len(byName.HostedZones) != 1 || byName.HostedZones[0].Name != "example.com." || byName.NextDNSName != "example.com." {
		t.Errorf("%+v", byName)
	}
}

func TestResolve(t *testing.T) {
	w := newWorld(t, store.Memory())
	zone, below := w.zone("example.com"), w.zone("sub.example.com")
	if err := w.change(zone, "CREATE www.example.com CNAME host.example.com", "CREATE host.example.com A 192.0.2.1 192.0.2.2", "CREATE *.example.com A 192.0.2.3",
		"CREATE x.sub.example.com A 192.0.2.4", "CREATE loop.example.com CNAME loop.example.com"); err != nil {
		t.Fatal(err)
	}
	if err := w.change(below, "CREATE y.sub.example.com A 192.0.2.5"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"WWW.example.com.": "192.0.2.1 192.0.2.2", "any.example.com": "192.0.2.3", "a.b.example.com": "192.0.2.3", "x.sub.example.com": "", "y.sub.example.com": "192.0.2.5",
		"loop.example.com": "", "example.org": ""} {
		if got := strings.Join(do[route53.ResolveOutput](w, "Resolve", &route53.ResolveInput{Name: name, Type: "A"}).Values, " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := do[route53.ResolveOutput](w, "Resolve", &route53.ResolveInput{Name: "host.example.com", Type: "AAAA"}).Values; got != nil {
		t.Errorf("a name that is there without that type: %v", got)
	}
}

func TestZonesSurvive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, s)
	zone := w.zone("example.com")
	change := do[route53.ChangeOutput](w, "ChangeResourceRecordSets", &route53.ChangeResourceRecordSetsInput{HostedZoneID: zone, ChangeBatch: route53.ChangeBatch{Changes: []route53.Change{{Action: "CREATE", ResourceRecordSet: set("a.example.com A 192.0.2.1")}}}})
	if got := do[route53.ChangeOutput](w, "GetChange", &route53.GetChangeInput{ID: change.ChangeInfo.ID}); got.ChangeInfo.Status != "INSYNC" || change.ChangeInfo.Status != "PENDING" {
		t.Errorf("%+v %+v", change, got)
	}
	do[route53.Empty](w, "ChangeTagsForResource", &route53.ChangeTagsForResourceInput{ResourceType: "hostedzone", ResourceID: zone, AddTags: []route53.Tag{{Key: "a", Value: "1"}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(path); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w = newWorld(t, s)
	if names := w.names(zone); len(names) != 3 {
		t.Errorf("%v", names)
	}
	if _, err := w.d.Do(context.Background(), w.d.Root(), "route53", "DeleteHostedZone", &route53.ZoneInput{ID: zone}); err == nil || dispatch.AsError(err).Code != "HostedZoneNotEmpty" {
		t.Error(err)
	}
}
