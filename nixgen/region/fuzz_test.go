package region

import (
	"strings"
	"testing"
)

// Whatever is written: a name that is taken is one that is taken again as it is,
// and what is not is never repeated.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"UK", "us/eastern", "Germany", "de_DE.utf8", "gb", "a/b/", "_", "ÄÖ", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, rule := range []func(string) (string, string){Country, Zone, Locale, Keymap} {
			name, complaint := rule(s)
			if again, text := rule(name); complaint == "" && (text != "" || again != name) {
				t.Fatalf("%q is %q, and that %q: %s", s, name, again, text)
			}
			if len(s) > 20 && strings.Contains(complaint, s) {
				t.Fatalf("%q: %s", s, complaint)
			}
		}
	})
}
