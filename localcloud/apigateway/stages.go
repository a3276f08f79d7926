package apigateway

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// CreateStageInput is the request of CreateStage.
type CreateStageInput struct {
	RestApiID            string            `json:"restApiId"`
	StageName            string            `json:"stageName"`
	DeploymentID         string            `json:"deploymentId"`
	Description          string            `json:"description"`
	CacheClusterEnabled  bool              `json:"cacheClusterEnabled"`
	CacheClusterSize     string            `json:"cacheClusterSize"`
	Variables            map[string]string `json:"variables"`
	DocumentationVersion string            `json:"documentationVersion"`
	TracingEnabled       bool              `json:"tracingEnabled"`
	Tags                 map[string]string `json:"tags"`
}

// StageInput names a stage.
type StageInput struct {
	RestApiID string `json:"restApiId"`
	StageName string `json:"stageName"`
}

// GetStagesInput is the request of GetStages.
type GetStagesInput struct {
	RestApiID    string `json:"restApiId"`
	DeploymentID string `json:"deploymentId"`
}

// Stages is the response of GetStages.
type Stages struct {
	Items []*Stage `json:"item"`
}

// UpdateStageInput is the request of UpdateStage.
type UpdateStageInput struct {
	RestApiID       string           `json:"restApiId"`
	StageName       string           `json:"stageName"`
	PatchOperations []PatchOperation `json:"patchOperations"`
}

func (s *Service) registerStages() {
	const path = "/restapis/{restApiId}/stages"
	handle(s, binding{action: "CreateStage", method: "POST", path: path, status: 201},
		func(ctx context.Context, in *CreateStageInput) (*Stage, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if in.DeploymentID == "" {
				return nil, badRequest("Deployment id must be specified")
			}
			return s.makeStage(ctx, in)
		})
	handle(s, binding{action: "GetStages", method: "GET", path: path, query: map[string]string{"deploymentId": "deploymentId"}},
		func(_ context.Context, in *GetStagesInput) (*Stages, error) {
			if _, err := s.api(in.RestApiID); err != nil {
				return nil, err
			}
			stages := &Stages{}
			for _, record := range s.stages.All() {
				if record.APIID == in.RestApiID && (in.DeploymentID == "" || in.DeploymentID == record.Stage.DeploymentID) {
					stages.Items = append(stages.Items, &record.Stage)
				}
			}
			return stages, nil
		})
	handle(s, binding{action: "GetStage", method: "GET", path: path + "/{stageName}"},
		func(_ context.Context, in *StageInput) (*Stage, error) {
			record, err := s.stage(in.RestApiID, in.StageName)
			if err != nil {
				return nil, err
			}
			return &record.Stage, nil
		})
	handle(s, binding{action: "UpdateStage", method: "PATCH", path: path + "/{stageName}"}, s.updateStage)
	handle(s, binding{action: "DeleteStage", method: "DELETE", path: path + "/{stageName}", status: 202}, s.deleteStage)
}

func (s *Service) stage(api, name string) (*stageRecord, error) {
	if _, err := s.api(api); err != nil {
		return nil, err
	}
	if record, ok := s.stages.Get(key(api, name)); ok {
		return record, nil
	}
	return nil, notFound("Invalid stage identifier specified")
}

var (
	stageNamePattern     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	variableNamePattern  = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	variableValuePattern = regexp.MustCompile(`^[A-Za-z0-9\-._~:/?#&=,]{1,512}$`)
)

// makeStage creates a stage. The caller holds s.mu.
func (s *Service) makeStage(ctx context.Context, in *CreateStageInput) (*Stage, error) {
	if _, err := s.deployment(in.RestApiID, in.DeploymentID); err != nil {
		return nil, err
	}
	if !stageNamePattern.MatchString(in.StageName) {
		return nil, badRequest("Stage name only allows a-zA-Z0-9_-")
	}
	if _, taken := s.stages.Get(key(in.RestApiID, in.StageName)); taken {
		return nil, conflict("Stage already exists")
	}
	if in.CacheClusterEnabled || in.CacheClusterSize != "" {
		return nil, badRequest("cacheClusterEnabled is not emulated: there is no cache")
	}
	if in.DocumentationVersion != "" {
		return nil, badRequest("documentationVersion is not emulated")
	}
	record := &stageRecord{APIID: in.RestApiID, LogStream: newID(32), Stage: Stage{DeploymentID: in.DeploymentID, StageName: in.StageName, Description: in.Description,
		CacheClusterStatus: "NOT_AVAILABLE", MethodSettings: map[string]*MethodSetting{}, Variables: in.Variables, TracingEnabled: in.TracingEnabled,
		Tags: in.Tags, CreatedDate: dispatch.Time{Time: s.d.Clock.Now()}}}
	if err := s.putStage(ctx, record); err != nil {
		return nil, err
	}
	return &record.Stage, nil
}

