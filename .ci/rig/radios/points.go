package main

import (
	"fmt"
	"slices"
	"strings"
)

// point is a kind of access point, and what must come of it.
type point struct {
	kind  string
	ssid  string
	pass  string   // "" for an open one
	lines []string // of hostapd.conf(5)
	wrote string   // how piwiz must write the network
}

func (p point) hidden() bool { return strings.HasSuffix(p.kind, "hidden") }

var (
	psk   = []string{"wpa=2", "rsn_pairwise=CCMP", "wpa_key_mgmt=WPA-PSK"}
	mixed = []string{"wpa=2", "rsn_pairwise=CCMP", "wpa_key_mgmt=WPA-PSK SAE", "ieee80211w=1", "sae_require_mfp=1"}
	sae   = []string{"wpa=2", "rsn_pairwise=CCMP", "wpa_key_mgmt=SAE", "ieee80211w=2"}
)

// points are the kinds of access point there are at home, those first that
// differ most. sae_pwe: 0 is hunting and pecking, 1 hash-to-element, 2 either.
var points = []point{
	{"WPA2, odd signs", "Zoë's \"WiFi\" #1", `gr$n "q" \ pass=word; #1`, with(psk), "WPA2"},
	{"WPA2, hidden", "Cellar", "below the stairs", with(psk, "ignore_broadcast_ssid=1"), "WPA2"},
	{"WPA2 and WPA3", "Mixed", "Correct#Horse1", with(mixed, "sae_pwe=2"), "WPA2"},
	{"WPA3 only", "sae-only_2", ` lead, # and "trail" `, with(sae, "sae_pwe=2"), "WPA3"},
	{"WPA3 only, new way", "sae-1", "Correct#Horse4", with(sae, "sae_pwe=1"), "WPA3"},
	{"open", "open-cafe", "", nil, "open"},
	{"WPA2", "Home Net", "correct horse battery", with(psk), "WPA2"},
	{"WPA2 and old WPA3", "Mixed0", "Correct#Horse2", with(mixed, "sae_pwe=0"), "WPA2"},
	{"WPA3 only, old way", "sae-0", "Correct#Horse3", with(sae, "sae_pwe=0"), "WPA3"},
	{"WPA3 only, says so", "sae-td", "Correct#Horse5", with(sae, "sae_pwe=2", "transition_disable=0x01"), "WPA3"},
	{"WPA3 only, hidden", "Attic", "under the roof", with(sae, "sae_pwe=2", "ignore_broadcast_ssid=1"), "WPA3"},
}

// some is how many of them are tried where time is short.
const some = 6

func with(lines []string, more ...string) []string { return slices.Concat(lines, more) }

// hostapd is its configuration, for interface wlanN.
func (p point) hostapd(n int) string {
	lines := []string{
		fmt.Sprintf("interface=wlan%d", n), "driver=nl80211", "hw_mode=g", fmt.Sprintf("channel=%d", 1+5*(n%3)),
		fmt.Sprintf("ssid2=%x", p.ssid), "utf8_ssid=1", "beacon_int=500",
	}
	lines = append(lines, p.lines...)
	if p.pass != "" {
		lines = append(lines, "wpa_passphrase="+p.pass)
	}
	return strings.Join(lines, "\n") + "\n"
}
