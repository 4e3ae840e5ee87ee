//go:build failpoint

package cli

import (
	"fmt"
	"os"
	"sync"
	"syscall"
)

// failpoint kills this process with SIGKILL at a boundary: the one that the
// variable SECRETGUARD_FAILPOINT names, or "#N" for the Nth that is reached. With
// SECRETGUARD_FAILPOINT_LOG, a file, the boundaries are written down, one a line.
// Only a build with the tag "failpoint" has it.
func failpoint(env func(string) string) func(string) error {
	want, log := env("SECRETGUARD_FAILPOINT"), env("SECRETGUARD_FAILPOINT_LOG")
	var mu sync.Mutex
	n := 0
	return func(point string) error {
		mu.Lock()
		defer mu.Unlock()
		n++
		if log != "" {
			f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(f, point)
			if closing := f.Close(); err != nil || closing != nil {
				return fmt.Errorf("write the boundary down: %w %w", err, closing)
			}
		}
		if want == point || want == fmt.Sprintf("#%d", n) {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	}
}
