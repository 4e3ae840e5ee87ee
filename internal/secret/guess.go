package secret

import "strings"

// guessable is how many bits a value must have at least to be safe behind a hash that
// that is quick: 2^80 hashes are out of reach.
const guessable = 72

// Guessable reports whether somebody who tries words, names, dates and their usual
// disguises may come upon the value. The length says little: a passphrase of three
// words is long and guessed. The estimate errs to the low side, for all that follows
// from it is that a value is hashed slowly. It is a part of the format of baselines:
// another estimate needs another name for their hashes (see [Waiving]).
func Guessable(t Text) bool { return bits(t.Reveal()) < guessable }

// What a guesser pays for a piece of a value, in bits. A run of letters counts as one
// word however long it is, as zxcvbn has it, for a word list holds it; a short one is
// no word, and is paid by the letter.
const (
	wordBits   = 12.0 // one of 4096 words
	letterBits = 4.7
	numberBits = 9.0 // a run of digits: a year, a date, a PIN
	digitBits  = 3.3
	otherBits  = 2.0
	oddBit     = 1.0 // a disguised letter, or a capital that begins no word
	shortRun   = 2   // letters or digits
)

// leet undoes the usual disguises of letters.
var leet = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "@", "a", "$", "s", "!", "l")

// bits estimates how hard a value is to guess. The vendor's prefix is no secret.
func bits(plain string) float64 {
	body := strings.TrimPrefix(plain, PublicPrefix(plain))
	plainly := leet.Replace(body)
	disguised := 0
	for i := range len(body) {
		if body[i] != plainly[i] { // both are of one length: each disguise is one byte for another
			disguised++
		}
	}
	return min(inPieces(body), inPieces(plainly)+oddBit*float64(disguised))
}

// inPieces adds up the runs of letters, digits and others. A capital begins a new run.
func inPieces(s string) float64 {
	total, class, length := 0.0, byte(0), 0
	seen := map[[2]string]bool{} // a piece after another
	begin, last := 0, ""
	pay := func(end int) {
		piece := strings.ToLower(s[begin:end])
		step := [2]string{last, piece}
		switch {
		case length == 0 || seen[step]: // what is repeated costs nothing
		case class == 'a' && length > shortRun:
			total += wordBits + oddBit*float64(oddCapitals(s[begin:end]))
		case class == 'a':
			total += letterBits * float64(length)
		case class == '0' && length > shortRun:
			total += numberBits
		case class == '0':
			total += digitBits * float64(length)
		default:
			total += otherBits
		}
		seen[step], last = true, piece
	}
	for i := range len(s) {
		c := classOf(s[i])
		newWord := c == 'a' && class == 'a' && isUpper(s[i]) && i > 0 && !isUpper(s[i-1])
		if c != class || newWord {
			pay(i)
			begin, class, length = i, c, 0
		}
		length++
	}
	pay(len(s))
	return total
}

// oddCapitals counts the capitals of a word that is not written "word", "Word" or
// "WORD".
func oddCapitals(word string) int {
	n := 0
	for i := 1; i < len(word); i++ {
		if isUpper(word[i]) {
			n++
		}
	}
	if n == len(word)-1 {
		return 0
	}
	return n
}

func classOf(b byte) byte {
	switch {
	case b|0x20 >= 'a' && b|0x20 <= 'z':
		return 'a'
	case b >= '0' && b <= '9':
		return '0'
	}
	return '-'
}

func isUpper(b byte) bool { return b >= 'A' && b <= 'Z' }
