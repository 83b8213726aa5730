package region

import (
	"strings"
	"testing"
)

func TestWhatIsWrittenIsFoundOrNamedWithARemedy(t *testing.T) {
	kinds := map[string]func(string) (string, string){"country": Country, "zone": Zone, "locale": Locale, "keymap": Keymap}
	for _, c := range []struct{ kind, in, canonical, word string }{ // word "": fine
		{"country", "DE", "DE", ""},
		{"country", "de ", "DE", ""},
		{"country", "UK", "UK", "write GB"},
		{"country", "uk", "UK", "write GB"},
		{"country", "EU", "EU", "DE or FR"},
		{"country", "XK", "XK", "Leave the country out"},
		{"country", "00", "00", "leave it out"},
		{"country", "EL", "EL", "GR"},
		{"country", "DEU", "DEU", "Germany: DE"},
		{"country", "Germany", "GERMANY", "Germany: DE"},
		{"country", "Germani", "GERMANI", "Germany: DE"},
		{"country", "USA", "USA", "US."},
		{"country", "ZZ", "ZZ", "two letters"},
		{"country", "D", "D", "two letters"},
		{"country", "49", "49", "two letters"},
		{"country", "deutschland", "DEUTSCHLAND", "two letters"},
		{"country", "Ð€", "Ð€", "two letters"},
		{"zone", "Europe/Berlin", "Europe/Berlin", ""},
		{"zone", "Europe/Oslo", "Europe/Oslo", ""},
		{"zone", "UTC", "UTC", ""},
		{"zone", "Etc/UTC", "Etc/UTC", ""},
		{"zone", "US/Eastern", "America/New_York", ""},
		{"zone", "Asia/Calcutta", "Asia/Kolkata", ""},
		{"zone", "Europe/Kiev", "Europe/Kyiv", ""},
		{"zone", "GB", "Europe/London", ""},
		{"zone", "Berlin", "Berlin", "Did you mean Europe/Berlin?"},
		{"zone", "europe/berlin", "europe/berlin", "Europe/Berlin"},
		{"zone", "Europe/Belin", "Europe/Belin", "Europe/Berlin"},
		{"zone", "Europe/Munich", "Europe/Munich", "There is no such"},
		{"zone", "new york", "new york", "America/New_York"},
		{"zone", "Germany", "Germany", "Europe/Berlin"},
		{"zone", "GMT+1", "GMT+1", "There is no such"},
		{"zone", "/etc/localtime", "/etc/localtime", "There is no such"},
		{"zone", "..", "..", "such as"},
		{"zone", "CEST", "CEST", "There is no such"},
		{"zone", "UTC+2", "UTC+2", "no such"},
		{"locale", "de_DE.UTF-8", "de_DE.UTF-8", ""},
		{"locale", "C.UTF-8", "C.UTF-8", ""},
		{"locale", "am_ET", "am_ET", ""},
		{"locale", "de_DE", "de_DE", "de_DE.UTF-8"},
		{"locale", "de_DE.utf8", "de_DE.utf8", "de_DE.UTF-8"},
		{"locale", "de_DE@euro", "de_DE@euro", "de_DE.UTF-8"},
		{"locale", "de-DE", "de-DE", "de_DE.UTF-8"},
		{"locale", "am_ET.UTF-8", "am_ET.UTF-8", "am_ET."},
		{"locale", "DE_de.UTF-8", "DE_de.UTF-8", "de_DE.UTF-8"},
		{"locale", "C", "C", "C.UTF-8"},
		{"locale", "POSIX", "POSIX", "C.UTF-8"},
		{"locale", "de", "de", "de_DE.UTF-8"},
		{"locale", "german", "german", "such as"},
		{"locale", "xx_YY.UTF-8", "xx_YY.UTF-8", "There is no such"},
		{"locale", "en_DE.UTF-8", "en_DE.UTF-8", "Did you mean"},
		{"keymap", "de", "de", ""},
		{"keymap", "de-latin1-nodeadkeys", "de-latin1-nodeadkeys", ""},
		{"keymap", "colemak", "colemak", ""},
		{"keymap", "us", "us", ""},
		{"keymap", "gb", "gb", "write uk"},
		{"keymap", "us-intl", "us-intl", "write us-acentos"},
		{"keymap", "se", "se", "write sv-latin1"},
		{"keymap", "US", "US", "Did you mean us"},
		{"keymap", "de-latin", "de-latin", "de-latin1"},
		{"keymap", "German", "German", "write de"},
		{"keymap", "../us", "../us", "There is no such"},
		{"keymap", "de.map.gz", "de.map.gz", "There is no such"},
		{"keymap", "zzzzzz", "zzzzzz", "such as us"},
		{"keymap", "euro", "euro", "There is no such"},
	} {
		got, complaint := kinds[c.kind](c.in)
		if got != c.canonical || (complaint == "") != (c.word == "") || !strings.Contains(complaint, c.word) {
			t.Errorf("%s %q = %q, %q; want %q, %q", c.kind, c.in, got, complaint, c.canonical, c.word)
		}
	}
}

// What is said instead must be right itself.
func TestNamesThatAreGivenInsteadAreNames(t *testing.T) {
	for from, to := range console {
		if _, ok := keymaps().rest[to]; !ok {
			t.Errorf("%s: there is no keyboard %s", from, to)
		}
		if _, ok := keymaps().rest[from]; ok {
			t.Errorf("%s is a name of the console itself", from)
		}
	}
	for _, z := range zones().all {
		today, complaint := Zone(z)
		if again, _ := Zone(today); complaint != "" || again != today {
			t.Errorf("%s: %q, then %q", z, today, again)
		}
		if c := zones().rest[z]; len(c) == 2 {
			if _, complaint := Country(c); complaint != "" {
				t.Errorf("%s: country %s: %s", z, c, complaint)
			}
		}
	}
	for code := range noCountry {
		if _, ok := countries().rest[code]; ok {
			t.Errorf("%s is a country", code)
		}
	}
}

func TestNothingThatWasWrittenIsRepeated(t *testing.T) {
	const secret = "Hunter2-hunter2/é\x1b"
	for _, rule := range []func(string) (string, string){Country, Zone, Locale, Keymap} {
		if _, complaint := rule(secret); complaint == "" || strings.Contains(strings.ToLower(complaint), "hunter2") {
			t.Errorf("%q", complaint)
		}
	}
}

func TestTheCountryOfAZone(t *testing.T) {
	for zone, want := range map[string]string{"Europe/Berlin": "DE", "US/Eastern": "US", "Asia/Calcutta": "IN", "UTC": "", "Mars/Olympus": "", "": ""} {
		if got := CountryOf(zone); got != want {
			t.Errorf("%s: %q", zone, got)
		}
	}
}
