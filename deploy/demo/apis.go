package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

func (r *run) samples(ctx context.Context, s *system) {
	s.promise("a function answers behind its base path", func() (string, error) {
		a, err := r.expect(ctx, http.StatusOK, http.MethodGet, r.output("samplesUrl")+"/one", "", nil)
		if err != nil {
			return "", err
		}
		if a.field("message") == "" || a.field("requestId") == "" {
			return "", errors.New("the answer is not the function's")
		}
		return a.String(), nil
	})
}

// domain tries the doors that must be shut.
func (r *run) domain(ctx context.Context, s *system) {
	forbidden := func(url string) (string, error) {
		a, err := r.expect(ctx, http.StatusForbidden, http.MethodGet, url, "", nil)
		if err != nil {
			return "", err
		}
		if a.field("message") != "Forbidden" {
			return "", fmt.Errorf("GET %s answers %s, not Forbidden", url, a)
		}
		return a.String(), nil
	}
	s.promise("a path that no API is under is forbidden", func() (string, error) {
		if r.output("apiUrl") == r.output("intakeUrl") {
			return "", skip("the stack has no domain")
		}
		return forbidden(r.output("apiUrl") + "/carepath-demo-nothing")
	})
	s.promise("the APIs' default endpoints are closed", func() (string, error) {
		if r.output("closedUrl") == "" {
			return "", skip("the stack has no domain: the default endpoints are open")
		}
		return forbidden(r.output("closedUrl") + "/one")
	})
}
