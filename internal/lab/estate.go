package lab

import (
	"fmt"
	"sync"
	"time"
)

// Estate is the small production of the demo: one leaked AWS key that a Netlify
// site and a Render service run with.
type Estate struct {
	User                   string
	LeakedID, LeakedSecret string
	Site                   string // Netlify site id
	Web                    string // Render service id

	watch *watch
}

// watch asks every consumer again and again whether it is well.
type watch struct {
	mu       sync.Mutex
	failures int
	asked    int
}

// DemoEstate builds the estate and deploys it live with the leaked key.
func DemoEstate(l *Lab) (Estate, error) { return estate(l, true) }

// SmallEstate is the demo's estate with the Netlify site as its only consumer.
func SmallEstate(l *Lab) (Estate, error) { return estate(l, false) }

func estate(l *Lab, web bool) (Estate, error) {
	e := Estate{User: "deploy-bot", watch: &watch{}}
	l.AWS.CreateUser(e.User)
	e.LeakedID, e.LeakedSecret = l.AWS.CreateKey(e.User)

	e.Site = l.Netlify.AddSite("shop-frontend")
	l.Netlify.SetVar(e.Site, "AWS_ACCESS_KEY_ID", "production", e.LeakedID, false)
	l.Netlify.SetVar(e.Site, "AWS_SECRET_ACCESS_KEY", "production", e.LeakedSecret, false)
	l.Netlify.SetVar(e.Site, "AWS_REGION", "all", "eu-west-1", false)
	l.Netlify.SetVar(e.Site, "SITE_TITLE", "all", "The Shop", false)
	l.Netlify.SetVar("", "LOG_LEVEL", "all", "info", false)

	want := 1
	if web {
		want = 2
		e.Web = l.Render.AddService("shop-subscriber", "web_service")
		l.Render.SetVar(e.Web, "AWS_ACCESS_KEY_ID", e.LeakedID)
		l.Render.SetVar(e.Web, "AWS_SECRET_ACCESS_KEY", e.LeakedSecret)
		l.Render.SetVar(e.Web, "PORT", "8080")
		l.Render.Deploy(e.Web)
	}
	l.Netlify.Deploy(e.Site)
	deadline := time.Now().Add(l.opts.DeployTime + 10*time.Second)
	for len(l.LiveKeys()) < want {
		if time.Now().After(deadline) {
			return e, fmt.Errorf("the estate did not go live: %v", l.LiveKeys())
		}
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // a twin runs on the real clock
	}
	l.watch(e.watch)
	return e, nil
}

// watch looks at all consumers every few milliseconds until the lab closes.
func (l *Lab) watch(w *watch) {
	l.wg.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-l.closed:
				return
			case <-tick.C:
			}
			for _, c := range l.consumers() {
				if !c.usesKey(l) {
					continue
				}
				ok := c.well(l)
				w.mu.Lock()
				w.asked++
				if !ok {
					w.failures++
				}
				w.mu.Unlock()
			}
		}
	})
}

// Failures returns how often a consumer was found unwell, of how many looks.
func (e Estate) Failures() int {
	e.watch.mu.Lock()
	defer e.watch.mu.Unlock()
	return e.watch.failures
}

// Looks returns how often the consumers were looked at.
func (e Estate) Looks() int {
	e.watch.mu.Lock()
	defer e.watch.mu.Unlock()
	return e.watch.asked
}
