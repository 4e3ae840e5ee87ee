package rules

import (
	"regexp"
	"strings"
)

// fragments are pieces of expressions that many rules need; a pack names them in
// double braces.
//
// {{start}} stands before a key that begins with its vendor's prefix. It is a word's
// edge, an underscore ("__KEY__", "key_sk-…"), or what ends where a key begins though it
// ends in a letter: an escape in a string ("\nsk_live_…"), or a terminal's colour
// ("ESC[32mghp_…"). {{edge}} is the same without the underscore, for what may also be
// the end of a longer key (a JWT in "ghs_ID_JWT").
//
// {{is}} leads from a name to its value, for keys that only their name betrays. It is
// signs, and the words that formats put between the two: an assignment, a call with a
// default, an entry of Kubernetes ("- name: K", "value: v"), a variable of Terraform, a
// parameter of CloudFormation, an attribute of XML, a cell of a table. With {{to}} the
// name may go on first ("COHERE" in COHERE_API_KEY_PROD), and it may head a section of
// settings, of which one is the key.
//
// {{call}} leads from a vendor's host to the key of a request to it ("curl https://… -H
// 'Authorization: Bearer "), in the same command or a few lines on; {{called}} leads from
// behind such a key back to the host.
//
// {{keys}}…{{/keys}} is one key of that form, or up to ten in a list, each a group of its
// own: several keys under one name.
//
// {{sum}} and {{camel}} are for allowlists: a match that is a checksum or an id, beside a
// file's name or by its own name, and a value of words ("MistralForCausalLM").
var fragments = strings.NewReplacer("{{start}}", start, "{{edge}}", edge, "{{is}}", is, "{{to}}", to, "{{call}}", call, "{{called}}", called, "{{sum}}", sum, "{{camel}}", camel)

const (
	escape = `\\(?:[abefnrtv]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-7]{3})|\[[0-9;]{0,12}m`
	edge   = `(?:\b|` + escape + `)`
	start  = `(?:\b|_|` + escape + `)`

	// sign is one of those between a name and its value, with a terminal's colours.
	sign = `(?:\\(?:[nrt]|u00[0-9a-fA-F]{2})|(?:\x1b|\\(?:e|033|x1b|u001b))\[[0-9;]{0,12}m|[\s=:>,("'\x60|\[\])?\\;{}$<&*!+@\-])`
	// word is one that is no part of a name and may stand between it and its value: a
	// type, a default, an attribute, what a getter or a client calls its argument.
	word = `(?:default|values?|default_?value|type|string|str|text|secure_?string|secure|secret|sensitive|no_?echo|true|false|null|none|nullable|ephemeral|optional|` +
		`get|set|init|static|const|final|val|let|var|public|private|readonly|export|z|(?:api_?)?keys?|x-api-key|set_api_key|(?:auth_?)?tokens?|auth|authorization|bearer|header|` +
		`import|from|require|client|quot|apos|gt|lt|is|was|as|to|or|else|hidden|password|content|body|[bfru]|field|secret_?str|secret_?value|by|extra|from_(?:token|name|string|str)|plain|env|context|production|all)`
	described = `desc(?:ription)?["']{0,2}[ \t]{0,16}[=:][^\n]{0,200}`

	setting = `[ \t]{0,16}["']?\w{1,24}["']?[ \t]{0,3}[=:]{1,2}[ \t]{0,3}["']?[\w.:/@+\-]{0,60}["']?,?[ \t]{0,3}\r?\n`
	section = `["'\]]{0,2}(?:[ \t]{0,3}(?::[ \t]{0,3}\{?|=[ \t]{0,3}\{|\{|\])|,)?[ \t]{0,3}\r?\n(?:` + setting + `){1,5}[ \t]{0,16}["']?(?:api_?)?(?:key|token|secret)\w{0,12}` + sign + `+`

	plain = `\w{1,24}["']?[ \t]{0,3}[=:][ \t]{0,3}(?:true|false|null|\d{1,6})\b` // a setting that is no text

	is = sign + `+(?:(?:[./]?` + word + `\b(?:\.` + word + `\b)*|/name\b|` + plain + `|` + described + `)` + sign + `+)*`

	to = `[\w.\-]{0,30}(?:` + is + `|` + section + `)`

	near   = `[^\n]{0,160}(?:\n[^\n]{0,160}){0,6}?`
	call   = near + `\bbearer[ \t]{1,3}`
	called = `["'\x60\s\\]` + near

	sum = `(?i)\.(?:tar|t?gz|bz2|xz|zip|whl|jar|exe|deb|rpm|mp3|wav)\b|\b(?:md5|e_?tag|checksum|digest|sha\d{0,3})\b|` +
		`(?:hash|sha\d{0,3}|commit|checksum|digest|e_?tag|md5|_id|\bid)["'\x60]?\s{0,3}[:=]?\s{0,3}["'\x60]?[a-f0-9]{32}|/[a-f0-9]{32}`
	camel = `^[A-Z]?[a-z]+(?:[A-Z][a-z]+){2,}$`
)

// between separates the keys of a list: a comma, a line of YAML or of an array.
const between = `["'\x60]?[ \t]{0,3}(?:[,;|]|\r?\n|[ \t])[ \t]{0,3}\r?\n?[ \t]{0,24}(?:-[ \t]{1,3})?["'\x60]?`

// mostKeys is how many keys of one list are found.
const mostKeys = 10

var listed = regexp.MustCompile(`\{\{keys\}\}(.+?)\{\{/keys\}\}`)

// written returns a pack with its fragments written out.
func written(pack string) string {
	pack = listed.ReplaceAllStringFunc(pack, func(s string) string {
		key := listed.FindStringSubmatch(s)[1]
		return "(" + key + ")" + strings.Repeat("(?:"+between+"("+key+"))?", mostKeys-1)
	})
	return fragments.Replace(pack)
}
