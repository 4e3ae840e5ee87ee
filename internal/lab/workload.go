package lab

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"
)

// consumer is a site or service that runs with the values of its last live
// deploy, not with what is stored: a stored value does nothing until a deploy.
type consumer struct {
	mu      sync.Mutex
	name    string
	env     map[string]string // what the live deploy runs with
	deploys []*deploy
	// drained are instances of earlier deploys that still work, and until when.
	drained []instance
	// needsKey is set once a live deploy had an AWS key: without it the consumer
	// is not well from then on.
	needsKey bool
	echoes   string // the variable that its echo endpoint tells of; empty for no endpoint
	locked   bool   // netlify: no new deploy is published
	fail     bool   // the next deploys fail
	failure  string // what the build then says

	needs   []string    // render: without these the process ends right after its start
	crashes []time.Time // render: when a process ended by itself
	log     []logLine
}

// instance is what is left of an earlier deploy: it works with its own values until
// it is stopped.
type instance struct {
	env   map[string]string
	until time.Time
}

type deploy struct {
	id      string
	env     map[string]string
	started time.Time
	trigger string
	context string // netlify: only "production" is published
	commit  string // render
	failed  bool
	failure string
	crashed bool          // it was built, and its process ended at once
	live    bool          // it has gone live once
	pinned  bool          // built, but another one stays published
	took    time.Duration // how long it took, for one of before the lab
}

// past puts deploys of yesterday before all others, which took so long.
func (c *consumer) past(like deploy, took []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range took {
		one := like
		one.id, one.took, one.live = random("0123456789abcdef", 24), d, true
		one.started = time.Now().Add(-24 * time.Hour)
		c.deploys = append([]*deploy{&one}, c.deploys...)
	}
}

// whole is how long a deploy takes from its start to live.
func (d *deploy) whole(l *Lab) time.Duration {
	if d.took > 0 {
		return d.took
	}
	return l.opts.DeployTime
}

// start begins a deploy.
func (c *consumer) start(d deploy) *deploy {
	c.mu.Lock()
	defer c.mu.Unlock()
	d.started, d.failed, d.failure = time.Now(), c.fail, c.failure
	if d.failure == "" {
		d.failure = "Build script returned non-zero exit code: 2"
	}
	c.deploys = append(c.deploys, &d)
	return &d
}

// settle moves deploys on that have had their time: the newest that is ready
// goes live and the consumer uses its key at once, as a starting service does.
func (c *consumer) settle(l *Lab) {
	for _, d := range c.deploys {
		if d.live || d.failed || d.pinned || d.context != "production" || time.Since(d.started) < l.opts.DeployTime {
			continue
		}
		if c.locked {
			d.pinned = true
			continue
		}
		if key := c.lacks(d.env); key != "" {
			d.failed, d.crashed = true, true
			c.crashes = append(c.crashes, time.Now())
			c.log = append(c.log, logLine{time.Now(), "app", "Error: " + key + " is not set"}, logLine{time.Now(), "app", "==> Exited with status 1"})
			continue
		}
		d.live = true
		if c.env != nil && l.opts.DrainTime > 0 {
			c.drained = append(c.drained, instance{c.env, time.Now().Add(l.opts.DrainTime)})
		}
		c.env = d.env
		c.needsKey = c.needsKey || d.env["AWS_ACCESS_KEY_ID"] != ""
		l.AWS.Use(c.env["AWS_ACCESS_KEY_ID"], c.env["AWS_SECRET_ACCESS_KEY"], "sqs")
	}
}

// current returns the deploy that serves now, nil before the first.
func (c *consumer) current() *deploy {
	for i := len(c.deploys) - 1; i >= 0; i-- {
		if c.deploys[i].live {
			return c.deploys[i]
		}
	}
	return nil
}

func (c *consumer) find(id string) *deploy {
	for _, d := range c.deploys {
		if d.id == id {
			return d
		}
	}
	return nil
}

// well reports whether the consumer can do its work: call the queue service with
// the key that it was deployed with, if it has ever had one.
func (c *consumer) well(l *Lab) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(l)
	if !c.needsKey {
		return c.env != nil
	}
	c.drained = slices.DeleteFunc(c.drained, func(i instance) bool { return time.Now().After(i.until) })
	for _, i := range c.drained {
		if !l.AWS.Use(i.env["AWS_ACCESS_KEY_ID"], i.env["AWS_SECRET_ACCESS_KEY"], "sqs") {
			return false
		}
	}
	return l.AWS.Use(c.env["AWS_ACCESS_KEY_ID"], c.env["AWS_SECRET_ACCESS_KEY"], "sqs")
}

// usesKey reports whether the consumer's work hangs on an AWS key.
func (c *consumer) usesKey(l *Lab) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(l)
	return c.needsKey
}

func (c *consumer) liveKey(l *Lab) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(l)
	return c.env["AWS_ACCESS_KEY_ID"]
}

// consumers returns every site and service by name.
func (l *Lab) consumers() map[string]*consumer {
	out := map[string]*consumer{}
	l.Netlify.mu.Lock()
	for _, s := range l.Netlify.sites {
		out["netlify/"+s.name] = &s.consumer
	}
	l.Netlify.mu.Unlock()
	l.Render.mu.Lock()
	for _, s := range l.Render.services {
		out["render/"+s.name] = &s.consumer
	}
	l.Render.mu.Unlock()
	return out
}

// DeployView is what /_lab/state tells of a consumer's deploys.
type DeployView struct {
	First string `json:"first"` // the one from before any rotation
	Live  string `json:"live"`
	Count int    `json:"count"`
}

func (c *consumer) view() DeployView {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := DeployView{Count: len(c.deploys)}
	if len(c.deploys) > 0 {
		v.First = c.deploys[0].id
	}
	if d := c.current(); d != nil {
		v.Live = d.id
	}
	return v
}

// LiveKeys returns, for each consumer that uses AWS, the id of the key that its
// live deploy runs with.
func (l *Lab) LiveKeys() map[string]string {
	out := map[string]string{}
	for name, c := range l.consumers() {
		if id := c.liveKey(l); id != "" {
			out[name] = id
		}
	}
	return out
}

// admin serves /_lab/state for people and tests, /_lab/person and /_lab/stop.
func (l *Lab) admin(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.looks++
	l.mu.Unlock()
	switch r.URL.Path {
	case "/_lab/state":
		state := struct {
			LiveKeys map[string]string     `json:"live_keys"`
			Well     map[string]bool       `json:"well"`
			Deploys  map[string]DeployView `json:"deploys"`
			Keys     map[string][]KeyView  `json:"keys"`
		}{l.LiveKeys(), map[string]bool{}, map[string]DeployView{}, map[string][]KeyView{}}
		for name, c := range l.consumers() {
			state.Well[name] = c.well(l)
			state.Deploys[name] = c.view()
		}
		for _, u := range l.AWS.userNames() {
			state.Keys[u] = l.AWS.Keys(u)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(state) // the client may be gone
	case "/_lab/person":
		l.person(w, r)
	case "/_lab/stop":
		if r.Method != http.MethodPost {
			http.Error(w, "POST", http.StatusMethodNotAllowed)
			return
		}
		l.once.Do(func() { close(l.stop) })
	default:
		http.NotFound(w, r)
	}
}

func (a *AWS) userNames() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for n := range a.users {
		out = append(out, n)
	}
	return out
}
