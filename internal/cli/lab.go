package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/lab/leakyrepo"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/term"
)

// labFile describes a running lab to other processes. It holds the made-up keys
// of the lab and nothing else; it is written with mode 0600 all the same.
type labFile struct {
	Env    map[string]string `json:"env"`
	LabURL string            `json:"lab_url"`
	PID    int               `json:"pid"`
	Leaks  leakyrepo.Leaks   `json:"leaks"`
	Owner  string            `json:"owner"` // the user whose key production uses
	// Families are the leaks of the big demo.
	Families []lab.Family `json:"families,omitempty"`
}

// labEnv names the variable that points every command at a running lab.
const labEnv = "SECRETGUARD_LAB"

func (a *app) labCmd() *cobra.Command {
	return group("lab", "The built-in provider twins: AWS IAM and STS, Netlify, Render on loopback", a.labServeCmd())
}

func (a *app) labServeCmd() *cobra.Command {
	var o labOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the lab until it is interrupted",
		Long: `Starts the provider twins on loopback with a small estate: a Netlify site and a Render
service that run with one leaked AWS key. Prints how to point the other commands at it.`,
		Example: `  secretguard lab serve --file /tmp/lab.json --repo /tmp/shop
  SECRETGUARD_LAB=/tmp/lab.json secretguard verify --target /tmp/shop --yes`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.labServe(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.file, "file", "lab.json", "where to write the lab's addresses and made-up keys (mode 0600)")
	cmd.Flags().StringVar(&o.repo, "repo", "", "also make a leaky git repository here")
	cmd.Flags().DurationVar(&o.idle, "idle", 0, "stop after this long without a request; 0: never")
	cmd.Flags().BoolVar(&o.all, "all", false, "leak a key of every issuer, each with a Netlify site that runs with it")
	cmd.Flags().StringVar(&o.stage, "stage", "", "a folder to remove when the lab ends by itself")
	_ = cmd.Flags().MarkHidden("stage") // fails only for a flag that is not there
	return cmd
}

type labOptions struct {
	file, repo string
	stage      string
	idle       time.Duration
	all        bool
}

func (a *app) labServe(ctx context.Context, o labOptions) error {
	asked, err := a.labRun(ctx, o)
	if !asked && o.stage != "" { // nobody else is left to do it
		err = errors.Join(err, os.RemoveAll(o.stage))
	}
	return err
}

// labRun runs the lab to its end; true when somebody asked it to stop.
func (a *app) labRun(ctx context.Context, o labOptions) (asked bool, err error) {
	l, err := lab.Start(ctx, lab.DemoOptions())
	if err != nil {
		return false, fmt.Errorf("start the lab: %w", err)
	}
	defer l.Close()
	info, err := furnish(l, o.all)
	if err != nil {
		return false, fmt.Errorf("furnish the lab: %w", err)
	}
	if o.repo != "" {
		if err := leakyrepo.Make(o.repo, info.Leaks); err != nil {
			return false, usage(err)
		}
	}
	if err := writeLabFile(o.file, info); err != nil {
		return false, err
	}
	a.talk("the lab runs until Ctrl-C; look at it: %s/_lab/state", l.URL("lab"))
	abs, err := filepath.Abs(o.file)
	if err != nil {
		abs = o.file // the name that was given works here
	}
	a.talk("point a command at it: %s=%s secretguard ...", labEnv, shellWord(abs))
	return waitIdle(ctx, l, o.idle), nil
}

