package tui

import (
	"maps"
	"reflect"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/sshkey/keypair"
)

// answers are all that was answered for one line of the first page, until the
// wizard ends. Rules: what a host has saved is offered on every page, marked,
// whether this computer knows it or not; what was typed, marked or unmarked
// stays so, whichever way a page is left; only the user takes something away;
// the answers of one host are never another's. Nothing is saved before the
// build begins.
type answers struct {
	origin  string         // the saved host that was chosen, "" for a new one
	saved   hostfile.Saved // as answered so far
	replace bool           // a saved host gets a new card: nothing is asked again

	name, user, country string       // as typed
	board               nixgen.Board // under the cursor
	wifi                wifiAnswers
	logins              keyAnswers
	identities          map[string]identity // of names that were given up
}

// identity is what belongs to a host's name.
type identity struct {
	key  keypair.Pair
	line string
}

// answersOf begins with what a host has saved; a new one has a few guesses.
func answersOf(origin string, h hostfile.Saved) *answers {
	return &answers{
		origin: origin, saved: h,
		name: h.Host.Name, user: h.Host.User, country: h.Host.Country, board: h.Host.Board,
		wifi: savedNetworks(h, origin), logins: savedKeys(h, origin),
		identities: map[string]identity{},
	}
}

// sameHost tells whether two hosts have the same answers and secrets.
func sameHost(a, b hostfile.Saved) bool {
	return reflect.DeepEqual(tidy(a.Host), tidy(b.Host)) && maps.Equal(secretsOf(a), secretsOf(b)) &&
		a.Identity.PublicLine() == b.Identity.PublicLine()
}

// tidy makes no lists of empty ones, and leaves out what is no answer.
func tidy(h nixgen.Host) nixgen.Host {
	h = h.Born().Written()
	h.Confirmed = nil
	h.Networks = append([]nixgen.Network(nil), h.Networks...)
	h.Keys = append([]string(nil), h.Keys...)
	return h
}

func secretsOf(h hostfile.Saved) map[string]string {
	out := map[string]string{}
	for ssid, secret := range h.PSK {
		if !secret.IsZero() {
			out[ssid] = secret.Reveal()
		}
	}
	return out
}

// identityAs is the key that the host would have under a name.
func (a *answers) identityAs(name string) keypair.Pair {
	if a.saved.Host.Name == name {
		return a.saved.Identity
	}
	return a.identities[name].key
}

// rename gives the host a name. Another name is another host, with keys of its
// own; the name it had before brings those back.
func (a *answers) rename(name string) {
	h := &a.saved
	if h.Host.Name == name {
		return
	}
	if h.Host.Name != "" && !h.Identity.IsZero() {
		if a.identities == nil {
			a.identities = map[string]identity{}
		}
		a.identities[h.Host.Name] = identity{h.Identity, h.Host.HostKey}
	}
	was := a.identities[name]
	h.Identity, h.Host.HostKey, h.Host.Name = was.key, was.line, name
}
