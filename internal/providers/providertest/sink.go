package providertest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// locate finds the placements, which must all be there.
func (w *World) locate(t *testing.T) []providers.Placement {
	t.Helper()
	got, err := ability[providers.Sink](t, w.Provider).Locate(t.Context(), w.Sink.Wanted)
	if err != nil {
		t.Fatalf("locate: %v", err)
	}
	return got.Placements
}

// readable returns a placement whose value can be read back, and which is
// deployed where the sink deploys.
func (w *World) readable(t *testing.T) providers.Placement {
	t.Helper()
	_, deploys := providers.As[providers.Deployer](w.Provider)
	list := w.locate(t)
	i := slices.IndexFunc(list, func(p providers.Placement) bool { return !p.WriteOnly && (len(p.Targets) > 0 || !deploys) })
	if i < 0 {
		t.Fatal("the twin holds no placement that can be read and, if the sink deploys, is deployed")
	}
	return list[i]
}

// stored is what the calls of the suite store.
const stored = "a-new-value"

func (w *World) sinkCalls(t *testing.T) []call {
	t.Helper()
	side, sink := w.Sink, ability[providers.Sink](t, w.Provider)
	place := w.readable(t)
	out := []call{
		{name: "Read", op: side.ReadOp, do: func(ctx context.Context) error {
			_, err := sink.Read(ctx, place)
			return err
		}},
		{name: "Store", op: side.StoreOp, write: true, do: func(ctx context.Context) error { return sink.Store(ctx, place, secret.New(stored)) }},
		{name: "Locate", op: side.LocateOps[0], do: func(ctx context.Context) error {
			_, err := sink.Locate(ctx, side.Wanted)
			return err
		}},
	}
	d, ok := providers.As[providers.Deployer](w.Provider)
	if !ok {
		return out
	}
	target := place.Targets[0]
	first, err := d.Latest(t.Context(), target)
	if err != nil || first.Newest.ID == "" {
		t.Fatalf("the twin has no deploy of %s: %v", target.Name, err)
	}
	return append(out,
		call{name: "Start", op: side.StartOp, write: true, once: true, do: func(ctx context.Context) error {
			_, err := d.Start(ctx, target)
			return err
		}},
		call{name: "Status", op: side.StatusOp, do: func(ctx context.Context) error {
			_, err := d.Status(ctx, target, first.Newest.ID)
			return err
		}})
}

func (s Suite) sink(t *testing.T) {
	tests := map[string]func(*testing.T, *World){"locate": locate, "read": read, "store": store}
	if _, ok := providers.As[providers.Deployer](s.Open(t).Provider); ok {
		tests["deploy"], tests["failing deploy"], tests["lost start"] = deploy, failingDeploy, lostStart
	}
	if _, ok := providers.As[providers.DeployTimer](s.Open(t).Provider); ok {
		tests["deploy times"] = deployTimes
	}
	for name, do := range tests {
		t.Run(name, func(t *testing.T) { t.Parallel(); do(t, s.Open(t)) })
	}
	w := s.Open(t)
	for _, op := range w.Sink.LocateOps {
		for _, status := range []int{401, 403, 404, 500} {
			t.Run("never silently incomplete/"+op, func(t *testing.T) { t.Parallel(); incomplete(t, s.Open(t), op, status) })
		}
	}
}

