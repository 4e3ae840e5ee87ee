package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
)

// keyPrompt is what a key is asked for with.
const keyPrompt = "the new key (it is not shown): "

// typeKey hands a key in as a person does: in another process of this program, at the
// prompt of a terminal, which must not show it. A system without such terminals gets it
// on stdin. A run that then waits for the next thing is held.
func (st *stage) typeKey(ctx context.Context, run, key string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	child := exec.CommandContext(ctx, self, "rotate", "supply", run) //nolint:gosec // it is this program itself
	child.Env = []string{"HOME=" + st.Root, "TMPDIR=" + os.TempDir(), "SECRETGUARD_HOME=" + st.Home, labEnv + "=" + st.File, "TERM=dumb"}
	seen := &screenText{}
	person, program, err := console()
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		child.Stdin, child.Stdout, child.Stderr = strings.NewReader(key+"\n"), seen, seen
		err = child.Run()
	case err != nil:
		return fmt.Errorf("open a terminal: %w", err)
	default:
		err = atTerminal(child, person, program, seen, key)
	}
	text := seen.String()
	var exit *exec.ExitError
	switch {
	case strings.Contains(text, key):
		return errors.New("the prompt showed the key")
	case errors.As(err, &exit) && exit.ExitCode() == int(ExitNeedsPerson):
		return rotate.ErrHeld
	case err != nil:
		return fmt.Errorf("rotate supply: %w: %s", err, text[max(0, len(text)-300):])
	}
	return nil
}

// atTerminal runs child at a terminal and types the key when it is asked for.
func atTerminal(child *exec.Cmd, person, program *os.File, seen *screenText, key string) error {
	defer person.Close()
	child.Stdin, child.Stdout, child.Stderr = program, program, program
	err := child.Start()
	_ = program.Close() // the child has its own
	if err != nil {
		return err
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b := make([]byte, 4096)
		for {
			n, err := person.Read(b)
			_, _ = seen.Write(b[:n])
			if err != nil { // also the end of the child
				return
			}
		}
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(seen.String(), keyPrompt) {
		select {
		case <-read: // it ended before it asked
			return child.Wait()
		case <-tick.C:
		}
	}
	_, typed := person.WriteString(key + "\n")
	err = child.Wait()
	<-read
	return errors.Join(err, typed)
}

// screenText is what a terminal showed so far.
type screenText struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (s *screenText) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func (s *screenText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}
