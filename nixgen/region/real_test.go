package region

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// others is a folder with the lists as others have them (.ci/rig/fetch-names).
func others(t *testing.T) string {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs the lists of Debian: set PIWIZ_REAL=1 and see .ci/run")
	}
	dir := filepath.Join(os.Getenv("PIWIZ_RIG"), "names")
	if _, err := os.Stat(dir); err != nil {
		t.Fatal("PIWIZ_RIG must name the folder made by .ci/rig/prepare: ", err)
	}
	return dir
}

func content(t *testing.T, elem ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same compares what others have with what a list has. The releases may differ
// by a few names.
func same(t *testing.T, theirs map[string]bool, ours []string, few int) {
	t.Helper()
	var more, fewer []string
	for _, o := range ours {
		if !theirs[o] {
			more = append(more, o)
		}
		delete(theirs, o)
	}
	for name := range theirs {
		fewer = append(fewer, name)
	}
	t.Logf("%d names, others have not %v, ours has not %v", len(ours), more, fewer)
	if len(ours) < 200 || len(more) > few || len(fewer) > few {
		t.Errorf("more than %d differ", few)
	}
}

func TestCountriesAreThoseOfISO3166(t *testing.T) {
	var list map[string][]struct {
		Two string `json:"alpha_2"`
	}
	if err := json.Unmarshal(content(t, others(t), "iso_3166-1.json"), &list); err != nil {
		t.Fatal(err)
	}
	theirs := map[string]bool{}
	for _, c := range list["3166-1"] {
		theirs[c.Two] = true
	}
	same(t, theirs, countries().all, 0)
}

// The rules behind the names judge the old ones: from 1970 on an old name and
// the one of today must tell the same time.
func TestZonesAreThoseOfTheTZDatabase(t *testing.T) {
	dir := others(t)
	theirs := map[string]bool{}
	target := map[string]string{}
	for line := range strings.Lines(string(content(t, dir, "zoneinfo/tzdata.zi"))) {
		switch f := strings.Fields(line); {
		case len(f) > 1 && f[0] == "Z" && f[1] != "Factory":
			theirs[f[1]] = true
		case len(f) > 2 && f[0] == "L":
			theirs[f[2]], target[f[2]] = true, f[1]
		}
	}
	follow := func(name string) string {
		for target[name] != "" {
			name = target[name]
		}
		return name
	}
	same(t, theirs, zones().all, 2)
	old := 0
	for _, z := range zones().all {
		today, complaint := Zone(z)
		if complaint != "" {
			t.Errorf("%s: %s", z, complaint)
		}
		if today == z {
			continue
		}
		old++
		if a, b := content(t, dir, "zoneinfo", follow(z)), content(t, dir, "zoneinfo", follow(today)); !bytes.Equal(a, b) {
			t.Errorf("%s and %s tell different times", z, today)
		}
	}
	if old < 80 {
		t.Errorf("only %d old names", old)
	}
}

func TestLocalesAreThoseOfGlibc(t *testing.T) {
	theirs := map[string]bool{}
	for line := range strings.Lines(string(content(t, others(t), "SUPPORTED"))) {
		if f := strings.Fields(line); len(f) == 2 && f[1] == "UTF-8" {
			theirs[f[0]] = true
		}
	}
	same(t, theirs, locales().all, 3)
}

func TestKeymapsAreThoseOfKbd(t *testing.T) {
	dir := filepath.Join(others(t), "keymaps")
	theirs := map[string]bool{}
	for _, under := range []string{"i386", "mac/all"} {
		err := filepath.WalkDir(filepath.Join(dir, under), func(path string, d os.DirEntry, err error) error {
			if name, ok := strings.CutSuffix(filepath.Base(path), ".map"); ok && err == nil {
				theirs[name] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, few := range []string{"applkey", "backspace", "ctrl", "keypad", "euro", "euro1", "euro2", "unicode", "windowkeys"} {
		delete(theirs, few)
	}
	for name := range theirs {
		if strings.HasPrefix(name, "ttwin_") {
			delete(theirs, name)
		}
	}
	// What nixpkgs renames (pkgs/by-name/kb/kbd/package.nix).
	delete(theirs, "en-latin9")
	for _, name := range []string{"cz-qwertz", "es-olpc", "pt-olpc", "trf-fgGIod", "colemak"} {
		theirs[name] = true
	}
	same(t, theirs, keymaps().all, 3)
}
