// Package examine gathers the facts that package doctor judges: it asks the
// providers what a consumer is given and how it does, and the services whether they
// take what it was given. It only reads; no message is sent and no run is started.
package examine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/doctor"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Examiner gathers facts. Its fields do not change; it may be used from many
// goroutines.
type Examiner struct {
	Registry providers.Registry
	// Missing says for a provider that is not set up what to set.
	Missing map[string]string
	Queues  providers.QueueInspector
	// HTTP asks Prefect, Supabase and the consumers' endpoints.
	HTTP *httpx.Client
	// Env reads the environment of this process, for a consumer that is this process.
	Env func(string) string
	// Retired returns the run that replaced this very value, "" when none did.
	Retired func(secret.Text) string
}

// atOnce is how many consumers are looked at side by side: the providers limit
// requests a minute, not at once, and each consumer takes about ten.
const atOnce = 4

// Examine gathers the facts about every consumer, in their order. It returns when
// all are known, or ctx has ended; what was not reached by then says so.
func (e *Examiner) Examine(ctx context.Context, list []config.Consumer) []doctor.Facts {
	ctx = httpx.ReadOnly(ctx)
	out := make([]doctor.Facts, len(list))
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, c := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i] = e.one(ctx, c)
		})
	}
	wg.Wait()
	for i := range out { // what cannot be read here may be known from a sibling
		e.endpoint(ctx, &out[i], out)
	}
	return out
}

func (e *Examiner) one(ctx context.Context, c config.Consumer) doctor.Facts {
	f := doctor.Facts{Consumer: c}
	if c.Here() {
		e.here(&f)
	} else if !e.outside(ctx, &f) {
		return f
	}
	e.queue(ctx, &f)
	e.prefect(ctx, &f)
	e.supabase(ctx, &f)
	return f
}

// here reads the environment of this process.
func (e *Examiner) here(f *doctor.Facts) {
	f.Variables = map[string]doctor.Value{}
	names := f.Consumer.Needs()
	if q := f.Consumer.Queue; q != nil {
		names = append(names, q.Region)
	}
	for _, name := range names {
		if v := e.Env(name); v != "" { // one that is set and empty reads the same
			e.put(f, providers.Variable{Key: name, Value: secret.New(v), Readable: true, From: "environment"})
		}
	}
}

func (e *Examiner) put(f *doctor.Facts, v providers.Variable) {
	value := doctor.Value{Text: v.Value, Readable: v.Readable, From: v.From, Changed: v.Changed, NotAtRuntime: v.NotAtRuntime}
	if e.Retired != nil && v.Readable && !v.Value.Empty() {
		value.Retired = e.Retired(v.Value)
	}
	f.Variables[v.Key] = value
}

// outside asks the provider; false when the consumer could not be found there.
func (e *Examiner) outside(ctx context.Context, f *doctor.Facts) bool {
	name := f.Consumer.Provider()
	p, ok := e.Registry.Get(name)
	if !ok {
		f.Trouble, f.Setting = name+" is not set up", e.Missing[name]
		return false
	}
	x, ok := providers.As[providers.Examiner](p)
	if !ok {
		f.Trouble = name + " cannot tell about its consumers"
		return false
	}
	found, gaps, err := x.Find(ctx, f.Consumer.Service())
	switch {
	case err != nil:
		f.Trouble = why(err)
		return false
	case len(found) > 1:
		f.Trouble, f.Setting = fmt.Sprintf("%d of them have this name", len(found)), "give its id in where ="
		return false
	case len(found) == 0 && len(gaps) > 0:
		f.Trouble, f.Setting = "it was not found, and not everything could be listed: "+gaps[0].What, "give our token the right to list it"
		return false
	case len(found) == 0:
		f.Absent = true
		return false
	}
	t := found[0]
	f.Suspended = t.Suspended
	env, err := x.Environment(ctx, t)
	f.Gaps = append(f.Gaps, env.Gaps...)
	if err != nil {
		f.Gaps = append(f.Gaps, providers.Gap{What: "variables of " + t.Name, Why: why(err)})
	} else {
		f.Variables = map[string]doctor.Value{}
		for _, v := range env.Variables {
			e.put(f, v)
		}
	}
	c, err := x.Condition(ctx, t)
	if err != nil {
		f.Gaps = append(f.Gaps, providers.Gap{What: "deploys of " + t.Name, Why: why(err)})
		return true
	}
	known := map[string]secret.Text{}
	for name, v := range f.Variables {
		known[name] = v.Text
	}
	c.Log = providers.HideInLog(c.Log, known)
	f.Condition = &c
	return true
}

// why says in a few words what went wrong, without the words of the other side.
func why(err error) string {
	var pe *providers.Error
	if errors.As(err, &pe) && pe.Class != nil {
		text := pe.Class.Error()
		if pe.Err != nil && pe.Err.Error() != "" {
			text += ": " + pe.Err.Error()
		}
		return text
	}
	var he *httpx.Error
	if errors.As(err, &he) {
		text := string(he.Class)
		if he.Status != 0 {
			text += fmt.Sprintf(" (HTTP %d)", he.Status)
		}
		if he.Err != nil {
			text += ": " + he.Err.Error()
		}
		return text
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return "no usable answer"
}

// value returns a variable that is known and worth sending somewhere.
func value(f *doctor.Facts, name string) (secret.Text, bool) {
	v, ok := f.Variables[name]
	return v.Text, ok && v.Readable && !v.Text.Empty()
}

func (e *Examiner) queue(ctx context.Context, f *doctor.Facts) {
	q := f.Consumer.Queue
	if q == nil || e.Queues == nil {
		return
	}
	address, ok1 := value(f, q.URL)
	id, ok2 := value(f, q.KeyID)
	sec, ok3 := value(f, q.Secret)
	if !ok1 || !ok2 || !ok3 {
		return
	}
	region, err := doctor.QueueRegion(address.Reveal())
	if err != nil {
		return // a finding; such an address is asked nothing
	}
	if set, ok := value(f, q.Region); ok && region == "" {
		region = set.Reveal()
	}
	req := providers.QueueRequest{URL: address.Reveal(), Region: region, As: credential.Credential{
		Kind: credential.AWSAccessKey, ID: id.Reveal(), Parts: map[credential.Part]secret.Text{credential.PartID: id, credential.PartSecret: sec},
	}}
	words := map[string]string{"send": "sqs:SendMessage", "receive": "sqs:ReceiveMessage", "delete": "sqs:DeleteMessage"}
	for _, a := range config.QueueActions {
		if slices.Contains(q.Actions, a) {
			req.Actions = append(req.Actions, words[a])
		}
	}
	state, err := e.Queues.InspectQueue(ctx, req)
	if err != nil {
		state.Detail = why(err)
	}
	f.Queue = &state
}
