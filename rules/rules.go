// Package rules holds the embedded rule packs: gitleaks' TOML format with our
// metadata (kind, part, severity, link).
package rules

import _ "embed"

// Core is the pack for the families that a rotation knows.
//
//go:embed core.toml
var Core []byte
