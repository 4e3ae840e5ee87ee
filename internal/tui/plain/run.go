package plain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// plan shows a plan and takes the typed approval.
func (c *session) plan(ctx context.Context, id string, s rotate.Strategy) error {
	c.say("planning; this only reads")
	p, err := c.engine.Plan(ctx, id, s)
	if err != nil {
		c.trouble("no plan", err)
		return nil
	}
	c.sayf("PLAN %s, strategy %s, old key %s of %s", p.ID, p.Strategy, p.OldMask, p.Old.Owner)
	for _, st := range p.Steps {
		c.sayf("  step %d: %s. Undo: %s. Risk: %s", st.N, st.Title, st.Undo, st.Risk)
		if st.Right != nil {
			c.sayf("    our access may do it: %s", rotate.RightWords(*st.Right))
		}
		if st.Guide != nil {
			c.guide(*st.Guide)
		}
	}
	for _, o := range p.Outage {
		c.sayf("  outage of %s: %s", o.Name, o.Words())
	}
	for _, r := range p.Risks {
		c.sayf("  risk: %s", r)
	}
	c.sayf("digest %s, expires %s", p.ShortDigest(), p.Expires.Local().Format(time.TimeOnly))
	if c.store.ReadOnly {
		c.say("read-only mode approves nothing")
		return nil
	}
	for _, st := range p.Irreversible() {
		c.sayf("step %d cannot be undone", st.N)
	}
	typed, err := c.ask(ctx, "to approve, type: "+term.Clean(p.Phrase)+"   (anything else cancels)")
	if err != nil {
		return err
	}
	if typed != p.Phrase {
		c.say("not approved; nothing was changed")
		return nil
	}
	if err := c.engine.Start(ctx, p, typed); err != nil {
		c.trouble("not started", err)
		return nil
	}
	return c.follow(ctx, p.ID)
}

// quiet is the shortest time between two lines about the same step.
const quiet = 5 * time.Second

// follow prints a line for each step that ends, until the run stands still.
func (c *session) follow(ctx context.Context, id string) error {
	if c.printed[id] == nil {
		c.printed[id] = map[string]rotate.StepStatus{}
	}
	printed := c.printed[id]
	said, told := time.Time{}, false
	for {
		r, err := c.engine.Snapshot(ctx, id)
		if err != nil {
			c.trouble("cannot read the run", err)
			return nil
		}
		c.store.Now = c.now()
		c.store.SetRun(&r)
		c.steps(&r, printed)
		if !r.Active {
			return c.stands(ctx, &r)
		}
		if !told {
			told = true
			c.say("running; type p and Enter to pause at the next safe point")
		}
		if c.now().Sub(said) >= quiet && r.Said.Detail != "" {
			said = c.now()
			c.sayf("  now: %s: %s", r.Said.Text, r.Said.Detail)
		}
		if err := c.wait(ctx, id); err != nil {
			return err
		}
	}
}

// steps prints what is new.
func (c *session) steps(r *screen.Run, printed map[string]rotate.StepStatus) {
	for i, st := range r.Steps {
		if st.Status == rotate.StepWaiting || st.Status == rotate.StepRunning || printed[st.ID] == st.Status {
			continue
		}
		printed[st.ID] = st.Status
		word := string(st.Status)
		if st.Status == rotate.StepFailed {
			word = "HELD"
		}
		c.sayf("  step %d of %d %s: %s: %s", i+1, len(r.Steps), word, r.Plan.Steps[i].Title, st.Detail)
	}
}

