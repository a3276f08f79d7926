package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
)

func lambdaTypes() []*resourceType {
	return []*resourceType{functionType(), permissionType(), invocationType()}
}

func functionType() *resourceType {
	const (
		noBuckets  = "there is no S3: give the deployment package as `code`, a FileArchive or AssetArchive"
		noImages   = "there are no container images: use packageType Zip with `code`"
		noVPC      = "there are no VPCs"
		noVersions = "versions of functions are not emulated"
	)
	levels := []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
	return &resourceType{
		token: "aws:lambda/function:Function",
		properties: append(tagProperties(),
			list("architectures", text("").oneOf("x86_64", "arm64")).length(0, 1).orChosen(),
			text("arn").output(),
			archived("code").kept(),
			text("codeSha256").output().changesWith("code", "sourceCodeHash"),
			text("codeSigningConfigArn").refused("code signing is not emulated"),
			object("deadLetterConfig", text("targetArn").needed()).refused("asynchronous invocations have no dead-letter target"),
			text("description").length(0, 256),
			object("environment", stringMap("variables")),
			object("ephemeralStorage", integer("size").between(512, 10240).orChosen()).orChosen(),
			object("fileSystemConfig", text("arn").needed(), text("localMountPath").needed()).refused("there is no EFS"),
			text("handler").length(1, 128),
			object("imageConfig", list("commands", text("")), list("entryPoints", text("")), text("workingDirectory")).refused(noImages),
			text("imageUri").refused(noImages),
			text("invokeArn").output(),
			text("kmsKeyArn").checked(isARN),
			text("lastModified").output().changesWith(),
			list("layers", text("")).refused("layers are not emulated"),
			object("loggingConfig", text("applicationLogLevel").oneOf(levels...).orChosen(), text("logFormat").needed().oneOf("Text", "JSON"), text("logGroup").orChosen(),
				text("systemLogLevel").oneOf("DEBUG", "INFO", "WARN").orChosen()).orChosen(),
			integer("memorySize").defaults(128).between(128, 10240),
			text("name").orChosen().replaces().length(1, 64).matching(`^[\w-]+$`, "letters, digits, hyphens and underscores"),
			text("packageType").replaces().defaults("Zip").onlyAs("Zip", noImages),
			boolean("publish").kept().defaults(false).onlyAs(false, noVersions),
			text("qualifiedArn").output(), text("qualifiedInvokeArn").output(),
			boolean("replaceSecurityGroupsOnDestroy").onlyAs(false, noVPC), list("replacementSecurityGroupIds", text("")).refused(noVPC),
			integer("reservedConcurrentExecutions").defaults(-1).between(-1, 1000),
			text("role").needed().checked(isARN),
			text("runtime"),
			text("s3Bucket").refused(noBuckets), text("s3Key").refused(noBuckets), text("s3ObjectVersion").refused(noBuckets),
			text("signingJobArn").output(), text("signingProfileVersionArn").output(),
			boolean("skipDestroy").kept().defaults(false),
			object("snapStart", text("applyOn").needed(), text("optimizationStatus")).refused(noVersions),
			text("sourceCodeHash").orChosen().changesWith("code"), integer("sourceCodeSize").output().changesWith("code", "sourceCodeHash"),
			integer("timeout").defaults(3).between(1, 900),
			object("tracingConfig", text("mode").needed().oneOf("Active", "PassThrough")).orChosen(),
			text("version").output(),
			object("vpcConfig", boolean("ipv6AllowedForDualStack"), list("securityGroupIds", text("")), list("subnetIds", text("")), text("vpcId")).refused(noVPC),
		),
		naming: &naming{property: "name", maxLength: 64},
		check: func(in props) []failure {
			var all []failure
			if !in.has("code") {
				all = append(all, failure{"code", "one of `code`, `s3Bucket` or `imageUri` must be specified, and the embedded AWS emulates `code` only"})
			}
			for _, name := range []string{"handler", "runtime"} {
				if !in.has(name) {
					all = append(all, failure{name, name + " must be set when packageType is Zip"})
				}
			}
			return all
		},
		create: createFunction,
		read:   readFunction,
		update: updateFunction,
		remove: func(ctx context.Context, c *call, id string, state props) error {
			if state.boolean("skipDestroy") {
				return nil
			}
			_, err := c.do(ctx, "lambda", "DeleteFunction", props{"FunctionName": id})
			return err
		},
	}
}

