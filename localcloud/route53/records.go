package route53

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// recordTypes are the types that records can have.
var recordTypes = []string{"SOA", "A", "TXT", "NS", "CNAME", "MX", "NAPTR", "PTR", "SRV", "SPF", "AAAA", "CAA", "DS", "TLSA", "SSHFP", "SVCB", "HTTPS"}

// aliasZones are the hosted zones of AWS's services in which alias targets lie, by id. The ids of API Gateway are those of
// https://docs.aws.amazon.com/general/latest/gr/apigateway.html.
var aliasZones = map[string]string{
	"Z2FDTNDATAQYW2": "cloudfront.net.",
	"Z1UJRXOUMOOFQ8": "execute-api.us-east-1.amazonaws.com.", "ZOJJZC49E0EPZ": "execute-api.us-east-2.amazonaws.com.",
	"Z2MUQ32089INYE": "execute-api.us-west-1.amazonaws.com.", "Z2OJLYMUO9EFXC": "execute-api.us-west-2.amazonaws.com.",
	"Z19DQILCV0OWEC": "execute-api.ca-central-1.amazonaws.com.", "Z1U9ULNL0V5AJ3": "execute-api.eu-central-1.amazonaws.com.",
	"ZLY8HYME6SFDD": "execute-api.eu-west-1.amazonaws.com.", "ZJ5UAJN8Y3Z2Q": "execute-api.eu-west-2.amazonaws.com.",
	"ZL327KTPIQFUL": "execute-api.ap-southeast-1.amazonaws.com.", "Z2RPCDW04V8134": "execute-api.ap-southeast-2.amazonaws.com.",
	"Z1YSHQZHG15GKL": "execute-api.ap-northeast-1.amazonaws.com.",
}

// permitsChange names the zone and what policies can ask of a change. See
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html.
func permitsChange(c *dispatch.Call, in *ChangeResourceRecordSetsInput) ([]string, []dispatch.ResourcePolicy, error) {
	var names, types, actions []string
	for _, change := range in.ChangeBatch.Changes {
		names = append(names, strings.TrimSuffix(escapeName(normalName(change.ResourceRecordSet.Name)), "."))
		types = append(types, change.ResourceRecordSet.Type)
		actions = append(actions, change.Action)
	}
	c.ConditionLists = map[string][]string{"route53:ChangeResourceRecordSetsNormalizedRecordNames": names,
		"route53:ChangeResourceRecordSetsRecordTypes": types, "route53:ChangeResourceRecordSetsActions": actions}
	return []string{zoneARN(in.HostedZoneID)}, nil, nil
}

