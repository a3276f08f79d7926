package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func apigatewayTypes() []*resourceType {
	return []*resourceType{restAPIType(), deploymentType(), stageType(), methodSettingsType(), gatewayAccountType()}
}

// patch is one change in the API's JSON Patch.
func patch(op, path, value string) any {
	p := props{"op": op, "path": path}
	if op != "remove" {
		p["value"] = value
	}
	return p
}

// pointer writes a name as a step of a JSON pointer.
func pointer(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func (ch *change) retagGateway(ctx context.Context, c *call) error {
	return ch.retag(ctx, c, "apigateway", "resourceArn", ch.old["arn"], "tagKeys", "tags", nil)
}

func restAPIType() *resourceType {
	r := &resourceType{
		token: "aws:apigateway/restApi:RestApi",
		properties: append(tagProperties(),
			text("apiKeySource").oneOf("AUTHORIZER", "HEADER").orChosen(),
			text("arn").output(),
			list("binaryMediaTypes", text("")).orChosen(),
			text("body").kept(),
			text("createdDate").output(),
			text("description").orChosen(),
			boolean("disableExecuteApiEndpoint").orChosen(),
			object("endpointConfiguration", text("ipAddressType").oneOf("ipv4", "dualstack").orChosen(), text("types").needed().oneOf("EDGE", "REGIONAL", "PRIVATE"),
				set("vpcEndpointIds", text("")).orChosen()).orChosen(),
			text("executionArn").output(),
			boolean("failOnWarnings").kept(),
			text("minimumCompressionSize").kept().onlyAs("-1", "responses are not compressed"),
			text("name").orChosen(),
			stringMap("parameters").refused("the import of a definition takes no parameters"),
			policyText("policy").orChosen(),
			text("putRestApiMode").kept().oneOf("merge", "overwrite"),
			text("rootResourceId").output(),
		),
		naming: &naming{property: "name", maxLength: 255},
		read:   readRestAPI,
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		req := in.copied(props{}, "name", "name", "description", "description", "apiKeySource", "apiKeySource", "binaryMediaTypes", "binaryMediaTypes",
			"disableExecuteApiEndpoint", "disableExecuteApiEndpoint", "tagsAll", "tags")
		if e := in.object("endpointConfiguration"); e != nil {
			endpoint := e.copied(props{"types": []string{e.text("types")}}, "ipAddressType", "ipAddressType")
			if ids := e.strings("vpcEndpointIds"); len(ids) > 0 {
				endpoint["vpcEndpointIds"] = ids
			}
			req["endpointConfiguration"] = endpoint
		}
		api, err := c.do(ctx, "apigateway", "CreateRestApi", req)
		if err != nil {
			return "", err
		}
		id := api.text("id")
		return id, define(ctx, c, id, in, api, in.text("body") != "")
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		api, err := c.do(ctx, "apigateway", "GetRestApi", props{"restApiId": ch.id})
		if err != nil {
			return err
		}
		imports := ch.wanted.text("body") != "" && ch.of("body", "putRestApiMode", "failOnWarnings")
		if err := define(ctx, c, ch.id, ch.wanted, api, imports); err != nil {
			return err
		}
		return ch.retagGateway(ctx, c)
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "apigateway", "DeleteRestApi", props{"restApiId": id})
		return err
	}
	return r
}

