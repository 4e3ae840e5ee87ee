//go:build !unix

package cli

import (
	"errors"
	"os/exec"
	"syscall"
)

// detach does nothing where there are no sessions: a killed demo cannot be
// resumed there, everything else works.
func detach(*exec.Cmd) {}

// readerGone reports whether a write failed because nobody reads any more: the
// Windows codes for a broken pipe and for one that is being closed.
func readerGone(err error) bool {
	var code syscall.Errno
	return errors.As(err, &code) && (code == 109 || code == 232)
}
