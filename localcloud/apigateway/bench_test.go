package apigateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkGateway measures the gateway's own cost of a request: no network, and services that answer at once.
func BenchmarkGateway(b *testing.B) {
	c := newCloud(b)
	api := c.deploy(document(`"/mock":{"post":` + mock("200", "ok") + `},"/states/{id}":{"post":` + starts("") + `}`))
	const body = `{"resourceType":"Patient","id":"p1","name":[{"family":"O'Neil","given":["Ann","Mary"]}],"birthDate":"1980-02-03","active":true}`
	for name, path := range map[string]string{"mock": "/mock", "states": "/states/7"} {
		b.Run(name, func(b *testing.B) {
			handler := c.service.Handler()
			c.patchStage(api, replace("/*/*/throttling/rateLimit", "-1"))
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("POST", "/_aws/execute-api/"+api+"/prod"+path, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code >= http.StatusBadRequest {
					b.Fatal(w.Code, w.Body)
				}
				c.sources = c.sources[:0]
				c.clock.Advance(time.Millisecond) // or the account's throttle would close
			}
		})
	}
}
