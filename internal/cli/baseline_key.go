package cli

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/scan/suppress"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
)

// A team's key lies in the environment, or in the state folder of whoever made it.
const (
	baselineKeyEnv  = "SECRETGUARD_BASELINE_KEY"
	baselineKeyFile = baselineKeyEnv + "_FILE"
	baselineKeys    = "baseline-keys" // folder of the state folder
	keySuffix       = ".key"
)

// accepted loads what was accepted before: a baseline, and gitleaks' ignore file.
func (a *app) accepted(r scanRequest) (*suppress.List, error) {
	l := &suppress.List{}
	if r.baseline != "" {
		keys, err := a.baselineKeys()
		if err != nil {
			return nil, err
		}
		if err := l.AddBaseline(r.baseline, keys...); err != nil {
			return nil, explainBaseline(err)
		}
	}
	if r.gitleaksFile != "" {
		if err := l.AddIgnoreFile(r.gitleaksFile); err != nil {
			return nil, usage(err)
		}
		return l, nil
	}
	folder := r.path
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		folder = filepath.Dir(folder)
	}
	if err := l.AddIgnoreFileOf(folder); err != nil {
		return nil, usage(err)
	}
	return l, nil
}

// readBaseline reads a baseline of ours.
func (a *app) readBaseline(path string) (*suppress.Baseline, error) {
	keys, err := a.baselineKeys()
	if err != nil {
		return nil, err
	}
	b, err := suppress.ReadBaseline(path, keys...)
	if err != nil {
		return nil, explainBaseline(err)
	}
	return b, nil
}

// explainBaseline says where a key comes from that is not at hand.
func explainBaseline(err error) error {
	if errors.Is(err, suppress.ErrKey) {
		return problem{code: ExitUsage, err: err, try: "set " + baselineKeyEnv + " to it, or " + baselineKeyFile + " to its file; whoever made the baseline has it"}
	}
	return usage(err)
}

// baselineKeys are the keys at hand: first that of the environment, which new
// baselines use.
func (a *app) baselineKeys() ([]secret.Key, error) {
	var keys []secret.Key
	text, from := a.Env(baselineKeyEnv), baselineKeyEnv
	if path := a.Env(baselineKeyFile); text == "" && path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, usagef("read the file that %s names: %w", baselineKeyFile, err)
		}
		text, from = string(b), "the file that "+baselineKeyFile+" names"
	}
	if text != "" {
		k, err := parseKey(text)
		if err != nil {
			return nil, problem{code: ExitUsage, err: fmt.Errorf("%s holds no key of a baseline: %w", from, err), try: "secretguard baseline create --keyed, without it, makes one"}
		}
		keys = append(keys, k)
	}
	dir, err := config.StateDir(a.Env)
	if errors.Is(err, config.ErrNoState) {
		return keys, nil
	}
	if err != nil {
		return nil, usage(err)
	}
	files, err := os.ReadDir(filepath.Join(dir, baselineKeys))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, usagef("read the keys of baselines: %w", err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), keySuffix) {
			continue
		}
		path := filepath.Join(dir, baselineKeys, f.Name())
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, usagef("read a key of baselines: %w", err)
		}
		k, err := parseKey(string(b))
		if err != nil {
			return nil, problem{code: ExitUsage, err: fmt.Errorf("%s holds no key of a baseline: %w", term.Clean(path), err), try: "put a copy of the key there, or remove the file"}
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func parseKey(text string) (secret.Key, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return secret.Key{}, errors.New("it is not base64") // the error would show a part of the key
	}
	return secret.KeyFromBytes(raw)
}

// teamKey returns the key for a new baseline: that of the environment, or with keyed
// a new one, which is written down where only the user can read it; else none.
func (a *app) teamKey(keyed bool) (secret.Key, error) {
	if a.Env(baselineKeyEnv) != "" || a.Env(baselineKeyFile) != "" {
		keys, err := a.baselineKeys()
		if err != nil {
			return secret.Key{}, err
		}
		return keys[0], nil
	}
	if !keyed {
		return secret.Key{}, nil
	}
	state, err := config.MakeStateDir(a.Env)
	if err != nil {
		return secret.Key{}, usage(err)
	}
	k, err := secret.NewKey()
	if err != nil {
		return secret.Key{}, err
	}
	dir := filepath.Join(state, baselineKeys)
	path := filepath.Join(dir, k.Name()+keySuffix)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return secret.Key{}, usagef("write the key: %w", err)
	}
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(k.Bytes())+"\n"), 0o600); err != nil {
		return secret.Key{}, usagef("write the key: %w", err)
	}
	a.talk("a new key is in %s; whoever scans with this baseline, CI too, needs its content in %s", term.Clean(path), baselineKeyEnv)
	return k, nil
}
