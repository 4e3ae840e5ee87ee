package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/doctor"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
)

// doctorRequest says which consumers to look at, and how.
type doctorRequest struct {
	target  string
	only    []string
	here    string
	timeout time.Duration
}

func (a *app) doctorCmd() *cobra.Command {
	var req doctorRequest
	cmd := &cobra.Command{
		Use: "doctor", Short: "Whether each consumer has its keys, and whether they work", Args: onlyCommands,
		Long: `Reads the [[consumer]] tables of your configuration (see docs/consumers.md) and says for each
consumer what is wrong, with its remedy: variables that are missing, empty, placeholders, unlike
their siblings, stored after the last deploy or replaced by a rotation; keys, queues, rights,
deployments, pools and workers that are not there; a process that crashes; an endpoint that says
success and shows nothing. It only reads: no message is sent, no run is started.

Exit code 0: all is well; 1: something is wrong; 3: nothing is known to be wrong, and not
everything could be looked at. A file in the target does not count until you name it: -c FILE.`,
		Example: `  secretguard doctor init -o my.secretguard.toml
  secretguard doctor -c my.secretguard.toml
  secretguard doctor -c my.secretguard.toml --here worker --json   in a start command`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), req) },
	}
	cmd.AddCommand(a.doctorInitCmd())
	f := cmd.Flags()
	f.StringVarP(&req.target, "target", "t", ".", "the folder whose configuration holds")
	f.StringSliceVar(&req.only, "only", nil, "look at these consumers only")
	f.StringVar(&req.here, "here", "", "this consumer is the process that secretguard runs in: read its variables from the environment")
	f.DurationVar(&req.timeout, "timeout", 2*time.Minute, "give up after this long; what was not reached is unknown")
	return cmd
}

func (a *app) doctor(ctx context.Context, req doctorRequest) error {
	cfg, err := a.targetConfig(req.target)
	if err != nil {
		return err
	}
	list, err := a.declared(cfg, req)
	if err != nil {
		return err
	}
	w, err := a.connect()
	if err != nil {
		return err
	}
	retired, err := a.retired(ctx)
	if err != nil {
		return err
	}
	x, err := w.examiner(retired)
	if err != nil {
		return usage(err)
	}
	bounded, cancel := context.WithTimeout(ctx, req.timeout)
	defer cancel()
	facts := x.Examine(bounded, list)
	if ctx.Err() != nil {
		return exitError{code: ExitInterrupted, err: errors.New("interrupted: not every consumer was looked at")}
	}
	return a.writeDoctor(doctor.Diagnose(facts))
}

// declared returns the consumers to look at.
func (a *app) declared(cfg config.Config, req doctorRequest) ([]config.Consumer, error) {
	list := slices.Clone(cfg.Consumers)
	switch {
	case len(list) == 0 && cfg.ForeignConsumers != "":
		return nil, problem{
			code: ExitUsage, try: "read it, then: secretguard doctor -c " + shellWord(cfg.ForeignConsumers),
			err: fmt.Errorf("%s declares consumers, and a file in the target does not count: it says where keys are sent to", quote(cfg.ForeignConsumers)),
		}
	case len(list) == 0:
		return nil, problem{code: ExitUsage, err: errors.New("no [[consumer]] is declared: nothing would be looked at"), try: "secretguard doctor init -o my.secretguard.toml"}
	}
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
	}
	known := func(name string) error {
		if !slices.Contains(names, name) {
			return unknown("consumer", name, names, "secretguard config show")
		}
		return nil
	}
	for _, name := range req.only {
		if err := known(name); err != nil {
			return nil, err
		}
	}
	if req.here != "" {
		if err := known(req.here); err != nil {
			return nil, err
		}
	}
	for i := range list {
		if list[i].Name == req.here {
			list[i].Where = config.WhereHere
		}
	}
	if len(req.only) > 0 {
		list = slices.DeleteFunc(list, func(c config.Consumer) bool { return !slices.Contains(req.only, c.Name) })
	}
	return list, nil
}

// retired returns what tells whether a value was replaced by a run of this machine.
func (a *app) retired(ctx context.Context) (func(secret.Text) string, error) {
	none := func(secret.Text) string { return "" }
	if dir, err := config.StateDir(a.Env); err != nil || !journal.Exists(dir) {
		return none, nil // nothing was ever rotated here
	}
	w, err := a.open(ctx)
	if err != nil {
		return none, err
	}
	defer func() { _ = w.close() }() // only read
	return w.retired(ctx)
}

