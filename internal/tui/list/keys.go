package list

import (
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// Keys are the keys of the list as it is now.
func (l *List) Keys() []screen.Binding {
	if l.typing { // the keys go to the filter
		return []screen.Binding{screen.InBar(screen.Open, nil).Named("keep the filter"), screen.InBar(screen.Back, nil).Named("clear it")}
	}
	c := l.current()
	some := func() term.Safe {
		if c == nil {
			return "the list is empty"
		}
		return ""
	}
	plan := func() term.Safe { return l.store.WhyNoPlan(c) }
	rotateKey := screen.InBar(screen.Rotate, plan)
	if c != nil && c.Run != nil && c.Run.Unfinished() {
		rotateKey = rotateKey.Named("open run")
	}
	contain := func() term.Safe {
		if c != nil && c.Run != nil && c.Run.Unfinished() {
			return "a run over this key is not finished: R opens it"
		}
		return plan()
	}
	keys := []screen.Binding{
		screen.InBar(screen.Open, some), rotateKey, screen.InBar(screen.Contain, contain),
		screen.InBar(screen.Verify, l.whyNoVerify), screen.InBar(screen.Ignore, some), screen.InBar(screen.Filter, nil),
		l.stop(), screen.Hidden(screen.Mark, some),
		screen.Hidden(screen.Undo, func() term.Safe { return none(len(l.done), "no mark to take back") }),
		screen.Hidden(screen.Redo, func() term.Safe { return none(len(l.gone), "no mark to make again") }),
		screen.Hidden(screen.NextMatch, l.whyNoMatch), screen.Hidden(screen.PrevMatch, l.whyNoMatch),
		screen.Hidden(screen.Sort, nil), screen.Hidden(screen.Reverse, nil), screen.Hidden(screen.Facets, nil),
		screen.Hidden(screen.Edit, func() term.Safe { return l.store.WhyNoEditor(firstFinding(c)) }),
		screen.Hidden(screen.Copy, some), screen.Hidden(screen.Export, l.whyNoReport),
		l.retry(),
	}
	return append(keys, screen.Bind(screen.Lines...)...)
}

// retry is in the help bar when a scan has failed or was stopped.
func (l *List) retry() screen.Binding {
	b := screen.Hidden(screen.Retry, l.whyLoading).Named("scan again")
	b.Bar = l.store.LoadErr != nil || l.store.Board.Stopped
	return b
}

// stop is in the help bar while a scan goes on.
func (l *List) stop() screen.Binding {
	if l.store.Loading {
		return screen.InBar(screen.Back, nil).Named("stop the scan")
	}
	return screen.Hidden(screen.Back, nil)
}

func firstFinding(c *screen.Case) *scan.Finding {
	if c == nil || len(c.Findings) == 0 {
		return nil
	}
	return &c.Findings[0]
}

func none(n int, why term.Safe) term.Safe {
	if n == 0 {
		return why
	}
	return ""
}

func (l *List) whyNoMatch() term.Safe {
	if l.filter.Value() == "" {
		return "there is no filter: / sets one"
	}
	return ""
}

func (l *List) whyLoading() term.Safe {
	if l.store.Loading {
		return "a scan is under way; esc stops it"
	}
	return ""
}

func (l *List) whyNoReport() term.Safe {
	if l.store.Loading || l.store.LoadErr != nil {
		return "there is no finished scan to report"
	}
	return ""
}

// whyNoVerify gives the reason of the chosen row when no row can be asked about.
func (l *List) whyNoVerify() term.Safe {
	for _, c := range l.rows { // the first one will do
		if (len(l.marks) == 0 || l.marks[c.ID]) && l.store.WhyNoVerify(c) == "" {
			return ""
		}
	}
	if len(l.marks) > 0 {
		return "none of the marked ones can be checked"
	}
	return l.store.WhyNoVerify(l.current())
}
