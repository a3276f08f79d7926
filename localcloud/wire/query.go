package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// namespacesXML are the XML namespaces of the services that speak the Query protocol.
var namespacesXML = map[string]string{
	"iam":        "https://iam.amazonaws.com/doc/2010-05-08/",
	"sts":        "https://sts.amazonaws.com/doc/2011-06-15/",
	"sqs":        "http://queue.amazonaws.com/doc/2012-11-05/",
	"sns":        "http://sns.amazonaws.com/doc/2010-03-31/",
	"cloudwatch": "http://monitoring.amazonaws.com/doc/2010-08-01/",
	"route53":    restXML["route53"],
}

// queryVersions are the services of the Query protocol by the Version that requests carry.
var queryVersions = map[string]string{
	"2010-05-08": "iam", "2011-06-15": "sts", "2012-11-05": "sqs", "2010-08-01": "cloudwatch", "2010-03-31": "sns",
}

// form is a request in the Query protocol. What has been read is marked, so that what is left over can be refused.
type form struct {
	values url.Values
	used   map[string]bool
	rename map[string]string // member → its name in the form, for lists that SQS writes in the singular
}

// DecodeQuery reads a form of the Query protocol (lists as Name.member.N or Name.N, maps as Name.entry.N.key and .value)
// into a request structure. Parameters that the structure does not have are refused.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
func DecodeQuery(service, action string, values url.Values, in any) error {
	f := form{values: values, used: map[string]bool{}}
	if service == "sqs" {
		f.rename = map[string]string{
			"AttributeNames": "AttributeName", "Attributes": "Attribute", "MessageAttributes": "MessageAttribute",
			"MessageAttributeNames": "MessageAttributeName", "MessageSystemAttributes": "MessageSystemAttribute",
			"Entries": action + "RequestEntry", "Tags": "Tag", "TagKeys": "TagKey", "AWSAccountIds": "AWSAccountId", "Actions": "ActionName",
		}
	}
	if err := f.structure(reflect.ValueOf(in).Elem(), ""); err != nil {
		return err
	}
	for name := range values {
		switch {
		case f.used[name], name == "Action", name == "Version", strings.HasPrefix(name, "X-Amz-"):
		default:
			return dispatch.Errorf("ValidationError", "the embedded AWS does not have the parameter %s of %s", name, action)
		}
	}
	return nil
}

func (f *form) structure(v reflect.Value, prefix string) error {
	for _, m := range membersOf(v.Type()).order {
		name := m.name
		if singular, ok := f.rename[name]; ok {
			name = singular
		}
		field, err := v.FieldByIndexErr(m.index)
		if err != nil {
			continue
		}
		if err := f.value(field, prefix+name); err != nil {
			return err
		}
	}
	return nil
}

// has says whether there is anything at name or below it.
func (f *form) has(name string) bool {
	if f.values.Has(name) {
		return true
	}
	for key := range f.values {
		if strings.HasPrefix(key, name) && key[len(name)] == '.' {
			return true
		}
	}
	return false
}

func (f *form) value(v reflect.Value, name string) error {
	if !f.has(name) {
		return nil
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		return f.list(v, name)
	case v.Kind() == reflect.Map:
		return f.dictionary(v, name)
	case v.Kind() == reflect.Struct && v.Type() != timeType:
		return f.structure(v, name+".")
	}
	f.used[name] = true
	return setText(v, name, f.values.Get(name))
}

func (f *form) list(v reflect.Value, name string) error {
	if f.values.Has(name) { // an empty list is written so
		f.used[name] = true
	}
	if f.has(name + ".member") {
		name += ".member"
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 4))
	for i := 1; f.has(name + "." + strconv.Itoa(i)); i++ {
		item := reflect.New(v.Type().Elem()).Elem()
		if err := f.value(item, name+"."+strconv.Itoa(i)); err != nil {
			return err
		}
		v.Set(reflect.Append(v, item))
	}
	return nil
}

