package builder

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRealMistakesNameTheLine(t *testing.T) {
	if !inRig(t) {
		return
	}
	for _, c := range []struct{ known, more, headline string }{
		{"no-option", "  services.avahi.enabel = true;", "The option services.avahi.enabel does not exist."},
		{"wrong-type", "  time.timeZone = 5;", "The option time.timeZone has a value of the wrong type: it expects null or string without spaces."},
		{"conflict", "  networking.hostName = \"liszt\";", "The option networking.hostName is set twice, to different values."},
		{"syntax", "  time.timeZone = ;", "Syntax error: a character is missing, or there is one too many."},
		{"undefined-variable", "  time.timeZone = berlin;", "The name berlin is not known."},
		{"missing-attribute", "  time.timeZone = pkgs.zones.berlin;", "There is nothing called zones."},
		{"duplicate-attribute", "  time.timeZone = \"a\"; time.timeZone = \"b\";", "time.timeZone is set twice in one file."},
		{"recursion", "  time.timeZone = let x = x; in x;", "The configuration depends on its own value."},
		{"recursion", "  time.timeZone = let f = x: 1 + f (x + 1); in f 1;", "The configuration depends on its own value."},
		{"no-function", "  time.timeZone = \"a\" \"b\";", "Something is used like a function, but is not one."},
		{"arguments", "  time.timeZone = ({ zone }: zone) { };", "A function is called with the wrong arguments: zone."},
		{"wrong-value", "  time.timeZone = \"a\" + 5;", "A value has the wrong type."},
		{"file-missing", "  time.timeZone = builtins.readFile ./zone;", "A file that the configuration names is not there: zone."},
		{"search-path", "  time.timeZone = (import <nixpkgs> { }).zone;", "configuration.nix asks for <nixpkgs>, which a flake does not have."},
		{"absolute-path", "  time.timeZone = builtins.readFile \"/etc/timezone\";", "configuration.nix uses a file outside of its folder: /etc"},
		{"unpinned-download", "  time.timeZone = builtins.fetchTarball \"https://example.invalid/x\";", "A download in the configuration (fetchTarball) has no hash."},
		{"unpinned-download", "  time.timeZone = (builtins.fetchGit \"https://example.invalid/x\").rev;", "A download in the configuration (fetchGit) has no hash."},
		{"feature-off", "  time.timeZone = \"a\" |> builtins.toString;", "The configuration uses a feature of Nix that is switched off: pipe-operators."},
		{"", "  time.timeZone = throw \"not yet\";", "Nix cannot work with configuration.nix."},
		{"", "  time.timeZone = assert 1 == 2; \"a\";", "Nix cannot work with configuration.nix."},
	} {
		t.Run(c.known+c.more, func(t *testing.T) {
			r := host(t, c.more)
			_, err := Image(t.Context(), r, nil)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}
			if e.Known != c.known || !strings.HasPrefix(e.Headline, c.headline) || e.Page != "preview" || !strings.Contains(e.Why, r.Flake+"/configuration.nix:3") {
				t.Errorf("known %q, page %q\nheadline %q\nwhy %q\nhints %q", e.Known, e.Page, e.Headline, e.Why, e.Hints())
			}
		})
	}
}

func TestRealMistakesOfPiwizAreSaidToBeOurs(t *testing.T) {
	if !inRig(t) {
		return
	}
	const ours = "a mistake of piwiz, not yours"
	for _, c := range []struct{ old, new, says string }{
		// An option that the nixpkgs of the rig lacks can be one of another release.
		{"system.stateVersion", "system.stateVersoin", "for the NixOS that it pins, not for the one of --nixpkgs"},
		{`"aarch64-linux";`, `"aarch64-linux"`, ours},
		{"lib.mkForce false", "libb.mkForce false", ours},
	} {
		t.Run(c.new, func(t *testing.T) {
			r := host(t, "")
			file := filepath.Join(r.Flake, "piwiz.nix")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, bytes.Replace(text, []byte(c.old), []byte(c.new), 1), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = Image(t.Context(), r, nil)
			var e *Error
			if !errors.As(err, &e) || e.Page != "" || !strings.Contains(e.Why, file+":") || !strings.Contains(e.Why, c.says) {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestRealSettingsOfNixThatPreventABuild(t *testing.T) {
	if !inRig(t) {
		return
	}
	for _, c := range []struct{ known, config, more string }{ // 2.34 does not say which time was up
		{"no-jobs", "max-jobs = 0", ""},
		{"timeout", "timeout = 1", `  fixture.fail = "hang";`},
		{"timeout silent", "max-silent-time = 1", `  fixture.fail = "hang";`},
		{"disk-full", "", `  fixture.fail = "space";`},
		{"", "", `  fixture.fail = "nothing";`},
		{"no-build-users", "build-users-group = piwiz-none", ""},
	} {
		t.Run(c.known, func(t *testing.T) {
			t.Setenv("NIX_CONFIG", os.Getenv("NIX_CONFIG")+"\n"+c.config)
			_, err := Image(t.Context(), fresh(t, c.more), nil)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(c.known, e.Known) || c.known != "" && e.Known == "" || len(e.Hints()) == 0 {
				t.Errorf("%+v", e)
			}
		})
	}
}
