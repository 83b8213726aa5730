package firstboot

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	repeat   = time.Second      // between two questions
	recheck  = 2 * time.Second  // until a host with a wrong key is asked again: its card may be changed
	forget   = 30 * time.Second // an address that nobody confirms any more
	patience = 20 * time.Second // with a wrong key, when there is nothing else to hope for
	longest  = 60 * time.Second // with a wrong key, when another name has an address too
	askEvery = 5                // questions of ours for each one to the system's resolver
)

// finder asks for the names and tells who answers.
type finder interface {
	ask(ctx context.Context) error
	answers() <-chan answer
}

// candidate is one address under one name: perhaps the host.
type candidate struct {
	seen   time.Time // when it was last heard of
	next   time.Time // when to check it again
	busy   bool      // a check runs
	opened bool      // and its port has answered
	wrong  *WrongKey // what it last proved to be
	since  time.Time // since when it has been that
}

// outcome is news of a check.
type outcome struct {
	of     answer
	opened bool // the port answers; the check goes on
	key    ssh.PublicKey
	err    error
}

type waiter struct {
	names    []string // the second is taken by a host that finds the first in use
	key      ssh.PublicKey
	port     uint16
	finder   finder
	report   func(Event)
	system   func(ctx context.Context, name string) []netip.Addr // nil: do not ask it
	patience time.Duration
	longest  time.Duration

	began      time.Time
	candidates map[answer]*candidate
	order      []answer // as they were found, so that texts do not jump
	outcomes   chan outcome
	resolved   chan answer // what the system's resolver says
	last       Event
	mute       error // why questions cannot be asked
	checks     sync.WaitGroup
}

func newWaiter(names []string, key ssh.PublicKey, port uint16, f finder, report func(Event)) *waiter {
	if report == nil {
		report = func(Event) {}
	}
	return &waiter{
		names: names, key: key, port: port, finder: f, report: report, patience: patience, longest: longest,
		candidates: map[answer]*candidate{}, outcomes: make(chan outcome), resolved: make(chan answer),
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
		w.mute = w.finder.ask(inner)
		if n%askEvery == 0 {
			w.askSystem(inner)
		}
		w.tidy()
		w.startChecks(inner)
		if bad := w.hopeless(time.Now()); bad != nil {
			return Result{}, bad
		}
		w.tell(true)
		for ticked := false; !ticked; {
			select {
			case <-beat.C:
				ticked = true
			case a := <-w.finder.answers():
				w.hear(inner, a)
			case a := <-w.resolved:
				w.hear(inner, a)
			case o := <-w.outcomes:
				if w.learn(o) {
					return w.success(o.of), nil
				}
				w.tell(false)
			case <-ctx.Done():
				if wrong := w.wrong(); wrong != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
					return Result{}, wrong
				}
				return Result{}, fmt.Errorf("wait for %s: %w", w.names[0], ctx.Err())
			}
		}
	}
}

// hear notes an address and checks it at once if it is new.
func (w *waiter) hear(ctx context.Context, a answer) {
	c := w.candidates[a]
	if c == nil {
		if len(w.candidates) >= maxAnswers {
			return
		}
		c = &candidate{}
		w.candidates[a] = c
		w.order = append(w.order, a)
	}
	c.seen = time.Now()
	w.startChecks(ctx)
	w.tell(false)
}

// startChecks starts every check that is due.
func (w *waiter) startChecks(ctx context.Context) {
	now := time.Now()
	for a, c := range w.candidates {
		if c.busy || now.Before(c.next) {
			continue
		}
		c.busy = true
		w.checks.Go(func() {
			tell := func(o outcome) {
				select {
				case w.outcomes <- o:
				case <-ctx.Done():
				}
			}
			key, err := hostKey(ctx, netip.AddrPortFrom(a.addr, w.port), func() { tell(outcome{of: a, opened: true}) })
			tell(outcome{of: a, key: key, err: err})
		})
	}
}