// define imports the API's definition and then puts right what the program asks for and the definition does not say:
// what the program says goes before the definition.
func define(ctx context.Context, c *call, id string, in, api props, imports bool) error {
	if imports {
		mode := in.text("putRestApiMode")
		if mode == "" {
			mode = "overwrite"
		}
		var err error
		api, err = c.do(ctx, "apigateway", "PutRestApi", props{"restApiId": id, "mode": mode, "failOnWarnings": in.boolean("failOnWarnings"), "body": []byte(in.text("body"))})
		if err != nil {
			return fmt.Errorf("importing the definition of the REST API %s: %w", id, err)
		}
	}
	var patches []any
	replace := func(property string, live any) {
		if v, given := in[property]; given && !equal(text(property), v, live) {
			patches = append(patches, patch("replace", "/"+property, fmt.Sprint(v)))
		}
	}
	replace("name", api["name"])
	replace("description", api["description"])
	replace("apiKeySource", api["apiKeySource"])
	if v, given := in["disableExecuteApiEndpoint"]; given && v != api.boolean("disableExecuteApiEndpoint") {
		patches = append(patches, patch("replace", "/disableExecuteApiEndpoint", fmt.Sprint(v)))
	}
	if v, given := in["policy"]; given && !samePolicy(v, gatewayPolicy(api)) && !(isZero(v) && gatewayPolicy(api) == "") {
		patches = append(patches, patch("replace", "/policy", fmt.Sprint(v)))
	}
	if in.has("binaryMediaTypes") {
		have, want := api.strings("binaryMediaTypes"), in.strings("binaryMediaTypes")
		for _, t := range have {
			if !slices.Contains(want, t) {
				patches = append(patches, patch("remove", "/binaryMediaTypes/"+pointer(t), ""))
			}
		}
		for _, t := range want {
			if !slices.Contains(have, t) {
				patches = append(patches, patch("add", "/binaryMediaTypes/"+pointer(t), ""))
			}
		}
	}
	have := api.object("endpointConfiguration").strings("types")
	if want := in.object("endpointConfiguration").text("types"); want != "" && len(have) == 1 && have[0] != want {
		patches = append(patches, patch("replace", "/endpointConfiguration/types/"+have[0], want))
	}
	if len(patches) == 0 {
		return nil
	}
	_, err := c.do(ctx, "apigateway", "UpdateRestApi", props{"restApiId": id, "patchOperations": patches})
	return err
}

// gatewayPolicy undoes the API's second escaping of the policy.
func gatewayPolicy(api props) string {
	p := api.text("policy")
	var unescaped string
	if strings.Contains(p, `\"`) && json.Unmarshal([]byte(`"`+p+`"`), &unescaped) == nil {
		return unescaped
	}
	return p
}

func readRestAPI(ctx context.Context, c *call, id string, _ props) (props, error) {
	api, err := c.do(ctx, "apigateway", "GetRestApi", props{"restApiId": id})
	if err != nil {
		return nil, err
	}
	live := api.copied(props{"arn": "arn:aws:apigateway:" + c.d.Region + "::/restapis/" + id, "executionArn": c.d.ARN("execute-api", id), "createdDate": date(api["createdDate"]),
		"disableExecuteApiEndpoint": api.boolean("disableExecuteApiEndpoint"), "tagsAll": api["tags"]},
		"name", "name", "description", "description", "apiKeySource", "apiKeySource", "binaryMediaTypes", "binaryMediaTypes", "rootResourceId", "rootResourceId")
	if p := gatewayPolicy(api); p != "" {
		live["policy"] = p
	}
	if e := api.object("endpointConfiguration"); e != nil && len(e.strings("types")) == 1 {
		live["endpointConfiguration"] = e.copied(props{"types": e.strings("types")[0]}, "ipAddressType", "ipAddressType", "vpcEndpointIds", "vpcEndpointIds")
	}
	return live, nil
}

func (c *call) invokeURL(api, stage string) string {
	return c.endpoint + "/_aws/execute-api/" + api + "/" + stage
}

