package planner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/secret"
)

// builder turns what is known about a key into steps.
type builder struct {
	planner *Planner
	req     Request
	state   providers.KeyState
	issuer  providers.Provider
	plan    rotate.Plan
	stored  map[string]bool
	stage   int // of the step that was added last
}

func (b *builder) steps(ctx context.Context) error {
	b.stored = map[string]bool{}
	if b.plan.Strategy.StopsFirst() {
		if err := b.disable("every consumer that is not yet on the new key fails from here on"); err != nil {
			return err
		}
	}
	if b.plan.Strategy == rotate.ContainOnly {
		b.plan.Risks = append(b.plan.Risks, "nothing replaces the key yet: whoever uses it is down until a rotation is planned and done, or this is rolled back")
		return nil
	}
	if err := b.issue(); err != nil {
		return err
	}
	b.add(rotate.Step{ID: "validate", Action: rotate.ActValidate, Title: "check that the new key works and is the same account", Undo: "-", Risk: "waits"})
	if err := b.consumers(ctx); err != nil {
		return err
	}
	if b.plan.Strategy != rotate.ContainFirst {
		b.quiet()
		if err := b.disable("users of the old key that were not found break here"); err != nil {
			return err
		}
	}
	b.soak()
	if err := b.remove(); err != nil {
		return err
	}
	b.noWayBack()
	p := b.plan.Policy
	asked := "its one endpoint"
	if c, ok := providers.As[providers.Corroborator](b.issuer); ok {
		asked = strings.Join(c.Endpoints(), " and ")
	}
	b.add(rotate.Step{
		ID: "prove", Action: rotate.ActProve, Undo: "-", Risk: "waits",
		Title: fmt.Sprintf("prove the old key dead: %s at %s, with a control request", wantedProof(p), asked),
	})
	b.add(rotate.Step{
		ID: string(rotate.ActSearch), Action: rotate.ActSearch, Undo: "-", Risk: "a value that was written elsewhere in between shows here",
		Title: "look once more where the old key stands, in every variable and in the repository's files",
	})
	return nil
}

// issue adds the step that makes the new key: a call, or a person.
func (b *builder) issue() error {
	st := rotate.Step{ID: "issue", Action: rotate.ActIssue, Title: "issue a second key for " + b.plan.Old.Owner, Undo: "delete the new key", Risk: "none"}
	if _, ok := providers.As[providers.Issuer](b.issuer); !ok {
		guide, ok := providers.As[providers.Guide](b.issuer)
		if !ok {
			return fmt.Errorf("plan the new key: %s: %w", b.plan.Issuer, providers.ErrUnsupported)
		}
		g := guide.Guide(b.plan.Old)
		st.Title, st.Guide = "YOU make a second key for "+b.plan.Old.Owner+" and hand it in", &rotate.Guide{Link: g.Link, Do: g.Make}
		st.Undo, st.Risk = "you delete the new key", "waits for you"
		if b.retires() {
			st.Undo = "revoke the new key"
		}
		if g.Cuts {
			st.Title = "YOU replace the one key of " + b.plan.Old.Owner + " and hand the new one in"
			st.Undo, st.Risk = rotate.UndoNone, "the old key ends with it: consumers fail from here until they have the new one"
			b.plan.Risks = append(b.plan.Risks, onlyOne)
		}
	}
	if b.replaces() {
		b.replacing(&st)
	}
	if b.plan.OntoCase != "" {
		mask := secret.Mask(b.plan.Onto.ID)
		st = rotate.Step{
			ID: "issue", Action: rotate.ActIssue, Title: "take " + mask + ", which has leaked too and is replaced next, in place of a new key: there is no room for one",
			Undo: "-", Risk: "consumers run with a leaked key meanwhile",
		}
	}
	b.add(st)
	return nil
}

// retires reports whether the key itself is enough to take it away.
func (b *builder) retires() bool {
	r, ok := providers.As[providers.Retirer](b.issuer)
	return ok && r.Retires(b.plan.Old)
}

