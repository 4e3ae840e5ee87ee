//go:build unix

package journal

import (
	"fmt"
	"os"
	"syscall"
)

// foreign says whose a file is that is not ours; empty for our own.
func foreign(info os.FileInfo) string {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Sprintf("belongs to user %d, and this is user %d; run as that user, or: export SECRETGUARD_HOME=/a/private/folder", st.Uid, os.Geteuid())
	}
	return ""
}
