package class

import "slices"

// LaneBits is the size of a lane's number.
const LaneBits = 5

// lane is the lane of each byte: the 26 letters, all digits, some marks that keys
// are made of, and the rest.
var lane = Lanes()

// Lanes is the lane of each byte: letters share theirs with their other case, and what
// keys are not made of is one.
func Lanes() [256]uint8 {
	var t [256]uint8
	for i := range t {
		t[i] = 31
	}
	for i := range byte(26) {
		t['a'+i], t['A'+i] = i, i
	}
	for i := byte('0'); i <= '9'; i++ {
		t[i] = 26
	}
	t['_'], t['-'] = 27, 28
	t['.'], t['/'] = 29, 29
	t['%'], t['|'], t[':'], t['~'], t['\n'], t['@'] = 30, 30, 30, 30, 30, 30
	return t
}

// Lanes lists the lanes of a class.
func (c Class) Lanes() []uint8 {
	var seen [1 << LaneBits]bool
	var list []uint8
	for i := range 256 {
		if l := lane[i]; c.Has(byte(i)) && !seen[l] {
			seen[l] = true
			list = append(list, l)
		}
	}
	return list
}

// ChanceOf is how likely a byte of ordinary text is in one of some lanes.
func ChanceOf(lanes []uint8) float64 {
	p := 0.0
	for i, f := range frequency {
		if slices.Contains(lanes, lane[i]) {
			p += f
		}
	}
	return p
}
