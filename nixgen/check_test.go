package nixgen

import (
	"strings"
	"testing"

	"piwiz/nixgen/wifi"
)

func TestNamesWithAMeaningAreRefused(t *testing.T) {
	for _, name := range []string{"localhost", "LOCALHOST", "localdomain", "local", "ip6-localhost", "broadcasthost", "wpad", "isatap", "invalid"} {
		if _, complaint := CheckName(name); !strings.HasPrefix(complaint, "Choose another") {
			t.Errorf("%s: %q", name, complaint)
		}
	}
	for computer, mine := range map[string]bool{"laptop": true, "Laptop.fritz.box": true, " laptop\n": true, "": false, "lap": false, "laptop-2": false} {
		if _, complaint := CheckNewName("laptop", computer); (complaint != "") != mine {
			t.Errorf("on %q: %q", computer, complaint)
		}
	}
	if _, complaint := CheckNewName("", ""); complaint != "Give it a name, for example bach." {
		t.Error(complaint)
	}
}

func TestUsersOfTheSystemAreRefused(t *testing.T) {
	for name := range strings.FieldsSeq("root nobody messagebus sshd avahi polkituser nscd wpa_supplicant dhcpcd systemd-network systemd-oom systemd-x nixbld nixbld7 wheel audio video git nginx postgres users nogroup") {
		if _, complaint := CheckUser(name); !strings.Contains(complaint, "NixOS") {
			t.Errorf("%s: %q", name, complaint)
		}
	}
	for name := range strings.FieldsSeq("pi alice nix roots _x a-b audio2 max") {
		if _, complaint := CheckUser(name); complaint != "" {
			t.Errorf("%s: %q", name, complaint)
		}
	}
}

// A host that was saved with it goes on; a new one is not let in.
func TestWhatOnlyCostsIsMild(t *testing.T) {
	for _, c := range []struct {
		field string
		set   func(*Host)
		mild  bool
	}{
		{"time_zone", func(h *Host) { h.TimeZone = "Mars/Olympus" }, true},
		{"time_zone", func(h *Host) { h.TimeZone = "../etc" }, false},
		{"country", func(h *Host) { h.Country = "UK" }, true},
		{"country", func(h *Host) { h.Country = "de" }, false},
		{"user", func(h *Host) { h.User = "git" }, true},
		{"user", func(h *Host) { h.User = "sshd" }, false},
		{"locale", func(h *Host) { h.Locale = "de_DE" }, false},
		{"keymap", func(h *Host) { h.Keymap = "gb" }, false},
	} {
		h := host(t)
		c.set(&h)
		p := h.Problems()
		if len(p) != 1 || p[0].Field != c.field || p[0].Mild != c.mild {
			t.Errorf("%s: %+v", c.field, p)
		}
		if _, err := Files(h); (err == nil) != c.mild {
			t.Errorf("%s: %v", c.field, err)
		}
	}
}

func TestAnOldZoneIsWrittenAsTheOneOfToday(t *testing.T) {
	h := host(t)
	h.TimeZone = "US/Eastern"
	files, err := Files(h)
	if err != nil || !strings.Contains(files[1].Text, `time.timeZone = "America/New_York";`) {
		t.Errorf("%v\n%s", err, files[1].Text)
	}
}