// remove adds the step that takes the old key away: a call, or a person.
func (b *builder) remove() error {
	st := rotate.Step{ID: "delete", Action: rotate.ActDelete, Title: "delete the old key", Undo: rotate.UndoNone, Risk: "cannot be undone"}
	_, deletes := providers.As[providers.Deleter](b.issuer)
	if how := b.issuer.Describe().Restore; how != "" {
		st.Undo = strings.NewReplacer("{owner}", b.plan.Old.Owner, "{id}", b.plan.Old.ID).Replace(how)
		st.Risk = "the run does not bring it back"
	}
	switch {
	case b.replaces():
		st.Title, st.Risk = "nothing to send: the old key ended when the new one took its place", "none beyond that"
	case !deletes && b.retires():
		st.Title = "revoke the old key, with the key itself"
	case !deletes:
		guide, ok := providers.As[providers.Guide](b.issuer)
		if !ok {
			return fmt.Errorf("plan the deletion: %s: %w", b.plan.Issuer, providers.ErrUnsupported)
		}
		g := guide.Guide(b.plan.Old)
		st.Title, st.Guide = "YOU take the old key away", &rotate.Guide{Link: g.Link, Do: g.Retire}
	}
	b.add(st)
	return nil
}

// add appends a step that stands alone in its stage.
func (b *builder) add(s rotate.Step) {
	b.stage++
	b.join(s)
}

// join appends a step to the stage of the one before.
func (b *builder) join(s rotate.Step) {
	s.N, s.Stage = len(b.plan.Steps)+1, b.stage
	b.plan.Steps = append(b.plan.Steps, s)
}

func (b *builder) disable(risk string) error {
	if _, ok := providers.As[providers.Disabler](b.issuer); !ok {
		if b.plan.Strategy.StopsFirst() {
			return fmt.Errorf("plan containment: %s cannot disable a key: %w", b.plan.Issuer, providers.ErrUnsupported)
		}
		if !b.replaces() {
			b.plan.Risks = append(b.plan.Risks, "this issuer cannot disable a key: it is deleted at once")
		}
		return nil
	}
	b.add(rotate.Step{ID: "disable", Action: rotate.ActDisable, Title: "disable the old key, watch the consumers", Undo: "enable it again", Risk: risk})
	return nil
}

// quiet adds the wait for the end of the old key's use, where its issuer keeps a
// record of it.
func (b *builder) quiet() {
	if _, told := providers.As[providers.UsageReporter](b.issuer); !told {
		return
	}
	b.add(rotate.Step{
		ID: string(rotate.ActQuiet), Action: rotate.ActQuiet, Undo: "-", Risk: "waits; a user of the old key that was not found shows here",
		Title: fmt.Sprintf("wait until the old key is silent: no use on its issuer's record for %s", b.plan.Policy.QuietFor),
	})
}

// soak adds the time for which the old key stays disabled before it is deleted: as
// long as a use may stay unseen. An issuer without a record of use soaks for a day.
func (b *builder) soak() {
	if _, can := b.plan.Step("disable"); !can {
		return
	}
	_, told := providers.As[providers.UsageReporter](b.issuer)
	if !told && b.req.Policy == nil {
		b.plan.Policy.SoakFor = rotate.UsageBlind
	}
	d := b.plan.Policy.SoakFor
	if d <= 0 {
		return
	}
	why := "the issuer's record of use lags, so that who used the old key may have gone unseen"
	if !told {
		why = "the issuer keeps no record of use"
	}
	b.add(rotate.Step{
		ID: string(rotate.ActSoak), Action: rotate.ActSoak, Undo: "-", Risk: "waits; it can be enabled again until it is deleted",
		Title: fmt.Sprintf("leave the old key disabled for %s: %s", d, why),
	})
}

// waves are how many consumers change at once: the first alone, as the canary for
// the rest, then a few, then all others.
var waves = []int{1, 5}

