package nixgen

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"piwiz/nixgen/wifi"
)

// The golden file is all that anybody reads about a board: read a change of it
// as a beginner would. UPDATE=1 accepts it.
func TestWhatIsSaidAboutEachBoard(t *testing.T) {
	var b strings.Builder
	for _, i := range append(Boards(), Board("7").about()) {
		plain := Host{Board: i.Board}
		fmt.Fprintf(&b, "%s: %s\n", i.Board, i.Title)
		if i.Title != "" {
			fmt.Fprintf(&b, "  %s\n", i.Says())
		}
		if i.Refused != "" {
			continue
		}
		for _, d := range plain.doubts() {
			fmt.Fprintf(&b, "  %s: %s\n", d.Key, d.Text)
		}
		for _, a := range WifiAdvice(i.Board, []Network{{SSID: "new", Security: wifi.WPA3}}) {
			fmt.Fprintf(&b, "  ask %v: %s\n", a.Ask, a.Text)
		}
		w := &writer{}
		w.board(i)
		b.WriteString(w.String())
	}
	const golden = "testdata/boards.golden"
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || string(want) != b.String() {
		t.Errorf("%s differs (%v); run with UPDATE=1 and read the difference:\n%s", golden, err, b.String())
	}
}

// A line of the table has every fact, or says why there is none.
func TestEveryBoardHasItsFacts(t *testing.T) {
	called := map[string]Board{}
	for _, b := range Boards() {
		facts := []string{b.Note, b.Memory, b.Bands, b.Cable.With + b.Cable.Without, b.WPA3.Goes}
		for _, f := range facts {
			if (f == "") != (b.Refused != "") {
				t.Errorf("%s is refused (%q) and has the facts %q", b.Board, b.Refused, facts)
			}
		}
		for _, name := range append([]string{short(string(b.Board)), short(strings.Split(b.Title, ",")[0])}, b.Also...) {
			if name != short(name) {
				t.Errorf("%s is called %q, which nobody can write: %q is left of it", b.Board, name, short(name))
			}
			if other := called[name]; other != "" && other != b.Board {
				t.Errorf("%s and %s are both called %q", b.Board, other, name)
			}
			called[name] = b.Board
		}
	}
	for name, want := range map[string]string{
		"zero2w": "", "3": "", "4": "", "Raspberry Pi 4 Model B": "Write 4.", "Pi 400": "Write 4.", "CM3": "Write 3.", "Zero 2": "Write zero2w.",
		"Raspberry Pi 5": "Not yet", "Zero W": "32-bit", "five": "zero2w or", "": "zero2w or", "pi": "zero2w or",
	} {
		if got := checkBoard(Board(name)); (got == "") != (want == "") || !strings.Contains(strings.ReplaceAll(got, "3 or zero2w", "zero2w or"), want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestABoardsOwnNixIsInItsModule(t *testing.T) {
	w := &writer{}
	w.board(BoardInfo{Title: "Raspberry Pi 9", Nix: "boot.kernelParams = [\n  \"brcmfmac.feature_disable=0x82000\"\n];\n"})
	const want = "\n  # of the Raspberry Pi 9\n  boot.kernelParams = [\n    \"brcmfmac.feature_disable=0x82000\"\n  ];\n"
	if w.String() != want {
		t.Errorf("%q", w.String())
	}
}

func TestANewHostGetsAReleaseOfTheTable(t *testing.T) {
	if !tried(Release) || !tried(releaseBefore) {
		t.Errorf("%s or %s is not in the table", Release, releaseBefore)
	}
	for _, r := range Releases() {
		if complaint := checkRelease(r.Name); complaint != "" {
			t.Errorf("%s: %s", r.Name, complaint)
		}
		if year, month, _ := r.Ends.Date(); fmt.Sprintf("%02d.%02d", year%100, month) <= r.Name {
			t.Errorf("%s ends on %s", r.Name, r.Ends)
		}
		if r.Flake() != "github:NixOS/nixpkgs/nixos-"+r.Name || otherRelease(r.Name) != "" {
			t.Errorf("%+v: %s, doubted: %q", r, r.Flake(), otherRelease(r.Name))
		}
	}
}
