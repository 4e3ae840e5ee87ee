//go:build unix

package cli

import (
	"errors"
	"os/exec"
	"syscall"
)

// detach gives the child a session of its own: a signal to our group, such as
// Ctrl-C or a closed terminal, does not reach it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// readerGone reports whether a write failed because nobody reads any more.
func readerGone(err error) bool { return errors.Is(err, syscall.EPIPE) }
