package lambda

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
)

const (
	initTime = 10 * time.Second // that a process has until it asks for its first invocation
	early    = 5 * time.Minute  // before its credentials expire a process is replaced
)

// environment is one process of a function: AWS's execution environment.
type environment struct {
	s          *Service
	id         string // in the path of its runtime API
	config     FunctionConfiguration
	generation int
	expires    time.Time
	lastUsed   time.Time // guarded by the pool's lock
	cmd        *exec.Cmd
	log        *journal
	began      time.Time
	next       chan *invocation // to the process; one at a time
	exited     chan struct{}    // closed when the process has ended
	begun      chan struct{}    // closed when the first invocation came
	once       sync.Once        // closes begun

	mu        sync.Mutex
	current   *invocation
	delivered bool    // the process has current
	answer    *result // of current; it is handed out when the process asks for the next invocation, and so is free again
	ready     bool    // the process has asked for an invocation
	initTook  time.Duration
	reported  bool                   // the time of the initialisation was reported
	fault     func(id string) result // why the process did not start: what its invocation comes to
	timer     clock.Timer
	timedOut  time.Duration // after which time the process was ended; 0: it was not
	running   bool          // the process was started
	dead      bool
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails, by its contract
	return hex.EncodeToString(b)[:n]
}

// launch starts a process for a function and does not wait for it. The pool calls watch next.
func (s *Service) launch(ctx context.Context, f function, generation int) (*environment, error) {
	c := f.Config
	addr, endpoint := s.addresses()
	if addr == "" {
		return nil, errors.New("the runtime API is not served yet")
	}
	if err := s.ensure(&c); err != nil {
		return nil, err
	}
	role, err := s.d.Assume(ctx, s.itself(c.FunctionArn), c.Role, session(c.FunctionName))
	if err != nil {
		return nil, &dispatch.Error{Code: "AccessDeniedException", Status: 403, Message: "The role defined for the function cannot be assumed by Lambda."}
	}
	if f.SealedEnv != nil {
		_, err := s.d.Do(ctx, role, "kms", "Decrypt", map[string]any{"CiphertextBlob": f.SealedEnv, "EncryptionContext": map[string]string{"aws:lambda:FunctionArn": c.FunctionArn}})
		if err != nil {
			e := dispatch.AsError(err)
			return nil, &dispatch.Error{Code: "KMSAccessDeniedException", Status: 502, Message: fmt.Sprintf("Lambda was unable to decrypt the environment variables because KMS access was denied. Please check the function's KMS key settings. KMS Exception: %s KMS Message: %s", e.Code, e.Message)}
		}
	}
	keys, err := s.credentials(ctx, &c)
	if err != nil {
		return nil, err
	}
	now := s.d.Clock.Now()
	e := &environment{s: s, id: randomHex(32), config: c, generation: generation, expires: keys.Expiration.Add(-early), began: now,
		next: make(chan *invocation, 1), exited: make(chan struct{}), begun: make(chan struct{})}
	stream := now.Format("2006/01/02") + "/[$LATEST]" + e.id
	if e.log, err = newJournal(s.d, role, &c, stream); err != nil {
		return nil, err
	}
	root := s.root(&c)
	e.cmd = exec.CommandContext(context.Background(), filepath.Join(root, "bootstrap"))
	e.cmd.Dir = root
	e.cmd.Env = environ(&c, map[string]string{
		"AWS_LAMBDA_RUNTIME_API": addr + "/" + e.id, "AWS_LAMBDA_LOG_STREAM_NAME": stream, "AWS_REGION": s.d.Region, "AWS_DEFAULT_REGION": s.d.Region,
		"AWS_ACCESS_KEY_ID": keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey, "AWS_SESSION_TOKEN": keys.SessionToken,
		"AWS_ENDPOINT_URL": endpoint, "LAMBDA_TASK_ROOT": root, "LAMBDA_RUNTIME_DIR": root,
	})
	e.cmd.Stdout, e.cmd.Stderr = e.log.in, e.log.in
	isolate(e.cmd)
	e.log.platform('I', e.initStart(now))
	e.timer = s.d.Clock.AfterFunc(initTime, func() { e.expire(nil, initTime) })
	s.environments.Store(e.id, e)
	err = s.starter.start(e.cmd)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running = err == nil; !e.running {
		reason := err
		for next := errors.Unwrap(reason); next != nil; next = errors.Unwrap(reason) {
			reason = next
		}
		e.fault = func(id string) result {
			return failed("Runtime.InvalidEntrypoint", "RequestId: %s Error: fork/exec /var/task/bootstrap: %v", id, reason)
		}
	} else if e.timedOut > 0 {
		e.kill() // a driven clock was faster
	}
	return e, nil
}

// keys are a role's temporary credentials.
type keys struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      dispatch.Time
}

// session is the name of a role's session: the function's, made longer if it has one letter, for STS asks for two.
func session(function string) string {
	if len(function) < 2 {
		return "lambda-" + function
	}
	return function
}

func (s *Service) credentials(ctx context.Context, c *FunctionConfiguration) (keys, error) {
	out, err := s.d.Do(ctx, s.itself(c.FunctionArn), "sts", "AssumeRole", map[string]any{"RoleArn": c.Role, "RoleSessionName": session(c.FunctionName)})
	if err != nil {
		return keys{}, err
	}
	return member[keys](out, "Credentials")
}

