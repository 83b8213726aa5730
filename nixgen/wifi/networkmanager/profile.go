// Package networkmanager reads the Wi-Fi profiles of NetworkManager: over
// D-Bus as the ordinary user, and from its key files where it does not run.
//
// Over D-Bus (NetworkManager's D-Bus reference, interfaces Settings and
// Settings.Connection) profiles are listed without any question. A secret is
// asked for by a call of its own, for which the desktop may show a window, so
// it is asked only for a network that was picked.
//
// Key files are described in nm-settings-keyfile(5); keyfile.go says what is
// easily read otherwise.
package networkmanager

import (
	"errors"
	"time"

	"piwiz/nixgen/wifi"
)

// Name is the name of the program, for people.
const Name = "NetworkManager"

// profile is one Wi-Fi profile, from D-Bus or from a key file.
type profile struct {
	id, uuid    string
	ssid        []byte
	mode        string // "", infrastructure, ap, adhoc, mesh
	hidden      bool
	protected   bool   // it has a group for security
	keyMgmt     string // how, when it is protected
	psk         string
	flags       uint32 // of the psk: see below
	permissions []string
	used        time.Time
	connected   bool
}

// Flags of psk-flags (nm-settings-nmcli(5), "Secret flag types").
const (
	agentOwned = 1
	notSaved   = 2
)

// errNotForUs marks what is no network to join: it is not even mentioned.
var errNotForUs = errors.New("no network to join")

// network is the profile as a network that a Pi can join, still without its
// secret. The error says why a Pi cannot.
func (p profile) network() (wifi.Network, error) {
	n := wifi.Network{SSID: string(p.ssid), Hidden: p.hidden, LastUsed: p.used, Connected: p.connected, File: p.id, From: Name}
	if p.mode != "" && p.mode != "infrastructure" {
		return n, errNotForUs // this computer's own hotspot, or one without an access point
	}
	if err := wifi.CheckSSID(n.SSID); err != nil {
		return n, err
	}
	switch {
	case !p.protected:
		n.Security = wifi.Open
		return n, nil
	case p.keyMgmt == "wpa-psk":
		n.Evidence = wifi.SavedPSK
	case p.keyMgmt == "sae":
		n.Evidence = wifi.SavedSAE
	case p.keyMgmt == "none", p.keyMgmt == "ieee8021x":
		return n, errors.New("this network is protected by WEP, which a Pi does not join; set the router to WPA2, or use a cable")
	case p.keyMgmt == "wpa-eap", p.keyMgmt == "wpa-eap-suite-b-192":
		return n, errors.New("this is a company or university network (802.1X); it cannot be copied to a Pi, use another network or a cable")
	case p.keyMgmt == "owe":
		return n, errors.New("this network is open and encrypted (OWE), which piwiz cannot set up; use another network or a cable")
	default:
		return n, errors.New("piwiz does not know how this network is protected; type it in, or use a cable")
	}
	n.Security = n.Evidence.Security()
	return n, nil
}

// lacks says why there is no secret, as the end of a sentence.
func (p profile) lacks() string {
	switch {
	case p.flags&notSaved != 0:
		return "NetworkManager does not keep its password"
	case p.flags&agentOwned != 0:
		return "its password is in the keyring of a desktop"
	}
	return "NetworkManager has no password for it"
}
