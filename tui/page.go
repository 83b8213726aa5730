package tui

import (
	"context"
	"sync"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/crash"
	"piwiz/flash/disk"
	"piwiz/flash/firstboot"
	"piwiz/flash/firstboot/sshlogin"
	"piwiz/nixgen/build"
)

// state is what the pages share: the answers in the engine's own types.
type state struct {
	all      context.Context // of the whole wizard
	ctx      context.Context // of this visit: it ends when the page is left
	leave    context.CancelFunc
	visit    int
	engine   Engine
	*answers                     // of the host that was chosen on the first page
	drafts   map[string]*answers // of all that were, by origin
	image    build.Result
	card     disk.Device
	opened   Card
	returned bool // the page was reached by going back
	found    firstboot.Result
	way      sshlogin.Way
	written  bool // from the first byte on there is no way back
	safe     bool // the written card is ejected
	width    int
	height   int
	scroll   int  // how far the part of a page is scrolled that is too tall
	tall     bool // there is one: set by drawing
}

// move is where a page wants to go: one of the constants, or a page's name.
type move string

const (
	stay move = ""
	next move = "next"
	back move = "back"
	quit move = "quit"
)

// page is one page of the wizard. enter runs each time the page is shown,
// update gets every key that the wizard does not keep for itself and the
// results of the page's own commands, view draws into exactly that room.
type page interface {
	enter(*state) tea.Cmd
	update(*state, tea.Msg) (move, tea.Cmd)
	view(s *state, width, height int) string
	help(*state) []key.Binding
}

// worker is a page with work running. busy is empty when there is none, else
// the consequence of leaving now; stop cancels the work and waits for it.
type worker interface {
	busy() string
	stop()
}

// typer is a page where letters may be text; then ? is a character.
type typer interface{ typing() bool }

func bind(keys, what string) key.Binding {
	return key.NewBinding(key.WithKeys(keys), key.WithHelp(keys, what))
}

// tick is the heartbeat of a page with work running.
type tick struct{ of any }

// heartbeat is 12 Hz: quick enough to look live, slow enough to cost nothing.
// Only tests change it.
var heartbeat = 80 * time.Millisecond

func beat(of any) tea.Cmd {
	return tea.Tick(heartbeat, func(time.Time) tea.Msg { return tick{of} })
}

// run is one piece of work in the background. The worker overwrites the latest
// progress, the page samples it.
type run[P, R any] struct {
	mu       sync.Mutex
	cancel   context.CancelFunc
	progress P
	result   R
	err      error
	began    time.Time
	done     chan struct{}
}

func start[P, R any](ctx context.Context, work func(context.Context, func(P)) (R, error)) *run[P, R] {
	ctx, cancel := context.WithCancel(ctx)
	r := &run[P, R]{cancel: cancel, began: time.Now(), done: make(chan struct{})}
	var result R
	crash.Go(func() (err error) {
		result, err = work(ctx, func(p P) {
			r.mu.Lock()
			r.progress = p
			r.mu.Unlock()
		})
		return err
	}, func(err error) {
		cancel()
		r.result, r.err = result, err // read after done
		close(r.done)
	})
	return r
}

func (r *run[P, R]) sample() P {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress
}

func (r *run[P, R]) running() bool {
	if r == nil {
		return false
	}
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

// ended tells whether the work is over; where it is not, cmd is the next beat.
// A beat of other work ends nothing.
func (r *run[P, R]) ended(msg tick) (over bool, cmd tea.Cmd) {
	switch {
	case r == nil || msg.of != any(r):
		return false, nil
	case r.running():
		return false, beat(r)
	}
	return true, nil
}

// stop cancels and waits, so that no child outlives the page.
func (r *run[P, R]) stop() {
	if r != nil {
		r.cancel()
		<-r.done
	}
}