func (s *Service) changeRecords(_ context.Context, _ *dispatch.Call, in *ChangeResourceRecordSetsInput) (*ChangeOutput, error) {
	if len(in.ChangeBatch.Changes) == 0 {
		return nil, problem("InvalidInput", 400, "1 validation error detected: Value '[]' at 'changeBatch.changes' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	if len(in.ChangeBatch.Changes) > 1000 {
		return nil, problem("InvalidChangeBatch", 400, "[Number of records limit of 1000 exceeded.]")
	}
	for i, change := range in.ChangeBatch.Changes {
		if err := checkShape(i, change); err != nil {
			return nil, err
		}
	}
	if _, err := s.change(in.HostedZoneID, func(z *zone) error {
		var problems []string
		seen := map[string]bool{}
		for _, change := range in.ChangeBatch.Changes {
			set := change.ResourceRecordSet
			set.Name = normalName(set.Name)
			if set.AliasTarget != nil {
				target := *set.AliasTarget
				target.DNSName = normalName(target.DNSName)
				set.AliasTarget = &target
			}
			key := change.Action + " " + set.Type + " " + escapeName(set.Name)
			if change.Action != "DELETE" && seen[set.Type+" "+set.Name] {
				problems = append(problems, "The request contains an invalid set of changes for a resource record set '"+key+"'")
				continue
			}
			seen[set.Type+" "+set.Name] = change.Action != "DELETE"
			if p := s.applies(z, change.Action, set); p != "" {
				problems = append(problems, p)
			}
		}
		problems = append(problems, z.incomplete()...)
		if len(problems) > 0 {
			return problem("InvalidChangeBatch", 400, "[%s]", strings.Join(problems, ", "))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &ChangeOutput{s.submit(in.ChangeBatch.Comment)}, nil
}

// checkShape refuses what is no change at all, whatever the zone holds.
func checkShape(i int, change Change) error {
	set := change.ResourceRecordSet
	at := "changeBatch.changes." + strconv.Itoa(i+1) + ".member."
	invalid := func(value, where, rule string) error {
		return problem("InvalidInput", 400, "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, at+where, rule)
	}
	switch change.Action {
	case "CREATE", "DELETE", "UPSERT":
	default:
		return invalid(change.Action, "action", "Member must satisfy enum value set: [CREATE, DELETE, UPSERT]")
	}
	if !slices.Contains(recordTypes, set.Type) {
		return invalid(set.Type, "resourceRecordSet.type", "Member must satisfy enum value set: ["+strings.Join(recordTypes, ", ")+"]")
	}
	plain := set.TTL != nil || set.ResourceRecords != nil
	found := ""
	switch {
	case plain && set.AliasTarget != nil:
		found = "more than one"
	case set.AliasTarget == nil && (set.TTL == nil || len(set.ResourceRecords) == 0):
		found = "none"
	}
	if found != "" {
		return problem("InvalidInput", 400, "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found %s in Change with [Action=%s, Name=%s, Type=%s, SetIdentifier=null]",
			found, change.Action, set.Name, set.Type)
	}
	if set.TTL != nil && (*set.TTL < 0 || *set.TTL > 1<<31-1) {
		return invalid(strconv.FormatInt(*set.TTL, 10), "resourceRecordSet.tTL", "Member must be between 0 and 2147483647, inclusive")
	}
	return nil
}

// applies makes one change of the zone, or says why Route 53 refuses it.
func (s *Service) applies(z *zone, action string, set ResourceRecordSet) string {
	name := escapeName(set.Name)
	label := "[name='" + name + "', type='" + set.Type + "']"
	at := slices.IndexFunc(z.Records, func(r ResourceRecordSet) bool { return r.Name == set.Name && r.Type == set.Type })
	if action == "DELETE" {
		switch {
		case at < 0:
			return "Tried to delete resource record set " + label + " but it was not found"
		case !sameSet(&z.Records[at], &set):
			return "Tried to delete resource record set " + label + " but the values provided do not match the current values"
		}
		z.Records = slices.Delete(z.Records, at, at+1)
		return ""
	}
	if !inZone(set.Name, z.Name) {
		return "RRSet with DNS name " + name + " is not permitted in zone " + escapeName(z.Name)
	}
	if !validName(set.Name) {
		return "FATAL problem: DomainLabelInvalid (Domain label is not valid) encountered with '" + set.Name + "'"
	}
	if action == "CREATE" && at >= 0 {
		return "Tried to create resource record set " + label + " but it already exists"
	}
	if set.Type == "CNAME" && set.Name == z.Name {
		return "RRSet of type CNAME with DNS name " + name + " is not permitted at apex in zone " + escapeName(z.Name)
	}
	for _, r := range z.Records {
		switch {
		case r.Name != set.Name || r.Type == set.Type:
		case r.Type == "CNAME":
			return "RRSet of type " + set.Type + " with DNS name " + name + " is not permitted because a conflicting RRSet of type  CNAME with the same DNS name already exists in zone " + escapeName(z.Name)
		case set.Type == "CNAME":
			return "RRSet of type CNAME with DNS name " + name + " is not permitted as it conflicts with other records with the same DNS name in zone " + escapeName(z.Name)
		}
	}
	if p := s.invalidValues(&set); p != "" {
		return p
	}
	if at >= 0 {
		z.Records[at] = set
		return ""
	}
	place, _ := slices.BinarySearchFunc(z.Records, set, compareSets)
	z.Records = slices.Insert(z.Records, place, set)
	return ""
}

// incomplete says which of the records that every zone has is gone.
func (z *zone) incomplete() (problems []string) {
	has := func(t string) bool {
		return slices.ContainsFunc(z.Records, func(r ResourceRecordSet) bool { return r.Name == z.Name && r.Type == t })
	}
	if !has("SOA") {
		problems = append(problems, "A HostedZone must contain exactly one SOA record.")
	}
	if !has("NS") {
		problems = append(problems, "A HostedZone must contain at least one NS record for the zone itself.")
	}
	return problems
}

// invalidValues says what is wrong with a record set's values or target.
func (s *Service) invalidValues(set *ResourceRecordSet) string {
	if a := set.AliasTarget; a != nil {
		return s.invalidAlias(set, a)
	}
	fatal := func(code, says, value string) string {
		return "Invalid Resource Record: 'FATAL problem: " + code + " (" + says + ") encountered with '" + value + "''"
	}
	seen := map[string]bool{}
	for _, r := range set.ResourceRecords {
		if seen[r.Value] {
			return "Duplicate Resource Record: '" + r.Value + "'"
		}
		seen[r.Value] = true
		switch set.Type {
		case "A":
			if ip, err := netip.ParseAddr(r.Value); err != nil || !ip.Is4() {
				return fatal("ARRDATAIllegalIPv4Address", "Value is not a valid IPv4 address", r.Value)
			}
		case "AAAA":
			if ip, err := netip.ParseAddr(r.Value); err != nil || !ip.Is6() {
				return fatal("AAAARRDATAIllegalIPv6Address", "Value is not a valid IPv6 address", r.Value)
			}
		case "TXT", "SPF":
			if len(r.Value) < 2 || r.Value[0] != '"' || r.Value[len(r.Value)-1] != '"' {
				return fatal("InvalidCharacterString", "Value should be enclosed in quotation marks", r.Value)
			}
		case "CNAME", "NS", "PTR":
			if !validName(normalName(r.Value)) {
				return fatal("DomainNameEmpty", "Domain name is not valid", r.Value)
			}
		}
	}
	if set.Type == "CNAME" && len(set.ResourceRecords) > 1 {
		return "Expected exactly one ResourceRecord in a RRSet of type CNAME, but found " + strconv.Itoa(len(set.ResourceRecords))
	}
	return ""
}

func (s *Service) invalidAlias(set *ResourceRecordSet, a *AliasTarget) string {
	target := normalName(a.DNSName)
	says := "Tried to create an alias that targets " + escapeName(target) + ", type " + set.Type + " in zone " + a.HostedZoneID + ", "
	zoneName, known := aliasZones[a.HostedZoneID]
	if z, ok := s.zones.Get(bareID(a.HostedZoneID)); ok {
		zoneName, known = z.Name, true
	}
	switch {
	case !known:
		return "The hosted zone " + a.HostedZoneID + " of the alias target is not one that the embedded AWS has: aliases have targets in API Gateway, CloudFront and the account's own zones"
	case target == zoneName && aliasZones[a.HostedZoneID] != "", !inZone(target, zoneName):
		return says + "but the alias target name does not lie within the target zone"
	case set.Type != "A" && set.Type != "AAAA" && set.Type != "HTTPS" && aliasZones[a.HostedZoneID] != "":
		return says + "but that target was not found"
	}
	if z, ok := s.zones.Get(bareID(a.HostedZoneID)); ok &&
		!slices.ContainsFunc(z.Records, func(r ResourceRecordSet) bool { return r.Name == target && r.Type == set.Type }) {
		return says + "but that target was not found"
	}
	return ""
}

func (s *Service) listRecords(_ context.Context, _ *dispatch.Call, in *ListResourceRecordSetsInput) (*ListResourceRecordSetsOutput, error) {
	n, err := limit(in.MaxItems, 300)
	if err != nil {
		return nil, err
	}
	if in.StartRecordType != "" && in.StartRecordName == "" {
		return nil, problem("InvalidInput", 400, "The input is not valid: type is given without name")
	}
	z, err := s.zone(in.HostedZoneID)
	if err != nil {
		return nil, err
	}
	out := &ListResourceRecordSetsOutput{ResourceRecordSets: []ResourceRecordSet{}, MaxItems: strconv.Itoa(n)}
	records := z.Records
	if in.StartRecordName != "" {
		start, _ := slices.BinarySearchFunc(records, ResourceRecordSet{Name: normalName(in.StartRecordName), Type: in.StartRecordType}, compareSets)
		records = records[start:]
	}
	for _, r := range records {
		r.Name = escapeName(r.Name)
		if len(out.ResourceRecordSets) == n {
			out.IsTruncated, out.NextRecordName, out.NextRecordType = true, r.Name, r.Type
			break
		}
		if r.AliasTarget != nil {
			a := *r.AliasTarget
			a.DNSName = escapeName(a.DNSName)
			r.AliasTarget = &a
		}
		out.ResourceRecordSets = append(out.ResourceRecordSets, r)
	}
	return out, nil
}

// chase bounds how many CNAMEs and aliases a resolver follows.
const chase = 8

func (s *Service) resolve(_ context.Context, _ *dispatch.Call, in *ResolveInput) (*ResolveOutput, error) {
	name := normalName(in.Name)
	for range chase {
		set := s.find(name, in.Type)
		if set == nil {
			return &ResolveOutput{}, nil
		}
		switch {
		case set.AliasTarget != nil:
			name = normalName(set.AliasTarget.DNSName)
		case set.Type == in.Type:
			out := &ResolveOutput{}
			for _, r := range set.ResourceRecords {
				out.Values = append(out.Values, r.Value)
			}
			return out, nil
		default: // a CNAME
			name = normalName(set.ResourceRecords[0].Value)
		}
	}
	return &ResolveOutput{}, nil
}

// find returns the record set that answers for a name: its own, a CNAME in its place, or a wildcard's.
func (s *Service) find(name, kind string) *ResourceRecordSet {
	var zones []*zone
	for _, z := range s.zones.All() {
		if inZone(name, z.Name) {
			zones = append(zones, z)
		}
	}
	// The most specific zone answers; of several zones of one name, any that has the record: who registers the domain
	// decides between them, and there is no registrar here.
	slices.SortStableFunc(zones, func(a, b *zone) int { return len(b.Name) - len(a.Name) })
	for _, z := range zones {
		if len(z.Name) < len(zones[0].Name) {
			break
		}
		for at := name; inZone(at, z.Name); {
			for i := range z.Records {
				if r := &z.Records[i]; r.Name == at && (r.Type == kind || r.Type == "CNAME") {
					return r
				}
			}
			_, rest, ok := strings.Cut(strings.TrimPrefix(at, "*."), ".")
			if !ok || at == name && slices.ContainsFunc(z.Records, func(r ResourceRecordSet) bool { return r.Name == name }) {
				break
			}
			at = "*." + rest
		}
	}
	return nil
}
