// Command snapshot writes the snapshot of the built-in rules: go generate.
package main

import (
	"fmt"
	"os"

	"github.com/secretguard/secretguard/internal/scan/ruleset"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "snapshot:", err)
		os.Exit(1) //nolint:forbidigo // a main function
	}
}

func write() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: snapshot FILE")
	}
	set, err := ruleset.Builtin()
	if err != nil {
		return err
	}
	return os.WriteFile(os.Args[1], set.Snapshot(), 0o644)
}
