//go:build unix

package packfile

import "golang.org/x/sys/unix"

func release(b []byte) { _ = unix.Madvise(b, unix.MADV_DONTNEED) } // only advice
