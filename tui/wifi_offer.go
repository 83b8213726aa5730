package tui

import (
	"strings"

	"piwiz/nixgen/wifi"
)

// A network with a password is joined as WPA2 or as WPA3 alone. nixgen decides
// by evidence; here the user may say otherwise, is told where that is in doubt,
// and says yes where the board most likely cannot do it.

// offer is one network and how piwiz knows it. Two kinds of protection under
// one name are two networks, and the same network may be offered twice, with
// the password that the host has saved and with another one. Of all of one
// name at most one is marked: nixpkgs and wpa_supplicant have one of a name,
// and a Pi that may choose would join an open one that anybody can put up.
type offer struct {
	wifi.Network       // as it is known
	id                 string
	saved, here, typed bool
	asked              string        // what its secret was asked for by, once it is here
	as                 wifi.Security // how the user wants it joined, "" as it is known
}

// lacks tells that the password is nowhere.
func (o offer) lacks() bool { return !o.Usable() }

// same tells whether a network that this computer knows is the one offered. A
// secret that is not here may be any.
func (o offer) same(k wifi.Network) bool {
	if k.Kept != "" && k.Kept == o.asked {
		return true // its protection may be known better by now
	}
	return o.SSID == k.SSID && o.Security == k.Security &&
		(o.Secret.IsZero() || !k.Usable() || o.Secret == k.Secret)
}

// turned tells whether it is one that the host has saved in the other way of
// joining it.
func (o offer) turned(k wifi.Network) bool {
	if !o.saved || o.here || o.Secret.IsZero() || o.SSID != k.SSID || o.Security == k.Security {
		return false
	}
	k, err := k.As(o.Security)
	return err == nil && k.Secret == o.Secret
}

// know adds what this computer knows about the network.
func (o *offer) know(k wifi.Network) {
	o.here, o.Connected = true, k.Connected
	o.Evidence, o.From = o.Evidence|k.Evidence, k.From
	if o.Secret.IsZero() && (k.Kept == "" || k.Kept != o.asked) { // what was not given is not asked for again
		o.Secret, o.Kept, o.Lacks = k.Secret, k.Kept, k.Lacks
	}
	if as, err := k.As(o.Security); err == nil && as.Secret == o.Secret && !k.Passphrase.IsZero() {
		o.Passphrase = k.Passphrase
	}
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

// protection is how the kinds are called on the page.
var protection = map[wifi.Security]string{wifi.WPA2: "WPA2", wifi.WPA3: "WPA3 only", wifi.Open: "open"}

// wanted is the network as the Pi should join it.
func (o offer) wanted() wifi.Network {
	if o.as == "" {
		return o.Network
	}
	n, err := o.As(o.as)
	if err != nil { // another password has come since, which does not serve for that
		return o.Network
	}
	return n
}

// turn joins it in the other way from now on.
func (o *offer) turn() error {
	to := wifi.WPA3
	if o.wanted().Security == wifi.WPA3 {
		to = wifi.WPA2
	}
	_, err := o.As(to)
	if err == nil {
		o.as = to
	}
	return err
}

// doubt is what to tell about the way it is joined, "" when that is certain or
// was said by the user.
func (o offer) doubt() string {
	if o.Evidence.Doubt() == "" || o.as != "" || o.typed || o.Security != wifi.WPA2 {
		return ""
	}
	return "If your router is set to WPA3 only, press w."
}
