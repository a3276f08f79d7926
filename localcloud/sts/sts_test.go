package sts_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/carepath/carepath/localcloud/sts"
)

func start(t *testing.T, path string, c clock.Clock) (*dispatch.Dispatcher, *sts.Service, *store.Store) {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	d := dispatch.New(c, "000000000000", "us-east-1")
	if _, err := iam.New(d, s); err != nil {
		t.Fatal(err)
	}
	svc, err := sts.New(d, s)
	if err != nil {
		t.Fatal(err)
	}
	return d, svc, s
}

func TestSessions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	c := clock.NewDriven(time.Unix(1_700_000_000, 0))
	d, svc, s := start(t, path, c)
	if p, err := svc.Principal("test"); err != nil || !p.IsRoot() {
		t.Error(p, err)
	}
	if _, err := d.Do(t.Context(), d.Root(), "iam", "CreateRole", &iam.CreateRoleInput{RoleName: "fn", Path: "/a/",
		AssumeRolePolicyDocument: `{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com","AWS":"000000000000"},"Action":"sts:AssumeRole"}}`}); err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:iam::000000000000:role/a/fn"
	lambda := dispatch.Principal{ARN: "lambda.amazonaws.com", Service: "lambda.amazonaws.com"}
	out, err := dispatch.Do[sts.AssumeRoleOutput](t.Context(), d, lambda, "sts", "AssumeRole", &sts.AssumeRoleInput{RoleArn: arn, RoleSessionName: "fn"})
	if err != nil {
		t.Fatal(err)
	}
	if out.AssumedRoleUser.Arn != "arn:aws:sts::000000000000:assumed-role/fn/fn" || !strings.HasSuffix(out.AssumedRoleUser.AssumedRoleId, ":fn") {
		t.Errorf("%+v", out.AssumedRoleUser)
	}
	short, err := dispatch.Do[sts.AssumeRoleOutput](t.Context(), d, d.Root(), "sts", "AssumeRole", &sts.AssumeRoleInput{RoleArn: arn, RoleSessionName: "me", DurationSeconds: 900})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[*sts.AssumeRoleInput]string{
		{RoleArn: "x", RoleSessionName: "me"}:                         "ValidationError",
		{RoleArn: arn, RoleSessionName: "m"}:                          "ValidationError",
		{RoleArn: arn, RoleSessionName: "me", DurationSeconds: 60}:    "ValidationError",
		{RoleArn: arn, RoleSessionName: "me", DurationSeconds: 43200}: "ValidationError",
		{RoleArn: arn + "x", RoleSessionName: "me"}:                   "AccessDenied",
	} {
		_, err := d.Do(t.Context(), d.Root(), "sts", "AssumeRole", in)
		if e := dispatch.AsError(err); err == nil || e.Code != want {
			t.Errorf("%+v: %v, want %s", in, err, want)
		}
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	d, svc, s = start(t, path, c)
	defer s.Close()
	p, err := svc.Principal(out.Credentials.AccessKeyID)
	if err != nil || p.RoleARN != arn || p.ARN != out.AssumedRoleUser.Arn {
		t.Error(p, err)
	}
	who, err := dispatch.Do[sts.GetCallerIdentityOutput](t.Context(), d, p, "sts", "GetCallerIdentity", &sts.GetCallerIdentityInput{})
	if err != nil || who.Arn != p.ARN || who.UserId != out.AssumedRoleUser.AssumedRoleId {
		t.Error(who, err)
	}
	c.Advance(15 * time.Minute)
	if _, err := svc.Principal(short.Credentials.AccessKeyID); dispatch.AsError(err).Code != "ExpiredTokenException" {
		t.Error(err)
	}
	if _, err := svc.Principal("ASIAUNKNOWN"); dispatch.AsError(err).Code != "UnrecognizedClientException" {
		t.Error(err)
	}
	if _, err := svc.Principal(out.Credentials.AccessKeyID); err != nil {
		t.Error(err)
	}
}