// Every combination of what decides whether the Pi can be reached: one that
// cannot work, or is likely not to, is a problem or a doubt, and a good one is
// neither. The oracle is written down here by hand.
func TestNoCombinationThatCannotWorkGoesWithoutAYes(t *testing.T) {
	sets := map[string][]Network{
		"none":  nil,
		"wpa2":  {{SSID: "a", Security: wifi.WPA2}},
		"open":  {{SSID: "a", Security: wifi.Open}},
		"wpa3":  {{SSID: "a", Security: wifi.WPA3}},
		"both":  {{SSID: "a", Security: wifi.WPA2}, {SSID: "b", Security: wifi.WPA3}},
		"twice": {{SSID: "a", Security: wifi.WPA2}, {SSID: "a", Security: wifi.WPA3}},
		"other": {{SSID: "a", Security: "wep"}},
	}
	tried := 0
	for _, board := range []Board{Zero2W, Pi3, Pi4, "5", "old", ""} {
		for set, networks := range sets {
			for _, country := range []string{"DE", ""} {
				for _, release := range []string{"", Release, "26.11", "23.05"} {
					for _, keys := range [][]string{host(t).Keys, nil} {
						tried++
						h := host(t)
						h.Board, h.Networks, h.Country, h.Release, h.Keys = board, networks, country, release, keys
						var doubts []string
						for _, d := range h.Doubts() {
							doubts = append(doubts, d.Key)
						}
						want := map[string]bool{}
						weak := board == Zero2W || board == Pi3
						if set == "none" && weak {
							want["no-network="+string(board)] = true
						}
						if set != "none" && country == "" {
							want["no-country"] = true
						}
						if weak && (set == "wpa3" || set == "twice") {
							want["wpa3-only=a"] = true
						}
						if weak && set == "both" {
							want["wpa3-only=b"] = true
						}
						if release == "26.11" {
							want["release="+release] = true
						}
						if len(doubts) != len(want) {
							t.Errorf("%s %s %q %q: doubts %v, want %v", board, set, country, release, doubts, want)
						}
						for _, d := range doubts {
							if !want[d] {
								t.Errorf("%s %s %q %q: doubts %v, want %v", board, set, country, release, doubts, want)
							}
						}
						bad := board != Zero2W && board != Pi3 && board != Pi4 || set == "twice" || set == "other" || release == "23.05" || keys == nil
						if _, err := Files(h); (err != nil) != bad {
							t.Errorf("%s %s %q %q: %v", board, set, country, release, err)
						}
						yes := h.Confirm(doubts...)
						for _, p := range yes.Problems() {
							if strings.HasPrefix(p.Field, "confirmed") {
								t.Errorf("a yes to %v is a problem: %v", doubts, p)
							}
						}
						if d := yes.Doubts(); len(d) != 0 {
							t.Errorf("still doubted: %v", d)
						}
						// A yes is for these answers only.
						yes.Board, yes.Networks = Pi4, []Network{{SSID: "z", Security: wifi.WPA2}}
						yes = yes.Confirm()
						yes.Board, yes.Networks = board, networks
						for _, d := range doubts {
							if strings.HasPrefix(d, "no-network") || strings.HasPrefix(d, "wpa3") {
								if len(yes.Doubts()) == 0 {
									t.Errorf("the yes to %s outlived its answers", d)
								}
							}
						}
					}
				}
			}
		}
	}
	if tried < 600 {
		t.Errorf("%d combinations", tried)
	}
}

// What is wrong with one answer is told whatever the others are.
func TestNoAnswerMakesAnotherRight(t *testing.T) {
	tried := 0
	for _, name := range []string{"bach", "localhost"} {
		for _, board := range []Board{Zero2W, "400", "5"} {
			for _, zone := range []string{"", "Europe/Berlin", "Mars/Olympus"} {
				for _, locale := range []string{"", "de_DE.UTF-8", "de_DE"} {
					for _, country := range []string{"", "UK"} {
						for _, keys := range [][]string{host(t).Keys, nil} {
							tried++
							h := host(t)
							h.Name, h.Board, h.TimeZone, h.Locale, h.Country, h.Keys = name, board, zone, locale, country, keys
							want := map[string]bool{"name": name != "bach", "board": board == "400" || board == "5", "time_zone": zone == "Mars/Olympus", "locale": locale == "de_DE", "country": country == "UK", "keys": keys == nil}
							got := map[string]bool{}
							for _, p := range h.Problems() {
								got[p.Field] = true
							}
							for field, bad := range want {
								if got[field] != bad {
									t.Errorf("%s %s %s %s %s: %s is told: %v", name, board, zone, locale, country, field, got[field])
								}
							}
							if want["name"] || want["board"] || want["locale"] || want["keys"] {
								if h.Check() == nil {
									t.Errorf("%s %s %s %s %s is built", name, board, zone, locale, country)
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d combinations", tried)
}

func TestALocaleThatIsNotInTheCacheIsTold(t *testing.T) {
	h := host(t)
	h.Networks = nil
	for locale, told := range map[string]bool{"de_DE.UTF-8": true, "en_US.UTF-8": false, "C.UTF-8": false, "": false} {
		h.Locale = locale
		if got := h.Notes(); (len(got) == 1 && strings.Contains(got[0], "minutes")) != told || len(got) > 1 {
			t.Errorf("%q: %v", locale, got)
		}
	}
}