// putStage checks, compiles, stores and publishes a stage. The caller holds s.mu.
func (s *Service) putStage(ctx context.Context, record *stageRecord) error {
	stage := &record.Stage
	if len(stage.Variables) > 100 {
		return badRequest("A stage can have at most 100 stage variables")
	}
	for name, value := range stage.Variables {
		if !variableNamePattern.MatchString(name) {
			return badRequest("Stage variable names only allow a-zA-Z0-9_, and up to 64 characters: %s", name)
		}
		if !variableValuePattern.MatchString(value) {
			return badRequest("Stage variable value is invalid: %s: it allows A-Za-z0-9-._~:/?#&=, and up to 512 characters", name)
		}
	}
	if err := s.checkAccessLog(stage.AccessLogSettings); err != nil {
		return err
	}
	if err := s.checkMethodSettings(stage); err != nil {
		return err
	}
	stage.LastUpdatedDate = dispatch.Time{Time: s.d.Clock.Now()}
	a, err := s.api(record.APIID)
	if err != nil {
		return err
	}
	record.EndpointDisabled = a.DisableExecuteAPIEndpoint
	plan, err := s.compileStage(record)
	if err != nil {
		return err
	}
	if err := s.stages.Put(key(record.APIID, stage.StageName), record); err != nil {
		return err
	}
	s.publish(ctx, stageKey{record.APIID, stage.StageName}, plan)
	return nil
}

func (s *Service) checkMethodSettings(stage *Stage) error {
	for name, setting := range stage.MethodSettings {
		if setting.CachingEnabled {
			return badRequest("caching/enabled is not emulated: there is no cache (%s)", name)
		}
		switch setting.LoggingLevel {
		case "", "OFF":
		case "ERROR", "INFO":
			return badRequest("logging/loglevel %s is not emulated: there are no execution logs (%s)", setting.LoggingLevel, name)
		default:
			return badRequest("Invalid logging level specified, must be one of [OFF, ERROR, INFO]")
		}
		if setting.DataTraceEnabled {
			return badRequest("logging/dataTrace is not emulated: there are no execution logs (%s)", name)
		}
	}
	return nil
}

var accessLogDestination = regexp.MustCompile(`^arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:([A-Za-z0-9_\-./#]{1,512})(:\*)?$`)

func (s *Service) checkAccessLog(settings *AccessLogSettings) error {
	if settings == nil {
		return nil
	}
	if settings.DestinationArn == "" {
		return nil // the two members arrive one after the other; without a destination nothing is logged
	}
	if s.account.Load().CloudwatchRoleArn == "" {
		return badRequest("CloudWatch Logs role ARN must be set in account settings to enable logging")
	}
	if !accessLogDestination.MatchString(settings.DestinationArn) {
		return badRequest("Invalid ARN specified in the request. ARNs must start with 'arn:' and name a log group: the embedded AWS does not log to %s", settings.DestinationArn)
	}
	if settings.Format == "" {
		return nil
	}
	if !strings.Contains(settings.Format, "$context.requestId") && !strings.Contains(settings.Format, "$context.extendedRequestId") {
		return badRequest("Access Log format must contain either \"$context.requestId\" or \"$context.extendedRequestId\"")
	}
	if strings.Contains(settings.Format, "\n") {
		return badRequest("Access Log format must be single line")
	}
	return nil
}

func (s *Service) updateStage(ctx context.Context, in *UpdateStageInput) (*Stage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.stage(in.RestApiID, in.StageName)
	if err != nil {
		return nil, err
	}
	record := copyOf(old)
	for _, op := range in.PatchOperations {
		if err := record.Stage.patch(op); err != nil {
			return nil, err
		}
	}
	if _, err := s.deployment(in.RestApiID, record.Stage.DeploymentID); err != nil {
		return nil, err
	}
	if err := s.putStage(ctx, record); err != nil {
		return nil, err
	}
	return &record.Stage, nil
}

func (s *Service) deleteStage(ctx context.Context, in *StageInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.stage(in.RestApiID, in.StageName); err != nil {
		return nil, err
	}
	if domains := s.mappedIn(in.RestApiID, in.StageName); domains != "" {
		return nil, badRequest("Deleting stage %s failed. Please remove all base path mappings related to the stage in your domains: %s", in.StageName, domains)
	}
	s.publish(ctx, stageKey{in.RestApiID, in.StageName}, nil)
	_, err := s.stages.Delete(key(in.RestApiID, in.StageName))
	return &Empty{}, err
}

