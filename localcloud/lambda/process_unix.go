//go:build unix && !linux

package lambda

import (
	"os/exec"
	"syscall"
)

// isolate puts the process into a group of its own. When this process dies, its runtime API goes with it, and that ends
// the functions' processes: aws-lambda-go exits when it cannot ask for the next invocation.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends the process and whatever it started. It does nothing when they have ended.
func killGroup(cmd *exec.Cmd) {
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // ESRCH: nothing is left
}

// memory returns 0: what a process uses is not measured here.
func (e *environment) memory() int { return 0 }
