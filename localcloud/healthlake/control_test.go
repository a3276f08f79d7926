package healthlake_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/healthlake"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
)

func (w *world) fails(p dispatch.Principal, action string, in any) string {
	w.t.Helper()
	_, err := w.d.Do(context.Background(), p, "healthlake", action, in)
	var e *dispatch.Error
	if !errors.As(err, &e) {
		w.t.Fatalf("%s did not fail: %v", action, err)
	}
	return e.Code
}

func TestDatastores(t *testing.T) {
	w := newWorld(t, "")
	root := w.d.Root()
	in := &healthlake.CreateFHIRDatastoreInput{DatastoreTypeVersion: "R4", DatastoreName: "second", ClientToken: "once", Tags: []healthlake.Tag{{Key: "a", Value: "1"}}}
	made := do[healthlake.DatastoreStatusOutput](w, root, "CreateFHIRDatastore", in)
	arn := "arn:aws:healthlake:us-east-1:000000000000:datastore/fhir/" + made.DatastoreID
	if made.DatastoreStatus != "CREATING" || made.DatastoreArn != arn || made.DatastoreEndpoint != "http://localhost:4566/datastore/"+made.DatastoreID+"/r4/" || len(made.DatastoreID) != 32 {
		t.Errorf("%+v", made)
	}
	if again := do[healthlake.DatastoreStatusOutput](w, root, "CreateFHIRDatastore", in); again.DatastoreID != made.DatastoreID {
		t.Errorf("the client token made a second store")
	}
	w.id = made.DatastoreID
	w.want(409, "GET", "Patient", "")
	w.clock.Advance(healthlake.DefaultCreation)
	w.want(200, "GET", "Patient", "")
	described := do[healthlake.DescribeFHIRDatastoreOutput](w, root, "DescribeFHIRDatastore", &healthlake.DatastoreInput{DatastoreID: made.DatastoreID})
	if p := described.DatastoreProperties; p.DatastoreStatus != "ACTIVE" || p.DatastoreName != "second" || p.SseConfiguration.KmsEncryptionConfig.CmkType != "AWS_OWNED_KMS_KEY" {
		t.Errorf("%+v", p)
	}
	list := do[healthlake.ListFHIRDatastoresOutput](w, root, "ListFHIRDatastores", &healthlake.ListFHIRDatastoresInput{Filter: &healthlake.DatastoreFilter{DatastoreName: "second"}})
	if len(list.DatastorePropertiesList) != 1 {
		t.Errorf("%+v", list)
	}
	page := do[healthlake.ListFHIRDatastoresOutput](w, root, "ListFHIRDatastores", &healthlake.ListFHIRDatastoresInput{MaxResults: 1})
	rest := do[healthlake.ListFHIRDatastoresOutput](w, root, "ListFHIRDatastores", &healthlake.ListFHIRDatastoresInput{NextToken: page.NextToken})
	if len(page.DatastorePropertiesList) != 1 || len(rest.DatastorePropertiesList) != 1 || rest.NextToken != "" {
		t.Errorf("%+v %+v", page, rest)
	}
	do[healthlake.Empty](w, root, "TagResource", &healthlake.TagResourceInput{ResourceARN: arn, Tags: []healthlake.Tag{{Key: "b", Value: "2"}}})
	do[healthlake.Empty](w, root, "UntagResource", &healthlake.UntagResourceInput{ResourceARN: arn, TagKeys: []string{"a"}})
	if tags := do[healthlake.ListTagsForResourceOutput](w, root, "ListTagsForResource", &healthlake.ResourceARNInput{ResourceARN: arn}); fmt.Sprint(tags.Tags) != "[{b 2}]" {
		t.Errorf("%+v", tags)
	}
	do[healthlake.DatastoreStatusOutput](w, root, "DeleteFHIRDatastore", &healthlake.DeleteFHIRDatastoreInput{DatastoreID: made.DatastoreID})
	w.want(404, "GET", "Patient", "")
	if code := w.fails(root, "DescribeFHIRDatastore", &healthlake.DatastoreInput{DatastoreID: "x"}); code != "ResourceNotFoundException" {
		t.Error(code)
	}
	for _, bad := range []healthlake.CreateFHIRDatastoreInput{
		{}, {DatastoreTypeVersion: "R5"}, {DatastoreTypeVersion: "R4", DatastoreName: strings.Repeat("x", 257)},
		{DatastoreTypeVersion: "R4", PreloadDataConfig: &healthlake.PreloadDataConfig{PreloadDataType: "SYNTHEA"}},
		{DatastoreTypeVersion: "R4", IdentityProviderConfiguration: &healthlake.IdentityProviderConfiguration{AuthorizationStrategy: "SMART_ON_FHIR_V1"}},
		{DatastoreTypeVersion: "R4", SseConfiguration: &healthlake.SseConfiguration{KmsEncryptionConfig: healthlake.KmsEncryptionConfig{CmkType: "CUSTOMER_MANAGED_KMS_KEY"}}},
	} {
		if code := w.fails(root, "CreateFHIRDatastore", &bad); code != "ValidationException" {
			t.Errorf("%+v: %s", bad, code)
		}
	}
}

