package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// HooksDir returns the folder from which git runs the hooks of the repository
// that p is in. Only git knows it: core.hooksPath may be set for one working tree,
// one repository, one user or the machine, and working trees share their hooks.
func HooksDir(ctx context.Context, p string) (string, error) {
	if _, _, err := open(p); err != nil {
		return "", err
	}
	c := exec.CommandContext(ctx, "git", "-C", p, "rev-parse", "--path-format=absolute", "--git-path", "hooks") //nolint:gosec // the program is git; it runs nothing of the repository here
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("git is not in PATH; it must say where it looks for hooks")
	}
	if err != nil {
		return "", fmt.Errorf("ask git for the folder of the hooks: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	dir := strings.TrimSuffix(string(out), "\n")
	if !filepath.IsAbs(dir) {
		return "", fmt.Errorf("git names the folder of the hooks as %q; git 2.31 or later is needed", dir)
	}
	return dir, nil
}
