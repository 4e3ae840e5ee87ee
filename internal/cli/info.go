package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/providers/scaffold"
)

func (a *app) providersCmd() *cobra.Command {
	return group("providers", "What each provider can do, needs and cannot do", &cobra.Command{
		Use: "list", Short: "One line for each provider", Args: atMost(0),
		Example: "  secretguard providers list",
		RunE:    func(*cobra.Command, []string) error { return a.providersList() },
	}, &cobra.Command{
		Use: "show NAME", Short: "Settings, rights, limits and links of one provider", Args: exactly("NAME"),
		Example: "  secretguard providers show aws",
		RunE: func(_ *cobra.Command, args []string) error {
			list := all.Descriptors()
			i := slices.IndexFunc(list, func(d providers.Descriptor) bool { return d.Name == args[0] })
			if i < 0 {
				return unknown("provider", args[0], all.Names(), "secretguard providers list")
			}
			if !a.json {
				return a.showProvider(list[i])
			}
			w, err := a.connect()
			if err != nil {
				return err
			}
			return a.encode(w.providerDoc(list[i]))
		},
	}, a.providersNewCmd())
}

func (a *app) providersNewCmd() *cobra.Command {
	var root string
	cmd := &cobra.Command{
		Use: "new NAME", Short: "For contributors: the first files of a provider, with twin and tests", Args: exactly("NAME"),
		Long:    "Writes a provider, its twin in the lab and a test with the conformance suite into SecretGuard's own source. They compile and pass, and talk to\na made-up service: make twin and provider true to the vendor's documentation then. Nothing is overwritten.",
		Example: "  secretguard providers new acme",
		RunE: func(_ *cobra.Command, args []string) error {
			files, err := scaffold.Write(root, args[0])
			if err != nil {
				return problem{code: ExitUsage, err: fmt.Errorf("make a provider: %w", err), try: "secretguard providers new --help"}
			}
			for _, f := range files {
				if err := a.line(f.Path); err != nil {
					return err
				}
			}
			a.talk("next: go test ./internal/providers/%s, then \"Add a provider in an afternoon\" in CONTRIBUTING.md", args[0])
			return nil
		},
	}
	cmd.Flags().StringVar(&root, "source", ".", "the root of SecretGuard's source")
	return cmd
}

// providerDoc is a provider in JSON (docs/json.md).
type providerDoc struct {
	Schema      string       `json:"schema"`
	Name        string       `json:"name"`
	Title       string       `json:"title"`
	Roles       []string     `json:"roles"`
	Kinds       []string     `json:"kinds"`
	Way         string       `json:"way"`
	Can         []string     `json:"can"`
	Cannot      []string     `json:"cannot"`
	Overlap     bool         `json:"overlap"`
	Configured  bool         `json:"configured"`
	Settings    []settingDoc `json:"settings"`
	Permissions []string     `json:"permissions"`
	Limits      []string     `json:"limits"`
	Links       []string     `json:"links"`
}

type settingDoc struct {
	Env      string `json:"env"`
	Help     string `json:"help"`
	Secret   bool   `json:"secret"`
	Required bool   `json:"required"`
}

func (w *workspace) providerDoc(d providers.Descriptor) providerDoc {
	_, ok := w.registry.Get(d.Name)
	doc := providerDoc{
		Schema: "secretguard.provider/1", Name: d.Name, Title: d.Title, Roles: []string{}, Kinds: []string{}, Configured: ok,
		Way: string(d.Way()), Can: []string{}, Cannot: orEmpty(d.Cannot()), Overlap: d.Overlap,
		Settings: []settingDoc{}, Permissions: orEmpty(d.Permissions), Limits: orEmpty(d.Limits), Links: orEmpty(d.Links),
	}
	for _, c := range d.Can {
		doc.Can = append(doc.Can, string(c))
	}
	for _, r := range d.Roles {
		doc.Roles = append(doc.Roles, string(r))
	}
	for _, k := range d.Kinds {
		doc.Kinds = append(doc.Kinds, string(k))
	}
	for _, s := range d.Settings {
		doc.Settings = append(doc.Settings, settingDoc{s.Env, s.Help, s.Secret, s.Required})
	}
	return doc
}

// orEmpty makes an absent list an empty one, as a reader of JSON expects.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (a *app) providersList() error {
	w, err := a.connect()
	if err != nil {
		return err
	}
	for _, d := range all.Descriptors() {
		doc := w.providerDoc(d)
		if a.json {
			err = a.encode(doc)
		} else {
			state := "not configured"
			switch {
			case doc.Configured && d.ByHand && !w.hasAccess(d):
				state = "by hand" // as if it were guided
			case doc.Configured:
				state = "configured"
			}
			err = a.line(fmt.Sprintf("%-15s %-7s %-10s %-15s %s", d.Name, strings.Join(doc.Roles, "+"), doc.Way, state, d.Title))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hasAccess tells whether a provider works with calls of its own, not by hand alone.
func (w *workspace) hasAccess(d providers.Descriptor) bool {
	p, ok := w.registry.Get(d.Name)
	return ok && slices.Equal(providers.AbilitiesOf(p), d.Can)
}

func (a *app) showProvider(d providers.Descriptor) error {
	var b strings.Builder
	section := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, l := range lines {
			fmt.Fprintf(&b, "  %s\n", l)
		}
	}
	fmt.Fprintf(&b, "%s (%s), %s\n", d.Title, d.Name, d.Way())
	var can []string
	for _, c := range d.Can {
		can = append(can, string(c))
	}
	section("Can", can)
	section("Cannot", d.Cannot())
	var settings []string
	for _, s := range d.Settings {
		need := "optional"
		if s.Required {
			need = "required"
		}
		line := fmt.Sprintf("%-24s %s; %s", s.Env, need, s.Help)
		if s.Secret {
			line += fmt.Sprintf(" (or the path of a file in %s_FILE)", s.Env)
		}
		settings = append(settings, line)
	}
	section("Settings", settings)
	section("Least rights", d.Permissions)
	section("Limits and traps", d.Limits)
	if d.Way() != providers.WayStores {
		section("Proof of death", []string{all.Proof(d)})
	}
	section("Links", d.Links)
	return a.line(strings.TrimRight(b.String(), "\n"))
}
