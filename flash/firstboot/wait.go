package firstboot

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"piwiz/flash/crash"
	"piwiz/flash/firstboot/mdns"
)

const (
	repeat   = time.Second      // between two questions
	recheck  = 2 * time.Second  // until a host with a wrong key is asked again: its card may be changed
	forget   = 30 * time.Second // an address that nobody confirms any more
	patience = 20 * time.Second // until a closed port is told as more than a slow start
	gone     = 3                // checks in a row that a stranger does not answer until it counts as gone
	askEvery = 5                // questions of ours for each one to the system's resolver
)

// finder asks for the names and tells who answers.
type finder interface {
	Ask(ctx context.Context) error
	Answers() <-chan mdns.Answer
}

// candidate is one address under one name: perhaps the host.
type candidate struct {
	heard  bool      // from the network; a resolver may be wrong about a name
	seen   time.Time // when it was last heard of
	next   time.Time // when to check it again
	busy   bool      // a check runs
	opened bool      // and a port has answered
	port   uint16    // which one
	wrong  *WrongKey // what it last proved to be
	since  time.Time // since when it has been that
	missed int       // checks in a row without an answer
	shut   time.Time // since when no port has answered; zero when one did, or the host is not there
	odd    bool      // what answers is not SSH
}

type waiter struct {
	names   []string // the second is taken by a host that finds the first in use
	key     ssh.PublicKey
	ports   []uint16 // of SSH, the likeliest first
	finder  finder
	report  func(Event)
	system  func(ctx context.Context, name string) []netip.Addr // nil: do not ask it
	sshPort func(ctx context.Context) (port uint16, ok bool)    // where this user's ssh connects to; likewise

	began      time.Time
	candidates map[mdns.Answer]*candidate
	order      []mdns.Answer // as they were found, so that texts do not jump
	outcomes   chan outcome
	resolved   chan mdns.Answer // what the system's resolver says
	last       Event
	told       chan uint16 // what ssh says
	asking     bool        // it is asked, or did not answer before
	mute       error       // why questions cannot be asked
	checks     sync.WaitGroup
	crashed    chan error // of a check
}

func newWaiter(names []string, key ssh.PublicKey, port uint16, f finder, report func(Event)) *waiter {
	if report == nil {
		report = func(Event) {}
	}
	return &waiter{
		names: names, key: key, ports: []uint16{port}, finder: f, report: report,
		candidates: map[mdns.Answer]*candidate{}, outcomes: make(chan outcome), resolved: make(chan mdns.Answer), told: make(chan uint16), crashed: make(chan error, 1),
	}
}

func (w *waiter) wait(ctx context.Context) (Result, error) {
	inner, stop := context.WithCancel(ctx)
	defer w.checks.Wait()
	defer stop()
	w.began = time.Now()
	beat := time.NewTicker(repeat)
	defer beat.Stop()
	for n := 0; ; n++ {
		if w.mute = w.finder.Ask(inner); crash.Is(w.mute) {
			return Result{}, w.mute
		}
		if n%askEvery == 0 {
			w.askSystem(inner)
			w.askSSH(inner, n == 0)
		}
		w.tidy()
		w.startChecks(inner)
		w.tell(true)
		for ticked := false; !ticked; {
			select {
			case <-beat.C:
				ticked = true
			case a := <-w.finder.Answers():
				w.hear(inner, a, true)
			case a := <-w.resolved:
				w.hear(inner, a, false)
			case p := <-w.told:
				w.alsoTry(inner, p)
			case err := <-w.crashed:
				return Result{}, err
			case o := <-w.outcomes:
				if ctx.Err() != nil && o.err != nil {
					continue // the end of the time says nothing about the host
				}
				if w.learn(o) {
					return w.success(o), nil
				}
				w.tell(false)
			case <-ctx.Done():
				if errors.Is(ctx.Err(), context.DeadlineExceeded) {
					if why := w.unmet(); why != nil {
						return Result{}, why
					}
				}
				return Result{}, fmt.Errorf("wait for %s: %w", w.names[0], ctx.Err())
			}
		}
	}
}

// hear notes an address and checks it at once if it is new.
func (w *waiter) hear(ctx context.Context, a mdns.Answer, fromNetwork bool) {
	c := w.candidates[a]
	if c == nil {
		if len(w.candidates) >= mdns.MaxAnswers && !w.makeRoom() {
			return
		}
		c = &candidate{}
		w.candidates[a] = c
		w.order = append(w.order, a)
	}
	c.heard = c.heard || fromNetwork
	c.seen = time.Now()
	w.startChecks(ctx)
	w.tell(false)
}

// makeRoom forgets the longest-standing stranger: a crowd of them must not keep
// the host out.
func (w *waiter) makeRoom() bool {
	for i, a := range w.order {
		if c := w.candidates[a]; !c.busy && c.wrong != nil {
			delete(w.candidates, a)
			w.order = slices.Delete(w.order, i, i+1)
			return true
		}
	}
	return false
}

// check runs a check beside the others.
func (w *waiter) check(do func()) {
	w.checks.Add(1)
	crash.Go(func() error { do(); return nil }, func(err error) {
		if err != nil {
			select {
			case w.crashed <- err:
			default: // one is enough
			}
		}
		w.checks.Done()
	})
}

// tidy forgets addresses that nobody has confirmed for long.
func (w *waiter) tidy() {
	kept := w.order[:0]
	for _, a := range w.order {
		if c := w.candidates[a]; !c.busy && time.Since(c.seen) > forget {
			delete(w.candidates, a)
			continue
		}
		kept = append(kept, a)
	}
	w.order = kept
}

// unmet is what stood in the way at the end of the time, or nil.
func (w *waiter) unmet() error {
	if wrong := w.wrong(); wrong != nil {
		return wrong
	}
	a, ok := w.hopeful()
	if c := w.candidates[a]; ok && (c.odd || !c.shut.IsZero()) {
		return unanswered(a, slices.Clone(w.ports), c.odd)
	}
	return nil
}

// wrong is the longest-standing stranger, or nil.
func (w *waiter) wrong() *WrongKey {
	var c *candidate
	for _, a := range w.order {
		if o := w.candidates[a]; o.wrong != nil && (c == nil || o.since.Before(c.since)) {
			c = o
		}
	}
	if c == nil {
		return nil
	}
	return c.wrong
}

// hopeful is an address whose name has not turned out to be a stranger's, the
// ones with an open port first. A stranger often has addresses that cannot be
// reached; they are no reason for hope.
func (w *waiter) hopeful() (mdns.Answer, bool) {
	strange := map[string]bool{}
	for a, c := range w.candidates {
		strange[a.Name] = strange[a.Name] || c.wrong != nil
	}
	var found mdns.Answer
	hope := 0
	for _, a := range w.order {
		if strange[a.Name] {
			continue
		}
		n := 0
		switch c := w.candidates[a]; {
		case c.odd:
			n = 2
		case c.opened:
			n = 3
		case c.heard:
			n = 1
		}
		if n > hope {
			found, hope = a, n
		}
	}
	return found, hope > 0
}

// askSystem asks the system's own resolver beside us. It may know what a
// firewall hides from us, and a plain DNS that knows the name is welcome too:
// the key decides.
func (w *waiter) askSystem(ctx context.Context) {
	if w.system == nil {
		return
	}
	for _, name := range w.names[:min(len(w.names), 2)] {
		w.check(func() {
			for _, a := range w.system(ctx, name) {
				select {
				case w.resolved <- mdns.Answer{Name: name, Addr: a}:
				case <-ctx.Done():
					return
				}
			}
		})
	}
}
