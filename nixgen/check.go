package nixgen

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"piwiz/nixgen/fault"
	"piwiz/nixgen/region"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
)

// Problem is one answer that must be changed, and how. It never repeats what
// the answer is.
type Problem struct {
	Field string // as in host.toml: networks[0].ssid
	Line  int    // in that file, 0 where it is in none
	Text  string
	// Mild: the host works anyway, though not as it was meant. Nobody is
	// let in with such an answer, but a host that was saved with it goes on.
	Mild bool
}

func (p Problem) String() string {
	if p.Line == 0 {
		return p.Field + ": " + p.Text
	}
	return fmt.Sprintf("line %d: %s: %s", p.Line, p.Field, p.Text)
}

// Invalid is the error for a host with problems; it holds all of them.
type Invalid struct {
	Problems []Problem
	fault.Todo
}

func (e *Invalid) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	return "these answers must be changed:\n  " + strings.Join(lines, "\n  ")
}

// refuse is the error for these problems.
func refuse(problems []Problem) *Invalid {
	return &Invalid{problems, fault.Todo{"Change them in the wizard, or in host.toml, and try again."}}
}

// Check is *Invalid with all that must be changed before a host can be built, nil
// when that is nothing. It comes before any question of Doubts.
func (h Host) Check() error {
	bad := slices.DeleteFunc(h.Problems(), func(p Problem) bool { return p.Mild })
	if len(bad) == 0 {
		return nil
	}
	return refuse(bad)
}

// CheckCountry gives the canonical form of the Wi-Fi country and what must be
// changed, "" when nothing; "" is allowed.
func CheckCountry(s string) (canonical, complaint string) {
	if s = strings.TrimSpace(s); s == "" {
		return "", ""
	}
	return region.Country(s)
}

// Problems lists everything about the answers that must be changed, mild ones
// too. What is sound in itself and may still be a mistake is in Doubts.
func (h Host) Problems() []Problem {
	var out []Problem
	add := func(field, text string) {
		if text != "" {
			out = append(out, Problem{Field: field, Text: text})
		}
	}
	mild := func(field, text string, mild bool) {
		if text != "" {
			out = append(out, Problem{Field: field, Text: text, Mild: mild})
		}
	}
	name, text := CheckName(h.Name)
	if text == "" && name != h.Name {
		text = "Write it in lowercase, without spaces around it."
	}
	add("name", text)
	user, text := CheckUser(h.User)
	if text == "" && user != h.User {
		text = noBlanks
	}
	mild("user", text, services[h.User])
	country, text := CheckCountry(h.Country)
	if text == "" && country != h.Country {
		text = "Write it in capitals: " + country
	}
	mild("country", text, codeForm.MatchString(h.Country))
	add("board", checkBoard(h.Board))
	mild("time_zone", named(h.TimeZone, region.Zone), zoneForm.MatchString(h.TimeZone)) // the Pi takes UTC
	add("locale", named(h.Locale, region.Locale))
	add("keymap", named(h.Keymap, region.Keymap))
	add("release", checkRelease(h.Release))
	if text = checkRelease(h.StateVersion); text == "" && checkRelease(h.Release) == "" && h.StateVersion > h.Born().Release {
		text = "A host cannot have been made with a later release than it is built from. Write the first release that it ran."
	}
	add("state_version", text)
	if _, err := sshkey.ParseLine(h.HostKey); h.HostKey != "" && err != nil {
		add("host_key", "This is not the public key of a host. Remove the line: piwiz writes it itself.")
	}
	for i, key := range h.Confirmed {
		if !isDoubt(key) {
			mild(fmt.Sprintf("confirmed[%d]", i), "There is no confirmation with this name. Remove it: `piwiz build` names the right ones.", true)
		}
	}
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

const noBlanks = "Write it without spaces around it."

// named is what must be changed about a name that a list has, "" when nothing;
// none at all is allowed.
func named(s string, list func(string) (string, string)) string {
	if s == "" {
		return ""
	}
	if _, text := list(s); text != "" {
		return text
	}
	if strings.TrimSpace(s) != s {
		return noBlanks
	}
	return ""
}

// Forms that NixOS accepts, whatever they mean.
var (
	zoneForm   = regexp.MustCompile(`^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$`)
	codeForm   = regexp.MustCompile(`^[A-Z]{2}$`)
	secretForm = regexp.MustCompile(`^psk_[0-9]{2}$`)
)

func (h Host) networkProblems() []Problem {
	var out []Problem
	seen, named := map[string]int{}, map[string]bool{}
	for i, n := range h.Networks {
		add := func(key, text string) {
			out = append(out, Problem{Field: fmt.Sprintf("networks[%d]%s", i, key), Text: text})
		}
		if err := wifi.CheckSSID(n.SSID); err != nil {
			add(".ssid", err.Error())
		}
		if n.Security != wifi.WPA2 && n.Security != wifi.WPA3 && n.Security != wifi.Open {
			add(".security", "security is wpa2, wpa3 or open.")
		}
		if first, twice := seen[n.SSID]; twice {
			add(".ssid", fmt.Sprintf("The same network is already in the list, as number %d; remove one.", first+1))
		} else {
			seen[n.SSID] = i
		}
		if n.SecretName != "" && (!secretForm.MatchString(n.SecretName) || named[n.SecretName]) {
			add(".secret_name", "Remove this line: piwiz names the secret itself.")
		}
		named[n.SecretName] = true
	}
	if len(h.Networks) > maxNetworks {
		out = append(out, Problem{Field: "networks", Text: fmt.Sprintf("A host has at most %d networks.", maxNetworks)})
	}
	return out
}

// More networks than anybody has: wpa_supplicant reads them all at each scan.
const maxNetworks = 100

func control(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "The comment of this key has a control character; remove it from the line."
	}
	return ""
}