// consumers adds store, deploy and attest steps, wave after wave. When production
// is down anyway, all are changed at once.
func (b *builder) consumers(ctx context.Context) error {
	chosen := b.choose()
	targets := map[string]providers.Target{}
	for _, p := range chosen {
		for _, t := range p.Targets {
			targets[t.Provider+"/"+t.ID] = t
		}
	}
	order := slices.Sorted(maps.Keys(targets))
	ends := waveEnds(len(order), b.plan.Strategy == rotate.ContainFirst || b.replaces())
	for i, id := range order {
		if i == 0 || slices.Contains(ends, i) {
			b.stage++
		}
		if err := b.consumer(ctx, chosen, targets[id], i == 0 && ends[0] == 1); err != nil {
			return err
		}
	}
	b.stage++
	for _, p := range chosen { // values that no deploy picks up
		if b.stored[p.ID()] {
			continue
		}
		if err := b.store(ctx, p); err != nil {
			return err
		}
	}
	if len(chosen) == 0 {
		b.plan.Risks = append(b.plan.Risks, "no consumer of this key was found: whoever uses it elsewhere breaks when it is disabled")
	}
	return nil
}

// waveEnds returns after how many of n consumers a wave ends.
func waveEnds(n int, atOnce bool) []int {
	var ends []int
	at := 0
	for _, size := range waves {
		if at+size < n && !atOnce {
			at += size
			ends = append(ends, at)
		}
	}
	return append(ends, n)
}

// consumer adds the steps of one target. A value that feeds several is stored
// with the first.
func (b *builder) consumer(ctx context.Context, chosen []providers.Placement, t providers.Target, alone bool) error {
	for _, p := range chosen {
		if !rotate.Feeds(p, t) || b.stored[p.ID()] {
			continue
		}
		if err := b.store(ctx, p); err != nil {
			return err
		}
	}
	return b.deploy(ctx, chosen, t, alone)
}

// choose takes the placements that hold the key for certain. A write-only value
// whose name fits is taken only when another part of the same key stands beside
// it, or a person said that names are enough; otherwise it may belong to a different
// key, and a person must look.
func (b *builder) choose() []providers.Placement {
	beside := map[string]bool{}
	site := func(p providers.Placement) string {
		return strings.Join([]string{p.Provider, p.Account, p.Level, p.Resource, p.Context, p.ContextParam}, "\x00")
	}
	for _, p := range b.req.Located.Placements {
		if p.Match != providers.MatchByName {
			beside[site(p)] = true
		}
	}
	var out []providers.Placement
	for _, p := range b.req.Located.Placements {
		unsure := p.Match == providers.MatchByName && !beside[site(p)]
		if unsure && !b.req.ByName {
			b.plan.Risks = append(b.plan.Risks, fmt.Sprintf(
				"%s %s: %s cannot be read and may hold this key; it is not changed: check it by hand, or plan with --by-name", p.Provider, p.ResourceName, p.Key))
			continue
		}
		if unsure {
			b.plan.Risks = append(b.plan.Risks, fmt.Sprintf(
				"%s %s: %s is changed for its name alone: nothing shows that it held this key", p.Provider, p.ResourceName, p.Key))
		}
		if p.Match == providers.MatchRecorded {
			b.plan.Risks = append(b.plan.Risks, fmt.Sprintf(
				"%s %s: %s cannot be read; an earlier run stored this key there, and it is changed: somebody may have written there since", p.Provider, p.ResourceName, p.Key))
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, c providers.Placement) int { return cmp.Compare(a.ID(), c.ID()) })
	return out
}

