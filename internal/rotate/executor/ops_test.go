package executor

import (
	"testing"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// What the machine asks for and what a worker can do agree, action by action.
func TestOpsAreThoseOfTheTraits(t *testing.T) {
	t.Parallel()
	for _, a := range rotate.Actions() {
		traits, ok := machine.TraitsOf(a)
		if !ok {
			t.Errorf("the machine knows no action %s", a)
		}
		o := opsOf(a)
		for name, pair := range map[string][2]bool{
			"look": {traits.Looks, o.look != nil}, "send": {traits.Sends, o.send != nil}, "confirm": {traits.Confirms, o.confirm != nil},
			"back": {traits.Backs, o.back != nil}, "settle": {traits.Settles || a == rotate.ActRemoveNew, o.settle != nil},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: %s is asked for: %v, can be done: %v", a, name, pair[0], pair[1])
			}
		}
	}
}
