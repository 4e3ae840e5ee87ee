package supabase_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/supabase"
	"github.com/secretguard/secretguard/internal/secret"
)

func databaseConfig(l *lab.Lab, client *httpx.Client) supabase.Config {
	cfg := config(l, client)
	cfg.DatabaseURL = l.URL("database")
	return cfg
}

// databaseWorld is a database whose password leaked.
func databaseWorld(t *testing.T, o lab.Options, client *httpx.Client) *providertest.World {
	t.Helper()
	l := providertest.Start(t, o)
	p, err := supabase.NewDatabase(databaseConfig(l, client))
	if err != nil {
		t.Fatal(err)
	}
	old := l.Supabase.Database.Password()
	return &providertest.World{
		Lab: l, Twin: "services", Provider: p, Secrets: []string{old, l.Supabase.Own()},
		Issuer: &providertest.IssuerSide{
			Old:  keyOf(credential.SupabaseDatabase, old),
			Keys: func() []string { return []string{supabase.DatabaseID(secret.New(l.Supabase.Database.Password()))} },
			Accepts: func(c credential.Credential) bool {
				return l.Supabase.Database.Accepts(c.Part(credential.PartToken).Reveal())
			},
			// No call is there that takes a password away.
			VerifyOp: "supabase pooler settings", InspectOp: "supabase pooler settings", IssueOp: "supabase set database password",
		},
	}
}

func TestDatabaseContract(t *testing.T) {
	t.Parallel()
	client := providertest.Client(t)
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		return databaseWorld(t, lab.Options{}, client)
	}})
}

// Our requests and the twin's answers are those of Supabase's own document.
func TestDatabaseDocument(t *testing.T) {
	t.Parallel()
	c := providertest.OpenContract(t, "supabase-management-openapi.json", "services", "/supabase")
	w := databaseWorld(t, lab.Options{Wrap: func(service string, twin http.Handler) http.Handler { return c.Wrap(service, twin) }}, providertest.Client(t))
	in, _ := providers.As[providers.Inspector](w.Provider)
	is, _ := providers.As[providers.Issuer](w.Provider)
	st, err := in.Inspect(t.Context(), w.Issuer.Old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := is.Issue(t.Context(), providers.IssueRequest{Old: st.Key.Ref, Value: secret.New(lab.MadeUp("", 24))}); err != nil {
		t.Fatal(err)
	}
	c.Check(t, "v1-get-pooler-config 200", "v1-update-database-password 200")
}

// What is no refusal of the password never makes it dead, and says what it is.
func TestDatabaseAnswersThatProveNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault lab.DatabaseFault
		class error
		says  string
	}{
		"too many connections":    {lab.DatabaseFault{Code: "53300", Message: "sorry, too many clients already"}, providers.ErrTransient, "SQLSTATE 53300"},
		"not allowed from here":   {lab.DatabaseFault{Code: "28000", Message: "no pg_hba.conf entry"}, providers.ErrTransient, "SQLSTATE 28000"},
		"starting up":             {lab.DatabaseFault{Code: "57P03", Message: "the database system is starting up"}, providers.ErrTransient, "SQLSTATE 57P03"},
		"no such tenant":          {lab.DatabaseFault{Code: "XX000", Message: "Tenant or user not found"}, providers.ErrTransient, "SQLSTATE XX000"},
		"the pooler shuts out":    {lab.DatabaseFault{Code: "XX000", Message: "Circuit breaker open: too many authentication failures"}, providers.ErrRateLimited, "shuts out"},
		"a code that is none":     {lab.DatabaseFault{Code: "28p01; <b>", Message: "password authentication failed"}, providers.ErrTransient, "another reason"},
		"lets everybody in":       {lab.DatabaseFault{Trust: true}, providers.ErrTransient, "not answered"},
		"wants it in the clear":   {lab.DatabaseFault{Cleartext: true}, providers.ErrTransient, "not answered"},
		"another protocol":        {lab.DatabaseFault{Garbage: true}, providers.ErrTransient, "not answered"},
		"breaks off at the proof": {lab.DatabaseFault{Cut: true}, providers.ErrTransient, "not answered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := databaseWorld(t, lab.Options{}, providertest.Client(t))
			w.Lab.Supabase.Database.Plan(tc.fault)
			v, err := verifier(w).Verify(t.Context(), w.Issuer.Old)
			if v.Liveness != providers.Unknown || !errors.Is(err, tc.class) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%+v, %v", v, err)
			}
			for _, leak := range []string{w.Secrets[0], "127.0.0.1", "<b>", "sorry", "pg_hba"} {
				if err != nil && strings.Contains(err.Error(), leak) {
					t.Errorf("%q is in %v", leak, err)
				}
			}
			if v, err := verifier(w).Verify(t.Context(), w.Issuer.Old); err != nil || v.Liveness != providers.Live {
				t.Errorf("asked again: %+v, %v", v, err)
			}
		})
	}
}

