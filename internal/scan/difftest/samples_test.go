package difftest

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

// maker makes values that look like keys, the same in every run.
type maker struct{ *rand.Rand }

func newMaker() maker { return maker{rand.New(rand.NewPCG(2, 26))} }

func (m maker) from(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[m.IntN(len(alphabet))]
	}
	return string(b)
}

func (m maker) lower(n int) string { return m.from("abcdefghijklmnopqrstuvwxyz0123456789", n) }

// rules exercise every part of gitleaks' configuration format. %s is a commit.
const rules = `
title = "every form"

[[allowlists]]
description = "paths and stop words for every rule"
paths = ['''(^|/)skipped/''']
stopwords = ["NoBody"]

[[allowlists]]
description = "both must hold"
condition = "AND"
paths = ['''(^|/)fixtures/''']
regexes = ['''fixed''']

[[allowlists]]
description = "for one rule only"
targetRules = ["plain"]
regexes = ['''^plain-targeted''']

[[rules]]
id = "plain"
regex = '''plain-[a-z0-9]{16,40}'''
keywords = ["Plain-"]
tags = ["one", "two"]

[[rules]]
id = "word-elsewhere"
regex = '''far-[a-z0-9]{20}'''
keywords = ["beacon"]

[[rules]]
id = "no-keyword"
regex = '''\bnk_[a-z0-9]{20}\b'''

[[rules]]
id = "cyrillic-keyword"
regex = '''(?i)ключ=([a-z0-9]{20})'''
keywords = ["КЛЮЧ"]

[[rules]]
id = "second-group"
regex = '''(user|name)=two:([a-z0-9]{20})'''
secretGroup = 2
keywords = ["two:"]

[[rules]]
id = "first-group-that-took-part"
regex = '''alt:(?:a=([a-z0-9]{20})|b=([a-z0-9]{20}))'''
keywords = ["alt:"]

[[rules]]
id = "group-that-took-no-part"
regex = '''opt:(x)?[a-z0-9]{20}'''
secretGroup = 1
keywords = ["opt:"]

[[rules]]
id = "entropy"
regex = '''ent=([a-z0-9]{20})'''
entropy = 3.5
keywords = ["ent="]

[[rules]]
id = "trailing-line-end"
regex = '''eol=([a-z0-9]{20})\s'''
keywords = ["eol="]

[[rules]]
id = "greedy-line-ends"
regex = '''(?m)block:\n((?:[a-z0-9]{20}\s*)+)'''
keywords = ["block:"]

[[rules]]
id = "key-block"
regex = '''BEGIN BOX[\s\S]{30,}?END BOX'''
keywords = ["begin box"]

[[rules]]
id = "only-path"
path = '''\.keystore$'''

[[rules]]
id = "path-and-regex"
path = '''\.tf$'''
regex = '''tf-[a-z0-9]{20}'''
keywords = ["tf-"]

[[rules]]
id = "my-Generic-rule"
regex = '''pair=\s*([a-z0-9]{10,30})'''
keywords = ["pair="]

[[rules]]
id = "specific"
regex = '''pair=(sp[a-z0-9]{18})'''
keywords = ["pair=sp"]

[[rules]]
id = "allowed-secret"
regex = '''as-([a-z0-9]{20})'''
keywords = ["as-"]
[[rules.allowlists]]
regexes = ['''^00''']
stopwords = ["Sample"]

[[rules]]
id = "allowed-match"
regex = '''(?:real|fake)-am-([a-z0-9]{20})'''
keywords = ["-am-"]
[[rules.allowlists]]
regexTarget = "match"
regexes = ['''^fake''']

[[rules]]
id = "allowed-line"
regex = '''al-([a-z0-9]{20})'''
keywords = ["al-"]
[[rules.allowlists]]
regexTarget = "line"
regexes = ['''//\s*example''', '''^#''']

[[rules]]
id = "allowed-old-form"
regex = '''of-([a-z0-9]{20})'''
keywords = ["of-"]
[rules.allowlist]
paths = ['''old/''']
stopwords = ["abcabc"]

[[rules]]
id = "allowed-and"
regex = '''an-([a-z0-9]{20})'''
keywords = ["an-"]
[[rules.allowlists]]
condition = "&&"
paths = ['''\.md$''']
regexes = ['''^1''']
stopwords = ["zz"]

[[rules]]
id = "allowed-commit"
regex = '''ac-([a-z0-9]{20})'''
keywords = ["ac-"]
[[rules.allowlists]]
commits = [" %s "]
`

