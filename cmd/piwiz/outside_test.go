package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// poison is what a text from outside can hold that acts on a terminal.
const poison = "\x1b]0;T\x07\x1b[2J\x1b[8m\u009b31m\u202e\u200b\n\r\xff"

// What goes to the terminal goes through tell, say, and the questions of prompt,
// which clean it.
func TestNobodyPrintsPastTheOneThatCleans(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	past := regexp.MustCompile(`(?m)^.*(?:fmt\.Print|Fprint\w*\(os\.Std(?:out|err)|os\.Std(?:out|err)\.Write).*$`)
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range past.FindAllString(string(text), -1) {
			if !strings.HasPrefix(line, "func tell(") {
				t.Errorf("%s: %s", f, line)
			}
		}
	}
}

func TestNoVerbPrintsWhatActsOnTheTerminal(t *testing.T) {
	u := newPerson(t)
	quoted := `"x\u001b]0;T\u0007\u001b[2J\u009b31m\u202e\u200b"`
	u.file("data/piwiz/hosts/bro"+poison+"ken/host.toml", "name = "+quoted)
	u.file("data/piwiz/hosts/old/host.toml", strings.ReplaceAll(goodAnswers, "bach", "old"))
	bad := u.file("b"+poison+".toml", "name = "+quoted+"\nboard = "+quoted+"\nuser = "+quoted+"\nkeys = ["+quoted+"]\ncountry = "+quoted+"\n[[networks]]\nssid = "+quoted+"\nsecurity = "+quoted+"\n")
	unknown := u.file("unknown.toml", goodAnswers+quoted+" = 1\n")
	wifi := u.file("wifi.toml", goodAnswers+"[[networks]]\nssid = "+quoted+"\nsecurity = \"wpa2\"\n")
	comment := u.file("comment.toml", strings.ReplaceAll(goodAnswers, "me@laptop", `me\u001b]0;T\u0007\u202e`))
	for _, args := range [][]string{
		{"no" + poison},
		{"flash", "--no" + poison},
		{"flash", "old", "/dev/" + poison},
		{"flash", "old", "/dev/x", "--image", "i" + poison},
		{"build", "no" + poison},
		{"wait", "no" + poison},
		{"render", "no" + poison + ".toml"},
		{"render", bad},
		{"render", unknown},
		{"render", wifi},
		{"render", comment},
		{"build", bad},
		{"build", wifi},
		{"build", "old", "--builder", "ssh://" + poison},
		{"check", "--builder", poison},
		{"hosts"},
		{"check"},
		{"check", "--builder", "own", "--own-nix-dir", "/proc/" + poison, "--cache", "file:///" + poison},
		{"own-nix", "status", "--own-nix-dir", "/proc/" + poison},
		{"own-nix", "remove", "--own-nix-dir", "/proc/" + poison},
		{"build", "old", "--nixpkgs", poison},
	} {
		for _, args := range [][]string{args, append([]string{"--json"}, args...)} {
			out, stderr, _ := u.piwiz(args...)
			if i := strings.IndexFunc(out+stderr, func(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) }); i >= 0 || !utf8.ValidString(out+stderr) {
				t.Errorf("piwiz %q printed %q", args, out+stderr)
			}
			for l := range strings.Lines(out) {
				if args[0] == "--json" && !json.Valid([]byte(l)) {
					t.Errorf("piwiz %q printed %q", args, l)
				}
			}
		}
	}
}
