//go:build !unix

package cli

import "os/exec"

// detach does nothing where there are no sessions: a killed demo cannot be
// resumed there, everything else works.
func detach(*exec.Cmd) {}
