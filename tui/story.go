package tui

import (
	"context"
	"io"
	"sync"
)

// The window that a terminal has which does not know its size, or says 0×0 as
// serial lines do.
const usualWidth, usualHeight = 80, 24

type wizardStep struct {
	name  string
	title string
	page  page
	asks  bool // asks or explains; not shown again when a saved host gets a new card
}

// story is the wizard: its pages in order.
func story() []wizardStep {
	return []wizardStep{
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
	steps   []wizardStep
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
	s := &state{all: ctx, ctx: ctx, engine: e, answers: &answers{}, drafts: map[string]*answers{}, window: window{width: usualWidth, height: usualHeight}}
	return &wizard{state: s, steps: story(), cancel: cancel, stopped: make(chan struct{})}
}

func (w *wizard) page() page { return w.steps[w.at].page }

func (w *wizard) busy() string {
	if p, ok := w.page().(worker); ok {
		return p.busy()
	}
	return ""
}

// typing tells whether letters are text now.
func (w *wizard) typing() bool {
	t, ok := w.page().(typer)
	return ok && !w.leaving && !w.keys && w.crash == nil && t.typing()
}
