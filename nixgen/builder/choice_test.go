package builder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/builder/container"
	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/builder/ownnix"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
	"piwiz/nixgen/osrelease"
)

// distrustful is a Nix whose service does not build for the Pi for this user.
const distrustful = `case "$*" in
*--version*) echo "nix (Nix) 2.26.3" ;;
*"store info"*) echo '{"url":"daemon","trusted":false}' ;;
*"config show"*) echo '{"system":{"value":"x86_64-linux"},"extra-platforms":{"value":[]}}' ;;
*) exit 1 ;;
esac`

// TestTheFirstThatWorksIsTaken is the order of the choice, and what is told of it. A
// usable Nix of this computer needs a real one: see TestEveryBuilderEndsInTheSameImage.
func TestTheFirstThatWorksIsTaken(t *testing.T) {
	works := ownnix.Nix{Dir: filepath.Join(t.TempDir(), "nix")}
	if err := works.Allowed(t.Context()); err != nil {
		t.Logf("this computer does not let piwiz's own Nix run, so it is tested only how that is refused: %v", err)
		works.Dir = ""
	}
	refused := ownnix.Nix{Dir: "/dev/null/nix"}
	podman := map[string]string{"podman": "exit 0"}
	for _, c := range []struct {
		name     string
		programs map[string]string
		own      ownnix.Nix
		takes    string // own, podman, or nothing
		why      []string
	}{
		{"nothing but piwiz", nil, works, "own", []string{"Nix is not installed on this computer"}},
		{"piwiz before a container", podman, works, "own", []string{"Nix is not installed on this computer"}},
		{"a Nix that needs the administrator", map[string]string{"nix": distrustful, "podman": "exit 0"}, works, "own", nil},
		{"own Nix refused, a container", podman, refused, "podman", []string{"Nix is not installed on this computer, and piwiz's own Nix cannot run here, but a container can do it"}},
		{"own Nix refused, an engine that does not answer", map[string]string{"podman": "exit 1"}, refused, "", []string{"Nix is not installed on this computer, and piwiz's own copy of it cannot run here.", "/dev/null"}},
		{"nothing at all", nil, refused, "", []string{"piwiz's own copy of it cannot run here."}},
		{"own Nix not offered, a container", podman, ownnix.Nix{}, "podman", []string{"Nix is not installed on this computer, but a container can do it"}},
		{"own Nix not offered, nothing", nil, ownnix.Nix{}, "", []string{"Nix is not installed on this computer."}},
		{"a Nix that needs the administrator, and nothing else", map[string]string{"nix": distrustful}, refused, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.takes == "own" && works.Dir == "" {
				t.Skip("needs a kernel that lets piwiz's own Nix run")
			}
			dir := t.TempDir()
			for name, text := range c.programs {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", dir)
			got, err := Choose(t.Context(), Wish{Own: c.own})
			takes, said := "", ""
			switch b := got.Builder.(type) {
			case *ownnix.Builder:
				takes, said = "own", b.String()
			case container.Builder:
				takes, said = b.Engine.Name, b.String()
			}
			if takes == "" && err != nil {
				said = err.Error()
				told, ok := errors.AsType[fault.Told](err)
				if !ok || len(told.Hints()) == 0 {
					t.Errorf("no hint of what to do: %v", err)
				}
			}
			if takes != c.takes || (err == nil) != (takes != "") || got.NotHere == nil {
				t.Fatalf("takes %q: %v, not here: %v", takes, err, got.NotHere)
			}
			if _, hasNix := c.programs["nix"]; hasNix == errors.Is(got.NotHere, nix.ErrNotFound) {
				t.Errorf("not here: %v", got.NotHere)
			}
			if tried := c.own.Dir == refused.Dir; tried != (got.NotOwn != nil) {
				t.Errorf("not its own: %v", got.NotOwn)
			}
			for _, w := range c.why {
				if !strings.Contains(said, w) {
					t.Errorf("%q is not in %q", w, said)
				}
			}
		})
	}
}

func TestOnNixOSThereIsNoOwnNix(t *testing.T) {
	n := ownnix.Nix{Dir: "/home/alice/.local/share/piwiz/nix"}
	for _, c := range []struct {
		system osrelease.System
		want   bool
	}{{osrelease.System{IDs: []string{"nixos"}}, false}, {osrelease.System{IDs: []string{"debian"}, Version: 13}, true}, {osrelease.System{}, true}} {
		if got := offered(n, c.system); got != c.want {
			t.Errorf("%v: %v", c.system, got)
		}
	}
}

// instead is a builder that starts Nix here, which makes a link if there is none.
type instead struct {
	another
	fails error
}

func (instead) Here() bool { return true }

func (i instead) Build(ctx context.Context, o order.Order, w *follow.Watch) error {
	if i.fails != nil {
		return i.fails
	}
	return i.another.Build(ctx, o, w)
}

// Whoever built with piwiz's own Nix may install a Nix later, or go back.
func TestTheImageOfOwnNixGivesWayToOneOfThisComputer(t *testing.T) {
	dir := flake(t)
	own := filepath.Join(t.TempDir(), "nix/store/s0lxml7c979j1rb404g40yqzi9vas0wh-image")
	if err := errors.Join(os.MkdirAll(filepath.Join(own, "nix-support"), 0o700), os.WriteFile(filepath.Join(own, "x.img"), []byte("of own"), 0o600),
		os.WriteFile(filepath.Join(own, "nix-support/hydra-build-products"), []byte("file sd-image /nix/store/s0lxml7c979j1rb404g40yqzi9vas0wh-image/x.img\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	r := Request{Flake: dir, Host: "bach", OutLink: filepath.Join(dir, "result")}
	if err := os.Symlink(own, r.OutLink); err != nil {
		t.Fatal(err)
	}
	if got, err := Built(r.OutLink); err != nil || got != filepath.Join(own, "x.img") {
		t.Fatalf("%s, %v", got, err)
	}
	var orders []order.Order
	r.Builder = instead{another{orders: &orders}, errors.New("exit status 1")}
	if _, err := Image(t.Context(), r, nil); err == nil {
		t.Fatal("it built")
	}
	if got, err := Built(r.OutLink); err != nil || got != filepath.Join(own, "x.img") {
		t.Errorf("after a build that failed: %s, %v", got, err)
	}
	r.Builder = instead{another{orders: &orders}, nil}
	if made, err := Image(t.Context(), r, nil); err != nil || made.Size != 5 {
		t.Errorf("%+v, %v", made, err)
	}
}