// environ is the environment of a function's process: what AWS defines, what the process's own time needs, and the
// function's own variables. Nothing of this process's environment is in it.
// See https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html.
func environ(c *FunctionConfiguration, also map[string]string) []string {
	all := map[string]string{
		"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "en_US.UTF-8", "TZ": ":UTC",
		"_HANDLER": c.Handler, "AWS_LAMBDA_FUNCTION_NAME": c.FunctionName, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(c.MemorySize), "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME": c.LoggingConfig.LogGroup, "AWS_LAMBDA_LOG_FORMAT": c.LoggingConfig.LogFormat,
		"GOMEMLIMIT": strconv.Itoa(c.MemorySize*9/10) + "MiB", // leaves room beside Go's heap, as AWS's limit is for all
	}
	if c.LoggingConfig.ApplicationLogLevel != "" {
		all["AWS_LAMBDA_LOG_LEVEL"] = c.LoggingConfig.ApplicationLogLevel
	}
	if c.Environment != nil {
		maps.Copy(all, c.Environment.Variables)
	}
	maps.Copy(all, also)
	if all["AWS_ENDPOINT_URL"] == "" {
		delete(all, "AWS_ENDPOINT_URL")
	}
	list := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+"="+all[name])
	}
	return list
}

// begin gives the process an invocation. It says false if the process had ended before; the invocation is untouched then.
func (e *environment) begin(inv *invocation) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead && e.fault == nil {
		return false
	}
	defer e.once.Do(func() { close(e.begun) })
	inv.started = e.s.d.Clock.Now()
	e.current, e.delivered, e.answer = inv, false, nil
	if inv.tail {
		e.log.follow(inv)
	}
	if e.dead {
		e.conclude(e.fault(inv.id))
		return true
	}
	e.next <- inv
	return true
}

// conclude ends the current invocation of a process that has ended, and gives its place back; the caller holds the lock.
func (e *environment) conclude(r result) {
	inv := e.current
	broken := r.functionError != ""
	if e.answer != nil {
		r = *e.answer
	}
	if !e.delivered {
		e.log.platform('S', e.start(inv))
	}
	e.report(inv, broken)
	e.current = nil
	e.s.pool.release(e, false)
	inv.done <- r
}

// ask is the process asking for its next invocation: the one before is over.
func (e *environment) ask() {
	e.mu.Lock()
	now := e.s.d.Clock.Now()
	if !e.ready {
		e.ready, e.initTook = true, now.Sub(e.began)
		e.timer.Stop()
	}
	inv := e.current
	if inv == nil || !e.delivered || e.timedOut > 0 {
		e.mu.Unlock()
		return
	}
	if e.answer == nil {
		r := failed("Runtime.ExitError", "RequestId: %s Error: Runtime asked for the next invocation without a response", inv.id)
		e.answer = &r
	}
	r := *e.answer
	e.timer.Stop()
	e.report(inv, false)
	e.current = nil
	e.mu.Unlock()
	e.s.pool.release(e, true)
	inv.done <- r
}

// deliver marks that the process has the invocation.
func (e *environment) deliver(inv *invocation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.delivered = true
	inv.started = e.s.d.Clock.Now()
	e.log.platform('S', e.start(inv))
	limit := time.Duration(e.config.Timeout) * time.Second
	e.timer = e.s.d.Clock.AfterFunc(limit, func() { e.expire(inv, limit) })
}

// take takes the process's result for the invocation with that id, and says whether it was awaited.
func (e *environment) take(id string, r result) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == nil || e.current.id != id || !e.delivered || e.answer != nil || e.timedOut > 0 {
		return false
	}
	e.answer = &r
	return true
}

// expire ends a process whose initialisation (inv nil) or invocation takes too long.
func (e *environment) expire(inv *invocation, limit time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead || inv == nil && e.ready || inv != nil && e.current != inv {
		return
	}
	e.timedOut = limit
	if e.running {
		e.kill()
	}
}

// kill ends the process and what it started, if it was started and has not ended.
func (e *environment) kill() {
	if e.cmd.Process != nil && !e.gone() {
		killGroup(e.cmd)
	}
}

func (e *environment) gone() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// watch waits in a goroutine of its own for the end of the process and deals with it.
func (e *environment) watch() {
	go func() {
		var exit error
		if e.cmd.Process != nil {
			exit = e.cmd.Wait()
			killGroup(e.cmd)
		}
		e.s.environments.Delete(e.id)
		e.mu.Lock()
		close(e.exited)
		e.dead = true
		e.timer.Stop()
		if e.timedOut == 0 && !e.ready && e.fault == nil {
			e.fault = func(id string) result { return exited(id, exit) }
		}
		if inv := e.current; inv != nil {
			r := exited(inv.id, exit)
			switch {
			case e.timedOut > 0:
				e.log.platform('T', fmt.Sprintf("%s %s Task timed out after %.2f seconds", e.s.d.Clock.Now().Format("2006-01-02T15:04:05.000Z"), inv.id, e.timedOut.Seconds()))
				r = failed("Sandbox.Timedout", "RequestId: %s Error: Task timed out after %.2f seconds", inv.id, e.timedOut.Seconds())
			case e.fault != nil:
				r = e.fault(inv.id)
			}
			e.conclude(r)
		}
		e.mu.Unlock()
		<-e.begun // who got the process from the pool gives it an invocation, even if it has ended
		e.log.close()
		e.s.pool.ended(e)
	}()
}
