package firstboot

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
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
		return w.describeHope(a, w.candidates[a])
	}
	if bad := w.wrong(); bad != nil {
		return Event{Stage: Looking, Addr: bad.Addr, Text: w.strangers(w.names) + fmt.Sprintf(" Still looking for the right one, also as %s and so on. If that is an old card of yours, switch its Pi off.", w.names[1])}
	}
	switch {
	case errors.Is(w.mute, mdns.ErrFirewall):
		return Event{Text: "A firewall on this computer blocks UDP port 5353, so it may not hear the Pi. To open it, run: sudo ufw allow 5353/udp, or: sudo firewall-cmd --add-service=mdns"}
	case errors.Is(w.mute, mdns.ErrVirtual):
		return Event{Text: "This computer has no network connection except to its own containers or virtual machines, or through a VPN. Connect it to the network of the Pi."}
	case errors.Is(w.mute, mdns.ErrNoNetwork):
		return Event{Text: "This computer has no network connection. Connect it to the network of the Pi."}
	case w.mute != nil:
		return Event{Text: fmt.Sprintf("Looking for %s only through the system, because piwiz cannot ask the network itself: %v.", w.names[0], w.mute)}
	}
	return Event{Text: fmt.Sprintf("Looking for %s on your network.", w.names[0])}
}

// describeHope is what is known of what may be the host.
func (w *waiter) describeHope(a mdns.Answer, c *candidate) Event {
	at := fmt.Sprintf("%s is at %s", a.Name, a.Addr)
	switch e := (Event{Stage: Resolved, Addr: a.Addr}); {
	case c.odd:
		e.Text = fmt.Sprintf("%s, and what answers on port %d there does not speak SSH. Waiting for SSH.", at, c.port)
		return e
	case c.opened:
		e.Stage, e.Text = PortOpen, at+" and its SSH answers. Checking its key."
		return e
	case !c.shut.IsZero() && time.Since(c.shut) > patience:
		e.Text = fmt.Sprintf("%s, but SSH does not answer there on port %s. It may still be starting. If your configuration.nix gives it another port (services.openssh.ports), put two lines into ~/.ssh/config, and piwiz sees it too: Host %s, and below it Port NUMBER", at, orList(w.ports), a.Name)
		return e
	default:
		e.Text = at + ". Waiting for its SSH to start."
		return e
	}
}

// strangers says who else answers as one of some names, each computer once, by
// its key; "" when nobody does.
func (w *waiter) strangers(names []string) string {
	place := map[string]mdns.Answer{}
	var keys []string
	for _, a := range w.order {
		c := w.candidates[a]
		if c.wrong == nil || !slices.Contains(names, a.Name) {
			continue
		}
		key := cmp.Or(c.wrong.Got, a.Addr.String())
		was, known := place[key]
		if !known {
			keys = append(keys, key)
		}
		if !known || was.Addr.Is6() && a.Addr.Is4() { // people can read it
			place[key] = a
		}
	}
	var who []string
	for _, k := range keys {
		who = append(who, fmt.Sprintf("%s at %s", place[k].Name, place[k].Addr))
	}
	switch n := len(who); {
	case n == 0:
		return ""
	case n == 1:
		return who[0] + " is another computer, or a Pi with an old card."
	case n <= 3:
		return strings.Join(who[:n-1], ", ") + " and " + who[n-1] + " are other computers, or Pis with old cards."
	default:
		return fmt.Sprintf("%d other computers answer in its place, with other keys: %s and %d more.", n, strings.Join(who[:2], ", "), n-2)
	}
}

func (w *waiter) success(o outcome) Result {
	a := o.of
	r := Result{Name: a.Name, Addrs: []netip.Addr{a.Addr}, Port: int(o.port), Took: time.Since(w.began)}
	var others []netip.Addr
	for _, o := range w.order {
		if c := w.candidates[o]; o.Name == a.Name && o.Addr != a.Addr && c.heard && c.wrong == nil {
			others = include(others, o.Addr)
		}
	}
	r.Addrs = append(r.Addrs, others...)
	r.Hint = w.taken(a.Name)
	text := strings.TrimSpace(fmt.Sprintf("%s is at %s and has the right key. %s", a.Name, a.Addr, r.Hint))
	w.report(Event{Stage: KeyChecked, Addr: a.Addr, Text: text, Elapsed: r.Took})
	return r
}

// taken says who else has the name, and what to do, when the host is found as
// name.
func (w *waiter) taken(name string) string {
	short, _, _ := strings.Cut(w.names[0], ".")
	if name == w.names[0] {
		if who := w.strangers(w.names[:1]); who != "" {
			return who + " The name may lead there by mistake: switch it off, or give it another name."
		}
		return ""
	}
	who := w.strangers(w.names[:max(slices.Index(w.names, name), 1)])
	if who == "" {
		who = "Another computer has the name " + w.names[0] + "."
	}
	return fmt.Sprintf("%s So the Pi calls itself %s. To get the name back, switch off what has it, then restart the Pi and run: piwiz wait %s", who, name, short)
}
