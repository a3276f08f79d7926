package graph

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// made is what is made up for a resource, for the program to go on with: it has the form that AWS gives such values, so that
// what parses them does.
type made struct {
	partition, region, account string
	hash                       string // 32 hexadecimal digits, of the resource's URN
	name                       string // physical
	inputs                     resource.PropertyMap
}

func (v *made) input(name string) string {
	if p := v.inputs[resource.PropertyKey(name)]; p.IsString() {
		return p.StringValue()
	}
	return ""
}

// arn is one of the account and region.
func (v *made) arn(service, rest string) string {
	return strings.Join([]string{"arn", v.partition, service, v.region, v.account, rest}, ":")
}

// letters are n lower-case letters and digits, as the ids of many services.
func (v *made) letters(n int) string { return v.hash[:n] }

// outputs are what a type has besides its inputs; "id" is its id.
var outputs = map[string]func(v *made) map[string]string{
	"aws:acm/certificate:Certificate": func(v *made) map[string]string {
		arn := v.arn("acm", "certificate/"+v.hash)
		return map[string]string{"id": arn, "arn": arn}
	},
	"aws:acm/certificateValidation:CertificateValidation": func(v *made) map[string]string {
		return map[string]string{"certificateArn": v.input("certificateArn")}
	},
	"aws:apigateway/deployment:Deployment": func(v *made) map[string]string {
		return map[string]string{"id": v.letters(6)}
	},
	"aws:apigateway/domainName:DomainName": func(v *made) map[string]string {
		return map[string]string{
			"id": v.input("domainName"), "regionalDomainName": "d-" + v.letters(10) + ".execute-api." + v.region + ".amazonaws.com", "regionalZoneId": "Z" + strings.ToUpper(v.letters(13)),
			"cloudfrontDomainName": "d" + v.letters(13) + ".cloudfront.net", "cloudfrontZoneId": "Z2FDTNDATAQYW2",
		}
	},
	"aws:apigateway/restApi:RestApi": func(v *made) map[string]string {
		id := v.letters(10)
		return map[string]string{
			"id": id, "executionArn": v.arn("execute-api", id), "rootResourceId": "r" + v.letters(9),
			"arn": fmt.Sprintf("arn:%s:apigateway:%s::/restapis/%s", v.partition, v.region, id),
		}
	},
	"aws:apigateway/stage:Stage": func(v *made) map[string]string {
		api, stage := v.input("restApi"), v.input("stageName")
		return map[string]string{
			"id": "ags-" + api + "-" + stage, "invokeUrl": "https://" + api + ".execute-api." + v.region + ".amazonaws.com/" + stage,
			"executionArn": v.arn("execute-api", api+"/"+stage), "arn": fmt.Sprintf("arn:%s:apigateway:%s::/restapis/%s/stages/%s", v.partition, v.region, api, stage),
		}
	},
	"aws:cloudcontrol/resource:Resource": func(v *made) map[string]string {
		if v.input("typeName") != "AWS::HealthLake::FHIRDatastore" {
			return map[string]string{"id": v.hash}
		}
		id := v.hash
		return map[string]string{"id": id, "properties": jsonText(map[string]any{
			"DatastoreId": id, "DatastoreArn": v.arn("healthlake", "datastore/fhir/"+id), "DatastoreStatus": "ACTIVE",
			"DatastoreEndpoint": "https://healthlake." + v.region + ".amazonaws.com/datastore/" + id + "/r4/",
		})}
	},
	"aws:cloudwatch/eventBus:EventBus":         arnOf("events", "event-bus/"),
	"aws:cloudwatch/eventArchive:EventArchive": arnOf("events", "archive/"),
	"aws:cloudwatch/eventRule:EventRule": func(v *made) map[string]string {
		bus := v.input("eventBusName")
		if bus != "" && bus != "default" {
			bus += "/"
		} else {
			bus = ""
		}
		return map[string]string{"id": v.name, "arn": v.arn("events", "rule/"+bus+v.name)}
	},
	"aws:cloudwatch/logGroup:LogGroup":       arnOf("logs", "log-group:"),
	"aws:cloudwatch/metricAlarm:MetricAlarm": arnOf("cloudwatch", "alarm:"),
	"aws:cloudwatch/dashboard:Dashboard": func(v *made) map[string]string {
		name := cmp.Or(v.input("dashboardName"), v.name)
		return map[string]string{"id": name, "dashboardArn": fmt.Sprintf("arn:%s:cloudwatch::%s:dashboard/%s", v.partition, v.account, name)}
	},
	"aws:cloudtrail/trail:Trail": arnOf("cloudtrail", "trail/"),
	"aws:cognito/userPool:UserPool": func(v *made) map[string]string {
		id := v.region + "_" + v.letters(9)
		return map[string]string{"id": id, "arn": v.arn("cognito-idp", "userpool/"+id), "endpoint": "cognito-idp." + v.region + ".amazonaws.com/" + id}
	},
	"aws:cognito/userPoolClient:UserPoolClient": func(v *made) map[string]string {
		return map[string]string{"id": v.letters(26)}
	},
	"aws:dynamodb/table:Table": func(v *made) map[string]string {
		arn := v.arn("dynamodb", "table/"+v.name)
		return map[string]string{"id": v.name, "arn": arn, "streamArn": arn + "/stream/2020-01-01T00:00:00.000"}
	},
	"aws:iam/openIdConnectProvider:OpenIdConnectProvider": func(v *made) map[string]string {
		arn := "arn:" + v.partition + ":iam::" + v.account + ":oidc-provider/" + strings.TrimPrefix(v.input("url"), "https://")
		return map[string]string{"id": arn, "arn": arn}
	},
	"aws:iam/policy:Policy": func(v *made) map[string]string {
		arn := "arn:" + v.partition + ":iam::" + v.account + ":policy" + cmp.Or(v.input("path"), "/") + v.name
		return map[string]string{"id": arn, "arn": arn}
	},
	"aws:iam/role:Role": func(v *made) map[string]string {
		return map[string]string{
			"id": v.name, "arn": "arn:" + v.partition + ":iam::" + v.account + ":role" + cmp.Or(v.input("path"), "/") + v.name, "uniqueId": "AROA" + strings.ToUpper(v.letters(17)),
		}
	},
	"aws:kms/key:Key": func(v *made) map[string]string {
		h := v.hash
		id := strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:32]}, "-")
		return map[string]string{"id": id, "keyId": id, "arn": v.arn("kms", "key/"+id)}
	},
	"aws:kms/alias:Alias": arnOf("kms", ""),
	"aws:lambda/function:Function": func(v *made) map[string]string {
		arn := v.arn("lambda", "function:"+v.name)
		return map[string]string{
			"id": v.name, "arn": arn, "qualifiedArn": arn + ":$LATEST",
			"invokeArn": fmt.Sprintf("arn:%s:apigateway:%s:lambda:path/2015-03-31/functions/%s/invocations", v.partition, v.region, arn),
		}
	},
	"aws:pipes/pipe:Pipe":       arnOf("pipes", "pipe/"),
	"aws:route53/record:Record": func(v *made) map[string]string { return map[string]string{"fqdn": v.input("name")} },
	"aws:route53/zone:Zone":     zoneOutputs,
	"aws:s3/bucket:Bucket":      bucketOutputs,
	"aws:s3/bucketV2:BucketV2":  bucketOutputs,
	"aws:scheduler/schedule:Schedule": func(v *made) map[string]string {
		group := cmp.Or(v.input("groupName"), "default")
		return map[string]string{"id": group + "/" + v.name, "arn": v.arn("scheduler", "schedule/"+group+"/"+v.name)}
	},
	"aws:schemas/registry:Registry": arnOf("schemas", "registry/"),
	"aws:sfn/stateMachine:StateMachine": func(v *made) map[string]string {
		arn := v.arn("states", "stateMachine:"+v.name)
		return map[string]string{"id": arn, "arn": arn}
	},
	"aws:sns/topic:Topic": func(v *made) map[string]string {
		arn := v.arn("sns", v.name)
		return map[string]string{"id": arn, "arn": arn}
	},
	"aws:sqs/queue:Queue": func(v *made) map[string]string {
		url := "https://sqs." + v.region + ".amazonaws.com/" + v.account + "/" + v.name
		return map[string]string{"id": url, "url": url, "arn": v.arn("sqs", v.name)}
	},
}

