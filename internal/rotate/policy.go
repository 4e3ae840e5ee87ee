package rotate

import (
	"time"

	"github.com/secretguard/secretguard/internal/providers"
)

// Policy holds the numbers of a rotation. It is part of the plan, so what is
// approved is what happens. Durations are in nanoseconds in JSON.
type Policy struct {
	// Tries is how often a step that may be repeated is tried; BackOff is the
	// first wait between tries, doubled each time.
	Tries   int           `json:"tries"`
	BackOff time.Duration `json:"back_off"`

	// ReadyNeeded checks in a row, ReadyEvery apart, show that a new key works;
	// it may be refused for up to ReadyWithin.
	ReadyNeeded int           `json:"ready_needed"`
	ReadyEvery  time.Duration `json:"ready_every"`
	ReadyWithin time.Duration `json:"ready_within"`

	// ReconcileFor is how long a listing may lag behind before a lost issue
	// counts as not applied.
	ReconcileFor time.Duration `json:"reconcile_for"`

	// ClaimWait is how long a run's mark on the owner of its keys stands before it is
	// looked at whether another run has one too.
	ClaimWait time.Duration `json:"claim_wait,omitempty"`

	DeployEvery  time.Duration `json:"deploy_every"`
	DeployWithin time.Duration `json:"deploy_within"`

	// HealthNeeded good answers in a row, HealthEvery apart, make level L2.
	HealthNeeded int           `json:"health_needed"`
	HealthEvery  time.Duration `json:"health_every"`
	AttestWithin time.Duration `json:"attest_within"`

	// The old key is silent when its issuer's record of its use stood still for
	// QuietFor, looked at every QuietEvery; after QuietWithin without that, a person
	// is called.
	QuietFor    time.Duration `json:"quiet_for,omitempty"`
	QuietEvery  time.Duration `json:"quiet_every,omitempty"`
	QuietWithin time.Duration `json:"quiet_within,omitempty"`

	// DisableWithin is how long a disabled key may still be accepted.
	DisableWithin time.Duration `json:"disable_within"`

	// SoakFor is how long the old key stays disabled before it is deleted; zero deletes
	// it at once.
	SoakFor time.Duration `json:"soak_for,omitempty"`

	// Proof of death: ProofRefusals in a row over at least ProofWindow, one
	// every ProofEvery; after ProofWithin without it, a person is called.
	ProofRefusals int           `json:"proof_refusals"`
	ProofWindow   time.Duration `json:"proof_window"`
	ProofEvery    time.Duration `json:"proof_every"`
	ProofWithin   time.Duration `json:"proof_within"`

	// Approvals is how many people must approve; zero means one.
	Approvals int `json:"approvals,omitempty"`
}

// DefaultPolicy returns the numbers for real services; the proof of death and
// the waiting time for a new key come from the issuer's descriptor.
func DefaultPolicy(d providers.Descriptor) Policy {
	p := Policy{
		Tries: 6, BackOff: 2 * time.Second,
		ReadyNeeded: 5, ReadyEvery: 2 * time.Second, ReadyWithin: 90 * time.Second,
		ReconcileFor: 20 * time.Second, ClaimWait: 3 * time.Second,
		DeployEvery: 5 * time.Second, DeployWithin: 30 * time.Minute,
		HealthNeeded: 5, HealthEvery: 6 * time.Second, AttestWithin: 10 * time.Minute,
		QuietFor: 5 * time.Minute, QuietEvery: 15 * time.Second, QuietWithin: 30 * time.Minute,
		DisableWithin: 5 * time.Minute,
		ProofRefusals: 20, ProofWindow: 5 * time.Minute, ProofEvery: 3 * time.Second, ProofWithin: 30 * time.Minute,
	}
	if d.ReadyWithin > 0 {
		p.ReadyWithin = d.ReadyWithin
	}
	p.SoakFor = d.UsageLag
	if d.Proof.Refusals > 0 {
		p.ProofRefusals, p.ProofWindow = d.Proof.Refusals, d.Proof.Window
		// An issuer that deletes late is proven over a long window, which begins anew
		// with the last answer that is none.
		p.ProofWithin = max(p.ProofWithin, 2*p.ProofWindow)
	}
	return p
}

// UsageBlind is how long a disabled key soaks where its issuer keeps no record of use:
// a day, so that what runs once a day shows.
const UsageBlind = 24 * time.Hour

// LabPolicy returns the numbers for the built-in lab, whose services answer
// within milliseconds: the same steps and counts with short windows.
func LabPolicy() Policy {
	return Policy{
		Tries: 6, BackOff: 20 * time.Millisecond,
		ReadyNeeded: 5, ReadyEvery: 50 * time.Millisecond, ReadyWithin: 30 * time.Second,
		ReconcileFor: 300 * time.Millisecond, ClaimWait: 10 * time.Millisecond,
		DeployEvery: 50 * time.Millisecond, DeployWithin: 60 * time.Second,
		HealthNeeded: 5, HealthEvery: 50 * time.Millisecond, AttestWithin: 20 * time.Second,
		// IAM records a use to the second: a shorter wait would see none.
		QuietFor: 1200 * time.Millisecond, QuietEvery: 100 * time.Millisecond, QuietWithin: 30 * time.Second,
		DisableWithin: 30 * time.Second,
		ProofRefusals: 20, ProofWindow: 2 * time.Second, ProofEvery: 100 * time.Millisecond, ProofWithin: 60 * time.Second,
	}
}
