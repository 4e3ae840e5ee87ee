// Package rotate holds the nouns of a rotation: plan, step, approval, policy,
// snapshot. The work is done next door: planner makes plans and only reads,
// machine decides what is next as a pure function over the journal's records, and
// executor carries it out, writing an intent before every effect and the outcome
// after it, so that a run that was killed continues from any point.
package rotate

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
)

// Strategy is the order of a rotation.
type Strategy string

// Strategies.
const (
	// KeepRunning replaces everywhere first and disables the old key last.
	KeepRunning Strategy = "keep-running"
	// ContainFirst disables the old key before anything else: an outage, on purpose.
	ContainFirst Strategy = "contain-first"
	// ContainOnly disables the old key and does nothing else: what there is time for
	// within seconds. It can be undone, and a rotation is planned after it.
	ContainOnly Strategy = "contain-only"
)

// StopsFirst reports whether the old key is stopped before anything replaces it.
func (s Strategy) StopsFirst() bool { return s == ContainFirst || s == ContainOnly }

// Action is the verb of a step.
type Action string

// Actions, in the order of a keep-running rotation.
const (
	ActIssue    Action = "issue"
	ActValidate Action = "validate"
	ActStore    Action = "store"
	ActDeploy   Action = "deploy"
	ActAttest   Action = "attest"
	ActQuiet    Action = "quiet" // nobody uses the old key any more
	ActDisable  Action = "disable"
	ActSoak     Action = "soak" // the old key stays disabled for a while
	ActDelete   Action = "delete"
	ActProve    Action = "prove"
	ActSearch   Action = "search" // the old key stands nowhere any more

	// Actions of a roll back.
	ActEnable    Action = "enable"
	ActRestore   Action = "restore"
	ActRemoveNew Action = "remove-new"
)

// Actions returns every action that this version knows.
func Actions() []Action {
	return []Action{
		ActIssue, ActValidate, ActStore, ActDeploy, ActAttest, ActQuiet, ActDisable, ActSoak, ActDelete, ActProve, ActSearch, ActEnable, ActRestore, ActRemoveNew,
	}
}

// Step is one entry of a plan.
type Step struct {
	N      int    `json:"n"`
	ID     string `json:"id"` // "issue", "store:netlify/…", "deploy:render/…"
	Action Action `json:"action"`
	Title  string `json:"title"` // may hold foreign names: clean before showing
	Undo   string `json:"undo"`  // what takes it back; "NONE" when nothing does
	Risk   string `json:"risk"`
	// Stage orders steps: those of one stage may run side by side, and begin when
	// all of the stages before are done.
	Stage int `json:"stage"`

	Placement *providers.Placement `json:"placement,omitempty"` // store
	Target    *providers.Target    `json:"target,omitempty"`    // deploy, attest
	// PreImage is the keyed hash of the value that was there at planning time,
	// or the id of the deploy; it is compared again right before the effect.
	PreImage string `json:"pre_image,omitempty"`
	// Required is the level an attest step must reach, at most Plan.MinLevel and
	// at most what this consumer can show; approving the plan accepts it.
	Required Level `json:"required,omitempty"`
	// Echo is set on an attest step whose consumer can show that it holds the key.
	Echo *Echo `json:"echo,omitempty"`
	// Check is set on an attest step for whose consumer a person declared one.
	Check *Check `json:"check,omitempty"`
	// Doctor is set on such a step too: the declaration by which doctor looks at the
	// consumer, as JSON. What it finds wrong keeps the old key alive.
	Doctor json.RawMessage `json:"doctor,omitempty"`
	// Guide is set on a step that a person carries out: what to do, and where.
	Guide *Guide `json:"guide,omitempty"`
	// Right says whether our own access may do this; nil for a step that changes
	// nothing or that a person carries out.
	Right *providers.Right `json:"right,omitempty"`
}

// Echo is where and about which variable a consumer answers.
type Echo struct {
	URL      string          `json:"url"`
	Variable string          `json:"variable"`
	Part     credential.Part `json:"part"` // of the key that the variable holds
}

// Check is how a person said that a consumer is seen to work: an address that is asked,
// or a command that is run. What it says of the key hangs on the preview: the same code
// with a wrong key, at which the same check must fail. Without one nothing shows that
// the check needs the key at all.
type Check struct {
	URL     string   `json:"url"`
	Command []string `json:"command,omitempty"` // {url} in an argument stands for the address
	Preview string   `json:"preview,omitempty"`
}

// At returns the words of the command at an address.
func (c Check) At(address string) []string {
	words := make([]string, len(c.Command))
	for i, w := range c.Command {
		words[i] = strings.ReplaceAll(w, "{url}", address)
	}
	return words
}

// Guide is what a person does for a step.
type Guide struct {
	Link string   `json:"link"`
	Do   []string `json:"do"`
}

// Level is how well it is shown that a consumer works with the new key.
type Level int