// functionMembers are a function's settings by the API's name, for creation and for changes of them alike.
var functionMembers = []string{"description", "Description", "handler", "Handler", "kmsKeyArn", "KMSKeyArn", "memorySize", "MemorySize", "role", "Role",
	"runtime", "Runtime", "timeout", "Timeout"}

func functionConfiguration(in, req props) props {
	in.copied(req, functionMembers...)
	if e := in.object("environment"); e != nil {
		req["Environment"] = props{"Variables": stringsOf(e["variables"])}
	}
	if s := in.object("ephemeralStorage"); s != nil {
		req["EphemeralStorage"] = s.copied(props{}, "size", "Size")
	}
	if l := in.object("loggingConfig"); l != nil {
		req["LoggingConfig"] = l.copied(props{}, "applicationLogLevel", "ApplicationLogLevel", "logFormat", "LogFormat", "logGroup", "LogGroup", "systemLogLevel", "SystemLogLevel")
	}
	if t := in.object("tracingConfig"); t != nil {
		req["TracingConfig"] = t.copied(props{}, "mode", "Mode")
	}
	return req
}

func createFunction(ctx context.Context, c *call, in props) (string, error) {
	id := in.text("name")
	code, err := zipped(in["code"])
	if err != nil {
		return "", err
	}
	req := functionConfiguration(in, props{"FunctionName": id, "Code": props{"ZipFile": code}, "PackageType": "Zip", "Tags": in["tagsAll"]})
	in.copied(req, "architectures", "Architectures")
	if _, err := c.do(ctx, "lambda", "CreateFunction", req); err != nil {
		return "", err
	}
	if in.number("reservedConcurrentExecutions") >= 0 {
		return id, reserve(ctx, c, id, in)
	}
	return id, nil
}

func reserve(ctx context.Context, c *call, id string, in props) error {
	action, req := "DeleteFunctionConcurrency", props{"FunctionName": id}
	if n := in.number("reservedConcurrentExecutions"); n >= 0 {
		action, req["ReservedConcurrentExecutions"] = "PutFunctionConcurrency", n
	}
	_, err := c.do(ctx, "lambda", action, req)
	return err
}

// zipped returns an archive as a ZIP file, byte for byte the same for the same content.
func zipped(v any) ([]byte, error) {
	a, ok := v.(*archive.Archive)
	switch {
	case !ok:
		return nil, errors.New("the function has no code")
	case a.IsURI():
		return nil, fmt.Errorf("the embedded AWS fetches no code from %s: download it and use a FileArchive", a.URI)
	case a.IsPath():
		if _, err := os.Stat(a.Path); err != nil {
			if wd, wdErr := os.Getwd(); wdErr == nil && !filepath.IsAbs(a.Path) {
				return nil, fmt.Errorf("reading the function's code: %w (below %s: give an absolute path)", err, wd)
			}
			return nil, fmt.Errorf("reading the function's code: %w", err)
		}
	}
	var b bytes.Buffer
	if err := a.Archive(archive.ZIPArchive, &b); err != nil {
		return nil, fmt.Errorf("reading the function's code: %w", err)
	}
	return b.Bytes(), nil
}

