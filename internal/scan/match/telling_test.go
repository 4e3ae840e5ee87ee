package match

import (
	"slices"
	"testing"
)

func TestTelling(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][]string{
		"":                              nil,
		"production":                    nil,
		"Production":                    nil,
		"a1b2c3d":                       nil,
		"a1b2c3d4":                      {"a1b2c3d4"},
		"abcdEfgh":                      {"abcdEfgh"},
		"joe:a1b2c3d4e5":                {"a1b2c3d4e5"},
		"-----BEGIN X\r\nAAbbCCdd1\n..": {"-----BEGIN X", "AAbbCCdd1"},
	} {
		if got := Telling(value); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
