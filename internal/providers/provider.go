// Package providers is the contract between the rotation engine and the outside
// services. The one required method is Describe; everything else is an optional
// ability that a caller asks for with [As].
//
// A provider only says what it knows: it classifies failures with the sentinels
// in errors.go and leaves retries, waiting, rate limits and logging to the
// executor and to package httpx. Providers never import the scanner.
package providers

import (
	"context"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/secret"
)

// Provider is one outside service.
type Provider interface{ Describe() Descriptor }

// Verifier asks the issuer, with one read-only call, whether a credential works.
// The issuer sees the call. Safe to repeat. A verdict without an error is the
// issuer's own answer about the key; with an error the liveness is Unknown.
type Verifier interface {
	Verify(ctx context.Context, c credential.Credential) (Verdict, error)
}

// Corroborator is an issuer whose keys can be asked about at further endpoints, which
// learn of a deletion by themselves: one that is refused here may be accepted there.
type Corroborator interface {
	// Endpoints names all of them, the one that Verify asks first. It does no I/O.
	Endpoints() []string
	// VerifyAt is Verify at one of them.
	VerifyAt(ctx context.Context, endpoint string, c credential.Credential) (Verdict, error)
}

// At returns the Verifier of one endpoint.
func At(c Corroborator, endpoint string) Verifier { return verifierAt{c, endpoint} }

type verifierAt struct {
	of       Corroborator
	endpoint string
}

func (v verifierAt) Verify(ctx context.Context, c credential.Credential) (Verdict, error) {
	return v.of.VerifyAt(ctx, v.endpoint, c)
}

// Inspector tells, with the operator's own access and without changing
// anything, which key this is, who owns it and whether there is room for a
// second one.
type Inspector interface {
	Inspect(ctx context.Context, c credential.Credential) (KeyState, error)
}

// Issuer makes a replacement for a key. It is NOT safe to repeat: an unknown
// outcome is ErrAmbiguous and is settled by Reconcile. Implementations make
// exactly one attempt.
type Issuer interface {
	Issue(ctx context.Context, req IssueRequest) (Issued, error)
	// Reconcile says what became of an Issue whose answer was lost, by
	// comparing today's keys with those listed before it.
	Reconcile(ctx context.Context, req IssueRequest) (Reconciliation, error)
}

// Replacer is an issuer that keeps one key for an owner, whose value is ours to choose:
// Issue sets a new one in its place, which ends the old one at once. Nothing is left to
// delete, and nothing brings the old one back. A lost answer is repeated with the very
// same value (IssueRequest.Value), which is sealed before the first request.
type Replacer interface {
	// Choose makes up the value of the key that takes old's place. It does no I/O.
	Choose(old KeyRef) (secret.Text, error)
}

// Disabler stops a key in a way that can be undone. Both calls may be repeated.
type Disabler interface {
	Disable(ctx context.Context, k KeyRef) error
	Enable(ctx context.Context, k KeyRef) error
}

// Deleter removes a key for good. A key that is gone already is success.
type Deleter interface {
	Delete(ctx context.Context, k KeyRef) error
}

// Retirer takes a key away for good with nothing but the key itself: whoever has it can.
// Retire may be repeated; a key that the service does not know any more is success, and
// an answer that says nothing of the key is not.
type Retirer interface {
	// Retires tells, by the name alone, whether a key is of a sort that the call takes.
	Retires(k KeyRef) bool
	Retire(ctx context.Context, c credential.Credential) error
}

// UsageReporter tells when a key was last used, as the issuer saw it. A zero
// time means never, as far as the issuer has recorded; such data may lag.
type UsageReporter interface {
	LastUsed(ctx context.Context, k KeyRef) (Usage, error)
}

// Lister lists all keys of a key's owner.
type Lister interface {
	Keys(ctx context.Context, of KeyRef) ([]KeyInfo, error)
}

// Rekeyer works with another access than the one that was set up: for the day when
// our own access is the leaked key. The result has the same abilities.
type Rekeyer interface {
	WithAccess(c credential.Credential) (Provider, error)
}

// Claimer lets a run mark a key's owner at the issuer, where every responder sees it,
// also one on another machine: it is for issuers whose keys carry no name of the run
// that made them. All calls may be repeated. Who may not mark gets ErrForbidden.
type Claimer interface {
	// Claim sets the run's mark; Unclaim takes it away, and one that is gone is done.
	Claim(ctx context.Context, of KeyRef, c Claim) error
	Unclaim(ctx context.Context, of KeyRef, run string) error
	// Claims returns the marks of all runs, oldest first.
	Claims(ctx context.Context, of KeyRef) ([]Claim, error)
}

