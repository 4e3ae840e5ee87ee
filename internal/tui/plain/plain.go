// Package plain is the responder without a screen: numbered choices and plain
// lines, for screen readers, for TERM=dumb, and for slow lines. It works on the
// same engine, asks the same questions, and takes the same typed approval.
// Nothing is drawn over and nothing is animated.
package plain

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// Streams are where the lines go and come from.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Now func() time.Time
	// Echo makes the terminal show what is typed, or not; nil where nothing is shown.
	Echo func(on bool) error
	// Width is how many cells a line may have; 0 for any.
	Width int
}

// errLeave ends the session.
var errLeave = errors.New("leave")

// session is one conversation.
type session struct {
	engine tui.Engine
	store  *screen.Store
	out    io.Writer
	now    func() time.Time
	width  int
	echo   func(bool) error
	lines  chan string // closed at the end of the input
	hints  chan tui.Hint
	err    error
	// printed is what was said about the steps of each run.
	printed map[string]map[string]rotate.StepStatus
}

// Run talks until the person leaves, the input ends or ctx is cancelled. A read
// that is under way then is left to end with the process.
func Run(ctx context.Context, engine tui.Engine, facts screen.Facts, s Streams) error {
	if s.Now == nil {
		s.Now = time.Now
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &session{
		engine: engine, store: screen.NewStore(facts, s.Now()), out: s.Out, now: s.Now, width: s.Width, echo: s.Echo, lines: make(chan string), hints: make(chan tui.Hint),
		printed: map[string]map[string]rotate.StepStatus{},
	}
	go c.read(ctx, s.In)
	go c.listen(ctx)
	err := c.talk(ctx)
	if errors.Is(err, errLeave) || errors.Is(err, io.EOF) || ctx.Err() != nil {
		return c.err
	}
	return errors.Join(err, c.err)
}

func (c *session) read(ctx context.Context, in io.Reader) {
	defer close(c.lines)
	scan := bufio.NewScanner(in)
	for scan.Scan() {
		select {
		case c.lines <- scan.Text():
		case <-ctx.Done():
			return
		}
	}
}

func (c *session) listen(ctx context.Context) {
	for {
		h, err := c.engine.Next(ctx)
		if err != nil {
			return
		}
		select {
		case c.hints <- h:
		case <-ctx.Done():
			return
		}
	}
}

// say writes a line of safe text, broken at spaces where it is longer than the
// terminal is wide; the first error of the writer is kept.
func (c *session) say(text term.Safe) {
	lead, lines := "", []term.Safe{text}
	if c.width > 0 && term.Width(text) > c.width {
		lead = leads.FindString(string(text))
		lines = term.Wrap(text[len(lead):], c.width-len(lead))
	}
	for _, line := range lines {
		if _, err := io.WriteString(c.out, lead+string(line)+"\n"); err != nil && c.err == nil {
			c.err = fmt.Errorf("write: %w", err)
		}
		lead = strings.Repeat(" ", len(lead))
	}
}

// leads is what the further lines are indented by: spaces, and a choice's number.
var leads = regexp.MustCompile(`^ *([0-9]+  )?`)

func (c *session) sayf(format string, args ...any) { c.say(term.Clean(fmt.Sprintf(format, args...))) }

// trouble says what went wrong and what to do.
func (c *session) trouble(what term.Safe, err error) {
	var p screen.Problem
	if !errors.As(err, &p) {
		p.Text = term.Clean(err.Error())
	}
	c.say("PROBLEM: " + what + ": " + p.Text)
	if p.Try != "" {
		c.say("try: " + p.Try)
	}
}

// ask waits for a line. Hints that come meanwhile are dropped: whoever needs a
// run's state asks for it.
func (c *session) ask(ctx context.Context, prompt term.Safe) (string, error) {
	if _, err := io.WriteString(c.out, string(prompt)+" > "); err != nil {
		return "", err
	}
	for {
		select {
		case <-c.hints:
		case line, ok := <-c.lines:
			if !ok {
				return "", io.EOF
			}
			return line, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// hidden asks for a line that the terminal does not show; an empty one for none.
func (c *session) hidden(ctx context.Context, prompt term.Safe) (value secret.Text, err error) {
	if c.echo != nil {
		if err := c.echo(false); err != nil {
			return value, screen.Problem{Text: "the terminal cannot hide what is typed: " + term.Clean(err.Error())}
		}
		defer func() {
			err = errors.Join(err, c.echo(true))
			c.say("") // the line feed was not shown either
		}()
	}
	line, err := c.ask(ctx, prompt)
	return secret.New(strings.TrimSpace(line)), err
}

// choice is one entry of a menu.
type choice struct {
	text term.Safe
	off  term.Safe // why it cannot be chosen
	do   func(context.Context) error
}

// menu shows numbered choices and does the one that was chosen.
func (c *session) menu(ctx context.Context, title term.Safe, choices []choice) error {
	c.say("")
	c.say(title)
	for i, ch := range choices {
		line := term.Clean(fmt.Sprintf("%3d  ", i+1)) + ch.text
		if ch.off != "" {
			line += " (not now: " + ch.off + ")"
		}
		c.say(line)
	}
	answer, err := c.ask(ctx, "number")
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(strings.TrimSpace(answer)) // no number is 0, which is no choice
	if n < 1 || n > len(choices) {
		c.sayf("type a number from 1 to %d", len(choices))
		return nil
	}
	ch := choices[n-1]
	if ch.off != "" {
		c.say("not now: " + ch.off)
		return nil
	}
	return ch.do(ctx)
}

// agree asks a yes-or-no question; anything but "yes" is a no.
func (c *session) agree(ctx context.Context, question term.Safe) (bool, error) {
	answer, err := c.ask(ctx, question+" (yes or no)")
	return strings.EqualFold(strings.TrimSpace(answer), "yes"), err
}
