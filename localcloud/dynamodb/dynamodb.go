// Package dynamodb emulates Amazon DynamoDB: tables with secondary indexes, items, queries and scans, batches and
// transactions, time to live, and encryption with a customer's KMS key, which is really checked.
//
// It follows https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/. Items survive kill -9. It differs from AWS
// in that tables are active at once, that capacity is counted but never exhausted (throttling is the dispatcher's to
// inject), that eventually consistent reads are current unless SetReadLag says otherwise, and that items whose time to
// live has passed go at once and not within days.
package dynamodb

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Service is the emulated DynamoDB. Make it with New.
type Service struct {
	d       *dispatch.Dispatcher
	records *store.Table[record]
	log     *log

	mu      sync.RWMutex
	byName  map[string]*table
	lag     time.Duration
	inDoubt time.Duration // how long transactions are under way

	changing sync.Mutex // held over changes of tables
	tokens   tokens
}

// New returns the service with its operations registered at d and its tables kept in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	records, err := store.NewTable[record](s, "dynamodb/tables")
	if err != nil {
		return nil, fmt.Errorf("opening the tables: %w", err)
	}
	svc := &Service{d: d, records: records, byName: map[string]*table{}}
	for name, r := range records.All() {
		svc.byName[name] = newTable(svc.arn(name), r)
	}
	if svc.log, err = openLog(s); err != nil {
		return nil, fmt.Errorf("opening the items: %w", err)
	}
	if err := svc.restore(); err != nil {
		return nil, fmt.Errorf("reading the items: %w", err)
	}
	svc.register()
	return svc, nil
}

// SetReadLag lets eventually consistent reads see tables as they were that long ago, by the dispatcher's clock; 0, which
// is the default, lets them see what consistent reads see. It begins with the tables as they are.
func (s *Service) SetReadLag(d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = d
	for _, t := range s.byName {
		if err := t.setLag(s.d.Clock, d); err != nil {
			return err
		}
	}
	return nil
}

// SetTransactionTime lets transactions take that long by the dispatcher's clock, so that others can meet them; 0 is the
// default.
func (s *Service) SetTransactionTime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inDoubt = d
}

func (s *Service) arn(name string) string { return s.d.ARN("dynamodb", "table/"+name) }

// nameOf returns a table's name, of a name or an ARN.
func (s *Service) nameOf(nameOrARN string) string {
	if !strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	return strings.TrimPrefix(nameOrARN, s.arn(""))
}

// table returns the table of a name or an ARN.
func (s *Service) table(nameOrARN string) (*table, error) {
	s.mu.RLock()
	t := s.byName[s.nameOf(nameOrARN)]
	s.mu.RUnlock()
	if t == nil {
		return nil, errNotFound
	}
	return t, nil
}

// resource returns the ARN of a table of a request, whether it exists or not.
func (s *Service) resource(name *string) string {
	if n := text(name); strings.HasPrefix(n, "arn:") {
		return n
	}
	return s.arn(text(name))
}

func (s *Service) onTable(name *string) ([]string, []dispatch.ResourcePolicy, error) {
	return []string{s.resource(name)}, nil, nil
}

func (s *Service) onTables(names []string) ([]string, []dispatch.ResourcePolicy, error) {
	arns := make([]string, len(names))
	for i := range names {
		arns[i] = s.resource(&names[i])
	}
	return arns, nil, nil
}

// onIndex is the resource of a read: the index when there is one.
func (s *Service) onIndex(table, index *string) ([]string, []dispatch.ResourcePolicy, error) {
	if index == nil {
		return s.onTable(table)
	}
	return []string{s.resource(table) + "/index/" + *index}, nil, nil
}

type (
	callOf   = *dispatch.Call
	policies = []dispatch.ResourcePolicy
)

func (s *Service) register() {
	d := s.d
	op := func(action string) dispatch.Operation { return dispatch.Operation{Service: "dynamodb", Action: action} }

	dispatch.Register(d, op("GetItem"), func(c callOf, in *GetItemInput) ([]string, policies, error) {
		s.leading(c, in.TableName, in.Key)
		return s.onTable(in.TableName)
	}, s.getItem)
	dispatch.Register(d, op("PutItem"), func(c callOf, in *PutItemInput) ([]string, policies, error) {
		s.leading(c, in.TableName, in.Item)
		return s.onTable(in.TableName)
	}, s.putItem)
	dispatch.Register(d, op("UpdateItem"), func(c callOf, in *UpdateItemInput) ([]string, policies, error) {
		s.leading(c, in.TableName, in.Key)
		return s.onTable(in.TableName)
	}, s.updateItem)
	dispatch.Register(d, op("DeleteItem"), func(c callOf, in *DeleteItemInput) ([]string, policies, error) {
		s.leading(c, in.TableName, in.Key)
		return s.onTable(in.TableName)
	}, s.deleteItem)
	dispatch.Register(d, op("Query"), func(c callOf, in *QueryInput) ([]string, policies, error) {
		s.leadingOfQuery(c, in)
		return s.onIndex(in.TableName, in.IndexName)
	}, s.query)
	dispatch.Register(d, op("Scan"), func(_ callOf, in *ScanInput) ([]string, policies, error) {
		return s.onIndex(in.TableName, in.IndexName)
	}, s.scan)
	dispatch.Register(d, op("BatchGetItem"), func(c callOf, in *BatchGetItemInput) ([]string, policies, error) {
		for name, r := range in.RequestItems {
			s.leading(c, &name, r.Keys...)
		}
		return s.onTables(sortedKeys(in.RequestItems))
	}, s.batchGetItem)
	dispatch.Register(d, op("BatchWriteItem"), func(c callOf, in *BatchWriteItemInput) ([]string, policies, error) {
		for name, requests := range in.RequestItems {
			for _, r := range requests {
				if r.PutRequest != nil {
					s.leading(c, &name, r.PutRequest.Item)
				}
				if r.DeleteRequest != nil {
					s.leading(c, &name, r.DeleteRequest.Key)
				}
			}
		}
		return s.onTables(sortedKeys(in.RequestItems))
	}, s.batchWriteItem)
	// A transaction's permissions are those of its parts.
	dispatch.Register(d, dispatch.Operation{Service: "dynamodb", Action: "TransactGetItems", Open: true},
		func(_ callOf, in *TransactGetItemsInput) ([]string, policies, error) {
			return s.onTables(in.tableNames())
		}, s.transactGetItems)
	dispatch.Register(d, dispatch.Operation{Service: "dynamodb", Action: "TransactWriteItems", Open: true},
		func(_ callOf, in *TransactWriteItemsInput) ([]string, policies, error) {
			return s.onTables(in.tableNames())
		}, s.transactWriteItems)

	s.registerTables(op)
}

func (s *Service) now() time.Time { return s.d.Clock.Now() }

// wait returns when d has passed by the clock, or the context is done.
func (s *Service) wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	done := make(chan struct{})
	timer := s.d.Clock.AfterFunc(d, func() { close(done) })
	select {
	case <-done:
	case <-ctx.Done():
		timer.Stop()
	}
}
