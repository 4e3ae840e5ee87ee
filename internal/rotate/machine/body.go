package machine

import (
	"maps"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/record"
	"github.com/secretguard/secretguard/internal/secret"
)

// Kinds of journal records. A run is what these say, and nothing else.
const (
	kindPlanned  = "planned"  // the plan; seals the leaked parts
	kindApproved = "approved" // a person's consent
	kindIntent   = "intent"   // an effect is about to be sent
	kindUnknown  = "unknown"  // its answer was lost
	kindOrphan   = "orphan"   // a key whose value was lost: found, or gone
	kindProgress = "progress" // a deploy's id
	kindDone     = "done"     // a step is complete; issue seals the new parts
	kindFailed   = "failed"   // a step is held
	kindHarm     = "harm"     // a consumer fell ill without the old key, which is about to be enabled again
	kindRetry    = "retry"    // a person says: try the held step again
	kindWaived   = "waived"   // a person accepts less
	kindRollback = "rollback" // a person says: go back
	kindPaused   = "paused"   // stopped at a safe point
	kindClosed   = "closed"   // terminal
)

// Names of sealed values.
const (
	blobOld   = "old:"  // + part: the leaked credential
	blobNew   = "new:"  // + part: the replacement
	blobOnto  = "onto:" // + part: another leaked key that takes the old one's place
	blobValue = "value" // what a variable held before we wrote it; of an issue, the value that we chose
)

// Intent is what the world looked like when an effect was about to be sent: what
// a recovery compares with.
type Intent struct {
	Before      []string        `json:"before,omitempty"`        // issue: the owner's key ids
	DeployID    string          `json:"deploy_before,omitempty"` // deploy: the newest deploy
	UsageBefore providers.Usage `json:"usage_before,omitzero"`   // deploy: the new key's last use
}

// Outcome is how a step, or a part of it, ended.
type Outcome struct {
	Detail   string             `json:"detail,omitempty"`
	New      *providers.KeyRef  `json:"new,omitempty"`
	NewMask  string             `json:"new_mask,omitempty"`
	DeployID string             `json:"deploy,omitempty"`
	Level    *rotate.Level      `json:"level,omitempty"`
	Proof    *rotate.DeathProof `json:"proof,omitempty"`
	Hash     string             `json:"hash,omitempty"`   // store: keyed hash of what is there now
	Probed   *rotate.Span       `json:"probed,omitempty"` // when we ourselves used the old key
	Used     *providers.Usage   `json:"used,omitempty"`   // quiet: the record of the old key's use that stood still
	Skipped  bool               `json:"skipped,omitempty"`
	ByHand   bool               `json:"by_hand,omitempty"` // a person did it, and it was checked
	Left     []string           `json:"left,omitempty"`    // search: what still holds the old key, or could not be looked at
}

// Failure is why a step is held.
type Failure struct {
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
	// Open says that the effect may have happened: a retry looks it up first.
	Open bool `json:"open,omitempty"`
	// Redo names steps that a retry begins anew, besides the held one.
	Redo []string `json:"redo,omitempty"`
	// Alarm is what must not be overlooked until the run ends well.
	Alarm string `json:"alarm,omitempty"`
	// Probed is when we ourselves used the old key.
	Probed *rotate.Span `json:"probed,omitempty"`
	// Ill says that a consumer fell ill while the old key was disabled.
	Ill bool `json:"ill,omitempty"`
	// Lifted says that the old key was disabled and works again.
	Lifted bool `json:"lifted,omitempty"`
}

// Orphan is a key that an issue made and whose value was lost.
type Orphan struct {
	Ref  providers.KeyRef `json:"ref"`
	Gone bool             `json:"gone,omitempty"`
}

// waiver is the body of kindWaived and kindRollback.
type waiver struct {
	Level   rotate.Level `json:"level,omitempty"`
	Hostile bool         `json:"hostile,omitempty"`
	Reason  string       `json:"reason"`
}

type closing struct {
	Status rotate.RunStatus `json:"status"`
	Reason string           `json:"reason,omitempty"`
	Left   []string         `json:"left,omitempty"` // abandoned: what was not brought to its end
}

// Happened reports whether an entry is about what is done: all but those that begin
// something.
func Happened(e record.Entry) bool {
	switch e.Kind {
	case kindIntent, kindPlanned, kindApproved, kindRetry, kindRollback, kindWaived:
		return false
	}
	return true
}

// PlanEntry records a plan and seals the leaked parts, and those of the key that
// takes the old one's place where there is such a one.
func PlanEntry(p rotate.Plan, c, onto credential.Credential) record.Entry {
	seal := sealed(blobOld, c)
	maps.Copy(seal, sealed(blobOnto, onto))
	return record.Entry{Kind: kindPlanned, Body: p, Seal: seal}
}

// ApproveEntry records a person's consent.
func ApproveEntry(a rotate.Approval) record.Entry { return record.Entry{Kind: kindApproved, Body: a} }

// RetryEntry records that a person wants held steps tried again.
func RetryEntry() record.Entry { return record.Entry{Kind: kindRetry, Body: struct{}{}} }

// RollbackEntry records that a person wants to go back.
func RollbackEntry(reason string) record.Entry {
	return record.Entry{Kind: kindRollback, Body: waiver{Reason: reason}}
}

// AbandonEntry records that a person gives the run up, and what is left of it.
func AbandonEntry(s *State, reason string) record.Entry {
	return record.Entry{Kind: kindClosed, Body: closing{Status: rotate.RunAbandoned, Reason: reason, Left: s.Left()}}
}

// WaiveEntry records that a person accepts less of a step.
func WaiveEntry(step string, level rotate.Level, reason string) record.Entry {
	return record.Entry{Kind: kindWaived, Step: step, Body: waiver{Level: level, Reason: reason}}
}

// HostileEntry records that a person says whose the traffic on the old key is: the
// thief's, so that nobody need wait for its end.
func HostileEntry(reason string) record.Entry {
	return record.Entry{Kind: kindWaived, Step: "quiet", Body: waiver{Hostile: true, Reason: reason}}
}

// SupplyEntry records the key that a person handed in, and seals it.
func SupplyEntry(ref providers.KeyRef, c credential.Credential) record.Entry {
	mask := ref.Mask()
	return record.Entry{
		Kind: kindDone, Step: "issue", Seal: NewKeySeal(c),
		Body: Outcome{New: &ref, NewMask: mask, ByHand: true, Detail: "new key " + mask + ", handed in by a person, checked, sealed and read back"},
	}
}

// NewKeySeal names the parts of a new credential for sealing.
func NewKeySeal(c credential.Credential) map[string]secret.Text { return sealed(blobNew, c) }

// ValueSeal names what a variable held before, or the value that we chose for a new key,
// for sealing.
func ValueSeal(v secret.Text) map[string]secret.Text { return map[string]secret.Text{blobValue: v} }

func sealed(prefix string, c credential.Credential) map[string]secret.Text {
	out := map[string]secret.Text{}
	for part, v := range c.Parts {
		out[prefix+string(part)] = v
	}
	return out
}
