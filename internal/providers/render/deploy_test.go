package render_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/render"
)

func deployed(t *testing.T, o lab.Options, kind string) (*lab.Lab, *render.Provider, providers.Target) {
	t.Helper()
	l := providertest.Start(t, o)
	id := l.Render.AddService("app", kind)
	l.Render.Deploy(id)
	return l, open(t, l), providers.Target{Provider: "render", ID: id, Name: "app"}
}

// A deploy that is queued is answered with nothing: it is found by being new.
func TestQueuedDeploy(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"cron_job", "background_worker"} {
		l, p, target := deployed(t, lab.Options{}, kind)
		l.Render.Queue(true)
		before, err := p.Latest(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Start(t.Context(), target)
		if err != nil || d.ID == "" || d.ID == before.Newest.ID {
			t.Errorf("%s: %+v, %v", kind, d, err)
		}
		after, err := p.Latest(t.Context(), target)
		if err != nil || after.Newest.ID != d.ID {
			t.Errorf("%s: %+v, %v", kind, after, err)
		}
	}
}

// Where auto-deploy is off, the newest commit may be code that nobody released:
// what is live is deployed again. Elsewhere the newest commit goes out.
func TestCommit(t *testing.T) {
	t.Parallel()
	for _, manual := range []bool{false, true} {
		l, p, target := deployed(t, lab.Options{}, "web_service")
		if manual {
			l.Render.ManualDeploys(target.ID)
		}
		before := l.Render.LiveCommit(target.ID)
		for range 2 {
			if _, err := p.Start(t.Context(), target); err != nil {
				t.Fatal(err)
			}
		}
		if same := l.Render.LiveCommit(target.ID) == before; same != manual {
			t.Errorf("auto-deploy off %v, the same commit %v", manual, same)
		}
	}
	// A cron job takes no commit.
	l, p, target := deployed(t, lab.Options{}, "cron_job")
	l.Render.ManualDeploys(target.ID)
	if _, err := p.Start(t.Context(), target); err != nil {
		t.Error(err)
	}
}

func TestAnotherDeployIsRunning(t *testing.T) {
	t.Parallel()
	l, p, target := deployed(t, lab.Options{DeployTime: time.Hour}, "web_service")
	l.Render.Busy(true)
	if _, err := p.Start(t.Context(), target); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("got %v", err)
	}
}

func TestSuspendedServiceIsNotDeployed(t *testing.T) {
	t.Parallel()
	l, p, target := deployed(t, lab.Options{}, "web_service")
	l.Render.Suspend(target.ID)
	if _, err := p.Start(t.Context(), target); !errors.Is(err, providers.ErrUnsupported) || !strings.Contains(err.Error(), "resume it") {
		t.Errorf("got %v", err)
	}
	for _, r := range l.Requests() {
		if r.Mutates {
			t.Errorf("sent %s %s", r.Method, r.Path)
		}
	}
}

// Ratelimit-Reset comes as seconds left and as Unix time; with an answer that is
// no refusal for the rate it means nothing.
func TestRatelimitReset(t *testing.T) {
	t.Parallel()
	epoch := strconv.FormatInt(time.Now().Add(51*time.Second).Unix(), 10)
	for name, tc := range map[string]struct {
		status int
		header map[string]string
		want   time.Duration
	}{
		"seconds left":        {429, map[string]string{"Ratelimit-Reset": "51"}, 51 * time.Second},
		"Unix time":           {429, map[string]string{"Ratelimit-Reset": epoch}, 50 * time.Second},
		"Retry-After":         {429, map[string]string{"Retry-After": "3", "Ratelimit-Reset": "51"}, 3 * time.Second},
		"another answer":      {503, map[string]string{"Ratelimit-Reset": "51"}, 0},
		"one that is refused": {409, map[string]string{"Ratelimit-Reset": "51"}, 0},
	} {
		l, p, target := deployed(t, lab.Options{}, "web_service")
		l.Fault("render", "POST deploys", lab.Fault{Status: tc.status, Header: tc.header})
		_, err := p.Start(t.Context(), target)
		var e *providers.Error
		if !errors.As(err, &e) || e.RetryAfter < tc.want-2*time.Second || e.RetryAfter > tc.want+2*time.Second {
			t.Errorf("%s: %v waits %v, want %v", name, err, e.RetryAfter, tc.want)
		}
	}
	// The twin sends the headers with everything, in both ways.
	for _, asEpoch := range []bool{false, true} {
		l, p, target := deployed(t, lab.Options{}, "web_service")
		l.Render.EpochReset(asEpoch)
		if _, err := p.Start(t.Context(), target); err != nil {
			t.Error(err)
		}
	}
}

// Render's name of a request is what its support asks for.
func TestRequestIDIsKept(t *testing.T) {
	t.Parallel()
	_, p, target := deployed(t, lab.Options{}, "web_service")
	_, err := p.Status(t.Context(), target, "dep-nowhere")
	var e *providers.Error
	if !errors.As(err, &e) || !errors.Is(err, providers.ErrNotFound) || len(e.RequestID) != 24 || !strings.Contains(err.Error(), e.RequestID) {
		t.Errorf("got %v", err)
	}
}

// A deploy that failed says why, in the words of its log and without its secrets.
func TestFailedDeployHasLastWords(t *testing.T) {
	t.Parallel()
	l, p, _ := deployed(t, lab.Options{}, "web_service")
	target := one(t, p, "app")
	key := lab.MadeUp("", 14) + "/" + lab.MadeUp("", 5)
	l.Render.SetVar(target.ID, "API_KEY", key)
	status := func() providers.Deploy {
		d, err := p.Start(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		l.Render.Log(target.ID, "build", "npm ERR! with "+key)
		l.Render.Log(target.ID, "app", "Error: no such table")
		if d, err = p.Status(t.Context(), target, d.ID); err != nil {
			t.Fatal(err)
		}
		return d
	}
	l.Render.Fail(target.ID, true)
	if d := status(); d.Phase != providers.PhaseFailed || d.Detail != "npm ERR! with <API_KEY>" {
		t.Errorf("build: %+v", d)
	}
	l.Render.Fail(target.ID, false)
	l.Render.Needs(target.ID, "NO_SUCH")
	if d := status(); d.Phase != providers.PhaseFailed || !strings.Contains(d.Detail, "Error: NO_SUCH is not set") {
		t.Errorf("start: %+v", d)
	}
	for _, op := range []string{"GET logs", "GET env-vars"} {
		l.Fault("render", op, lab.Fault{Status: 403, Times: 9})
		if d := status(); d.Phase != providers.PhaseFailed || d.Detail != "" {
			t.Errorf("without %s it knows less, not more: %+v", op, d)
		}
		l.Calm()
	}
}
