// Package sample makes texts from templates: "KEY=acme_{hex:32}" gives a text with
// a made-up value of that form. Rules are tested with them, and the table of
// docs/detection.md is measured with them, so that no key stands in a file.
//
// Start with [Parse]. A template is plain text with fields in braces; what does not
// look like a field stands for itself. Fields are
//
//	{hex:32} {alnum:20-40}   so many characters of a class, see Classes
//	{x*30}                   one character, repeated
//	{uuid}                   a version 4 UUID
//	{crc32:30}               so many letters and digits, and six that are their CRC-32
//	{jwt:service_role}       a signed token with that role, as Supabase has them
//	{supabase:sb_secret_}    22 characters and a checksum over a made-up project
//	{supabase:sb_secret_:REF} the same over the project REF
package sample

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// Classes are the alphabets that a field may name.
var Classes = map[string]string{
	"hex": digits + "abcdef", "HEX": digits + "ABCDEF", "digit": digits, "lower": lower, "upper": upper, "letter": upper + lower,
	"alnum": upper + lower + digits, "base36": lower + digits, "BASE36": upper + digits, "base32": upper + "234567",
	"base64": upper + lower + digits + "+/", "base64url": upper + lower + digits + "-_",
}

// Template makes texts. It never changes and may be used from many goroutines;
// each of them needs its own source of randomness.
type Template struct{ pieces []piece }

// piece makes a part of the text. A field's part is a value; plain text is not.
type piece struct {
	plain string
	value func(*rand.Rand) string
}

var field = regexp.MustCompile(`\{(?:(hex|HEX|digit|lower|upper|letter|alnum|base36|BASE36|base32|base64|base64url):(\d+)(?:-(\d+))?` +
	`|(.)\*(\d+)|(uuid)|crc32:(\d+)|jwt:([a-z_]+)|supabase:([a-z_]+)(?::([a-z-]+))?)\}`)

// longest is the most characters that a field may ask for.
const longest = 1 << 16

// Parse reads a template. A field that asks for too much is an error.
func Parse(text string) (Template, error) {
	var t Template
	at := 0
	for _, m := range field.FindAllStringSubmatchIndex(text, -1) {
		if m[0] > at {
			t.pieces = append(t.pieces, piece{plain: text[at:m[0]]})
		}
		group := func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return text[m[2*n]:m[2*n+1]]
		}
		value, err := valueOf(group)
		if err != nil {
			return Template{}, fmt.Errorf("template field %s: %w", text[m[0]:m[1]], err)
		}
		t.pieces = append(t.pieces, piece{value: value})
		at = m[1]
	}
	if at < len(text) {
		t.pieces = append(t.pieces, piece{plain: text[at:]})
	}
	return t, nil
}

func valueOf(group func(int) string) (func(*rand.Rand) string, error) {
	var sizes [8]int
	for _, n := range []int{2, 3, 5, 7} {
		if s := group(n); s != "" {
			v, err := strconv.Atoi(s)
			if err != nil || v > longest {
				return nil, fmt.Errorf("more than %d characters", longest)
			}
			sizes[n] = v
		}
	}
	switch {
	case group(1) != "":
		least, most := sizes[2], max(sizes[2], sizes[3])
		alphabet := Classes[group(1)]
		return func(r *rand.Rand) string { return random(r, alphabet, least+r.IntN(most-least+1)) }, nil
	case group(4) != "":
		text := strings.Repeat(group(4), sizes[5])
		return func(*rand.Rand) string { return text }, nil
	case group(6) != "":
		return uuid, nil
	case group(7) != "":
		return func(r *rand.Rand) string { return github(random(r, Classes["alnum"], sizes[7])) }, nil
	case group(8) != "":
		role := group(8)
		return func(r *rand.Rand) string { return token(r, role) }, nil
	}
	prefix, ref := group(9), group(10)
	return func(r *rand.Rand) string { return supabase(r, prefix, ref) }, nil
}

// Make returns one text.
func (t Template) Make(r *rand.Rand) string {
	var b strings.Builder
	for _, p := range t.pieces {
		if p.value == nil {
			b.WriteString(p.plain)
			continue
		}
		b.WriteString(p.value(r))
	}
	return b.String()
}

// Random reports whether the template has a field: a text without one is the same
// every time.
func (t Template) Random() bool {
	for _, p := range t.pieces {
		if p.value != nil {
			return true
		}
	}
	return false
}

// Source is a source of randomness that gives the same texts for the same name.
func Source(name string) *rand.Rand {
	var seed [32]byte
	copy(seed[:], "secretguard sample")
	for i := range len(name) {
		seed[i%len(seed)] = seed[i%len(seed)]*31 + name[i]
	}
	return rand.New(rand.NewChaCha8(seed)) //nolint:gosec // the values are made up, and must be the same in every run
}

func random(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}
