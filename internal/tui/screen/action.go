package screen

import (
	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
)

// Action is what a screen asks the root to do.
type Action interface{ action() }

type isAction struct{}

func (isAction) action() {}

type ( // what changes the picture
	// GoBack closes the screen or the dialog on top.
	GoBack struct{ isAction }
	// Flash shows one line until the next key.
	Flash struct {
		isAction

		Text term.Safe
		Bad  bool
	}
	// OpenCase opens one credential.
	OpenCase struct {
		isAction

		Case string
	}
	// OpenRun opens a run: its progress, or its summary when it is closed.
	OpenRun struct {
		isAction

		Run string
	}
	// Show opens a dialog.
	Show struct {
		isAction

		Dialog Screen
	}
	// Then closes the dialog on top and does what comes next.
	Then struct {
		isAction

		Do Action
	}
	// Tell hands a message to the screen below the dialogs: a menu's choice.
	Tell struct {
		isAction

		Msg any
	}
	// PressBelow presses a key of the screen below the dialogs: the palette's choice.
	PressBelow struct {
		isAction

		ID ID
	}
	// Leave asks to quit.
	Leave struct{ isAction }
	// LeaveNow quits.
	LeaveNow struct{ isAction }
)

type ( // what only reads
	// Reload scans again.
	Reload struct{ isAction }
	// StopLoading ends a scan that is under way.
	StopLoading struct{ isAction }
	// StopPlanning ends a plan that is being made.
	StopPlanning struct{ isAction }
	// AskVerify asks for consent, once for each issuer, and then verifies.
	AskVerify struct {
		isAction

		Cases []string
	}
	// Consent is the yes to AskVerify.
	Consent struct {
		isAction

		Issuers []string
		Cases   []string
	}
	// Look asks where a credential is deployed.
	Look struct {
		isAction

		Case string
	}
	// LookAt asks for the lines around one of its findings.
	LookAt struct {
		isAction

		Case    string
		Finding int
	}
	// MakePlan plans a rotation.
	MakePlan struct {
		isAction

		Case     string
		Strategy rotate.Strategy
	}
)

type ( // what happens on this machine
	// WritePlan saves a plan.
	WritePlan struct {
		isAction

		Plan rotate.Plan
	}
	// WriteReport writes a report of a run, or of the scan when no run is named.
	WriteReport struct {
		isAction

		Run string
	}
	// AskReveal asks, once a session.
	AskReveal struct {
		isAction

		Case string
		Part credential.Part
	}
	// ShowSecret shows a value for a few seconds.
	ShowSecret struct {
		isAction

		Case string
		Part credential.Part
	}
	// AskIgnore opens the form.
	AskIgnore struct {
		isAction

		Case string
	}
	// AcceptCase is its answer.
	AcceptCase struct {
		isAction

		Case, Reason, Owner, Until string
	}
	// OpenEditor opens the place of a finding.
	OpenEditor struct {
		isAction

		Case    string
		Finding int
	}
	// CopyText copies what is no secret.
	CopyText struct {
		isAction

		Text term.Safe
		What term.Safe
	}
)

type ( // what leads to a change outside this machine
	// AskApproval opens the approval.
	AskApproval struct {
		isAction

		Plan rotate.Plan
	}
	// Start is its answer.
	Start struct {
		isAction

		Plan  rotate.Plan
		Typed string
	}
	// Resume goes on with a run.
	Resume struct {
		isAction

		Run string
	}
	// AskSupply opens what a person has to do by hand.
	AskSupply struct {
		isAction

		Run string
	}
	// AskSkip asks whether what a person has to do by hand is left for later.
	AskSkip struct {
		isAction

		Run string
	}
	// SkipTurn is its answer. The run stays held; nothing is changed.
	SkipTurn struct {
		isAction

		Run string
	}
	// Supply hands a new key in that a person made.
	Supply struct {
		isAction

		Run   string
		Value secret.Text
	}
	// Stop pauses it at the next safe point.
	Stop struct {
		isAction

		Run string
	}
	// AskRollBack opens the approval of a roll back.
	AskRollBack struct {
		isAction

		Run string
	}
	// UndoRun is its answer.
	UndoRun struct {
		isAction

		Run, Reason string
	}
	// AskAccept asks why less is accepted.
	AskAccept struct {
		isAction

		Run, Step string
	}
	// AcceptLess is the answer.
	AcceptLess struct {
		isAction

		Run, Step, Reason string
	}
)
