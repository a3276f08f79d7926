package lambda

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// isolate puts the process into a group of its own and has the kernel end it when this process dies, however it dies.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup ends the process and whatever it started. It does nothing when they have ended.
func killGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // ESRCH: nothing is left
}

// memory returns the process's resident memory in MB; 0 when it has ended.
func (e *environment) memory() int {
	if e.cmd.Process == nil {
		return 0
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(e.cmd.Process.Pid) + "/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize() >> 20
}
