package providers

import "context"

// RightsTeller tells whether our own access may do what a rotation is about to do.
// It only asks and changes nothing. There is one answer for each ask, in the same
// order. It has no error: what could not be found out is MayUnknown, and says why.
type RightsTeller interface {
	Rights(ctx context.Context, asks []Ask) []Right
}

// Act is one thing that a rotation does at a service.
type Act string

// Acts.
const (
	DoIssue   Act = "issue"
	DoDisable Act = "disable" // and enable again
	DoDelete  Act = "delete"
	DoStore   Act = "store"
	DoDeploy  Act = "deploy"
)

// Ask is one act at one thing: a key, a placement or a target.
type Ask struct {
	Act       Act
	Key       KeyRef
	Placement *Placement
	Target    *Target
}

// Account returns the account of what is asked about; empty for a key.
func (a Ask) Account() string {
	switch {
	case a.Placement != nil:
		return a.Placement.Account
	case a.Target != nil:
		return a.Target.Account
	}
	return ""
}

// May says whether our own access may do something.
type May string

// Answers. A service that says nothing, or nothing certain, is MayUnknown.
const (
	MayYes     May = "yes"
	MayNo      May = "no"
	MayUnknown May = "unknown"
)

// Right is the answer to an Ask.
type Right struct {
	// Permission is the service's own name of the right ("iam:CreateAccessKey");
	// empty where it has none.
	Permission string `json:"permission,omitempty"`
	May        May    `json:"may"`
	// Why says what the answer rests on, or why there is none. It may hold foreign
	// names.
	Why string `json:"why"`
}

// Untold answers all asks with the same reason.
func Untold(asks []Ask, why string) []Right {
	out := make([]Right, len(asks))
	for i := range out {
		out[i] = Right{May: MayUnknown, Why: why}
	}
	return out
}
