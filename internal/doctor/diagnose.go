package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/providers"
)

// Diagnose compares what was declared with what was found out, for all consumers
// together: some variables must be the same in several. It is pure; the reports are
// in the order of the facts.
func Diagnose(all []Facts) []Report {
	out := make([]Report, len(all))
	for i, f := range all {
		d := diagnosis{f: f, all: all}
		d.consumer()
		out[i] = Report{Name: f.Consumer.Name, Where: f.Consumer.Where, Findings: d.out}
	}
	return out
}

// diagnosis collects the findings of one consumer.
type diagnosis struct {
	f   Facts
	all []Facts
	out []Finding
}

func (d *diagnosis) add(s Status, check, subject, text, remedy string) {
	d.out = append(d.out, Finding{Check: check, Subject: subject, Status: s, Text: text, Remedy: remedy})
}

func (d *diagnosis) bad(check, subject, text, remedy string) {
	d.add(Bad, check, subject, text, remedy)
}

func (d *diagnosis) unknown(check, subject, text, remedy string) {
	d.add(Unknown, check, subject, text, remedy)
}

func (d *diagnosis) ok(check, subject, text string) { d.add(OK, check, subject, text, "") }

func (d *diagnosis) consumer() {
	c := d.f.Consumer
	switch {
	case d.f.Absent:
		d.bad("consumer.missing", c.Service(), fmt.Sprintf("%s has nothing of the name or id %q that our token sees", c.Provider(), c.Service()),
			"make it, or correct where = in the declaration")
		return
	case d.f.Trouble != "":
		remedy := d.f.Setting
		if remedy == "" {
			remedy = "try again, or see: secretguard providers show " + c.Provider()
		}
		d.unknown("consumer.unseen", c.Where, d.f.Trouble, remedy)
		return
	}
	for _, name := range c.Needs() {
		d.variable(name)
	}
	for _, name := range c.Same {
		d.same(name)
	}
	d.condition()
	if c.Queue != nil {
		d.queue(*c.Queue)
	}
	if c.Prefect != nil {
		d.prefect(*c.Prefect)
	}
	if c.Supabase != nil {
		d.supabase(*c.Supabase)
	}
	if c.Endpoint != nil {
		d.endpoint(*c.Endpoint)
	}
	for _, g := range d.f.Gaps {
		d.unknown("consumer.gap", g.What, g.Why, "give our token the right to read it")
	}
}

// setIn says how a person sets a variable of this consumer.
func (d *diagnosis) setIn(name string) string {
	c := d.f.Consumer
	switch c.Provider() {
	case "netlify":
		return fmt.Sprintf("netlify env:set %s --context production --secret (in the site %s), then deploy", name, c.Service())
	case "render":
		return fmt.Sprintf("set %s at https://dashboard.render.com (service %s, Environment), then deploy", name, c.Service())
	}
	return fmt.Sprintf("set %s in the environment of this process", name)
}

// condition says whether the thing stays up with what it was given.
func (d *diagnosis) condition() {
	c, name := d.f.Condition, d.f.Consumer.Service()
	switch {
	case d.f.Consumer.Here():
		return
	case c == nil:
		d.unknown("consumer.state", name, "how it does could not be read", "try again")
		return
	case d.f.Suspended && !c.Crashed:
		d.bad("consumer.suspended", name, "it is suspended and does not run", "resume it")
		return
	case c.Crashed:
		d.bad("consumer.crash", name, c.Why, d.afterCrash(c.Log))
		d.out[len(d.out)-1].Log = c.Log
	case c.Deploys.Newest.ID == "":
		d.bad("consumer.deploy", name, "it was never deployed", "deploy it")
		return
	case c.Deploys.LiveID == "" && c.Deploys.Newest.Phase != providers.PhaseRunning:
		d.bad("consumer.deploy", name, "no deploy of it is live", "deploy it")
		return
	case c.Deploys.Newest.Phase == providers.PhaseBuilt:
		d.bad("consumer.deploy", name, "its newest deploy is built and not published: another one is locked", "unlock the published deploy, or publish the newest")
	case c.Deploys.Newest.Phase == providers.PhaseRunning:
		d.unknown("consumer.deploy", name, "a deploy is going on", "run it again when the deploy is live")
	default:
		d.ok("consumer.state", name, "its newest deploy is live and has not ended by itself")
	}
	for _, g := range c.Gaps {
		d.unknown("consumer.gap", g.What, g.Why, "give our token the right to read it")
	}
	d.stale(*c)
}

// afterCrash points at the variables that a log names.
func (d *diagnosis) afterCrash(log []string) string {
	text := strings.Join(log, "\n")
	for _, name := range d.f.Consumer.Needs() {
		if strings.Contains(text, name) {
			return "the log names " + name + ": " + d.setIn(name)
		}
	}
	return "read its log, mend it, then deploy"
}

// stale finds values that were stored after the live deploy began: what runs does
// not have them.
func (d *diagnosis) stale(c providers.Condition) {
	if c.Live.IsZero() || c.Deploys.LiveID == "" {
		return
	}
	for _, name := range d.f.Consumer.Needs() {
		if v, ok := d.f.Variables[name]; ok && v.Changed.After(c.Live) {
			d.bad("variable.not-deployed", name, "it was stored after the live deploy began: what runs has another value, or none", "deploy "+d.f.Consumer.Service())
		}
	}
}

// read returns a variable's value, if it is known.
func (d *diagnosis) read(name string) (Value, bool) {
	v, ok := d.f.Variables[name]
	return v, ok && v.Readable && !v.Text.Empty()
}

// same compares a variable with that of the other consumers that must have it.
func (d *diagnosis) same(name string) {
	mine, ok := d.read(name)
	if !ok {
		if v, set := d.f.Variables[name]; set && !v.Readable {
			d.unknown("variable.differs", name, "it cannot be read back, so it cannot be compared", "compare it by what it does: declare an endpoint that proves it")
		}
		return
	}
	compared := 0
	for _, o := range d.all {
		if o.Consumer.Name == d.f.Consumer.Name || !slices.Contains(o.Consumer.Same, name) {
			continue
		}
		other := diagnosis{f: o}
		v, ok := other.read(name)
		if !ok {
			continue // the other one's own finding
		}
		if compared++; !v.Text.Equal(mine.Text) {
			d.bad("variable.differs", name, "it is not what "+o.Consumer.Name+" has", "store the same value in both; which one works, the other findings tell")
		}
	}
	if compared == 0 {
		d.unknown("variable.differs", name, "no other consumer's value could be read to compare it with", "name it under same = in another consumer")
	}
}

// endpoint says what the consumer showed of its keys.
func (d *diagnosis) endpoint(e config.Endpoint) {
	for _, name := range e.Proves {
		if d.f.Endpoint == nil {
			d.unknown("endpoint.proof", name, "it was not asked: the value is not known here", "set it first, or read it from a consumer that has it too (same =)")
			continue
		}
		p, asked := d.f.Endpoint.Proofs[name]
		switch {
		case !asked:
			d.unknown("endpoint.proof", name, "it was not asked: the value cannot be read here", "name it under same = in a consumer whose value can be read")
		case p.Err == nil:
			d.ok("endpoint.proof", name, "the running service showed that it has the key")
		case p.NoAnswer:
			d.unknown("endpoint.answer", e.URL, p.Err.Error(), "see that the service runs, then try again")
		default:
			d.bad("endpoint.proof", name, fmt.Sprintf("it answered with status %d: %v", p.Status, p.Err), d.afterProof(name, p))
		}
	}
}
