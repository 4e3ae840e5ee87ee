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
}

// labEnv names the variable that points every command at a running lab.
const labEnv = "SECRETGUARD_LAB"

func (a *app) labCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "lab", Short: "The built-in provider twins: AWS IAM and STS, Netlify, Render on loopback",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.labServeCmd())
	return cmd
}

func (a *app) labServeCmd() *cobra.Command {
	var file, repo string
	var idle time.Duration
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the lab until it is interrupted",
		Long: `Starts the provider twins on loopback with a small estate: a Netlify site and a Render
service that run with one leaked AWS key. Prints how to point the other commands at it.`,
		Example: `  secretguard lab serve --file /tmp/lab.json --repo /tmp/shop
  SECRETGUARD_LAB=/tmp/lab.json secretguard respond /tmp/shop`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.labServe(cmd.Context(), file, repo, idle) },
	}
	cmd.Flags().StringVar(&file, "file", "lab.json", "where to write the lab's addresses and made-up keys (mode 0600)")
	cmd.Flags().StringVar(&repo, "repo", "", "also make a leaky git repository here")
	cmd.Flags().DurationVar(&idle, "idle", 0, "stop after this long without a request; 0: never")
	return cmd
}

func (a *app) labServe(ctx context.Context, file, repo string, idle time.Duration) error {
	l, err := lab.Start(ctx, lab.DemoOptions())
	if err != nil {
		return fmt.Errorf("start the lab: %w", err)
	}
	defer l.Close()
	info, err := furnish(l)
	if err != nil {
		return fmt.Errorf("furnish the lab: %w", err)
	}
	if repo != "" {
		if err := leakyrepo.Make(repo, info.Leaks); err != nil {
			return err
		}
	}
	if err := writeLabFile(file, info); err != nil {
		return err
	}
	a.talk("lab: %s   point a command at it with: %s=%s", l.URL("lab"), labEnv, file)
	waitIdle(ctx, l, idle)
	return nil
}

// furnish sets up the demo's estate and two more users with leaked keys.
func furnish(l *lab.Lab) (labFile, error) {
	estate, err := lab.DemoEstate(l)
	if err != nil {
		return labFile{}, err
	}
	info := labFile{Env: l.Env(), LabURL: l.URL("lab"), PID: os.Getpid(), Owner: estate.User}
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
	for name, v := range info.Env {
		if strings.HasSuffix(name, "_URL") && !strings.HasPrefix(v, "http://127.0.0.1:") {
			return info, usagef("%s: %s is not a loopback address", labEnv, name)
		}
	}
	return info, nil
}

// waitIdle returns when ctx ends or no request came for the given time.
func waitIdle(ctx context.Context, l *lab.Lab, idle time.Duration) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last, seen := time.Now(), -1
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.Stopped():
			return
		case <-tick.C:
		}
		if n := l.Served(); n != seen {
			last, seen = time.Now(), n
		}
		if idle > 0 && time.Since(last) > idle {
			return
		}
	}
}

// useLab overlays the environment with the lab's addresses and made-up keys.
func (a *app) useLab(path string) error {
	info, err := readLabFile(path)
	if err != nil {
		return err
	}
	outer := a.Env
	a.Env = func(name string) string {
		if v, ok := info.Env[name]; ok {
			return v
		}
		if strings.HasPrefix(name, "AWS_") {
			return "" // no real account's settings may reach a lab run
		}
		return outer(name)
	}
	a.inLab = true
	a.talk("using the lab of %s: nothing outside this machine is touched", term.Clean(path))
	return nil
}
