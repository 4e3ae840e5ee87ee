package gitdir

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Ref is a name that leads to an object.
type Ref struct {
	Name string // "HEAD", "refs/heads/main"; foreign text
	ID   string // 40 or 64 hexadecimal digits
}

// Refs are the names of a repository.
type Refs struct {
	Head Ref // where HEAD leads; an empty ID before the first commit
	List []Ref
	// Lost are refs that could not be read, with the reason.
	Lost []Lost
}

// Lost is a file that could not be read.
type Lost struct{ Name, Why string }

const (
	// maxRefs bounds hostile repositories.
	maxRefs     = 10_000_000
	maxPacked   = 1 << 30
	maxSymbolic = 5
)

// Refs reads all refs: loose ones win over packed ones. Those of other working
// trees are there too, as "worktrees/NAME/HEAD".
func (d Dir) Refs() (Refs, error) {
	var r Refs
	found := map[string]string{}
	packed, err := readPlain(filepath.Join(d.Common, "packed-refs"), maxPacked)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("read packed-refs: %w", err)
	}
	for line := range bytes.Lines(packed) {
		line = bytes.TrimRight(line, "\r\n")
		if id, name, ok := strings.Cut(string(line), " "); ok && isID(id) && name != "" { // not "# …" or "^<peeled>"
			found[name] = id
		}
	}
	symbolic := map[string]string{}
	folders := []string{d.Common}
	if d.Git != d.Common {
		folders = append(folders, d.Git)
	}
	for _, folder := range folders {
		d.loose(folder, found, symbolic, &r)
	}
	for name, to := range symbolic {
		for range maxSymbolic {
			if next, ok := symbolic[to]; ok {
				to = next
			}
		}
		if id, ok := found[to]; ok {
			found[name] = id
		}
	}
	r.Head = d.head(filepath.Join(d.Git, "HEAD"), "HEAD", found, &r)
	d.worktrees(found, &r)
	for name, id := range found {
		r.List = append(r.List, Ref{name, id})
	}
	slices.SortFunc(r.List, func(a, b Ref) int { return cmp.Compare(a.Name, b.Name) })
	return r, nil
}

// Head returns where HEAD leads, without reading all refs; the ID is empty before
// the first commit.
func (d Dir) Head() (Ref, error) {
	ref := Ref{Name: "HEAD"}
	name := "HEAD"
	for range maxSymbolic {
		b, err := readSmall(filepath.Join(d.Git, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			b, err = readSmall(filepath.Join(d.Common, filepath.FromSlash(name)))
		}
		if errors.Is(err, fs.ErrNotExist) {
			ref.ID, err = d.packed(name)
			return ref, err
		}
		if err != nil {
			return ref, fmt.Errorf("read %s: %w", name, err)
		}
		text := strings.TrimSpace(string(b))
		to, symbolic := strings.CutPrefix(text, "ref: ")
		if !symbolic {
			if !isID(text) {
				return ref, fmt.Errorf("%s holds no object id", name)
			}
			ref.ID = text
			return ref, nil
		}
		if name = strings.TrimSpace(to); !filepath.IsLocal(filepath.FromSlash(name)) {
			return ref, fmt.Errorf("HEAD leads out of the repository, to %q", name)
		}
	}
	return ref, errors.New("HEAD leads in a circle")
}

// packed finds one ref in packed-refs; empty when it is not there.
func (d Dir) packed(name string) (string, error) {
	b, err := readPlain(filepath.Join(d.Common, "packed-refs"), maxPacked)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read packed-refs: %w", err)
	}
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(" "+name))
		if i < 0 {
			return "", nil
		}
		end := from + i
		from = end + len(name) + 1
		start := bytes.LastIndexByte(b[:end], '\n') + 1
		if rest := b[from:]; isID(string(b[start:end])) && (len(rest) == 0 || rest[0] == '\n' || rest[0] == '\r') {
			return string(b[start:end]), nil
		}
	}
}

