package rotate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
)

// builder turns what is known about a key into steps.
type builder struct {
	planner *Planner
	req     Request
	state   providers.KeyState
	issuer  providers.Provider
	plan    Plan
	stored  map[string]bool
}

func (b *builder) steps(ctx context.Context) error {
	b.stored = map[string]bool{}
	if b.plan.Strategy == ContainFirst {
		if err := b.disable("every consumer that is not yet on the new key fails from here on"); err != nil {
			return err
		}
	}
	owner := b.plan.Old.Owner
	b.add(Step{ID: "issue", Action: ActIssue, Title: "issue a second key for " + owner, Undo: "delete the new key", Risk: "none"})
	b.add(Step{ID: "validate", Action: ActValidate, Title: "check that the new key works and is the same account", Undo: "-", Risk: "waits"})
	if err := b.consumers(ctx); err != nil {
		return err
	}
	if b.plan.Strategy != ContainFirst {
		if err := b.disable("users of the old key that were not found break here"); err != nil {
			return err
		}
	}
	if _, ok := providers.As[providers.Deleter](b.issuer); !ok {
		return fmt.Errorf("plan the deletion: %s: %w", b.plan.Issuer, providers.ErrUnsupported)
	}
	b.add(Step{ID: "delete", Action: ActDelete, Title: "delete the old key", Undo: UndoNone, Risk: "cannot be undone"})
	p := b.plan.Policy
	b.add(Step{
		ID: "prove", Action: ActProve, Undo: "-", Risk: "waits",
		Title: fmt.Sprintf("prove the old key dead: %d refusals over %s, with a control request", p.ProofRefusals, p.ProofWindow),
	})
	return nil
}

func (b *builder) add(s Step) {
	s.N = len(b.plan.Steps) + 1
	b.plan.Steps = append(b.plan.Steps, s)
}

func (b *builder) disable(risk string) error {
	if _, ok := providers.As[providers.Disabler](b.issuer); !ok {
		if b.plan.Strategy == ContainFirst {
			return fmt.Errorf("plan containment: %s cannot disable a key: %w", b.plan.Issuer, providers.ErrUnsupported)
		}
		b.plan.Risks = append(b.plan.Risks, "this issuer cannot disable a key: it is deleted at once")
		return nil
	}
	b.add(Step{ID: "disable", Action: ActDisable, Title: "disable the old key, watch the consumers", Undo: "enable it again", Risk: risk})
	return nil
}

// consumers adds store, deploy and attest steps, one target after the other, so
// that the first one is the canary for the rest.
func (b *builder) consumers(ctx context.Context) error {
	chosen := b.choose()
	targets := map[string]providers.Target{}
	for _, p := range chosen {
		for _, t := range p.Targets {
			targets[t.Provider+"/"+t.ID] = t
		}
	}
	for i, id := range slices.Sorted(maps.Keys(targets)) {
		t := targets[id]
		for _, p := range chosen {
			if !feeds(p, t) || b.stored[p.ID()] {
				continue
			}
			if err := b.store(ctx, p); err != nil {
				return err
			}
		}
		if err := b.deploy(ctx, id, t, i == 0); err != nil {
			return err
		}
	}
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

func feeds(p providers.Placement, t providers.Target) bool {
	return slices.ContainsFunc(p.Targets, func(o providers.Target) bool { return o.Provider == t.Provider && o.ID == t.ID })
}

// choose takes the placements that hold the key for certain. A write-only value
// whose name fits is taken only when another part of the same key stands beside
// it; otherwise it may belong to a different key, and a person must look.
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
		if p.Match == providers.MatchByName && !beside[site(p)] {
			b.plan.Risks = append(b.plan.Risks, fmt.Sprintf(
				"%s %s: %s cannot be read and may hold this key; it is not changed: check it by hand", p.Provider, p.ResourceName, p.Key))
			continue
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, c providers.Placement) int { return cmp.Compare(a.ID(), c.ID()) })
	return out
}

func (b *builder) store(ctx context.Context, p providers.Placement) error {
	sink, err := sinkOf(b.planner.Registry, p.Provider)
	if err != nil {
		return err
	}
	s := Step{
		ID: "store:" + p.ID(), Action: ActStore, Placement: &p, Undo: "store the old value again",
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
	b.add(s)
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

func (b *builder) deploy(ctx context.Context, id string, t providers.Target, first bool) error {
	if t.Suspended {
		b.plan.Risks = append(b.plan.Risks, t.Provider+" "+t.Name+" is suspended: it gets the value, no deploy and no attestation")
		return nil
	}
	d, err := deployerOf(b.planner.Registry, t.Provider)
	if err != nil {
		return err
	}
	latest, err := d.Latest(ctx, t)
	if err != nil {
		return fmt.Errorf("plan: look at the deploys of %s: %w", t.Name, err)
	}
	b.add(Step{
		ID: "deploy:" + id, Action: ActDeploy, Target: &t, PreImage: latest.Newest.ID,
		Title: "deploy " + t.Provider + " " + t.Name, Undo: "deploy with the old value",
		Risk: "ships the newest commit of its branch too",
	})
	required, note := b.reachable(t, first)
	b.add(Step{
		ID: "attest:" + id, Action: ActAttest, Target: &t, Required: required, Undo: "-",
		Title: fmt.Sprintf("attest that %s %s works with the new key (at least L%d)", t.Provider, t.Name, required),
		Risk:  note,
	})
	return nil
}

// reachable says which level this consumer can show. Only the first consumer's
// use of the new key can be told apart at the issuer: later uses may be its.
func (b *builder) reachable(t providers.Target, first bool) (Level, string) {
	_, usage := providers.As[providers.UsageReporter](b.issuer)
	best, note := L1, "no health URL: a live deploy is all that can be seen"
	switch {
	case t.HealthURL != "":
		best, note = L2, "health answers; that it needs the key is not shown"
	case usage && first:
		best, note = L4, "waits for the issuer to see the new key used, which may lag by hours"
	}
	if best < b.plan.MinLevel {
		b.plan.Risks = append(b.plan.Risks, fmt.Sprintf(
			"%s %s can be attested to L%d only (wanted: L%d); approving this plan accepts that", t.Provider, t.Name, best, b.plan.MinLevel))
		return best, note
	}
	return b.plan.MinLevel, note
}

func sinkOf(r providers.Registry, name string) (providers.Sink, error) {
	p, ok := r.Get(name)
	if !ok {
		return nil, fmt.Errorf("provider %s is not configured: %w", name, providers.ErrUnsupported)
	}
	s, ok := providers.As[providers.Sink](p)
	if !ok {
		return nil, fmt.Errorf("provider %s stores no values: %w", name, providers.ErrUnsupported)
	}
	return s, nil
}

func deployerOf(r providers.Registry, name string) (providers.Deployer, error) {
	p, ok := r.Get(name)
	if !ok {
		return nil, fmt.Errorf("provider %s is not configured: %w", name, providers.ErrUnsupported)
	}
	d, ok := providers.As[providers.Deployer](p)
	if !ok {
		return nil, fmt.Errorf("provider %s cannot deploy: %w", name, providers.ErrUnsupported)
	}
	return d, nil
}
