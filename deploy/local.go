package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// LocalStatus is how the embedded AWS of a project is doing.
type LocalStatus struct {
	Running      bool   `json:"running"`
	PID          int    `json:"pid,omitempty"`
	Endpoint     string `json:"endpoint,omitempty"`    // where every AWS API answers
	TLSEndpoint  string `json:"tlsEndpoint,omitempty"` // where it answers with TLS, if it was started so
	Authority    string `json:"authority,omitempty"`   // the file with the certificate that its clients have to trust
	ProviderPort int    `json:"providerPort,omitempty"`
	Home         string `json:"home"`
	Log          string `json:"log"`
}

// health is the embedded AWS's own word about itself.
type health struct {
	PID          int    `json:"pid"`
	ProviderPort int    `json:"providerPort"`
	TLSEndpoint  string `json:"tlsEndpoint"`
	Dir          string `json:"dir"`
}

func (p *Project) endpoint() string { return "http://localhost:" + strconv.Itoa(p.Port) }

// LocalDir holds the embedded AWS's state file and log.
func (p *Project) LocalDir() string { return filepath.Join(p.Home, "local") }

func (p *Project) localLog() string { return filepath.Join(p.LocalDir(), "log.txt") }

// LocalStatus asks the embedded AWS how it is doing.
func (p *Project) LocalStatus(ctx context.Context) (LocalStatus, error) {
	status := LocalStatus{Home: p.Home, Log: p.localLog()}
	h, err := p.askHealth(ctx)
	if err != nil {
		return status, err
	}
	if h == nil {
		return status, nil
	}
	if h.Dir != p.LocalDir() {
		return status, &Error{Code: CodeRefused, Message: fmt.Sprintf("port %d is used by the embedded AWS of another project, in %s", p.Port, h.Dir),
			Hint: "stop that one (carepath local stop, in its folder), or choose another port with --port"}
	}
	status.Running, status.PID, status.ProviderPort, status.Endpoint = true, h.PID, h.ProviderPort, p.endpoint()
	if status.TLSEndpoint = h.TLSEndpoint; h.TLSEndpoint != "" {
		status.Authority = filepath.Join(p.LocalDir(), "ca.pem")
	}
	return status, nil
}

// askHealth returns nil when nothing listens.
func (p *Project) askHealth(ctx context.Context) (*health, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/_carepath/health", p.Port), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking the embedded AWS on port %d: %w", p.Port, err)
	}
	defer response.Body.Close()
	var h health
	if err := json.NewDecoder(response.Body).Decode(&h); err != nil || h.PID == 0 {
		return nil, &Error{Code: CodeRefused, Message: fmt.Sprintf("something else than the embedded AWS listens on port %d", p.Port),
			Hint: "choose another port with --port"}
	}
	return &h, nil
}

// StartLocal starts the embedded AWS in the background, unless it runs, and waits until it answers. The process is this
// program again, with serveArgs as its arguments; it must serve p on p.Port.
func (p *Project) StartLocal(ctx context.Context, serveArgs []string) (LocalStatus, error) {
	status, err := p.LocalStatus(ctx)
	if err != nil || status.Running {
		return status, err
	}
	executable, err := os.Executable()
	if err != nil {
		return status, fmt.Errorf("finding this program to start the embedded AWS: %w", err)
	}
	if err := os.MkdirAll(p.LocalDir(), 0o700); err != nil {
		return status, fmt.Errorf("making the embedded AWS's folder: %w", err)
	}
	log, err := os.OpenFile(p.localLog(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return status, fmt.Errorf("opening the embedded AWS's log: %w", err)
	}
	defer log.Close()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), executable, serveArgs...) // it outlives this command
	cmd.Dir = p.Root
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C in this terminal is not meant for it
	if err := cmd.Start(); err != nil {
		return status, fmt.Errorf("starting the embedded AWS: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // why it ended is in its log
		close(exited)
	}()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for {
		if status, err := p.LocalStatus(ctx); err == nil && status.Running {
			return status, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-exited: // why is in the log
			return status, p.startFailure("it stopped at once")
		case <-deadline.C:
			return status, p.startFailure("it does not answer after 30 s")
		case <-ctx.Done():
			return status, ctx.Err()
		}
	}
}

func (p *Project) startFailure(why string) error {
	text, _ := os.ReadFile(p.localLog()) // without a log the message is just shorter
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return &Error{Code: CodeFailed, Message: "the embedded AWS did not start: " + why + "\n" + strings.Join(lines[max(0, len(lines)-10):], "\n"),
		Hint: "its log is " + p.localLog()}
}

// StopLocal stops the embedded AWS cleanly, so that its data plane is saved, and says whether it ran.
func (p *Project) StopLocal(ctx context.Context) (bool, error) {
	status, err := p.LocalStatus(ctx)
	if err != nil || !status.Running {
		return false, err
	}
	process, err := os.FindProcess(status.PID)
	if err != nil {
		return true, err
	}
	if err := process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return true, fmt.Errorf("stopping the embedded AWS (process %d): %w", status.PID, err)
	}
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for process.Signal(syscall.Signal(0)) == nil {
		if zombie(status.PID) {
			return true, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline.C:
			return true, &Error{Code: CodeFailed, Message: fmt.Sprintf("the embedded AWS (process %d) does not stop", status.PID),
				Hint: fmt.Sprintf("look into %s; kill -9 %d ends it and loses messages and executions", p.localLog(), status.PID)}
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
	return true, nil
}

// zombie reports a process that has ended but whose parent has not looked yet, as when this program is the parent.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(after, "Z")
}

// ResetLocal stops the embedded AWS and deletes everything the local stack left on the machine.
func (p *Project) ResetLocal(ctx context.Context) error {
	if _, err := p.StopLocal(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(p.Home); err != nil {
		return fmt.Errorf("deleting the local stack's state: %w", err)
	}
	return nil
}

// Variable is an environment variable.
type Variable struct{ Name, Value string }

// AWSEnvironment is what the AWS CLI and every AWS SDK need to use the embedded AWS.
func (p *Project) AWSEnvironment() []Variable {
	return []Variable{
		{"AWS_ENDPOINT_URL", p.endpoint()},
		{"AWS_ACCESS_KEY_ID", "test"},
		{"AWS_SECRET_ACCESS_KEY", "test"},
		{"AWS_REGION", "us-east-1"},
		{"AWS_DEFAULT_REGION", "us-east-1"},
		{"AWS_DISABLE_HOST_PREFIX_INJECTION", "true"}, // else the AWS CLI calls sync-localhost for StartSyncExecution and TestState
	}
}

// PulumiEnvironment is what the Pulumi CLI needs to work on the local stack.
func (p *Project) PulumiEnvironment(providerPort int) []Variable {
	return []Variable{
		// Without metadata=skip there is a second file beside each, which a kill can leave empty: the state is then not readable.
		{"PULUMI_BACKEND_URL", "file://" + p.backend() + "?metadata=skip"},
		{"PULUMI_CONFIG_PASSPHRASE", "carepath-local"}, // the local stack has no secrets worth one
		{"PULUMI_DEBUG_PROVIDERS", fmt.Sprintf("aws:%d,awsx:%[1]d", providerPort)},
		{"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true"}, // the embedded AWS is the plugin: looking for it on the network takes seconds
		{"PULUMI_SKIP_UPDATE_CHECK", "true"},
	}
}
