package cloudcontrol_test

import (
	"strings"
	"testing"

	"github.com/carepath/carepath/localcloud/acm"
	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/cloudcontrol"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/route53"
	"github.com/carepath/carepath/localcloud/s3"
	"github.com/carepath/carepath/localcloud/store"
)

const mapping = "AWS::ApiGatewayV2::ApiMapping"

func ask[Out any](w *world, service, action string, in any) *Out {
	w.t.Helper()
	out, err := dispatch.Do[Out](w.t.Context(), w.d, w.d.Root(), service, action, in)
	if err != nil {
		w.t.Fatalf("%s:%s: %v", service, action, err)
	}
	return out
}

// withDomain adds API Gateway with the domain api.example.com and two APIs, whose stages are "main".
func (w *world) withDomain() (one, two string) {
	w.t.Helper()
	must := func(_ any, err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	must(apigateway.New(w.d, store.Memory()))
	must(acm.New(w.d, store.Memory()))
	must(route53.New(w.d, store.Memory()))
	must(s3.New(w.d, store.Memory()))
	certificate := ask[acm.RequestCertificateOutput](w, "acm", "RequestCertificate", &acm.RequestCertificateInput{DomainName: "api.example.com", ValidationMethod: "DNS"}).CertificateArn
	zone := ask[route53.CreateHostedZoneOutput](w, "route53", "CreateHostedZone", &route53.CreateHostedZoneInput{Name: "example.com", CallerReference: "1"}).HostedZone.ID
	for _, o := range ask[acm.DescribeCertificateOutput](w, "acm", "DescribeCertificate", &acm.CertificateInput{CertificateArn: certificate}).Certificate.DomainValidationOptions {
		ask[route53.ChangeOutput](w, "route53", "ChangeResourceRecordSets", &route53.ChangeResourceRecordSetsInput{HostedZoneID: zone, ChangeBatch: route53.ChangeBatch{
			Changes: []route53.Change{{Action: "UPSERT", ResourceRecordSet: route53.ResourceRecordSet{Name: o.ResourceRecord.Name, Type: o.ResourceRecord.Type, TTL: new(int64(60)),
				ResourceRecords: []route53.ResourceRecord{{Value: o.ResourceRecord.Value}}}}}}})
	}
	ask[apigateway.DomainName](w, "apigateway", "CreateDomainName", &apigateway.CreateDomainNameInput{DomainName: "api.example.com", RegionalCertificateArn: certificate,
		EndpointConfiguration: &apigateway.EndpointConfiguration{Types: []string{"REGIONAL"}}})
	document := `{"openapi":"3.0.1","info":{"title":"t","version":"1"},"paths":{"/":{"get":{"responses":{},"x-amazon-apigateway-integration":{"type":"mock"}}}}}`
	for _, id := range []*string{&one, &two} {
		*id = ask[apigateway.RestApi](w, "apigateway", "ImportRestApi", &apigateway.ImportRestApiInput{Body: []byte(document)}).ID
		ask[apigateway.Deployment](w, "apigateway", "CreateDeployment", &apigateway.CreateDeploymentInput{RestApiID: *id, StageName: "main"})
	}
	return one, two
}

func TestLifeOfAMapping(t *testing.T) {
	w := newWorld(t)
	one, two := w.withDomain()
	desired := `{"ApiId":"` + one + `","ApiMappingKey":"a/b","DomainName":"api.example.com","Stage":"main"}`
	p := w.must("CreateResource", &cloudcontrol.CreateResourceInput{TypeName: mapping, DesiredState: desired})
	id, domain, _ := strings.Cut(p.Identifier, "|")
	if p.OperationStatus != "IN_PROGRESS" || id == "" || domain != "api.example.com" {
		t.Fatalf("%+v", p)
	}
	if now := w.must("GetResourceRequestStatus", &cloudcontrol.RequestInput{RequestToken: p.RequestToken}); now.OperationStatus != "SUCCESS" || !strings.Contains(now.ResourceModel, `"ApiMappingId":"`+id+`"`) {
		t.Errorf("%+v", now)
	}
	get := func(identifier string) string {
		t.Helper()
		return ask[cloudcontrol.GetResourceOutput](w, "cloudcontrolapi", "GetResource", &cloudcontrol.GetResourceInput{TypeName: mapping, Identifier: identifier}).ResourceDescription.Properties
	}
	is := func(want string) {
		t.Helper()
		if got := get(p.Identifier); got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
	}
	is(`{"ApiId":"` + one + `","ApiMappingId":"` + id + `","ApiMappingKey":"a/b","DomainName":"api.example.com","Stage":"main"}`)
	if got, want := get(`{"DomainName":"api.example.com","ApiMappingId":"`+id+`"}`), get(p.Identifier); got != want {
		t.Errorf("by a JSON identifier it is %s", got)
	}
	change := func(patch string) *cloudcontrol.ProgressEvent {
		t.Helper()
		return w.must("UpdateResource", &cloudcontrol.UpdateResourceInput{TypeName: mapping, Identifier: p.Identifier, PatchDocument: patch})
	}
	// The API changes in place: the mapping keeps its id.
	if u := change(`[{"op":"test","path":"/ApiId","value":"` + one + `"},{"op":"replace","path":"/ApiId","value":"` + two + `"}]`); u.OperationStatus != "SUCCESS" {
		t.Errorf("%+v", u)
	}
	is(`{"ApiId":"` + two + `","ApiMappingId":"` + id + `","ApiMappingKey":"a/b","DomainName":"api.example.com","Stage":"main"}`)
	for patch, code := range map[string]string{
		`[{"op":"replace","path":"/DomainName","value":"b.example.com"}]`: "NotUpdatable",
		`[{"op":"replace","path":"/ApiMappingId","value":"x"}]`:           "InvalidRequest",
		`[{"op":"remove","path":"/Stage"}]`:                               "InvalidRequest",
		`[{"op":"add","path":"/Colour","value":"red"}]`:                   "InvalidRequest",
		`[{"op":"test","path":"/Stage","value":"other"}]`:                 "InvalidRequest",
		`[{"op":"replace","path":"/ApiId","value":"none"}]`:               "InvalidRequest",
		`[{"op":"move","path":"/Stage","from":"/ApiId"}]`:                 "InvalidRequest",
		`{}`: "InvalidRequest",
	} {
		if u := change(patch); u.OperationStatus != "FAILED" || u.ErrorCode != code {
			t.Errorf("%s: %+v", patch, u)
		}
	}
	is(`{"ApiId":"` + two + `","ApiMappingId":"` + id + `","ApiMappingKey":"a/b","DomainName":"api.example.com","Stage":"main"}`)
	if again := w.must("CreateResource", &cloudcontrol.CreateResourceInput{TypeName: mapping, DesiredState: desired}); again.OperationStatus != "FAILED" || again.ErrorCode != "AlreadyExists" {
		t.Errorf("a second mapping of the path: %+v", again)
	}
	if u := change(`[{"op":"remove","path":"/ApiMappingKey"}]`); u.OperationStatus != "SUCCESS" {
		t.Errorf("%+v", u)
	}
	is(`{"ApiId":"` + two + `","ApiMappingId":"` + id + `","DomainName":"api.example.com","Stage":"main"}`)
	all := ask[cloudcontrol.ListResourcesOutput](w, "cloudcontrolapi", "ListResources", &cloudcontrol.ListResourcesInput{TypeName: mapping, ResourceModel: `{"DomainName":"api.example.com"}`})
	if len(all.ResourceDescriptions) != 1 || all.ResourceDescriptions[0].Identifier != p.Identifier {
		t.Errorf("%+v", all)
	}
	if _, err := w.do("ListResources", &cloudcontrol.ListResourcesInput{TypeName: mapping}); dispatch.AsError(err).Code != "InvalidRequestException" {
		t.Errorf("a list of no domain: %v", err)
	}
	if _, err := w.do("GetResource", &cloudcontrol.GetResourceInput{TypeName: mapping, Identifier: id}); dispatch.AsError(err).Code != "ValidationException" {
		t.Errorf("half an identifier: %v", err)
	}
	gone := w.must("DeleteResource", &cloudcontrol.DeleteResourceInput{TypeName: mapping, Identifier: p.Identifier})
	if now := w.must("GetResourceRequestStatus", &cloudcontrol.RequestInput{RequestToken: gone.RequestToken}); now.OperationStatus != "SUCCESS" {
		t.Errorf("%+v", now)
	}
	if _, err := w.do("GetResource", &cloudcontrol.GetResourceInput{TypeName: mapping, Identifier: p.Identifier}); dispatch.AsError(err).Code != "ResourceNotFoundException" {
		t.Errorf("after its deletion: %v", err)
	}
}
