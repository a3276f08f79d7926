// Package apigateway is the embedded AWS's API Gateway for REST APIs (v1): the control plane, with import of OpenAPI
// documents that carry x-amazon-apigateway extensions, and the data plane, which serves deployed stages over HTTP.
//
// Everything that depends on a deployment (routes, mapping templates, patterns, models) is compiled when the stage is
// made or changed. Stages are swapped atomically: a request in flight ends on the snapshot on which it began.
//
// It follows https://docs.aws.amazon.com/apigateway/latest/developerguide/ and is measured against recordings of AWS.
package apigateway

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Service is API Gateway of one account and region. Make it with New.
type Service struct {
	d      *dispatch.Dispatcher
	client *http.Client // of HTTP integrations

	mu          sync.Mutex // serialises changes
	apis        *store.Table[*apiRecord]
	deployments *store.Table[*deploymentRecord]
	stages      *store.Table[*stageRecord]
	accounts    *store.Table[*Account]
	domains     *store.Table[*domainRecord]
	plans       map[string]*apiPlan // by deployment key; guarded by mu

	live     atomic.Pointer[table] // what clients see
	account  atomic.Pointer[Account]
	endpoint atomic.Pointer[string]
	total    *bucket // the account's throttle
	logs     *accessLogs
}

// apiRecord is an API as it is being edited.
type apiRecord struct {
	RestApi
	Resources        map[string]*Resource         // by id
	Models           map[string]*Model            // by name
	Validators       map[string]*RequestValidator // by id
	GatewayResponses map[string]*GatewayResponse  // by type, the configured ones
}

type deploymentRecord struct {
	APIID      string
	Deployment Deployment
	Snapshot   *apiRecord
}

type stageRecord struct {
	APIID string
	Stage Stage
	// What of the API takes effect only with a deployment or a change of the stage.
	EndpointDisabled bool
	// LogStream is the stream of the destination to which this stage's access logs go.
	LogStream string
}

type stageKey struct{ api, stage string }

func key(api, name string) string { return api + "/" + name }

// New registers API Gateway's operations with d, reads the state from s and puts the stored stages in service.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	svc := &Service{d: d, client: newHTTPClient(), plans: map[string]*apiPlan{}, total: newBucket(accountRate, accountBurst)}
	var err error
	if svc.apis, err = store.NewTable[*apiRecord](s, "apigateway/apis"); err != nil {
		return nil, err
	}
	if svc.deployments, err = store.NewTable[*deploymentRecord](s, "apigateway/deployments"); err != nil {
		return nil, err
	}
	if svc.stages, err = store.NewTable[*stageRecord](s, "apigateway/stages"); err != nil {
		return nil, err
	}
	if svc.accounts, err = store.NewTable[*Account](s, "apigateway/account"); err != nil {
		return nil, err
	}
	if svc.domains, err = store.NewTable[*domainRecord](s, "apigateway/domains"); err != nil {
		return nil, err
	}
	account, ok := svc.accounts.Get("account")
	if !ok {
		account = newAccount()
	}
	svc.account.Store(account)
	svc.logs = newAccessLogs(svc)
	live := &table{stages: map[stageKey]*stagePlan{}, domains: map[string]*domainPlan{}, wildcards: map[string]*domainPlan{}}
	svc.live.Store(live)
	for _, record := range svc.stages.All() {
		plan, err := svc.compileStage(record)
		if err != nil {
			return nil, fmt.Errorf("putting stage %s of API %s in service: %w", record.Stage.StageName, record.APIID, err)
		}
		live.stages[stageKey{record.APIID, record.Stage.StageName}] = plan
	}
	for name, record := range svc.domains.All() {
		plan, err := compileDomain(record)
		if err != nil {
			return nil, fmt.Errorf("putting the domain name %s in service: %w", name, err)
		}
		svc.publishDomain(name, plan)
	}
	svc.registerAPIs()
	svc.registerResources()
	svc.registerIntegrations()
	svc.registerParts()
	svc.registerGatewayResponses()
	svc.registerDeployments()
	svc.registerStages()
	svc.registerAccount()
	svc.registerDomains()
	return svc, nil
}

// SetEndpoint says under which URL (no slash at the end) the embedded AWS is reached, for the addresses that the
// control plane hands out.
func (s *Service) SetEndpoint(url string) {
	url = strings.TrimSuffix(url, "/")
	s.endpoint.Store(&url)
}

// InvokeURL returns the URL of a stage at the embedded AWS, without a slash at the end.
func (s *Service) InvokeURL(api, stage string) string {
	base := ""
	if p := s.endpoint.Load(); p != nil {
		base = *p
	}
	return base + pathPrefix + api + "/" + stage
}

// Close writes the access log entries that are still held back.
func (s *Service) Close(ctx context.Context) { s.logs.flush(ctx) }

const idAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789"

// newID returns a random identifier of n characters, in AWS's form.
func newID(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails, by its contract
	for i := range b {
		b[i] = idAlphabet[int(b[i])%len(idAlphabet)]
	}
	return string(b)
}

// copyOf returns a deep copy of a record, which the caller may change.
func copyOf[T any](v *T) *T {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("apigateway: %T does not survive JSON: %v", v, err))
	}
	c := new(T)
	if err := json.Unmarshal(text, c); err != nil {
		panic(fmt.Sprintf("apigateway: %T does not survive JSON: %v", v, err))
	}
	return c
}

func badRequest(format string, args ...any) error {
	return &dispatch.Error{Code: "BadRequestException", Message: fmt.Sprintf(format, args...), Status: 400}
}

func notFound(format string, args ...any) error {
	return &dispatch.Error{Code: "NotFoundException", Message: fmt.Sprintf(format, args...), Status: 404}
}

func conflict(format string, args ...any) error {
	return &dispatch.Error{Code: "ConflictException", Message: fmt.Sprintf(format, args...), Status: 409}
}

func invalidValue(value, at, constraint string) error {
	return &dispatch.Error{Code: "ValidationException", Status: 400,
		Message: fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, at, constraint)}
}

// api returns the record of an API, to be read only.
func (s *Service) api(id string) (*apiRecord, error) {
	if record, ok := s.apis.Get(id); ok {
		return record, nil
	}
	return nil, notFound("Invalid API identifier specified %s:%s", s.d.Account, id)
}

// change applies f to a copy of an API and stores it when f returns nil.
func (s *Service) change(id string, f func(*apiRecord) error) (*apiRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record, err := s.api(id)
	if err != nil {
		return nil, err
	}
	record = copyOf(record)
	if err := f(record); err != nil {
		return nil, err
	}
	return record, s.apis.Put(id, record)
}
