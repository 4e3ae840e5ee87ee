// Package difftest holds tests only: they run gitleaks' own program and our
// scanner over the same repository and explain every difference
// (docs/gitleaks-differences.md). The program is gitleaks' command package,
// started by the test binary as a process of its own, because it keeps state in
// package variables, ends the process and may panic on a configuration.
package difftest
