package openai_test

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/openai"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keyOf(kind credential.Kind, plain string) credential.Credential {
	return credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(plain)}}
}

// sort is one kind of key, how the twin makes one, and the operations on it.
type sort struct {
	kind                                        credential.Kind
	open                                        func(openai.Config) (providers.Provider, error)
	make                                        func(*lab.OpenAI) *lab.VaultKey
	owner                                       func(*lab.OpenAI) string
	issueOp, listOp, deleteOp, inspectOp, byEnd string
	verifyOp                                    string
}

var sorts = map[string]sort{
	"service": {
		kind: credential.OpenAIServiceKey, open: openai.NewService, make: (*lab.OpenAI).ServiceKey, owner: func(o *lab.OpenAI) string { return o.Project(1) },
		issueOp: "openai make account", listOp: "openai list accounts", deleteOp: "openai delete account", inspectOp: "openai list keys",
	},
	"admin": {
		kind: credential.OpenAIAdminKey, open: openai.NewAdmin, make: (*lab.OpenAI).AdminKey, owner: func(*lab.OpenAI) string { return "admin" },
		issueOp: "openai make admin key", listOp: "openai list admin keys", deleteOp: "openai delete admin key", inspectOp: "openai list admin keys", verifyOp: "openai list projects",
	},
	"user": {
		kind: credential.OpenAIKey, open: openai.New, make: (*lab.OpenAI).UserKey, owner: func(o *lab.OpenAI) string { return o.Project(1) },
		deleteOp: "openai delete key", inspectOp: "openai list keys", byEnd: "…",
	},
}

func (s sort) world(t *testing.T, o lab.Options, client *httpx.Client) *providertest.World {
	t.Helper()
	l := providertest.Start(t, o)
	access := l.OpenAI.Own()
	p, err := s.open(openai.Config{AdminKey: secret.New(access), BaseURL: l.URL("services") + "/openai", Client: client})
	if err != nil {
		t.Fatal(err)
	}
	k := s.make(l.OpenAI)
	return &providertest.World{
		Lab: l, Twin: "services", Provider: p, Secrets: []string{k.Token, access},
		Issuer: &providertest.IssuerSide{
			Old: keyOf(s.kind, k.Token),
			Keys: func() (ids []string) {
				for _, id := range l.OpenAI.IDs(s.owner(l.OpenAI)) {
					if k, _ := l.OpenAI.Key(id); s.byEnd != "" {
						id += s.byEnd + k.Token[len(k.Token)-4:]
					}
					ids = append(ids, id)
				}
				return ids
			},
			Accepts:  func(c credential.Credential) bool { return l.OpenAI.Accepts(c.Part(credential.PartToken).Reveal()) },
			VerifyOp: cmp.Or(s.verifyOp, "openai"), InspectOp: s.inspectOp, IssueOp: s.issueOp, ListOp: s.listOp, DeleteOp: s.deleteOp,
		},
	}
}

func TestContract(t *testing.T) {
	t.Parallel()
	for name, s := range sorts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := providertest.Client(t)
			providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
				t.Helper()
				return s.world(t, lab.Options{}, client)
			}})
		})
	}
}

// Without an admin key a person does everything: the same provider, with less.
func TestWithoutAdminKey(t *testing.T) {
	t.Parallel()
	for name, s := range sorts {
		p, err := s.open(openai.Config{})
		if err != nil {
			t.Fatal(err)
		}
		_, guides := providers.As[providers.Guide](p)
		_, issues := providers.As[providers.Issuer](p)
		_, deletes := providers.As[providers.Deleter](p)
		if !guides || issues || deletes {
			t.Errorf("%s: guides %v, issues %v, deletes %v", name, guides, issues, deletes)
		}
	}
}

// A project key that turns out to be a service account's is not deleted alone.
func TestServiceKeyOfOldForm(t *testing.T) {
	t.Parallel()
	w := sorts["user"].world(t, lab.Options{}, providertest.Client(t))
	w.Lab.OpenAI.Add(lab.VaultKey{
		ID: "svc_acct_x", Owner: w.Lab.OpenAI.Project(0), Token: lab.MadeUp("sk-proj-", 40) + "T3BlbkFJ" + lab.MadeUp("", 40), Fields: map[string]any{"account": "svc_acct_x"},
	})
	k, _ := w.Lab.OpenAI.Key("svc_acct_x")
	in, _ := providers.As[providers.Inspector](w.Provider)
	if _, err := in.Inspect(t.Context(), keyOf(credential.OpenAIKey, k.Token)); !errors.Is(err, providers.ErrUnsupported) || !strings.Contains(err.Error(), "service account") {
		t.Errorf("got %v", err)
	}
	if _, err := in.Inspect(t.Context(), keyOf(credential.OpenAIKey, lab.MadeUp("sk-proj-", 90))); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("a stranger's key: %v", err)
	}
}