func deploymentType() *resourceType {
	noCanary := object("canarySettings", float("percentTraffic"), stringMap("stageVariableOverrides"), boolean("useStageCache")).refused("canary releases are not emulated")
	return &resourceType{
		token: "aws:apigateway/deployment:Deployment",
		properties: []*property{
			noCanary, text("createdDate").output(), text("description"), text("executionArn").output(), text("invokeUrl").output(),
			text("restApi").needed().replaces(), text("stageDescription").kept().replaces(), text("stageName").kept().replaces(),
			stringMap("triggers").kept().replaces(), stringMap("variables").kept().replaces(),
		},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			out, err := c.do(ctx, "apigateway", "CreateDeployment", in.copied(props{}, "restApi", "restApiId", "description", "description",
				"stageName", "stageName", "stageDescription", "stageDescription", "variables", "variables"))
			return out.text("id"), err
		},
		read: func(ctx context.Context, c *call, id string, state props) (props, error) {
			api := state.text("restApi")
			if api == "" {
				return nil, fmt.Errorf("a deployment cannot be imported by its id %s alone", id)
			}
			d, err := c.do(ctx, "apigateway", "GetDeployment", props{"restApiId": api, "deploymentId": id})
			if err != nil {
				return nil, err
			}
			stage := state.text("stageName")
			live := props{"restApi": api, "createdDate": date(d["createdDate"]), "executionArn": c.d.ARN("execute-api", api+"/"+stage), "invokeUrl": c.invokeURL(api, stage)}
			if v := d.text("description"); v != "" {
				live["description"] = v
			}
			return live, nil
		},
		update: func(ctx context.Context, c *call, ch *change) error {
			_, err := c.do(ctx, "apigateway", "UpdateDeployment", props{"restApiId": ch.old["restApi"], "deploymentId": ch.id,
				"patchOperations": []any{patch("replace", "/description", ch.wanted.text("description"))}})
			return err
		},
		remove: func(ctx context.Context, c *call, id string, state props) error {
			api, stage := state["restApi"], state.text("stageName")
			if stage != "" { // the stage came with the deployment, unless it has another one by now
				s, err := c.do(ctx, "apigateway", "GetStage", props{"restApiId": api, "stageName": stage})
				if err != nil && !isGone(err) {
					return err
				}
				if s.text("deploymentId") == id {
					if _, err := c.do(ctx, "apigateway", "DeleteStage", props{"restApiId": api, "stageName": stage}); err != nil {
						return err
					}
				}
			}
			_, err := c.do(ctx, "apigateway", "DeleteDeployment", props{"restApiId": api, "deploymentId": id})
			return err
		},
	}
}

func stageType() *resourceType {
	const noCache = "stages have no cache"
	r := &resourceType{
		token: "aws:apigateway/stage:Stage",
		properties: append(tagProperties(),
			object("accessLogSettings", text("destinationArn").needed().checked(isARN).alike(func(a, b any) bool {
				x, _ := a.(string)
				y, _ := b.(string)
				return strings.TrimSuffix(x, ":*") == strings.TrimSuffix(y, ":*")
			}), text("format").needed()),
			text("arn").output(),
			boolean("cacheClusterEnabled").onlyAs(false, noCache), text("cacheClusterSize").refused(noCache),
			object("canarySettings", text("deploymentId").needed(), float("percentTraffic"), stringMap("stageVariableOverrides"), boolean("useStageCache")).refused("canary releases are not emulated"),
			text("clientCertificateId").refused("client certificates are not emulated"),
			text("deployment").needed(), text("description"), text("documentationVersion").refused("documentation is not emulated"),
			text("executionArn").output(), text("invokeUrl").output(),
			text("restApi").needed().replaces(), text("stageName").needed().replaces().matching(`^[\w-]{1,128}$`, "letters, digits, hyphens and underscores, at most 128"),
			stringMap("variables"), text("webAclArn").output(), boolean("xrayTracingEnabled").defaults(false),
		),
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		api, name := in.text("restApi"), in.text("stageName")
		if _, err := c.do(ctx, "apigateway", "CreateStage", in.copied(props{}, "restApi", "restApiId", "stageName", "stageName", "deployment", "deploymentId",
			"description", "description", "variables", "variables", "xrayTracingEnabled", "tracingEnabled", "tagsAll", "tags")); err != nil {
			return "", err
		}
		id := "ags-" + api + "-" + name
		if patches := accessLogPatches(in); len(patches) > 0 {
			_, err := c.do(ctx, "apigateway", "UpdateStage", props{"restApiId": api, "stageName": name, "patchOperations": patches})
			return id, err
		}
		return id, nil
	}
	r.read = func(ctx context.Context, c *call, id string, state props) (props, error) {
		api, name, err := stageOf(id, state)
		if err != nil {
			return nil, err
		}
		s, err := c.do(ctx, "apigateway", "GetStage", props{"restApiId": api, "stageName": name})
		if err != nil {
			return nil, err
		}
		live := props{"restApi": api, "stageName": name, "arn": "arn:aws:apigateway:" + c.d.Region + "::/restapis/" + api + "/stages/" + name,
			"executionArn": c.d.ARN("execute-api", api+"/"+name), "invokeUrl": c.invokeURL(api, name), "webAclArn": "",
			"xrayTracingEnabled": s.boolean("tracingEnabled"), "tagsAll": s["tags"], "deployment": s["deploymentId"]}
		if v := s["variables"]; !isZero(v) {
			live["variables"] = v
		}
		if v := s.text("description"); v != "" {
			live["description"] = v
		}
		if l := s.object("accessLogSettings"); l.text("destinationArn") != "" {
			live["accessLogSettings"] = l.copied(props{}, "destinationArn", "destinationArn", "format", "format")
		}
		return live, nil
	}
	r.update = updateStage
	r.remove = func(ctx context.Context, c *call, id string, state props) error {
		_, err := c.do(ctx, "apigateway", "DeleteStage", props{"restApiId": state["restApi"], "stageName": state["stageName"]})
		return err
	}
	return r
}

