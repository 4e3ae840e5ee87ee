//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// detach gives the child a session of its own: a signal to our group, such as
// Ctrl-C or a closed terminal, does not reach it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
