package lambda

import (
	"os/exec"
	"runtime"
)

// starter starts every process on one thread that lives as long as the service: Linux sends a process's parent-death
// signal when the thread that started it ends.
type starter struct {
	jobs chan func()
	over chan struct{}
}

func newStarter() *starter {
	s := &starter{jobs: make(chan func()), over: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		for {
			select {
			case job := <-s.jobs:
				job()
			case <-s.over:
				return
			}
		}
	}()
	return s
}

// start starts the command.
func (s *starter) start(cmd *exec.Cmd) error {
	started := make(chan error, 1)
	select {
	case s.jobs <- func() { started <- cmd.Start() }:
		return <-started
	case <-s.over:
		return errClosed
	}
}

// stop ends the thread. No process must be left.
func (s *starter) stop() {
	select {
	case <-s.over:
	default:
		close(s.over)
	}
}
