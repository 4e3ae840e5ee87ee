// Package class is about sets of bytes: those that an expression takes in one place,
// how likely they are in ordinary text, and the lanes in which the filter sees them.
package class

import (
	"regexp/syntax"
	"unicode"
)

// Class is a set of bytes. A rune outside ASCII counts as all bytes from 0x80 up:
// a set may be too large, never too small.
type Class [4]uint64

func (c *Class) add(b byte) { c[b>>6] |= 1 << (b & 63) }

// Has reports whether a byte is in the set.
func (c *Class) Has(b byte) bool { return c[b>>6]>>(b&63)&1 == 1 }

func (c *Class) addHigh() { c[2], c[3] = ^uint64(0), ^uint64(0) }

// High reports whether what is taken may be several bytes long.
func (c Class) High() bool { return c[2]|c[3] != 0 }

// Union is the set of what is in either.
func (c Class) Union(o Class) Class {
	for i := range c {
		c[i] |= o[i]
	}
	return c
}

// OfRune is a literal rune, in both cases when fold is set.
func OfRune(r rune, fold bool) Class {
	var c Class
	for f := r; ; f = unicode.SimpleFold(f) {
		if f < 0x80 {
			c.add(byte(f))
		} else if f == r {
			c.addHigh()
		}
		if !fold || unicode.SimpleFold(f) == r {
			return c
		}
	}
}

// ofRanges is a character class of a syntax tree.
func ofRanges(pairs []rune) Class {
	var c Class
	for i := 0; i+1 < len(pairs); i += 2 {
		for r := pairs[i]; r <= pairs[i+1] && r < 0x80; r++ {
			c.add(byte(r))
		}
		if pairs[i+1] >= 0x80 && !foldsToASCII(pairs[i], pairs[i+1]) {
			c.addHigh()
		}
	}
	return c
}

// foldsToASCII reports a range that stands in a class only because case folding
// put it there: U+017F folds to s, U+212A to k. Nobody writes keywords with them;
// leaving them out keeps the sets small (docs/gitleaks-differences.md).
func foldsToASCII(lo, hi rune) bool { return lo == hi && (lo == 0x17f || lo == 0x212a) }

// Of returns the class of a node that is exactly one character.
func Of(re *syntax.Regexp) (Class, bool) {
	switch re.Op {
	case syntax.OpLiteral:
		if len(re.Rune) == 1 {
			return OfRune(re.Rune[0], re.Flags&syntax.FoldCase != 0), true
		}
	case syntax.OpCharClass:
		return ofRanges(re.Rune), true
	case syntax.OpAnyChar:
		return Class{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}, true
	case syntax.OpAnyCharNotNL:
		return Class{^uint64(1 << '\n'), ^uint64(0), ^uint64(0), ^uint64(0)}, true
	default:
	}
	return Class{}, false
}

// frequency is how often a byte stands in source code and text, in parts of
// 10,000; measured roughly, since it only ranks the choices of where to look.
var frequency = makeFrequency()

func makeFrequency() [256]float64 {
	var f [256]float64
	for i := range f {
		f[i] = 1
	}
	for i, c := range []byte(" etaoinsrlcdupmfghbvwykxqjz") {
		f[c] = []float64{1600, 700, 560, 460, 450, 440, 430, 430, 410, 300, 250, 240, 200, 190, 160, 150, 120, 120, 90, 70, 60, 70, 60, 30, 8, 12, 9}[i]
	}
	for c := byte('A'); c <= 'Z'; c++ {
		f[c] = f[c+32] / 8
	}
	for c := byte('0'); c <= '9'; c++ {
		f[c] = 60
	}
	for c, n := range map[byte]float64{
		'\n': 300, '\t': 250, '_': 160, '.': 110, ',': 110, '(': 110, ')': 110, '-': 110, '=': 100, '/': 100, '"': 120, '\'': 60, ':': 70, ';': 70, '*': 70, '<': 35, '>': 50,
		'{': 30, '}': 30, '[': 30, ']': 30, '&': 20, '|': 10, '+': 20, '#': 20, '\\': 20, '%': 15, '!': 10, '@': 8, '$': 25, '`': 8, '?': 6, '~': 4, '^': 2,
	} {
		f[c] = n
	}
	sum := 0.0
	for _, n := range f {
		sum += n
	}
	for i := range f {
		f[i] /= sum
	}
	return f
}

// Chance is how likely a byte of ordinary text is in the class.
func (c Class) Chance() float64 {
	p := 0.0
	for i := range 256 {
		if c.Has(byte(i)) {
			p += frequency[i]
		}
	}
	return p
}
