package apigateway_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/store"
)

func TestImportNamesThePlaceOfEveryProblem(t *testing.T) {
	c := newCloud(t)
	integration := func(members string) string {
		return document(`"/in":{"post":{"responses":{"200":{"description":""}},"x-amazon-apigateway-integration":{` + members + `}}}`)
	}
	for name, test := range map[string]struct{ document, want string }{
		"no JSON":            {`{`, "Invalid OpenAPI input"},
		"no version":         {`{"paths":{}}`, "neither"},
		"OpenAPI 3.1":        {`{"openapi":"3.1.0"}`, "Unsupported OpenAPI version: 3.1.0"},
		"unknown extension":  {document(`"/in":{"x-amazon-apigateway-foo":1}`), "x-amazon-apigateway-foo at path '/in' is no extension"},
		"integration type":   {integration(`"type":"smtp"`), "Unable to put integration on 'POST' for resource at path '/in': 1 validation error detected: Value 'SMTP'"},
		"integration method": {integration(`"type":"aws","uri":"arn:aws:apigateway:us-east-1:states:action/StartExecution"`), "Enumeration value for HttpMethod must be non-empty"},
		"integration uri":    {integration(`"type":"aws","httpMethod":"POST","uri":"arn:aws:states:us-east-1::x"`), "AWS ARN for integration must contain path or action"},
		"integration member": {integration(`"type":"mock","retries":3`), "x-amazon-apigateway-integration.retries is not known"},
		"timeout":            {integration(`"type":"mock","timeoutInMillis":30000`), "Timeout should be between 50 ms and 29000 ms"},
		"undeclared header":  {integration(`"type":"http","httpMethod":"GET","uri":"http://localhost/","requestParameters":{"integration.request.header.A":"method.request.header.A"}`), "Invalid mapping expression parameter specified: method.request.header.A"},
		"response header":    {integration(`"type":"mock","responses":{"default":{"statusCode":"200","responseParameters":{"method.response.header.A":"'a'"}}}`), "Invalid mapping expression parameter specified: method.response.header.A"},
		"selection pattern":  {integration(`"type":"mock","responses":{"(":{"statusCode":"200"}}`), "Invalid selection pattern specified: ("},
		"same status twice":  {integration(`"type":"mock","responses":{"1":{"statusCode":"200"},"2":{"statusCode":"200"}}`), "a second selection pattern, '2', has statusCode 200"},
		"model":              {document("", `"components":{"schemas":{"A":{"type":"wrong"}}}`), "components.schemas: Invalid model specified"},
		"dangling reference": {document("", `"components":{"schemas":{"A":{"$ref":"#/components/schemas/B"}}}`), "there is no model B"},
		"validator":          {document("", `"x-amazon-apigateway-request-validator":"none"`), "there is no request validator 'none'"},
		"gateway response":   {document("", `"x-amazon-apigateway-gateway-responses":{"TEAPOT":{}}`), "x-amazon-apigateway-gateway-responses.TEAPOT: 1 validation error detected"},
		"security":           {document(`"/in":{"get":{"security":[{"key":[]}],"responses":{}}}`), "method 'GET' of path '/in': security is not emulated"},
		"two variables":      {document(`"/{a}":{},"/{b}":{}`), "A sibling ({a}) of this resource already has a variable path part"},
		"policy":             {document("", `"x-amazon-apigateway-policy":{"Statement":[{"Effect":"Maybe"}]}`), "Invalid policy document"},
		"private":            {document("", `"x-amazon-apigateway-endpoint-configuration":{"vpcEndpointIds":["v"]}`), "VpcEndpointId can only be associated with PRIVATE"},
	} {
		e := c.fails("ImportRestApi", &apigateway.ImportRestApiInput{Body: []byte(test.document)})
		if e.Code != "BadRequestException" || !strings.Contains(e.Message, test.want) {
			t.Errorf("%s: %v, want %s", name, e, test.want)
		}
	}
	if all := call[apigateway.RestApis](c, "GetRestApis", &apigateway.PageInput{}); len(all.Items) != 0 {
		t.Errorf("%d APIs are left of imports that failed", len(all.Items))
	}
}

