package dispatch

import (
	"context"
	"strings"
)

// Check asks whether a principal may do something without doing it, as AWS services do when a resource is created whose
// role will need a permission later (iam:PassRole, log delivery, tracing). Permission is the IAM action, such as
// "iam:PassRole". It returns nil or the authorizer's *Error; the call is not journalled.
func (d *Dispatcher) Check(ctx context.Context, p Principal, permission string, resources []string, policies ...ResourcePolicy) error {
	return d.CheckWith(ctx, p, permission, resources, nil, policies...)
}

// CheckWith is Check with condition keys of several values.
func (d *Dispatcher) CheckWith(ctx context.Context, p Principal, permission string, resources []string, lists map[string][]string, policies ...ResourcePolicy) error {
	return d.CheckUnder(ctx, p, nil, permission, resources, policies...)
}

// CheckUnder is Check with values of condition keys, such as "kms:EncryptionContext:aws:logs:arn".
func (d *Dispatcher) CheckUnder(ctx context.Context, p Principal, conditions map[string]string, permission string, resources []string, policies ...ResourcePolicy) error {
	if p.IsRoot() {
		return nil
	}
	if d.authorizer == nil {
		return &Error{Code: "AccessDeniedException", Message: "there is no authorizer"}
	}
	service, action, _ := strings.Cut(permission, ":")
	c := &Call{Principal: p, Service: service, Action: action, RequestID: NewRequestID(), Resources: resources, Conditions: conditions}
	return d.authorizer.Authorize(ctx, c, permission, resources, policies)
}