// wait returns when something may have changed.
func (c *session) wait(ctx context.Context, id string) error {
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.hints:
	case line, ok := <-c.lines:
		if !ok || strings.EqualFold(strings.TrimSpace(line), "p") {
			c.engine.Pause(id)
			c.say("pausing: the step in flight is finished first")
		} else {
			c.say("it is running; p pauses")
		}
		if !ok {
			return errLeave
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// stands says how a run ended, or asks what to do about one that stands still.
func (c *session) stands(ctx context.Context, r *screen.Run) error {
	id := r.Plan.ID
	switch {
	case r.Status == rotate.RunDone && r.Proof != nil:
		c.sayf("DONE: %s is deleted and proven dead: refused %d times in a row over %s (%s)", r.Plan.OldMask, r.Proof.Refusals, r.Proof.Window.Round(100*time.Millisecond), r.Proof.Code)
		c.sayf("the new key is %s of %s; the old value stays in the git history, where it opens nothing", r.NewMask, r.Plan.Old.Owner)
		yes, err := c.agree(ctx, "write the incident report")
		if err != nil || !yes {
			return err
		}
		return c.report(ctx, id)
	case r.Status == rotate.RunAbandoned:
		c.sayf("ABANDONED: the run was given up; this is left:")
		for _, line := range r.Left {
			c.sayf("  - %s", line)
		}
		return nil
	case r.Status == rotate.RunContained:
		c.sayf("CONTAINED: %s is disabled; whoever uses it is down: plan the rotation now", r.Plan.OldMask)
		return nil
	case !r.Unfinished():
		c.sayf("ROLLED BACK: the leaked key %s works again; rotate it soon", r.Plan.OldMask)
		return nil
	}
	if r.Alarm != "" {
		c.sayf("ALARM: %s", r.Alarm)
	}
	turn, yours := r.Turn()
	if yours {
		c.sayf("YOUR TURN in run %s: %s", id, turn.Step.Title)
		c.guide(turn.Guide)
	} else {
		c.sayf("run %s stands still: %s %s", id, r.Status, r.Problem)
	}
	if r.Ended != nil {
		c.say("it ended with: " + r.Ended.Text)
	}
	if yours && turn.Key {
		return c.menu(ctx, "WHAT NOW", append([]choice{{
			text: "hand in the new key; what you type is not shown", off: c.store.WhyNoHandIn(r), do: func(ctx context.Context) error { return c.supply(ctx, r) },
		}}, c.endings(r)...))
	}
	goOn := term.Safe("go on from here")
	if yours {
		goOn = "it is gone: check, and go on"
	}
	choices := []choice{{text: goOn, off: c.store.WhyNoResume(r), do: func(ctx context.Context) error { return c.drive(ctx, id, c.engine.Resume) }}}
	if step, ok := r.Held(); ok {
		choices = append(choices, choice{
			text: "accept what was shown for: " + term.Clean(step.Title), off: c.store.WhyNoAccept(r),
			do: func(ctx context.Context) error { return c.waive(ctx, id, step.ID) },
		})
	}
	return c.menu(ctx, "WHAT NOW", append(choices, c.endings(r)...))
}

// endings are the ways out of a run that stands still.
func (c *session) endings(r *screen.Run) []choice {
	return []choice{
		{text: "roll back: the leaked key is put back to use", off: c.store.WhyNoRollBack(r), do: func(ctx context.Context) error { return c.rollBack(ctx, r) }},
		{text: "leave it for later", do: func(context.Context) error { return nil }},
	}
}

// guide says what a person has to do, and where.
func (c *session) guide(g rotate.Guide) {
	c.sayf("  at %s", g.Link)
	for i, do := range g.Do {
		c.sayf("  %d. %s", i+1, do)
	}
}

// supply takes the new key; one that is refused leaves the run as it is, and the
// question comes again.
func (c *session) supply(ctx context.Context, r *screen.Run) error {
	value, err := c.hidden(ctx, "the new key, or nothing to go back")
	var p screen.Problem
	switch {
	case errors.As(err, &p):
		c.trouble("no key was asked for", err)
		c.sayf("hand it in with: secretguard rotate supply %s", r.Plan.ID)
		return nil
	case err != nil:
		return err
	case value.Empty():
		c.say("nothing was handed in; the run waits")
		return nil
	}
	c.say("checking it: its form, that it works, and whose it is")
	if err := c.engine.Supply(ctx, r.Plan.ID, value); err != nil {
		c.trouble("the key was not taken", err)
		return c.stands(ctx, r)
	}
	c.say("the new key works and is sealed; the run goes on")
	return c.follow(ctx, r.Plan.ID)
}

func (c *session) drive(ctx context.Context, id string, do func(context.Context, string) error) error {
	if err := do(ctx, id); err != nil {
		c.trouble("cannot go on", err)
		return nil
	}
	return c.follow(ctx, id)
}

func (c *session) waive(ctx context.Context, id, step string) error {
	reason, err := c.ask(ctx, "reason, or nothing to go back")
	if err != nil || strings.TrimSpace(reason) == "" {
		return err
	}
	if err := c.engine.Waive(ctx, id, step, strings.TrimSpace(reason)); err != nil {
		c.trouble("cannot accept", err)
		return nil
	}
	return c.drive(ctx, id, c.engine.Resume)
}

func (c *session) rollBack(ctx context.Context, r *screen.Run) error {
	phrase := "roll back " + r.Plan.Old.Owner
	c.sayf("THE LEAKED KEY %s IS PUT BACK TO USE. Old values are stored and deployed again, the new key is deleted last.", r.Plan.OldMask)
	typed, err := c.ask(ctx, "to roll back, type: "+term.Clean(phrase))
	if err != nil {
		return err
	}
	if typed != phrase {
		c.say("not rolled back")
		return nil
	}
	return c.drive(ctx, r.Plan.ID, func(ctx context.Context, id string) error {
		if err := c.engine.RollBack(ctx, id, "decided in the responder"); err != nil {
			return fmt.Errorf("roll back: %w", err)
		}
		return nil
	})
}
