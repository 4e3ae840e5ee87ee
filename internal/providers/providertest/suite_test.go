package providertest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/aws"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/render"
	"github.com/secretguard/secretguard/internal/secret"
)

// issuer and sink are good providers; each broken one below spoils one thing.
type (
	issuer struct{ *aws.Provider }
	sink   struct{ *render.Provider }
)

// Providers with fewer abilities, which the suite must fit too.
type (
	issuerWithoutDisable struct {
		providers.Verifier
		providers.Inspector
		providers.Issuer
		providers.Deleter
		described
	}
	revokeOnly struct {
		providers.Verifier
		providers.Deleter
		providers.Inspector
		described
	}
	sinkWithoutDeploy struct {
		providers.Sink
		described
	}
)

type described struct{ d providers.Descriptor }

func (d described) Describe() providers.Descriptor { return d.d }

func TestFitsProvidersWithFewerAbilities(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*providertest.World){
		"issuer without disable": func(w *providertest.World) {
			p := w.Provider.(issuer)
			d := p.Describe()
			d.ProbeService, d.Can = "", []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanDelete}
			w.Provider, w.Issuer.DisableOp = issuerWithoutDisable{p, p, p, p, described{d}}, ""
		},
		"revoke only": func(w *providertest.World) {
			p := w.Provider.(issuer)
			d := p.Describe()
			d.ProbeService, d.Overlap, d.Can = "", false, []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanDelete}
			w.Provider = revokeOnly{p, p, p, described{d}}
		},
		"sink without deploy": func(w *providertest.World) {
			p := w.Provider.(sink)
			d := p.Describe()
			d.Can = []providers.Ability{providers.CanStore}
			w.Provider, w.Sink.StartOp, w.Sink.StatusOp = sinkWithoutDeploy{p, described{d}}, "", ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
				t.Helper()
				w := world(t, strings.HasPrefix(name, "sink"))
				change(w)
				return w
			}})
		})
	}
}

// Each of these breaks one promise; the named part of the suite must see it.
var broken = map[string]struct {
	part  string // of the suite
	sink  bool
	spoil func(providers.Provider) providers.Provider
}{
	"an error counts as dead":       {"faults/Verify", false, func(p providers.Provider) providers.Provider { return deadOnError{p.(issuer)} }},
	"a secret in an error":          {"faults/Verify", false, func(p providers.Provider) providers.Provider { return talkative{p.(issuer)} }},
	"a create that is repeated":     {"faults/Issue", false, func(p providers.Provider) providers.Provider { return eager{p.(issuer)} }},
	"an error without a class":      {"faults/Delete", false, func(p providers.Provider) providers.Provider { return unclassified{p.(issuer)} }},
	"deleting what is gone":         {"issuer/delete", false, func(p providers.Provider) providers.Provider { return pedantic{p.(issuer)} }},
	"an orphan that is overlooked":  {"issuer/lost_answers", false, func(p providers.Provider) providers.Provider { return forgetful{p.(issuer)} }},
	"it says more than it can":      {"describe", false, func(p providers.Provider) providers.Provider { return overstated{p.(issuer)} }},
	"a key that cannot be disabled": {"issuer/disable", false, func(p providers.Provider) providers.Provider { return inert{p.(issuer)} }},
	"no limits are named":           {"describe", false, func(p providers.Provider) providers.Provider { return boastful{p.(issuer)} }},
	"the last page is missing":      {"sink/locate", true, func(p providers.Provider) providers.Provider { return shortSighted{p.(sink)} }},
	"a failed search looks whole":   {"sink/never_silently_incomplete", true, func(p providers.Provider) providers.Provider { return silent{p.(sink)} }},
	"storing touches more":          {"sink/store", true, func(p providers.Provider) providers.Provider { return clumsy{p.(sink)} }},
	"a write while reading only":    {"read-only/Store", true, func(p providers.Provider) providers.Provider { return deaf{p.(sink)} }},
	"a built deploy counts as live": {"sink/failing_deploy", true, func(p providers.Provider) providers.Provider { return hopeful{p.(sink)} }},
}

