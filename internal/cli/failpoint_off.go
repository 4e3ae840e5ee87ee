//go:build !failpoint

package cli

// failpoint is off in every build but the crash tests' own.
func failpoint(func(string) string) func(string) error { return nil }
