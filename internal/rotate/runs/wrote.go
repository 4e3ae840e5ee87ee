package runs

import (
	"context"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
)

// WroteLast returns the keyed hashes of what runs of this machine wrote last at places that
// cannot be read back, by the places' ids. Only what a run wrote that came to its end is known to stand
// there; somebody else may have written since.
func WroteLast(ctx context.Context, j *journal.Journal) (map[string]string, error) {
	ids, err := j.Runs(ctx)
	if err != nil {
		return nil, err
	}
	out, seen := map[string]string{}, map[string]bool{}
	for _, id := range ids { // newest first
		s, err := Load(ctx, j, id)
		if err != nil {
			return nil, err
		}
		for _, st := range s.Plan().Steps {
			if st.Action != rotate.ActStore || !st.Placement.WriteOnly || !s.Touched(st.ID) || seen[st.Placement.ID()] {
				continue
			}
			seen[st.Placement.ID()] = true
			if hash := s.Of(st.ID).Hash; hash != "" && s.Status() == rotate.RunDone {
				out[st.Placement.ID()] = hash
			}
		}
	}
	return out, nil
}