type deadOnError struct{ issuer }

func (p deadOnError) Verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v, err := p.issuer.Verify(ctx, c)
	if err != nil {
		v.Liveness = providers.Dead
	}
	return v, err
}

type talkative struct{ issuer }

func (p talkative) Verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v, err := p.issuer.Verify(ctx, c)
	var e *providers.Error
	if errors.As(err, &e) {
		e.Op += " " + c.Part(credential.PartSecret).Reveal()
	}
	return v, err
}

type eager struct{ issuer }

func (p eager) Issue(ctx context.Context, req providers.IssueRequest) (providers.Issued, error) {
	out, err := p.issuer.Issue(ctx, req)
	if err != nil {
		return p.issuer.Issue(ctx, req)
	}
	return out, err
}

type unclassified struct{ issuer }

func (p unclassified) Delete(ctx context.Context, k providers.KeyRef) error {
	if err := p.issuer.Delete(ctx, k); err != nil {
		return fmt.Errorf("deleting went wrong: %s", err.Error())
	}
	return nil
}

type pedantic struct{ issuer }

func (p pedantic) Delete(ctx context.Context, k providers.KeyRef) error {
	if u, err := p.LastUsed(ctx, k); err != nil || u.Region == "nowhere" {
		return &providers.Error{Provider: "aws", Op: "delete", Class: providers.ErrNotFound}
	}
	return p.issuer.Delete(ctx, k)
}

type forgetful struct{ issuer }

func (p forgetful) Reconcile(ctx context.Context, req providers.IssueRequest) (providers.Reconciliation, error) {
	_, err := p.issuer.Reconcile(ctx, req)
	return providers.Reconciliation{Outcome: providers.NotApplied}, err
}

type inert struct{ issuer }

func (p inert) Disable(context.Context, providers.KeyRef) error { return nil }

type boastful struct{ issuer }

func (p boastful) Describe() providers.Descriptor {
	d := p.issuer.Describe()
	d.Limits = nil
	return d
}

type overstated struct{ issuer }

func (p overstated) Describe() providers.Descriptor {
	d := p.issuer.Describe()
	d.Can = append(slices.Clone(d.Can), providers.CanDeploy)
	return d
}

type shortSighted struct{ sink }

func (p shortSighted) Locate(ctx context.Context, w []providers.Wanted) (providers.Located, error) {
	l, err := p.sink.Locate(ctx, w)
	l.Placements = l.Placements[:max(len(l.Placements)-1, 0)]
	return l, err
}

type silent struct{ sink }

func (p silent) Locate(ctx context.Context, w []providers.Wanted) (providers.Located, error) {
	l, _ := p.sink.Locate(ctx, w)
	l.Gaps = nil
	return l, nil
}

type clumsy struct{ sink }

func (p clumsy) Store(ctx context.Context, pl providers.Placement, v secret.Text) error {
	err := p.sink.Store(ctx, pl, v)
	pl.Key = "PORT"
	return errors.Join(err, p.sink.Store(ctx, pl, v))
}

type deaf struct{ sink }

func (p deaf) Store(_ context.Context, pl providers.Placement, v secret.Text) error {
	return p.sink.Store(context.Background(), pl, v) //nolint:contextcheck // the fault that the suite must see
}

type hopeful struct{ sink }

func (p hopeful) Status(ctx context.Context, t providers.Target, id string) (providers.Deploy, error) {
	d, err := p.sink.Status(ctx, t, id)
	if d.Phase != providers.PhaseRunning {
		d.Phase = providers.PhaseLive
	}
	return d, err
}

// env names the broken provider that the child process tests.
const env = "SECRETGUARD_TEST_BROKEN"

// TestBroken is what TestSuiteBites runs in a process of its own.
func TestBroken(t *testing.T) {
	b, ok := broken[os.Getenv(env)]
	if !ok {
		t.Skip("only for TestSuiteBites, which runs this in another process")
	}
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		w := world(t, b.sink)
		w.Provider = b.spoil(w.Provider)
		return w
	}})
}

