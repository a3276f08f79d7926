package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// holder is a process that holds a stack's lock, as Pulumi's own backends write it down.
type holder struct {
	host  string
	pid   int
	since string
}

var holderText = regexp.MustCompile(`created by \S*@(\S+) \(pid (\d+)\) at (\S+)`)

// holders are the processes that an error names; none if the backend does not tell.
func holders(err error) []holder {
	var all []holder
	for _, m := range holderText.FindAllStringSubmatch(cause(err).Error(), -1) {
		pid, err := strconv.Atoi(m[2])
		if err != nil {
			continue
		}
		all = append(all, holder{host: m[1], pid: pid, since: m[3]})
	}
	return all
}

// here reports whether the process is, or was, one of this machine.
func (h holder) here() bool {
	name, err := os.Hostname()
	return err == nil && name == h.host
}

// alive reports whether the process runs. A process of another program that has got its number is not it.
func (h holder) alive() bool {
	if errors.Is(syscall.Kill(h.pid, 0), syscall.ESRCH) || zombie(h.pid) {
		return false
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", h.pid))
	if err != nil {
		return true // no Linux: believe the number
	}
	command, _, _ := strings.Cut(string(line), "\x00")
	return filepath.Base(command) == "pulumi"
}

// orphan reports whether the process outlives the program that started it: it is about to end.
func (h holder) orphan() bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	return len(fields) > 1 && fields[1] == "1"
}

// exclusively runs what needs the stack's lock. A lock that a dead process of this machine has left is released, and what it was
// in the middle of is settled before the operation begins, unless the operation does that itself.
func (s *Stack) exclusively(ctx context.Context, settles bool, operate func() (*Result, error)) (*Result, error) {
	for {
		var err error
		if !settles {
			err = s.settle(ctx)
		}
		var result *Result
		if err == nil {
			result, err = operate()
		}
		if !isLocked(err) || ctx.Err() != nil {
			return result, err
		}
		if err := s.free(ctx, err); err != nil {
			return result, err
		}
	}
}

// free waits for the holders of the lock that are about to end and releases the lock of those that are gone. If one is at work it
// returns an *Error.
func (s *Stack) free(ctx context.Context, cause error) error {
	all := holders(cause)
	if len(all) == 0 {
		return &Error{Code: CodeConcurrent, Message: "another operation holds the lock of the stack " + s.name,
			Hint: "wait for it; if its process is gone, carepath cancel --stack " + s.name + " releases the lock", Err: cause}
	}
	for _, h := range all {
		switch {
		case !h.here():
			return &Error{Code: CodeConcurrent, Message: fmt.Sprintf("process %d on %s holds the lock of the stack %s since %s", h.pid, h.host, s.name, h.since),
				Hint: "wait for it; if that process is gone, carepath cancel --stack " + s.name + " releases the lock", Err: cause}
		case h.alive() && h.orphan():
			s.observer.report(fmt.Sprintf("process %d of an operation that was cut off is ending what it had begun: waiting for it", h.pid))
			if err := h.wait(ctx); err != nil {
				return err
			}
		case h.alive():
			return &Error{Code: CodeConcurrent, Message: fmt.Sprintf("process %d is at work on the stack %s since %s", h.pid, s.name, h.since),
				Hint: fmt.Sprintf("wait for it, or interrupt it: kill -INT %d", h.pid), Err: cause}
		}
	}
	for _, h := range all {
		s.observer.report(fmt.Sprintf("the operation that process %d began at %s was cut off: releasing its lock", h.pid, h.since))
	}
	return s.release(ctx)
}

func (h holder) wait(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for h.alive() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s *Stack) release(ctx context.Context) error {
	return s.command(ctx, "releasing the lock of the stack "+s.name, "cancel", "--yes")
}

// Cancel releases the stack's lock and says whose it was; "" if nobody held it. If the holder is a process of this machine that is
// at work it is an *Error of CodeConcurrent. What the holder was in the middle of, the next operation settles.
func (s *Stack) Cancel(ctx context.Context) (string, error) {
	locks, err := s.locks()
	if err != nil {
		return "", err
	}
	var whose []string
	for _, h := range locks {
		if h.here() && h.alive() && !h.orphan() {
			return "", &Error{Code: CodeConcurrent, Message: fmt.Sprintf("process %d is at work on the stack %s since %s: its lock was not released", h.pid, s.name, h.since),
				Hint: fmt.Sprintf("interrupt it, so that it ends what it has begun: kill -INT %d", h.pid)}
		}
		whose = append(whose, fmt.Sprintf("process %d on %s, since %s", h.pid, h.host, h.since))
	}
	if s.name == LocalStack && len(whose) == 0 {
		return "", nil
	}
	if err := s.release(ctx); err != nil {
		return "", err
	}
	if len(whose) == 0 {
		return "an operation of the backend", nil
	}
	return strings.Join(whose, "; "), nil
}
