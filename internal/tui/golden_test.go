package tui_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui"
	"github.com/secretguard/secretguard/internal/tui/fixture"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

var update = flag.Bool("update", false, "rewrite the golden pictures")

// sizes are the ones at which the layout is looked at: the smallest, the usual
// one, a larger one of the same kind, and two wide ones.
var sizes = [][2]int{{60, 15}, {80, 24}, {100, 30}, {120, 30}, {160, 50}}

// scene is a way to one state of one screen.
type scene struct {
	setup func(*fixture.Engine, *tui.Config)
	play  func(*driver)
}

func facts(change func(*screen.Facts)) func(*fixture.Engine, *tui.Config) {
	return func(_ *fixture.Engine, c *tui.Config) { change(&c.Facts) }
}

func board(b func(*fixture.Engine) screen.Board) func(*fixture.Engine, *tui.Config) {
	return func(e *fixture.Engine, _ *tui.Config) {
		e.Scan = func(context.Context) (screen.Board, error) { return b(e), nil }
	}
}

// hang makes a scan that goes on until it is stopped, and then returns a part.
func hang(e *fixture.Engine, _ *tui.Config) {
	e.Scan = func(ctx context.Context) (screen.Board, error) {
		<-ctx.Done()
		b := e.World.Board()
		b.Cases, b.Stopped, b.Coverage.Complete = b.Cases[:2], true, false
		return b, nil
	}
}

func w() fixture.World { return fixture.World{} }

// step is the place of a step in the plan.
func step(id string) int {
	for i, s := range w().Plan(keep).Steps {
		if strings.HasPrefix(s.ID, id) {
			return i
		}
	}
	panic("no step " + id)
}