func verifier(w *providertest.World) providers.Verifier {
	v, _ := providers.As[providers.Verifier](w.Provider)
	return v
}

// A log-in that is given up ends at once.
func TestDatabaseLogInIsGivenUp(t *testing.T) {
	t.Parallel()
	w := databaseWorld(t, lab.Options{}, providertest.Client(t))
	w.Lab.Supabase.Database.Plan(lab.DatabaseFault{Silent: true})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		v, err := verifier(w).Verify(ctx, w.Issuer.Old)
		if v.Liveness != providers.Unknown {
			err = errors.New("it was called " + string(v.Liveness))
		}
		done <- err
	}()
	for !slices.ContainsFunc(w.Lab.Requests(), func(r lab.Request) bool { return r.Op == "supabase log in" }) {
		if err := httpx.Sleep(t.Context(), 1e6); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A refused password is sent once, and no other one soon after: several that were found
// in a history do not get this machine shut out. One that was accepted before is asked.
func TestDatabaseIsRefusedOnce(t *testing.T) {
	t.Parallel()
	w := databaseWorld(t, lab.Options{}, providertest.Client(t))
	ask := func(password string) (providers.Verdict, error) {
		return verifier(w).Verify(t.Context(), keyOf(credential.SupabaseDatabase, password))
	}
	first, second := lab.MadeUp("", 16), lab.MadeUp("", 16)
	for range 5 {
		if v, err := ask(first); err != nil || v.Liveness != providers.Dead || v.Code != "28P01" {
			t.Fatalf("%+v, %v", v, err)
		}
		v, err := ask(second)
		var e *providers.Error
		if v.Liveness != providers.Unknown || !errors.As(err, &e) || !errors.Is(err, providers.ErrRateLimited) || e.RetryAfter <= 0 {
			t.Fatalf("another one: %+v, %v", v, err)
		}
	}
	in, _ := providers.As[providers.Inspector](w.Provider)
	if _, err := in.Inspect(t.Context(), w.Issuer.Old); err != nil { // a plan does not wait
		t.Error(err)
	}
	if v, err := ask(w.Secrets[0]); err != nil || v.Liveness != providers.Live {
		t.Errorf("the one that works: %+v, %v", v, err)
	}
	if n, banned := w.Lab.Supabase.Database.Refused(); n != 1 || banned {
		t.Errorf("refused %d times, shut out: %v", n, banned)
	}
}

// So it is when all of them are asked about at once.
func TestDatabaseIsRefusedOnceAtOnce(t *testing.T) {
	t.Parallel()
	w := databaseWorld(t, lab.Options{}, providertest.Client(t))
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			if v, _ := verifier(w).Verify(t.Context(), keyOf(credential.SupabaseDatabase, lab.MadeUp("", 16))); v.Liveness == providers.Live {
				t.Error("a made-up password is accepted")
			}
		})
	}
	g.Wait()
	if n, banned := w.Lab.Supabase.Database.Refused(); n != 1 || banned {
		t.Errorf("refused %d times, shut out: %v", n, banned)
	}
}

