//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris

package cli

import (
	"fmt"
	"os"

	"github.com/charmbracelet/x/termios"
)

// setEcho makes the terminal show what is typed, or not. Lines are still put together
// by the terminal, so that whoever reads them goes on as before.
func setEcho(f *os.File, on bool) error {
	fd := int(f.Fd())
	now, err := termios.GetTermios(fd)
	if err == nil {
		err = termios.SetTermios(fd, uint32(now.Ispeed), uint32(now.Ospeed), nil, nil, nil, nil, map[termios.L]bool{termios.ECHO: on}) //nolint:unconvert // 64 bits elsewhere
	}
	if err != nil {
		return fmt.Errorf("set the terminal's echo: %w", err)
	}
	return nil
}