// Attestation levels. The report never says "verified" without one.
const (
	L0 Level = iota // the value reads back equal
	L1              // a new deploy, newer than the push, is live
	L2              // the health URL answers well, several times in a row
	L3              // a path of the consumer that needs the key works
	L4              // the issuer reports use of the new key after the deploy
)

// Plan is a reviewed list of steps. It is plain data without any secret.
type Plan struct {
	Schema  string           `json:"schema"` // "secretguard.plan/1"
	ID      string           `json:"id"`     // run id: "r-" and random
	Case    string           `json:"case"`
	Issuer  string           `json:"issuer"`
	Kind    credential.Kind  `json:"kind"`
	Old     providers.KeyRef `json:"old"`
	OldMask string           `json:"old_mask"`
	// KeyHashes are keyed hashes of the leaked parts, to find the values again.
	KeyHashes map[credential.Part]string `json:"key_hashes"`
	Siblings  []string                   `json:"siblings"` // the owner's other key ids
	Strategy  Strategy                   `json:"strategy"`
	MinLevel  Level                      `json:"min_level"`
	Policy    Policy                     `json:"policy"`
	Account   string                     `json:"account,omitempty"` // the issuer's account of the old key
	// Probed is when we asked the issuer whether the old key works, before the plan.
	Probed []Span `json:"probed,omitempty"`
	// Source is the folder or repository that the leak was found in, on the machine
	// that made the plan; empty when there is none.
	Source string `json:"source,omitempty"`
	// Self says that our own access to the issuer is the old key: what comes after
	// the new key was checked is done with the new one.
	Self bool `json:"self,omitempty"`
	// Onto is another leaked key of the same owner that takes the old one's place for
	// now, where there is no room for a new one; OntoCase is replaced next.
	Onto     providers.KeyRef `json:"onto,omitzero"`
	OntoCase string           `json:"onto_case,omitempty"`
	Steps    []Step           `json:"steps"`
	Outage   []Outage         `json:"outage,omitempty"` // one for each consumer that is deployed
	Risks    []string         `json:"risks,omitempty"`
	Needs    []Need           `json:"needs,omitempty"`
	Gaps     []providers.Gap  `json:"gaps,omitempty"`
	Phrase   string           `json:"phrase"` // what to type: "rotate deploy-bot"
	Created  time.Time        `json:"created"`
	Expires  time.Time        `json:"expires"`
	Digest   string           `json:"digest"` // over all of the above
}

// Need is a permission that the rotation uses, and whether we know we have it.
type Need struct {
	Permission string `json:"permission"`
	Status     string `json:"status"` // ok, missing, unknown
}

// Irreversible returns the steps that nothing takes back.
func (p Plan) Irreversible() []Step {
	var out []Step
	for _, s := range p.Steps {
		if s.Undo == UndoNone {
			out = append(out, s)
		}
	}
	return out
}

// Missing returns the steps that our own access may plainly not do: the plan is
// carried out only when its approval says why it is tried all the same.
func (p Plan) Missing() []Step {
	var out []Step
	for _, s := range p.Steps {
		if s.Right != nil && s.Right.May == providers.MayNo {
			out = append(out, s)
		}
	}
	return out
}

// AtOnce is how many steps of a stage are carried out side by side.
const AtOnce = 5

// Outage is an estimate of how long a consumer is down in a rotation.
type Outage struct {
	Target string `json:"target"` // provider/id
	Name   string `json:"name"`   // may be foreign: clean before showing
	// Deploy is how long a deploy of it takes, and Basis what that rests on.
	Deploy  float64 `json:"deploy_minutes"`
	Basis   string  `json:"basis"`
	Assumed bool    `json:"assumed,omitempty"` // nothing that the platform tells is behind Deploy
	// Down is how long it is down; zero when it keeps running. Open says that the
	// end hangs on a person, and Down is no bound.
	Down float64 `json:"down_minutes"`
	Open bool    `json:"open_ended,omitempty"`
	Note string  `json:"note"`
}

// UndoNone marks a step that nothing takes back.
const UndoNone = "NONE"

// Resource names what must not be rotated twice at the same time.
func (p Plan) Resource() string { return p.Issuer + "/" + p.Account + "/" + p.Old.ID }

// Step returns the step with the id.
func (p Plan) Step(id string) (Step, bool) {
	i := slices.IndexFunc(p.Steps, func(s Step) bool { return s.ID == id })
	if i < 0 {
		return Step{}, false
	}
	return p.Steps[i], true
}

// Feeds reports whether a change of the placement takes effect with a deploy of
// the target.
func Feeds(p providers.Placement, t providers.Target) bool {
	return slices.ContainsFunc(p.Targets, func(o providers.Target) bool { return o.Provider == t.Provider && o.ID == t.ID })
}

// Of returns the id of the step that does the action to the target: deploys and
// attestations of one target are found by each other.
func Of(a Action, t providers.Target) string { return string(a) + ":" + t.Provider + "/" + t.ID }
