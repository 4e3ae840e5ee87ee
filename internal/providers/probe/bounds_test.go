package probe_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/secret"
)

// A service that asks to be left alone is left alone, by other keys too.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(nil)
	w.lab.Fault("services", "openai", lab.Fault{Status: 429, RetryAfter: "7", Times: 99})
	_, err := c.Verify(t.Context(), of("openai").key)
	if !errors.Is(err, providers.ErrRateLimited) || len(w.lab.Requests()) != probe.Tries {
		t.Fatalf("%v after %d requests", err, len(w.lab.Requests()))
	}
	for _, d := range w.waits {
		if d < 7*time.Second {
			t.Errorf("waited %s, the service asked for 7 s", d)
		}
	}
	w.lab.Calm()
	if _, err := c.Verify(t.Context(), of("openai admin").key); !errors.Is(err, providers.ErrRateLimited) || len(w.lab.Requests()) != probe.Tries {
		t.Errorf("asked again at once: %v", err)
	}
	w.now.Store(120)
	if v, err := c.Verify(t.Context(), of("openai").key); err != nil || v.Liveness != providers.Dead {
		t.Errorf("after the wait: %+v, %v", v, err)
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(nil)
	for range probe.Budget {
		if _, err := c.Verify(t.Context(), of("groq").key); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := c.Verify(t.Context(), of("groq").key); !errors.Is(err, providers.ErrUnsupported) || v.Liveness != providers.Unknown {
		t.Errorf("beyond the budget: %+v, %v", v, err)
	}
	if n := len(w.lab.Requests()); n != probe.Budget {
		t.Errorf("%d requests", n)
	}
}

// counter is an issuer that counts how it is asked.
type counter struct {
	asked, now, most atomic.Int32
	err              error
}

func (c *counter) Verify(ctx context.Context, _ credential.Credential) (providers.Verdict, error) {
	c.asked.Add(1)
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	select {
	case <-time.After(5 * time.Millisecond):
	case <-ctx.Done():
	}
	return providers.Verdict{Liveness: providers.Dead}, c.err
}

// Five hundred findings of twenty keys, at once: twenty requests, never more than two
// at a time. It holds for services that are only asked and for issuers.
func TestFiveHundredFindingsOfTwentyKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cache, err := probe.OpenCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := w.checker(func(o *probe.Options) { o.Cache = cache })
	issuer := &counter{}
	v := c.Through("issuer", "read", issuer)
	var keys, pairs [20]credential.Credential
	for i := range keys {
		keys[i] = of("github").key
		pairs[i] = credential.Credential{Kind: credential.AWSAccessKey, Parts: map[credential.Part]secret.Text{
			credential.PartID: secret.New(lab.MadeUp("AKIA", 16)), credential.PartSecret: secret.New(lab.MadeUp("", 40)),
		}}
	}
	w.lab.Fault("services", "github", lab.Fault{Delay: 20 * time.Millisecond, Times: 99})
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			<-start
			if got, err := c.Verify(t.Context(), keys[i%20]); err != nil || got.Liveness != providers.Dead {
				t.Errorf("%+v, %v", got, err)
			}
			if got, err := v.Verify(t.Context(), pairs[i%20]); err != nil || got.Liveness != providers.Dead {
				t.Errorf("the issuer: %+v, %v", got, err)
			}
		})
	}
	close(start)
	wg.Wait()
	if n := len(w.lab.Requests()); n != 20 {
		t.Errorf("%d requests", n)
	}
	if n := issuer.most.Load(); n > probe.Together {
		t.Errorf("the issuer was asked %d times at once", n)
	}
	if n := issuer.asked.Load(); n != 20 {
		t.Errorf("the issuer was asked %d times", n)
	}
}

// An issuer that asked to be left alone is not asked about the next key, and none is
// asked more often than the budget allows.
func TestIssuersHaveBoundsToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stormy := &counter{err: &providers.Error{Provider: "issuer", Op: "read", Class: providers.ErrRateLimited, RetryAfter: time.Hour}}
	v := w.checker(nil).Through("issuer", "read", stormy)
	for range 5 {
		if _, err := v.Verify(t.Context(), of("github").key); !errors.Is(err, providers.ErrRateLimited) {
			t.Errorf("got %v", err)
		}
	}
	if n := stormy.asked.Load(); n != 1 {
		t.Errorf("asked %d times in a storm", n)
	}
	calm := &counter{}
	v = w.checker(nil).Through("issuer", "read", calm)
	var wg sync.WaitGroup
	for range probe.Budget + 20 {
		wg.Go(func() { _, _ = v.Verify(t.Context(), of("github").key) })
	}
	wg.Wait()
	if n := calm.asked.Load(); n != probe.Budget {
		t.Errorf("asked %d times", n)
	}
}

// One key, asked about from many goroutines, is one request.
func TestSingleFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, cr := w.checker(nil), of("openai").key
	w.lab.Fault("services", "openai", lab.Fault{Delay: 200 * time.Millisecond})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if v, err := c.Verify(t.Context(), cr); err != nil || v.Liveness != providers.Dead {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
	wg.Wait()
	if n := len(w.lab.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// The cache answers in place of the service, ends, and holds no key.
func TestCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	open := func() *probe.Checker {
		cache, err := probe.OpenCache(dir)
		if err != nil {
			t.Fatal(err)
		}
		return w.checker(func(o *probe.Options) { o.Cache = cache })
	}
	s := of("prefect service account")
	s.knownTo(w.lab)
	for range 3 {
		if v, err := open().Verify(t.Context(), s.key); err != nil || v.Liveness != providers.Live || v.Identity != s.whom {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	if n := len(w.lab.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
	w.lab.Services.Forget(s.service, value(s.key))
	w.now.Store(3600)
	if v, _ := open().Verify(t.Context(), s.key); v.Liveness != providers.Dead {
		t.Errorf("an hour later: %+v", v)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		info, _ := os.Stat(f)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, mode %v", f, err, info.Mode())
		}
		for i := 0; i+8 <= len(value(s.key)); i++ {
			if strings.Contains(string(b), value(s.key)[i:i+8]) {
				t.Fatalf("%s holds a piece of the key", f)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "verdicts.json"), []byte("null"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, err := open().Verify(t.Context(), s.key); err != nil || v.Liveness != providers.Dead {
		t.Errorf("with a damaged cache: %+v, %v", v, err)
	}
}

// Who looked at the clock before another's verdict was written, and writes after it,
// drops nothing: requests end in any order.
func TestCacheKeepsWhatCameJustBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cache, err := probe.OpenCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := w.checker(func(o *probe.Options) { o.Cache = cache })
	one, other := of("prefect service account"), of("groq")
	for i, s := range []sample{one, other, one} {
		w.now.Store(int64(1 - i%2))
		if _, err := c.Verify(t.Context(), s.key); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.lab.Requests()); n != 2 {
		t.Errorf("%d requests, want one for each key", n)
	}
}