func readFunction(ctx context.Context, c *call, id string, _ props) (props, error) {
	out, err := c.do(ctx, "lambda", "GetFunction", props{"FunctionName": id})
	if err != nil {
		return nil, err
	}
	f := out.object("Configuration")
	arn := f.text("FunctionArn")
	invoke := func(arn string) string {
		return "arn:aws:apigateway:" + c.d.Region + ":lambda:path/2015-03-31/functions/" + arn + "/invocations"
	}
	qualified := arn + ":" + f.text("Version")
	live := props{"arn": arn, "invokeArn": invoke(arn), "qualifiedArn": qualified, "qualifiedInvokeArn": invoke(qualified), "reservedConcurrentExecutions": float64(-1),
		"signingJobArn": f.text("SigningJobArn"), "signingProfileVersionArn": f.text("SigningProfileVersionArn"), "sourceCodeHash": f["CodeSha256"], "tagsAll": out["Tags"]}
	f.copied(live, "FunctionName", "name", "Architectures", "architectures", "CodeSha256", "codeSha256", "LastModified", "lastModified", "CodeSize", "sourceCodeSize",
		"Version", "version", "PackageType", "packageType")
	for i := 0; i < len(functionMembers); i += 2 {
		if v := f[functionMembers[i+1]]; !isZero(v) {
			live[functionMembers[i]] = v
		}
	}
	if v := f.object("Environment")["Variables"]; !isZero(v) {
		live["environment"] = map[string]any{"variables": v}
	}
	if s := f.object("EphemeralStorage"); s != nil {
		live["ephemeralStorage"] = s.copied(props{}, "Size", "size")
	}
	if l := f.object("LoggingConfig"); l != nil {
		logging := props{}
		for ours, theirs := range map[string]string{"applicationLogLevel": "ApplicationLogLevel", "logFormat": "LogFormat", "logGroup": "LogGroup", "systemLogLevel": "SystemLogLevel"} {
			if v := l.text(theirs); v != "" {
				logging[ours] = v
			}
		}
		live["loggingConfig"] = logging
	}
	if t := f.object("TracingConfig"); t != nil {
		live["tracingConfig"] = t.copied(props{}, "Mode", "mode")
	}
	if n, reserved := out.object("Concurrency")["ReservedConcurrentExecutions"]; reserved && n != nil {
		live["reservedConcurrentExecutions"] = n
	}
	return live, nil
}

func updateFunction(ctx context.Context, c *call, ch *change) error {
	if ch.of("description", "handler", "kmsKeyArn", "memorySize", "role", "runtime", "timeout", "environment", "ephemeralStorage", "loggingConfig", "tracingConfig") {
		req := functionConfiguration(ch.wanted, props{"FunctionName": ch.id, "Description": "", "KMSKeyArn": "", "Environment": props{"Variables": map[string]any{}}})
		if _, err := c.do(ctx, "lambda", "UpdateFunctionConfiguration", req); err != nil {
			return err
		}
	}
	if ch.of("code", "architectures") || ch.of("sourceCodeHash") {
		code, err := zipped(ch.wanted["code"])
		if err != nil {
			return err
		}
		req := ch.wanted.copied(props{"FunctionName": ch.id, "ZipFile": code}, "architectures", "Architectures")
		if _, err := c.do(ctx, "lambda", "UpdateFunctionCode", req); err != nil {
			return err
		}
	}
	if ch.of("reservedConcurrentExecutions") {
		if err := reserve(ctx, c, ch.id, ch.wanted); err != nil {
			return err
		}
	}
	return ch.retag(ctx, c, "lambda", "Resource", ch.old["arn"], "TagKeys", "Tags", nil)
}

// permissionConditions are the conditions of a permission's statement by the property that asks for them.
var permissionConditions = []struct{ property, operator, key, member string }{
	{"sourceArn", "ArnLike", "AWS:SourceArn", "SourceArn"},
	{"sourceAccount", "StringEquals", "AWS:SourceAccount", "SourceAccount"},
	{"principalOrgId", "StringEquals", "aws:PrincipalOrgID", "PrincipalOrgID"},
	{"eventSourceToken", "StringEquals", "lambda:EventSourceToken", "EventSourceToken"},
	{"functionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType", "FunctionUrlAuthType"},
}

