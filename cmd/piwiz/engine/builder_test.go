package engine

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"piwiz/nixgen/builder/ownnix"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/nix"
	"piwiz/nixgen/preflight"
)

// TestMain does as main does: this program is started again by piwiz's own Nix.
func TestMain(m *testing.M) {
	ownnix.Inside()
	os.Exit(m.Run())
}

// scripts is a PATH with programs that answer as told.
func scripts(t *testing.T, programs map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

// noHome leaves piwiz's own Nix without a folder, so that it is not offered.
func noHome(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_DATA_HOME", "")
}

// untrustedNix is a Nix whose service does not build for the Pi for this user.
const untrustedNix = `case "$*" in
*--version*) echo "nix (Nix) 2.26.3" ;;
*"store info"*) echo '{"url":"daemon","trusted":false}' ;;
*"config show"*) echo '{"system":{"value":"x86_64-linux"},"extra-platforms":{"value":[]}}' ;;
*) exit 1 ;;
esac`

func TestAContainerThatWorksComesBeforeAdministratorRights(t *testing.T) {
	needsSudo := preflight.Finding{State: preflight.Failure, What: "x", Command: "sudo x"}
	for _, c := range []struct {
		name     string
		programs map[string]string
		check    preflight.Check
		want     preflight.State
		boxed    bool
	}{
		{"no Nix, no engine", nil, preflight.Check{Name: "nix"}, preflight.Failure, false},
		{"no Nix", map[string]string{"podman": "exit 0"}, preflight.Check{Name: "nix"}, preflight.Warning, false},
		{"a Nix that may not", map[string]string{"nix": untrustedNix, "docker": "exit 0"}, preflight.Check{Name: "permission"}, preflight.Warning, false},
		{"a Nix that may not, and an engine that may not", map[string]string{"nix": untrustedNix, "docker": "exit 1", "podman": "exit 125"}, preflight.Check{Name: "permission"}, preflight.Failure, false},
		{"a Nix that cannot", map[string]string{"nix": strings.ReplaceAll(untrustedNix, "false", "true"), "podman": "exit 0"}, preflight.Check{Name: "test build", Last: true}, preflight.Warning, true},
	} {
		scripts(t, c.programs)
		noHome(t)
		p := With(hostfile.Store{})
		got := (&round{e: p}).orElsewhere(t.Context(), c.check, needsSudo)
		if got.State != c.want || c.want == preflight.Warning && !strings.Contains(got.Why, "a container can do it") || got.Command != "sudo x" {
			t.Errorf("%s: %+v", c.name, got)
		}
		if c.boxed && !p.failing.Load() {
			// Where programs for the Pi do not run, a container is chosen anyway.
			if b, err := p.builder(context.Background()); err != nil || b.Here() {
				t.Errorf("%s: the image is not built in a container: %v, %v", c.name, b, err)
			}
		}
	}
}

// The wizard finds what its own repair has installed, without being started anew.
func TestANixInstalledJustNowIsFound(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("PATH", "/usr/bin:/bin")
	e := With(hostfile.Store{Dir: home})
	e.Builder = "local"
	look := func() preflight.Finding {
		all := e.Checks()
		return all[slices.IndexFunc(all, func(c preflight.Check) bool { return c.Name == "nix" })].Run(t.Context())
	}
	if err := nix.Reach(); err != nil {
		t.Fatal(err)
	}
	if f := look(); f.State != preflight.Failure {
		t.Skip("this computer has a Nix")
	}
	r := &repair{command: "mkdir -p ~/.nix-profile/bin && printf '#!/bin/sh\\necho \"nix (Nix) 2.31.1\"\\n' > ~/.nix-profile/bin/nix && chmod +x ~/.nix-profile/bin/nix", out: new(strings.Builder), err: new(strings.Builder)}
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	if f := look(); f.State != preflight.OK || !strings.Contains(f.What, "2.31.1") {
		t.Errorf("%+v", f)
	}
}

func TestOnlyOnePlaceSaysHowNixIsInstalled(t *testing.T) {
	var found []string
	err := filepath.WalkDir("../../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "nixos.org/nix/install") {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) != 1 || !strings.HasSuffix(found[0], "nixgen/nix/places.go") {
		t.Errorf("%v, %v", found, err)
	}
}
