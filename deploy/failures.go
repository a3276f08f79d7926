package deploy

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// usualFailure is what goes wrong often, known by what the engine or the provider says.
type usualFailure struct {
	code Code
	says *regexp.Regexp
	hint string // of what to do next; NAME stands for the stack's name
}

var usualFailures = []usualFailure{
	{CodeNotLoggedIn, regexp.MustCompile(`PULUMI_ACCESS_TOKEN must be set|no credentials\. Run .pulumi login|could not determine the current backend`),
		"say where Pulumi keeps the stack's state: export PULUMI_BACKEND_URL=s3://your-bucket (or another of its backends), or pulumi login"},
	{CodePassphrase, regexp.MustCompile(`passphrase must be set with|incorrect passphrase`),
		"export PULUMI_CONFIG_PASSPHRASE_FILE=FILE, or PULUMI_CONFIG_PASSPHRASE, with the passphrase that the stack was made with"},
	{CodePlugin, regexp.MustCompile(`no resource plugin|[Cc]ould not automatically download and install resource plugin|could not find (latest|resource) plugin|failed to load plugin`),
		"pulumi plugin install resource aws, on a network that reaches get.pulumi.com or with --file; carepath up needs no plugin for the stack local"},
	{CodeAccount, regexp.MustCompile(`(?i)AWS account ID not allowed|account ID .* is not allowed|not in the list of allowed account`),
		"use the credentials of the account that carepath:accountId of Pulumi.NAME.yaml names: aws sts get-caller-identity says whose they are"},
	{CodeCredentials, regexp.MustCompile(`(?i)no valid credential sources? (for .* )?found|NoCredentialProviders|failed to refresh cached credentials|no EC2 IMDS role found|ExpiredToken|security token included in the request is (invalid|expired)|InvalidClientTokenId|UnrecognizedClientException|unable to locate credentials`),
		"log in to AWS: aws sso login, or export AWS_PROFILE; aws sts get-caller-identity must answer"},
	{CodeThrottled, regexp.MustCompile(`ThrottlingException|Throttling:|TooManyRequestsException|RequestLimitExceeded|Rate exceeded|SlowDown`),
		"nothing is lost: wait a minute and run carepath up --stack NAME again, it goes on where it stopped"},
	{CodeDenied, regexp.MustCompile(`AccessDenied|is not authorized to perform|UnauthorizedOperation`),
		"give the role that deploys the action that is named, and run the command again: it goes on where it stopped"},
}

// failure turns what the Automation API reports into an *Error: what failed, why, and what to do next.
func (s *Stack) failure(ctx context.Context, doing string, err error) error {
	return failureOf(ctx, s.name, doing, err)
}

func failureOf(ctx context.Context, stack, doing string, err error) error {
	if ctx.Err() != nil {
		return &Error{Code: CodeCancelled, Message: doing + " was cancelled", Hint: "run it again to converge", Err: err}
	}
	if isLocked(err) {
		return &Error{Code: CodeConcurrent, Message: doing + " failed: another operation holds the stack's lock", Err: err}
	}
	why := engineMessage(err)
	e := &Error{Code: CodeFailed, Message: doing + " failed:\n" + why, Err: err}
	for _, usual := range usualFailures {
		if usual.says.MatchString(why) {
			e.Code, e.Hint = usual.code, strings.ReplaceAll(usual.hint, "NAME", stack)
			break
		}
	}
	return e
}

// where names the resources that an operation failed at.
func (r *Result) where() []string {
	var urns []string
	for _, m := range r.Messages {
		if m.Severity == "error" && m.URN != "" && !slices.Contains(urns, m.URN) {
			urns = append(urns, m.URN)
		}
	}
	return urns
}

var (
	ansi       = regexp.MustCompile("\x1b\\[[0-9;]*m|<\\{%[^%]*%\\}>")
	exitStatus = regexp.MustCompile(`(?m)^(code|stdout|stderr): ?`)
	summaries  = regexp.MustCompile(`^(update|preview|refresh|destroy) failed$`)
)

// engineMessage cuts what the Automation API reports down to what the engine said went wrong.
func engineMessage(err error) string {
	text := ansi.ReplaceAllString(err.Error(), "")
	var said []string
	all := strings.Split(text, "\n")
	for i, line := range all {
		_, first, is := strings.Cut(line, "error: ")
		first = strings.TrimSpace(first)
		if !is || first == "" || summaries.MatchString(first) {
			continue
		}
		whole := first
		if strings.HasPrefix(strings.TrimSpace(line), "error: ") && strings.HasSuffix(first, ":") { // what the program says has more lines
			for _, more := range all[i+1:] {
				if more = strings.TrimSpace(more); more == "" || strings.Contains(more, "error: ") {
					break
				}
				whole += "\n  " + more
			}
		}
		switch at := slices.IndexFunc(said, func(s string) bool { return s == first || strings.HasPrefix(s, first+"\n") }); {
		case at < 0:
			said = append(said, whole)
		case len(whole) > len(said[at]):
			said[at] = whole
		}
	}
	if len(said) > 0 {
		return strings.Join(said, "\n")
	}
	return strings.TrimSpace(exitStatus.ReplaceAllString(text, ""))
}

// isLocked reports whether an operation failed because another one holds the stack's lock.
func isLocked(err error) bool {
	err = cause(err)
	return err != nil && (auto.IsConcurrentUpdateError(err) || strings.Contains(err.Error(), "the stack is currently locked"))
}
