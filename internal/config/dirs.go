package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrNoState means that there is no folder for state: no variable names one.
var ErrNoState = errors.New("there is no place to keep state: SECRETGUARD_HOME, XDG_STATE_HOME and HOME are all unset")

// ErrState means that the folder for state cannot be made.
var ErrState = errors.New("make the state folder")

// UserFile returns the path of the user's configuration, which need not exist.
// It is empty when no home is known: everything works without configuration.
func UserFile(env func(string) string) string {
	if env == nil {
		return ""
	}
	if home := env("SECRETGUARD_HOME"); home != "" {
		return filepath.Join(home, "config.toml")
	}
	if dir := absolute(env("XDG_CONFIG_HOME")); dir != "" {
		return filepath.Join(dir, "secretguard", "config.toml")
	}
	if home := absolute(env("HOME")); home != "" {
		return filepath.Join(home, ".config", "secretguard", "config.toml")
	}
	return ""
}

// StateDir returns the folder for journals and caches, without making it:
// SECRETGUARD_HOME itself, or secretguard in XDG_STATE_HOME or in
// ~/.local/state. It gives ErrNoState when none of them is known.
func StateDir(env func(string) string) (string, error) {
	if env == nil {
		return "", ErrNoState
	}
	if home := env("SECRETGUARD_HOME"); home != "" {
		abs, err := filepath.Abs(home)
		if err != nil {
			return "", fmt.Errorf("resolve SECRETGUARD_HOME: %w", err)
		}
		return abs, nil
	}
	if dir := absolute(env("XDG_STATE_HOME")); dir != "" {
		return filepath.Join(dir, "secretguard"), nil
	}
	if home := absolute(env("HOME")); home != "" {
		return filepath.Join(home, ".local", "state", "secretguard"), nil
	}
	return "", ErrNoState
}

// CacheDir is the folder for what can be deleted at any time; empty when there is
// nowhere to put it.
func CacheDir(env func(string) string) string {
	if env == nil {
		return ""
	}
	if home := env("SECRETGUARD_HOME"); home != "" {
		if abs, err := filepath.Abs(home); err == nil {
			return filepath.Join(abs, "cache")
		}
	}
	if dir := absolute(env("XDG_CACHE_HOME")); dir != "" {
		return filepath.Join(dir, "secretguard")
	}
	if home := absolute(env("HOME")); home != "" {
		return filepath.Join(home, ".cache", "secretguard")
	}
	return ""
}

// MakeStateDir makes the state folder, private to the user, and returns it. A
// folder that is a link or that others may write to is refused: whoever can
// replace the journal can change what a resume does. It may be repeated.
func MakeStateDir(env func(string) string) (string, error) {
	dir, err := StateDir(env)
	if err != nil {
		return "", err
	}
	const private = 0o700
	if err := os.MkdirAll(dir, private); err != nil {
		return "", fmt.Errorf("%w: %w", ErrState, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("look at the state folder: %w", err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("the state folder %q is a link or a file", dir)
	}
	if othersMayWrite(info) {
		return "", fmt.Errorf("others may write to the state folder %q; try: chmod 700 %q", dir, dir)
	}
	return dir, nil
}

// absolute drops a relative path, as the XDG specification asks.
func absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return ""
}