func (b *builder) store(ctx context.Context, p providers.Placement) error {
	sink, err := providers.SinkOf(b.planner.Registry, p.Provider)
	if err != nil {
		return err
	}
	s := rotate.Step{
		ID: "store:" + p.ID(), Action: rotate.ActStore, Placement: &p, Undo: "store the old value again",
		Title: fmt.Sprintf("store in %s %s: %s", p.Provider, p.ResourceName, describeKey(p)),
		Risk:  "takes effect with the next deploy",
	}
	current, err := sink.Read(ctx, p)
	switch {
	case err == nil:
		s.PreImage = b.planner.Key.HMAC(current)
	case errors.Is(err, providers.ErrUnreadable):
		s.Risk = "write-only: cannot be read back"
	default:
		return fmt.Errorf("plan: read %s of %s: %w", p.Key, p.ResourceName, err)
	}
	b.stored[p.ID()] = true
	for _, note := range p.Notes {
		if risk := fmt.Sprintf("%s %s: %s: %s", p.Provider, p.ResourceName, p.Key, note); !slices.Contains(b.plan.Risks, risk) {
			b.plan.Risks = append(b.plan.Risks, risk)
		}
	}
	b.join(s)
	return nil
}

func describeKey(p providers.Placement) string {
	s := p.Key
	if p.Context != "" {
		s += " (" + strings.TrimSuffix(p.Context+" "+p.ContextParam, " ") + ")"
	}
	if p.Match == providers.MatchInside {
		s += ", inside a larger value"
	}
	return s
}

func (b *builder) deploy(ctx context.Context, chosen []providers.Placement, t providers.Target, alone bool) error {
	if t.Suspended {
		b.plan.Risks = append(b.plan.Risks, t.Provider+" "+t.Name+" is suspended: it gets the value, no deploy and no attestation")
		return nil
	}
	d, err := providers.DeployerOf(b.planner.Registry, t.Provider)
	if err != nil {
		return err
	}
	latest, err := d.Latest(ctx, t)
	if err != nil {
		return fmt.Errorf("plan: look at the deploys of %s: %w", t.Name, err)
	}
	b.join(rotate.Step{
		ID: rotate.Of(rotate.ActDeploy, t), Action: rotate.ActDeploy, Target: &t, PreImage: latest.Newest.ID,
		Title: "deploy " + t.Provider + " " + t.Name, Undo: "deploy with the old value",
		Risk: "ships the newest commit of its branch too",
	})
	echo := b.echo(ctx, chosen, t)
	check := b.check(t)
	doctor, _ := declared(b.req.Declared, t)
	required, note := b.reachable(t, alone, echo != nil, check)
	if doctor != nil {
		note += "; doctor looks at it, and what it finds wrong keeps the old key alive"
	}
	b.join(rotate.Step{
		ID: rotate.Of(rotate.ActAttest, t), Action: rotate.ActAttest, Target: &t, Required: required, Echo: echo, Check: check, Doctor: doctor, Undo: "-",
		Title: fmt.Sprintf("attest that %s %s works with the new key (at least L%d)", t.Provider, t.Name, required),
		Risk:  note,
	})
	return nil
}

// reachable says which level this consumer can show. Only the use of the new key
// by a first consumer that is changed alone can be told apart at the issuer: later
// uses may be its.
func (b *builder) reachable(t providers.Target, alone, echoes bool, check *rotate.Check) (rotate.Level, string) {
	_, usage := providers.As[providers.UsageReporter](b.issuer)
	best, note := rotate.L1, "no health URL: a live deploy is all that can be seen"
	switch {
	case echoes:
		best, note = rotate.L3, "its echo endpoint must show that it holds the new key"
	case check != nil && check.Preview != "":
		best, note = rotate.L3, told(*check)+" must pass, and fail at "+check.Preview+", which runs with a wrong key"
	case check != nil:
		best, note = rotate.L2, told(*check)+" must pass; without a preview that has a wrong key nothing shows that it needs the key"
	case t.HealthURL != "":
		best, note = rotate.L2, "health answers; that it needs the key is not shown"
	case usage && alone && b.plan.OntoCase == "": // the other leaked key is in use already
		best, note = rotate.L4, "waits for the issuer to see the new key used, which may lag by hours"
	}
	if best < b.plan.MinLevel {
		b.plan.Risks = append(b.plan.Risks, fmt.Sprintf(
			"%s %s can be attested to L%d only (wanted: L%d); approving this plan accepts that", t.Provider, t.Name, best, b.plan.MinLevel))
		return best, note
	}
	return b.plan.MinLevel, note
}
