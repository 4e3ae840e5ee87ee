package planner

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
)

// assumedDeploy is how long a deploy is taken to last where the platform tells
// nothing of past ones.
const assumedDeploy = 5 * time.Minute

// recent is how many past deploys an estimate looks at: older ones were another
// build.
const recent = 5

// outage adds an estimate for every consumer that is deployed: how long a deploy
// takes, and how long it is down.
func (b *builder) outage(ctx context.Context) {
	stops := b.stopsBefore()
	var wait time.Duration // from the stop to the end of the deploys before
	var batch []time.Duration
	for _, s := range b.plan.Steps {
		if s.Action != rotate.ActDeploy {
			continue
		}
		took, basis, assumed := b.deployTime(ctx, *s.Target)
		batch = append(batch, took)
		p := b.plan.Policy
		o := rotate.Outage{Target: s.Target.Provider + "/" + s.Target.ID, Name: s.Target.Provider + " " + s.Target.Name, Deploy: minutes(took), Basis: basis, Assumed: assumed}
		if stops == "" {
			o.Note = "keeps running: old and new key work side by side until it is deployed and attested"
		} else {
			o.Down = minutes(time.Duration(p.ReadyNeeded)*p.ReadyEvery + wait + slices.Max(batch) + time.Duration(p.HealthNeeded)*p.HealthEvery)
			o.Open, o.Note = b.byHand(), stops
		}
		if len(batch) == rotate.AtOnce {
			wait += slices.Max(batch)
			batch = nil
		}
		b.plan.Outage = append(b.plan.Outage, o)
	}
}

// byHand reports whether the new key waits for a person.
func (b *builder) byHand() bool {
	s, ok := b.plan.Step("issue")
	return ok && s.Guide != nil
}

// stopsBefore says why a consumer is down before it has the new key; empty when it
// is not.
func (b *builder) stopsBefore() string {
	guide, byHand := providers.As[providers.Guide](b.issuer)
	switch {
	case b.plan.Strategy.StopsFirst():
		return "down from the moment the old key is stopped until it is deployed and attested on the new one"
	case !b.state.Key.Active:
		return "down already, as the old key is disabled, and until it is deployed and attested on the new one"
	case byHand && b.byHand() && guide.Guide(b.plan.Old).Cuts, !b.issuer.Describe().Overlap:
		return "down from the moment the new key is made, which ends the old one, until it is deployed and attested"
	}
	return b.issuer.Describe().Gap
}

// deployTime is the longest of the newest deploys, or an assumption that says so.
func (b *builder) deployTime(ctx context.Context, t providers.Target) (took time.Duration, basis string, assumed bool) {
	p, _ := b.planner.Registry.Get(t.Provider)
	timer, ok := providers.As[providers.DeployTimer](p)
	if !ok {
		return assumedDeploy, "ASSUMED: this platform tells no times of past deploys", true
	}
	times, err := timer.DeployTimes(ctx, t)
	times = times[:min(len(times), recent)]
	switch {
	case err != nil:
		return assumedDeploy, "ASSUMED: past deploys could not be looked at: " + err.Error(), true
	case len(times) == 0:
		return assumedDeploy, "ASSUMED: no past deploy is listed", true
	}
	return slices.Max(times), fmt.Sprintf("the longest of its last %d deploys", len(times)), false
}

// minutes rounds up to tenths: an estimate must not promise too much.
func minutes(d time.Duration) float64 { return math.Ceil(d.Minutes()*10) / 10 }
