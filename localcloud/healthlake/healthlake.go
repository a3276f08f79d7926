// Package healthlake emulates AWS HealthLake: FHIR R4 data stores with versions, instance history, search by the time of the
// last update, bundles, and FHIR Subscriptions that notify an EventBridge bus.
//
// It follows https://docs.aws.amazon.com/healthlake/latest/devguide/. As in AWS, search lags behind writes and hides a
// resource altogether while its index update is pending (SetLag), and _history shows every version with the metadata of
// the latest. Data stores with SMART on FHIR, import and export jobs, operations such as $everything, and search parameters
// beyond _id, _lastUpdated, _count, _sort, _total, _elements and _summary=count are not emulated: they are refused.
//
// A write is answered when it is in a [store.Journal]: it survives whatever ends the process, kill -9 included. Texts of
// resources stay in the journal; memory holds about 100 bytes for each version.
package healthlake

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Lag says how long after a write HealthLake's ways of reading know of it. Reads by id know at once.
type Lag struct {
	// Index is called for each write; it says how long search hides the resource. nil: not at all.
	Index func() time.Duration
	// History is how long _history does not show a version, and VersionRead how long its address answers 404.
	History, VersionRead time.Duration
}

// DefaultIndexLag is how long search hides a resource after a write unless SetLag says otherwise. AWS has been seen to take
// 20 s.
const DefaultIndexLag = time.Second

// DefaultCreation is how long a new data store is CREATING unless SetCreation says otherwise. AWS takes a quarter of an
// hour.
const DefaultCreation = time.Second

// Service is the emulated HealthLake. Make it with New.
type Service struct {
	d       *dispatch.Dispatcher
	rows    *store.Table[row]
	journal *store.Journal

	settings settings

	mu     sync.RWMutex // taken before a data store's
	stores map[string]*datastore
}

// settings are what tests and the embedded AWS choose. Its lock is held for a moment only, whatever else is locked.
type settings struct {
	mu         sync.RWMutex
	endpoint   string // base of data stores' addresses, without a slash at its end
	lag        Lag
	creation   time.Duration
	activation time.Duration
	delivery   Delivery

	noTypeHistory bool
}

// set changes the settings.
func (s *Service) set(f func(*settings)) {
	s.settings.mu.Lock()
	defer s.settings.mu.Unlock()
	f(&s.settings)
}

// setting reads one of the settings.
func setting[T any](s *Service, f func(*settings) T) T {
	s.settings.mu.RLock()
	defer s.settings.mu.RUnlock()
	return f(&s.settings)
}

// New returns the service with its operations registered at d and its data kept in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	rows, err := store.NewTable[row](s, "healthlake/datastores")
	if err != nil {
		return nil, fmt.Errorf("opening the data stores: %w", err)
	}
	journal, err := store.NewJournal(s, "fhir")
	if err != nil {
		return nil, err
	}
	svc := &Service{d: d, rows: rows, journal: journal, stores: map[string]*datastore{}}
	svc.set(func(c *settings) {
		c.endpoint, c.creation, c.activation = "http://localhost:4566", DefaultCreation, DefaultActivation
		c.lag.Index = func() time.Duration { return DefaultIndexLag }
	})
	for id, r := range rows.All() {
		if !r.Deleted.IsZero() {
			continue
		}
		svc.stores[id] = newDatastore(id, journal)
		if wait := r.Ready.Sub(d.Clock.Now()); wait > 0 {
			svc.announceReady(id, wait)
		}
	}
	cursors, err := load(journal, svc.stores)
	if err != nil {
		return nil, err
	}
	svc.register()
	if err := svc.resume(cursors); err != nil {
		return nil, err
	}
	return svc, nil
}

// SetEndpoint sets the base of data stores' addresses, such as http://localhost:4566 (the default).
func (s *Service) SetEndpoint(url string) {
	s.set(func(c *settings) { c.endpoint = strings.TrimSuffix(url, "/") })
}

// SetLag sets how long reads lag behind writes, for the writes to come (Index) and at once (the others).
func (s *Service) SetLag(l Lag) { s.set(func(c *settings) { c.lag = l }) }

// SetCreation sets how long data stores that are created from now on are CREATING.
func (s *Service) SetCreation(d time.Duration) { s.set(func(c *settings) { c.creation = d }) }

func (s *Service) currentLag() Lag { return setting(s, func(c *settings) Lag { return c.lag }) }

func (s *Service) indexLag() time.Duration {
	if f := s.currentLag().Index; f != nil {
		return max(f(), 0)
	}
	return 0
}

const (
	statusCreating = "CREATING"
	statusActive   = "ACTIVE"
	statusDeleted  = "DELETED"
)

