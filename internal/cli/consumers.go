package cli

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
)

// findRequest says what to look for.
type findRequest struct {
	target string
	names  []string
}

func (a *app) consumersCmd() *cobra.Command {
	var req findRequest
	find := &cobra.Command{
		Use: "find CASE|-", Short: "Which variables and files hold this value", Args: exactly("CASE"),
		Long: `Reads every Netlify and Render variable and secret file that it may see, and the files of the
target that services are started from (.env files, netlify.toml, render.yaml, Dockerfiles, CI),
and compares them with the leaked value on this machine: whole, inside larger values, in base64,
hex, and escaped for URLs and JSON. With "-" the value is asked for without an echo, or read as
one line from stdin; it is never an argument.

What cannot be read back is matched by its name, and said. What could not be searched is listed
and makes the exit code 3.`,
		Example: `  secretguard consumers find c-1a2b3c4d5e
  cat key.txt | secretguard consumers find - --name STRIPE_SECRET_KEY`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.consumersFind(cmd.Context(), req, args[0]) },
	}
	find.Flags().StringVarP(&req.target, "target", "t", ".", "the repository or folder that holds the leak")
	find.Flags().StringSliceVar(&req.names, "name", nil, "with -: variables of this name may hold it, where the value cannot be read back")
	return group("consumers", "Which services hold a leaked value", find)
}

// minFind is the shortest value, in bytes, that is looked for inside others: a
// shorter one is everywhere.
const minFind = 8

// soughtCase is the case to look for: one of the target's, or a value by itself.
func (a *app) soughtCase(ctx context.Context, req findRequest, name string) (triage.Case, []providers.Wanted, error) {
	if name != "-" {
		c, err := a.findCase(ctx, req.target, name)
		return c, triage.Wanted(c), err
	}
	value, err := a.hidden("the value to look for (it is not shown): ")
	if err != nil {
		return triage.Case{}, nil, err
	}
	if value.Len() < minFind {
		return triage.Case{}, nil, usagef("a value of fewer than %d bytes is inside too many others to be looked for", minFind)
	}
	return triage.Case{ID: "-"}, []providers.Wanted{{Part: credential.PartToken, Value: value, Names: req.names}}, nil
}

func (a *app) consumersFind(ctx context.Context, req findRequest, name string) error {
	c, wanted, err := a.soughtCase(ctx, req, name)
	if err != nil {
		return err
	}
	w, err := a.connect()
	if err != nil {
		return err
	}
	watched, done := a.watching(httpx.ReadOnly(ctx))
	c, err = triage.LocateValues(watched, w.registry, c, wanted)
	done()
	if err != nil && len(c.Gaps) == 0 {
		return err
	}
	c.Gaps = append(c.Gaps, w.unsearched()...)
	local, gaps := a.local(req.target, wanted)
	c.Gaps = append(c.Gaps, gaps...)
	if name == "-" && c.Unreadable > 0 && len(req.names) == 0 {
		c.Gaps = append(c.Gaps, providers.Gap{What: fmt.Sprintf("%d stored values", c.Unreadable), Why: "they cannot be read back; --name NAME says which may hold it"})
	}
	if err := a.writeConsumers(c, local); err != nil {
		return err
	}
	if slices.ContainsFunc(c.Gaps, func(g providers.Gap) bool { return !g.Holds }) {
		return exitError{code: ExitIncomplete}
	}
	return nil
}

// local looks at the files of a target that is a folder.
func (a *app) local(target string, wanted []providers.Wanted) ([]triage.LocalPlacement, []providers.Gap) {
	root, err := os.OpenRoot(target) // so that no link leads out of it
	if err != nil {
		return nil, []providers.Gap{{What: "files of " + target, Why: "it cannot be read as a folder"}}
	}
	defer func() { _ = root.Close() }() // only read
	return triage.LocateLocal(root.FS(), wanted)
}

// localDoc is a file that holds the value, in JSON (docs/json.md).
type localDoc struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Part string `json:"part"`
	Form string `json:"form"`
}

func (a *app) writeConsumers(c triage.Case, local []triage.LocalPlacement) error {
	if a.json {
		files := []localDoc{}
		for _, l := range local {
			files = append(files, localDoc{l.File, l.Line, string(l.Part), l.Form})
		}
		return a.encode(struct {
			Schema     string                `json:"schema"`
			Case       string                `json:"case"`
			Placements []providers.Placement `json:"placements"`
			Files      []localDoc            `json:"files"`
			Unreadable int                   `json:"unreadable"`
			Gaps       []providers.Gap       `json:"gaps"`
		}{"secretguard.consumers/1", c.ID, orEmpty(c.Placements), files, c.Unreadable, orEmpty(c.Gaps)})
	}
	for _, l := range consumerLines(c, local) {
		if err := a.line(string(term.Clean(l))); err != nil {
			return err
		}
	}
	return nil
}

func consumerLines(c triage.Case, local []triage.LocalPlacement) []string {
	var out []string
	for _, p := range c.Placements {
		line := fmt.Sprintf("%-8s %-10s %s  %s", p.Provider, p.Level, p.ResourceName, p.Key)
		if p.Context != "" {
			line += "  " + p.Context
		}
		out = append(out, fmt.Sprintf("%s  (%s)", line, p.Match))
	}
	for _, l := range local {
		form := "as it is"
		if l.Form != "" {
			form = l.Form
		}
		out = append(out, fmt.Sprintf("file     %s:%d  (%s)", l.File, l.Line, form))
	}
	unsearched, byHand := 0, 0
	for _, g := range c.Gaps {
		what := "not searched: "
		if g.Holds {
			what = "by hand: "
			byHand++
		} else {
			unsearched++
		}
		out = append(out, what+g.What+": "+g.Why)
	}
	if c.Unreadable > 0 {
		out = append(out, fmt.Sprintf("cannot be read back, and their names do not fit: %d stored values", c.Unreadable))
	}
	sum := fmt.Sprintf("stored values that hold it: %d; not searched: %d", len(c.Placements), unsearched)
	if len(local)+byHand > 0 {
		sum += fmt.Sprintf("; to change by hand: %d, and %d places in files", byHand, len(local))
	}
	return append(out, sum)
}
