package providers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

type named string

func (n named) Describe() providers.Descriptor {
	return providers.Descriptor{Name: string(n), Kinds: []credential.Kind{credential.Kind("kind." + n)}}
}

type sink struct {
	named
	providers.Sink
}

// wrapped is a decorator: it hides the abilities of what it wraps.
type wrapped struct{ inner providers.Provider }

func (w wrapped) Describe() providers.Descriptor { return w.inner.Describe() }
func (w wrapped) Unwrap() providers.Provider     { return w.inner }

func TestRegistry(t *testing.T) {
	t.Parallel()
	r := providers.NewRegistry(named("a"), wrapped{wrapped{sink{named: "b"}}}, sink{named: "c"})
	if p, ok := r.Get("b"); !ok || p.Describe().Name != "b" {
		t.Error("b is registered")
	}
	if _, ok := r.Get("x"); ok {
		t.Error("x is not registered")
	}
	if p, ok := r.IssuerOf("kind.c"); !ok || p.Describe().Name != "c" {
		t.Error("c issues kind.c")
	}
	if _, ok := r.IssuerOf("kind.x"); ok {
		t.Error("nobody issues kind.x")
	}
	var names string
	for _, p := range r.Sinks() {
		names += p.Describe().Name
	}
	if names != "bc" {
		t.Errorf("sinks %q: an ability is found through decorators", names)
	}
	all := r.All()
	all[0] = named("z")
	if r.All()[0].Describe().Name != "a" {
		t.Error("a registry does not change")
	}
	defer func() {
		if recover() == nil {
			t.Error("a duplicate is a programmer's mistake and must show")
		}
	}()
	providers.NewRegistry(named("a"), named("a"))
}

func TestAs(t *testing.T) {
	t.Parallel()
	if _, ok := providers.As[providers.Sink](wrapped{named("a")}); ok {
		t.Error("no sink anywhere in the chain")
	}
	if _, ok := providers.As[providers.Sink](nil); ok {
		t.Error("nothing has no ability")
	}
}

func TestMatchValue(t *testing.T) {
	t.Parallel()
	wanted := []providers.Wanted{
		{Part: credential.PartID, Value: secret.New("the-id")}, {Part: credential.PartSecret, Value: secret.New("the-secret")}, {Part: credential.PartToken},
	}
	for value, want := range map[string]string{
		"the-id": "id:exact", "the-secret": "secret:exact", "x the-id y": "id:inside", "the-id:the-secret": "id:inside secret:inside", "the-i": "", "": "", "THE-ID": "",
	} {
		var got []string
		for _, m := range providers.MatchValue(secret.New(value), wanted) {
			got = append(got, string(m.Part)+":"+string(m.Match))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: %q, want %q", value, s, want)
		}
	}
}

