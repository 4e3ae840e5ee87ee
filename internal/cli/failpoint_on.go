//go:build failpoint

package cli

import (
	"os"
	"syscall"
)

// failpoint kills this process with SIGKILL at the boundary that the variable
// SECRETGUARD_FAILPOINT names. Only a build with the tag "failpoint" has it.
func failpoint(env func(string) string) func(string) error {
	want := env("SECRETGUARD_FAILPOINT")
	if want == "" {
		return nil
	}
	return func(point string) error {
		if point == want {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	}
}