// stageOf tells a stage's API and name, from the state or from the id under which it is imported: <api>/<stage>.
func stageOf(id string, state props) (api, name string, err error) {
	if api, name = state.text("restApi"), state.text("stageName"); api != "" {
		return api, name, nil
	}
	api, name, ok := strings.Cut(id, "/")
	if !ok {
		return "", "", fmt.Errorf("%q does not name a stage: <REST API id>/<stage name>", id)
	}
	return api, name, nil
}

func accessLogPatches(in props) []any {
	l := in.object("accessLogSettings")
	if l == nil {
		return nil
	}
	return []any{patch("replace", "/accessLogSettings/destinationArn", l.text("destinationArn")), patch("replace", "/accessLogSettings/format", l.text("format"))}
}

func updateStage(ctx context.Context, c *call, ch *change) error {
	var patches []any
	for property, path := range map[string]string{"deployment": "/deploymentId", "description": "/description"} {
		if ch.of(property) {
			patches = append(patches, patch("replace", path, ch.wanted.text(property)))
		}
	}
	if ch.of("xrayTracingEnabled") {
		patches = append(patches, patch("replace", "/tracingEnabled", strconv.FormatBool(ch.wanted.boolean("xrayTracingEnabled"))))
	}
	if ch.of("accessLogSettings") {
		added := accessLogPatches(ch.wanted)
		if added == nil {
			added = []any{patch("remove", "/accessLogSettings", "")}
		}
		patches = append(patches, added...)
	}
	before, after := stringsOf(ch.old["variables"]), stringsOf(ch.wanted["variables"])
	for _, k := range sortedKeys(before) {
		if _, still := after[k]; !still {
			patches = append(patches, patch("remove", "/variables/"+pointer(k), ""))
		}
	}
	for _, k := range sortedKeys(after) {
		if was, had := before[k]; !had || was != after[k] {
			patches = append(patches, patch("replace", "/variables/"+pointer(k), after[k]))
		}
	}
	if len(patches) > 0 {
		if _, err := c.do(ctx, "apigateway", "UpdateStage", props{"restApiId": ch.old["restApi"], "stageName": ch.old["stageName"], "patchOperations": patches}); err != nil {
			return err
		}
	}
	return ch.retagGateway(ctx, c)
}

// methodSettings are the settings that are emulated, with their paths in a patch.
var methodSettings = []struct{ property, path string }{
	{"cachingEnabled", "caching/enabled"},
	{"dataTraceEnabled", "logging/dataTrace"},
	{"loggingLevel", "logging/loglevel"},
	{"metricsEnabled", "metrics/enabled"},
	{"throttlingBurstLimit", "throttling/burstLimit"},
	{"throttlingRateLimit", "throttling/rateLimit"},
}

