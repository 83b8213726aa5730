package firstboot

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"piwiz/flash/firstboot/mdns"
)

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
			return Event{Stage: PortOpen, Addr: a.Addr, Text: fmt.Sprintf("%s is at %s and its SSH answers. Checking its key.", a.Name, a.Addr)}
		}
		return Event{Stage: Resolved, Addr: a.Addr, Text: fmt.Sprintf("%s is at %s. Waiting for its SSH to start.", a.Name, a.Addr)}
	}
	if bad := w.wrong(); bad != nil {
		return Event{Stage: Looking, Addr: bad.Addr, Text: w.strangers(bad)}
	}
	switch {
	case errors.Is(w.mute, mdns.ErrFirewall):
		return Event{Text: "A firewall on this computer blocks UDP port 5353, so it may not hear the Pi. To open it, run: sudo ufw allow 5353/udp, or: sudo firewall-cmd --add-service=mdns"}
	case errors.Is(w.mute, mdns.ErrVirtual):
		return Event{Text: "This computer has no network connection but to its own containers or virtual machines, or through a VPN. Connect it to the network of the Pi."}
	case errors.Is(w.mute, mdns.ErrNoNetwork):
		return Event{Text: "This computer has no network connection. Connect it to the network of the Pi."}
	case w.mute != nil:
		return Event{Text: fmt.Sprintf("Looking for %s only through the system, because piwiz cannot ask the network itself: %v.", w.names[0], w.mute)}
	}
	return Event{Text: fmt.Sprintf("Looking for %s on your network.", w.names[0])}
}

// strangers says who answers in the place of the host: each once, by its key.
func (w *waiter) strangers(first *WrongKey) string {
	keys := map[string]bool{}
	for _, c := range w.candidates {
		if c.wrong != nil {
			keys[c.wrong.Got] = true
		}
	}
	who := fmt.Sprintf("%s at %s is another computer, or a Pi with an old card", first.Name, first.Addr)
	if n := len(keys); n > 1 {
		who = fmt.Sprintf("%d computers answer as %s and hold other keys, the first at %s", n, w.names[0], first.Addr)
	}
	return fmt.Sprintf("%s. Still looking for the right one, also as %s and so on. If it is an old card of yours, switch that Pi off.", who, w.names[1])
}

func (w *waiter) success(a mdns.Answer) Result {
	r := Result{Name: a.Name, Addrs: []netip.Addr{a.Addr}, Port: int(w.port), Took: time.Since(w.began)}
	var others []netip.Addr
	for _, o := range w.order {
		if c := w.candidates[o]; o.Name == a.Name && o.Addr != a.Addr && c.heard && c.wrong == nil {
			others = include(others, o.Addr)
		}
	}
	r.Addrs = append(r.Addrs, others...)
	text := fmt.Sprintf("%s is at %s and has the right key.", a.Name, a.Addr)
	if a.Name != w.names[0] {
		short, _, _ := strings.Cut(w.names[0], ".")
		r.Hint = fmt.Sprintf("Another computer has the name %s, so the Pi calls itself %s. To get the name back, switch the other one off, then restart the Pi and run: piwiz wait %s",
			w.names[0], a.Name, short)
		text += " " + r.Hint
	}
	w.report(Event{Stage: KeyChecked, Addr: a.Addr, Text: text, Elapsed: r.Took})
	return r
}
