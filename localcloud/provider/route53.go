package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func route53Types() []*resourceType { return []*resourceType{zoneType(), recordType()} }

// sameName compares names of the DNS: case and a dot at the end have no meaning.
func sameName(a, b any) bool {
	x, _ := a.(string)
	y, _ := b.(string)
	return dnsName(x) == dnsName(y)
}

func dnsName(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(name, ".")), `\052`, "*")
}

func zoneType() *resourceType {
	r := &resourceType{
		token: "aws:route53/zone:Zone",
		properties: append(tagProperties(),
			text("arn").output(),
			text("comment").defaults("Managed by Pulumi").length(0, 256),
			text("delegationSetId").refused("there are no reusable delegation sets"),
			boolean("forceDestroy").kept().defaults(false),
			text("name").orChosen().replaces().alike(sameName),
			list("nameServers", text("")).output(), text("primaryNameServer").output(),
			set("vpcs", object("", text("vpcId").needed(), text("vpcRegion"))).refused("there are no private zones"),
			text("zoneId").output(),
		),
		naming: &naming{property: "name", maxLength: 255},
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		reference, err := resource.NewUniqueHex("pulumi-"+c.d.Clock.Now().UTC().Format("20060102150405")+"-", 10, 0)
		if err != nil {
			return "", fmt.Errorf("making the zone's caller reference: %w", err)
		}
		out, err := c.do(ctx, "route53", "CreateHostedZone", props{"Name": in["name"], "CallerReference": reference, "HostedZoneConfig": props{"Comment": in.text("comment")}})
		if err != nil {
			return "", err
		}
		id := bareZone(out.object("HostedZone").text("Id"))
		return id, retagZone(ctx, c, id, nil, stringsOf(in["tagsAll"]))
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		out, err := c.do(ctx, "route53", "GetHostedZone", props{"Id": id})
		if err != nil {
			return nil, err
		}
		tags, err := c.do(ctx, "route53", "ListTagsForResource", props{"ResourceType": "hostedzone", "ResourceId": id})
		if err != nil {
			return nil, err
		}
		z := out.object("HostedZone")
		servers := slices.Sorted(slices.Values(out.object("DelegationSet").strings("NameServers")))
		return props{"arn": "arn:aws:route53:::hostedzone/" + id, "comment": z.object("Config").text("Comment"), "name": dnsName(z.text("Name")), "zoneId": id,
			"nameServers": servers, "primaryNameServer": servers[0], "tagsAll": tagMap(tags.object("ResourceTagSet").objects("Tags"), "Key", "Value")}, nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if ch.of("comment") {
			if _, err := c.do(ctx, "route53", "UpdateHostedZoneComment", props{"Id": ch.id, "Comment": ch.wanted.text("comment")}); err != nil {
				return err
			}
		}
		removed, added := ch.tags()
		return retagZone(ctx, c, ch.id, removed, added)
	}
	r.remove = func(ctx context.Context, c *call, id string, state props) error {
		if state.boolean("forceDestroy") {
			if err := emptyZone(ctx, c, id, state.text("name")); err != nil {
				return err
			}
		}
		_, err := c.do(ctx, "route53", "DeleteHostedZone", props{"Id": id})
		return err
	}
	return r
}

func bareZone(id string) string { return strings.TrimPrefix(id, "/hostedzone/") }

func retagZone(ctx context.Context, c *call, id string, removed []string, added map[string]string) error {
	if len(removed)+len(added) == 0 {
		return nil
	}
	req := props{"ResourceType": "hostedzone", "ResourceId": id}
	if len(removed) > 0 {
		req["RemoveTagKeys"] = removed
	}
	if len(added) > 0 {
		req["AddTags"] = tagList(asAny(added), "Key", "Value")
	}
	_, err := c.do(ctx, "route53", "ChangeTagsForResource", req)
	return err
}

// emptyZone deletes the records of a zone but those that every zone has.
func emptyZone(ctx context.Context, c *call, id, zone string) error {
	for {
		out, err := c.do(ctx, "route53", "ListResourceRecordSets", props{"HostedZoneId": id})
		if err != nil {
			return err
		}
		var changes []any
		for _, set := range out.objects("ResourceRecordSets") {
			if own := sameName(set.text("Name"), zone); own && (set.text("Type") == "NS" || set.text("Type") == "SOA") {
				continue
			}
			changes = append(changes, props{"Action": "DELETE", "ResourceRecordSet": set})
		}
		if len(changes) == 0 {
			return nil
		}
		if err := changeRecords(ctx, c, id, changes...); err != nil {
			return err
		}
	}
}

func changeRecords(ctx context.Context, c *call, zone string, changes ...any) error {
	_, err := c.do(ctx, "route53", "ChangeResourceRecordSets", props{"HostedZoneId": zone, "ChangeBatch": props{"Comment": "Managed by Pulumi", "Changes": changes}})
	return err
}

