package cli

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/rotate"
)

// A kind that nobody here replaces is said to be one.
func TestKindThatNobodyReplaces(t *testing.T) {
	t.Parallel()
	err := new(workspace).noIssuer(rotate.ErrNoIssuer, credential.SlackWebhook)
	if exitCode(err) != ExitUsage || !strings.Contains(err.Error(), "no provider of this version can replace a slack webhook") {
		t.Errorf("%v", err)
	}
}
