// Command secretguard ends a leaked-key incident: it finds the key, replaces it
// everywhere it is used, and proves that the old one is dead.
package main

import (
	"os"

	"github.com/secretguard/secretguard/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.System()))
}