// learn takes the news of a check and says whether it is the host.
func (w *waiter) learn(o outcome) bool {
	c := w.candidates[o.of]
	if o.opened {
		c.opened = true
		return false
	}
	now := time.Now()
	c.busy, c.opened, c.next = false, false, now.Add(repeat)
	got := ""
	switch {
	case o.err == nil && same(o.key, w.key):
		return true
	case o.err == nil:
		got = fingerprint(o.key)
	case !errors.Is(o.err, errNoKey):
		c.wrong = nil // it is starting, or gone
		return false
	}
	if c.wrong == nil {
		c.since = now
	}
	c.wrong = &WrongKey{Name: o.of.name, Addr: o.of.addr, Got: got, Want: fingerprint(w.key)}
	c.next = now.Add(recheck)
	return false
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

// hopeful is an address whose name has not proven to be a stranger's, the
// ones with an open port first. A stranger often has addresses that cannot be
// reached; they are no reason for hope.
func (w *waiter) hopeful() (answer, bool) {
	strange := map[string]bool{}
	for a, c := range w.candidates {
		strange[a.name] = strange[a.name] || c.wrong != nil
	}
	var found answer
	ok := false
	for _, a := range w.order {
		if strange[a.name] {
			continue
		}
		if w.candidates[a].opened {
			return a, true
		}
		if !ok {
			found, ok = a, true
		}
	}
	return found, ok
}

// hopeless gives up when a stranger keeps answering.
func (w *waiter) hopeless(now time.Time) error {
	bad := w.wrong()
	if bad == nil {
		return nil
	}
	limit := w.patience
	if _, ok := w.hopeful(); ok {
		limit = w.longest
	}
	if now.Sub(w.candidates[answer{bad.Name, bad.Addr}].since) < limit {
		return nil
	}
	return bad
}

// tell reports what is known, if that is new or if always.
func (w *waiter) tell(always bool) {
	e := w.describe()
	if !always && e == w.last {
		return
	}
	w.last = e
	e.Elapsed = time.Since(w.began)
	w.report(e)
}

func (w *waiter) describe() Event {
	if a, ok := w.hopeful(); ok {
		if w.candidates[a].opened {
			return Event{Stage: PortOpen, Addr: a.addr, Text: fmt.Sprintf("%s is at %s and its SSH answers. Checking its key.", a.name, a.addr)}
		}
		return Event{Stage: Resolved, Addr: a.addr, Text: fmt.Sprintf("%s is at %s. Waiting for its SSH to start.", a.name, a.addr)}
	}
	if bad := w.wrong(); bad != nil {
		return Event{Stage: Looking, Addr: bad.Addr, Text: fmt.Sprintf("%s at %s is another computer, or a Pi with an old card. Looking for the right one, also as %s.",
			bad.Name, bad.Addr, w.names[1])}
	}
	switch {
	case errors.Is(w.mute, errNoNetwork):
		return Event{Text: "This computer has no network connection. Connect it to the network of the Pi."}
	case w.mute != nil:
		return Event{Text: fmt.Sprintf("Looking for %s only through the system, because piwiz cannot ask the network itself: %v.", w.names[0], w.mute)}
	}
	return Event{Text: fmt.Sprintf("Looking for %s on your network.", w.names[0])}
}

func (w *waiter) success(a answer) Result {
	r := Result{Name: a.name, Addrs: []netip.Addr{a.addr}, Took: time.Since(w.began)}
	var others []netip.Addr
	for _, o := range w.order {
		if o.name == a.name && o.addr != a.addr {
			others = include(others, o.addr)
		}
	}
	r.Addrs = append(r.Addrs, others...)
	text := fmt.Sprintf("%s is at %s and has the right key.", a.name, a.addr)
	if a.name != w.names[0] {
		short, _, _ := strings.Cut(w.names[0], ".")
		r.Hint = fmt.Sprintf("Another computer has the name %s, so the Pi calls itself %s. To get the name back, switch the other one off, then restart the Pi and run: piwiz wait %s",
			w.names[0], a.name, short)
		text += " " + r.Hint
	}
	w.report(Event{Stage: KeyChecked, Addr: a.addr, Text: text, Elapsed: r.Took})
	return r
}

// askSystem asks the system's own resolver beside us. It may know what a
// firewall hides from us, and a plain DNS that knows the name is welcome too:
// the key decides.
func (w *waiter) askSystem(ctx context.Context) {
	if w.system == nil {
		return
	}
	for _, name := range w.names {
		w.checks.Go(func() {
			for _, a := range w.system(ctx, name) {
				select {
				case w.resolved <- answer{name, a}:
				case <-ctx.Done():
					return
				}
			}
		})
	}
}

// getent asks the system's resolver, whatever it is made of. Go's own asks
// only DNS servers. No answer and no getent are the same to us.
func getent(ctx context.Context, name string) []netip.Addr {
	ctx, stop := context.WithTimeout(ctx, askEvery*repeat)
	defer stop()
	cmd := exec.CommandContext(ctx, "getent", "ahosts", name)
	cmd.WaitDelay = time.Second
	out, _ := cmd.Output()
	var found []netip.Addr
	for line := range strings.Lines(string(out)) {
		field, _, _ := strings.Cut(line, " ")
		if a, err := netip.ParseAddr(strings.TrimSpace(field)); err == nil && usable(a) && len(found) < maxAnswers {
			found = include(found, a)
		}
	}
	return found
}
