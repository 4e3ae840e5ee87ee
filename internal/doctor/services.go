package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/providers"
)

// queuePath is how SQS names a queue below its host.
var queuePath = regexp.MustCompile(`^/([0-9]{12})/([A-Za-z0-9_-]{1,80}(\.fifo)?)$`)

// regionName is the form of AWS's regions.
var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$`)

// QueueRegion returns the region in a queue's URL; an error says what is wrong with
// its form, without repeating it.
func QueueRegion(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case strings.HasPrefix(address, "arn:"):
		return "", errors.New("it holds the queue's ARN, where its URL belongs")
	case err != nil || u.Host == "":
		return "", errors.New("it is no URL: a queue's name alone does not do")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("it is no http URL")
	case !queuePath.MatchString(u.Path):
		return "", errors.New("its path is not /ACCOUNT/NAME")
	}
	host := strings.Split(u.Hostname(), ".")
	switch {
	case len(host) >= 4 && host[0] == "sqs":
		return host[1], nil
	case len(host) >= 4 && host[1] == "queue": // the old form
		return host[0], nil
	}
	return "", nil // an endpoint of another kind: the region stands elsewhere
}

func (d *diagnosis) queue(q config.Queue) {
	address, ok := d.read(q.URL)
	if !ok {
		return // a finding of the variable itself
	}
	region, err := QueueRegion(address.Text.Reveal())
	if err != nil {
		d.bad("queue.url", q.URL, err.Error(), "take the URL that the console shows for the queue")
		return
	}
	if set, ok := d.read(q.Region); ok && region != "" && set.Text.Reveal() != region {
		says := "no region"
		if regionName.MatchString(set.Text.Reveal()) { // what stands there by mistake may be a key
			says = set.Text.Reveal()
		}
		d.bad("queue.region", q.Region, "it says "+says+" and the queue is in "+region, "set "+q.Region+" to "+region)
	}
	state := d.f.Queue
	if state == nil {
		d.unknown("queue.key", q.KeyID, "AWS was not asked", "set the variables first, or try again")
		return
	}
	switch state.Key.Liveness {
	case providers.Dead:
		d.bad("queue.key", q.KeyID, "AWS does not take this key: "+state.Key.Detail, "secretguard consumers find - (says where else it is); then store a key that works")
		return
	case providers.Live:
		d.ok("queue.key", q.KeyID, "AWS takes the key")
	default:
		if state.Key.Code == "SignatureDoesNotMatch" {
			d.bad("queue.key", q.Secret, "it is not the secret of this key id: they come from two keys, or one was cut", "store both halves of one key")
			return
		}
		d.unknown("queue.key", q.KeyID, cmp.Or(state.Key.Detail, state.Detail, "AWS gave no answer about the key"), "try again")
		return
	}
	name := lastPart(address.Text.Reveal())
	switch state.Exists {
	case providers.AnswerNo:
		d.bad("queue.missing", name, "there is no such queue in this account and region", "make the queue, or correct "+q.URL)
		return
	case providers.AnswerYes:
		d.ok("queue.there", name, fmt.Sprintf("the queue is there, about %d messages wait", state.Waiting))
		if state.DeadLetter == "" {
			d.ok("queue.dead-letter", name, "it has no dead-letter queue: what fails again and again is lost or blocks")
		}
	default:
		d.unknown("queue.there", name, cmp.Or(state.Detail, "not known"), "set AWS_ACCESS_KEY_ID of an administrator for SecretGuard itself")
	}
	for _, m := range state.May {
		switch m.Answer {
		case providers.AnswerYes:
			d.ok("queue.right", m.Action, "the key may do it")
		case providers.AnswerNo:
			d.bad("queue.right", m.Action, "the key may not do it ("+m.Detail+")", "allow "+m.Action+" on "+state.ARN+" in the policy of "+state.Key.Identity.Who)
		default:
			d.unknown("queue.right", m.Action, cmp.Or(m.Detail, "not known"), "set AWS_ACCESS_KEY_ID of an administrator for SecretGuard itself")
		}
	}
}

func lastPart(address string) string { return address[strings.LastIndex(address, "/")+1:] }

func (d *diagnosis) prefect(p config.Prefect) {
	if _, ok := d.read(p.URL); !ok {
		return
	}
	s := d.f.Prefect
	switch {
	case s == nil:
		d.unknown("prefect.api", p.URL, "it was not asked", "set the variables first")
		return
	case s.API == providers.AnswerNo:
		d.bad("prefect.api", p.URL, cmp.Or(s.Detail, "no Prefect API answers there"), "take the API's own address, which ends in /api or in /workspaces/ID")
		return
	case s.API != providers.AnswerYes:
		d.unknown("prefect.api", p.URL, cmp.Or(s.Detail, "it gave no answer"), "see that the server runs and can be reached from here, then try again")
		return
	case s.Key == providers.AnswerNo:
		d.bad("prefect.key", cmp.Or(p.Key, p.Auth), "Prefect does not take it", "secretguard plan CASE (replaces it), or store one that works")
		return
	case s.Key != providers.AnswerYes:
		d.unknown("prefect.key", cmp.Or(p.Key, p.Auth), cmp.Or(s.Detail, "not known"), "try again")
		return
	}
	d.ok("prefect.key", cmp.Or(p.Key, p.Auth), "Prefect answers and takes it")
	d.deployment(p, *s)
	d.pool(p, *s)
}

func (d *diagnosis) deployment(p config.Prefect, s Prefect) {
	if p.Deployment == "" {
		return
	}
	switch {
	case s.Deployment == providers.AnswerNo:
		d.bad("prefect.deployment", p.Deployment, "there is no such deployment, or this key does not see its workspace", "in its repository: prefect deploy --name "+lastPart(p.Deployment))
	case s.Deployment != providers.AnswerYes:
		d.unknown("prefect.deployment", p.Deployment, cmp.Or(s.Detail, "not known"), "try again")
	case s.Paused:
		d.bad("prefect.deployment", p.Deployment, "it is there and paused", "prefect deployment resume "+quote(p.Deployment))
	default:
		d.ok("prefect.deployment", p.Deployment, "it is there")
	}
}

func (d *diagnosis) pool(p config.Prefect, s Prefect) {
	switch {
	case p.Pool == "" && p.Deployment == "":
	case s.Pool == "" && s.Deployment == providers.AnswerYes:
		d.ok("prefect.pool", p.Deployment, "it runs without a work pool")
	case s.Pool == "":
	case s.PoolThere == providers.AnswerNo:
		d.bad("prefect.pool", s.Pool, "there is no such work pool", "prefect work-pool create "+quote(s.Pool))
	case s.PoolThere != providers.AnswerYes:
		d.unknown("prefect.pool", s.Pool, cmp.Or(s.Detail, "not known"), "try again")
	case s.PoolPaused:
		d.bad("prefect.pool", s.Pool, "it is paused: nothing of it runs", "prefect work-pool resume "+quote(s.Pool))
	case s.Workers != providers.AnswerYes && s.Workers != providers.AnswerNo:
		d.unknown("prefect.worker", s.Pool, cmp.Or(s.Detail, "its workers are not known"), "try again")
	case s.Online == 0:
		d.bad("prefect.worker", s.Pool, "no worker of the pool is online: runs are accepted and wait for ever", "prefect worker start --pool "+quote(s.Pool))
	default:
		d.ok("prefect.worker", s.Pool, fmt.Sprintf("workers online: %d", s.Online))
	}
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (d *diagnosis) supabase(p config.Supabase) {
	if _, ok := d.read(p.URL); !ok {
		return
	}
	s := d.f.Supabase
	switch {
	case s == nil:
		d.unknown("supabase.key", p.Key, "Supabase was not asked: a value is not known here", "set the variables first")
	case s.Key == providers.AnswerYes:
		d.ok("supabase.key", p.Key, "the project takes the key")
	case s.Key == providers.AnswerNo:
		d.bad("supabase.key", p.Key, "the project does not take the key", "take a key of this project: Supabase, Project Settings, API Keys; then "+d.setIn(p.Key))
	default:
		d.unknown("supabase.key", p.Key, cmp.Or(s.Detail, "not known"), "correct "+p.URL+", or try again")
	}
}
