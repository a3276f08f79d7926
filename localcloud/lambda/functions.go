package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func invalid(format string, args ...any) *dispatch.Error {
	e := dispatch.Errorf("InvalidParameterValueException", format, args...)
	e.Fields = map[string]any{"Type": "User"}
	return e
}

func constraint(value any, member, rule string) *dispatch.Error {
	return dispatch.Errorf("ValidationException", "1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, member, rule)
}

var (
	functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)
	roleARN      = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:iam::\d{12}:role/?[a-zA-Z0-9_+=,.@\-/]+$`)
	reserved     = []string{"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
		"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
		"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_LAMBDA_MAX_CONCURRENCY"}
)

const maxEnvironment = 4096

func checkTags(tags map[string]string) error {
	if len(tags) > 50 {
		return invalid("A function has at most 50 tags.")
	}
	for k, v := range tags {
		if k == "" || len(k) > 128 || len(v) > 256 || strings.HasPrefix(k, "aws:") {
			return invalid("Tag keys must be between 1 and 128 characters in length and not begin with aws:, and values at most 256.")
		}
	}
	return nil
}

// check refuses what AWS has and the embedded AWS has not.
func (u *unsupported) check() error {
	for name, value := range map[string]json.RawMessage{"VpcConfig": u.VpcConfig, "DeadLetterConfig": u.DeadLetterConfig, "FileSystemConfigs": u.FileSystemConfigs,
		"ImageConfig": u.ImageConfig, "Layers": u.Layers, "CodeSigningConfigArn": u.CodeSigningConfigArn, "DurableConfig": u.DurableConfig} {
		switch string(value) {
		case "", "null", "{}", "[]", `""`:
		default:
			return invalid("The embedded AWS does not emulate a Lambda function's %s.", name)
		}
	}
	return nil
}

// check checks a configuration as CreateFunction and UpdateFunctionConfiguration do.
func (s *Service) check(ctx context.Context, c *FunctionConfiguration) error {
	switch {
	case c.Runtime != "provided.al2023" && c.Runtime != "provided.al2":
		return invalid("Value %s at 'runtime' failed to satisfy constraint: the embedded AWS runs provided.al2023 and provided.al2 only", c.Runtime)
	case c.Handler == "" || len(c.Handler) > 128 || strings.ContainsAny(c.Handler, " \t\r\n"):
		return constraint(c.Handler, "handler", `Member must satisfy regular expression pattern: [^\s]+`)
	case c.Timeout < 1 || c.Timeout > 900:
		return constraint(c.Timeout, "timeout", "Member must have value between 1 and 900")
	case c.MemorySize < 128 || c.MemorySize > 10240:
		return constraint(c.MemorySize, "memorySize", "Member must have value between 128 and 10240")
	case len(c.Description) > 256:
		return constraint(c.Description, "description", "Member must have length less than or equal to 256")
	case c.EphemeralStorage.Size < 512 || c.EphemeralStorage.Size > 10240:
		return constraint(c.EphemeralStorage.Size, "ephemeralStorage.size", "Member must have value between 512 and 10240")
	case c.TracingConfig.Mode != "Active" && c.TracingConfig.Mode != "PassThrough":
		return constraint(c.TracingConfig.Mode, "tracingConfig.mode", "Member must satisfy enum value set: [Active, PassThrough]")
	case c.SnapStart.ApplyOn != "None":
		return invalid("%s is not supported for SnapStart enabled functions.", c.Runtime)
	case len(c.Architectures) != 1 || c.Architectures[0] != "x86_64" && c.Architectures[0] != "arm64":
		return constraint(c.Architectures, "architectures", "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]")
	case !roleARN.MatchString(c.Role):
		return constraint(c.Role, "role", `Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`)
	}
	if err := c.LoggingConfig.check(); err != nil {
		return err
	}
	if err := c.Environment.check(); err != nil {
		return err
	}
	if _, err := s.d.Assume(ctx, s.itself(c.FunctionArn), c.Role, session(c.FunctionName)); err != nil {
		return invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	return nil
}

// itself is Lambda as a caller on behalf of a function.
func (s *Service) itself(arn string) dispatch.Principal {
	return dispatch.Principal{ARN: "lambda.amazonaws.com", Service: "lambda.amazonaws.com", SourceARN: arn}
}

func (l *LoggingConfig) check() error {
	switch {
	case l.LogFormat != "Text" && l.LogFormat != "JSON":
		return constraint(l.LogFormat, "loggingConfig.logFormat", "Member must satisfy enum value set: [JSON, Text]")
	case l.LogFormat == "Text" && (l.ApplicationLogLevel != "" || l.SystemLogLevel != ""):
		return invalid("To modify the log level for the function, the log format must be set to JSON.")
	case l.ApplicationLogLevel != "" && !slices.Contains([]string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}, l.ApplicationLogLevel):
		return constraint(l.ApplicationLogLevel, "loggingConfig.applicationLogLevel", "Member must satisfy enum value set: [TRACE, DEBUG, INFO, WARN, ERROR, FATAL]")
	case l.SystemLogLevel != "" && !slices.Contains([]string{"DEBUG", "INFO", "WARN"}, l.SystemLogLevel):
		return constraint(l.SystemLogLevel, "loggingConfig.systemLogLevel", "Member must satisfy enum value set: [DEBUG, INFO, WARN]")
	}
	return nil
}

func (e *Environment) check() error {
	if e == nil {
		return nil
	}
	var taken []string
	size := 0
	for _, name := range slices.Sorted(maps.Keys(e.Variables)) {
		if !variableName.MatchString(name) && !slices.Contains(reserved, name) {
			return constraint(name, "environment.variables", `Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]`)
		}
		if slices.Contains(reserved, name) {
			taken = append(taken, name)
		}
		size += len(name) + len(e.Variables[name])
	}
	if len(taken) > 0 {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(taken, ", "))
	}
	if size > maxEnvironment {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.")
	}
	return nil
}

func value[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// logging completes a logging configuration with AWS's defaults.
func logging(l *LoggingConfig, function string) LoggingConfig {
	c := value(l, LoggingConfig{})
	if c.LogFormat == "" {
		c.LogFormat = "Text"
	}
	if c.LogFormat == "JSON" {
		if c.ApplicationLogLevel == "" {
			c.ApplicationLogLevel = "INFO"
		}
		if c.SystemLogLevel == "" {
			c.SystemLogLevel = "INFO"
		}
	}
	if c.LogGroup == "" {
		c.LogGroup = "/aws/lambda/" + function
	}
	return c
}

func snapStart(s *SnapStart) SnapStart {
	c := value(s, SnapStart{})
	if c.ApplyOn == "" {
		c.ApplyOn = "None"
	}
	c.OptimizationStatus = "Off"
	return c
}

func (s *Service) create(ctx context.Context, c *dispatch.Call, in *CreateFunctionInput) (*FunctionConfiguration, error) {
	name, qualifier := split(in.FunctionName)
	if !functionName.MatchString(name) || qualifier != "" {
		return nil, constraint(in.FunctionName, "functionName", `Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`)
	}
	if err := in.unsupported.check(); err != nil {
		return nil, err
	}
	if in.PackageType != "" && in.PackageType != "Zip" {
		return nil, invalid("The embedded AWS runs functions of package type Zip only.")
	}
	if in.Publish {
		return nil, invalid("The embedded AWS does not emulate published versions of Lambda functions.")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if len(in.Code.ZipFile) == 0 {
		return nil, invalid("Please provide a source for function code.")
	}
	config := FunctionConfiguration{FunctionName: name, FunctionArn: s.arn(name), Runtime: in.Runtime, Role: in.Role, Handler: in.Handler, Description: in.Description,
		Timeout: value(in.Timeout, 3), MemorySize: value(in.MemorySize, 128), Version: "$LATEST", Environment: in.Environment, KMSKeyArn: in.KMSKeyArn,
		TracingConfig: value(in.TracingConfig, TracingConfig{"PassThrough"}), State: "Active", LastUpdateStatus: "Successful", PackageType: "Zip",
		Architectures: in.Architectures, EphemeralStorage: value(in.EphemeralStorage, EphemeralStorage{512}), SnapStart: snapStart(in.SnapStart),
		LoggingConfig: logging(in.LoggingConfig, name)}
	if config.Architectures == nil {
		config.Architectures = []string{"x86_64"}
	}
	s.change.Lock()
	defer s.change.Unlock()
	if _, taken := s.functions.Get(name); taken {
		return nil, &dispatch.Error{Code: "ResourceConflictException", Status: 409, Message: "Function already exist: " + name, Fields: map[string]any{"Type": "User"}}
	}
	if err := s.check(ctx, &config); err != nil {
		return nil, err
	}
	f := function{Config: config, Tags: maps.Clone(in.Tags)}
	if err := s.seal(ctx, c.Principal, &f); err != nil {
		return nil, err
	}
	if err := s.unpack(&f.Config, in.Code.ZipFile); err != nil {
		return nil, err
	}
	s.stamp(&f.Config)
	if err := s.functions.Put(name, f); err != nil {
		return nil, err
	}
	return &f.Config, nil
}

// stamp marks a change of a configuration.
func (s *Service) stamp(c *FunctionConfiguration) {
	c.RevisionID = dispatch.NewRequestID()
	c.LastModified = s.d.Clock.Now().Format("2006-01-02T15:04:05.000-0700")
	c.RuntimeVersionConfig = &RuntimeVersionConfig{RuntimeVersionArn: "arn:aws:lambda:" + s.d.Region + "::runtime:" + strings.Repeat("0", 64)}
}

// seal encrypts the environment under the function's KMS key, as the caller; the role opens it when a process starts.
func (s *Service) seal(ctx context.Context, p dispatch.Principal, f *function) error {
	f.SealedEnv = nil
	if f.Config.KMSKeyArn == "" || f.Config.Environment == nil || len(f.Config.Environment.Variables) == 0 {
		return nil
	}
	plain, err := json.Marshal(f.Config.Environment.Variables)
	if err != nil {
		return fmt.Errorf("writing the environment of %s: %w", f.Config.FunctionName, err)
	}
	out, err := s.d.Do(ctx, p, "kms", "Encrypt", map[string]any{"KeyId": f.Config.KMSKeyArn, "Plaintext": plain, "EncryptionContext": map[string]string{"aws:lambda:FunctionArn": f.Config.FunctionArn}})
	if err != nil {
		return invalid("Lambda was unable to configure access to your environment variables because the KMS key is invalid. Please check your KMS key settings. KMS Exception: %s KMS Message: %s", dispatch.AsError(err).Code, dispatch.AsError(err).Message)
	}
	f.SealedEnv, err = member[[]byte](out, "CiphertextBlob")
	return err
}

// member returns one member of a response structure of another service by its name in the API.
func member[T any](response any, name string) (T, error) {
	var value T
	text, err := json.Marshal(response)
	if err != nil {
		return value, fmt.Errorf("reading %s: %w", name, err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return value, fmt.Errorf("reading %s: %w", name, err)
	}
	if err := json.Unmarshal(all[name], &value); err != nil {
		return value, fmt.Errorf("reading %s: %w", name, err)
	}
	return value, nil
}

func (s *Service) get(_ context.Context, _ *dispatch.Call, in *FunctionInput) (*GetFunctionOutput, error) {
	f, err := s.find(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &GetFunctionOutput{Configuration: f.Config, Code: CodeLocation{"S3", "file://" + s.archive(&f.Config)}, Tags: f.Tags}
	if f.Reserved != nil {
		out.Concurrency = &Concurrency{f.Reserved}
	}
	return out, nil
}

func (s *Service) configuration(_ context.Context, _ *dispatch.Call, in *FunctionInput) (*FunctionConfiguration, error) {
	f, err := s.find(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return &f.Config, nil
}

func staleRevision() error {
	return &dispatch.Error{Code: "PreconditionFailedException", Status: 412, Message: "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id", Fields: map[string]any{"Type": "User"}}
}

func set[T any](at *T, to *T) {
	if to != nil {
		*at = *to
	}
}

func (s *Service) updateConfiguration(ctx context.Context, c *dispatch.Call, in *UpdateFunctionConfigurationInput) (*FunctionConfiguration, error) {
	if err := in.unsupported.check(); err != nil {
		return nil, err
	}
	var after function
	err := s.update(in.FunctionName, "", func(f *function) error {
		if in.RevisionID != "" && in.RevisionID != f.Config.RevisionID {
			return staleRevision()
		}
		set(&f.Config.Role, in.Role)
		set(&f.Config.Handler, in.Handler)
		set(&f.Config.Description, in.Description)
		set(&f.Config.Timeout, in.Timeout)
		set(&f.Config.MemorySize, in.MemorySize)
		set(&f.Config.Runtime, in.Runtime)
		set(&f.Config.KMSKeyArn, in.KMSKeyArn)
		set(&f.Config.TracingConfig, in.TracingConfig)
		set(&f.Config.EphemeralStorage, in.EphemeralStorage)
		if in.Environment != nil {
			f.Config.Environment = in.Environment
		}
		if in.SnapStart != nil {
			f.Config.SnapStart = snapStart(in.SnapStart)
		}
		if in.LoggingConfig != nil {
			f.Config.LoggingConfig = logging(in.LoggingConfig, f.Config.FunctionName)
		}
		if err := s.check(ctx, &f.Config); err != nil {
			return err
		}
		if in.Environment != nil || in.KMSKeyArn != nil {
			if err := s.seal(ctx, c.Principal, f); err != nil {
				return err
			}
		}
		s.stamp(&f.Config)
		after = *f
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.pool.retire(after.Config.FunctionName)
	return &after.Config, nil
}

func (s *Service) updateCode(_ context.Context, _ *dispatch.Call, in *UpdateFunctionCodeInput) (*FunctionConfiguration, error) {
	if in.Publish {
		return nil, invalid("The embedded AWS does not emulate published versions of Lambda functions.")
	}
	if len(in.ZipFile) == 0 {
		return nil, invalid("Please provide a source for function code.")
	}
	var after function
	var old string
	err := s.update(in.FunctionName, "", func(f *function) error {
		if in.RevisionID != "" && in.RevisionID != f.Config.RevisionID {
			return staleRevision()
		}
		if len(in.Architectures) > 0 {
			if len(in.Architectures) != 1 || in.Architectures[0] != "x86_64" && in.Architectures[0] != "arm64" {
				return constraint(in.Architectures, "architectures", "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]")
			}
			f.Config.Architectures = in.Architectures
		}
		old = s.root(&f.Config)
		if err := s.unpack(&f.Config, in.ZipFile); err != nil {
			return err
		}
		s.stamp(&f.Config)
		after = *f
		if in.DryRun {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		return &after.Config, nil
	}
	if err != nil {
		return nil, err
	}
	s.pool.retire(after.Config.FunctionName)
	if old != s.root(&after.Config) {
		s.discard(old)
	}
	return &after.Config, nil
}

// errDryRun keeps update from writing.
var errDryRun = fmt.Errorf("dry run")

func (s *Service) delete(_ context.Context, _ *dispatch.Call, in *FunctionInput) (*Empty, error) {
	s.change.Lock()
	defer s.change.Unlock()
	f, err := s.find(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if _, err := s.functions.Delete(f.Config.FunctionName); err != nil {
		return nil, err
	}
	s.pool.retire(f.Config.FunctionName)
	s.discard(s.root(&f.Config))
	return &Empty{}, nil
}

func (s *Service) list(_ context.Context, _ *dispatch.Call, in *ListFunctionsInput) (*ListFunctionsOutput, error) {
	limit := 50
	if in.MaxItems < 0 || in.MaxItems > 10000 {
		return nil, constraint(in.MaxItems, "maxItems", "Member must have value between 1 and 10000")
	}
	if in.MaxItems > 0 {
		limit = min(limit, in.MaxItems)
	}
	out := &ListFunctionsOutput{Functions: []FunctionConfiguration{}}
	for name, f := range s.functions.All() {
		if in.Marker != "" && name <= in.Marker {
			continue
		}
		if len(out.Functions) == limit {
			out.NextMarker = out.Functions[limit-1].FunctionName
			break
		}
		out.Functions = append(out.Functions, f.Config)
	}
	return out, nil
}

func (s *Service) versions(_ context.Context, _ *dispatch.Call, in *ListVersionsByFunctionInput) (*ListVersionsByFunctionOutput, error) {
	f, err := s.find(in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	f.Config.FunctionArn += ":$LATEST"
	return &ListVersionsByFunctionOutput{Versions: []FunctionConfiguration{f.Config}}, nil
}

const (
	accountConcurrency    = 1000
	unreservedConcurrency = 100 // that must stay
)

func (s *Service) putConcurrency(_ context.Context, _ *dispatch.Call, in *PutFunctionConcurrencyInput) (*Concurrency, error) {
	if in.ReservedConcurrentExecutions == nil || *in.ReservedConcurrentExecutions < 0 {
		return nil, constraint(in.ReservedConcurrentExecutions, "reservedConcurrentExecutions", "Member must have value greater than or equal to 0")
	}
	name, _ := split(in.FunctionName)
	total := *in.ReservedConcurrentExecutions
	for other, f := range s.functions.All() {
		if other != name {
			total += value(f.Reserved, 0)
		}
	}
	if total > accountConcurrency-unreservedConcurrency {
		return nil, invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", unreservedConcurrency)
	}
	n := *in.ReservedConcurrentExecutions
	err := s.update(in.FunctionName, "", func(f *function) error { f.Reserved = &n; return nil })
	return &Concurrency{&n}, err
}

func (s *Service) getConcurrency(_ context.Context, _ *dispatch.Call, in *FunctionInput) (*Concurrency, error) {
	f, err := s.find(in.FunctionName, "")
	return &Concurrency{f.Reserved}, err
}

func (s *Service) deleteConcurrency(_ context.Context, _ *dispatch.Call, in *FunctionInput) (*Empty, error) {
	return &Empty{}, s.update(in.FunctionName, "", func(f *function) error { f.Reserved = nil; return nil })
}