// All pages are looked at.
func TestPages(t *testing.T) {
	t.Parallel()
	for name, s := range sorts {
		w := s.world(t, lab.Options{}, providertest.Client(t))
		var last *lab.VaultKey
		for range 5 {
			last = s.make(w.Lab.OpenAI)
		}
		w.Lab.OpenAI.PageSize(2)
		in, _ := providers.As[providers.Inspector](w.Provider)
		st, err := in.Inspect(t.Context(), keyOf(s.kind, last.Token))
		if err != nil || !strings.HasPrefix(st.Key.Ref.ID, last.ID) || s.issueOp != "" && len(st.Siblings) != 5 {
			t.Errorf("%s: %+v, %v", name, st, err)
		}
	}
}

// A new key that a person handed in is deleted by its ends, and never another.
func TestPastedKeyIsDeletedOnTheWayBack(t *testing.T) {
	t.Parallel()
	w := sorts["user"].world(t, lab.Options{}, providertest.Client(t))
	fresh := w.Lab.OpenAI.UserKey()
	guide, _ := providers.As[providers.Guide](w.Provider)
	del, _ := providers.As[providers.Deleter](w.Provider)
	is, err := guide.Pasted(providers.KeyRef{Kind: credential.OpenAIKey, ID: "key_1…abcd", Owner: w.Lab.OpenAI.Project(1)}, secret.New(fresh.Token))
	if err != nil {
		t.Fatal(err)
	}
	before := len(w.Lab.OpenAI.IDs(""))
	if err := del.Delete(t.Context(), is.Ref); err != nil {
		t.Fatal(err)
	}
	if left := w.Lab.OpenAI.IDs(""); len(left) != before-1 || slices.Contains(left, fresh.ID) {
		t.Errorf("left %v", left)
	}
	if err := del.Delete(t.Context(), is.Ref); !errors.Is(err, providers.ErrRefused) {
		t.Errorf("a key that nobody sees: %v", err)
	}
}

// Our requests and the twin's answers are those of OpenAI's own document.
func TestDocument(t *testing.T) {
	t.Parallel()
	c := providertest.OpenContract(t, "openai-admin-trimmed-openapi.json", "services", "/openai/v1")
	for _, s := range sorts {
		w := s.world(t, lab.Options{Wrap: func(service string, twin http.Handler) http.Handler { return c.Wrap(service, twin) }}, providertest.Client(t))
		in, _ := providers.As[providers.Inspector](w.Provider)
		st, err := in.Inspect(t.Context(), w.Issuer.Old)
		if err != nil {
			t.Fatal(err)
		}
		if is, ok := providers.As[providers.Issuer](w.Provider); ok {
			if _, err := is.Issue(t.Context(), providers.IssueRequest{Old: st.Key.Ref, Name: "sg_test"}); err != nil {
				t.Fatal(err)
			}
		}
		del, _ := providers.As[providers.Deleter](w.Provider)
		if err := del.Delete(t.Context(), st.Key.Ref); err != nil {
			t.Fatal(err)
		}
	}
	c.Check(t, "list-projects 200", "list-project-api-keys 200", "delete-project-api-key 200", "list-project-service-accounts 200",
		"create-project-service-account 200", "delete-project-service-account 200", "admin-api-keys-list 200", "admin-api-keys-create 200", "admin-api-keys-delete 200")
}

// A service account's key is replaced without a person; the new one needs time to work.
func TestRotation(t *testing.T) {
	t.Parallel()
	w := rotatetest.NewOn(t, lab.Options{KeyDelay: 60 * time.Millisecond, DisableDelay: 60 * time.Millisecond}, 0)
	old := w.Lab.OpenAI.ServiceKey()
	w.Lab.Netlify.SetVar(w.Estate.Site, "OPENAI_API_KEY", "production", old.Token, false)
	w.Leaked = keyOf(credential.OpenAIServiceKey, old.Token)
	w.Lab.Fault("services", "openai make account", lab.Fault{DropAfter: true}) // its value is lost: found, deleted, made anew
	plan, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L1 })
	if err != nil {
		t.Fatal(err)
	}
	ids := w.Lab.OpenAI.IDs(old.Owner)
	if len(ids) != 1 || ids[0] == old.ID {
		t.Fatalf("accounts %v", ids)
	}
	k, _ := w.Lab.OpenAI.Key(ids[0])
	if got := w.Lab.Netlify.Value(w.Estate.Site, "OPENAI_API_KEY", "production"); got != k.Token || !strings.HasPrefix(k.Name, "sg_r_") {
		t.Errorf("the new key %s is not stored", k.Name)
	}
	if s := w.Snapshot(plan.ID); s.Status != rotate.RunDone || s.Proof == nil {
		t.Errorf("run is %s: %s", s.Status, s.Problem)
	}
}
