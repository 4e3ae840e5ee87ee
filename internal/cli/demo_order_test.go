package cli

import (
	"fmt"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
)

// Keys of one service end one after the other, in the order of the list: a JWT secret
// is revoked only after the keys that are signed with it.
func TestDemoEndsAServiceInOrder(t *testing.T) {
	t.Parallel()
	var list []lab.Family
	for _, name := range []string{"supabase", "openai", "supabase-legacy", "openai-admin", "supabase-jwt", "xai"} {
		list = append(list, lab.Family{Provider: name})
	}
	if got := fmt.Sprint(byService(list)); got != "[[0 2 4] [1 3] [5]]" {
		t.Errorf("got %s", got)
	}
}
