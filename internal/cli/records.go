package cli

import (
	"context"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/triage"
)

// recall adds what earlier runs of this machine know of values that cannot be read back:
// where one of them stored the very value that leaked now, that place holds it, as long
// as nobody else wrote there.
func (w *workspace) recall(ctx context.Context, c triage.Case) ([]providers.Placement, error) {
	wrote, err := runs.WroteLast(ctx, w.journal)
	if err != nil || len(wrote) == 0 {
		return c.Placements, err
	}
	key, parts := w.journal.HashKey(), map[string]credential.Part{}
	for _, p := range c.Credential.PartNames() {
		parts[key.HMAC(c.Credential.Part(p))] = p
	}
	var out []providers.Placement
	for _, p := range c.Placements {
		if last, ok := wrote[p.ID()]; ok && p.Match == providers.MatchByName && parts[last] == p.Part {
			p.Match = providers.MatchRecorded
		}
		out = append(out, p)
	}
	return out, nil
}