// row is a data store's control plane.
type row struct {
	ID, Name, Token string
	Created, Ready  time.Time
	Deleted         time.Time // zero: it is not
	CmkType, Key    string    // the key's ARN if it is the customer's
	DataKey         []byte    // encrypted with the key
	Auth            string    // as it was given; empty if it was not
	Tags            map[string]string
}

func (r *row) status(now time.Time) string {
	switch {
	case !r.Deleted.IsZero():
		return statusDeleted
	case now.Before(r.Ready):
		return statusCreating
	}
	return statusActive
}

func (s *Service) arn(id string) string { return s.d.ARN("healthlake", "datastore/fhir/"+id) }

func (s *Service) address(id string) string {
	return setting(s, func(c *settings) string { return c.endpoint }) + "/datastore/" + id + "/r4/"
}

func (s *Service) register() {
	d := s.d
	op := func(action string) dispatch.Operation {
		return dispatch.Operation{Service: "healthlake", Action: action}
	}
	byID := dispatch.On(func(_ *dispatch.Call, in *DatastoreInput) []string { return []string{s.arn(in.DatastoreID)} })
	dispatch.Register(d, op("CreateFHIRDatastore"), dispatch.Anywhere[CreateFHIRDatastoreInput](), s.createDatastore)
	dispatch.Register(d, op("DescribeFHIRDatastore"), byID, s.describeDatastore)
	dispatch.Register(d, op("DeleteFHIRDatastore"), dispatch.On(func(_ *dispatch.Call, in *DeleteFHIRDatastoreInput) []string { return []string{s.arn(in.DatastoreID)} }), s.deleteDatastore)
	dispatch.Register(d, op("ListFHIRDatastores"), dispatch.Anywhere[ListFHIRDatastoresInput](), s.listDatastores)
	dispatch.Register(d, op("TagResource"), dispatch.On(func(_ *dispatch.Call, in *TagResourceInput) []string { return []string{in.ResourceARN} }), s.tag)
	dispatch.Register(d, op("UntagResource"), dispatch.On(func(_ *dispatch.Call, in *UntagResourceInput) []string { return []string{in.ResourceARN} }), s.untag)
	dispatch.Register(d, op("ListTagsForResource"), dispatch.On(func(_ *dispatch.Call, in *ResourceARNInput) []string { return []string{in.ResourceARN} }), s.listTags)

	interaction(s, "CreateResource", s.create)
	interaction(s, "ReadResource", s.read)
	interaction(s, "VersionReadResource", s.versionRead)
	interaction(s, "UpdateResource", s.update)
	interaction(s, "PatchResource", s.patch)
	interaction(s, "DeleteResource", s.remove)
	interaction(s, "GetHistoryByResourceId", s.history)
	interaction(s, "GetHistoryByResourceType", s.typeHistory)
	interaction(s, "SearchWithGet", s.search)
	interaction(s, "SearchWithPost", s.search)
	interaction(s, "ProcessBundle", s.bundle)
	interaction(s, "GetCapabilities", s.capabilities)
}

// interaction registers a FHIR interaction. Its handler gets the data plane of the store that the request names, after the
// caller's use of the store's key was checked.
func interaction[In any, PIn interface {
	*In
	datastore() string
}](s *Service, action string, do func(ctx context.Context, ds *datastore, in PIn) (*Response, error)) {
	writes := writeActions[action]
	dispatch.Register(s.d, dispatch.Operation{Service: "healthlake", Action: action},
		dispatch.On(func(_ *dispatch.Call, in *In) []string { return []string{s.arn(PIn(in).datastore())} }),
		func(ctx context.Context, c *dispatch.Call, in *In) (*Response, error) {
			ds, err := s.open(PIn(in).datastore())
			if err != nil {
				return nil, err
			}
			if action != "GetCapabilities" {
				if err := s.unseal(ctx, c.Principal, ds, writes); err != nil {
					return nil, err
				}
			}
			return do(ctx, ds, in)
		})
}

var writeActions = map[string]bool{"CreateResource": true, "UpdateResource": true, "PatchResource": true, "DeleteResource": true, "ProcessBundle": true}

func validation(format string, args ...any) *dispatch.Error {
	return dispatch.Errorf("ValidationException", format, args...)
}

