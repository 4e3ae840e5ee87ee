package plain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// talk scans and then serves the list until the person leaves.
func (c *session) talk(ctx context.Context) error {
	c.say("SecretGuard responder, plain lines. Type a number, then Enter.")
	if err := c.load(ctx); err != nil {
		return err
	}
	runs, err := c.engine.Unfinished(ctx)
	if err != nil {
		c.trouble("cannot read the journal", err)
	}
	for i := range runs {
		c.store.SetRun(&runs[i])
		c.sayf("UNFINISHED: run %s over %s of %s is %s", runs[i].Plan.ID, runs[i].Plan.OldMask, runs[i].Plan.Old.Owner, runs[i].Status)
		if runs[i].Alarm != "" {
			c.sayf("ALARM: %s", runs[i].Alarm)
		}
	}
	for {
		if err := c.list(ctx); err != nil {
			return err
		}
	}
}

func (c *session) load(ctx context.Context) error {
	c.say("scanning")
	b, err := c.engine.Load(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		c.trouble("cannot scan", err)
		return nil
	}
	c.store.SetBoard(b)
	cov := b.Coverage
	c.sayf("scanned %s: %d commits, %d files and objects; %d credentials", b.Target.Path, cov.Commits, cov.Files+cov.Blobs, len(b.Cases))
	if !cov.Complete {
		c.say("NOT EVERYTHING WAS READ; this is not a clean result:")
	}
	for _, s := range cov.Skipped {
		if s.Gap {
			c.sayf("  not read: %d x %s: %s %s", s.Count, s.What, s.Why, s.Example)
		}
	}
	if b.Accepted > 0 {
		c.sayf("%d findings were accepted before and are not shown", b.Accepted)
	}
	for _, n := range b.Notices {
		c.sayf("note: %s", n)
	}
	return nil
}

func (c *session) list(ctx context.Context) error {
	c.store.Now = c.now()
	var choices []choice
	for _, k := range slices.SortedFunc(slices.Values(c.store.Cases), screen.ByRisk) {
		choices = append(choices, choice{text: row(k), do: func(ctx context.Context) error { return c.open(ctx, k.ID) }})
	}
	for _, r := range c.store.Unfinished() {
		text := term.Clean(fmt.Sprintf("open run %s of %s, %s", r.Plan.ID, r.Plan.Old.Owner, r.Status))
		choices = append(choices, choice{text: text, do: func(ctx context.Context) error { return c.follow(ctx, r.Plan.ID) }})
	}
	choices = append(choices,
		choice{text: "verify all", off: c.whyNoneToVerify(), do: func(ctx context.Context) error { return c.verify(ctx, c.store.Cases) }},
		choice{text: "write a report of the scan", do: func(ctx context.Context) error { return c.report(ctx, "") }},
		choice{text: "scan again", do: c.load},
		choice{text: "quit", do: func(context.Context) error { return errLeave }},
	)
	if len(c.store.Cases) == 0 {
		c.say("no credential is listed")
	}
	return c.menu(ctx, "CREDENTIALS", choices)
}

func (c *session) whyNoneToVerify() term.Safe {
	why := term.Safe("there is none")
	for _, k := range c.store.Cases {
		if why = c.store.WhyNoVerify(k); why == "" {
			return ""
		}
	}
	return why
}

func row(k *screen.Case) term.Safe {
	s := k.State()
	text := s.Word + ": " + k.KindName() + ", " + k.Middle()
	if who := k.Who(); who != k.Short() {
		text += ", of " + who
	}
	return text + ", " + k.Seen() + ", deployed: " + k.Where()
}

// open is one credential.
func (c *session) open(ctx context.Context, id string) error {
	for {
		k := c.store.Case(id)
		if k == nil {
			return nil
		}
		c.store.Now = c.now()
		c.describe(k)
		back := false
		choices := []choice{
			{text: "verify: ask the issuer whether it works", off: c.store.WhyNoVerify(k), do: func(ctx context.Context) error { return c.verify(ctx, []*screen.Case{k}) }},
			{text: "search: where is it deployed", off: c.whyOffline(), do: func(ctx context.Context) error { return c.locate(ctx, k) }},
			{text: "show the lines around each place", do: func(ctx context.Context) error { return c.excerpts(ctx, k) }},
		}
		if k.Run != nil && k.Run.Unfinished() {
			run := k.Run.Plan.ID
			choices = append(choices, choice{text: term.Clean("open run " + run), do: func(ctx context.Context) error { return c.follow(ctx, run) }})
		} else {
			why := c.store.WhyNoPlan(k)
			choices = append(choices,
				choice{text: "plan a rotation that keeps everything running", off: why, do: func(ctx context.Context) error { return c.plan(ctx, id, rotate.KeepRunning) }},
				choice{text: "plan containment: disable the key first, an outage", off: why, do: func(ctx context.Context) error { return c.plan(ctx, id, rotate.ContainFirst) }})
		}
		choices = append(choices,
			choice{text: "accept it, with a reason", do: func(ctx context.Context) error { return c.accept(ctx, k) }},
			choice{text: "back to the list", do: func(context.Context) error { back = true; return nil }})
		if err := c.menu(ctx, "WHAT NOW", choices); err != nil {
			return err
		}
		if back {
			return nil
		}
	}
}

