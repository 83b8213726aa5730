package networkmanager

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"piwiz/nixgen/wifi"
	"piwiz/nixgen/wifi/files"
)

// Parse makes a network of one key file, as GLib and NetworkManager read it.
// user is who asks: a profile that belongs to others is not for him; "" is
// everybody. ok is false for what is no Wi-Fi network of his to join.
//
// What is easily read otherwise: # is a comment only at the start of a line;
// groups of one name are joined and the last of equal keys counts; blanks at
// the end of a value belong to it and quotes too; a backslash before anything
// but s, n, t, r and itself makes it no value at all.
func Parse(data []byte, user string) (n wifi.Network, ok bool, err error) {
	p, ok, err := parse(data)
	if !ok || err != nil {
		return wifi.Network{File: p.id}, ok, err
	}
	if !p.mayUse(user) {
		return n, false, nil
	}
	n, err = p.network()
	if errors.Is(err, errNotForUs) {
		return n, false, nil
	}
	if err != nil || n.Security == wifi.Open {
		return n, true, err
	}
	if p.psk == "" {
		n.Lacks = p.lacks()
		return n, true, nil
	}
	n, err = n.With(p.psk)
	return n, true, err
}

func parse(data []byte) (p profile, wifiProfile bool, err error) {
	if len(data) > files.Max {
		return p, false, errors.New("the file is too large to be a Wi-Fi network")
	}
	k, err := groups(string(data))
	if err != nil {
		return p, false, err
	}
	con, radio, sec := k["connection"], k.either("802-11-wireless", "wifi"), k.either("802-11-wireless-security", "wifi-security")
	if t, told := con.text("type"); t != "wifi" && t != "802-11-wireless" && (told || radio == nil) {
		return p, false, nil
	}
	p.id, _ = con.text("id")
	p.uuid, _ = con.text("uuid")
	p.mode, _ = radio.text("mode")
	name := radio.name()
	if name == "" {
		return p, true, errors.New("the file names no network, so NetworkManager does not read it; correct it, or type the network in")
	}
	if p.ssid = ssid(name); len(p.ssid) > 32 {
		return p, true, errors.New("the name of the network is longer than 32 bytes, so NetworkManager does not read the file; correct it, or type the network in")
	}
	p.hidden = truth(radio["hidden"])
	p.protected = sec != nil
	p.keyMgmt, _ = sec.text("key-mgmt")
	p.keyMgmt = strings.ToLower(p.keyMgmt)
	p.psk, _ = sec.text("psk")
	p.permissions = list(con["permissions"])
	if flags, err := strconv.ParseUint(strings.TrimSpace(sec["psk-flags"]), 0, 32); err == nil && flags <= 7 {
		p.flags = uint32(flags) // anything else counts as 0, as for NetworkManager
	}
	if p.flags&(agentOwned|notSaved) != 0 {
		p.psk = ""
	}
	if t, err := strconv.ParseInt(strings.TrimSpace(con["timestamp"]), 10, 64); err == nil && t > 0 {
		p.used = time.Unix(t, 0)
	}
	return p, true, p.check()
}

// check refuses what NetworkManager refuses, so that a file it does not use
// is not taken for a network of this computer.
func (p profile) check() error {
	const then = ", so NetworkManager does not read the file; correct it, or type the network in"
	switch {
	case slices.ContainsFunc(p.permissions, func(who string) bool { return userOf(who) == "" }):
		return errors.New("the users under permissions are not written as user:NAME:" + then)
	case p.protected && !slices.Contains([]string{"none", "ieee8021x", "wpa-psk", "sae", "owe", "wpa-eap", "wpa-eap-suite-b-192"}, p.keyMgmt):
		return errors.New("it does not say how the network is protected (key-mgmt)" + then)
	case !slices.Contains([]string{"", "infrastructure", "ap", "adhoc", "mesh"}, p.mode):
		return errors.New("it is of an unknown mode" + then)
	}
	return nil
}

// userOf is the name in "user:NAME:", "" for any other text.
func userOf(who string) string {
	name, ok := strings.CutPrefix(strings.TrimSuffix(who, ":"), "user:")
	if !ok || strings.Contains(name, ":") {
		return ""
	}
	return name
}

