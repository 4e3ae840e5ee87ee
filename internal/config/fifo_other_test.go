//go:build !unix

package config_test

import "os"

// mkfifo makes a folder where the system has no pipes with a path: that must be
// refused as well.
func mkfifo(path string) error { return os.Mkdir(path, 0o700) }
