package localcloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Health is what GET /_carepath/health answers.
type Health struct {
	Services     []string `json:"services"` // by signing name
	Version      string   `json:"version"`  // of the module that this process was built from
	ProviderPort int      `json:"providerPort"`
	TLSEndpoint  string   `json:"tlsEndpoint,omitempty"`
	PID          int      `json:"pid"`
	Dir          string   `json:"dir"` // where the state is kept
	Account      string   `json:"account"`
	Region       string   `json:"region"`
}

// Journal is what GET /_carepath/journal answers.
type Journal struct {
	Total   uint64           `json:"total"`   // calls since the start
	Entries []dispatch.Entry `json:"entries"` // the latest, oldest first
}

// Mail is what GET /_carepath/mail answers: the messages that Cognito would have sent, newest first. With the parameter "to" it
// is those to an e-mail address or a phone number, compared without case.
type Mail struct {
	Messages []Message `json:"messages"`
}

// Message is an invitation.
type Message struct {
	To                string `json:"to"`
	Medium            string `json:"medium"` // EMAIL or SMS
	Subject           string `json:"subject,omitempty"`
	Body              string `json:"body"`
	UserPoolID        string `json:"userPoolId"`
	UserName          string `json:"userName"`
	TemporaryPassword string `json:"temporaryPassword"`
}

// Fault makes calls fail: what POST /_carepath/faults takes.
type Fault struct {
	Service string `json:"service"` // by signing name; empty: any
	Action  string `json:"action"`  // empty: any
	// After lets a call have its effect before it fails.
	After bool `json:"after"`
	// Times is how many calls fail; 0: all, until the faults are removed.
	Times   int    `json:"times"`
	Code    string `json:"code"`    // the error's. Required.
	Message string `json:"message"` // default: one that says that the error was asked for
	Status  int    `json:"status"`  // HTTP; default: 400
}

// Faults is what GET /_carepath/faults answers, and the other methods too: the faults in force, oldest first, each with the
// times that are left.
type Faults struct {
	Faults []Fault `json:"faults"`
}

func isOwn(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/_carepath/") }

func (c *Cloud) health(w http.ResponseWriter, _ *http.Request) {
	h := Health{Version: "(devel)", ProviderPort: c.ProviderPort(), TLSEndpoint: c.TLSEndpoint(), PID: os.Getpid(), Dir: c.dir, Account: c.d.Account, Region: c.d.Region}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		h.Version = info.Main.Version
	}
	for _, op := range c.d.Operations() {
		h.Services = append(h.Services, op.Service)
	}
	h.Services = slices.Compact(h.Services) // operations come sorted
	c.answer(w, h)
}

func (c *Cloud) journal(w http.ResponseWriter, _ *http.Request) {
	c.answer(w, Journal{Total: c.d.Journal.Total(), Entries: c.d.Journal.Latest()})
}

func (c *Cloud) mail(w http.ResponseWriter, r *http.Request) {
	to, m := r.FormValue("to"), Mail{Messages: []Message{}}
	for _, sent := range slices.Backward(c.cognito.Outbox()) {
		if to == "" || strings.EqualFold(sent.Destination, to) {
			m.Messages = append(m.Messages, Message{To: sent.Destination, Medium: sent.Medium, Subject: sent.Subject, Body: sent.Body,
				UserPoolID: sent.UserPoolId, UserName: sent.Username, TemporaryPassword: sent.TemporaryPassword})
		}
	}
	c.answer(w, m)
}

func (c *Cloud) faults(w http.ResponseWriter, _ *http.Request) {
	list := Faults{Faults: []Fault{}}
	for _, f := range c.d.Faults.List() {
		if f.Err != nil { // else it is one of a program that embeds this
			list.Faults = append(list.Faults, Fault{Service: f.Service, Action: f.Action, After: f.After, Times: f.Times,
				Code: f.Err.Code, Message: f.Err.Message, Status: f.Err.HTTPStatus()})
		}
	}
	c.answer(w, list)
}

func (c *Cloud) removeFaults(w http.ResponseWriter, r *http.Request) {
	c.d.Faults.Clear()
	c.faults(w, r)
}

func (c *Cloud) injectFault(w http.ResponseWriter, r *http.Request) {
	f := Fault{Message: "a fault that was asked for", Status: http.StatusBadRequest}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&f)
	if err == nil {
		err = c.check(f)
	}
	if err != nil {
		http.Error(w, "the fault: "+err.Error(), http.StatusBadRequest)
		return
	}
	c.d.Faults.Inject(dispatch.Fault{Service: f.Service, Action: f.Action, After: f.After, Times: f.Times,
		Err: &dispatch.Error{Code: f.Code, Message: f.Message, Status: f.Status}})
	c.faults(w, r)
}

// check refuses faults that no call can meet.
func (c *Cloud) check(f Fault) error {
	meets := func(op *dispatch.Operation) bool {
		return (f.Service == "" || f.Service == op.Service) && (f.Action == "" || f.Action == op.Action)
	}
	switch {
	case f.Code == "":
		return errors.New("code is required")
	case f.Times < 0:
		return fmt.Errorf("times is %d: want 0, for all calls, or more", f.Times)
	case f.Status < 400 || f.Status > 599:
		return fmt.Errorf("status is %d: want 400 to 599", f.Status)
	case !slices.ContainsFunc(c.d.Operations(), meets):
		return fmt.Errorf("no operation is service %q, action %q: GET /_carepath/health lists the services, GET /_carepath/journal the calls that were made", f.Service, f.Action)
	}
	return nil
}

func (c *Cloud) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		c.d.Logf("answering: %v", err)
	}
}

// open opens the state file in dir, or makes a temporary folder and keeps the state in memory.
func (c *Cloud) open(dir *string) (*store.Store, error) {
	if *dir != "" {
		return store.Open(filepath.Join(*dir, "state.db"))
	}
	temp, err := os.MkdirTemp("", "carepath-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for functions' code: %w", err)
	}
	c.temp, *dir = temp, temp
	return store.Memory(), nil
}

func (c *Cloud) removeTemp() error {
	if c.temp == "" {
		return nil
	}
	return os.RemoveAll(c.temp)
}
