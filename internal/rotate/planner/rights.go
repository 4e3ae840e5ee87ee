package planner

import (
	"context"
	"fmt"
	"slices"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
)

// ask is what a step would do, and of whom; false for one that changes nothing at
// a service, or that a person carries out.
func (b *builder) ask(s rotate.Step) (provider string, ask providers.Ask, ok bool) {
	acts := map[rotate.Action]providers.Act{
		rotate.ActIssue: providers.DoIssue, rotate.ActDisable: providers.DoDisable, rotate.ActDelete: providers.DoDelete,
		rotate.ActStore: providers.DoStore, rotate.ActDeploy: providers.DoDeploy,
	}
	act, changes := acts[s.Action]
	ask = providers.Ask{Act: act, Placement: s.Placement, Target: s.Target}
	switch {
	case !changes || s.Guide != nil, s.Action == rotate.ActIssue && b.plan.OntoCase != "":
		return "", ask, false
	case s.Placement != nil:
		return s.Placement.Provider, ask, true
	case s.Target != nil:
		return s.Target.Provider, ask, true
	}
	ask.Key = b.plan.Old
	return b.plan.Issuer, ask, true
}

// rights asks, without changing anything, whether our own access may do each step.
// Containment is not kept waiting for it.
func (b *builder) rights(ctx context.Context) {
	asks := map[string][]providers.Ask{}
	steps := map[string][]int{}
	for i, s := range b.plan.Steps {
		if name, ask, ok := b.ask(s); ok {
			asks[name], steps[name] = append(asks[name], ask), append(steps[name], i)
		}
	}
	for name, list := range asks {
		for i, r := range b.answers(ctx, name, list) {
			b.plan.Steps[steps[name][i]].Right = &r
		}
	}
	for _, s := range b.plan.Missing() {
		b.plan.Risks = append(b.plan.Risks, fmt.Sprintf("OUR ACCESS MAY NOT DO STEP %d, %s: %s", s.N, s.Title, s.Right.Why))
	}
	words := map[providers.May]string{providers.MayYes: "ok", providers.MayNo: "missing"}
	for _, s := range b.plan.Steps {
		if s.Right == nil || words[s.Right.May] == "" {
			continue
		}
		if i := slices.IndexFunc(b.plan.Needs, func(n rotate.Need) bool { return n.Permission == s.Right.Permission }); i >= 0 {
			b.plan.Needs[i].Status = words[s.Right.May]
		}
	}
}

// answers asks one provider.
func (b *builder) answers(ctx context.Context, name string, asks []providers.Ask) []providers.Right {
	if b.plan.Strategy == rotate.ContainOnly {
		return providers.Untold(asks, "not asked: containment does not wait for it")
	}
	p, _ := b.planner.Registry.Get(name)
	teller, ok := providers.As[providers.RightsTeller](p)
	if !ok {
		return providers.Untold(asks, "this service does not tell; only the attempt shows it")
	}
	out := teller.Rights(ctx, asks)
	if len(out) != len(asks) {
		return providers.Untold(asks, "not told: as many answers as asks were expected; please report this mistake")
	}
	return out
}
