package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/term"
)

func (a *app) journalCmd() *cobra.Command {
	cmd := group("journal", "Look at the record of all rotations on this machine", a.journalVerifyCmd(), a.journalShowCmd(), a.journalExportCmd())
	cmd.Long = `The journal holds an intent before each effect and its outcome after it, chained by hash. It
names keys by their public ids and values by keyed hashes; secrets are sealed apart, and never
shown or exported. A journal that is damaged, full, read-only or of a newer version can still
be read here.`
	return cmd
}

// journalLine is a record as it is exported: all that its hash is made of.
type journalLine struct {
	Schema string            `json:"schema"`
	Seq    int64             `json:"seq"`
	Prev   string            `json:"prev"`
	Run    string            `json:"run,omitempty"`
	Epoch  int64             `json:"epoch"`
	Actor  string            `json:"actor"`
	Kind   string            `json:"kind"`
	Step   string            `json:"step,omitempty"`
	Body   string            `json:"body"`
	Blobs  map[string]string `json:"blobs,omitempty"`
	Wall   time.Time         `json:"wall"`
	Tool   string            `json:"tool"`
	Hash   string            `json:"hash"`
}

func lineOf(r journal.Record) journalLine {
	return journalLine{"secretguard.journal-record/1", r.Seq, r.Prev, r.Run, r.Epoch, r.Actor, r.Kind, r.Step, string(r.Body), r.Blobs, r.Wall, r.Tool, r.Hash}
}

func (a *app) journalVerifyCmd() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Check every record and sealed value against the hash chain", Args: atMost(0),
		Long: `Checks the database, the hash chain from the first record to the last, and every sealed value.
Note the hash of the last record somewhere else: a journal that was cut off or made anew has
another one.`,
		Example: `  secretguard rotate journal verify`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.verifyJournal(cmd.Context()) },
	}
}

func (a *app) verifyJournal(ctx context.Context) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // only read
	if err := w.journal.Verify(ctx); err != nil {
		return err
	}
	recs, err := w.journal.Records(ctx, "")
	if err != nil {
		return err
	}
	runs, err := w.journal.Runs(ctx)
	if err != nil {
		return err
	}
	last := ""
	if len(recs) > 0 {
		last = recs[len(recs)-1].Hash
	}
	if a.json {
		return a.encode(struct {
			Schema  string `json:"schema"`
			Records int    `json:"records"`
			Runs    int    `json:"runs"`
			Head    string `json:"head"`
		}{"secretguard.journal/1", len(recs), len(runs), last})
	}
	if last == "" {
		return a.line("the journal is whole, and empty")
	}
	return a.line(fmt.Sprintf("the journal is whole: %d records of %d runs, the last one's hash is %s", len(recs), len(runs), last))
}

func (a *app) journalShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show [RUN]", Short: "All records, or those of a run, one a line", Args: atMost(1),
		Example: `  secretguard rotate journal show r-0a1b2c3d4e`,
		RunE: func(cmd *cobra.Command, args []string) error {
			recs, err := a.records(cmd.Context(), args)
			if err != nil {
				return err
			}
			for _, r := range recs {
				if err := a.record(r); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// records reads a run's records, or all.
func (a *app) records(ctx context.Context, args []string) ([]journal.Record, error) {
	w, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.close() }() // only read
	run := ""
	if len(args) == 1 {
		run = args[0]
	}
	recs, err := w.journal.Records(ctx, run)
	if err == nil && run != "" && len(recs) == 0 {
		err = problem{code: ExitUsage, err: fmt.Errorf("no such run in this machine's journal: %q", run), try: "secretguard rotate list"}
	}
	return recs, err
}

func (a *app) record(r journal.Record) error {
	if a.json {
		return a.encode(lineOf(r))
	}
	line := fmt.Sprintf("%5d  %s  %s  %-12s  %-8s  %s", r.Seq, r.Wall.Local().Format(time.DateTime), term.Clean(cmp.Or(r.Run, "-")), term.Clean(r.Actor), term.Clean(r.Kind), term.Clean(r.Step))
	if body := string(r.Body); body != "{}" {
		line += "  " + string(term.Truncate(term.Clean(body), longest))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Blobs)) {
		line += "  sealed " + string(term.Clean(name))
	}
	return a.line(line)
}

func (a *app) journalExportCmd() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "export [RUN]", Short: "Write records as JSON lines, with their hashes", Args: atMost(1),
		Long: `Writes one JSON document a line: all fields that a record's hash is made of, and the hash. A
whole export can be checked against the chain elsewhere; it holds no secret and no sealed one.`,
		Example: `  secretguard rotate journal export -o journal.jsonl
  secretguard rotate journal export r-0a1b2c3d4e`,
		RunE: func(cmd *cobra.Command, args []string) error {
			recs, err := a.records(cmd.Context(), args)
			if err != nil {
				return err
			}
			if out == "" {
				return exportJournal(a.Out, recs)
			}
			f, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return usagef("write the export: %w", err)
			}
			if err := errors.Join(exportJournal(f, recs), f.Sync(), f.Close()); err != nil {
				return err
			}
			a.talk("%d records in %s", len(recs), term.Clean(out))
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to this file, which must not be there")
	return cmd
}

func exportJournal(w io.Writer, recs []journal.Record) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	for _, r := range recs {
		if err := enc.Encode(lineOf(r)); err != nil {
			return fmt.Errorf("write the export: %w", err)
		}
	}
	return b.Flush()
}