// sample is one file and how many findings gitleaks must report in it: a
// comparison over nothing would show nothing.
type sample struct {
	name, file, text string
	gitleaks         int
	// Differences by intent, each explained in docs/gitleaks-differences.md.
	onlyTheirs, onlyOurs int
	// history overrides the numbers where gitleaks' git mode differs from its dir mode.
	history *sample
}

func samples() []sample {
	m := newMaker()
	v := func(prefix string) string { return prefix + m.lower(20) }
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	nested := func(s string, depth int) string {
		for range depth {
			s = b64("x: " + s + " ")
		}
		return s
	}
	box := func(inside string) string { return "BEGIN BOX\n" + m.lower(30) + "\n" + inside + "END BOX\n" }
	list := []sample{
		{name: "keyword in upper case", text: "PLAIN- plain-" + m.lower(20), gitleaks: 1},
		{name: "keyword elsewhere in the file", text: "beacon\n\n\n" + v("far-") + "\n", gitleaks: 1},
		{name: "no keyword in the file", text: v("far-") + "\n"},
		{name: "rule without keyword", text: "a " + v("nk_") + " b\n", gitleaks: 1},
		{name: "keyword that is not ASCII", text: "КЛЮЧ=" + m.lower(20) + "\nключ=" + m.lower(20), gitleaks: 2},
		{name: "many in a line", text: v("plain-") + " " + v("plain-") + "," + v("plain-") + "\n", gitleaks: 3},
		{name: "same secret twice", text: strings.Repeat("plain-"+strings.Repeat("q1", 10)+"\n", 2), gitleaks: 2},
		{name: "secretGroup", text: "user=two:" + m.lower(20) + " name=two:" + m.lower(20), gitleaks: 2},
		{name: "first group", text: "alt:a=" + m.lower(20) + "\nalt:b=" + m.lower(20), gitleaks: 2},
		{name: "secretGroup without part", text: "opt:x" + m.lower(20) + "\nopt:" + m.lower(20), gitleaks: 2, onlyTheirs: 1, onlyOurs: 1},
		{name: "entropy too low", text: "ent=" + strings.Repeat("ab", 10)},
		{name: "entropy high", text: "ent=abcdefghij0123456789", gitleaks: 1},
		{name: "ends in a line end", text: "eol=" + m.lower(20) + "\n// gitleaks:allow\neol=" + m.lower(20) + " x\n", gitleaks: 2, onlyTheirs: 1, onlyOurs: 1},
		{name: "no line end at the end", text: "first\nsecond " + v("plain-"), gitleaks: 1},
		{name: "carriage returns", text: "a\r\n" + v("plain-") + "\r\nblock:\n" + m.lower(20) + "\r\n\r\n", gitleaks: 2},
		{name: "greedy line ends", text: "x\nblock:\n" + m.lower(20) + "\n" + m.lower(20) + "\n\n\nend", gitleaks: 1},
		{name: "several lines", text: "x\n" + box("") + "y\n" + box(m.lower(30)+"\n"), gitleaks: 2},
		{name: "block without end", text: "BEGIN BOX\n" + m.lower(40) + "\n" + box(""), gitleaks: 1, onlyOurs: 1},
		{name: "empty file with a path rule", file: "empty.keystore", text: "", gitleaks: 0, onlyOurs: 1},
		{name: "path rule", file: "a/my.keystore", text: "anything\n", gitleaks: 1},
		{name: "path rule on a binary", file: "b/my.keystore", text: "\x00\x01\x02", gitleaks: 1, history: &sample{onlyOurs: 1}},
		{name: "path and regex", file: "main.tf", text: v("tf-"), gitleaks: 1},
		{name: "regex, other path", file: "main.tfx", text: v("tf-")},
		{name: "generic and specific", text: "pair=sp" + m.lower(18) + "\npair=" + strings.Repeat("t", 12), gitleaks: 2},
		{name: "generic inside a block", text: box("pair=" + m.lower(24) + "\n"), gitleaks: 2},
		{name: "generic from the first line of a block on", text: "BEGIN BOX-----pair=\n" + m.lower(24) + "\n" + m.lower(24) + "\nEND BOX\n", gitleaks: 1},
		{name: "global path", file: "skipped/x.txt", text: v("plain-")},
		{name: "global stop word", text: "plain-nobody" + m.lower(16)},
		{name: "global AND, both", file: "fixtures/a.txt", text: "plain-fixed" + m.lower(16)},
		{name: "global AND, path alone", file: "fixtures/b.txt", text: v("plain-"), onlyOurs: 1, history: &sample{gitleaks: 1}},
		{name: "global AND, regex alone", text: "plain-fixed" + m.lower(16), gitleaks: 1},
		{name: "targetRules", text: "plain-targeted" + m.lower(16) + " nk_targeted" + m.lower(12), gitleaks: 1},
		{name: "rule allowlist, secret", text: "as-00" + m.lower(18) + "\nas-sample" + m.lower(14) + "\nas-" + m.lower(20), gitleaks: 1},
		{name: "rule allowlist, match", text: "fake-am-" + m.lower(20) + "\nreal-am-" + m.lower(20), gitleaks: 1},
		{name: "rule allowlist, line", text: "al-" + m.lower(20) + " // example\nal-" + m.lower(20) + "\n", gitleaks: 1},
		{name: "rule allowlist, line, beginning", text: "# al-" + m.lower(20) + "\n# al-" + m.lower(20) + "\n", gitleaks: 1, onlyTheirs: 1},
		{name: "last line without line end, allow on another line", text: v("plain-") + " gitleaks:allow\n\n" + v("plain-"), onlyOurs: 1},
		{name: "old form, path", file: "old/x.txt", text: v("of-")},
		{name: "old form, stop word", text: "of-abcabc" + m.lower(14) + "\n" + v("of-"), gitleaks: 1},
		{name: "rule AND, all", file: "doc/a.md", text: "an-1zz" + m.lower(17)},
		{name: "rule AND, two of three", file: "doc/b.md", text: "an-1" + strings.Repeat("q", 19), gitleaks: 1},
		{name: "rule AND, other path", file: "doc/c.txt", text: "an-1zz" + m.lower(17), gitleaks: 1},
		{name: "inline allow", text: v("plain-") + " # gitleaks:allow\n" + v("plain-") + "\n# gitleaks:allow\n", gitleaks: 1},
		{name: "inline allow far away", text: v("plain-") + strings.Repeat(" ", 5000) + "gitleaks:allow\n", onlyOurs: 1},
		{name: "base64", text: "data: " + b64("the token is "+v("plain-")) + "\n", gitleaks: 1},
		{name: "base64, text around it allows", text: "data: " + b64(v("al-")+" // example ") + "\n"},
		{name: "base64, allow beside it", text: "data: " + b64("the token is "+v("plain-")) + " gitleaks:allow\n"},
		{name: "hex", text: "data: " + hex.EncodeToString([]byte("token "+v("plain-"))) + "\n", gitleaks: 1},
		{name: "percent", text: "u?q=" + percentEncoded(v("plain-")) + "\n", gitleaks: 1},
		{name: "unicode", text: `{"k": "` + unicodeEncoded(v("plain-")) + `"}`, gitleaks: 1},
		{name: "base64 of hex", text: b64("h "+hex.EncodeToString([]byte("token "+v("plain-")))) + "\n", gitleaks: 1},
		{name: "decoded five times", text: nested(v("plain-"), 5) + "\n", gitleaks: 1},
		{name: "decoded six times", text: nested(v("plain-"), 6) + "\n"},
		{name: "several lines, decoded", text: "a: " + b64(v("plain-")+" one") + "\nb: " + b64(v("plain-")+" two") + "\n", gitleaks: 2},
		{name: "plain and decoded", text: v("plain-") + "\n" + b64("again: "+v("plain-")) + "\n", gitleaks: 2},
		{
			name: "several lines, one of them decoded twice", gitleaks: 2,
			text: "a: " + b64("BEGIN BOX "+m.lower(20)) + "\nb: " + nested("in the middle "+m.lower(20), 2) + "\nc: " + b64(m.lower(20)+" END BOX") + "\n",
		},
		{name: "text that is no UTF-8", text: "\xff\xfe \x80\n" + v("plain-") + "\xff\n", gitleaks: 1},
		{name: "letters of other languages before it", text: "ŠĐŽ 漢字 🙂 " + v("plain-") + "\nИ " + v("plain-"), gitleaks: 2},
		{name: "path with a blank and letters", file: "ä b/č\tü.txt", text: v("plain-"), gitleaks: 1},
		{name: "long line", text: strings.Repeat("x ", 30_000) + v("plain-") + "\n", gitleaks: 1},
	}
	for i := range list {
		if list[i].file == "" {
			list[i].file = fmt.Sprintf("s%02d.txt", i)
		}
	}
	return list
}
