package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// reserveFile is room on the disk that is given back when an outcome must be
// written and the disk is full: what has happened must not be forgotten.
const reserveFile = "reserve"

// reserveSize is how much is kept, in bytes: some hundred outcomes.
const reserveSize = 1 << 20

// errNoReserve says that an effect would begin without room for its outcome.
var errNoReserve = errors.New("the disk is full: there is no room to write down how an effect ends; make room, then run it again")

// hadRecords reports whether this folder's journal was in use: the reserve is made once
// its database is.
func (j *Journal) hadRecords() bool {
	info, err := os.Lstat(filepath.Join(j.dir, reserveFile))
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// keepReserve writes the reserve, unless it is there.
func (j *Journal) keepReserve() error {
	path := filepath.Join(j.dir, reserveFile)
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && info.Size() == reserveSize {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("make %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	// Written, not only sized: a file with holes keeps no room.
	_, err = f.Write(make([]byte, reserveSize))
	return errors.Join(err, f.Sync(), f.Close())
}

// giveReserve frees the reserve; false when there is none any more. From then on
// nothing new begins.
func (j *Journal) giveReserve() bool {
	if j.spent {
		return false
	}
	j.spent = true
	return os.Truncate(filepath.Join(j.dir, reserveFile), 0) == nil
}
