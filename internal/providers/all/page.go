package all

import (
	"fmt"
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
)

// Page returns docs/providers.md: every provider, from its descriptor.
func Page() string {
	var b strings.Builder
	b.WriteString(`# Providers

What each provider can do, cannot do, needs, and where it can bite. This page is made from the providers' own descriptors
(` + "`go test ./internal/providers/all -run TestPage -update`" + `), and a test fails when it is old; on your machine,
` + "`secretguard providers list`" + ` also tells which are set up.

**automatic**: the new key and the end of the old one are calls. **mixed**: one half is a person's. **guided**: a person does
both, with exact instructions; the new key is taken by hidden input and checked at once. In all three the key is stored in its
consumers, they are deployed and attested, and the old key is proven dead. **stores**: no keys are made there; variables are.

| Name | What | Way | Old and new side by side |
| --- | --- | --- | --- |
`)
	for _, d := range Descriptors() {
		beside := "no"
		switch {
		case d.Way() == providers.WayStores:
			beside = "-"
		case d.Overlap:
			beside = "yes"
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", d.Name, d.Name, d.Title, d.Way(), beside)
	}
	for _, d := range Descriptors() {
		section(&b, d)
	}
	return b.String()
}

func section(b *strings.Builder, d providers.Descriptor) {
	fmt.Fprintf(b, "\n## %s\n\n%s.", d.Name, d.Title)
	for i, k := range d.Kinds {
		if i == 0 {
			b.WriteString(" Kinds of keys:")
		}
		fmt.Fprintf(b, " `%s`", k)
	}
	b.WriteString("\n")
	list := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(b, "\n%s:\n\n", title)
		for _, l := range lines {
			fmt.Fprintf(b, "- %s\n", l)
		}
	}
	var can []string
	for _, a := range d.Can {
		can = append(can, string(a))
	}
	list("It can", can)
	list("It cannot", d.Cannot())
	var settings []string
	for _, s := range d.Settings {
		line := "`" + s.Env + "`"
		if s.Required {
			line += " (required)"
		}
		settings = append(settings, line+": "+s.Help)
	}
	list("Settings", settings)
	list("Least rights", d.Permissions)
	list("Limits and traps", d.Limits)
	if d.Way() != providers.WayStores {
		list("Proof of death", []string{Proof(d)})
	}
	list("Links", d.Links)
}

// Proof says in a sentence how death is proven at an issuer.
func Proof(d providers.Descriptor) string {
	call := d.VerifyCall
	if call == "" {
		call = "the call that checks a key"
	}
	if d.Proof.Once {
		return fmt.Sprintf("refused once, never asked more often, by %s, while the new key is accepted before and after", call)
	}
	return fmt.Sprintf("refused %d times in a row over %s by %s, while the new key is accepted before and after", d.Proof.Refusals, d.Proof.Window, call)
}
