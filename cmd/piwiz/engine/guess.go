package engine

import (
	"cmp"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"

	"piwiz/nixgen"
	"piwiz/nixgen/region"
)

// Guess is what this computer tells about its user: name, time zone, locale,
// keyboard and country. What it does not tell gets a default that works.
func Guess() nixgen.Host {
	h := nixgen.Host{User: "pi", TimeZone: "UTC", Locale: "en_US.UTF-8", Keymap: "us"}
	if u, err := user.Current(); err == nil && u.Username != "root" {
		if name, complaint := nixgen.CheckUser(u.Username); complaint == "" {
			h.User = name
		}
	}
	if target, err := filepath.EvalSymlinks("/etc/localtime"); err == nil {
		if _, zone, ok := strings.Cut(target, "/zoneinfo/"); ok {
			zone = strings.TrimPrefix(zone, "posix/")
			if name, complaint := region.Zone(zone); complaint == "" {
				// Many who live elsewhere have their computer speak American, so
				// it says more than the locale.
				h.TimeZone, h.Country = name, region.CountryOf(name)
			}
		}
	}
	for _, v := range []string{"LC_ALL", "LC_TIME", "LANG"} {
		if m := localeForm.FindStringSubmatch(os.Getenv(v)); m != nil {
			locale, country := localeOf(m[1], m[2])
			h.Locale, h.Country = cmp.Or(locale, h.Locale), cmp.Or(h.Country, country)
			break
		}
	}
	h.Keymap = cmp.Or(keymapOf(vconsole("/etc/vconsole.conf")), h.Keymap)
	return h
}

var localeForm = regexp.MustCompile(`^([a-z]{2,3})_([A-Z]{2})(?:\.|$)`)

// localeOf is the locale of a language in a country, and the country: "" where
// there is none of them. Some computers have a locale that glibc has not, such
// as en_DE.
func localeOf(language, country string) (locale, code string) {
	for _, name := range []string{language + "_" + country + ".UTF-8", language + "_" + country} {
		if _, complaint := region.Locale(name); complaint == "" {
			locale = name
			break
		}
	}
	if _, complaint := region.Country(country); complaint == "" {
		code = country
	}
	return locale, code
}

// keymapOf is the keyboard that is meant: some systems write the name it has in
// X11. "" where there is none.
func keymapOf(name string) string {
	if _, complaint := region.Keymap(name); complaint == "" {
		return name
	}
	return region.OfConsole(name)
}

// vconsole reads KEYMAP from vconsole.conf(5).
func vconsole(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "KEYMAP="); ok {
			return strings.Trim(v, `"'`)
		}
	}
	return ""
}

// Computer is the name of this computer, "" when it has none.
func Computer() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
