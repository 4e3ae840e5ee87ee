package archive

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"strings"

	"github.com/bodgit/sevenzip"

	"github.com/secretguard/secretguard/internal/scan/archive/seven"
)

// sevenZip reads the files of a 7z in their order: those of one stream are packed
// together, and each is reached by unpacking what stands before it.
func (o *opening) sevenZip(data []byte) error {
	folders, err := seven.Check(data, o.limits.Entries, o.limits.Dictionary)
	if err != nil {
		return err
	}
	r, err := sevenzip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return sevenError(err)
	}
	s := &sevenReader{opening: o, folders: folders}
	for _, f := range r.File {
		at, err := o.entry(strings.ReplaceAll(f.Name, `\`, "/"))
		if err != nil {
			return err
		}
		if f.FileInfo().IsDir() {
			continue
		}
		if err := s.file(at, f); err != nil {
			return err
		}
	}
	return nil
}

type sevenReader struct {
	*opening

	folders []seven.Folder
	held    int64 // bytes of decompressors that the library keeps after an error
}

// file reads one file. What it unpacks to is taken from the budget beforehand: to
// reach the next one, all of it must be unpacked, whether it is wanted or not.
func (s *sevenReader) file(at string, f *sevenzip.File) error {
	if f.UncompressedSize == 0 {
		return s.leaf(at, nil)
	}
	if f.Stream < 0 || f.Stream >= len(s.folders) {
		return errDamaged
	}
	folder := &s.folders[f.Stream]
	switch {
	case folder.Err != nil:
		s.lost("archive entry", at, folder.Err)
		return nil //nolint:nilerr // it was reported; other streams may be whole
	case folder.Memory > s.limits.Dictionary:
		s.lost("archive entry", at, errDictionary)
		return nil
	}
	if over := s.budget.spend(int64(min(f.UncompressedSize, 1<<62))); over != nil {
		return over
	}
	r, err := f.Open()
	if err != nil {
		s.lost("archive entry", at, sevenError(err))
		return nil
	}
	return s.drain(at, f, folder, r)
}

// drain reads an open file to its end.
func (s *sevenReader) drain(at string, f *sevenzip.File, folder *seven.Folder, r io.ReadCloser) (err error) {
	in := &unpacked{o: s.opening, r: r, want: f.CRC32}
	if f.UncompressedSize > uint64(s.limits.Entry) {
		s.large(at)
		if folder.Files > 1 {
			_, _ = io.Copy(io.Discard, in) // to get to the next file; in keeps the error
		}
	} else {
		err = s.take(at, in)
	}
	if cerr := r.Close(); in.err == nil {
		in.err = cerr
	}
	if err == nil && in.err != nil {
		// The library may keep the stream for the next file in it.
		if s.held += folder.Memory; s.held > s.limits.Dictionary {
			err = errDamaged
		}
	}
	return err
}

// unpacked reads one file. It ends with the context, checks the sum, which the
// library does not, and gives errors their reasons.
type unpacked struct {
	o    *opening
	r    io.Reader
	want uint32
	sum  uint32
	err  error // that is no end
}

func (u *unpacked) Read(p []byte) (int, error) {
	if u.err = u.o.ctx.Err(); u.err != nil {
		return 0, u.err
	}
	n, err := u.r.Read(p)
	u.sum = crc32.Update(u.sum, crc32.IEEETable, p[:n])
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		u.err = sevenError(err)
	case u.want != 0 && u.sum != u.want:
		u.err = errDamaged
	default:
		return n, io.EOF
	}
	return n, u.err
}

func sevenError(err error) error {
	var read *sevenzip.ReadError
	if errors.As(err, &read) && read.Encrypted {
		return errEncrypted
	}
	return errDamaged
}