// Sink is a service that stores values for consumers. Store writes exactly one
// variable in one context and touches nothing else; it may be repeated. Where a
// sink can tell that the variable or the context is gone, storing is ErrNotFound
// and makes nothing new.
type Sink interface {
	// Locate finds every place that holds one of the wanted values. What could
	// not be looked at is returned in Located.Gaps, never left out.
	Locate(ctx context.Context, wanted []Wanted) (Located, error)
	// Read returns the value at a placement; ErrUnreadable when write-only,
	// ErrNotFound when the variable is gone.
	Read(ctx context.Context, p Placement) (secret.Text, error)
	Store(ctx context.Context, p Placement, value secret.Text) error
}

// Deployer makes stored values take effect. Start is not idempotent: after a
// lost answer, look for a deploy newer than the last one known.
type Deployer interface {
	// Latest returns the newest deploy and which one serves traffic now.
	Latest(ctx context.Context, t Target) (DeployState, error)
	Start(ctx context.Context, t Target) (Deploy, error)
	// Status returns one deploy; poll it until Phase is final.
	Status(ctx context.Context, t Target, deployID string) (Deploy, error)
}

// DeployTimer tells how long past deploys of a target took that went live, from
// their start until they served, newest first. It changes nothing. None is no error:
// the target may be new, or the platform may tell nothing.
type DeployTimer interface {
	DeployTimes(ctx context.Context, t Target) ([]time.Duration, error)
}

// LongestDeploy is more than a deploy takes: a longer time between the stamps of one
// is another thing, such as an old deploy that was put back.
const LongestDeploy = 3 * time.Hour

// Descriptor is what a provider is, as data: help, docs and `providers list`
// are made from it.
type Descriptor struct {
	Name  string            // "aws", "netlify": lower case, stable
	Title string            // "AWS IAM"
	Roles []Role            // issuer, sink
	Kinds []credential.Kind // what it issues
	// Settings are the environment names that New reads.
	Settings []Setting
	// Can is what the provider does when it is set up.
	Can []Ability
	// Permissions are the least rights the operator's own access needs.
	Permissions []string
	Limits      []string // honest limits, one sentence each
	Links       []string
	Overlap     bool // old and new key can live at the same time
	// Gap says for whom a consumer fails although both keys live; empty where it does not.
	Gap string
	// ByHand: without its settings the provider still works, and a person does what
	// the calls would do.
	ByHand bool
	// Proof says how death is proven here: how often, over how long.
	Proof ProofPolicy
	// ProbeService is the name under which our own Verify call shows in LastUsed;
	// empty when it cannot be told apart from a consumer's use.
	ProbeService string
	// UsageLag is how late a use may come to the record of LastUsed; zero when it is
	// there at once.
	UsageLag time.Duration
	// VerifyCall is the read-only call that Verify makes, as people know it, so
	// that they can agree to it ("sts:GetCallerIdentity"); empty without Verify.
	VerifyCall string
	// VerifyAlone tells that Verify needs no access of the operator's own, only the key.
	VerifyAlone bool
	// Restore says how a person brings a deleted key back, with {owner} and {id}; empty
	// where nobody can. A run does not: its way back ends with the deletion.
	Restore string
	// ReadyWithin is how long a new key may be refused before that is a failure.
	ReadyWithin time.Duration
}

// Role says what a provider does for a rotation.
type Role string

// Roles.
const (
	RoleIssuer Role = "issuer"
	RoleSink   Role = "sink"
)

// Setting is one setting of a provider, read from the environment variable Env
// or from the file named by Env+"_FILE".
type Setting struct {
	Env      string
	Help     string
	Secret   bool
	Required bool
}

// ProofPolicy is how many refusals in a row, over at least how long, prove a
// key dead.
type ProofPolicy struct {
	Refusals int
	Window   time.Duration
	// Once is for an issuer that shuts out whoever is refused a few times: one refusal
	// is all that is asked for, whatever a policy says.
	Once bool
}

// As returns p as the ability T, looking through decorators that implement
// Unwrap() Provider. Never type-assert a Provider directly.
func As[T any](p Provider) (T, bool) {
	for p != nil {
		if t, ok := p.(T); ok {
			return t, true
		}
		u, ok := p.(interface{ Unwrap() Provider })
		if !ok {
			break
		}
		p = u.Unwrap()
	}
	var zero T
	return zero, false
}
