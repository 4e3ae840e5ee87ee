package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/secretguard/secretguard/internal/report/document"
	"github.com/secretguard/secretguard/internal/report/export"
)

// saveReport writes a scan's report to a file, if one was named.
func saveReport(path, format string, doc document.Scan) error {
	if path == "" {
		return nil
	}
	f, err := createPrivate(path)
	if err == nil {
		err = errors.Join(export.Write(f, format, doc), f.Close())
	}
	if err != nil {
		return exitError{code: ExitIncomplete, err: fmt.Errorf("write the report: %w", err)}
	}
	return nil
}

// mayWrite reports why a file could not be written, and changes nothing: a report
// that is there stays until a new one can replace it.
func mayWrite(path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(f.Close(), os.Remove(path))
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder", path)
	case !info.Mode().IsRegular(): // to open a pipe and close it again would end its reader
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// createPrivate opens a file for writing that only its owner may read from now
// on, also when it was there before and open to others.
func createPrivate(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() { // /dev/stdout is left as it is
		err = errors.Join(f.Chmod(0o600), f.Truncate(0))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
