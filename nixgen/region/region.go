// Package region knows which countries, time zones, locales and keyboards there
// are, so that a wrong one is found before an image is built with it. The lists
// are part of the program: it asks neither the network nor this computer, whose
// own lists may be missing, shorter or older than those of the Pi.
//
// Each function takes what somebody wrote and gives the name as the Pi needs it.
// complaint is "" when there is such a name; else it says what to write instead
// and never repeats what was written, because people write passwords where they
// do not belong.
package region

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed countries.txt
var countryList string

//go:embed zones.txt
var zoneList string

//go:embed locales.txt
var localeList string

//go:embed keymaps.txt
var keymapList string

// lines are those of a list, without its head.
func lines(list string) (out []string) {
	for l := range strings.Lines(list) {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			out = append(out, l)
		}
	}
	return out
}

// names are the words that lines of a list begin with, as they are written.
type names struct {
	all  []string
	rest map[string]string // what stands behind the word
}

func read(list string) func() names {
	return sync.OnceValue(func() names {
		n := names{rest: map[string]string{}}
		for _, l := range lines(list) {
			name, rest, _ := strings.Cut(l, " ")
			n.all = append(n.all, name)
			n.rest[name] = rest
		}
		return n
	})
}

var (
	countries = read(countryList)
	zones     = read(zoneList)
	locales   = read(localeList)
	keymaps   = read(keymapList)
)

// Codes that are no country of ISO 3166-1, though people write them.
var noCountry = map[string]string{
	"UK": "The code of the United Kingdom is GB: write GB.",
	"EU": "Each country has its own Wi-Fi rules: write the country, for example DE or FR.",
	"EL": "The code of Greece is GR: write GR.",
	"XK": "Linux has no Wi-Fi rules for XK. Leave the country out: the Pi then uses the channels that are allowed everywhere.",
	"00": "Write your own country, or leave it out: the Pi then uses the channels that are allowed everywhere.",
}

// Country is a country of ISO 3166-1, two letters in capitals.
func Country(s string) (code, complaint string) {
	code = strings.ToUpper(strings.TrimSpace(s))
	list := countries()
	if _, ok := list.rest[code]; ok {
		return code, ""
	}
	if text, ok := noCountry[code]; ok {
		return code, text
	}
	for _, c := range list.all {
		three, name, _ := strings.Cut(list.rest[c], " ")
		if code == three || strings.EqualFold(strings.TrimSpace(s), name) {
			return code, fmt.Sprintf("Write the two letters of %s: %s.", name, c)
		}
	}
	if len(code) > 3 {
		var called []string
		for _, c := range list.all {
			_, name, _ := strings.Cut(list.rest[c], " ")
			called = append(called, name)
		}
		if found := near(called, strings.TrimSpace(s)); len(found) == 1 {
			_, complaint = Country(found[0])
			return code, complaint
		}
	}
	return code, "A country has two letters, for example DE, FR or US."
}

// Zone is a time zone of the tz database. An old name is given as the one of
// today: US/Eastern is America/New_York.
func Zone(s string) (name, complaint string) {
	name = strings.TrimSpace(s)
	list := zones()
	rest, ok := list.rest[name]
	if today, old := strings.CutPrefix(rest, "= "); old {
		return today, ""
	}
	if ok {
		return name, ""
	}
	places := near(list.all, name)
	if len(places) == 0 {
		places = zonesOf(name)
	}
	return name, "There is no such time zone." + meant(places, "Use a name such as Europe/Berlin, or UTC.")
}

// zonesOf are the zones of a country by its name or code, a few of them.
func zonesOf(country string) []string {
	code, complaint := Country(country)
	if _, c, ok := strings.Cut(strings.TrimSuffix(complaint, "."), ": "); ok {
		code = c
	}
	var out []string
	for _, z := range zones().all {
		if len(code) == 2 && zones().rest[z] == code && len(out) < mostMeant {
			out = append(out, z)
		}
	}
	return out
}

// CountryOf is the country of a time zone, "" when it has none.
func CountryOf(zone string) string {
	name, _ := Zone(zone)
	if c := zones().rest[name]; len(c) == 2 {
		return c
	}
	return ""
}

// Locale is a locale of glibc whose charset is UTF-8.
func Locale(s string) (name, complaint string) {
	name = strings.TrimSpace(s)
	list := locales()
	if _, ok := list.rest[name]; ok {
		return name, ""
	}
	// de_DE, de_DE.utf8, de_DE@euro and de_DE.UTF-8 are one; am_ET has no ending.
	bare, _, _ := strings.Cut(name, ".")
	for _, try := range []string{bare, strings.Split(bare, "@")[0]} {
		for _, ending := range []string{".UTF-8", ""} {
			for _, l := range list.all {
				if strings.EqualFold(l, strings.ReplaceAll(try, "-", "_")+ending) {
					return name, "Write it as glibc does: " + l + "."
				}
			}
		}
	}
	if name == "POSIX" {
		return name, "Write C.UTF-8."
	}
	var found []string
	if strings.Contains(name, "_") {
		found = near(list.all, name)
	}
	for _, l := range list.all { // the language alone
		if len(found) == 0 && len(name) >= 2 && strings.HasPrefix(l, strings.ToLower(name)+"_"+strings.ToUpper(name)) {
			found = []string{l}
		}
	}
	return name, "There is no such locale." + meant(found, "Use a name such as en_US.UTF-8 or de_DE.UTF-8.")
}

// What X11 and Wayland call a keyboard that has another name on the console.
var console = map[string]string{
	"gb": "uk", "en": "us", "us-intl": "us-acentos", "us-altgr-intl": "us-acentos", "us-dvorak": "dvorak", "us-colemak": "colemak",
	"se": "sv-latin1", "sv": "sv-latin1", "br": "br-abnt2", "jp": "jp106", "latam": "la-latin1", "la": "la-latin1", "be": "be-latin1",
	"ch": "sg", "ch-fr": "fr_CH", "at": "de", "de-nodeadkeys": "de-latin1-nodeadkeys", "si": "slovene", "sk": "sk-qwertz",
	"hr": "croat", "tr": "trq", "tr-f": "trf", "ee": "et", "is": "is-latin1", "ca-fr": "cf", "da": "dk", "cs": "cz", "fr-bepo_latin9": "fr-bepo-latin9",
	"gr-polytonic": "gr", "el": "gr", "uk-intl": "uk", "english": "us", "german": "de", "french": "fr", "spanish": "es", "italian": "it",
	"kr": "us", "cn": "us", "in": "us", "qwerty": "us", "qwertz": "de",
}

// Keymap is a keyboard of the console.
func Keymap(s string) (name, complaint string) {
	name = strings.TrimSpace(s)
	if _, ok := keymaps().rest[name]; ok {
		return name, ""
	}
	if k := OfConsole(name); k != "" {
		return name, "On the console its name is " + k + ": write " + k + "."
	}
	return name, "There is no such keyboard on the console." + meant(near(keymaps().all, name), "Use a name such as us, uk, de or fr.")
}

// OfConsole is what the console calls a keyboard that X11 knows by another
// name, "" where there is none.
func OfConsole(x11 string) string { return console[strings.ToLower(strings.TrimSpace(x11))] }