var (
	storeName   = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-%@]{1,256}$`)
	clientToken = regexp.MustCompile(`^[a-zA-Z0-9-]{1,64}$`)
)

// maxStores is HealthLake's quota of data stores in an account.
const maxStores = 20

func (s *Service) createDatastore(ctx context.Context, c *dispatch.Call, in *CreateFHIRDatastoreInput) (*DatastoreStatusOutput, error) {
	switch {
	case in.DatastoreTypeVersion != "R4":
		return nil, validation("1 validation error detected: Value '%s' at 'datastoreTypeVersion' failed to satisfy constraint: Member must satisfy enum value set: [R4]", in.DatastoreTypeVersion)
	case in.DatastoreName != "" && !storeName.MatchString(in.DatastoreName):
		return nil, validation("1 validation error detected: Value at 'datastoreName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-%%@]*)$ and have length from 1 to 256")
	case in.ClientToken != "" && !clientToken.MatchString(in.ClientToken):
		return nil, validation("1 validation error detected: Value at 'clientToken' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9-]+$ and have length from 1 to 64")
	case in.PreloadDataConfig != nil:
		return nil, validation("the embedded AWS does not emulate PreloadDataConfig: load the data with FHIR calls")
	}
	if err := checkAuth(in.IdentityProviderConfiguration); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	now := s.d.Clock.Now()
	r := row{ID: strings.ReplaceAll(dispatch.NewRequestID(), "-", ""), Name: in.DatastoreName, Token: in.ClientToken, Created: now, Tags: map[string]string{}}
	if a := in.IdentityProviderConfiguration; a != nil {
		r.Auth = a.AuthorizationStrategy
	}
	for _, t := range in.Tags {
		r.Tags[t.Key] = t.Value
	}
	if in.SseConfiguration != nil {
		if err := s.seal(ctx, c.Principal, &r, in.SseConfiguration.KmsEncryptionConfig); err != nil {
			return nil, err
		}
	}
	before, err := s.admit(&r)
	if err != nil || before != nil {
		return before, err
	}
	s.announce(&r, "Data Store Creating")
	s.announceReady(r.ID, r.Ready.Sub(now))
	return s.statusOf(&r), nil
}

// admit adds a new data store, unless its client token has made one before: that one is returned then.
func (s *Service) admit(r *row) (before *DatastoreStatusOutput, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	living := 0
	for id, other := range s.rows.All() {
		switch {
		case !other.Deleted.IsZero():
			if r.Created.Sub(other.Deleted) > deletedShown {
				if _, err := s.rows.Delete(id); err != nil {
					return nil, err
				}
			}
			continue
		case r.Token != "" && other.Token == r.Token:
			return s.statusOf(&other), nil
		}
		living++
	}
	if living >= maxStores {
		return nil, validation("The account has %d data stores, which is its limit.", living)
	}
	r.Ready = r.Created.Add(setting(s, func(c *settings) time.Duration { return c.creation }))
	if err := s.rows.Put(r.ID, *r); err != nil {
		return nil, err
	}
	s.stores[r.ID] = newDatastore(r.ID, s.journal)
	return nil, nil
}

// deletedShown is how long a deleted data store can be described.
const deletedShown = 24 * time.Hour

func checkAuth(a *IdentityProviderConfiguration) error {
	if a == nil {
		return nil
	}
	if a.AuthorizationStrategy != "AWS_AUTH" || a.FineGrainedAuthorizationEnabled || a.IdpLambdaArn != "" || a.Metadata != "" {
		return validation("the embedded AWS emulates the AuthorizationStrategy AWS_AUTH only, not SMART on FHIR")
	}
	return nil
}

func checkTags(tags []Tag) error {
	if len(tags) > 50 {
		return validation("A data store has at most 50 tags.")
	}
	seen := map[string]bool{}
	for _, t := range tags {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 || strings.HasPrefix(t.Key, "aws:") || seen[t.Key] {
			return validation("Tag keys must be different, have 1 to 128 characters and not begin with aws:, and values have at most 256.")
		}
		seen[t.Key] = true
	}
	return nil
}

// statusOf describes a store shortly.
func (s *Service) statusOf(r *row) *DatastoreStatusOutput {
	return &DatastoreStatusOutput{DatastoreID: r.ID, DatastoreArn: s.arn(r.ID), DatastoreStatus: r.status(s.d.Clock.Now()), DatastoreEndpoint: s.address(r.ID)}
}

func (s *Service) properties(r *row) DatastoreProperties {
	p := DatastoreProperties{DatastoreID: r.ID, DatastoreArn: s.arn(r.ID), DatastoreName: r.Name, DatastoreStatus: r.status(s.d.Clock.Now()),
		CreatedAt: dispatch.Time{Time: r.Created}, DatastoreTypeVersion: "R4", DatastoreEndpoint: s.address(r.ID),
		SseConfiguration:              &SseConfiguration{KmsEncryptionConfig{CmkType: "AWS_OWNED_KMS_KEY"}},
		IdentityProviderConfiguration: &IdentityProviderConfiguration{AuthorizationStrategy: "AWS_AUTH"}}
	if r.Key != "" {
		p.SseConfiguration.KmsEncryptionConfig = KmsEncryptionConfig{r.CmkType, r.Key}
	}
	return p
}

func (s *Service) row(id string) (row, error) {
	r, ok := s.rows.Get(id)
	if !ok {
		return r, &dispatch.Error{Code: "ResourceNotFoundException", Message: "Datastore with ID " + id + " was not found."}
	}
	return r, nil
}

func (s *Service) describeDatastore(_ context.Context, _ *dispatch.Call, in *DatastoreInput) (*DescribeFHIRDatastoreOutput, error) {
	r, err := s.row(in.DatastoreID)
	if err != nil {
		return nil, err
	}
	return &DescribeFHIRDatastoreOutput{s.properties(&r)}, nil
}

func (s *Service) deleteDatastore(_ context.Context, _ *dispatch.Call, in *DeleteFHIRDatastoreInput) (*DatastoreStatusOutput, error) {
	r, err := s.drop(in.DatastoreID)
	if err != nil {
		return nil, err
	}
	if err := s.journal.Flush(); err != nil {
		return nil, err
	}
	s.announce(&r, "Data Store Deleting")
	s.announce(&r, "Data Store Deleted")
	out := s.statusOf(&r)
	out.DatastoreStatus = "DELETING"
	return out, nil
}

// drop removes a data store with all that it holds, at once.
func (s *Service) drop(id string) (row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.row(id)
	if err != nil {
		return r, err
	}
	if status := r.status(s.d.Clock.Now()); status != statusActive {
		return r, dispatch.Errorf("ConflictException", "The data store %s cannot be deleted: its status is %s.", r.ID, status)
	}
	r.Deleted = s.d.Clock.Now()
	if err := s.rows.Put(r.ID, r); err != nil {
		return r, err
	}
	if ds := s.stores[r.ID]; ds != nil {
		ds.drop()
		delete(s.stores, r.ID)
	}
	return r, nil
}

func (s *Service) listDatastores(_ context.Context, _ *dispatch.Call, in *ListFHIRDatastoresInput) (*ListFHIRDatastoresOutput, error) {
	if in.MaxResults < 0 || in.MaxResults > 500 {
		return nil, validation("1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value between 1 and 500", in.MaxResults)
	}
	limit := in.MaxResults
	if limit == 0 {
		limit = 100
	}
	f := in.Filter
	if f == nil {
		f = &DatastoreFilter{}
	}
	out := &ListFHIRDatastoresOutput{DatastorePropertiesList: []DatastoreProperties{}}
	for id, r := range s.rows.All() {
		p := s.properties(&r)
		if in.NextToken != "" && id <= in.NextToken || f.DatastoreName != "" && f.DatastoreName != p.DatastoreName ||
			f.DatastoreStatus != "" && f.DatastoreStatus != p.DatastoreStatus ||
			f.CreatedAfter != nil && !r.Created.After(f.CreatedAfter.Time) || f.CreatedBefore != nil && !r.Created.Before(f.CreatedBefore.Time) {
			continue
		}
		if len(out.DatastorePropertiesList) == limit {
			out.NextToken = out.DatastorePropertiesList[limit-1].DatastoreID
			break
		}
		out.DatastorePropertiesList = append(out.DatastorePropertiesList, p)
	}
	return out, nil
}

func (s *Service) byARN(arn string) (row, error) {
	id, ok := strings.CutPrefix(arn, s.arn(""))
	if !ok {
		return row{}, validation("The resource ARN %s is not that of a data store.", arn)
	}
	return s.row(id)
}

func (s *Service) changeTags(arn string, f func(map[string]string)) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.byARN(arn)
	if err != nil {
		return nil, err
	}
	r.Tags = maps.Clone(r.Tags)
	if f(r.Tags); len(r.Tags) > 50 {
		return nil, validation("A data store has at most 50 tags.")
	}
	return &Empty{}, s.rows.Put(r.ID, r)
}

func (s *Service) tag(_ context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return s.changeTags(in.ResourceARN, func(tags map[string]string) {
		for _, t := range in.Tags {
			tags[t.Key] = t.Value
		}
	})
}

func (s *Service) untag(_ context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
	return s.changeTags(in.ResourceARN, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *ResourceARNInput) (*ListTagsForResourceOutput, error) {
	r, err := s.byARN(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := &ListTagsForResourceOutput{Tags: []Tag{}}
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		out.Tags = append(out.Tags, Tag{k, r.Tags[k]})
	}
	return out, nil
}

// Serves reports whether a request is one of a data store's FHIR endpoint.
func (s *Service) Serves(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/datastore/") }