func zoneOutputs(v *made) map[string]string {
	id := "Z" + strings.ToUpper(v.letters(13))
	return map[string]string{"id": id, "zoneId": id, "arn": "arn:" + v.partition + ":route53:::hostedzone/" + id}
}

func bucketOutputs(v *made) map[string]string {
	name := cmp.Or(v.input("bucket"), v.name)
	return map[string]string{
		"id": name, "bucket": name, "arn": "arn:" + v.partition + ":s3:::" + name,
		"bucketDomainName": name + ".s3.amazonaws.com", "bucketRegionalDomainName": name + ".s3." + v.region + ".amazonaws.com",
	}
}

// arnOf is for types whose id is their name.
func arnOf(service, prefix string) func(v *made) map[string]string {
	return func(v *made) map[string]string {
		return map[string]string{"id": v.name, "arn": v.arn(service, prefix+v.name)}
	}
}

// lookups are the functions of providers that have an answer without live data.
var lookups = map[string]struct {
	assumed string
	answer  func(args resource.PropertyMap) resource.PropertyMap
}{
	"aws:apigateway/getDomainName:getDomainName": {"the domain is taken to be REGIONAL with TLS_1_2", func(args resource.PropertyMap) resource.PropertyMap {
		return resource.PropertyMap{
			"domainName": args["domainName"], "securityPolicy": resource.NewProperty("TLS_1_2"),
			"regionalDomainName": resource.NewProperty(UnknownText), "regionalZoneId": resource.NewProperty(UnknownText),
			"endpointConfigurations": resource.NewProperty([]resource.PropertyValue{resource.NewProperty(resource.PropertyMap{
				"types": resource.NewProperty([]resource.PropertyValue{resource.NewProperty("REGIONAL")}),
			})}),
		}
	}},
}

