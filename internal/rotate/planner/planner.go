// Package planner makes plans: the reviewed list of steps that replaces a leaked
// key. It only reads, which the HTTP clients enforce.
package planner

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/secret"
)

// Planner makes plans. It only reads.
type Planner struct {
	Registry providers.Registry
	Key      secret.Key
	// Guard marks a context as read-only for the HTTP clients, so that a
	// mistake in a provider cannot change anything while planning.
	Guard func(context.Context) context.Context
	// Echo asks a consumer's echo endpoint; nil for nobody.
	Echo func(ctx context.Context, address, variable, nonce string) (string, error)
	Now  func() time.Time
}

// Request asks for a plan.
type Request struct {
	Case       string
	Credential credential.Credential
	Located    providers.Located
	Strategy   rotate.Strategy
	MinLevel   rotate.Level
	// Source is the folder or repository of the leak, as an absolute path; may be empty.
	Source string
	// Approvals is how many people must approve; zero means one.
	Approvals int
	// Onto is another leaked key of the same owner, of the case OntoCase, that takes the
	// old one's place so that there is room: it is then the one to be replaced.
	Onto     credential.Credential
	OntoCase string
	// Checks are what a person declared, by "provider:name" or "provider:id" of the
	// consumer.
	Checks map[string]rotate.Check
	// Declared are the consumers that doctor is to look at, named likewise, as JSON.
	Declared map[string]json.RawMessage
	// ByName also changes values that cannot be read, for their names alone.
	ByName bool
	// Probed is when the issuer was asked whether the key works.
	Probed []rotate.Span
	// Policy replaces the issuer's default numbers when it is not nil.
	Policy *rotate.Policy
}

// Plan returns the reviewed list of steps. Nothing is changed anywhere.
func (pl *Planner) Plan(ctx context.Context, req Request) (rotate.Plan, error) {
	ctx = pl.Guard(ctx)
	c := req.Credential
	if !c.Complete() {
		return rotate.Plan{}, fmt.Errorf("plan %s: %w (have: %v)", req.Case, rotate.ErrIncomplete, c.PartNames())
	}
	issuer, ok := pl.Registry.IssuerOf(c.Kind)
	if !ok {
		return rotate.Plan{}, fmt.Errorf("plan %s: %w: %s", req.Case, rotate.ErrNoIssuer, c.Kind)
	}
	inspector, ok := providers.As[providers.Inspector](issuer)
	if !ok {
		return rotate.Plan{}, fmt.Errorf("plan %s: %w", req.Case, providers.ErrUnsupported)
	}
	state, err := inspector.Inspect(ctx, c)
	if err != nil {
		return rotate.Plan{}, fmt.Errorf("plan %s: look at the leaked key: %w", req.Case, err)
	}
	var onto providers.KeyInfo
	if req.OntoCase != "" {
		if onto, err = ontoWhich(req, state); err != nil {
			return rotate.Plan{}, fmt.Errorf("plan %s: %w", req.Case, err)
		}
	} else if !state.Room() && req.Strategy != rotate.ContainOnly {
		return rotate.Plan{}, fmt.Errorf("plan %s: %w: %s", req.Case, rotate.ErrNoRoom, describeSiblings(req.Case, state))
	}
	if state.Self {
		if err := selfRotation(req, issuer); err != nil {
			return rotate.Plan{}, fmt.Errorf("plan %s: %w; use another administrator's key, and plan again", req.Case, err)
		}
	}
	id, err := newRunID()
	if err != nil {
		return rotate.Plan{}, err
	}
	b := &builder{planner: pl, req: req, state: state, issuer: issuer, plan: pl.header(id, req, state, issuer)}
	if req.OntoCase != "" {
		b.makeRoom(onto)
	}
	if err := b.steps(ctx); err != nil {
		return rotate.Plan{}, err
	}
	b.rights(ctx)
	b.outage(ctx)
	b.plan.Digest = b.plan.ComputeDigest()
	return b.plan, nil
}

