//go:build !linux

package cli

import (
	"errors"
	"os"
)

// console is not built for this system: the demo's script answers on stdin.
func console() (person, program *os.File, err error) { return nil, nil, errors.ErrUnsupported }
