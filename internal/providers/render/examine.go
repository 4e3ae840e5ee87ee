package render

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

var _ providers.Examiner = (*Provider)(nil)

type serviceItem struct {
	Service service `json:"service"`
	Cursor  string  `json:"cursor"`
}

// Find returns the services with this name or id.
func (p *Provider) Find(ctx context.Context, name string) (found []providers.Target, gaps []providers.Gap, err error) {
	err = pages(ctx, p, "list services", "/services", func(i serviceItem) string { return i.Cursor }, func(i serviceItem) {
		if i.Service.Name == name || i.Service.ID == name {
			found = append(found, target(i.Service))
		}
	})
	return found, nil, err
}

// Environment returns a service's own variables and those of the groups that are
// linked to it. Its own win, as is believed: Render's document does not say.
func (p *Provider) Environment(ctx context.Context, t providers.Target) (providers.Environment, error) {
	s := &search{p: p, services: map[string]service{}}
	values := map[string]providers.Variable{}
	put := func(v envVar, from string) {
		values[v.Key] = providers.Variable{Key: v.Key, Value: secret.New(v.Value), Readable: true, From: from}
	}
	groups, err := s.linked(ctx, t)
	if err != nil {
		return providers.Environment{}, err
	}
	for _, g := range groups {
		for _, v := range g.EnvVars {
			put(v, "env group "+g.Name)
		}
	}
	err = pages(ctx, p, "list variables of "+t.Name, "/services/"+url.PathEscape(t.ID)+"/env-vars", func(i varItem) string { return i.Cursor }, func(i varItem) { put(i.EnvVar, "service") })
	return providers.Environment{
		Variables: slices.SortedFunc(maps.Values(values), func(a, b providers.Variable) int { return cmp.Compare(a.Key, b.Key) }), Gaps: s.out.Gaps,
	}, err
}

// linked reads the groups of the service's workspace that are linked to it.
func (s *search) linked(ctx context.Context, t providers.Target) ([]group, error) {
	list, err := s.listGroups(ctx, t.Account, t.Account)
	if err != nil {
		return nil, err
	}
	var out []group
	for _, i := range list {
		if !slices.ContainsFunc(i.Links, func(l link) bool { return l.ID == t.ID }) {
			continue
		}
		g, ok, err := s.readGroup(ctx, i)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, g)
		}
	}
	return out, nil
}

// Condition looks at the service's deploys, at what Render suspended it for, at
// instances that failed since the live deploy began, and at the end of the log.
func (p *Provider) Condition(ctx context.Context, t providers.Target) (providers.Condition, error) {
	var c providers.Condition
	var s service
	if err := p.call(ctx, "read service "+t.Name, http.MethodGet, "/services/"+url.PathEscape(t.ID), nil, &s); err != nil {
		return c, err
	}
	list, err := p.recent(ctx, t)
	if err != nil {
		return c, err
	}
	c.Deploys = stateOf(list)
	since := c.Deploys.Newest.Created
	for _, d := range list {
		if d.ID == c.Deploys.LiveID {
			c.Live, since = d.CreatedAt, d.CreatedAt
		}
	}
	switch {
	case slices.Contains(s.Suspenders, "stuck_crashlooping"):
		c.Crashed, c.Why = true, "Render suspended it because it crashes again and again"
	case c.Deploys.Newest.Phase == providers.PhaseFailed:
		c.Crashed, c.Why = true, "its newest deploy ended in "+c.Deploys.Newest.State
		since = c.Deploys.Newest.Created
	case c.Deploys.LiveID != "":
		n, err := p.failures(ctx, t, since)
		if err != nil {
			c.Gaps = append(c.Gaps, providers.Gap{What: "events of " + t.Name, Why: "they could not be read"})
		} else if n > 0 {
			c.Crashed, c.Why = true, "its process ended by itself since the live deploy began"
		}
	}
	if c.Crashed {
		c.Log = p.logTail(ctx, s, since, "app", &c)
	}
	return c, nil
}

// failures counts the instances that ended by themselves since a time.
func (p *Provider) failures(ctx context.Context, t providers.Target, since time.Time) (n int, err error) {
	var list []struct {
		Event struct {
			Type      string    `json:"type"`
			Timestamp time.Time `json:"timestamp"`
		} `json:"event"`
	}
	q := url.Values{"type": {"server_failed"}, "startTime": {since.UTC().Format(time.RFC3339Nano)}, "limit": {"20"}}
	err = p.call(ctx, "list events of "+t.Name, http.MethodGet, "/services/"+url.PathEscape(t.ID)+"/events?"+q.Encode(), nil, &list)
	for _, i := range list {
		if i.Event.Type == "server_failed" && i.Event.Timestamp.After(since) {
			n++
		}
	}
	return n, err
}

// logLines is how many lines of a log are shown.
const logLines = 20

// logTail returns the last lines of a kind of log since a time, oldest first. One
// that cannot be read is a gap: it is a help, no proof.
func (p *Provider) logTail(ctx context.Context, s service, since time.Time, kind string, c *providers.Condition) []string {
	lines, err := p.logs(ctx, s, since, kind)
	if err != nil {
		c.Gaps = append(c.Gaps, providers.Gap{What: "log of " + s.Name, Why: "it could not be read"})
	}
	return lines
}

func (p *Provider) logs(ctx context.Context, s service, since time.Time, kind string) ([]string, error) {
	var out struct {
		Logs []struct {
			Message string `json:"message"`
		} `json:"logs"`
	}
	q := url.Values{
		"ownerId": {s.OwnerID}, "resource": {s.ID}, "type": {kind}, "direction": {"backward"}, "limit": {"20"}, "startTime": {since.UTC().Format(time.RFC3339Nano)},
	}
	if err := p.call(ctx, "read the log of "+s.Name, http.MethodGet, "/logs?"+q.Encode(), nil, &out); err != nil {
		return nil, err
	}
	var lines []string
	for _, l := range slices.Backward(out.Logs[:min(len(out.Logs), logLines)]) {
		lines = append(lines, strings.TrimRight(l.Message, "\r\n"))
	}
	return lines, nil
}

var errSuspended = errors.New("the service is suspended: resume it, then deploy it")
