package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/secretguard/secretguard/internal/term"
)

// document is one file of ours.
type document struct {
	Scan      Scan                `toml:"scan"`
	Providers map[string]Provider `toml:"providers"`
	Consumers []Consumer          `toml:"consumer"`
	Journal   Journal             `toml:"journal"`
}

// knownKeys are the keys a person may have meant; NAME stands for a provider.
func knownKeys() []string {
	return []string{
		"scan", "scan.max_target_megabytes", "scan.rules",
		"journal", "journal.identity",
		"providers", "providers.NAME.base_url", "providers.NAME.allow_private",
		"consumer", "consumer.name", "consumer.where", "consumer.variables", "consumer.same",
		"consumer.queue.url", "consumer.queue.actions", "consumer.queue.key_id", "consumer.queue.secret", "consumer.queue.region",
		"consumer.prefect.url", "consumer.prefect.key", "consumer.prefect.auth", "consumer.prefect.deployment", "consumer.prefect.pool",
		"consumer.supabase.url", "consumer.supabase.key", "consumer.endpoint.url", "consumer.endpoint.proves",
		"consumer.check.url", "consumer.check.command", "consumer.check.preview",
	}
}

// parse reads one file strictly: an unknown key is an error, since a misspelt
// limit that is silently dropped is worse than none.
func parse(path string, data []byte, trust Trust, names []string) (document, error) {
	var doc document
	dec := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return document{}, explain(path, err)
	}
	if n := doc.Scan.MaxTargetMegabytes; n < 0 {
		return document{}, &Error{File: path, Key: "scan.max_target_megabytes", Msg: "cannot be negative"}
	}
	var errs []error
	if err := checkJournal(path, doc.Journal, trust); err != nil {
		errs = append(errs, err)
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Providers)) {
		if err := checkProvider(path, name, doc.Providers[name], trust, names); err != nil {
			errs = append(errs, err)
		}
	}
	if err := checkConsumers(path, doc.Consumers); err != nil {
		errs = append(errs, err)
	}
	return doc, errors.Join(errs...)
}

// identityPlaces are where the identity of a new journal may be kept.
var identityPlaces = []string{"file", "keyring", "auto"}

func checkJournal(path string, j Journal, trust Trust) error {
	switch {
	case j.Identity == "":
		return nil
	case trust == FromTarget:
		return &Error{
			File: path, Key: "journal.identity", Msg: "a file in the scanned repository may not say where keys are kept",
			Try: "move it to your own configuration, see: secretguard config show",
		}
	case !slices.Contains(identityPlaces, j.Identity):
		return &Error{File: path, Key: "journal.identity", Msg: fmt.Sprintf("is %q; it may be %s", j.Identity, strings.Join(identityPlaces, ", "))}
	}
	return nil
}

func checkProvider(path, name string, p Provider, trust Trust, names []string) error {
	key := "providers." + name
	if trust == FromTarget {
		switch {
		case p.BaseURL != "":
			key += ".base_url"
		case p.AllowPrivate:
			key += ".allow_private"
		}
		return &Error{
			File: path, Key: key, Msg: "a file in the scanned repository may not set endpoints",
			Try: "move it to your own configuration, see: secretguard config show",
		}
	}
	if len(names) > 0 && !slices.Contains(names, name) {
		e := &Error{File: path, Key: key, Msg: "there is no such provider"}
		if n := term.Nearest(name, names); n != "" {
			e.Try = fmt.Sprintf("did you mean %q?", n)
		}
		return e
	}
	if msg := badURL(p); msg != "" {
		return &Error{File: path, Key: key + ".base_url", Msg: msg}
	}
	return nil
}

// badURL says what is wrong with an endpoint, without repeating it: a person may
// have put a password into it.
func badURL(p Provider) string {
	if p.BaseURL == "" {
		return ""
	}
	u, err := url.Parse(p.BaseURL)
	switch {
	case err != nil || u.Host == "":
		return "is not an absolute URL"
	case u.User != nil:
		return "holds a user name or password; tokens come from the environment or the keyring"
	case u.RawQuery != "" || u.Fragment != "":
		return "has a query or fragment"
	case u.Scheme == "https":
		return ""
	case u.Scheme == "http" && p.AllowPrivate:
		return ""
	case u.Scheme == "http":
		return "must be https, or http to a private address with allow_private = true"
	default:
		return "must be an https URL"
	}
}

// explain turns the TOML reader's errors into ours.
func explain(path string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		var errs []error
		for i := range strict.Errors {
			errs = append(errs, unknownKey(path, &strict.Errors[i]))
		}
		return errors.Join(errs...)
	}
	var de *toml.DecodeError
	if errors.As(err, &de) {
		line, _ := de.Position()
		// The reader's message may quote the file, which is foreign: quote it again.
		return &Error{File: path, Line: line, Key: strings.Join(de.Key(), "."), Msg: fmt.Sprintf("%q", de.Error())}
	}
	return &Error{File: path, Msg: fmt.Sprintf("%q", err.Error())}
}

func unknownKey(path string, de *toml.DecodeError) error {
	line, _ := de.Position()
	key := de.Key()
	e := &Error{File: path, Line: line, Key: strings.Join(key, "."), Msg: "unknown key"}
	if len(key) > 1 && key[0] == "providers" {
		key = append([]string{"providers", "NAME"}, key[2:]...)
	}
	if n := term.Nearest(strings.Join(key, "."), knownKeys()); n != "" {
		e.Try = fmt.Sprintf("did you mean %q?", n)
	}
	return e
}
