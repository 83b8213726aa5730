package main

import (
	"os"
	"path/filepath"
	"testing"
)

func fileWith(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheTimeZoneTellsTheCountry(t *testing.T) {
	tab := fileWith(t, "# tzdb timezone descriptions\n#\n"+
		"DE\t+5230+01322\tEurope/Berlin\tmost of Germany\nDE\t+4742+00841\tEurope/Busingen\tBusingen\nBR\t-2332-04637\tAmerica/Sao_Paulo\tBrazil (southeast)\n")
	for zone, want := range map[string]string{
		"Europe/Berlin": "DE", "Europe/Busingen": "DE", "America/Sao_Paulo": "BR",
		"UTC": "", "Etc/UTC": "", "Europe": "", "": "", "most": "",
	} {
		if got := countryOf(zone, tab); got != want {
			t.Errorf("%q: %q, want %q", zone, got, want)
		}
	}
	if got := countryOf("Europe/Berlin", tab+".gone"); got != "" {
		t.Errorf("without a table: %q", got)
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
