package engine

import (
	"os"
	"path/filepath"
	"testing"

	"piwiz/nixgen"
)

func fileWith(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Whatever this computer says, what is guessed is an answer.
func TestWhatIsGuessedIsAnAnswer(t *testing.T) {
	for in, want := range map[[2]string][2]string{
		{"de", "DE"}: {"de_DE.UTF-8", "DE"}, {"en", "DE"}: {"", "DE"}, {"am", "ET"}: {"am_ET", "ET"}, {"en", "UK"}: {"", ""}, {"xx", "ZZ"}: {"", ""},
	} {
		if locale, country := localeOf(in[0], in[1]); locale != want[0] || country != want[1] {
			t.Errorf("%v: %q %q", in, locale, country)
		}
	}
	for in, want := range map[string]string{"de-latin1": "de-latin1", "gb": "uk", "de-nodeadkeys": "de-latin1-nodeadkeys", "nonsense": "", "": ""} {
		if got := keymapOf(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	for _, lang := range []string{"de_DE.UTF-8", "en_DE.UTF-8", "C", "", "xx_YY", "de_DE@euro", "nonsense\x1b"} {
		t.Setenv("LC_ALL", lang)
		h := Guess()
		h.Name, h.Board, h.Keys = "bach", nixgen.Pi4, []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM me@laptop"}
		if p := h.Problems(); len(p) > 0 {
			t.Errorf("%q: %v", lang, p)
		}
	}
}

func TestTheKeyboardIsThatOfTheConsole(t *testing.T) {
	for text, want := range map[string]string{
		"KEYMAP=de-latin1\n": "de-latin1", "FONT=x\n KEYMAP=\"fr\"\n": "fr", "# KEYMAP=de\n": "", "": "",
	} {
		if got := vconsole(fileWith(t, text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
