package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// restXML are the XML namespaces of the services whose protocol is REST with XML bodies.
// https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
var restXML = map[string]string{
	"route53": "https://route53.amazonaws.com/doc/2013-04-01/",
	"s3":      "http://s3.amazonaws.com/doc/2006-03-01/",
}

// itemNames are the names of the items of lists in XML, by the list's name.
var itemNames = map[string]string{
	"NameServers": "NameServer", "HostedZones": "HostedZone", "ResourceRecordSets": "ResourceRecordSet", "ResourceRecords": "ResourceRecord",
	"Tags": "Tag", "VPCs": "VPC", "Buckets": "Bucket",
}

// flattenedXML are the lists whose items stand where the list would, under the list's own name.
var flattenedXML = map[string]bool{"Contents": true, "CommonPrefixes": true}

// rootNames are the root elements of S3's answers; those of other services are called as the action, with "Response".
var rootNames = map[string]string{
	"ListBuckets": "ListAllMyBucketsResult", "ListObjectsV2": "ListBucketResult", "GetBucketVersioning": "VersioningConfiguration",
}

// xmlNode is an element of a request.
type xmlNode struct {
	name     string
	text     []byte
	children []*xmlNode
}

var errXML = &dispatch.Error{Code: "InvalidInput", Message: "Invalid XML ; the request is not a well-formed XML document"}

func parseXML(body []byte) (*xmlNode, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	root := &xmlNode{}
	open := []*xmlNode{root}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errXML
		}
		top := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			n := &xmlNode{name: t.Name.Local}
			top.children = append(top.children, n)
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			top.text = append(top.text, t...)
		}
	}
	if len(root.children) != 1 {
		return nil, errXML
	}
	return root.children[0], nil
}

// decodeXML reads the members of a request from the children of its document's root. Members that the structure does not
// have are refused.
func decodeXML(body []byte, in any) error {
	root, err := parseXML(body)
	if err != nil {
		return err
	}
	return root.into(reflect.ValueOf(in).Elem())
}

func (n *xmlNode) into(v reflect.Value) error {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.Struct && v.Type() != timeType:
		members := membersOf(v.Type()).byName
		for _, child := range n.children {
			m, ok := members[child.name]
			if !ok {
				return dispatch.Errorf("InvalidInput", "the embedded AWS does not have the member %s in a %s", child.name, v.Type().Name())
			}
			field, err := v.FieldByIndexErr(m.index)
			if err != nil {
				return err
			}
			if err := child.into(field); err != nil {
				return err
			}
		}
		return nil
	case v.Kind() == reflect.Slice:
		for _, child := range n.children {
			item := reflect.New(v.Type().Elem()).Elem()
			if err := child.into(item); err != nil {
				return err
			}
			v.Set(reflect.Append(v, item))
		}
		return nil
	}
	if err := setText(v, n.name, string(n.text)); err != nil {
		return dispatch.Errorf("InvalidInput", "%s", dispatch.AsError(err).Message)
	}
	return nil
}

// encodeRestXML writes a response, without the members that travel elsewhere.
func encodeRestXML(service, action string, out any, elsewhere map[string]bool) ([]byte, error) {
	value, _, err := tree(reflect.ValueOf(out))
	if err != nil {
		return nil, err
	}
	root, ok := rootNames[action]
	if !ok {
		root = action + "Response"
	}
	var b bytes.Buffer
	b.WriteString(xml.Header[:len(xml.Header)-1])
	b.WriteString("<" + root + ` xmlns="` + restXML[service] + `">`)
	members, _ := value.(object)
	for _, f := range members {
		if !elsewhere[f.name] {
			writeRestXML(&b, f.name, f.value)
		}
	}
	b.WriteString("</" + root + ">")
	return b.Bytes(), nil
}

func writeRestXML(b *bytes.Buffer, name string, value any) {
	items, isList := value.(list)
	if isList && flattenedXML[name] {
		for _, item := range items {
			writeRestXML(b, name, item)
		}
		return
	}
	switch v := value.(type) {
	case object:
		b.WriteString("<" + name + ">")
		for _, f := range v {
			writeRestXML(b, f.name, f.value)
		}
	case list:
		b.WriteString("<" + name + ">")
		for _, item := range items {
			writeRestXML(b, itemNames[name], item)
		}
	default:
		element{name, ""}.write(b, value)
		return
	}
	b.WriteString("</" + name + ">")
}

// errorS3 writes an error as S3 does, whose error is the document's root.
func errorS3(requestID string, e *dispatch.Error) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	code := e.Code
	if known, ok := s3Codes[code]; ok {
		code = known
	}
	element{"Error", ""}.write(&b, object{{"Code", code}, {"Message", e.Message}, {"RequestId", requestID}})
	return b.Bytes()
}

// s3Codes are S3's codes for errors of AWS's frame.
var s3Codes = map[string]string{
	"AccessDeniedException": "AccessDenied", "ExpiredTokenException": "ExpiredToken", "UnknownOperationException": "NotImplemented",
	"UnrecognizedClientException": "InvalidAccessKeyId", "MissingAuthenticationTokenException": "AccessDenied", "InternalFailure": "InternalError",
}
