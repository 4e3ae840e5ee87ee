package executor_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

// known is what every issuer of these tests can do by itself; the twin behind it is
// that of AWS.
type known struct {
	providers.Verifier
	providers.Inspector

	d providers.Descriptor
}

func (k known) Describe() providers.Descriptor { return k.d }

// Guide and Pasted make it one that a person helps.
func (k known) Guide(providers.KeyRef) providers.Guidance {
	return providers.Guidance{Link: "https://console.invalid/keys", Make: []string{"make a second key"}, Retire: []string{"delete the old key"}}
}

func (k known) Pasted(old providers.KeyRef, value secret.Text) (providers.Issued, error) {
	id, sec, ok := strings.Cut(value.Reveal(), " ")
	if !ok {
		return providers.Issued{}, &providers.Error{Provider: k.d.Name, Op: "take the new key", Class: providers.ErrRefused}
	}
	return providers.Issued{Ref: providers.KeyRef{Kind: old.Kind, ID: id, Owner: old.Owner}, Credential: credential.Credential{
		Kind: old.Kind, ID: id, Parts: map[credential.Part]secret.Text{credential.PartID: secret.New(id), credential.PartSecret: secret.New(sec)},
	}}, nil
}

type ( // what only one half of them can do
	revokes struct {
		known
		providers.Disabler
		providers.Deleter
	}
	issues struct {
		known
		providers.Issuer
	}
)

// halve puts an issuer into the world that can do only one half by itself.
func halve(t *testing.T, w *rotatetest.World, wrap func(known, providers.Provider) providers.Provider) {
	t.Helper()
	var list []providers.Provider
	for _, p := range w.Reg.All() {
		if p.Describe().Name == "aws" {
			v, _ := providers.As[providers.Verifier](p)
			in, _ := providers.As[providers.Inspector](p)
			p = wrap(known{v, in, p.Describe()}, p)
		}
		list = append(list, p)
	}
	w.Reg = providers.NewRegistry(list...)
}

// who returns which of the steps a person did.
func who(t *testing.T, s rotate.Snapshot) string {
	t.Helper()
	var out []string
	for _, st := range s.Steps {
		if st.By != "tester" {
			t.Errorf("%s was done by %q", st.ID, st.By)
		}
		if st.ByHand {
			out = append(out, st.ID)
		}
	}
	return strings.Join(out, " ")
}

// The issuer can stop a key and makes none: a person hands the new one in, and the rest
// goes by itself to the proof.
func TestMadeByHandAndDeletedByACall(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	halve(t, w, func(k known, p providers.Provider) providers.Provider {
		dis, _ := providers.As[providers.Disabler](p)
		del, _ := providers.As[providers.Deleter](p)
		return revokes{k, dis, del}
	})
	p, err := w.Start(rotatetest.Fast)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	for _, id := range []string{"disable", "delete"} {
		if st, ok := p.Step(id); !ok || st.Guide != nil {
			t.Errorf("%s is asked of a person: %+v", id, st)
		}
	}
	id, sec := w.Lab.AWS.CreateKey(w.Estate.User) // the person, in the console
	if err := w.Supply(p.ID, id+" "+sec); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	if by := who(t, w.Snapshot(p.ID)); by != "issue" {
		t.Errorf("by hand: %q", by)
	}
	if w.Count("CreateAccessKey") != 0 || w.Count("DeleteAccessKey") != 1 {
		t.Errorf("%d keys were made and %d deleted by calls", w.Count("CreateAccessKey"), w.Count("DeleteAccessKey"))
	}
}

// The issuer makes keys and cannot take one away: a person does that at the end, and it
// counts only when the key is refused.
func TestMadeByACallAndRemovedByHand(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	halve(t, w, func(k known, p providers.Provider) providers.Provider {
		is, _ := providers.As[providers.Issuer](p)
		return issues{k, is}
	})
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err, "waits for you", "https://console.invalid/keys", "delete the old key")
	w.AssertNeverDown()
	if st, _ := p.Step("issue"); st.Guide != nil {
		t.Error("the new key is asked of a person")
	}
	if err := w.Supply(p.ID, "AK SK"); err == nil {
		t.Error("a key was taken that nobody asked for")
	}
	w.AssertHeld(p.ID, w.Resume(p.ID), "delete the old key") // it works still
	w.Lab.AWS.RemoveKey(w.Estate.LeakedID)                   // the person
	w.Finish(p.ID)
	if by := who(t, w.Snapshot(p.ID)); by != "delete" {
		t.Errorf("by hand: %q", by)
	}
	if w.Count("CreateAccessKey") != 1 || w.Count("DeleteAccessKey") != 0 {
		t.Errorf("%d keys were made and %d deleted by calls", w.Count("CreateAccessKey"), w.Count("DeleteAccessKey"))
	}
}
