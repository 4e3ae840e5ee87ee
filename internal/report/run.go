package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
)

// WritePlan writes a plan for review. Nothing of it is cut: what a person
// approves must be there to be read.
func WritePlan(w io.Writer, pl rotate.Plan) error {
	p := &printer{w: w}
	p.fold("   ", fmt.Sprintf("plan %s (%s): replace %s of %s", pl.ID, pl.Strategy, pl.OldMask, pl.Old.Owner))
	p.fold("   ", fmt.Sprintf("digest %s, to be approved before %s; nothing was changed so far", pl.ShortDigest(), pl.Expires.Local().Format(time.TimeOnly)))
	for _, s := range pl.Steps {
		p.fold(fmt.Sprintf("   %2d  ", s.N), s.Title)
		if note := stepNote(s); note != "" {
			p.fold("         ", note)
		}
		if s.Right != nil {
			p.fold("         ", "our access may do it: "+rotate.RightWords(*s.Right))
		}
		p.guide(s.Guide)
	}
	p.outage(pl)
	if len(pl.Risks) > 0 {
		p.f("   known limits, accepted with the approval:")
	}
	for _, r := range pl.Risks {
		p.fold("    -  ", r)
	}
	var unsure []string
	for _, n := range pl.Needs {
		if n.Status != "ok" {
			unsure = append(unsure, n.Permission)
		}
	}
	if len(unsure) > 0 {
		p.f("   rights that it uses and that are not known to be there:")
		p.fold("    -  ", strings.Join(unsure, ", "))
	}
	return p.err
}

// outage says for each consumer how long it is down.
func (p *printer) outage(pl rotate.Plan) {
	if len(pl.Outage) > 0 {
		p.f("   outage, estimated:")
	}
	for _, o := range pl.Outage {
		p.fold("    -  ", o.Name+": "+o.Words())
	}
}

// guide says what a person does for a step.
func (p *printer) guide(g *rotate.Guide) {
	if g == nil {
		return
	}
	p.f("         at %s", clean(g.Link)) // an address: never folded
	for _, line := range g.Do {
		p.fold("          .  ", line)
	}
}

// stepNote joins a step's risk and its undo; empty when there is nothing to say.
func stepNote(s rotate.Step) string {
	var parts []string
	if s.Risk != "" && s.Risk != "none" {
		parts = append(parts, s.Risk)
	}
	if s.Undo != "" && s.Undo != "-" {
		parts = append(parts, "undo: "+s.Undo)
	}
	return strings.Join(parts, "; ")
}

// WriteRun writes where a run stands, step by step, and what is next.
func WriteRun(w io.Writer, s rotate.Snapshot) error {
	p := &printer{w: w}
	status := string(s.Status)
	if status == "" {
		status = "planned, not approved"
	}
	p.f("   run %s: %s  old key %s, new key %s", s.Plan.ID, strings.ToUpper(status), clean(s.Plan.OldMask), clean(orDash(s.NewMask)))
	if s.Alarm != "" {
		p.fold("   ALARM: ", s.Alarm)
	}
	said := false // a failed step has told the problem
	for i, st := range s.Steps {
		said = said || st.Detail == s.Problem
		p.fold(fmt.Sprintf("   %2d  %-8s ", i+1, st.Status), s.Plan.Steps[i].Title)
		if st.Detail != "" {
			p.fold("                  ", st.Detail)
		}
	}
	p.proof(s)
	if s.Problem != "" && !said {
		label := "   held: "
		if s.Status == rotate.RunRunning {
			label = "   now:  "
		}
		p.fold(label, s.Problem)
	}
	if len(s.Stands) > 0 {
		p.f("   as it stands:")
	}
	for _, line := range s.Stands {
		p.fold("    -  ", line)
	}
	if len(s.Waivers) > 0 {
		p.f("   accepted by a person:")
	}
	for _, v := range s.Waivers {
		p.fold("    -  ", fmt.Sprintf("%s, by %s at %s UTC: %s", waived(s.Plan, v), v.Who, v.At.UTC().Format(time.DateTime), v.Reason))
	}
	if len(s.Left) > 0 {
		p.f("   left behind, for a person to see to:")
	}
	for _, line := range s.Left {
		p.fold("    -  ", line)
	}
	if s.Status == "" {
		p.f("   next: secretguard rotate PLAN --approve %s   (PLAN is its file; until %s, then it must be planned anew)",
			s.Plan.ShortDigest(), s.Plan.Expires.Local().Format(time.TimeOnly))
	}
	if s.Remedy != "" {
		p.f("   next: %s", clean(s.Remedy)) // a command: never folded
	}
	return p.err
}

// waived says what a person accepted.
func waived(p rotate.Plan, v rotate.Waiver) string {
	st, _ := p.Step(v.Step)
	switch {
	case v.Hostile:
		return "the traffic on the old key is the thief's"
	case st.Action == rotate.ActAttest:
		return fmt.Sprintf("L%d is enough for %s", v.Level, st.Target.Name)
	case st.Action == rotate.ActQuiet:
		return "whoever still uses the old key fails without it"
	case st.Action == rotate.ActSoak:
		return "the old key is deleted before it was disabled for as long as the plan says"
	case st.Action == rotate.ActDisable:
		return "the disabled key need not be refused before it is deleted"
	}
	if st.Action == rotate.ActSearch {
		return "what still holds the old key"
	}
	return "less of " + v.Step
}

// WriteProof writes how a run shows that the old key is dead.
func WriteProof(w io.Writer, s rotate.Snapshot) error {
	p := &printer{w: w}
	p.proof(s)
	return p.err
}

func (p *printer) proof(s rotate.Snapshot) {
	if s.Proof == nil {
		return
	}
	p.fold("   proof of death: ", fmt.Sprintf("%s was refused %d times in a row over %s (%s), %s to %s UTC; control: %s",
		s.Plan.OldMask, s.Proof.Refusals, s.Proof.Window.Round(time.Millisecond), s.Proof.Code+atEach(*s.Proof),
		s.Proof.From.UTC().Format(time.TimeOnly), s.Proof.To.UTC().Format(time.TimeOnly), s.Proof.Control))
	for _, why := range s.Proof.NotAsked {
		p.fold("                   ", "not asked at "+why)
	}
}

// atEach names the endpoints that were asked, where there are several.
func atEach(p rotate.DeathProof) string {
	if len(p.Endpoints) < 2 {
		return ""
	}
	return " at each of " + strings.Join(p.Endpoints, ", ")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