// scenes are all states of all screens.
var scenes = map[string]scene{
	"list-unasked":      {},
	"list-loading":      {hang, func(*driver) {}},
	"list-stopped":      {hang, func(d *driver) { d.press("esc") }},
	"list-partial":      {board(func(e *fixture.Engine) screen.Board { return e.World.Partial() }), nil},
	"list-empty":        {board(func(e *fixture.Engine) screen.Board { return e.World.Empty(true) }), nil},
	"list-empty-gaps":   {board(func(e *fixture.Engine) screen.Board { return e.World.Empty(false) }), nil},
	"list-error":        {failedScan, nil},
	"list-verified":     {nil, func(d *driver) { d.verifyAll() }},
	"list-stale":        {nil, func(d *driver) { d.verifyAll(); d.pause(2 * time.Hour); d.press("down") }},
	"list-offline":      {facts(func(f *screen.Facts) { f.Offline = true }), func(d *driver) { d.press("R") }},
	"list-read-only":    {facts(func(f *screen.Facts) { f.ReadOnly = true }), nil},
	"list-typing":       {nil, func(d *driver) { d.press("/"); d.typeText("env") }},
	"list-filtered":     {nil, func(d *driver) { d.press("/"); d.typeText("密钥 or not"); d.press("enter") }},
	"list-marks":        {nil, func(d *driver) { d.press("space", "down", "space") }},
	"list-facets":       {nil, func(d *driver) { d.verifyAll(); d.press("f") }},
	"list-disabled-key": {nil, func(d *driver) { d.press("down", "down", "R") }},
	"list-run-open":     {nil, func(d *driver) { d.openRun(d.w().Run(4, rotate.StepRunning, "")); d.press("esc") }},
	"verify-question":   {nil, func(d *driver) { d.press("r") }},
	"ignore-form":       {nil, func(d *driver) { d.verifyAll(); d.press("i", "enter") }},
	"help-list":         {nil, func(d *driver) { d.press("?") }},
	"palette":           {nil, func(d *driver) { d.press(":"); d.typeText("ver") }},
	"log":               {board(func(e *fixture.Engine) screen.Board { return e.World.Partial() }), func(d *driver) { d.verifyAll(); d.press("L") }},
	"offer":             {func(e *fixture.Engine, _ *tui.Config) { e.Left = []screen.Run{e.World.Run(5, rotate.StepWaiting, "")} }, nil},

	"detail":            {nil, func(d *driver) { d.verifyAll(); d.openDetail() }},
	"detail-gaps":       {func(e *fixture.Engine, _ *tui.Config) { e.Gaps = true }, func(d *driver) { d.openDetail(); d.press("tab", "down") }},
	"detail-lines":      {nil, func(d *driver) { d.openDetail(); d.press("tab", "tab") }},
	"detail-offline":    {facts(func(f *screen.Facts) { f.Offline = true }), func(d *driver) { d.openDetail() }},
	"detail-error":      {lost, func(d *driver) { d.openDetail(); d.verifyAll() }},
	"detail-incomplete": {nil, func(d *driver) { d.press("/"); d.typeText("readme"); d.press("enter"); d.openDetail() }},
	"detail-foreign":    {nil, func(d *driver) { d.press("/"); d.typeText("stripe"); d.press("enter"); d.openDetail() }},
	"detail-stale":      {nil, func(d *driver) { d.verifyAll(); d.openDetail(); d.pause(3 * time.Hour); d.press("down") }},
	"reveal-question":   {nil, func(d *driver) { d.openDetail(); d.press("V") }},

	"plan":           {nil, func(d *driver) { d.openPlan() }},
	"plan-contain":   {nil, func(d *driver) { d.press("X"); d.press("end") }},
	"plan-expired":   {nil, func(d *driver) { d.openPlan(); d.pause(20 * time.Minute); d.press("A") }},
	"plan-read-only": {facts(func(f *screen.Facts) { f.ReadOnly = true }), func(d *driver) { d.openPlan(); d.press("A") }},
	"plan-step":      {nil, func(d *driver) { d.openPlan(); d.press("down", "down", "enter") }},
	"plan-error":     {lost, func(d *driver) { d.openPlan() }},

	"approve":         {nil, func(d *driver) { d.openPlan(); d.press("A"); d.typeText("rotate deplo") }},
	"approve-matched": {nil, func(d *driver) { d.openPlan(); d.press("A"); d.typeText("rotate deploy-bot") }},
	"approve-pasted":  {nil, func(d *driver) { d.openPlan(); d.press("A"); d.send(tea.PasteMsg{Content: "rotate deploy-bot"}) }},
	"approve-contain": {nil, func(d *driver) { d.press("X", "A") }},
	"approve-refused": {refused, func(d *driver) { d.openPlan(); d.approve("rotate deploy-bot") }},

	"run": {nil, func(d *driver) {
		d.openRun(d.w().Run(3, rotate.StepRunning, "rate limited (HTTP 429); waiting 30s, attempt 2 of 6"))
	}},
	"run-held": {nil, func(d *driver) { d.openRun(d.w().Run(step("attest:s1"), rotate.StepFailed, heldText)) }},
	"run-held-build": {nil, func(d *driver) {
		d.openRun(d.w().Run(step("deploy:"), rotate.StepFailed, "deploy d-7 ended as \"build_failed\": exit 1; mend the build, then resume"))
	}},
	"run-your-turn":    {nil, func(d *driver) { d.openRun(d.w().Guided(rotate.ActIssue)) }},
	"run-your-removal": {nil, func(d *driver) { d.openRun(d.w().Guided(rotate.ActDelete)) }},
	"guided":           {nil, func(d *driver) { d.openRun(d.w().Guided(rotate.ActIssue)); d.press("H") }},
	"guided-pasted": {nil, func(d *driver) {
		d.openRun(d.w().Guided(rotate.ActIssue))
		d.press("H")
		d.send(tea.PasteMsg{Content: fixture.NewKey + "\n"})
	}},
	"guided-refused": {nil, func(d *driver) {
		d.openRun(d.w().Guided(rotate.ActIssue))
		d.engine.Refused = screen.Problem{Text: "that is the old key, the one that leaked: make a new one, and hand that in"}
		d.press("H")
		d.send(tea.PasteMsg{Content: fixture.NewKey})
		d.press("enter")
	}},
	"guided-removal":   {nil, func(d *driver) { d.openRun(d.w().Guided(rotate.ActDelete)); d.press("H") }},
	"run-still-alive":  {nil, func(d *driver) { d.openRun(d.w().StillAlive()) }},
	"list-still-alive": {nil, func(d *driver) { d.openRun(d.w().StillAlive()); d.press("esc") }},
	"list-your-turn":   {nil, func(d *driver) { d.openRun(d.w().Guided(rotate.ActIssue)); d.press("esc") }},
	"plan-guided":      {nil, func(d *driver) { d.openRun(d.w().Guided(rotate.ActIssue)); d.press("home", "enter") }},
	"run-paused":       {nil, func(d *driver) { d.openRun(d.w().Run(5, rotate.StepWaiting, "")) }},
	"run-pausing":      {nil, func(d *driver) { d.openRun(d.w().Run(3, rotate.StepRunning, "deploy is building")); d.press("p") }},
	"run-going-back":   {nil, func(d *driver) { d.openRun(d.w().GoingBack()) }},
	"run-elsewhere":    {elsewhere, func(d *driver) { d.press("down", "enter") }},
	"run-step":         {nil, func(d *driver) { d.openRun(d.w().Run(5, rotate.StepRunning, "")); d.press("home", "enter") }},
	"run-log":          {nil, func(d *driver) { d.openRun(d.w().Run(9, rotate.StepRunning, "")); d.press("L") }},
	"run-leave":        {nil, func(d *driver) { d.openRun(d.w().Run(5, rotate.StepRunning, "")); d.press("q") }},
	"run-ctrl-c":       {nil, func(d *driver) { d.openRun(d.w().Run(5, rotate.StepRunning, "")); d.press("ctrl+c") }},
	"run-read-only":    {func(e *fixture.Engine, c *tui.Config) { c.Facts.ReadOnly = true; leftHeld(e, c) }, func(d *driver) { d.press("down", "enter", "t") }},
	"accept-form":      {nil, func(d *driver) { d.openRun(d.w().Run(step("attest:s1"), rotate.StepFailed, heldText)); d.press("K") }},
	"roll-back": {nil, func(d *driver) {
		d.openRun(d.w().Run(5, rotate.StepWaiting, ""))
		d.press("B")
		d.typeText("roll back")
	}},
	"help-run": {nil, func(d *driver) { d.openRun(d.w().Run(5, rotate.StepRunning, "")); d.press("?") }},

	"summary":             {nil, func(d *driver) { d.openRun(d.w().Run(9, rotate.StepRunning, "")); d.hear(d.w().Finished()) }},
	"summary-abandoned":   {nil, func(d *driver) { d.openRun(d.w().GoingBack()); d.hear(d.w().Abandoned()) }},
	"summary-rolled-back": {nil, func(d *driver) { d.openRun(d.w().GoingBack()); d.hear(d.w().RolledBack()) }},
	"summary-advice":      {nil, func(d *driver) { d.openRun(d.w().Finished()); d.press("h") }},
	"summary-steps":       {nil, func(d *driver) { d.openRun(d.w().Finished()); d.press("enter") }},
	"summary-exported":    {nil, func(d *driver) { d.openRun(d.w().Finished()); d.press("e") }},
}