// Whoever is shut out knows nothing: not even of a password that is dead.
func TestDatabaseShutsOut(t *testing.T) {
	t.Parallel()
	w := databaseWorld(t, lab.Options{}, providertest.Client(t))
	for range 2 { // two processes
		p, err := supabase.NewDatabase(databaseConfig(w.Lab, providertest.Client(t)))
		if err != nil {
			t.Fatal(err)
		}
		v, _ := providers.As[providers.Verifier](p)
		if got, err := v.Verify(t.Context(), keyOf(credential.SupabaseDatabase, "wrong-"+w.Secrets[0])); err != nil || got.Liveness != providers.Dead {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if n, banned := w.Lab.Supabase.Database.Refused(); n != 2 || !banned {
		t.Fatalf("refused %d times, shut out: %v: the twin is not Supabase", n, banned)
	}
	if v, err := verifier(w).Verify(t.Context(), keyOf(credential.SupabaseDatabase, lab.MadeUp("", 12))); v.Liveness != providers.Unknown || !errors.Is(err, providers.ErrTransient) {
		t.Errorf("%+v, %v", v, err)
	}
}

// Another project's password, another role's, and another project than ours are refused
// before anything is changed.
func TestDatabaseOfAnother(t *testing.T) {
	t.Parallel()
	w := databaseWorld(t, lab.Options{}, providertest.Client(t))
	in, _ := providers.As[providers.Inspector](w.Provider)
	is, _ := providers.As[providers.Issuer](w.Provider)
	other := w.Issuer.Old
	other.Project = lab.MadeUpOf("abcdefghijklmnopqrstuvwxyz", 20)
	if _, err := in.Inspect(t.Context(), other); !errors.Is(err, providers.ErrRefused) || !strings.Contains(err.Error(), "stands with another project") {
		t.Errorf("got %v", err)
	}
	if n := len(w.Lab.Requests()); n != 0 {
		t.Errorf("%d requests for another project's password", n)
	}
	if _, err := in.Inspect(t.Context(), keyOf(credential.SupabaseDatabase, lab.MadeUp("", 20))); !errors.Is(err, providers.ErrAuth) || !strings.Contains(err.Error(), "another role") {
		t.Errorf("got %v", err)
	}
	req := providers.IssueRequest{Old: providers.KeyRef{Owner: other.Project}, Value: secret.New(lab.MadeUp("", 20))}
	if _, err := is.Issue(t.Context(), req); !errors.Is(err, providers.ErrRefused) {
		t.Errorf("got %v", err)
	}
	if !w.Issuer.Accepts(w.Issuer.Old) {
		t.Error("the password was changed")
	}
	cfg := databaseConfig(w.Lab, providertest.Client(t))
	cfg.Ref = other.Project
	p, err := supabase.NewDatabase(cfg)
	if err != nil {
		t.Fatal(err)
	}
	in, _ = providers.As[providers.Inspector](p)
	if _, err := in.Inspect(t.Context(), w.Issuer.Old); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("a project that is not ours: %v", err)
	}
}

// A password that was found in a URL may be escaped there.
func TestDatabasePasswordOfAURL(t *testing.T) {
	t.Parallel()
	w := databaseWorld(t, lab.Options{}, providertest.Client(t))
	w.Lab.Supabase.Database.Start("p@ss/" + w.Secrets[0])
	if v, err := verifier(w).Verify(t.Context(), keyOf(credential.SupabaseDatabase, "p%40ss%2F"+w.Secrets[0])); err != nil || v.Liveness != providers.Live {
		t.Errorf("%+v, %v", v, err)
	}
	for _, bad := range []string{"", "abc", "a\nbcde", strings.Repeat("x", 1001)} {
		if v, err := verifier(w).Verify(t.Context(), keyOf(credential.SupabaseDatabase, bad)); v.Liveness != providers.Unknown || !errors.Is(err, providers.ErrRefused) {
			t.Errorf("%d characters: %+v, %v", len(bad), v, err)
		}
	}
}

// What is made up is safe in every part of a URL, and named otherwise than the old one.
func TestDatabaseChoosesWellFormed(t *testing.T) {
	t.Parallel()
	p := databaseWorld(t, lab.Options{}, providertest.Client(t)).Provider
	r, _ := providers.As[providers.Replacer](p)
	for range 50 {
		old := secret.New(lab.MadeUp("", 12))
		got, err := r.Choose(providers.KeyRef{ID: supabase.DatabaseID(old)})
		if err != nil || got.Len() != 48 || strings.Trim(got.Reveal(), "0123456789abcdef") != "" || supabase.DatabaseID(got) == supabase.DatabaseID(old) {
			t.Fatalf("%d characters, %v", got.Len(), err)
		}
	}
}

func TestDatabaseSettings(t *testing.T) {
	t.Parallel()
	good := supabase.Config{AccessToken: secret.New("sbp"), Ref: "r"}
	for _, bad := range []string{"http://127.0.0.1:1", "postgres://127.0.0.1", "postgres://u:p@127.0.0.1:1", "127.0.0.1:5432"} {
		cfg := good
		cfg.DatabaseURL = bad
		if _, err := supabase.NewDatabase(cfg); err == nil || !strings.Contains(err.Error(), "SECRETGUARD_SUPABASE_DATABASE_URL") || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	good.DatabaseCA = "no certificate"
	if _, err := supabase.NewDatabase(good); err == nil || !strings.Contains(err.Error(), "SUPABASE_DATABASE_CA") {
		t.Errorf("got %v", err)
	}
	if _, err := supabase.NewDatabase(supabase.Config{}); err == nil || !strings.Contains(err.Error(), "SUPABASE_ACCESS_TOKEN and SUPABASE_PROJECT_REF") {
		t.Errorf("got %v", err)
	}
}
