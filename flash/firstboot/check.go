package firstboot

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"piwiz/flash/firstboot/mdns"
)

// outcome is news of a check.
type outcome struct {
	of     mdns.Answer
	port   uint16
	opened bool // the port answers; the check goes on
	shut   bool // no port answers, though the host is there
	key    ssh.PublicKey
	err    error
}

// startChecks starts every check that is due.
func (w *waiter) startChecks(ctx context.Context) {
	now := time.Now()
	for a, c := range w.candidates {
		if c.busy || now.Before(c.next) {
			continue
		}
		c.busy = true
		ports := slices.Clone(w.ports)
		w.check(func() {
			tell := func(o outcome) {
				select {
				case w.outcomes <- o:
				case <-ctx.Done():
				}
			}
			tell(w.probe(ctx, a, ports, tell))
		})
	}
}

// probe checks the ports of one address, and says what tells most: the right
// key, then another one, then a port that answers.
func (w *waiter) probe(ctx context.Context, a mdns.Answer, ports []uint16, tell func(outcome)) outcome {
	best := outcome{of: a, shut: true}
	weight := 0
	for _, port := range ports {
		opened := false
		key, err := hostKey(ctx, netip.AddrPortFrom(a.Addr, port), func() {
			opened = true
			tell(outcome{of: a, port: port, opened: true})
		})
		n := 0
		switch {
		case err == nil && same(key, w.key):
			return outcome{of: a, port: port, key: key}
		case err == nil, errors.Is(err, errNoKey):
			n = 2
		case opened:
			n = 1
		default:
			best.shut = best.shut && closed(err)
		}
		if n > weight {
			weight, best = n, outcome{of: a, port: port, key: key, err: err}
		} else if weight == 0 {
			best.err = err
		}
	}
	return best
}

// closed says whether a failed connection shows a host without the port: it says
// no, or a firewall there is silent.
func closed(err error) bool {
	var n net.Error
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &n) && n.Timeout()
}

// learn takes the news of a check and says whether it is the host.
func (w *waiter) learn(o outcome) bool {
	c := w.candidates[o.of]
	if o.opened {
		c.opened, c.port = true, o.port
		return false
	}
	now := time.Now()
	c.busy, c.opened, c.port, c.next = false, false, o.port, now.Add(repeat)
	switch {
	case !o.shut:
		c.shut = time.Time{}
	case c.shut.IsZero():
		c.shut = now
	}
	got := ""
	switch {
	case o.err == nil && same(o.key, w.key):
		return true
	case o.err == nil:
		got = fingerprint(o.key)
	case !errors.Is(o.err, errNoKey):
		if c.missed++; c.wrong == nil || c.missed >= gone {
			c.wrong, c.odd = nil, o.port != 0 // it is starting, or gone
		}
		return false
	}
	if c.wrong == nil {
		c.since = now
	}
	c.odd, c.missed = false, 0
	c.wrong = wrongKey(o.of, int(o.port), got, fingerprint(w.key))
	c.next = now.Add(recheck)
	return false
}

// askSSH asks this user's ssh for the port, at first and then while a
// host answers on none: the user may be writing it down.
func (w *waiter) askSSH(ctx context.Context, first bool) {
	if w.sshPort == nil || w.asking || !first && !slices.ContainsFunc(w.order, func(a mdns.Answer) bool { return !w.candidates[a].shut.IsZero() }) {
		return
	}
	w.asking = true
	w.check(func() {
		port, ok := w.sshPort(ctx)
		if !ok {
			return // and asked again, it would hang again
		}
		select {
		case w.told <- port:
		case <-ctx.Done():
		}
	})
}

// alsoTry takes the port that ssh says: the likeliest, for a login goes there.
func (w *waiter) alsoTry(ctx context.Context, port uint16) {
	w.asking = false
	if slices.Contains(w.ports, port) {
		return
	}
	w.ports = append([]uint16{port}, w.ports...)
	for _, c := range w.candidates {
		c.next = time.Time{}
	}
	w.startChecks(ctx)
}
