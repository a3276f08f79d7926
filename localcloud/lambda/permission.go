package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// statement is one statement of a function's policy.
type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// setPolicy gives a function its policy statements.
func (f *function) setPolicy(statements []statement) error {
	f.Policy, f.Document = statements, ""
	f.Config.RevisionID = dispatch.NewRequestID()
	if len(statements) == 0 {
		return nil
	}
	text, err := json.Marshal(struct {
		Version   string
		ID        string `json:"Id"`
		Statement []statement
	}{"2012-10-17", "default", statements})
	if err != nil {
		return fmt.Errorf("writing a function's policy: %w", err)
	}
	f.Document = string(text)
	return nil
}

var (
	statementID     = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,100}$`)
	permittedAction = regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`)
	accountID       = regexp.MustCompile(`^\d{12}$`)
	servicePattern  = regexp.MustCompile(`^[a-z0-9.-]+\.amazonaws\.com$`)
)

func (s *Service) addPermission(_ context.Context, _ *dispatch.Call, in *AddPermissionInput) (*AddPermissionOutput, error) {
	if !statementID.MatchString(in.StatementID) {
		return nil, constraint(in.StatementID, "statementId", "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)")
	}
	if !permittedAction.MatchString(in.Action) {
		return nil, constraint(in.Action, "action", "Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])")
	}
	if in.EventSourceToken != "" || in.FunctionURLAuthType != "" || in.InvokedViaFunctionURL != nil {
		return nil, invalid("The embedded AWS does not emulate EventSourceToken, FunctionUrlAuthType and InvokedViaFunctionUrl.")
	}
	st := statement{Sid: in.StatementID, Effect: "Allow", Action: in.Action}
	switch {
	case in.Principal == "*":
		st.Principal = "*"
	case servicePattern.MatchString(in.Principal):
		st.Principal = map[string]string{"Service": in.Principal}
	case accountID.MatchString(in.Principal):
		st.Principal = map[string]string{"AWS": "arn:aws:iam::" + in.Principal + ":root"}
	case strings.HasPrefix(in.Principal, "arn:aws:iam::"):
		st.Principal = map[string]string{"AWS": in.Principal}
	default:
		return nil, invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	st.Condition = map[string]map[string]string{}
	equals := map[string]string{}
	if in.SourceAccount != "" {
		equals["AWS:SourceAccount"] = in.SourceAccount
	}
	if in.PrincipalOrgID != "" {
		equals["aws:PrincipalOrgID"] = in.PrincipalOrgID
	}
	if len(equals) > 0 {
		st.Condition["StringEquals"] = equals
	}
	if in.SourceArn != "" {
		st.Condition["ArnLike"] = map[string]string{"AWS:SourceArn": in.SourceArn}
	}
	err := s.update(in.FunctionName, in.Qualifier, func(f *function) error {
		if in.RevisionID != "" && in.RevisionID != f.Config.RevisionID {
			return staleRevision()
		}
		if slices.ContainsFunc(f.Policy, func(other statement) bool { return other.Sid == in.StatementID }) {
			return &dispatch.Error{Code: "ResourceConflictException", Status: 409, Fields: map[string]any{"Type": "User"},
				Message: fmt.Sprintf("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", in.StatementID)}
		}
		st.Resource = f.Config.FunctionArn
		return f.setPolicy(append(slices.Clone(f.Policy), st))
	})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("writing a statement: %w", err)
	}
	return &AddPermissionOutput{Statement: string(text)}, nil
}

func noPolicy() error {
	return &dispatch.Error{Code: "ResourceNotFoundException", Status: 404, Message: "The resource you requested does not exist.", Fields: map[string]any{"Type": "User"}}
}

func (s *Service) removePermission(_ context.Context, _ *dispatch.Call, in *RemovePermissionInput) (*Empty, error) {
	return &Empty{}, s.update(in.FunctionName, in.Qualifier, func(f *function) error {
		if in.RevisionID != "" && in.RevisionID != f.Config.RevisionID {
			return staleRevision()
		}
		i := slices.IndexFunc(f.Policy, func(st statement) bool { return st.Sid == in.StatementID })
		if i < 0 {
			return &dispatch.Error{Code: "ResourceNotFoundException", Status: 404, Fields: map[string]any{"Type": "User"},
				Message: fmt.Sprintf("Statement %s is not found in resource policy.", in.StatementID)}
		}
		return f.setPolicy(slices.Delete(slices.Clone(f.Policy), i, i+1))
	})
}

func (s *Service) getPolicy(_ context.Context, _ *dispatch.Call, in *FunctionInput) (*GetPolicyOutput, error) {
	f, err := s.find(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if f.Document == "" {
		return nil, noPolicy()
	}
	return &GetPolicyOutput{f.Document, f.Config.RevisionID}, nil
}