func recordType() *resourceType {
	const simple = "records are simple ones or aliases"
	r := &resourceType{
		token: "aws:route53/record:Record",
		properties: []*property{
			list("aliases", object("", boolean("evaluateTargetHealth").needed(), text("name").needed().alike(sameName), text("zoneId").needed().length(1, 32))).length(0, 1).against("records", "ttl"),
			boolean("allowOverwrite").kept().orChosen(),
			object("cidrRoutingPolicy", text("collectionId").needed(), text("locationName").needed()).refused(simple),
			list("failoverRoutingPolicies", object("", text("type").needed())).refused(simple),
			text("fqdn").output(),
			list("geolocationRoutingPolicies", object("", text("continent"), text("country"), text("subdivision"))).refused(simple),
			object("geoproximityRoutingPolicy", text("awsRegion"), integer("bias"), list("coordinates", object("", text("latitude").needed(), text("longitude").needed())), text("localZoneGroup")).refused(simple),
			text("healthCheckId").refused("there are no health checks"),
			list("latencyRoutingPolicies", object("", text("region").needed())).refused(simple),
			boolean("multivalueAnswerRoutingPolicy").refused(simple),
			text("name").needed().replaces().alike(sameName),
			set("records", text("")).against("aliases"),
			text("setIdentifier").refused(simple),
			integer("ttl").between(0, 1<<31-1).against("aliases"),
			text("type").needed().oneOf("A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT"),
			list("weightedRoutingPolicies", object("", integer("weight").needed())).refused(simple),
			text("zoneId").needed().replaces().length(1, 32),
		},
		check: func(in props) []failure {
			switch {
			case !in.has("aliases") && !in.has("records"):
				return []failure{{"records", "\"records\": one of `aliases,records` must be specified"}}
			case in.has("records") != in.has("ttl"):
				return []failure{{"ttl", "\"ttl\": all of `records,ttl` must be specified"}}
			}
			return nil
		},
		read: readRecord,
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		zone := bareZone(in.text("zoneId"))
		set, err := recordSet(ctx, c, in)
		if err != nil {
			return "", err
		}
		action := "CREATE"
		if in.boolean("allowOverwrite") {
			action = "UPSERT"
		}
		if err := changeRecords(ctx, c, zone, props{"Action": action, "ResourceRecordSet": set}); err != nil {
			return "", err
		}
		return zone + "_" + in.text("name") + "_" + in.text("type"), nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		set, err := recordSet(ctx, c, ch.wanted)
		if err != nil {
			return err
		}
		changes := []any{props{"Action": "UPSERT", "ResourceRecordSet": set}}
		if ch.of("type") { // one batch, so that the name never goes without
			old, err := recordSet(ctx, c, ch.old)
			if err != nil {
				return err
			}
			changes = []any{props{"Action": "DELETE", "ResourceRecordSet": old}, props{"Action": "CREATE", "ResourceRecordSet": set}}
		}
		return changeRecords(ctx, c, bareZone(ch.wanted.text("zoneId")), changes...)
	}
	r.remove = func(ctx context.Context, c *call, _ string, state props) error {
		set, err := findRecord(ctx, c, state)
		if err != nil || set == nil {
			return err
		}
		return changeRecords(ctx, c, bareZone(state.text("zoneId")), props{"Action": "DELETE", "ResourceRecordSet": set})
	}
	return r
}

// fqdn is a record's full name: the zone's name is added where the program leaves it out.
func fqdn(ctx context.Context, c *call, in props) (string, error) {
	out, err := c.do(ctx, "route53", "GetHostedZone", props{"Id": bareZone(in.text("zoneId"))})
	if err != nil {
		return "", err
	}
	name, zone := dnsName(in.text("name")), dnsName(out.object("HostedZone").text("Name"))
	switch {
	case name == "":
		return zone, nil
	case name == zone || strings.HasSuffix(name, "."+zone):
		return name, nil
	}
	return name + "." + zone, nil
}

func recordSet(ctx context.Context, c *call, in props) (props, error) {
	name, err := fqdn(ctx, c, in)
	if err != nil {
		return nil, err
	}
	set := props{"Name": name, "Type": in["type"]}
	if aliases := in.objects("aliases"); len(aliases) > 0 {
		set["AliasTarget"] = aliases[0].copied(props{}, "name", "DNSName", "zoneId", "HostedZoneId", "evaluateTargetHealth", "EvaluateTargetHealth")
		return set, nil
	}
	set["TTL"] = in["ttl"]
	var records []any
	for _, v := range in.strings("records") {
		if t := in.text("type"); t == "TXT" || t == "SPF" {
			v = quoted(v)
		}
		records = append(records, props{"Value": v})
	}
	set["ResourceRecords"] = records
	return set, nil
}