// mayUse tells whether a user may have the profile.
func (p profile) mayUse(user string) bool {
	if user == "" || len(p.permissions) == 0 {
		return true
	}
	return slices.ContainsFunc(p.permissions, func(who string) bool { return userOf(who) == user })
}

type (
	values map[string]string
	file   map[string]values
)

// either is the group by its real name, and by its short one where there is
// no such group.
func (f file) either(name, short string) values {
	if v, ok := f[name]; ok {
		return v
	}
	return f[short]
}

var (
	groupLine = regexp.MustCompile(`^\[([^\[\]\x00-\x1f\x7f]+)\][ \t]*$`)
	keyName   = regexp.MustCompile(`^[^\[\]=]+(\[[\pL\pN_.@-]*\])?$`)
)

// blanks are those of GLib (g_ascii_isspace).
const blanks = " \t\n\f\r"

// groups splits a file. The error says which line is wrong and never shows it.
func groups(text string) (file, error) {
	all := file{}
	var now values
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		start := strings.TrimLeft(line, blanks)
		wrong := func(why string) error {
			return fmt.Errorf("line %d %s, so NetworkManager does not read the file; correct the line, or type the network in", number, why)
		}
		switch {
		case start == "" || start[0] == '#':
		case start[0] == '[':
			m := groupLine.FindStringSubmatch(start)
			if m == nil {
				return nil, wrong("is not a group")
			}
			if now = all[m[1]]; now == nil {
				now = values{}
				all[m[1]] = now
			}
		default:
			key, value, ok := strings.Cut(start, "=")
			key = strings.TrimRight(key, blanks)
			if !ok || !keyName.MatchString(key) {
				return nil, wrong("has no KEY=VALUE")
			}
			if now == nil {
				return nil, wrong("comes before the first group")
			}
			now[key] = strings.TrimLeft(value, blanks)
		}
	}
	return all, nil
}

// text is a value with its escapes resolved; ok is false when there is none.
func (v values) text(key string) (text string, ok bool) {
	text, odd := v.unescaped(key)
	if _, there := v[key]; !there || odd || !utf8.ValidString(text) {
		return "", false
	}
	return text, true
}

// name is the value of ssid, in which a backslash that is no escape is itself.
// NetworkManager 1.42 reads it so; later ones refuse the file.
func (v values) name() string {
	text, _ := v.unescaped("ssid")
	if !utf8.ValidString(text) {
		return ""
	}
	return text
}

// unescaped resolves the escapes; odd tells that there were wrong ones, which
// are kept. GLib's texts end at a NUL.
func (v values) unescaped(key string) (text string, odd bool) {
	raw, _, _ := strings.Cut(v[key], "\x00")
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			b.WriteByte(raw[i])
			continue
		}
		if i++; i == len(raw) {
			return b.String(), true
		}
		if at := strings.IndexByte(`sntr\`, raw[i]); at >= 0 {
			b.WriteByte(" \n\t\r\\"[at])
		} else {
			b.WriteString(raw[i-1 : i+1])
			odd = true
		}
	}
	return b.String(), odd
}

// list is a value of several, each with a semicolon behind it.
func list(v string) (out []string) {
	if v = strings.TrimSuffix(strings.TrimSpace(v), ";"); v == "" {
		return nil
	}
	for s := range strings.SplitSeq(v, ";") {
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

// truth is GLib's g_key_file_get_boolean: blanks behind it do not count.
func truth(v string) bool {
	v = strings.TrimRight(v, " \t")
	return v == "true" || v == "1"
}

// ssid undoes the second layer of a network name: a list of decimal bytes,
// each with a semicolon behind it, or text in which \; is a semicolon.
func ssid(s string) []byte {
	text := []byte(strings.ReplaceAll(s, `\;`, ";"))
	bytes, ok := strings.CutSuffix(strings.TrimSpace(s), ";")
	if !ok {
		return text
	}
	var out []byte
	for f := range strings.SplitSeq(bytes, ";") {
		f = strings.TrimSpace(f)
		n, err := strconv.ParseUint(f, 10, 8)
		if err != nil || len(f) > 3 {
			return text
		}
		out = append(out, byte(n))
	}
	return out
}