const heldText = "shop-frontend reaches L1 (deploy d-9 is live, newer than the push), L3 is wanted; wait and resume, or accept it: secretguard rotate waive"

func failedScan(e *fixture.Engine, _ *tui.Config) {
	e.Scan = func(context.Context) (screen.Board, error) {
		return screen.Board{}, screen.Problem{Text: "/srv/shop: not a git repository", Try: "secretguard scan dir /srv/shop"}
	}
}

func lost(e *fixture.Engine, _ *tui.Config) {
	e.Lost = screen.Problem{Text: "list access keys: forbidden (HTTP 403): AccessDenied", Try: "secretguard providers show aws (lists the rights that are needed)"}
}

func refused(e *fixture.Engine, _ *tui.Config) {
	e.Refused = errors.New("another run over this key is not finished")
}

// elsewhere is a run that another process began.
func elsewhere(e *fixture.Engine, _ *tui.Config) {
	r := e.World.Run(4, rotate.StepRunning, "")
	r.Active = false
	e.Left = []screen.Run{r}
	e.SetRun(r)
}

func leftHeld(e *fixture.Engine, _ *tui.Config) {
	r := e.World.Run(step("attest:s1"), rotate.StepFailed, heldText)
	e.Left = []screen.Run{r}
	e.SetRun(r)
}