const stagePatchPaths = "/deploymentId, /description, /tracingEnabled, /variables/{name}, /accessLogSettings/format, /accessLogSettings/destinationArn, " +
	"/{path}/{method}/{throttling/rateLimit|throttling/burstLimit|logging/loglevel|logging/dataTrace|metrics/enabled}"

func (stage *Stage) patch(op PatchOperation) error {
	path := patchPath(op.Path)
	set := op.Op == "replace" || op.Op == "add"
	switch {
	case len(path) == 1 && op.Op == "replace":
		switch path[0] {
		case "deploymentId":
			stage.DeploymentID = op.Value
			return nil
		case "description":
			stage.Description = op.Value
			return nil
		case "tracingEnabled":
			return patchBool(op, &stage.TracingEnabled)
		case "cacheClusterEnabled":
			if err := patchBool(op, &stage.CacheClusterEnabled); err != nil || !stage.CacheClusterEnabled {
				return err
			}
			return badRequest("cacheClusterEnabled is not emulated: there is no cache")
		}
	case len(path) == 1 && path[0] == "accessLogSettings" && op.Op == "remove":
		stage.AccessLogSettings = nil
		return nil
	case len(path) == 2 && path[0] == "accessLogSettings" && set:
		if stage.AccessLogSettings == nil {
			stage.AccessLogSettings = &AccessLogSettings{}
		}
		switch path[1] {
		case "format":
			stage.AccessLogSettings.Format = op.Value
			return nil
		case "destinationArn":
			stage.AccessLogSettings.DestinationArn = strings.TrimSuffix(op.Value, ":*")
			return nil
		}
	case len(path) == 2 && path[0] == "variables" && set:
		if stage.Variables == nil {
			stage.Variables = map[string]string{}
		}
		stage.Variables[path[1]] = op.Value
		return nil
	case len(path) == 2 && path[0] == "variables" && op.Op == "remove":
		delete(stage.Variables, path[1])
		return nil
	case len(path) == 2 && op.Op == "remove":
		delete(stage.MethodSettings, settingKey(path[0], path[1]))
		return nil
	case len(path) == 4 && set:
		return stage.patchSetting(op, settingKey(path[0], path[1]), path[2]+"/"+path[3])
	}
	return invalidPatch(op, stagePatchPaths)
}

// settingKey is the key of a method's settings, as AWS shows it: "*/*", or the path with "~1" for "/" and the method.
func settingKey(path, method string) string {
	return strings.ReplaceAll(path, "/", "~1") + "/" + method
}

func (stage *Stage) patchSetting(op PatchOperation, name, what string) error {
	setting := stage.MethodSettings[name]
	if setting == nil {
		setting = &MethodSetting{ThrottlingBurstLimit: accountBurst, ThrottlingRateLimit: accountRate, CacheTTLInSeconds: 300,
			RequireAuthorizationForCacheControl: true, UnauthorizedCacheControlHeaderStrategy: "SUCCEED_WITH_RESPONSE_HEADER"}
	}
	invalid := func() error {
		return badRequest("Invalid patch value specified for %s: '%s'", op.Path, op.Value)
	}
	switch what {
	case "throttling/rateLimit":
		rate, err := strconv.ParseFloat(op.Value, 64)
		if err != nil || rate < -1 || rate != rate {
			return invalid()
		}
		setting.ThrottlingRateLimit = rate
	case "throttling/burstLimit":
		burst, err := strconv.Atoi(op.Value)
		if err != nil || burst < -1 {
			return invalid()
		}
		setting.ThrottlingBurstLimit = burst
	case "logging/loglevel":
		setting.LoggingLevel = strings.ToUpper(op.Value)
	case "logging/dataTrace":
		if err := patchBool(op, &setting.DataTraceEnabled); err != nil {
			return err
		}
	case "metrics/enabled":
		if err := patchBool(op, &setting.MetricsEnabled); err != nil {
			return err
		}
	case "caching/enabled":
		if err := patchBool(op, &setting.CachingEnabled); err != nil {
			return err
		}
	case "caching/ttlInSeconds", "caching/dataEncrypted", "caching/requireAuthorizationForCacheControl", "caching/unauthorizedCacheControlHeaderStrategy":
		// Settings of a cache that is off: without effect on AWS too.
	default:
		return invalidPatch(op, stagePatchPaths)
	}
	stage.MethodSettings[name] = setting
	return nil
}