func (d Dir) loose(folder string, found, symbolic map[string]string, r *Refs) {
	root := filepath.Join(folder, "refs")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		name, relErr := filepath.Rel(folder, path)
		name = filepath.ToSlash(name)
		switch {
		case err != nil || relErr != nil:
			if !errors.Is(err, fs.ErrNotExist) {
				r.Lost = append(r.Lost, Lost{name, "cannot be read"})
			}
			return nil
		case e.IsDir() || strings.HasSuffix(name, ".lock"):
			return nil
		case len(found) > maxRefs:
			return fmt.Errorf("there are more than %d refs", maxRefs)
		}
		b, err := readSmall(path)
		if err != nil {
			r.Lost = append(r.Lost, Lost{name, reason(err)})
			return nil
		}
		text := strings.TrimSpace(string(b))
		if to, ok := strings.CutPrefix(text, "ref: "); ok {
			symbolic[name] = strings.TrimSpace(to)
		} else if isID(text) {
			found[name] = text
		} else {
			r.Lost = append(r.Lost, Lost{name, "holds no object id"})
		}
		return nil
	})
	if err != nil {
		r.Lost = append(r.Lost, Lost{"refs", err.Error()})
	}
}

// head resolves a HEAD file.
func (d Dir) head(path, name string, found map[string]string, r *Refs) Ref {
	b, err := readSmall(path)
	if err != nil {
		r.Lost = append(r.Lost, Lost{name, reason(err)})
		return Ref{Name: name}
	}
	text := strings.TrimSpace(string(b))
	if to, ok := strings.CutPrefix(text, "ref: "); ok {
		return Ref{name, found[strings.TrimSpace(to)]}
	}
	if !isID(text) {
		r.Lost = append(r.Lost, Lost{name, "holds no object id"})
		return Ref{Name: name}
	}
	return Ref{name, text}
}

// worktrees adds what other working trees have checked out.
func (d Dir) worktrees(found map[string]string, r *Refs) {
	list, err := os.ReadDir(filepath.Join(d.Common, "worktrees"))
	if err != nil {
		return // there are none
	}
	for _, e := range list {
		name := "worktrees/" + e.Name() + "/HEAD"
		if h := d.head(filepath.Join(d.Common, filepath.FromSlash(name)), name, found, r); h.ID != "" {
			found[name] = h.ID
		}
	}
}

// Reflog is where a ref has been.
type Reflog struct {
	Ref string
	IDs []string // newest first
}

// maxLog is the most that is read of one reflog, in bytes.
const maxLog = 256 << 20

// Reflogs reads all reflogs. What cannot be read is returned as lost.
func (d Dir) Reflogs() ([]Reflog, []Lost) {
	var out []Reflog
	var lost []Lost
	seen := map[string]bool{}
	for _, folder := range []string{d.Git, d.Common} {
		root := filepath.Join(folder, "logs")
		_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || seen[path] {
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					lost = append(lost, Lost{"reflog", reason(err)})
				}
				return nil // what can be read is read
			}
			seen[path] = true
			name := strings.TrimPrefix(path[len(root):], string(filepath.Separator))
			b, err := readPlain(path, maxLog)
			if err != nil {
				lost = append(lost, Lost{"reflog of " + filepath.ToSlash(name), reason(err)})
				return nil
			}
			out = append(out, Reflog{filepath.ToSlash(name), logIDs(b)})
			return nil
		})
	}
	return out, lost
}

// logIDs reads "<old> <new> <who> <when>\t<why>" lines.
func logIDs(b []byte) []string {
	var ids []string
	seen := map[string]bool{}
	add := func(id string) {
		if isID(id) && strings.Trim(id, "0") != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	var lines [][]byte
	for line := range bytes.Lines(b) {
		lines = append(lines, line)
	}
	for _, line := range slices.Backward(lines) {
		if before, after, ok := strings.Cut(string(line[:min(len(line), 130)]), " "); ok {
			after, _, _ = strings.Cut(after, " ")
			add(after)
			add(before)
		}
	}
	return ids
}

// Shallow lists the commits whose parents were left out of a shallow clone.
func (d Dir) Shallow() ([]string, error) {
	b, err := readPlain(filepath.Join(d.Common, "shallow"), maxLog)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the shallow list: %w", err)
	}
	var out []string
	in := bufio.NewScanner(bytes.NewReader(b))
	for in.Scan() {
		if id := strings.TrimSpace(in.Text()); isID(id) {
			out = append(out, id)
		}
	}
	return out, in.Err()
}

func isID(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if b := s[i]; (b < '0' || b > '9') && (b < 'a' || b > 'f') {
			return false
		}
	}
	return true
}

func reason(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "permission denied"
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