func locate(t *testing.T, w *World) {
	got, err := ability[providers.Sink](t, w.Provider).Locate(t.Context(), w.Sink.Wanted)
	w.check(t, "Locate", err)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range got.Placements {
		ids = append(ids, p.ID())
		w.hidden(t, "placement "+p.Key, p.ID()+p.ResourceName+p.AccountName)
		if p.Provider != w.Provider.Describe().Name || p.Resource == "" && p.Account == "" || p.Key == "" || p.Part == "" || p.Match == "" {
			t.Errorf("placement %+v", p)
		}
		if p.WriteOnly != (p.Match == providers.MatchByName) {
			t.Errorf("%s: what cannot be read is matched by its name, and only that: %+v", p.Key, p)
		}
		for _, target := range p.Targets {
			if target.Provider != p.Provider || target.ID == "" || target.Name == "" {
				t.Errorf("target %+v", target)
			}
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids) // two parts in one value are one place
	if want := slices.Sorted(slices.Values(w.Sink.Places)); !slices.Equal(ids, want) {
		t.Errorf("found\n%q\nwant\n%q", ids, want)
	}
	if got.Searched == 0 {
		t.Error("it does not say how much was compared")
	}
	again := w.locate(t)
	if len(again) != len(got.Placements) || again[0].ID() != got.Placements[0].ID() {
		t.Error("the same search finds something else")
	}
}

// incomplete refuses one of the reads that a search consists of: that must show.
func incomplete(t *testing.T, w *World, op string, status int) {
	w.Lab.Fault(w.Twin, op, lab.Fault{Status: status, Times: always})
	got, err := ability[providers.Sink](t, w.Provider).Locate(t.Context(), w.Sink.Wanted)
	w.check(t, "Locate", err)
	if err == nil && len(got.Gaps) == 0 {
		t.Errorf("%d for %s, and the search calls itself complete", status, op)
	}
	if status == 403 && slices.Contains(w.Sink.GapOps, op) && err != nil {
		t.Errorf("a missing right for %s ended the search: %v", op, err)
	}
	for _, g := range got.Gaps {
		if g.What == "" || g.Why == "" {
			t.Errorf("gap %+v", g)
		}
		w.hidden(t, "gap", g.What+g.Why)
	}
}

func read(t *testing.T, w *World) {
	sink := ability[providers.Sink](t, w.Provider)
	for _, p := range w.locate(t) {
		v, err := sink.Read(t.Context(), p)
		w.check(t, "Read", err)
		switch {
		case p.WriteOnly:
			if !errors.Is(err, providers.ErrUnreadable) || !v.Empty() {
				t.Errorf("%s is write-only: %v", p.ID(), err)
			}
		case err != nil || v.Reveal() != w.Sink.Value(p):
			t.Errorf("%s: %v", p.ID(), err)
		}
	}
	gone := w.readable(t)
	gone.Key += "_GONE"
	if _, err := sink.Read(t.Context(), gone); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("a variable that is not there: %v", err)
	}
}

// store writes every placement and looks at all that is stored: one value of one
// variable has changed, and nothing else.
func store(t *testing.T, w *World) {
	sink := ability[providers.Sink](t, w.Provider)
	for _, p := range w.locate(t) {
		fresh := lab.MadeUp("new-", 30)
		w.Secrets = append(w.Secrets, fresh)
		before := w.Sink.Everything()
		for range 2 { // may be repeated
			err := sink.Store(t.Context(), p, secret.New(fresh))
			w.check(t, "Store", err)
			if err != nil {
				t.Fatalf("store %s: %v", p.ID(), err)
			}
		}
		if w.Sink.Value(p) != fresh {
			t.Errorf("%s does not hold the new value", p.ID())
		}
		after := w.Sink.Everything()
		if len(after) != len(before) {
			t.Errorf("%s: %d values before, %d after", p.ID(), len(before), len(after))
		}
		changed := 0
		for place := range maps.Keys(after) {
			if after[place] != before[place] {
				changed++
			}
		}
		if changed != 1 {
			t.Errorf("storing %s changed %d values", p.ID(), changed)
		}
	}
}

// live waits until a deploy has ended.
func (w *World) live(t *testing.T, target providers.Target, id string) providers.Deploy {
	t.Helper()
	d := ability[providers.Deployer](t, w.Provider)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		got, err := d.Status(t.Context(), target, id)
		w.check(t, "Status", err)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != id || got.State == "" {
			t.Fatalf("deploy %+v, asked for %s", got, id)
		}
		if got.Phase != providers.PhaseRunning {
			return got
		}
	}
	t.Fatalf("deploy %s does not end", id)
	return providers.Deploy{}
}

