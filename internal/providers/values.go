package providers

import (
	"errors"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/secret"
)

// Liveness is what is known about a credential: an error is Unknown, never Dead.
type Liveness string

// Liveness values.
const (
	Live    Liveness = "live"
	Dead    Liveness = "dead"
	Unknown Liveness = "unknown"
)

// Verdict is the answer of Verify.
type Verdict struct {
	Liveness Liveness
	Identity Identity
	// Code is the provider's own error code when refused ("InvalidClientTokenId").
	Code string
	// Grade says how well a live verdict is proven.
	Grade Grade
	// Detail says in a few words why; it never holds a secret or a raw body.
	Detail string
	At     time.Time
}

// Grade is how well a verdict is proven.
type Grade string

// Grades. A verdict on the status alone is none: a firewall answers with any status.
const (
	GradeNone     Grade = ""
	GradeAnswer   Grade = "answer"   // the issuer's documented answer
	GradeIdentity Grade = "identity" // and it says whom the key speaks for
)

// Identity is who a credential speaks for.
type Identity struct {
	Account string // account or organisation
	Who     string // ARN, user or key name
	Project string // project, workspace or site that it is limited to
	Scopes  string // the rights that the answer names, parted by commas
}

// Words tells all that is known of it in one line, empty when nothing is.
func (i Identity) Words() string {
	var said []string
	for _, part := range [][2]string{{"account ", i.Account}, {"", i.Who}, {"project ", i.Project}, {"rights ", strings.ReplaceAll(i.Scopes, ",", " ")}} {
		if part[1] != "" {
			said = append(said, part[0]+part[1])
		}
	}
	return strings.Join(said, ", ")
}

// KeyRef names one key at its issuer.
type KeyRef struct {
	Kind  credential.Kind `json:"kind"`
	ID    string          `json:"id"`    // the issuer's id of the key
	Owner string          `json:"owner"` // the user or project that it belongs to
}

// Mask is the form of the id that may be shown. An id that its provider made of a
// mask already ("sk_live_…l1UC": the issuer has no other name for the key) stays.
func (k KeyRef) Mask() string {
	if strings.Contains(k.ID, "…") {
		return k.ID
	}
	return secret.Mask(k.ID)
}

// KeyInfo is one key in a listing.
type KeyInfo struct {
	Ref     KeyRef
	Active  bool
	Created time.Time
	// Usage is the issuer's record of its last use; nil when it is not known.
	Usage *Usage
}

// KeyState is what Inspect found out.
type KeyState struct {
	Key      KeyInfo
	Identity Identity
	Siblings []KeyInfo // the owner's other keys
	Quota    int       // how many keys the owner may have; 0 = no limit known
	// Self is true when the operator's own access uses this very key.
	Self     bool
	Usage    Usage
	Warnings []string
}

// Room reports whether a second key can be made.
func (s KeyState) Room() bool { return s.Quota == 0 || 1+len(s.Siblings) < s.Quota }

// Usage is the issuer's record of the last use of a key.
type Usage struct {
	At      time.Time // zero: never seen
	Service string
	Region  string
}

// IssueRequest asks for a replacement of Old.
type IssueRequest struct {
	Old KeyRef
	// Name is a marker for issuers whose keys have names; it holds the run id.
	Name string
	// Before are the ids of all the owner's keys when the intent was written.
	Before []string
	// Since is when that was; a key that is older was not made by this request.
	// Zero when it is not known.
	Since time.Time
	// Value is the new key's, for a [Replacer]: the same with every try.
	Value secret.Text
	// EffectID goes into the User-Agent, so that the issuer's audit log names
	// the run.
	EffectID string
}

// Issued is a new credential. Its secret parts exist nowhere else.
type Issued struct {
	Ref        KeyRef
	Credential credential.Credential
}

// Claim is a run's mark on a key's owner, and since when.
type Claim struct {
	Run string
	At  time.Time
}

// ReconcileOutcome classifies a lost Issue.
type ReconcileOutcome string

// Outcomes of Reconcile.
const (
	NotApplied ReconcileOutcome = "not-applied" // no new key: safe to issue again
	Adopted    ReconcileOutcome = "adopted"     // our key, by its name, and its value can be read again: Issued
	Orphaned   ReconcileOutcome = "orphaned"    // exactly one new, unused key whose value is lost
	// Superseded: a key was made and its value is lost, and issuing again replaces it:
	// the issuer changes the value of a key in place, or keeps one key only. Nothing is
	// to be deleted. Of a Replacer nothing is lost: the same value is set again.
	Superseded ReconcileOutcome = "superseded"
	Unclear    ReconcileOutcome = "unclear" // several candidates, or one in use: a person decides
)

// Reconciliation is what became of a lost Issue.
type Reconciliation struct {
	Outcome    ReconcileOutcome
	Candidates []KeyInfo
	Issued     *Issued // Adopted: the key, with its value
	Detail     string
}

