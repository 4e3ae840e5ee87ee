package archive

import (
	"context"
	"errors"
	"testing"
)

// faulty is a context whose use is a fault, as a stand-in for a library that panics
// on what it reads.
type faulty struct{ context.Context }

func (faulty) Err() error { panic("index out of range") }

// TestReaderThatPanics loses its archive and no more.
func TestReaderThatPanics(t *testing.T) {
	t.Parallel()
	w := &walker{ctx: faulty{t.Context()}, limits: DefaultLimits(DefaultDepth, DefaultEntry), skip: func(Skip) {}}
	o := &opening{walker: w, budget: &budget{left: noLimit}}
	if err := o.open(Bzip2, []byte("BZh91AY&SY")); !errors.Is(err, errDamaged) {
		t.Errorf("%v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("the visitor's own fault was taken for the archive's")
		}
	}()
	w.ctx, w.visit = t.Context(), func(string, []byte) error { panic("mine") }
	_ = o.open(Notebook, []byte(`{"nbformat":4}`))
}
