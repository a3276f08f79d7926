package apigateway

import (
	"context"
	"maps"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// What an account may ask of all its APIs in a region together.
const (
	accountRate  = 10000 // requests per second
	accountBurst = 5000  // requests
)

func newAccount() *Account {
	return &Account{ThrottleSettings: &ThrottleSettings{BurstLimit: accountBurst, RateLimit: accountRate}, Features: []string{"UsagePlans"}, APIKeyVersion: "4"}
}

// UpdateAccountInput is the request of UpdateAccount.
type UpdateAccountInput struct {
	PatchOperations []PatchOperation `json:"patchOperations"`
}

// GetTagsInput is the request of GetTags.
type GetTagsInput struct {
	ResourceArn string `json:"resourceArn"`
	Position    string `json:"position"`
	Limit       int    `json:"limit"`
}

// Tags is the response of GetTags.
type Tags struct {
	Tags map[string]string `json:"tags"`
}

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	ResourceArn string            `json:"resourceArn"`
	Tags        map[string]string `json:"tags"`
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	ResourceArn string   `json:"resourceArn"`
	TagKeys     []string `json:"tagKeys"`
}

func (s *Service) registerAccount() {
	handle(s, binding{action: "GetAccount", method: "GET", path: "/account"},
		func(context.Context, *Empty) (*Account, error) { return s.account.Load(), nil })
	handle(s, binding{action: "UpdateAccount", method: "PATCH", path: "/account"}, s.updateAccount)
	handle(s, binding{action: "GetTags", method: "GET", path: "/tags/{resourceArn}", query: pageQuery},
		func(ctx context.Context, in *GetTagsInput) (*Tags, error) { return s.getTags(ctx, in.ResourceArn) })
	handle(s, binding{action: "TagResource", method: "PUT", path: "/tags/{resourceArn}", status: 204}, s.tagResource)
	handle(s, binding{action: "UntagResource", method: "DELETE", path: "/tags/{resourceArn}", query: map[string]string{"tagKeys": "tagKeys"}, status: 204}, s.untagResource)
}

func (s *Service) getTags(ctx context.Context, arn string) (*Tags, error) {
	var found map[string]string
	err := s.changeTags(ctx, arn, func(tags map[string]string) map[string]string { found = tags; return tags })
	if found == nil {
		found = map[string]string{}
	}
	return &Tags{found}, err
}

func (s *Service) tagResource(ctx context.Context, in *TagResourceInput) (*Empty, error) {
	return &Empty{}, s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) map[string]string {
		if tags == nil {
			tags = map[string]string{}
		}
		for name, value := range in.Tags {
			tags[name] = value
		}
		return tags
	})
}

func (s *Service) untagResource(ctx context.Context, in *UntagResourceInput) (*Empty, error) {
	return &Empty{}, s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) map[string]string {
		for _, name := range in.TagKeys {
			delete(tags, name)
		}
		return tags
	})
}

// logActions are what the account's role must allow: the policy AmazonAPIGatewayPushToCloudWatchLogs. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html.
var logActions = []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams",
	"logs:PutLogEvents", "logs:GetLogEvents", "logs:FilterLogEvents"}

// updateAccount sets the role with which stages write their logs, after a check that it can.
func (s *Service) updateAccount(ctx context.Context, in *UpdateAccountInput) (*Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	account := copyOf(s.account.Load())
	for _, op := range in.PatchOperations {
		if op.Path != "/cloudwatchRoleArn" || op.Op != "replace" && op.Op != "remove" {
			return nil, invalidPatch(op, "/cloudwatchRoleArn")
		}
		account.CloudwatchRoleArn = op.Value
		if op.Op == "remove" {
			account.CloudwatchRoleArn = ""
		}
	}
	if role := account.CloudwatchRoleArn; role != "" {
		if !roleARN.MatchString(role) {
			return nil, badRequest("Invalid ARN specified in the request")
		}
		if err := s.checkLogRole(ctx, role); err != nil {
			return nil, err
		}
	}
	s.logs.flush(ctx) // with the role that stages had when they answered
	if err := s.accounts.Put("account", account); err != nil {
		return nil, err
	}
	s.account.Store(account)
	return account, nil
}

func (s *Service) checkLogRole(ctx context.Context, role string) error {
	denied := badRequest("The role ARN does not have required permissions configured. Please grant trust permission for API Gateway and add the required role policy.")
	p, err := s.d.Assume(ctx, s.principal(""), role, "apigateway-account")
	if err != nil {
		s.d.Logf("API Gateway cannot assume its CloudWatch role %s: %v", role, err)
		return denied
	}
	for _, action := range logActions {
		if err := s.d.Check(ctx, p, action, []string{s.d.ARN("logs", "log-group:API-Gateway-Execution-Logs_check")}); err != nil {
			s.d.Logf("API Gateway's CloudWatch role %s lacks %s: %v", role, action, err)
			return denied
		}
	}
	return nil
}

// principal is API Gateway itself, on behalf of a resource.
func (s *Service) principal(sourceARN string) dispatch.Principal {
	return dispatch.Principal{ARN: "apigateway.amazonaws.com", Service: "apigateway.amazonaws.com", SourceARN: sourceARN}
}

// changeTags lets f change the tags of an API, a stage or a domain name.
func (s *Service) changeTags(ctx context.Context, arn string, f func(map[string]string) map[string]string) error {
	if name, ok := strings.CutPrefix(arn, s.domainARN("")); ok {
		_, err := s.remap(name, func(r *domainRecord) error {
			r.Tags = f(maps.Clone(r.Tags))
			return nil
		})
		return err
	}
	path, ok := strings.CutPrefix(arn, "arn:aws:apigateway:"+s.d.Region+"::/restapis/")
	if !ok {
		return badRequest("Invalid ARN specified in the request")
	}
	id, rest, _ := strings.Cut(path, "/")
	name, isStage := strings.CutPrefix(rest, "stages/")
	switch {
	case rest == "":
		_, err := s.change(id, func(a *apiRecord) error { a.Tags = f(a.Tags); return nil })
		return err
	case isStage:
		s.mu.Lock()
		defer s.mu.Unlock()
		record, err := s.stage(id, name)
		if err != nil {
			return err
		}
		record = copyOf(record)
		record.Stage.Tags = f(record.Stage.Tags)
		return s.stages.Put(key(id, name), record)
	}
	return badRequest("Invalid resource type specified")
}
