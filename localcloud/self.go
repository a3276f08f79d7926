package localcloud

import (
	"encoding/json"
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

func isOwn(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/_carepath/") }

func (c *Cloud) health(w http.ResponseWriter, _ *http.Request) {
	h := Health{Version: "(devel)", ProviderPort: c.ProviderPort(), PID: os.Getpid(), Dir: c.dir, Account: c.d.Account, Region: c.d.Region}
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
