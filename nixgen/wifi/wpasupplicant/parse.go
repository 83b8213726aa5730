package wpasupplicant

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"piwiz/nixgen/wifi"
	"piwiz/nixgen/wifi/files"
)

// Parse makes networks of one file. Each problem names its line and never
// shows it. Networks that are switched off, that this computer offers itself
// or that have no access point are not mentioned.
//
// What is easily read otherwise: there is no blank around =; a text is between
// the first and the last quote and has no escapes, save behind P; without
// quotes it is hexadecimal; # ends a line, but not between quotes; the last of
// equal settings counts.
//
// wpa_supplicant refuses a whole file for one wrong line. Here only the
// network that the line is in is refused: the others may be all that is left
// of a computer whose card died.
func Parse(data []byte) (found []wifi.Network, problems []error) {
	if len(data) > files.Max {
		return nil, []error{errors.New("the file is too large to be read")}
	}
	for _, b := range blocks(string(data)) {
		n, ok, err := b.network()
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("the network in line %d: %w", b.line, err))
		case ok:
			found = append(found, n)
		}
	}
	return found, problems
}

// block is what stands between network={ and }.
type block struct {
	line   int
	values map[string]string
	wrong  int // the first line in it that has no KEY=VALUE, 0 when all have
	open   bool
}

func blocks(text string) (all []block) {
	var now *block
	skip := false // inside a certificate or the settings of a service
	number := 0
	for raw := range strings.Lines(text) {
		number++
		line := bare(raw)
		switch {
		case line == "":
		case now == nil && skip:
			skip = line != "}"
		case now == nil && line == "network={":
			now = &block{line: number, values: map[string]string{}, open: true}
		case now == nil:
			skip = strings.HasPrefix(line, "blob-base64-") || line == "cred={"
		case line == "}":
			now.open = false
			all = append(all, *now)
			now = nil
		default:
			key, value, ok := strings.Cut(line, "=")
			if !ok && now.wrong == 0 {
				now.wrong = number
			}
			now.values[key] = value
		}
	}
	if now != nil {
		all = append(all, *now)
	}
	return all
}

// bare is a line without its comment and the blanks around it.
func bare(line string) string {
	line, _, _ = strings.Cut(line, "\x00")
	line = strings.TrimLeft(line, " \t\r")
	if strings.HasPrefix(line, "#") {
		return ""
	}
	quoted := 0
	if first := strings.IndexByte(line, '"'); first >= 0 {
		if last := strings.LastIndexByte(line[first+1:], '"'); last >= 0 {
			quoted = first + 1 + last + 1
		}
	}
	if at := strings.IndexByte(line[quoted:], '#'); at >= 0 {
		line = line[:quoted+at]
	}
	return strings.TrimRight(line, " \t\r\n")
}

// network is the block as a network that a Pi can join; ok is false for what
// is none to join.
func (b block) network() (n wifi.Network, ok bool, err error) {
	v := b.values
	if v["disabled"] == "1" || v["mode"] != "" && v["mode"] != "0" {
		return n, false, nil
	}
	switch {
	case b.open:
		return n, false, errors.New("it has no end; add a } below it, or type the network in")
	case b.wrong != 0:
		return n, false, fmt.Errorf("line %d has no KEY=VALUE; correct it, or type the network in", b.wrong)
	}
	name, ok := text(v["ssid"])
	if !ok {
		return n, false, errors.New("its name (ssid) cannot be read: it must be in quotes, or in hexadecimal; correct it, or type the network in")
	}
	n = wifi.Network{SSID: name, Hidden: v["scan_ssid"] == "1", From: Name}
	if err := wifi.CheckSSID(name); err != nil {
		return n, false, err
	}
	if n.Evidence, n.Security, err = protection(v); err != nil || n.Security == wifi.Open {
		return n, err == nil, err
	}
	secret, why := secretOf(v, n.Evidence)
	if secret == "" {
		n.Lacks = why
		return n, true, nil
	}
	n, err = n.With(secret)
	return n, err == nil, err
}

