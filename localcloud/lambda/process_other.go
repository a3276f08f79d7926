//go:build !unix

package lambda

import "os/exec"

// isolate does nothing: when this process dies, its runtime API goes with it, and that ends the functions' processes.
func isolate(*exec.Cmd) {}

// killGroup ends the process.
func killGroup(cmd *exec.Cmd) {
	cmd.Process.Kill() // it may have ended
}

// memory returns 0: what a process uses is not measured here.
func (e *environment) memory() int { return 0 }
