package main

import (
	"cmp"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"

	"piwiz/nixgen"
)

// guess is what this computer tells about its user: name, time zone, locale,
// keyboard and country. What it does not tell gets a default that works.
func guess() nixgen.Host {
	h := nixgen.Host{User: "pi", TimeZone: "UTC", Locale: "en_US.UTF-8", Keymap: "us"}
	if u, err := user.Current(); err == nil && u.Username != "root" {
		if name, complaint := nixgen.CheckUser(u.Username); complaint == "" {
			h.User = name
		}
	}
	if target, err := filepath.EvalSymlinks("/etc/localtime"); err == nil {
		if dir, zone, ok := strings.Cut(target, "/zoneinfo/"); ok {
			h.TimeZone = strings.TrimPrefix(zone, "posix/")
			h.Country = countryOf(h.TimeZone, dir+"/zoneinfo/zone.tab")
		}
	}
	for _, v := range []string{"LC_ALL", "LC_TIME", "LANG"} {
		if m := localeForm.FindStringSubmatch(os.Getenv(v)); m != nil {
			h.Locale, h.Country = m[1]+"_"+m[2]+".UTF-8", cmp.Or(h.Country, m[2])
			break
		}
	}
	if k := vconsole("/etc/vconsole.conf"); k != "" {
		h.Keymap = k
	}
	return h
}

var localeForm = regexp.MustCompile(`^([a-z]{2,3})_([A-Z]{2})(?:\.|$)`)

// countryOf is where a time zone is, "" when that is not known. Many who live
// elsewhere have their computer speak American, so it says more than the locale.
// Source: tzfile(5) and zone.tab itself: country, place and zone between tabs.
func countryOf(zone, zoneTab string) string {
	b, err := os.ReadFile(zoneTab)
	if err != nil {
		return ""
	}
	return parseZones(zone, string(b))
}

func parseZones(zone, zoneTab string) string {
	for line := range strings.Lines(zoneTab) {
		if f := strings.Fields(line); len(f) >= 3 && f[2] == zone && len(f[0]) == 2 {
			return f[0]
		}
	}
	return ""
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