// Wanted is one value to look for.
type Wanted struct {
	Part  credential.Part
	Value secret.Text
	// Names are variable names that usually hold this part; they matter only
	// where values cannot be read.
	Names []string
}

// Match says how a placement was recognised.
type Match string

// Matches.
const (
	MatchExact  Match = "exact"   // the whole value is equal
	MatchInside Match = "inside"  // the value is a part of a larger one
	MatchByName Match = "by-name" // the value cannot be read; the name fits
	// MatchRecorded: the value cannot be read; an earlier run of this machine stored it.
	MatchRecorded Match = "recorded"
)

// PartMatch is a part that was recognised, and how.
type PartMatch struct {
	Part  credential.Part
	Match Match
}

// Placement is one stored value: one variable in one context of one resource.
type Placement struct {
	Provider     string          `json:"provider"`
	Account      string          `json:"account"`
	AccountName  string          `json:"account_name,omitempty"`
	Level        string          `json:"level"`       // "site", "team", "service", "env-group"
	Resource     string          `json:"resource_id"` // site id, service id, group id; empty for a team variable
	ResourceName string          `json:"resource"`
	Key          string          `json:"key"`
	Context      string          `json:"context,omitempty"`
	ContextParam string          `json:"context_parameter,omitempty"`
	Part         credential.Part `json:"part"`
	Match        Match           `json:"match"`
	WriteOnly    bool            `json:"write_only,omitempty"`
	Targets      []Target        `json:"targets"` // what must be deployed for a change to take effect
	Notes        []string        `json:"notes,omitempty"`
}

// ID is a stable name of the placement for plans and journals.
func (p Placement) ID() string {
	parts := []string{p.Provider, p.Account, p.Level, p.Resource, p.Key, p.Context, p.ContextParam}
	for i, s := range parts {
		parts[i] = strings.NewReplacer("%", "%25", "/", "%2F").Replace(s)
	}
	return strings.Join(parts, "/")
}

// Target is one thing that is deployed: a site or a service.
type Target struct {
	Provider string `json:"provider"`
	Account  string `json:"account,omitempty"`
	ID       string `json:"id"`
	Name     string `json:"name"`
	// HealthURL is asked after a deploy; empty when the service has none.
	HealthURL string `json:"health_url,omitempty"`
	// EchoURL is where a service that knows the convention shows that it holds a value;
	// whether this one does is asked when a plan is made.
	EchoURL string `json:"echo_url,omitempty"`
	// Suspended targets get the value but no deploy.
	Suspended bool `json:"suspended,omitempty"`
}

// EchoPath is where a service answers an echo, below its public address.
const EchoPath = "/.well-known/secretguard-echo"

// Located is the answer of Locate.
type Located struct {
	Placements []Placement
	Gaps       []Gap
	Searched   int // how many variables were compared
	// Unreadable is how many of them cannot be read back: by their names they do not
	// seem to hold the key, and that is all that is known.
	Unreadable int
}

// Unread notes what our own access may not read, if the error says that; else nothing is
// noted, and it is for the caller.
func (l *Located) Unread(err error, what, why string) bool {
	if !errors.Is(err, ErrForbidden) && !errors.Is(err, ErrNotFound) {
		return false
	}
	l.Gaps = append(l.Gaps, Gap{What: what, Why: why})
	return true
}

// Gap is something that could not be looked at, and why.
type Gap struct {
	What string `json:"what"`
	Why  string `json:"why"`
	// Holds says that it was looked at and holds the value, in a form or a place that
	// is not changed here: a person must.
	Holds bool `json:"holds,omitempty"`
}

// String gives one line: what was not searched, or what a person must change.
func (g Gap) String() string {
	if g.Holds {
		return "by hand: " + g.What + " (" + g.Why + ")"
	}
	return "not searched: " + g.What + " (" + g.Why + ")"
}

// EncodedGaps reports a stored value that holds parts in another form.
func EncodedGaps(what string, found []Encoded) []Gap {
	var out []Gap
	for _, e := range found {
		out = append(out, Gap{What: what, Why: "holds the " + string(e.Part) + " in another form (" + e.Form + "); change it by hand", Holds: true})
	}
	return out
}

// Phase is how far a deploy is.
type Phase string

// Phases. Live, Failed and Replaced are final.
const (
	PhaseRunning  Phase = "running"
	PhaseLive     Phase = "live"     // serves traffic
	PhaseBuilt    Phase = "built"    // ready, but another deploy is pinned and keeps serving
	PhaseFailed   Phase = "failed"   // see Detail
	PhaseReplaced Phase = "replaced" // was live; a newer deploy took over
)

// Deploy is one deploy of a target.
type Deploy struct {
	ID      string
	Phase   Phase
	State   string // the provider's own word
	Detail  string
	Created time.Time
}

// DeployState is the newest deploy of a target and the one that serves now.
type DeployState struct {
	Newest Deploy // zero ID: never deployed
	LiveID string
}
