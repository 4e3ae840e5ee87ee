package scan_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/scan/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func rules(t *testing.T) *match.Set {
	t.Helper()
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func leak() string { return "k=" + lab.MadeUp("sk_live_", 40) + "\n" }

// watched calls seen after each fragment of a source was handed on.
type watched struct {
	source.Walker

	seen func(path string)
}

func (w watched) Walk(ctx context.Context, s source.Sink) error {
	return w.Walker.Walk(ctx, watchedSink{s, w.seen})
}

type watchedSink struct {
	source.Sink

	seen func(path string)
}

func (w watchedSink) Fragment(ctx context.Context, f source.Fragment) error {
	err := w.Sink.Fragment(ctx, f)
	w.seen(f.Places[0].Path)
	return err
}

func dir(t *testing.T, path string, maxBytes int64) source.Walker {
	t.Helper()
	src, err := source.Dir(path, source.Options{MaxBytes: maxBytes, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	return src.(source.Walker)
}

// TestFilesThatChangeDuringTheScan: what went away or grew out of bounds is a gap.
func TestFilesThatChangeDuringTheScan(t *testing.T) {
	t.Parallel()
	change := map[string]func(path string) error{
		"vanished while scanning": os.Remove,
		"larger than 1 MB":        func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("x\n", 1<<20)), 0o600) },
		"not a plain file": func(path string) error { // a link put in its place must not lead out
			return errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path))
		},
	}
	for why, do := range change {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			write(t, path, "a.txt", "nothing\n")
			write(t, path, "b.txt", leak())
			src := watched{dir(t, path, 1<<20), func(name string) {
				if name == "a.txt" {
					if err := do(filepath.Join(path, "b.txt")); err != nil {
						t.Error(err)
					}
				}
			}}
			res, err := scan.New(rules(t), scan.Options{}).Scan(t.Context(), src)
			if err != nil {
				t.Fatal(err)
			}
			if res.Coverage.Complete || len(res.Coverage.Skipped) != 1 || !res.Coverage.Skipped[0].Gap {
				t.Errorf("coverage %+v", res.Coverage)
			}
			if got := res.Coverage.Skipped[0].Why; got != why && got != "cannot be read" {
				t.Errorf("why %q, want %q", got, why)
			}
		})
	}
	t.Run("new content", func(t *testing.T) { // read as it is when its turn comes
		t.Parallel()
		path := t.TempDir()
		write(t, path, "a.txt", "nothing\n")
		write(t, path, "b.txt", "nothing\n")
		src := watched{dir(t, path, 0), func(name string) {
			if name == "a.txt" {
				write(t, path, "b.txt", leak())
			}
		}}
		res, err := scan.New(rules(t), scan.Options{}).Scan(t.Context(), src)
		if err != nil || len(res.Findings) != 1 {
			t.Errorf("%d findings, %v", len(res.Findings), err)
		}
	})
}

// TestCancelKeepsWhatWasFound and says that the scan is incomplete.
func TestCancelKeepsWhatWasFound(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	write(t, path, "a.txt", leak())
	for i := range 200 {
		write(t, path, fmt.Sprintf("z%03d.txt", i), "nothing\n")
	}
	ctx, cancel := context.WithCancel(t.Context())
	src := watched{dir(t, path, 0), func(name string) {
		if name == "a.txt" {
			cancel()
		}
	}}
	res, err := scan.New(rules(t), scan.Options{}).Scan(ctx, src)
	if !errors.Is(err, context.Canceled) || res.Coverage.Complete || len(res.Findings) != 1 {
		t.Errorf("%v, complete %v, %d findings", err, res.Coverage.Complete, len(res.Findings))
	}
}

// TestReadErrorIsNeverComplete: a source that breaks off leaves no clean result.
func TestReadErrorIsNeverComplete(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	res, err := scan.New(rules(t), scan.Options{}).Scan(t.Context(), source.Stdin(&reader{text: leak(), err: broken}, source.Options{}))
	if !errors.Is(err, broken) || res.Coverage.Complete {
		t.Errorf("%v, complete %v", err, res.Coverage.Complete)
	}
}

type reader struct {
	text string
	err  error
}

func (r *reader) Read(b []byte) (int, error) {
	if r.text == "" {
		return 0, r.err
	}
	n := copy(b, r.text)
	r.text = r.text[n:]
	return n, nil
}

// TestSameResultInEveryRun: many workers, one order.
func TestSameResultInEveryRun(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for i := range 40 {
		write(t, path, fmt.Sprintf("f%d.txt", i), strings.Repeat(leak(), 3))
	}
	set := rules(t)
	var first scan.Result
	for i := range 5 {
		res, err := scan.New(set, scan.Options{}).Scan(t.Context(), dir(t, path, 0))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = res
		}
		if !reflect.DeepEqual(res.Findings, first.Findings) || !reflect.DeepEqual(res.Coverage, first.Coverage) {
			t.Fatal("two runs differ")
		}
	}
	if len(first.Findings) != 120 {
		t.Errorf("%d findings, want 120", len(first.Findings))
	}
}