// furnish sets up the demo's estate and two more users with leaked keys.
func furnish(l *lab.Lab, everything bool) (labFile, error) {
	estate, err := lab.DemoEstate(l)
	if err != nil {
		return labFile{}, err
	}
	info := labFile{LabURL: l.URL("lab"), PID: os.Getpid(), Owner: estate.User}
	info.Leaks.History = leakyrepo.Pair{ID: estate.LeakedID, Secret: estate.LeakedSecret}
	for _, u := range []struct {
		name string
		into *leakyrepo.Pair
	}{{"ci-bot", &info.Leaks.Deleted}, {"report-bot", &info.Leaks.Branch}} {
		l.AWS.CreateUser(u.name)
		u.into.ID, u.into.Secret = l.AWS.CreateKey(u.name)
	}
	info.Leaks.Extra = []string{
		"STRIPE_SECRET_KEY=" + lab.MadeUp("sk_live_", 99),
		"ANTHROPIC_API_KEY=" + lab.MadeUp("sk-ant-api03-", 93) + "AA",
	}
	if everything {
		if info.Families, err = l.Families(); err != nil {
			return info, err
		}
		info.Leaks.Extra = nil
		for _, f := range info.Families {
			info.Leaks.Extra = append(info.Leaks.Extra, f.Lines()...)
		}
	}
	info.Env = l.Env() // with what was made meanwhile
	return info, nil
}

func writeLabFile(path string, info labFile) error {
	b, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the lab file: %w", err)
	}
	// Written beside and renamed: whoever waits for the file never reads half of it.
	tmp := path + ".new"
	if err := errors.Join(os.WriteFile(tmp, b, 0o600), os.Rename(tmp, path)); err != nil {
		return usagef("write the lab file: %w", err)
	}
	return nil
}

func readLabFile(path string) (labFile, error) {
	var info labFile
	b, err := os.ReadFile(path)
	if err != nil {
		return info, usagef("%s: %w", labEnv, err)
	}
	if err := json.Unmarshal(b, &info); err != nil {
		return info, usagef("%s: %s is not a lab file: %w", labEnv, filepath.Base(path), err)
	}
	const loopback, database = "http://127.0.0.1:", "postgres://127.0.0.1:"
	if !strings.HasPrefix(info.LabURL, loopback) {
		return info, usagef("%s: lab_url is not a loopback address", labEnv)
	}
	for name, v := range info.Env {
		if strings.HasSuffix(name, "_URL") && !strings.HasPrefix(v, loopback) && !strings.HasPrefix(v, database) {
			return info, usagef("%s: %s is not a loopback address", labEnv, name)
		}
	}
	return info, nil
}

// waitIdle returns when ctx ends, when no request came for the given time, or
// when somebody asked the lab to stop: only then true.
func waitIdle(ctx context.Context, l *lab.Lab, idle time.Duration) (asked bool) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last, seen := time.Now(), -1
	for {
		select {
		case <-ctx.Done():
			return false
		case <-l.Stopped():
			return true
		case <-tick.C:
		}
		if n := l.Served(); n != seen {
			last, seen = time.Now(), n
		}
		if idle > 0 && time.Since(last) > idle {
			return false
		}
	}
}

// useLab points this invocation at the lab that a file describes.
func (a *app) useLab(path string) error {
	info, err := readLabFile(path)
	if err != nil {
		return err
	}
	a.overlay(info)
	a.talk("using the lab of %s: nothing outside this machine is touched", term.Clean(path))
	return nil
}

// process returns what reads this process's own environment: a lab stands in for the
// services, and not for what the process was started with.
func (a *app) process() func(string) string {
	if a.outer != nil {
		return a.outer
	}
	return a.Env
}

// overlay puts the lab's addresses and made-up keys before the environment. No
// setting of a real account gets through, also none of a provider that the lab
// has no twin of.
func (a *app) overlay(info labFile) {
	outer := a.Env
	a.outer = outer
	ours := map[string]bool{}
	for _, d := range all.Descriptors() {
		for _, s := range d.Settings {
			ours[s.Env], ours[s.Env+"_FILE"] = true, true
		}
	}
	a.Env = func(name string) string {
		if v, ok := info.Env[name]; ok {
			return v
		}
		if ours[name] || strings.HasPrefix(name, "AWS_") {
			return ""
		}
		return outer(name)
	}
	a.inLab = true
}