// picture plays a scene and gives it at each size.
func picture(t *testing.T, s scene, draw func(*driver, int, int)) {
	t.Helper()
	play(t, s.setup, func(d *driver) {
		if s.play != nil {
			s.play(d)
		}
		for _, size := range sizes {
			d.root.Size(size[0], size[1])
			draw(d, size[0], size[1])
		}
	})
}

func TestPictures(t *testing.T) {
	t.Parallel()
	for name, s := range scenes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			picture(t, s, func(d *driver, width, height int) {
				p := d.root.Plain()
				checkShape(t, p, width, height)
				fmt.Fprintf(&b, "== %dx%d\n%s", width, height, p)
			})
			golden(t, name, b.String())
		})
	}
}

// checkShape fails when a picture is not exactly as large as the terminal, or
// wider.
func checkShape(t *testing.T, p string, width, height int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(p, "\n"), "\n")
	if len(lines) != height {
		t.Errorf("%d lines in a terminal of %d:\n%s", len(lines), height, p)
	}
	for i, l := range lines {
		if n := term.Width(term.Clean(l)); n > width {
			t.Errorf("line %d is %d cells wide in a terminal of %d: %q", i+1, n, width, l)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	for _, s := range fixture.Secrets() {
		if strings.Contains(got, s) {
			t.Fatalf("a secret is in the picture %s", name)
		}
	}
	path := filepath.Join("testdata", "pictures", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make it with: go test ./internal/tui -update", err)
	}
	if got != string(want) {
		t.Errorf("%s has changed; if that is meant: go test ./internal/tui -update\n%s", path, difference(string(want), got))
	}
}

// difference shows the first lines that differ.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out strings.Builder
	shown := 0
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y && shown < 12 {
			shown++
			fmt.Fprintf(&out, "%4d - %s\n     + %s\n", i+1, x, y)
		}
	}
	return out.String()
}

// The same pictures in ASCII: no character that an old terminal lacks.
func TestASCIIPictures(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"list-verified", "detail-gaps", "approve", "run-held", "summary"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scenes[name]
			setup := s.setup
			s.setup = func(e *fixture.Engine, c *tui.Config) {
				c.ASCII = true
				if setup != nil {
					setup(e, c)
				}
			}
			picture(t, s, func(d *driver, _, _ int) {
				p := strings.ReplaceAll(d.root.Plain(), "配置/数据库 密码.env", "") // a foreign name stays as it is
				for _, r := range p {
					if r > 0x7e {
						t.Fatalf("%q is not ASCII in:\n%s", r, p)
					}
				}
			})
		})
	}
}

// Two pictures with their colours, so that a lost style is seen.
func TestColours(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"list-verified", "run-held"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scenes[name]
			var out string
			play(t, func(e *fixture.Engine, c *tui.Config) {
				c.NoColor = false
				if s.setup != nil {
					s.setup(e, c)
				}
			}, func(d *driver) {
				s.play(d)
				out = strings.ReplaceAll(d.root.Screen(), "\x1b", "ESC")
			})
			golden(t, name+"-colour", out+"\n")
			if !strings.Contains(out, "ESC[") {
				t.Error("no colour at all")
			}
		})
	}
}