// retired is the same of a journal that is open; what it returns may be used when it is
// closed.
func (w *workspace) retired(ctx context.Context) (func(secret.Text) string, error) {
	hashes, err := replaced(ctx, w.journal)
	key := w.journal.HashKey()
	return func(v secret.Text) string { return hashes[key.HMAC(v)] }, err
}

// replaced returns the keyed hashes of all values that a finished run replaced.
func replaced(ctx context.Context, j *journal.Journal) (map[string]string, error) {
	out := map[string]string{}
	ids, err := j.Runs(ctx)
	if err != nil {
		return out, err
	}
	for _, id := range ids {
		s, err := runs.Load(ctx, j, id)
		if err != nil {
			return out, err
		}
		if s.Status() != rotate.RunDone {
			continue
		}
		for _, hash := range s.Plan().KeyHashes {
			out[hash] = id
		}
	}
	return out, nil
}

// doctorDoc is what doctor says in JSON (docs/json.md).
type doctorDoc struct {
	Schema    string           `json:"schema"`
	Status    string           `json:"status"`
	Bad       int              `json:"bad"`
	Unknown   int              `json:"unknown"`
	OK        int              `json:"ok"`
	Consumers []doctorConsumer `json:"consumers"`
}

type doctorConsumer struct {
	Name     string          `json:"name"`
	Where    string          `json:"where"`
	Status   string          `json:"status"`
	Findings []doctorFinding `json:"findings"`
}

type doctorFinding struct {
	Check   string   `json:"check"`
	Subject string   `json:"subject"`
	Status  string   `json:"status"`
	Text    string   `json:"text"`
	Remedy  string   `json:"remedy"`
	Log     []string `json:"log"`
}

func (a *app) writeDoctor(reports []doctor.Report) error {
	doc := doctorDoc{Schema: "secretguard.doctor/1", Consumers: []doctorConsumer{}}
	for _, r := range reports {
		c := doctorConsumer{Name: r.Name, Where: r.Where, Status: string(r.Status()), Findings: []doctorFinding{}}
		for _, f := range r.Findings {
			switch f.Status {
			case doctor.Bad:
				doc.Bad++
			case doctor.Unknown:
				doc.Unknown++
			case doctor.OK:
				doc.OK++
			}
			c.Findings = append(c.Findings, doctorFinding{f.Check, f.Subject, string(f.Status), f.Text, f.Remedy, orEmpty(f.Log)})
		}
		doc.Consumers = append(doc.Consumers, c)
	}
	code := ExitOK
	switch doc.Status = string(doctor.OK); {
	case doc.Bad > 0:
		doc.Status, code = string(doctor.Bad), ExitFindings
	case doc.Unknown > 0 || doc.OK == 0: // nothing looked at is no health
		doc.Status, code = string(doctor.Unknown), ExitIncomplete
	}
	var err error
	if a.json {
		err = a.encode(doc)
	} else {
		err = a.doctorText(doc)
	}
	if err != nil || code == ExitOK {
		return err
	}
	return exitError{code: code}
}

func (a *app) doctorText(doc doctorDoc) error {
	var b strings.Builder
	for _, c := range doc.Consumers {
		fmt.Fprintf(&b, "%-8s %s (%s)\n", c.Status, term.Clean(c.Name), term.Clean(c.Where))
		for _, f := range c.Findings {
			if f.Status == string(doctor.OK) && !a.verbose {
				continue
			}
			fmt.Fprintf(&b, "  %-8s %-20s %s: %s\n", f.Status, f.Check, term.Clean(f.Subject), term.Clean(f.Text))
			for _, line := range f.Log {
				fmt.Fprintf(&b, "           | %s\n", term.Truncate(term.Clean(line), 160))
			}
			if f.Remedy != "" {
				fmt.Fprintf(&b, "           try: %s\n", term.Clean(f.Remedy))
			}
		}
	}
	fmt.Fprintf(&b, "%d consumers: %d checks passed, %d bad, %d could not be looked at", len(doc.Consumers), doc.OK, doc.Bad, doc.Unknown)
	return a.line(b.String())
}
