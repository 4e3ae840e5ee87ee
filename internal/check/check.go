// Package check runs the checks that people declared for their services
// (docs/attestation.md): it asks an address, or runs a command without a shell. A check
// passes or fails; whatever else happens tells nothing, and is an error.
package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
)

// Runner runs checks. It may be used from many goroutines.
type Runner struct {
	// Get asks an address once: nil for a 2xx.
	Get func(ctx context.Context, address string) error
	// Env makes the environment of a command. It gets no key from us.
	Env func() []string
	// Within bounds a command; zero means a minute.
	Within time.Duration
}

// Run runs a check at its address or its preview. It passed, or failed; detail says in a
// few words what was seen, without what could be a secret. An error means that neither
// is known.
func (r Runner) Run(ctx context.Context, c rotate.Check, address string) (passed bool, detail string, err error) {
	if len(c.Command) > 0 {
		return r.command(ctx, c.At(address), address)
	}
	err = r.Get(ctx, address)
	var e *httpx.Error
	switch {
	case err == nil:
		return true, "it answered well", nil
	case !errors.As(err, &e) || e.Status == 0:
		return false, "", err
	case !tells(e.Status):
		return false, "", fmt.Errorf("HTTP %d says nothing of the key", e.Status)
	}
	return false, fmt.Sprintf("HTTP %d", e.Status), nil
}

// tells reports whether a status is an answer of the service's own code that it does not
// work. One of a gateway in front of it, or of a path that is not there, is none.
func tells(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false
	}
	return status >= http.StatusBadRequest && status < 600
}

// killAfter is how long a command that was told to end may take for it.
const killAfter = 2 * time.Second

func (r Runner) command(ctx context.Context, words []string, address string) (bool, string, error) {
	within := r.Within
	if within == 0 {
		within = time.Minute
	}
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var out end
	cmd := exec.CommandContext(bounded, words[0], words[1:]...) //nolint:gosec // the user's own configuration names it, and the plan shows it
	cmd.Env = append(r.Env(), "SECRETGUARD_CHECK_URL="+address)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, killAfter
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return false, "", ctx.Err()
	case bounded.Err() != nil:
		return false, "", fmt.Errorf("it took longer than %s", within)
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it ended well, and left a child that holds its output
		return true, "exit 0", nil
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		return false, "exit 1" + out.said(), nil
	case errors.As(err, &exit) && exit.ExitCode() > 1:
		return false, "", fmt.Errorf("exit %d, where 0 is good and 1 is bad%s", exit.ExitCode(), out.said())
	case errors.As(err, &exit):
		return false, "", errors.New("it was killed")
	}
	return false, "", err
}

// end keeps the end of what a command says.
type end struct{ b []byte }

const kept = 2000

// Write implements io.Writer.
func (e *end) Write(b []byte) (int, error) {
	e.b = append(e.b, b...)
	if len(e.b) > kept {
		e.b = append([]byte{}, e.b[len(e.b)-kept:]...)
	}
	return len(b), nil
}

// said is its last line, without what could be a secret.
func (e *end) said() string {
	lines := bytes.Split(bytes.TrimSpace(e.b), []byte("\n"))
	last := strings.ToValidUTF8(string(lines[len(lines)-1]), "�")
	if last == "" {
		return ""
	}
	return ": " + strings.Join(providers.HideInLog([]string{last}, nil), " ")
}