func permissionType() *resourceType {
	sameFunction := func(a, b any) bool {
		name := func(v any) string {
			s, _ := v.(string)
			if _, rest, isARN := strings.Cut(s, ":function:"); isARN {
				s = rest
			}
			s, _, _ = strings.Cut(s, ":")
			return s
		}
		return name(a) == name(b)
	}
	samePrincipal := func(a, b any) bool {
		account := func(v any) any {
			s, _ := v.(string)
			if m := accountRoot.FindStringSubmatch(s); m != nil {
				return m[1]
			}
			return v
		}
		return account(a) == account(b)
	}
	const sid, sidSays = `^[\w-]+$`, "letters, digits, hyphens and underscores"
	return &resourceType{
		token: "aws:lambda/permission:Permission",
		properties: []*property{
			text("action").needed().matching(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`, "an action of Lambda, such as lambda:InvokeFunction"),
			text("eventSourceToken").length(0, 256),
			text("function").needed().alike(sameFunction),
			text("functionUrlAuthType").oneOf("NONE", "AWS_IAM"),
			text("principal").needed().alike(samePrincipal),
			text("principalOrgId"), text("qualifier").length(0, 128),
			text("sourceAccount").matching(`^\d{12}$`, "12 digits"),
			text("sourceArn").checked(isARN),
			text("statementId").orChosen().length(1, 100).matching(sid, sidSays).against("statementIdPrefix"),
			text("statementIdPrefix").kept().length(0, 100-26).matching(sid, sidSays),
		},
		naming: &naming{property: "statementId", prefix: "statementIdPrefix", maxLength: 100},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			req := in.copied(props{}, "function", "FunctionName", "statementId", "StatementId", "action", "Action", "principal", "Principal", "qualifier", "Qualifier")
			for _, k := range permissionConditions {
				in.copied(req, k.property, k.member)
			}
			if _, err := c.do(ctx, "lambda", "AddPermission", req); err != nil {
				return "", err
			}
			return in.text("statementId"), nil
		},
		read: readPermission,
		remove: func(ctx context.Context, c *call, id string, state props) error {
			_, err := c.do(ctx, "lambda", "RemovePermission", state.copied(props{"StatementId": id}, "function", "FunctionName", "qualifier", "Qualifier"))
			return err
		},
	}
}

func readPermission(ctx context.Context, c *call, id string, state props) (props, error) {
	function, statement := state.text("function"), id
	if function == "" { // an import: function/statement
		var ok bool
		if function, statement, ok = strings.Cut(id, "/"); !ok {
			return nil, fmt.Errorf("%q does not name a permission: <function>/<statement id>", id)
		}
	}
	out, err := c.do(ctx, "lambda", "GetPolicy", state.copied(props{"FunctionName": function}, "qualifier", "Qualifier"))
	if err != nil {
		return nil, err
	}
	var policy struct {
		Statement []struct {
			Sid       string
			Action    string
			Principal any
			Condition map[string]map[string]any
		}
	}
	if err := json.Unmarshal([]byte(out.text("Policy")), &policy); err != nil {
		return nil, fmt.Errorf("reading the policy of the function %s: %w", function, err)
	}
	for _, st := range policy.Statement {
		if st.Sid != statement {
			continue
		}
		live := state.copied(props{"action": st.Action, "function": function, "statementId": statement}, "qualifier", "qualifier")
		live["principal"] = st.Principal
		for _, p := range asObject(st.Principal) {
			live["principal"] = p
		}
		for _, k := range permissionConditions {
			if v, stands := st.Condition[k.operator][k.key]; stands {
				live[k.property] = v
			}
		}
		return live, nil
	}
	return nil, nil
}