// answer makes up a resource's id and outputs, and remembers what they refer to. What is not among them is unknown to the program.
func (m *monitor) answer(r *Resource, id string) (string, resource.PropertyMap) {
	sum := sha256.Sum256([]byte(r.URN))
	v := &made{partition: "aws", region: m.graph.Region, account: m.graph.AccountID, hash: hex.EncodeToString(sum[:16]), inputs: r.Inputs}
	switch {
	case strings.HasPrefix(v.region, "cn-"):
		v.partition = "aws-cn"
	case strings.HasPrefix(v.region, "us-gov-"):
		v.partition = "aws-us-gov"
	}
	if strings.Contains(r.Provider, "::aws-us-east-1") {
		v.region = "us-east-1"
	}
	v.name = cmp.Or(v.input("name"), v.input("namePrefix")+v.hash[:26])
	if v.input("name") == "" && v.input("namePrefix") == "" {
		v.name = r.Name + "-" + v.hash[:7]
	}
	out := r.Inputs.Copy()
	if r.Component {
		return "", out
	}
	texts := map[string]string{"id": r.Name + "-" + v.hash}
	if f := outputs[r.Type]; f != nil {
		maps.Copy(texts, f(v))
	} else if service, kind, ok := cutToken(r.Type); ok {
		texts["arn"] = v.arn(service, strings.ToLower(kind)+"/"+v.name)
	}
	if id != "" {
		texts["id"] = id
	}
	if _, given := r.Inputs["name"]; !given {
		texts["name"] = v.name
	}
	if r.Type == "aws:acm/certificate:Certificate" {
		out["domainValidationOptions"] = resource.NewProperty([]resource.PropertyValue{resource.NewProperty(resource.PropertyMap{
			"resourceRecordName": resource.NewProperty("_" + v.hash + "." + v.input("domainName")), "resourceRecordType": resource.NewProperty("CNAME"),
			"resourceRecordValue": resource.NewProperty("_" + v.hash + ".acm-validations.aws."),
		})})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, property := range slices.SortedFunc(maps.Keys(texts), byTelling) {
		text := texts[property]
		if property == "properties" {
			m.remember(r, text)
		} else if strings.Contains(strings.ToLower(text), v.hash[:6]) || strings.HasPrefix(text, "arn:") {
			m.refer(text, reference(r, property))
		}
		if property != "id" {
			out[resource.PropertyKey(property)] = resource.NewProperty(text)
		}
	}
	return texts["id"], out
}

// byTelling puts the properties first that say more than "id" where both are the same.
func byTelling(a, b string) int {
	last := func(property string) int {
		if property == "id" {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(last(a), last(b)), strings.Compare(a, b))
}

// refer remembers what a text stands for. Where several properties are the same text the first counts.
func (m *monitor) refer(text, reference string) {
	if _, ok := m.symbols[text]; !ok {
		m.symbols[text] = reference
	}
}

// remember does it for the members of a Cloud Control resource's properties.
func (m *monitor) remember(r *Resource, properties string) {
	var members map[string]string
	if err := json.Unmarshal([]byte(properties), &members); err != nil {
		return // it is not made of texts alone
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if len(members[name]) > 10 {
			m.refer(members[name], reference(r, name))
		}
	}
}

// reference is how a resource's property is shown.
func reference(r *Resource, property string) string {
	service, kind, _ := cutToken(r.Type)
	return "${" + service + "." + kind + ":" + r.Name + "." + property + "}"
}

// cutToken returns the service and the kind of a type such as "aws:sqs/queue:Queue".
func cutToken(token string) (service, kind string, ok bool) {
	parts := strings.Split(token, ":")
	if len(parts) != 3 {
		return "", token, false
	}
	service, _, _ = strings.Cut(parts[1], "/")
	return service, parts[2], true
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic("graph: " + err.Error()) // texts only
	}
	return string(text)
}

// referrer puts references in the place of made-up values.
type referrer struct{ *strings.Replacer }

func (m *monitor) replacer() referrer {
	texts := slices.SortedFunc(maps.Keys(m.symbols), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	var pairs []string
	for _, text := range texts {
		pairs = append(pairs, text, m.symbols[text])
	}
	return referrer{strings.NewReplacer(pairs...)}
}

func (f referrer) object(object resource.PropertyMap) resource.PropertyMap {
	out := resource.PropertyMap{}
	for key, value := range object {
		out[key] = f.value(value)
	}
	return out
}

func (f referrer) value(v resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsString():
		return resource.NewProperty(f.Replace(v.StringValue()))
	case v.IsObject():
		return resource.NewProperty(f.object(v.ObjectValue()))
	case v.IsArray():
		items := make([]resource.PropertyValue, len(v.ArrayValue()))
		for i, item := range v.ArrayValue() {
			items[i] = f.value(item)
		}
		return resource.NewProperty(items)
	case v.IsSecret():
		return resource.MakeSecret(f.value(v.SecretValue().Element))
	}
	return v
}