// quoted puts a text record's value between quotes unless it has them, as pulumi-aws does.
func quoted(v string) string {
	if strings.HasPrefix(v, `"`) && strings.HasSuffix(v, `"`) && len(v) > 1 {
		return v
	}
	return `"` + v + `"`
}

// findRecord returns the record set that a resource stands for; nil when it is gone.
func findRecord(ctx context.Context, c *call, in props) (props, error) {
	name, err := fqdn(ctx, c, in)
	if err != nil {
		return nil, err
	}
	out, err := c.do(ctx, "route53", "ListResourceRecordSets", props{"HostedZoneId": bareZone(in.text("zoneId")), "StartRecordName": name, "StartRecordType": in["type"], "MaxItems": "1"})
	if err != nil {
		return nil, err
	}
	for _, set := range out.objects("ResourceRecordSets") {
		if sameName(set.text("Name"), name) && set.text("Type") == in.text("type") {
			return set, nil
		}
	}
	return nil, nil
}

func readRecord(ctx context.Context, c *call, id string, state props) (props, error) {
	if state.text("zoneId") == "" {
		parts := strings.SplitN(id, "_", 2)
		at := -1
		if len(parts) == 2 {
			at = strings.LastIndexByte(parts[1], '_')
		}
		if at < 0 {
			return nil, errors.New("unexpected format of ID (" + id + "), expected ZONEID_RECORDNAME_TYPE")
		}
		state = props{"zoneId": parts[0], "name": parts[1][:at], "type": parts[1][at+1:]}
	}
	set, err := findRecord(ctx, c, state)
	if err != nil || set == nil {
		return nil, err
	}
	live := props{"zoneId": state["zoneId"], "name": state["name"], "type": set["Type"], "fqdn": dnsName(set.text("Name"))}
	if a := set.object("AliasTarget"); a != nil {
		alias := a.copied(props{}, "HostedZoneId", "zoneId", "EvaluateTargetHealth", "evaluateTargetHealth")
		alias["name"] = strings.TrimSuffix(a.text("DNSName"), ".")
		live["aliases"] = []any{map[string]any(alias)}
		return live, nil
	}
	live["ttl"] = set["TTL"]
	given := state.strings("records")
	var records []any
	for _, r := range set.objects("ResourceRecords") {
		v := r.text("Value")
		for _, g := range given {
			if quoted(g) == v { // the program leaves the quotes out
				v = g
			}
		}
		records = append(records, v)
	}
	live["records"] = records
	return live, nil
}

// getZoneArguments are those of getZone.
func getZoneArguments() []*property {
	return []*property{text("name"), boolean("privateZone"), stringMap("tags"), text("vpcId").refused("there are no private zones"), text("zoneId")}
}

// getZone finds the one zone that has all that is asked for.
func getZone(ctx context.Context, d *dispatch.Dispatcher, in props) (props, error) {
	c := &call{d: d}
	if (in.text("name") == "") == (in.text("zoneId") == "") && in["tags"] == nil {
		return nil, errors.New("either name or zoneId must be set")
	}
	if in.boolean("privateZone") {
		return nil, errors.New("no matching Route 53 Hosted Zone found: the embedded AWS has no private zones")
	}
	all, err := c.all(ctx, "route53", "ListHostedZones", props{}, "HostedZones", "Marker", "NextMarker")
	if err != nil {
		return nil, err
	}
	var found []props
	for _, z := range all {
		id := bareZone(z.text("Id"))
		if in.has("zoneId") && id != bareZone(in.text("zoneId")) || in.has("name") && !sameName(z.text("Name"), in.text("name")) {
			continue
		}
		live, err := zoneType().read(ctx, c, id, nil)
		if err != nil {
			return nil, err
		}
		tags := stringsOf(live["tagsAll"])
		if slices.ContainsFunc(sortedKeys(stringsOf(in["tags"])), func(k string) bool { return tags[k] != stringsOf(in["tags"])[k] }) {
			continue
		}
		found = append(found, live.copied(props{"id": id, "callerReference": z["CallerReference"], "resourceRecordSetCount": z["ResourceRecordSetCount"], "privateZone": false,
			"linkedServiceDescription": "", "linkedServicePrincipal": "", "vpcId": "", "tags": live["tagsAll"]},
			"arn", "arn", "comment", "comment", "name", "name", "nameServers", "nameServers", "primaryNameServer", "primaryNameServer", "zoneId", "zoneId"))
	}
	switch len(found) {
	case 0:
		return nil, errors.New("no matching Route 53 Hosted Zone found")
	case 1:
		return found[0], nil
	}
	return nil, errors.New("multiple Route 53 Hosted Zones matched: give zoneId")
}