func (pl *Planner) header(id string, req Request, state providers.KeyState, issuer providers.Provider) rotate.Plan {
	d := issuer.Describe()
	// Whole seconds, so that the digest survives a trip through any JSON tool.
	now := pl.Now().UTC().Truncate(time.Second)
	p := rotate.Plan{
		Schema: rotate.PlanSchema, ID: id, Case: req.Case, Issuer: d.Name, Kind: req.Credential.Kind,
		Old: state.Key.Ref, OldMask: state.Key.Ref.Mask(), KeyHashes: map[credential.Part]string{}, Siblings: []string{},
		Strategy: req.Strategy, MinLevel: req.MinLevel, Policy: rotate.DefaultPolicy(d), Account: state.Identity.Account,
		Probed: req.Probed, Source: req.Source, Gaps: req.Located.Gaps, Created: now, Expires: now.Add(rotate.Validity),
		Phrase: "rotate " + state.Key.Ref.Owner,
	}
	if req.Strategy.StopsFirst() {
		p.Phrase = "contain " + state.Key.Ref.Owner // an outage is not approved by habit
	}
	if req.Policy != nil {
		p.Policy = *req.Policy
	}
	p.Policy.Approvals = req.Approvals
	if d.Proof.Once { // also where numbers of one's own were given: more would shut us out
		p.Policy.ProofRefusals, p.Policy.ProofWindow = 1, 0
	}
	for part, v := range req.Credential.Parts {
		p.KeyHashes[part] = pl.Key.HMAC(v)
	}
	for _, s := range state.Siblings {
		p.Siblings = append(p.Siblings, s.Ref.ID)
	}
	for _, perm := range d.Permissions {
		p.Needs = append(p.Needs, rotate.Need{Permission: perm, Status: "unknown"})
	}
	p.Risks = append(p.Risks, state.Warnings...)
	if state.Self {
		p.Self = true
		p.Risks = append(p.Risks, "the leaked key is the one that this rotation itself signs with: the new one takes over before it is stopped; your own access ends with it")
	}
	if _, told := providers.As[providers.UsageReporter](issuer); !told {
		p.Risks = append(p.Risks, "this issuer keeps no record of use: a consumer that was not found shows only when it breaks")
	}
	if !state.Key.Active {
		p.Risks = append(p.Risks, "the leaked key is disabled already: whoever uses it is down now, and until the new key is deployed")
	}
	for _, g := range req.Located.Gaps {
		p.Risks = append(p.Risks, g.String())
	}
	return p
}

// selfRotation says what stands against replacing the key that we sign with.
func selfRotation(req Request, issuer providers.Provider) error {
	_, can := providers.As[providers.Rekeyer](issuer)
	switch {
	case !can:
		return fmt.Errorf("the leaked key is our own access, and %s cannot go on with a new one", issuer.Describe().Name)
	case req.Strategy.StopsFirst():
		return errors.New("the leaked key is our own access: stopping it first would end it")
	case len(req.Located.Placements) == 0:
		return errors.New("the leaked key is our own access and no consumer stores it: nobody would know the new one")
	}
	return nil
}

func describeSiblings(name string, s providers.KeyState) string {
	var parts []string
	for _, k := range s.Siblings {
		word := "active"
		if !k.Active {
			word = "inactive"
		}
		parts = append(parts, fmt.Sprintf("%s (%s, made %s, %s)", secret.Mask(k.Ref.ID), word, k.Created.Format(time.DateOnly), describeUse(k.Usage)))
	}
	return fmt.Sprintf("%s may have %d keys and also has %s; delete the one that is not used, then plan again; if it has leaked too: secretguard plan %s --onto ITS-CASE makes room without an outage",
		s.Key.Ref.Owner, s.Quota, strings.Join(parts, ", "), name)
}

// describeUse says when a key was last used, as far as its issuer recorded it.
func describeUse(u *providers.Usage) string {
	switch {
	case u == nil:
		return "use not known"
	case u.At.IsZero():
		return "no use on record"
	}
	return "last used " + u.At.Format(time.DateOnly) + " for " + u.Service
}

// newRunID returns a short random name for a run.
func newRunID() (string, error) {
	b := make([]byte, 5)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make a run id: %w", err)
	}
	return "r-" + hex.EncodeToString(b), nil
}
