package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"piwiz/flash/crash"
	"piwiz/tui/clean"
	"piwiz/tui/style"
)

// Smallest window a page is drawn in, in cells.
const minWidth, minHeight = 60, 20

// The window that a terminal has which does not know its size, or says 0×0 as
// serial lines do.
const usualWidth, usualHeight = 80, 24

type step struct {
	name  string
	title string
	page  page
	asks  bool // asks or explains; not shown again when a saved host gets a new card
}

// story is the wizard: its pages in order.
func story() []step {
	return []step{
		{"welcome", "Welcome", &welcomePage{}, false},
		{"check", "Is this computer ready?", &checkPage{}, true},
		{"board", "Which Raspberry Pi?", &boardPage{}, true},
		{"hostname", "What is it called?", &hostnamePage{}, true},
		{"wifi", "How does it get online?", &wifiPage{}, true},
		{"keys", "Who may log in?", &keysPage{}, true},
		{"preview", "This is what will be built", &previewPage{}, true},
		{"build", "Building the image", &buildPage{}, false},
		{"card", "Which card?", &cardPage{}, false},
		{"write", "Writing the card", &writePage{}, false},
		{"wait", "Waiting for the Raspberry Pi", &waitPage{}, false},
		{"done", "Done", &donePage{}, false},
	}
}

// wizard is the only Bubble Tea model; pages are plain structs.
type wizard struct {
	*state
	steps   []step
	at      int
	keys    bool  // the full list of keys is shown
	leaving bool  // ctrl+c was pressed while work was running
	crash   error // a panic in what belongs to the page

	closing     bool   // the program ends: see end
	consequence string // of that
	stop        sync.Once
	stopped     chan struct{} // closed when all work has stopped
	cancel      context.CancelFunc
	in          io.Reader // the terminal
	out         io.Writer
}

func newWizard(ctx context.Context, e Engine) *wizard {
	ctx, cancel := context.WithCancel(ctx)
	s := &state{all: ctx, ctx: ctx, engine: e, answers: &answers{}, drafts: map[string]*answers{}, width: usualWidth, height: usualHeight}
	return &wizard{state: s, steps: story(), cancel: cancel, stopped: make(chan struct{})}
}

// Run shows the wizard until the user leaves it. The error is nil when the
// Raspberry Pi answered. It is the failure that was shown when the user left,
// else ErrLeft; context.Canceled when ctx ended first or the terminal was closed.
func Run(ctx context.Context, e Engine, in io.Reader, out io.Writer) error {
	ctx, vanish := context.WithCancelCause(ctx)
	defer vanish(nil)
	gone := func() { vanish(errVanished) }
	w := newWizard(ctx, e)
	w.in, w.out = in, out
	p := tea.NewProgram(w, tea.WithAltScreen(),
		tea.WithInput(watch(in, gone).(io.Reader)), tea.WithOutput(watch(out, gone).(io.Writer)),
		// During a password prompt ^C is a real signal; Bubble Tea's own
		// handler would then sometimes end the program.
		tea.WithoutSignalHandler())
	// Not tea.WithContext: ended by that, Bubble Tea closes its input while it
	// still reads from it.
	over := make(chan struct{})
	crash.Go(func() error {
		select {
		case <-ctx.Done():
			p.Quit()
		case <-over:
		}
		return nil
	}, nil)
	_, err := p.Run()
	close(over)
	w.stopAll()
	outcome := w.outcome()
	switch {
	case ctx.Err() != nil && errors.Is(outcome, context.Canceled): // it says what the card is
		return outcome
	case ctx.Err() != nil:
		return context.Canceled
	case err != nil:
		return err
	}
	_, _ = io.WriteString(out, clean.Text(w.farewell())) // a closed terminal needs none
	return outcome
}

// farewell is what stays on the terminal when the pages are gone: how to log
// in, or how to go on.
func (w *wizard) farewell() string {
	h := w.saved.Host
	switch w.steps[w.at].name {
	case "card":
		return "No card was written.\n"
	case "wait":
		return fmt.Sprintf("The card for %s is written and checked. When the Raspberry Pi is on: piwiz wait %s\n", h.Name, h.Name)
	case "done":
		answers := w.found.Name + " answers, with the host key that was made for it.\n"
		if w.way.Command == "" {
			return answers + "How to log in is not tried yet: piwiz wait " + h.Name + "\n"
		}
		return answers + strings.Join(w.way.Text(), "\n") + "\n"
	}
	return ""
}

func (w *wizard) Init() (cmd tea.Cmd) {
	w.safely(func() { cmd = w.show() })
	return cmd
}

func (w *wizard) page() page { return w.steps[w.at].page }