func (f *form) dictionary(v reflect.Value, name string) error {
	if f.has(name + ".entry") {
		name += ".entry"
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 1; f.has(name + "." + strconv.Itoa(i)); i++ {
		entry := name + "." + strconv.Itoa(i)
		for _, names := range [][2]string{{".key", ".value"}, {".Name", ".Value"}, {".Key", ".Value"}} {
			if !f.values.Has(entry + names[0]) {
				continue
			}
			f.used[entry+names[0]] = true
			value := reflect.New(v.Type().Elem()).Elem()
			if err := f.value(value, entry+names[1]); err != nil {
				return err
			}
			v.SetMapIndex(reflect.ValueOf(f.values.Get(entry+names[0])).Convert(v.Type().Key()), value)
		}
	}
	return nil
}

// encodeXML writes a response of the Query protocol.
func encodeXML(service, action, requestID string, out any) ([]byte, error) {
	value, _, err := tree(reflect.ValueOf(out))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(xml.Header[:len(xml.Header)-1])
	b.WriteString("<" + action + `Response xmlns="` + namespacesXML[service] + `">`)
	if o, ok := value.(object); ok && (len(o) > 0 || reflect.TypeOf(out).Elem().NumField() > 0) {
		result := element{action + "Result", service}
		result.write(&b, o)
	}
	b.WriteString("<ResponseMetadata><RequestId>" + requestID + "</RequestId></ResponseMetadata></" + action + "Response>")
	return b.Bytes(), nil
}

// element writes a value as an XML element.
type element struct{ name, service string }

// singular are the names of the items of lists that SQS writes without a list element around them.
var singular = map[string]string{
	"Messages": "Message", "QueueUrls": "QueueUrl", "Attributes": "Attribute", "MessageAttributes": "MessageAttribute", "Tags": "Tag",
}

func (e element) write(b *bytes.Buffer, value any) {
	inner := func(name string, value any) { element{name, e.service}.write(b, value) }
	if e.service == "sqs" && e.flattened(b, value) {
		return
	}
	b.WriteString("<" + e.name + ">")
	switch v := value.(type) {
	case object:
		for _, f := range v {
			inner(f.name, f.value)
		}
	case dictionary:
		for _, f := range v {
			inner("entry", object{{"key", f.name}, {"value", f.value}})
		}
	case list:
		for _, item := range v {
			inner("member", item)
		}
	case string:
		// A bytes.Buffer takes everything, and EscapeText has no errors of its own.
		_ = xml.EscapeText(b, []byte(v))
	case []byte:
		b.WriteString(base64.StdEncoding.EncodeToString(v))
	case time.Time:
		b.WriteString(v.UTC().Format("2006-01-02T15:04:05Z"))
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case uint64:
		b.WriteString(strconv.FormatUint(v, 10))
	case float64:
		b.WriteString(strconv.FormatFloat(v, 'f', -1, 64))
	}
	b.WriteString("</" + e.name + ">")
}

// flattened writes SQS's lists and maps, whose items stand where the list would.
func (e element) flattened(b *bytes.Buffer, value any) bool {
	name := e.name
	if one, ok := singular[name]; ok {
		name = one
	}
	switch v := value.(type) {
	case list:
		switch name {
		case "Successful":
			name = "ResultEntry"
		case "Failed":
			name = "BatchResultErrorEntry"
		}
		for _, item := range v {
			element{name, e.service}.write(b, item)
		}
	case dictionary:
		key := "Name"
		if name == "Tag" {
			key = "Key"
		}
		for _, f := range v {
			element{name, e.service}.write(b, object{{key, f.name}, {"Value", f.value}})
		}
	default:
		return false
	}
	return true
}

// queryCodes are the codes that the Query protocol has for errors of AWS's frame.
var queryCodes = map[string]string{
	"AccessDeniedException":               "AccessDenied",
	"ExpiredTokenException":               "ExpiredToken",
	"MissingAuthenticationTokenException": "MissingAuthenticationToken",
	"UnknownOperationException":           "InvalidAction",
	"UnrecognizedClientException":         "InvalidClientTokenId",
}

func errorXML(service, requestID string, e *dispatch.Error) []byte {
	code, fault := e.Code, "Sender"
	if known, ok := queryCodes[code]; ok {
		code = known
	}
	if service == "sqs" {
		code = sqsQueryCode(code)
	}
	if e.HTTPStatus() >= 500 {
		fault = "Receiver"
	}
	var b bytes.Buffer
	b.WriteString(`<ErrorResponse xmlns="` + namespacesXML[service] + `">`)
	element{"Error", ""}.write(&b, object{{"Type", fault}, {"Code", code}, {"Message", e.Message}})
	element{"RequestId", ""}.write(&b, requestID)
	b.WriteString("</ErrorResponse>")
	return b.Bytes()
}