// A suite that passes everything would prove nothing.
func TestSuiteBites(t *testing.T) {
	t.Parallel()
	for name, b := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestBroken$/^"+strings.ReplaceAll(b.part, "/", "$/^")+"$")
			cmd.Env = append(os.Environ(), env+"="+name)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !strings.Contains(string(out), "--- FAIL: TestBroken/"+b.part) {
				t.Errorf("the suite sees nothing: %v\n%s", err, out)
			}
		})
	}
}

// world opens a twin with an AWS user's key, or with a Render service.
func world(t *testing.T, isSink bool) *providertest.World {
	t.Helper()
	l := providertest.Start(t, lab.Options{})
	env, sec := l.Env(), lab.MadeUp("", 40)
	if isSink {
		p, err := render.New(render.Config{Token: secret.New(env["RENDER_API_KEY"]), BaseURL: env["SECRETGUARD_RENDER_URL"], Client: providertest.Client(t)})
		if err != nil {
			t.Fatal(err)
		}
		r := l.Render
		web := r.AddService("web", "web_service")
		r.SetVar(web, "KEY", sec)
		r.SetVar(web, "PORT", "8080")
		r.Deploy(web)
		return &providertest.World{
			Lab: l, Twin: "render", Provider: sink{p}, Secrets: []string{env["RENDER_API_KEY"], sec},
			Sink: &providertest.SinkSide{
				Wanted: []providers.Wanted{{Part: credential.PartSecret, Value: secret.New(sec)}},
				Places: []string{"render/" + r.Owners()[0] + "/service/" + web + "/KEY//"}, Everything: r.Everything,
				Value:       func(p providers.Placement) string { return r.Value(p.Resource, p.Key) },
				FailDeploys: func() { r.Fail(web, true) }, LocateOps: []string{"GET services"},
				ReadOp: "GET env-vars one", StoreOp: "PUT env-vars one", StartOp: "POST deploys", StatusOp: "GET deploys one",
			},
		}
	}
	l.AWS.CreateUser("deploy-bot")
	id, sec := l.AWS.CreateKey("deploy-bot")
	p, err := aws.New(aws.Config{
		KeyID: env["AWS_ACCESS_KEY_ID"], Secret: secret.New(env["AWS_SECRET_ACCESS_KEY"]), Client: providertest.Client(t),
		IAMEndpoint: l.URL("aws"), STSEndpoint: l.URL("aws"),
	})
	if err != nil {
		t.Fatal(err)
	}
	use := func(c credential.Credential) { l.AWS.Use(c.ID, c.Part(credential.PartSecret).Reveal(), "sqs") }
	return &providertest.World{
		Lab: l, Twin: "aws", Provider: issuer{p}, Secrets: []string{env["AWS_SECRET_ACCESS_KEY"], sec},
		Issuer: &providertest.IssuerSide{
			Old: credential.Credential{Kind: credential.AWSAccessKey, ID: id, Parts: map[credential.Part]secret.Text{
				credential.PartID: secret.New(id), credential.PartSecret: secret.New(sec),
			}},
			Keys: func() []string {
				var ids []string
				for _, k := range l.AWS.Keys("deploy-bot") {
					ids = append(ids, k.ID)
				}
				return ids
			},
			Accepts: func(c credential.Credential) bool { return l.AWS.Accepts(c.ID, c.Part(credential.PartSecret).Reveal()) },
			Fill:    func() { l.AWS.CreateKey("deploy-bot") }, Use: use,
			VerifyOp: "GetCallerIdentity", InspectOp: "ListAccessKeys", IssueOp: "CreateAccessKey", ListOp: "ListAccessKeys",
			DisableOp: "UpdateAccessKey", DeleteOp: "DeleteAccessKey", UsedOp: "GetAccessKeyLastUsed", ClaimOp: "TagUser", UnclaimOp: "UntagUser", ClaimsOp: "ListUserTags",
		},
	}
}
