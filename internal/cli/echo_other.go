//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris)

package cli

import (
	"errors"
	"os"
)

// setEcho cannot be done here: no key is asked for in plain lines then.
func setEcho(*os.File, bool) error { return errors.ErrUnsupported }
