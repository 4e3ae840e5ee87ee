// Package config finds, reads and checks configuration. Start with [Load].
//
// Each file has a trust level. A file inside the scanned repository is foreign:
// it may name rules and tighten limits, and setting an endpoint there is an error,
// because an endpoint receives our tokens. The user's own file may set both. The
// package reads files and environment only through what [Options] hands in.
package config

import (
	"fmt"
	"strings"
)

// Trust says whose words a file holds.
type Trust int

// Trust levels.
const (
	// FromTarget is a file inside the scanned repository: foreign.
	FromTarget Trust = iota
	// FromUser is the user's own file, or one named on the command line.
	FromUser
)

// String names the level for messages.
func (t Trust) String() string {
	if t == FromUser {
		return "user"
	}
	return "scanned repository"
}

// Config is the merged configuration. It does not change after Load and may be
// used from many goroutines.
type Config struct {
	Scan Scan
	// Rules is the gitleaks configuration to use, nil for the built-in rules.
	Rules *Rules
	// Consumers are the [[consumer]] tables of the heaviest file of the user's that
	// has any.
	Consumers []Consumer
	// ForeignConsumers is the file in the target that has such tables, which do not
	// count: the user has not said that they are theirs.
	ForeignConsumers string
	// Files are the files that were read, in the order of their weight.
	Files []File

	// Journal is the [journal] table; only the user's own file may have one.
	Journal Journal

	providers map[string]Provider
	env       func(string) string
}

// Scan is the [scan] table.
type Scan struct {
	// MaxTargetMegabytes skips larger files (counted); 0 keeps the default. Among
	// several files the smallest value wins when it comes from the target.
	MaxTargetMegabytes int `toml:"max_target_megabytes"`
	// Rules names a gitleaks configuration, relative to the file that names it.
	Rules string `toml:"rules"`
}

// Journal is the [journal] table.
type Journal struct {
	// Identity is where the identity of a new journal is kept: "file" (the default),
	// "keyring" or "auto".
	Identity string `toml:"identity"`
}

// Provider is one [providers.NAME] table.
type Provider struct {
	// BaseURL replaces the provider's public address; empty keeps it.
	BaseURL string `toml:"base_url"`
	// AllowPrivate permits loopback and private addresses, and plain http there.
	AllowPrivate bool `toml:"allow_private"`
}

// Rules is a gitleaks configuration, read but not interpreted.
type Rules struct {
	Path  string // where it was found; "GITLEAKS_CONFIG_TOML" for the variable
	Data  []byte
	Trust Trust
	// Read reads a file that the rules extend. A file in the scanned repository
	// reads no other outside of it.
	Read func(path string) ([]byte, error)
}

// File is a file that was read, named at -v.
type File struct {
	Path  string
	Trust Trust
}

// Provider returns a provider's settings. SECRETGUARD_<NAME>_URL wins over the
// user's file; the scanned repository has no say.
func (c Config) Provider(name string) Provider {
	p := c.providers[name]
	if c.env == nil {
		return p
	}
	if u := c.env("SECRETGUARD_" + strings.ToUpper(name) + "_URL"); u != "" {
		p.BaseURL = u
	}
	return p
}

// Error is a mistake in a configuration file. Its text is safe to show: foreign
// words in it are quoted.
type Error struct {
	File string
	Line int    // 1-based, 0 when unknown
	Key  string // dotted, empty when the whole file is meant
	Msg  string
	Try  string // what to do about it, may be empty
}

// Error gives one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "configuration %q", e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, " line %d", e.Line)
	}
	if e.Key != "" {
		fmt.Fprintf(&b, ": key %q", e.Key)
	}
	fmt.Fprintf(&b, ": %s", e.Msg)
	if e.Try != "" {
		fmt.Fprintf(&b, "; %s", e.Try)
	}
	return b.String()
}
