package tui

import (
	"cmp"
	"fmt"
	"slices"

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

func savedNetworks(h hostfile.Saved, origin string) wifiAnswers {
	a := wifiAnswers{preset: origin != ""}
	for _, n := range h.Host.Networks {
		o := offer{Network: wifi.Network{SSID: n.SSID, Security: n.Security, Hidden: n.Hidden}, saved: true}
		if n.Security != wifi.Open {
			o.Secret = h.PSK[n.SSID]
		}
		if n.Security == wifi.WPA3 {
			o.Passphrase = o.Secret
		}
		a.add(o)
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
			i = slices.IndexFunc(a.offers, func(o offer) bool { return o.turned(k) })
		}
		if i < 0 {
			i = len(a.offers)
			a.add(offer{Network: k})
		}
		a.offers[i].know(k)
	}
	a.offers = slices.DeleteFunc(a.offers, func(o offer) bool {
		return !o.here && !o.saved && !o.typed && !slices.Contains(a.chosen, o.id)
	})
	if !a.preset && len(known) > 0 {
		a.preset = true
		if o, ok := a.obvious(); ok && len(a.chosen) == 0 {
			a.choose(o)
		}
	}
}

// obvious is the network that a new host will most likely join: that which
// this computer is on, else the only one it knows. Of two of its name it is the
// one with a password. It is marked, so that enter takes it and that can be
// seen.
func (a *wifiAnswers) obvious() (out offer, ok bool) {
	names := map[string]bool{}
	for _, o := range a.offers {
		names[o.SSID] = true
	}
	for _, o := range a.offers {
		if o.Connected || len(names) == 1 && !o.lacks() {
			if !ok || out.Security == wifi.Open && o.Security != wifi.Open && o.SSID == out.SSID {
				out, ok = o, true
			}
		}
	}
	return out, ok
}

// double tells whether another offer has its name.
func (a *wifiAnswers) double(o offer) bool {
	return slices.ContainsFunc(a.offers, func(b offer) bool { return b.SSID == o.SSID && b.id != o.id })
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
// takes the place of what was typed before, or of one whose password is
// nowhere; what the host has saved stays.
func (a *wifiAnswers) take(n wifi.Network) {
	a.offers = slices.DeleteFunc(a.offers, func(o offer) bool {
		return !o.saved && (o.typed || o.lacks()) && o.SSID == n.SSID && o.Security == n.Security
	})
	a.add(offer{Network: n, typed: true})
	end := len(a.offers) - 1
	a.offers = append([]offer{a.offers[end]}, a.offers[:end]...)
	a.choose(a.offers[0])
	a.preset, a.at = true, a.offers[0].id
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

// networks are the marked ones as a host has them.
func (a *wifiAnswers) networks() (out []nixgen.Network) {
	for _, o := range a.marked() {
		out = append(out, nixgen.Network{SSID: o.SSID, Security: o.wanted().Security, Hidden: o.Hidden})
	}
	return out
}

// keep stores the marked networks and their secrets with the host.
func (a *wifiAnswers) keep(h *hostfile.Saved) {
	h.Host.Networks, h.PSK = a.networks(), map[string]wifi.Secret{}
	for _, o := range a.marked() {
		if n := o.wanted(); !n.Secret.IsZero() {
			h.PSK[n.SSID] = n.Secret
		}
	}
}

// options are the offers as lines of a list. read tells whether this computer
// could say what it knows.
func (a *wifiAnswers) options(origin string, read bool) []form.Option {
	var out []form.Option
	for _, o := range a.offers {
		twin := slices.ContainsFunc(a.offers, func(b offer) bool {
			return b.SSID == o.SSID && b.Security == o.Security && b.id != o.id
		})
		out = append(out, form.Option{Label: o.SSID, Value: o.id, Group: o.SSID, Note: protection[o.wanted().Security] + o.note(origin, read, twin)})
	}
	return out
}

// give puts a network in the place of an offer, with what was found out.
func (a *wifiAnswers) give(o offer, n wifi.Network) {
	for i := range a.offers {
		if a.offers[i].id == o.id {
			a.offers[i].asked, a.offers[i].Network = o.Kept, n
		}
	}
}

// lacking is an empty draft, or one for the marked network whose password is
// missing.
func (a *wifiAnswers) lacking() *typedNetwork {
	t := &typedNetwork{safety: string(wifi.WPA2), hidden: "no"}
	for _, o := range a.marked() {
		if !o.lacks() {
			continue
		}
		t.ssid, t.safety = o.SSID, string(o.Security)
		if o.Hidden {
			t.hidden = "yes"
		}
		break
	}
	return t
}

// unturned says which marked network cannot be joined as the user said: its
// secret came later and does not serve for that. It is joined as it is known
// then, unless the user does something about it.
func (a *wifiAnswers) unturned() string {
	for _, o := range a.marked() {
		if _, err := o.As(cmp.Or(o.as, o.Security)); err != nil {
			for i := range a.offers {
				if a.offers[i].id == o.id {
					a.offers[i].as = ""
				}
			}
			return sentence(err) + " Press ctrl+t for that, or enter to join it as it is known."
		}
	}
	return ""
}

// current is the offer under the cursor, nil where there is none.
func (a *wifiAnswers) current() *offer {
	i := slices.IndexFunc(a.offers, func(o offer) bool { return o.id == a.at })
	if i < 0 {
		return nil
	}
	return &a.offers[i]
}