// protection tells how the network is joined. Without key_mgmt that is by
// WPA2, with a password or as a company does.
func protection(v map[string]string) (wifi.Evidence, wifi.Security, error) {
	var e wifi.Evidence
	none, company := false, false
	ways := v["key_mgmt"]
	if ways == "" {
		ways = "WPA-PSK"
	}
	for way := range strings.FieldsSeq(ways) {
		switch way {
		case "WPA-PSK", "WPA-PSK-SHA256", "FT-PSK":
			e |= wifi.SavedPSK
		case "SAE", "FT-SAE":
			e |= wifi.SavedSAE
		case "NONE":
			none = true
		case "OWE", "DPP":
		default:
			company = true
		}
	}
	_, identity := v["identity"]
	_, eap := v["eap"]
	switch {
	case e != 0 && !(v["key_mgmt"] == "" && (identity || eap)):
		return e, e.Security(), nil
	case company, identity, eap:
		return e, "", errors.New("it is a company or university network (802.1X); it cannot be copied to a Pi, use another network or a cable")
	case !none:
		return e, "", errors.New("piwiz cannot set up this type of protection (key_mgmt); use another network or a cable")
	}
	for _, key := range []string{"wep_key0", "wep_key1", "wep_key2", "wep_key3"} {
		if v[key] != "" {
			return e, "", errors.New("it is protected by WEP, which a Pi does not join; set the router to WPA2, or use a cable")
		}
	}
	return e, wifi.Open, nil
}

// secretOf is the password or key. why is the end of a sentence that says why
// there is none.
func secretOf(v map[string]string, e wifi.Evidence) (secret, why string) {
	if p, ok := text(v["sae_password"]); ok && e&wifi.SavedSAE != 0 && v["psk"] == "" {
		return p, ""
	}
	switch psk := v["psk"]; {
	case psk == "":
		return "", "wpa_supplicant has no password for it"
	case strings.HasPrefix(psk, "ext:"):
		return "", "its password is kept elsewhere (ext:)"
	case strings.HasPrefix(psk, `"`):
		p := strings.TrimPrefix(psk[:strings.LastIndexByte(psk, '"')], `"`)
		if p == "" {
			return "", "its password is empty"
		}
		return p, ""
	case len(psk) == 64:
		return psk, ""
	}
	return "", "its password is neither in quotes nor a key of 64 digits"
}

// text is a value as wpa_config_parse_string reads it; ok is false when it is
// none.
func text(v string) (string, bool) {
	switch {
	case strings.HasPrefix(v, `P"`):
		in, ok := strings.CutSuffix(v[2:], `"`)
		return printf(in), ok
	case strings.HasPrefix(v, `"`):
		return strings.CutSuffix(v[1:], `"`)
	}
	b, err := hex.DecodeString(v)
	return string(b), err == nil && v != ""
}

// printf undoes the escapes of printf_decode, in which a backslash before
// anything else is dropped.
func printf(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			break
		}
		length, base := 0, byte(8)
		switch at := strings.IndexByte(`\"nrte`, s[i]); {
		case at >= 0:
			b.WriteByte("\\\"\n\r\t\x1b"[at])
			continue
		case s[i] == 'x':
			i, base = i+1, 16
			length = run(s[i:], 2, "0123456789abcdefABCDEF")
		default:
			length = run(s[i:], 3, "01234567")
			if length == 0 {
				b.WriteByte(s[i])
				continue
			}
		}
		if length > 0 {
			b.WriteByte(digits(s[i:i+length], base))
		}
		i += length - 1
	}
	return b.String()
}

// run is how many bytes of those set the text begins with, at most so many.
func run(s string, most int, set string) (n int) {
	for n < min(most, len(s)) && strings.IndexByte(set, s[n]) >= 0 {
		n++
	}
	return n
}

func digits(s string, base byte) (value byte) {
	for _, c := range []byte(strings.ToLower(s)) {
		value = value*base + byte(strings.IndexByte("0123456789abcdef", c))
	}
	return value
}