func TestSwagger2AndYAML(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(`swagger: "2.0"
info: {title: old, version: "1"}
definitions:
  Pet: {type: object, required: [name]}
x-amazon-apigateway-request-validators:
  body: {validateRequestBody: true, validateRequestParameters: false}
x-amazon-apigateway-request-validator: body
paths:
  /pets:
    post:
      parameters:
        - {in: body, name: pet, schema: {$ref: '#/definitions/Pet'}}
      responses:
        200: {description: ok}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses:
          default: {statusCode: 200}
`)
	if got := c.send(api, "POST", "/pets", `{"name":"x"}`); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if got := c.send(api, "POST", "/pets", `{}`); got.status != 400 {
		t.Errorf("%+v", got)
	}
	model := call[apigateway.Model](c, "GetModel", &apigateway.ModelInput{RestApiID: api, ModelName: "Pet"})
	if model.Schema != `{"type":"object","required":["name"]}` {
		t.Errorf("%+v", model)
	}
	resources := call[apigateway.Resources](c, "GetResources", &apigateway.GetResourcesInput{RestApiID: api})
	if len(resources.Items) != 2 || resources.Items[1].Path != "/pets" || resources.Items[1].ResourceMethods["POST"] == nil {
		t.Errorf("%+v", resources)
	}
}

func TestDeploymentsAndStages(t *testing.T) {
	c := newCloud(t)
	empty := call[apigateway.RestApi](c, "CreateRestApi", &apigateway.CreateRestApiInput{Name: "empty"})
	if e := c.fails("CreateDeployment", &apigateway.CreateDeploymentInput{RestApiID: empty.ID}); e.Message != "The REST API doesn't contain any methods" {
		t.Error(e)
	}
	api := c.deploy(document(`"/":{"get":` + mock("200", "one") + `}`))
	first := call[apigateway.Stage](c, "GetStage", &apigateway.StageInput{RestApiID: api, StageName: "prod"}).DeploymentID
	if e := c.fails("DeleteDeployment", &apigateway.DeploymentInput{RestApiID: api, DeploymentID: first}); e.Message != "Active stages pointing to this deployment must be moved or deleted" {
		t.Error(e)
	}
	call[apigateway.RestApi](c, "PutRestApi", &apigateway.PutRestApiInput{RestApiID: api, Mode: "overwrite", Body: []byte(document(`"/":{"get":` + mock("200", "two") + `}`))})
	if got := c.send(api, "GET", "/", ""); got.body != "one" {
		t.Errorf("a change is seen before it is deployed: %+v", got)
	}
	second := call[apigateway.Deployment](c, "CreateDeployment", &apigateway.CreateDeploymentInput{RestApiID: api}).ID
	c.patchStage(api, replace("/deploymentId", second))
	if got := c.send(api, "GET", "/", ""); got.body != "two" {
		t.Errorf("%+v", got)
	}
	c.patchStage(api, replace("/deploymentId", first))
	if got := c.send(api, "GET", "/", ""); got.body != "one" {
		t.Errorf("rolled back: %+v", got)
	}
	call[apigateway.Empty](c, "DeleteDeployment", &apigateway.DeploymentInput{RestApiID: api, DeploymentID: second})
	for _, op := range []apigateway.PatchOperation{replace("/nothing", "x"), replace("/cacheClusterEnabled", "true"), replace("/*/*/caching/enabled", "true"),
		replace("/*/*/throttling/rateLimit", "fast"), replace("/deploymentId", second), replace("/variables/a b", "x"), {Op: "paint", Path: "/description"}} {
		c.fails("UpdateStage", &apigateway.UpdateStageInput{RestApiID: api, StageName: "prod", PatchOperations: []apigateway.PatchOperation{op}})
	}
	call[apigateway.Empty](c, "DeleteStage", &apigateway.StageInput{RestApiID: api, StageName: "prod"})
	if got := c.send(api, "GET", "/", ""); got.status != 403 {
		t.Errorf("a stage that is gone: %+v", got)
	}
}

func TestTheControlPlaneSurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c := newCloudOn(t, s)
	api := c.deploy(document(`"/":{"get":` + mock("200", "$stageVariables.v") + `}`))
	c.patchStage(api, replace("/variables/v", "kept"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(path); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c = newCloudOn(t, s)
	if got := c.send(api, "GET", "/", ""); got.status != 200 || got.body != "kept" {
		t.Errorf("%+v", got)
	}
}

func TestTags(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"get":` + mock("200", "ok") + `}`))
	for _, arn := range []string{"arn:aws:apigateway:us-east-1::/restapis/" + api, "arn:aws:apigateway:us-east-1::/restapis/" + api + "/stages/prod"} {
		call[apigateway.Empty](c, "TagResource", &apigateway.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}})
		call[apigateway.Empty](c, "UntagResource", &apigateway.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
		if tags := call[apigateway.Tags](c, "GetTags", &apigateway.GetTagsInput{ResourceArn: arn}).Tags; len(tags) != 1 || tags["b"] != "2" {
			t.Errorf("%s: %v", arn, tags)
		}
	}
}
