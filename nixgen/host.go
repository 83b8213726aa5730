// Package nixgen turns the answers about a Raspberry Pi into the Nix files
// that build its image. It does no I/O, and no secret is ever in its text:
// the image refers to secrets by name, and Seeds says which files must lie on
// the card for the first boot.
//
// The options are those of nixpkgs, branch nixos-26.05
// (nixos/modules/installer/sd-card, services/networking/wpa_supplicant.nix,
// services/networking/ssh/sshd.nix, services/networking/avahi-daemon.nix).
package nixgen

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
)

// Release is the NixOS release that a host is built from.
const Release = "26.05"

// Board is a model of the Raspberry Pi.
type Board string

// The boards that can be built.
const (
	Zero2W Board = "zero2w"
	Pi3    Board = "3"
	Pi4    Board = "4"
)

// BoardInfo is a line of the list of boards.
type BoardInfo struct {
	Board   Board
	Title   string
	Note    string
	Refused string // why this board cannot be built; "" when it can
}

// Boards lists the boards, the common ones first.
func Boards() []BoardInfo {
	return []BoardInfo{
		{Pi4, "Raspberry Pi 4 B, 400, Compute Module 4", "The best choice for a first one: fast, and every part of it works.", ""},
		{Pi3, "Raspberry Pi 3 A+, B, B+, Compute Module 3", "Works well. The 3 B has Wi-Fi on 2.4 GHz only.", ""},
		{Zero2W, "Raspberry Pi Zero 2 W", "Small and frugal, with 512 MB of memory: build and update it from this computer.", ""},
		{"5", "Raspberry Pi 5, 500, Compute Module 5", "", "Not yet: NixOS " + Release + " has no start-up code for it. The next release will."},
		{"old", "Raspberry Pi 1, 2, Zero, Zero W", "", "These have a 32-bit processor, for which NixOS offers no ready-made packages: each would take days to build."},
	}
}

// Network is a Wi-Fi network the Pi may join; its secret is elsewhere.
type Network struct {
	SSID     string        `toml:"ssid"`
	Security wifi.Security `toml:"security"`
	Hidden   bool          `toml:"hidden,omitempty"`
}

// Host is everything that is known about one Pi, without any secret.
type Host struct {
	Name     string    `toml:"name"`
	Board    Board     `toml:"board"`
	User     string    `toml:"user"`
	Country  string    `toml:"country,omitempty"` // two letters, ISO 3166
	TimeZone string    `toml:"time_zone,omitempty"`
	Locale   string    `toml:"locale,omitempty"`
	Keymap   string    `toml:"keymap,omitempty"`
	HostKey  string    `toml:"host_key,omitempty"` // public half, one line
	Keys     []string  `toml:"keys"`               // lines of authorized_keys
	Networks []Network `toml:"networks,omitempty"` // in order of preference
}

// Problem is one answer that must be changed, and how.
type Problem struct{ Field, Text string }

// Invalid is the error for a host with problems; it holds all of them.
type Invalid struct{ Problems []Problem }

func (e *Invalid) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.Field+": "+p.Text)
	}
	return "these answers must be changed:\n  " + strings.Join(lines, "\n  ")
}

// Hints says where answers are changed.
func (e *Invalid) Hints() []string {
	return []string{"Change them in the wizard, or in host.toml, and try again."}
}

var (
	label    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	userForm = regexp.MustCompile(`^[a-z_][a-z0-9_-]*$`)
	zoneForm = regexp.MustCompile(`^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$`)
	codeForm = regexp.MustCompile(`^[A-Z]{2}$`)
)

// CheckName gives the canonical form of a host name (a label of RFC 1123, in
// lower case) and what must be changed, "" when nothing.
func CheckName(s string) (canonical, complaint string) {
	s = strings.ToLower(strings.TrimSpace(s))
	switch {
	case s == "":
		return s, "Give it a name, for example bach."
	case len(s) > 63:
		return s, fmt.Sprintf("A name has at most 63 characters, this one has %d. Make it shorter.", utf8.RuneCountInString(s))
	case strings.Contains(s, "."):
		return s, "Leave out the dot: the name alone; .local is added by itself."
	case strings.Contains(s, "_"):
		return s, "Use - instead of _: network names have no underscore."
	case strings.Contains(s, " "):
		return s, "Use - instead of the space."
	case strings.HasPrefix(s, "-") || strings.HasSuffix(s, "-"):
		return s, "Let it begin and end with a letter or digit, not with -."
	case s == "localhost":
		return s, "Choose another name: localhost is this computer itself."
	case !label.MatchString(s):
		return s, "Use only the letters a to z, digits and -."
	}
	return s, ""
}