func deploy(t *testing.T, w *World) {
	d, target := ability[providers.Deployer](t, w.Provider), w.readable(t).Targets[0]
	before, err := d.Latest(t.Context(), target)
	if err != nil || before.LiveID == "" {
		t.Fatalf("latest: %+v, %v", before, err)
	}
	started, err := d.Start(t.Context(), target)
	w.check(t, "Start", err)
	if err != nil || started.ID == "" || started.ID == before.Newest.ID {
		t.Fatalf("start: %+v, %v", started, err)
	}
	if got := w.live(t, target, started.ID); got.Phase != providers.PhaseLive {
		t.Errorf("deploy %+v", got)
	}
	after, err := d.Latest(t.Context(), target)
	if err != nil || after.LiveID != started.ID || after.Newest.ID != started.ID || after.Newest.Created.Before(before.Newest.Created) {
		t.Errorf("latest: %+v, %v", after, err)
	}
	if old := w.live(t, target, before.LiveID); old.Phase != providers.PhaseReplaced {
		t.Errorf("the deploy before is %+v", old)
	}
	if _, err := d.Status(t.Context(), target, "no-such-deploy"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("a deploy that does not exist: %v", err)
	}
}

func failingDeploy(t *testing.T, w *World) {
	d, target := ability[providers.Deployer](t, w.Provider), w.readable(t).Targets[0]
	before, err := d.Latest(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	w.Sink.FailDeploys()
	started, err := d.Start(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.live(t, target, started.ID); got.Phase != providers.PhaseFailed {
		t.Errorf("deploy %+v", got)
	}
	after, err := d.Latest(t.Context(), target)
	if err != nil || after.LiveID != before.LiveID || after.Newest.ID != started.ID {
		t.Errorf("latest: %+v, %v", after, err)
	}
}

// lostStart loses the answer of a start: the deploy is found by being newer.
func lostStart(t *testing.T, w *World) {
	d, target := ability[providers.Deployer](t, w.Provider), w.readable(t).Targets[0]
	for _, f := range []struct {
		f     lab.Fault
		newer bool
	}{{lab.Fault{DropBefore: true}, false}, {lab.Fault{DropAfter: true}, true}} {
		before, err := d.Latest(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		w.Lab.Fault(w.Twin, w.Sink.StartOp, f.f)
		if _, err := d.Start(t.Context(), target); !errors.Is(err, providers.ErrAmbiguous) {
			t.Fatalf("start: %v", err)
		}
		after, err := d.Latest(t.Context(), target)
		if err != nil || (after.Newest.ID != before.Newest.ID) != f.newer {
			t.Errorf("newer deploy wanted: %v; before %+v, after %+v, %v", f.newer, before, after, err)
		}
	}
}

// deployTimes checks that past deploys are timed from their stamps, and that one
// which did not go live, or whose stamps tell another story, is left out.
func deployTimes(t *testing.T, w *World) {
	timer, target := ability[providers.DeployTimer](t, w.Provider), w.readable(t).Targets[0]
	w.Sink.PastDeploys(target.ID, 4*time.Minute, 90*time.Second, 30*24*time.Hour)
	w.Sink.FailDeploys()
	if _, err := ability[providers.Deployer](t, w.Provider).Start(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	got, err := timer.DeployTimes(t.Context(), target)
	w.check(t, "DeployTimes", err)
	slow := slices.DeleteFunc(slices.Clone(got), func(d time.Duration) bool { return d < time.Second })
	if err != nil || !slices.Equal(slow, []time.Duration{4 * time.Minute, 90 * time.Second}) {
		t.Errorf("times %v, %v", got, err)
	}
}