// role makes a role with one statement and returns a session of it.
func (w *world) role(name, statement string) dispatch.Principal {
	w.t.Helper()
	ctx, root := context.Background(), w.d.Root()
	arn := "arn:aws:iam::000000000000:role/" + name
	if _, err := w.d.Do(ctx, root, "iam", "CreateRole", &iam.CreateRoleInput{RoleName: name,
		AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.d.Do(ctx, root, "iam", "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: name, PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":` + statement + `}`}); err != nil {
		w.t.Fatal(err)
	}
	return dispatch.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/" + name + "/s", RoleARN: arn}
}

// Each interaction has its IAM action on the data store, and each caller needs the store's key, through HealthLake.
func TestAccess(t *testing.T) {
	w := newWorld(t, "")
	ctx, root := context.Background(), w.d.Root()
	key, err := dispatch.Do[kms.KeyMetadataOutput](ctx, w.d, root, "kms", "CreateKey", &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	arn := key.KeyMetadata.Arn
	w.id = w.createStore(&healthlake.CreateFHIRDatastoreInput{DatastoreTypeVersion: "R4",
		SseConfiguration: &healthlake.SseConfiguration{KmsEncryptionConfig: healthlake.KmsEncryptionConfig{CmkType: "CUSTOMER_MANAGED_KMS_KEY", KmsKeyID: arn}}})
	store := "arn:aws:healthlake:us-east-1:000000000000:datastore/fhir/" + w.id
	through := func(service string) string {
		return `{"Effect":"Allow","Action":["kms:DescribeKey","kms:Decrypt"],"Resource":"` + arn + `","Condition":{"StringEquals":{"kms:ViaService":"` + service + `.us-east-1.amazonaws.com"}}}`
	}
	reader := w.role("reader", `[{"Effect":"Allow","Action":"healthlake:SearchWithGet","Resource":"`+store+`"},`+through("healthlake")+`]`)
	keyless := w.role("keyless", `[{"Effect":"Allow","Action":"healthlake:*","Resource":"`+store+`"},`+through("s3")+`]`)
	search := &healthlake.SearchInput{Target: healthlake.Target{DatastoreID: w.id, ResourceType: "Patient"}}
	create := &healthlake.CreateResourceInput{Target: search.Target, Body: json.RawMessage(`{"resourceType":"Patient"}`)}
	do[healthlake.Response](w, reader, "SearchWithGet", search)
	for _, c := range []struct {
		p      dispatch.Principal
		action string
		in     any
	}{{reader, "SearchWithPost", search}, {reader, "CreateResource", create}, {keyless, "SearchWithGet", search}, {keyless, "CreateResource", create}} {
		if code := w.fails(c.p, c.action, c.in); code != "AccessDeniedException" {
			t.Errorf("%s as %s: %s", c.action, c.p.ARN, code)
		}
	}
	// A key that reads may not write, and one that is disabled does neither.
	writer := w.role("writer", `[{"Effect":"Allow","Action":"healthlake:*","Resource":"`+store+`"},`+through("healthlake")+`]`)
	do[healthlake.Response](w, writer, "SearchWithGet", search)
	if code := w.fails(writer, "CreateResource", create); code != "AccessDeniedException" {
		t.Error(code)
	}
	if _, err := w.d.Do(ctx, root, "kms", "DisableKey", &kms.KeyInput{KeyID: arn}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	if code := w.fails(reader, "SearchWithGet", search); code != "ValidationException" {
		t.Error(code)
	}
}

// What was answered is there after kill -9, with versions, times and idempotency keys; what was deleted is not.
func TestAcceptedResourcesSurviveKill(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	const key = "5d6ddc22-1f3c-4a7a-9f9e-8a8a6f2f5a11"
	w.put("a", `,"active":true`)
	w.put("a", `,"active":false`)
	w.put("b", "")
	w.want(204, "DELETE", "Patient/b", "")
	w.want(201, "POST", "Observation", `{"resourceType":"Observation"}`, "x-amz-fhir-idempotency-key", key)
	w.want(200, "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","id":"t"},"request":{"method":"PUT","url":"Patient/t"}}]}`)
	before := map[string]string{}
	paths := []string{"Patient/a", "Patient/a/_history/1", "Patient/t"}
	for _, p := range paths {
		before[p] = w.want(200, "GET", p, "").body
	}

	again := &world{t: t, clock: w.clock, id: w.id}
	copyFiles(t, dir, again)
	for _, p := range paths {
		if got := again.want(200, "GET", p, "").body; got != before[p] {
			t.Errorf("%s: %s, before %s", p, got, before[p])
		}
	}
	again.want(410, "GET", "Patient/b", "")
	if got := again.want(200, "GET", "Patient?_sort=_id", "").bundle(t).ids(); got != "a t" {
		t.Errorf("found %q", got)
	}
	again.want(409, "POST", "Observation", `{"resourceType":"Observation"}`, "x-amz-fhir-idempotency-key", key)
	if a := again.put("a", ""); !strings.Contains(a.body, `"versionId":"3"`) {
		t.Error(a.body)
	}
}
