package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/secretguard/secretguard/internal/rotate/executor"
	"github.com/secretguard/secretguard/internal/secret"
)

func (a *app) supplyCmd() *cobra.Command {
	return &cobra.Command{
		Use: "supply RUN", Short: "Hand in a new key that you made by hand, and go on", Args: exactly("RUN"),
		Long: `For a run that waits for you, since the issuer has no call that makes a key: "rotate status"
says what to do and where. The key is asked for without an echo, or read as one line from
stdin; it is never an argument. It is checked at once - its form, that it works, that it is of
the same account and not the old one - and sealed; then the run goes on by itself.`,
		Example: `  secretguard rotate supply r-0a1b2c3d4e`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.requireWrite("rotate supply"); err != nil {
				return err
			}
			value, err := a.hidden(keyPrompt)
			if err != nil {
				return err
			}
			run := args[0]
			return a.execute(cmd.Context(), run, func(ctx context.Context, x *executor.Executor) error { return x.Supply(ctx, run, value) })
		},
	}
}

// maxKey is the longest line that is read as a key, in bytes.
const maxKey = 64 << 10

// hidden asks for a value without an echo; what is no terminal is read to the end
// of its first line.
func (a *app) hidden(prompt string) (secret.Text, error) {
	var line []byte
	var err error
	if f, ok := a.In.(*os.File); ok && a.Facts.InTTY && !a.noInput {
		// The echo goes off before the key is asked for: who pastes at once would see it. Where
		// that cannot be done, ReadPassword still turns it off.
		if setEcho(f, false) == nil {
			defer func() { _ = setEcho(f, true) }()
		}
		_, _ = fmt.Fprint(a.Err, prompt) // who cannot read it is not helped by an error
		line, err = term.ReadPassword(int(f.Fd()))
		_, _ = fmt.Fprintln(a.Err)
	} else {
		line, err = bufio.NewReader(io.LimitReader(a.In, maxKey)).ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return secret.Text{}, usagef("read the key: %w", err)
	}
	value := strings.TrimSpace(string(line))
	clear(line)
	if value == "" {
		return secret.Text{}, usagef("no key was handed in")
	}
	return secret.New(value), nil
}
