package tui

import (
	"fmt"
	"slices"
	"strings"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/wifi"
	"piwiz/tui/form"
)

// wifiAnswers are the networks that one host may join, in the order shown.
type wifiAnswers struct {
	offers []offer
	chosen []string      // ids of the marked ones
	at     string        // id of the one under the cursor
	preset bool          // the first mark, if any, was made
	draft  *typedNetwork // one that is being typed in; its password is only here
	last   int           // id given last
}

// offer is one network and how piwiz knows it. The same name may be offered
// twice, with the password that the host has saved and with another one.
type offer struct {
	wifi.Network
	id                 string
	saved, here, typed bool
	asked              string // what its secret was asked for by, once it is here
}

// lacks tells that the password is nowhere.
func (o offer) lacks() bool { return !o.Usable() }

// same tells whether a network that this computer knows is the one offered.
// While a secret has still to be asked for it may be any.
func (o offer) same(k wifi.Network) bool {
	if k.Kept != "" && k.Kept == o.asked {
		return true // its protection may be known better by now
	}
	return o.SSID == k.SSID && o.Security == k.Security &&
		(o.Secret.IsZero() || o.Secret.Reveal() == k.Secret.Reveal())
}

func savedNetworks(h hostfile.Saved, origin string) wifiAnswers {
	a := wifiAnswers{preset: origin != ""}
	for _, n := range h.Host.Networks {
		a.add(offer{Network: wifi.Network{SSID: n.SSID, Security: n.Security, Hidden: n.Hidden, Secret: h.PSK[n.SSID]}, saved: true})
		a.chosen = append(a.chosen, a.offers[len(a.offers)-1].id)
	}
	return a
}

func (a *wifiAnswers) add(o offer) {
	a.last++
	o.id = fmt.Sprint(a.last)
	a.offers = append(a.offers, o)
}

// know adds what this computer knows now. What the host has stays as it is,
// and where it is and whether it is marked too.
func (a *wifiAnswers) know(known []wifi.Network) {
	for i := range a.offers {
		a.offers[i].here, a.offers[i].Connected = false, false
	}
	for _, k := range known {
		i := slices.IndexFunc(a.offers, func(o offer) bool { return o.same(k) })
		if i < 0 {
			i = len(a.offers)
			a.add(offer{Network: k})
		}
		o := &a.offers[i]
		o.here, o.Connected = true, k.Connected
		if o.Secret.IsZero() && (k.Kept == "" || k.Kept != o.asked) { // what was not given is not asked for again
			o.Secret, o.Kept, o.Lacks = k.Secret, k.Kept, k.Lacks
		}
	}
	a.offers = slices.DeleteFunc(a.offers, func(o offer) bool {
		return !o.here && !o.saved && !o.typed && !slices.Contains(a.chosen, o.id)
	})
	if !a.preset && len(known) > 0 {
		a.preset = true
		// The network this computer is on, or the only one there is: enter takes
		// it, and that can be seen.
		if (known[0].Connected || len(a.offers) == 1) && len(a.chosen) == 0 {
			if o := a.find(known[0].SSID); o.Connected || !o.lacks() {
				a.choose(o)
			}
		}
	}
}

// find is the offer of this name, the first of several.
func (a *wifiAnswers) find(ssid string) offer {
	i := slices.IndexFunc(a.offers, func(o offer) bool { return o.SSID == ssid })
	return a.offers[i]
}

// choose marks an offer, and no other of its name.
func (a *wifiAnswers) choose(o offer) {
	for _, other := range a.offers {
		if other.SSID == o.SSID {
			a.chosen = slices.DeleteFunc(a.chosen, func(id string) bool { return id == other.id })
		}
	}
	a.chosen = append(a.chosen, o.id)
}

// take adds a network that was typed in, marked and first. Typed in again it
// takes the place of what was typed before; what the host has saved stays.
func (a *wifiAnswers) take(n wifi.Network) {
	a.offers = slices.DeleteFunc(a.offers, func(o offer) bool { return o.typed && !o.saved && o.SSID == n.SSID })
	a.add(offer{Network: n, typed: true})
	end := len(a.offers) - 1
	a.offers = append([]offer{a.offers[end]}, a.offers[:end]...)
	a.choose(a.offers[0])
	a.preset = true
}

// marked are the chosen networks in the order shown.
func (a *wifiAnswers) marked() (out []offer) {
	for _, o := range a.offers {
		if slices.Contains(a.chosen, o.id) {
			out = append(out, o)
		}
	}
	return out
}

// keep stores the marked networks and their secrets with the host.
func (a *wifiAnswers) keep(h *hostfile.Saved) {
	h.Host.Networks, h.PSK = nil, map[string]wifi.Secret{}
	for _, o := range a.marked() {
		h.Host.Networks = append(h.Host.Networks, nixgen.Network{SSID: o.SSID, Security: o.Security, Hidden: o.Hidden})
		if !o.Secret.IsZero() {
			h.PSK[o.SSID] = o.Secret
		}
	}
}

// options are the offers as lines of a list. read tells whether this computer
// could say what it knows.
func (a *wifiAnswers) options(origin string, read bool) []form.Option {
	var out []form.Option
	for _, o := range a.offers {
		twin := slices.ContainsFunc(a.offers, func(b offer) bool { return b.SSID == o.SSID && b.id != o.id })
		out = append(out, form.Option{Label: o.SSID, Value: o.id, Group: o.SSID, Note: string(o.Security) + o.note(origin, read, twin)})
	}
	return out
}

func (o offer) note(origin string, read, twin bool) string {
	switch {
	case o.lacks() && o.Lacks != "":
		return ", but " + o.Lacks
	case o.lacks():
		return ", but its password is missing"
	case o.typed:
		return ", typed in"
	case o.saved && twin:
		return ", with the password saved with " + origin
	case o.saved && o.here && o.Connected:
		return ", saved with " + origin + "; this computer is on it now"
	case o.saved && !o.here && read:
		return ", saved with " + origin + "; not known here"
	case o.saved:
		return ", saved with " + origin
	case twin:
		return ", with the password of this computer"
	case o.Connected:
		return ", this computer is on it now"
	case strings.Contains(o.From, ", "):
		return ", known to " + o.From
	}
	return ""
}