func methodSettingsType() *resourceType {
	const noCache = "stages have no cache"
	r := &resourceType{
		token: "aws:apigateway/methodSettings:MethodSettings",
		properties: []*property{
			text("methodPath").needed().replaces(), text("restApi").needed().replaces(), text("stageName").needed().replaces(),
			object("settings",
				boolean("cacheDataEncrypted").refused(noCache), integer("cacheTtlInSeconds").refused(noCache), boolean("cachingEnabled").onlyAs(false, noCache).orChosen(),
				boolean("dataTraceEnabled").orChosen(), text("loggingLevel").oneOf("OFF", "ERROR", "INFO").orChosen(), boolean("metricsEnabled").orChosen(),
				boolean("requireAuthorizationForCacheControl").refused(noCache),
				integer("throttlingBurstLimit").defaults(-1), float("throttlingRateLimit").defaults(-1),
				text("unauthorizedCacheControlHeaderStrategy").refused(noCache)).needed(),
		},
	}
	put := func(ctx context.Context, c *call, in props) error {
		var patches []any
		settings := in.object("settings")
		for _, s := range methodSettings {
			if v, given := settings[s.property]; given {
				value := attributeText(v)
				patches = append(patches, patch("replace", "/"+in.text("methodPath")+"/"+s.path, value))
			}
		}
		_, err := c.do(ctx, "apigateway", "UpdateStage", props{"restApiId": in["restApi"], "stageName": in["stageName"], "patchOperations": patches})
		return err
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		if err := put(ctx, c, in); err != nil {
			return "", err
		}
		return in.text("restApi") + "-" + in.text("stageName") + "-" + in.text("methodPath"), nil
	}
	r.read = func(ctx context.Context, c *call, id string, state props) (props, error) {
		if state.text("restApi") == "" { // an import: <api>/<stage>/<method path>
			parts := strings.SplitN(id, "/", 3)
			if len(parts) < 3 {
				return nil, fmt.Errorf("%q does not name method settings: <REST API id>/<stage name>/<method path>", id)
			}
			state = props{"restApi": parts[0], "stageName": parts[1], "methodPath": parts[2]}
		}
		stage, err := c.do(ctx, "apigateway", "GetStage", props{"restApiId": state["restApi"], "stageName": state["stageName"]})
		if err != nil {
			return nil, err
		}
		live := stage.object("methodSettings").object(state.text("methodPath"))
		if live == nil {
			return nil, nil
		}
		settings := map[string]any{}
		for _, s := range methodSettings {
			if v, told := live[s.property]; told {
				settings[s.property] = v
			}
		}
		return props{"restApi": state["restApi"], "stageName": state["stageName"], "methodPath": state["methodPath"], "settings": settings}, nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error { return put(ctx, c, ch.wanted) }
	r.remove = func(ctx context.Context, c *call, id string, state props) error {
		_, err := c.do(ctx, "apigateway", "UpdateStage", props{"restApiId": state["restApi"], "stageName": state["stageName"],
			"patchOperations": []any{patch("remove", "/"+state.text("methodPath"), "")}})
		return err
	}
	return r
}

// gatewayAccountType are API Gateway's settings for the account and region: there is one of them, always.
func gatewayAccountType() *resourceType {
	use := func(ctx context.Context, c *call, role string) error {
		_, err := c.do(ctx, "apigateway", "UpdateAccount", props{"patchOperations": []any{patch("replace", "/cloudwatchRoleArn", role)}})
		return err
	}
	return &resourceType{
		token: "aws:apigateway/account:Account",
		properties: []*property{
			text("apiKeyVersion").output(), text("cloudwatchRoleArn").orChosen(), set("features", text("")).output(), boolean("resetOnDelete").kept(),
			list("throttleSettings", object("", integer("burstLimit"), float("rateLimit"))).output(),
		},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			if err := use(ctx, c, in.text("cloudwatchRoleArn")); err != nil {
				return "", err
			}
			return "api-gateway-account", nil
		},
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			a, err := c.do(ctx, "apigateway", "GetAccount", nil)
			if err != nil {
				return nil, err
			}
			return props{"apiKeyVersion": a["apiKeyVersion"], "cloudwatchRoleArn": a.text("cloudwatchRoleArn"), "features": a["features"],
				"throttleSettings": []any{map[string]any(a.object("throttleSettings"))}}, nil
		},
		update: func(ctx context.Context, c *call, ch *change) error {
			return use(ctx, c, ch.wanted.text("cloudwatchRoleArn"))
		},
		remove: func(ctx context.Context, c *call, id string, state props) error {
			if !state.boolean("resetOnDelete") {
				return nil
			}
			return use(ctx, c, "")
		},
	}
}
