package machine

import "github.com/secretguard/secretguard/internal/rotate"

// Op is one thing that is done for a step.
type Op string

// Ops, in the order in which a step goes through them.
const (
	OpLook    Op = "look"    // read what the effect will meet
	OpSend    Op = "send"    // the one request that changes something
	OpSettle  Op = "settle"  // find out what became of a request whose answer was lost
	OpClean   Op = "clean"   // delete a key that a lost issue left behind
	OpConfirm Op = "confirm" // wait until the effect shows
	OpBack    Op = "back"    // take the effect back: a consumer broke

	OpWrite Op = "write" // append Effect.Entry to the journal
	OpEnd   Op = "end"   // the call is over; nothing is under way
)

// Traits say which ops an action has. Every action writes an intent before it
// sends or waits for anything, and its outcome at the end.
type Traits struct {
	Looks, Sends, Confirms bool
	// Settles: a lost answer is looked up before anything is sent again. An action
	// that sends and does not settle may be repeated: the effect is the same.
	Settles bool
	// Notes: what the answer said is written down before it is confirmed.
	Notes bool
	// Backs: when a consumer breaks, the old key is enabled again at once, unless a
	// person chose to stop it first.
	Backs bool
}

// TraitsOf returns the traits of an action; false for one that this version does
// not know.
func TraitsOf(a rotate.Action) (Traits, bool) {
	switch a {
	case rotate.ActIssue:
		return Traits{Looks: true, Sends: true, Settles: true}, true
	case rotate.ActDeploy:
		return Traits{Looks: true, Sends: true, Settles: true, Notes: true, Confirms: true}, true
	case rotate.ActStore:
		return Traits{Looks: true, Sends: true, Confirms: true}, true
	case rotate.ActDisable:
		return Traits{Looks: true, Sends: true, Confirms: true, Backs: true}, true
	case rotate.ActDelete:
		return Traits{Sends: true}, true
	case rotate.ActSoak:
		return Traits{Confirms: true, Backs: true}, true
	case rotate.ActValidate, rotate.ActAttest, rotate.ActQuiet, rotate.ActProve, rotate.ActSearch:
		return Traits{Confirms: true}, true
	case rotate.ActEnable:
		return Traits{Sends: true}, true
	case rotate.ActRestore:
		return Traits{Looks: true, Sends: true, Confirms: true}, true
	case rotate.ActRemoveNew:
		return Traits{Looks: true, Sends: true}, true
	}
	return Traits{}, false
}
