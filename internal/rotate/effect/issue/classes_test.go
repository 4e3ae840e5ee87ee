package issue_test

import (
	"context"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// inPlace is an issuer that has one key of its own name beside the old value and
// changes it in place: a second request replaces what the first one made. The rest is
// the twin's. mine tells the twin's key that stands for the value in place.
type inPlace struct {
	providers.Provider
	lab  *lab.Lab
	user string
	old  string
}

func (p inPlace) Unwrap() providers.Provider { return p.Provider }

func (p inPlace) mine() []string {
	var ids []string
	for _, k := range p.lab.AWS.Keys(p.user) {
		if k.ID != p.old {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

func (p inPlace) Inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	in, _ := providers.As[providers.Inspector](p.Provider)
	s, err := in.Inspect(ctx, c)
	s.Siblings = nil // one key, whatever values it had
	return s, err
}

func (p inPlace) Issue(ctx context.Context, r providers.IssueRequest) (providers.Issued, error) {
	for _, id := range p.mine() {
		p.lab.AWS.RemoveKey(id) // the value before ends
	}
	is, _ := providers.As[providers.Issuer](p.Provider)
	return is.Issue(ctx, r)
}

func (p inPlace) Reconcile(context.Context, providers.IssueRequest) (providers.Reconciliation, error) {
	if len(p.mine()) == 0 {
		return providers.Reconciliation{Outcome: providers.NotApplied, Detail: "the value is as before"}, nil
	}
	return providers.Reconciliation{Outcome: providers.Superseded, Detail: "the value was changed"}, nil
}

// A lost answer of an issuer that changes a key in place (class C3, and C4 where the
// old value ends with it): it is issued again while the old value works, nothing is
// deleted for it, and one value is left.
func TestLostAnswerOfAKeyChangedInPlace(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]lab.Fault{
		"before the effect": {DropBefore: true}, "after the effect": {DropAfter: true}, "twice after it": {DropAfter: true, Times: 2}, "cut off": {Cut: true, Keep: 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			var list []providers.Provider
			for _, p := range w.Reg.All() {
				if p.Describe().Name == "aws" {
					p = inPlace{p, w.Lab, w.Estate.User, w.Estate.LeakedID}
				}
				list = append(list, p)
			}
			w.Reg = providers.NewRegistry(list...)
			w.Lab.Fault("aws", "CreateAccessKey", f)
			p, err := w.Start(rotatetest.Fast)
			if err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
			if n := w.Count("DeleteAccessKey"); n != 1 {
				t.Errorf("%d deletions, want that of the old key", n)
			}
		})
	}
}

// Answers that are lost without end are not asked for without end: a person looks,
// and the old value works.
func TestLostWithoutEndInPlace(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	var list []providers.Provider
	for _, p := range w.Reg.All() {
		if p.Describe().Name == "aws" {
			p = inPlace{p, w.Lab, w.Estate.User, w.Estate.LeakedID}
		}
		list = append(list, p)
	}
	w.Reg = providers.NewRegistry(list...)
	w.Lab.Fault("aws", "CreateAccessKey", lab.Fault{DropAfter: true, Times: 99})
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err)
	if n := w.Count("CreateAccessKey"); n > 5 {
		t.Errorf("%d values were made", n)
	}
	w.Finish(p.ID)
}

// An issuer that deletes late (class C6) is proven over a window that fits into the
// time in which it must be, however often the count begins anew.
func TestLateDeathHasTimeToBeProven(t *testing.T) {
	t.Parallel()
	late := providers.Descriptor{Name: "late"}
	late.Proof.Refusals, late.Proof.Window = 20, 30*60*1e9
	if p := rotate.DefaultPolicy(late); p.ProofWithin < 2*p.ProofWindow {
		t.Errorf("window %s within %s", p.ProofWindow, p.ProofWithin)
	}
}
