// Package nixgen turns the answers about a Raspberry Pi into the Nix files
// that build its image. It does no I/O, and no secret is ever in its text:
// the image refers to secrets by name, and Seeds says which files must be on
// the card for the first boot.
//
// Rules: all that is wrong with the answers is reported at once (Problems), what may
// be a mistake is built only once it is confirmed (Doubts), in every face alike. A
// Pi that runs is never stranded by text that is rendered again: the release, the
// state version and the names of secrets belong to the host, not to the piwiz
// that renders it. A secret is named by its network, never by its place.
//
// The options are those of nixpkgs, branch nixos-26.05
// (nixos/modules/installer/sd-card, services/networking/wpa_supplicant.nix,
// services/networking/ssh/sshd.nix, services/networking/avahi-daemon.nix).
package nixgen

import (
	"cmp"
	"fmt"
	"slices"

	"piwiz/nixgen/wifi"
)

// Network is a Wi-Fi network the Pi may join; its secret is elsewhere.
type Network struct {
	SSID     string        `toml:"ssid"`
	Security wifi.Security `toml:"security"`
	Hidden   bool          `toml:"hidden,omitempty"`
	// SecretName is what a running Pi calls the secret, where it has another
	// name than secretName gives it. See Before.
	SecretName string `toml:"secret_name,omitempty"`
}

// Host is everything that is known about one Pi, without any secret.
type Host struct {
	Name     string   `toml:"name"`
	Board    Board    `toml:"board"`
	User     string   `toml:"user"`
	Country  string   `toml:"country,omitempty"` // two letters, ISO 3166
	TimeZone string   `toml:"time_zone,omitempty"`
	Locale   string   `toml:"locale,omitempty"`
	Keymap   string   `toml:"keymap,omitempty"`
	HostKey  string   `toml:"host_key,omitempty"` // public half, one line
	Keys     []string `toml:"keys"`               // lines of authorized_keys

	// Of the host, not of the piwiz that happens to run: what it was made from
	// first (system.stateVersion), and what it is built from now.
	Release      string `toml:"release,omitempty"`
	StateVersion string `toml:"state_version,omitempty"`
	// Confirmed are the keys of the doubts that the user said yes to.
	Confirmed []string `toml:"confirmed,omitempty"`

	Networks []Network `toml:"networks,omitempty"` // in order of preference
}

// Born is a host with the release that a new one gets, where it has none.
func (h Host) Born() Host {
	h.Release = cmp.Or(h.Release, Release)
	h.StateVersion = cmp.Or(h.StateVersion, h.Release)
	return h
}

// Before is a saved host as it was made, also by a piwiz that noted less: that
// one named secrets by their position. They keep those names until a card with
// new ones was written, because the Pi knows no others.
func (h Host) Before() Host {
	if h.StateVersion != "" {
		return h
	}
	h.Release = cmp.Or(h.Release, releaseBefore)
	h.StateVersion = releaseBefore
	h.Networks = slices.Clone(h.Networks)
	for i := range h.Networks {
		if n := &h.Networks[i]; n.Security != wifi.Open && n.SecretName == "" {
			n.SecretName = fmt.Sprintf("psk_%02d", i)
		}
	}
	return h
}

// Inherit is a host with what belongs to it and not to its answers, as it was
// saved before.
func (h Host) Inherit(old Host) Host {
	h.HostKey = cmp.Or(h.HostKey, old.HostKey)
	h.Release = cmp.Or(h.Release, old.Release)
	h.StateVersion = cmp.Or(h.StateVersion, old.StateVersion)
	h.Confirmed = append(slices.Clone(h.Confirmed), old.Confirmed...)
	h.Networks = slices.Clone(h.Networks)
	for i := range h.Networks {
		for _, o := range old.Networks {
			if n := &h.Networks[i]; o.SSID == n.SSID && n.SecretName == "" {
				n.SecretName = o.SecretName
			}
		}
	}
	return h
}

// Written is a host whose card was written: the Pi knows the secrets by the
// names they have now.
func (h Host) Written() Host {
	h.Networks = slices.Clone(h.Networks)
	for i := range h.Networks {
		h.Networks[i].SecretName = ""
	}
	return h
}
