package planner

import (
	"slices"
	"testing"
)

// One consumer first, then five, then the rest; all at once when production is down
// anyway.
func TestRow76Waves(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n    int
		down bool
		want []int
	}{
		{0, false, []int{0}},
		{1, false, []int{1}},
		{2, false, []int{1, 2}},
		{6, false, []int{1, 6}},
		{7, false, []int{1, 6, 7}},
		{500, false, []int{1, 6, 500}},
		{500, true, []int{500}},
	} {
		if got := waveEnds(tt.n, tt.down); !slices.Equal(got, tt.want) {
			t.Errorf("%d consumers, down %v: waves end after %v, want %v", tt.n, tt.down, got, tt.want)
		}
	}
}