func (w *wizard) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	if w.closing {
		w.ending(msg)
		return w, nil
	}
	w.safely(func() { _, cmd = w.take(msg) })
	return w, cmd
}

func (w *wizard) take(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width <= 0 {
			msg.Width = usualWidth
		}
		if msg.Height <= 0 {
			msg.Height = usualHeight
		}
		w.width, w.height = msg.Width, msg.Height
		_, cmd := w.page().update(w.state, msg)
		return w, w.ours(cmd)
	case tea.KeyMsg:
		return w.read(msg)
	case answer:
		return w.answered(msg)
	}
	return w.pass(msg)
}

func (w *wizard) pass(msg tea.Msg) (tea.Model, tea.Cmd) {
	m, cmd := w.page().update(w.state, msg)
	cmd = w.ours(cmd)
	if m == stay {
		return w, cmd
	}
	return w.turn(m, cmd)
}

// key keeps the keys that mean the same everywhere.
func (w *wizard) key(msg tea.KeyMsg) (tea.Model, tea.Cmd) {
	if w.closing {
		return w, nil
	}
	busy := w.busy()
	if w.leaving {
		w.leaving = false
		if s := msg.String(); s == "y" || s == "ctrl+c" {
			return w, w.end()
		}
		return w, nil
	}
	switch s := msg.String(); {
	case s == "ctrl+c" && busy != "":
		w.leaving = true
		return w, nil
	case s == "ctrl+c":
		return w, w.end()
	case w.crash != nil:
		return w, w.crashKey(s)
	case w.keys:
		w.keys = false
		return w, nil
	case s == "?" && !w.typing():
		w.keys = true
		return w, nil
	case w.tall && s == "pgdown":
		w.scroll += w.height / 2
		return w, nil
	case w.tall && s == "pgup":
		w.scroll -= w.height / 2
		return w, nil
	}
	w.scroll = 0
	return w.pass(msg)
}

func (w *wizard) busy() string {
	if p, ok := w.page().(worker); ok {
		return p.busy()
	}
	return ""
}

// turn turns a page's wish into the page that is shown next.
func (w *wizard) turn(m move, cmd tea.Cmd) (tea.Model, tea.Cmd) {
	to := w.at
	switch m {
	case quit:
		return w, w.end()
	case next:
		for to++; w.steps[to].asks && w.replace; to++ {
		}
	case back:
		if w.written || w.at == 0 {
			return w, cmd
		}
		for to--; w.steps[to].asks && w.replace; to-- {
		}
	default:
		for i, s := range w.steps {
			if s.name == string(m) {
				to = i
			}
		}
		if w.steps[to].asks {
			w.replace = false // a failure leads to the page that can fix it
		}
	}
	if p, ok := w.page().(worker); ok {
		p.stop()
	}
	w.at, w.returned = to, m == back
	return w, tea.Batch(cmd, w.show())
}

func (w *wizard) View() (picture string) {
	w.safely(func() { picture = w.draw() })
	if picture == "" { // drawing the page panicked
		picture = w.draw()
	}
	return picture
}

func (w *wizard) draw() string {
	if w.width < minWidth || w.height < minHeight {
		text := fmt.Sprintf("This window is %d×%d. Make it at least %d×%d; everything is kept.", w.width, w.height, minWidth, minHeight)
		return lipgloss.NewStyle().Width(w.width).MaxHeight(w.height).MaxWidth(w.width).Render(text)
	}
	w.tall = false
	head := style.Title.Render(w.steps[w.at].title) + "  " + style.Dim.Render(w.trail())
	width, height := w.width-4, w.height-4
	var body string
	switch {
	case w.closing:
		body = w.closingView(width)
	case w.leaving:
		body = style.Danger.Render("Leave now?") + "\n\n" + wrap(w.busy(), width) + "\n\n" + style.Key.Render("y") + " leave    any other key: stay"
	case w.crash != nil:
		body = w.crashView(width)
	case w.keys:
		body = w.allKeys()
	default:
		body = w.page().view(w.state, width, height)
	}
	body = lipgloss.NewStyle().MaxWidth(width).MaxHeight(height).Render(w.fit(body, "", height))
	page := lipgloss.NewStyle().Height(height + 1).PaddingLeft(2).Render("\n" + body)
	return clean.Drawn("  " + head + "\n" + page + "\n  " + w.footer(width))
}

// trail shows how far the story has come.
func (w *wizard) trail() string {
	var b strings.Builder
	for i := range w.steps {
		switch {
		case i == w.at:
			b.WriteString("●")
		case i < w.at:
			b.WriteString("▪")
		default:
			b.WriteString("·")
		}
	}
	return b.String()
}