// CheckUser does the same for the name of the user on the Pi.
func CheckUser(s string) (canonical, complaint string) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return s, "Give your user a name, for example pi."
	case len(s) > 31:
		return s, "A user name has at most 31 characters. Make it shorter."
	case s != strings.ToLower(s):
		return s, "Use small letters only."
	case !userForm.MatchString(s):
		return s, "Use the letters a to z, digits, - and _, and begin with a letter."
	case reserved[s] || strings.HasPrefix(s, "nixbld") || strings.HasPrefix(s, "systemd-"):
		return s, "NixOS has a user of that name already. Choose another."
	}
	return s, ""
}

// The users that NixOS itself makes (nixos/modules/misc/ids.nix and the
// services that a generated host turns on).
var reserved = map[string]bool{
	"root": true, "nobody": true, "messagebus": true, "sshd": true, "avahi": true, "polkituser": true,
	"nscd": true, "wpa_supplicant": true, "dhcpcd": true, "wheel": true, "users": true,
}

// CheckCountry does the same for the Wi-Fi country; "" is allowed.
func CheckCountry(s string) (canonical, complaint string) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if s != "" && !codeForm.MatchString(s) {
		return s, "A country has two letters, for example DE, FR or US."
	}
	return s, ""
}

// Problems lists everything about the answers that must be changed.
func (h Host) Problems() []Problem {
	var out []Problem
	add := func(field, text string) {
		if text != "" {
			out = append(out, Problem{field, text})
		}
	}
	name, text := CheckName(h.Name)
	if text == "" && name != h.Name {
		text = "Write it in small letters without blanks: " + name
	}
	add("name", text)
	_, text = CheckUser(h.User)
	add("user", text)
	country, text := CheckCountry(h.Country)
	if text == "" && country != h.Country {
		text = "Write it in capitals: " + country
	}
	add("country", text)
	if !buildable(h.Board) {
		add("board", fmt.Sprintf("%q is no board that can be built; use zero2w, 3 or 4.", string(h.Board)))
	}
	if h.TimeZone != "" && !zoneForm.MatchString(h.TimeZone) {
		add("time_zone", "Use a name such as Europe/Berlin.")
	}
	add("locale", plain(h.Locale))
	add("keymap", plain(h.Keymap))
	if len(h.Keys) == 0 {
		add("keys", "Choose at least one SSH key: there is no password login.")
	}
	for i, k := range h.Keys {
		if _, err := sshkey.ParseLine(k); err != nil {
			add(fmt.Sprintf("keys[%d]", i), err.Error())
		} else if text := control(k); text != "" {
			add(fmt.Sprintf("keys[%d]", i), text)
		}
	}
	return append(out, h.networkProblems()...)
}

func (h Host) networkProblems() []Problem {
	var out []Problem
	seen := map[string]bool{}
	for i, n := range h.Networks {
		field := fmt.Sprintf("networks[%d]", i)
		if err := wifi.CheckSSID(n.SSID); err != nil {
			out = append(out, Problem{field, err.Error()})
		}
		if n.Security != wifi.WPA2 && n.Security != wifi.WPA3 && n.Security != wifi.Open {
			out = append(out, Problem{field, "security is wpa2, wpa3 or open."})
		}
		if seen[n.SSID] {
			out = append(out, Problem{field, "The same network is named twice; leave one out."})
		}
		seen[n.SSID] = true
	}
	if len(h.Networks) > maxNetworks {
		out = append(out, Problem{"networks", fmt.Sprintf("At most %d networks.", maxNetworks)})
	}
	return out
}

// The names of secrets have two digits, because wpa_supplicant takes a name
// that is the beginning of another for the other.
const maxNetworks = 100

func buildable(b Board) bool { return b == Zero2W || b == Pi3 || b == Pi4 }

func plain(s string) string {
	for _, r := range s {
		if r > '~' || r <= ' ' {
			return "Use plain letters, digits and signs without blanks."
		}
	}
	return ""
}

func control(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "The comment of this key has a control character; remove it from the line."
	}
	return ""
}