func (c *session) whyOffline() term.Safe {
	if c.store.Offline {
		return "offline: the consumers cannot be searched"
	}
	return ""
}

func (c *session) describe(k *screen.Case) {
	c.say("")
	c.say("CREDENTIAL " + term.Clean(k.ID))
	c.say(row(k))
	if v := k.Liveness.Verdict; !v.At.IsZero() {
		c.sayf("asked %s: %s %s %s", screen.Ago(c.store.Now, v.At), cmp.Or(v.Identity.Who, v.Identity.Words()), v.Detail, v.Code)
	}
	for _, f := range k.Findings {
		commit := ""
		if f.Commit != "" {
			commit = " in commit " + string(screen.ShortHash(f.Commit))
		}
		if f.LastCommit != "" && f.LastCommit != f.Commit {
			commit += ", last in " + string(screen.ShortHash(f.LastCommit)) + " of " + f.LastDate.Format(time.DateOnly)
		}
		if len(f.ReachedBy) > 0 {
			commit += ", reached by " + strings.Join(f.ReachedBy, ", ")
		}
		c.sayf("  found in %s:%d%s", f.File, f.Line, commit)
	}
	if k.Located == nil {
		return
	}
	for _, p := range k.Located.Placements {
		c.sayf("  deployed in %s %s: %s %s (%s)", p.Provider, p.ResourceName, p.Key, p.Context, p.Match)
	}
	for _, g := range k.Located.Gaps {
		c.sayf("  %s", g)
	}
}

// verify asks once for each issuer and then asks the issuers.
func (c *session) verify(ctx context.Context, cases []*screen.Case) error {
	refused := map[string]bool{}
	for _, k := range cases {
		if c.store.WhyNoVerify(k) != "" || refused[k.Ability.Provider] {
			continue
		}
		if p := k.Ability.Provider; !c.store.Asked[p] {
			c.say(k.Ability.Issuer + " gets one call that only reads, made with the leaked key itself: " + k.Ability.Call + ". The issuer sees it.")
			yes, err := c.agree(ctx, "ask "+k.Ability.Issuer)
			if err != nil {
				return err
			}
			if !yes {
				c.say("not asked")
				refused[p] = true
				continue
			}
			c.store.Asked[p] = true
		}
		l, err := c.engine.Verify(ctx, k.ID)
		if l.Value == "" {
			l = triage.Liveness{Value: string(providers.Unknown)}
		}
		k.SetLiveness(l)
		if err != nil {
			c.trouble("cannot verify "+k.Short(), err)
		}
		c.say(row(k))
	}
	return nil
}

func (c *session) locate(ctx context.Context, k *screen.Case) error {
	c.say("searching every variable of every service; this only reads")
	l, err := c.engine.Locate(ctx, k.ID)
	if err != nil {
		c.trouble("cannot search", err)
		return nil
	}
	k.SetLocated(&l)
	return nil
}

func (c *session) excerpts(ctx context.Context, k *screen.Case) error {
	for i, f := range k.Findings {
		c.sayf("%s:%d", f.File, f.Line)
		e, err := c.engine.Excerpt(ctx, k.ID, i)
		switch {
		case err != nil:
			c.trouble("cannot read it", err)
		case e.Why != "":
			c.sayf("  %s", e.Why)
		}
		for _, l := range e.Lines {
			if l.N >= f.Line-2 && l.N <= f.Line+2 {
				c.sayf("  %d: %s", l.N, l.Text)
			}
		}
	}
	return nil
}

func (c *session) accept(ctx context.Context, k *screen.Case) error {
	if k.State().Word == "LIVE" {
		c.say("this key is LIVE: whoever has it can use it")
	}
	reason, err := c.ask(ctx, "reason, or nothing to go back")
	if err != nil || strings.TrimSpace(reason) == "" {
		return err
	}
	file, err := c.engine.Accept(ctx, k.ID, strings.TrimSpace(reason), c.store.Actor, "")
	if err != nil {
		c.trouble("cannot write the baseline", err)
		return nil
	}
	c.store.Drop(k.ID)
	c.sayf("accepted; scans need: --baseline-path %s", file)
	return nil
}

func (c *session) report(ctx context.Context, run string) error {
	files, err := c.engine.Report(ctx, run)
	if err != nil {
		c.trouble("cannot write the report", err)
		return nil
	}
	c.sayf("written: %s", strings.Join(files, ", "))
	return nil
}
