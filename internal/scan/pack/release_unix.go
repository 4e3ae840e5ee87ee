//go:build unix

package pack

import "golang.org/x/sys/unix"

// release gives back the memory of pages that were read: they stay in the system's
// cache, but do not count as ours any more.
func (db *DB) release() {
	for _, p := range db.packs {
		_ = unix.Madvise(p.data, unix.MADV_DONTNEED) // only advice
	}
}