func TestMatchName(t *testing.T) {
	t.Parallel()
	wanted := []providers.Wanted{{Part: credential.PartID, Names: []string{"A", "B"}}, {Part: credential.PartSecret, Names: []string{"B"}}}
	for name, want := range map[string]int{"A": 1, "B": 2, "C": 0, "a": 0} {
		got := providers.MatchName(name, wanted)
		if len(got) != want {
			t.Errorf("%s: %v", name, got)
		}
		for _, m := range got {
			if m.Match != providers.MatchByName {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for class, want := range map[httpx.Class]error{
		httpx.Auth: providers.ErrAuth, httpx.Forbidden: providers.ErrForbidden, httpx.NotFound: providers.ErrNotFound, httpx.Conflict: providers.ErrConflict,
		httpx.RateLimited: providers.ErrRateLimited, httpx.Transient: providers.ErrTransient, httpx.Ambiguous: providers.ErrAmbiguous, httpx.Refused: providers.ErrRefused,
	} {
		err := providers.Classify("svc", &httpx.Error{Op: "op", Class: class, Status: 418, Code: "c", RequestID: "r", RetryAfter: time.Second, Err: cause})
		var e *providers.Error
		if !errors.As(err, &e) || !errors.Is(err, want) || !errors.Is(err, cause) || e.Status != 418 || e.Code != "c" || e.RequestID != "r" || e.RetryAfter != time.Second {
			t.Errorf("%s: %+v", class, err)
		}
		if err.Error() != "svc: op: "+want.Error()+" (HTTP 418): c: cause [request r]" {
			t.Errorf("%s: %s", class, err)
		}
	}
	if err := providers.Classify("svc", context.Canceled); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := providers.Classify("svc", nil); err != nil {
		t.Error(err)
	}
}

func TestErrorNamesTheMissingRight(t *testing.T) {
	t.Parallel()
	err := &providers.Error{Provider: "aws", Op: "create", Class: providers.ErrForbidden, Need: "iam:CreateAccessKey"}
	if got, want := err.Error(), "aws: create: our own access lacks a permission; needs iam:CreateAccessKey"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if errors.Is(err, providers.ErrAuth) || !errors.Is(err, providers.ErrForbidden) {
		t.Error("wrong class")
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		quota, siblings int
		want            bool
	}{{0, 9, true}, {2, 0, true}, {2, 1, false}, {2, 2, false}, {1, 0, false}} {
		s := providers.KeyState{Quota: tc.quota, Siblings: make([]providers.KeyInfo, tc.siblings)}
		if s.Room() != tc.want {
			t.Errorf("%+v: %v", tc, s.Room())
		}
	}
}

// Two placements have the same id only if they are the same place.
func TestPlacementID(t *testing.T) {
	t.Parallel()
	field := rapid.StringMatching(`[a/%2F]{0,4}`)
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) providers.Placement {
			return providers.Placement{
				Provider: field.Draw(t, name), Account: field.Draw(t, name), Level: field.Draw(t, name), Resource: field.Draw(t, name),
				Key: field.Draw(t, name), Context: field.Draw(t, name), ContextParam: field.Draw(t, name),
			}
		}
		a, b := draw("a"), draw("b")
		same := a.Provider == b.Provider && a.Account == b.Account && a.Level == b.Level && a.Resource == b.Resource &&
			a.Key == b.Key && a.Context == b.Context && a.ContextParam == b.ContextParam
		if (a.ID() == b.ID()) != same {
			t.Fatalf("%+v and %+v: %s and %s", a, b, a.ID(), b.ID())
		}
		if strings.Count(a.ID(), "/") != 6 {
			t.Fatalf("%s: a field breaks out of its place", a.ID())
		}
	})
}

// A key that stands in a URL is changed in place, and written as the old one was; so is one
// that leaked in a URL and stands elsewhere as it is.
func TestReplaceKeepsTheForm(t *testing.T) {
	t.Parallel()
	dsn := func(password string) string { return "postgresql://u:" + password + "@h/d" }
	for name, tc := range map[string]struct{ old, value, fresh, want string }{
		"alone":                       {"p@s/1", "p@s/1", "n+w/2", "n+w/2"},
		"as it is":                    {"p@s/1", dsn("p@s/1"), "n+w/2", dsn("n+w/2")},
		"escaped":                     {"p@s/1", dsn("p%40s%2F1"), "n+w/2", dsn("n%2Bw%2F2")},
		"both":                        {"p@s/1", "p@s/1 p%40s%2F1", "n+w/2", "n+w/2 n%2Bw%2F2"},
		"a blank in a query":          {"p s", "x=p+s&y", "a b", "x=a+b&y"},
		"a blank in a path":           {"p s", "x/p%20s/y", "a b", "x/a%20b/y"},
		"found escaped, as it is":     {"p%40s%2F1", "p@s/1", "abc", "abc"},
		"found escaped, in a URL":     {"p%40s%2F1", "u:p%40s%2F1@h", "n@w", "u:n%40w@h"},
		"escaped in a way of its own": {"p%61s%2F1", "u:p%61s%2F1@h", "n@w", "u:n%40w@h"},
		"nothing to escape":           {"abc", "u:abc@h", "def", "u:def@h"},
		"a percent sign that is one":  {"50%off", "u:50%25off@h 50%off", "def", "u:def@h def"},
	} {
		value, old := secret.New(tc.value), secret.New(tc.old)
		if got := providers.Replace(value, old, secret.New(tc.fresh)).Reveal(); !providers.Holds(value, old) || got != tc.want {
			t.Errorf("%s: %q becomes %q, want %q", name, tc.value, got, tc.want)
		}
	}
	for _, other := range []string{"", "p%2540s%252F1", "p@s", "P@S/1"} { // escaped twice is not changed: it is named
		if providers.Holds(secret.New(other), secret.New("p@s/1")) {
			t.Errorf("%q", other)
		}
	}
	if providers.Holds(secret.New("x"), secret.Text{}) {
		t.Error("every value holds nothing")
	}
}
