package ownnix

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/builder/ownnix/folder"
	"piwiz/nixgen/fault"
)

// without is o with a nixpkgs in which something is otherwise.
func without(t *testing.T, o order.Order, old, new string) order.Order {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "nixpkgs")
	if err := copyTree(os.Getenv("PIWIZ_RIG")+"/nixpkgs", dir); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "flake.nix")
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Nixpkgs = "path:" + dir
	return o
}

func TestRealEmulatorIsOfTheImagesNixpkgsElsePinnedAndNeverCompiled(t *testing.T) {
	if !alone(t) {
		return
	}
	const static = `legacyPackages = lib.genAttrs [ "aarch64-linux" "x86_64-linux" ] (system: import ./pkgs { inherit system; });`
	const compiled = `derivation { name = "qemu-of-sources"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "exit 1" ]; };`
	n := own(t)
	try := func(what, new, emulator, flags string, sandbox bool) {
		t.Helper()
		o := flake(t, t.TempDir(), unique(), "")
		if new != static {
			o = without(t, o, static, new)
		}
		lines, err := built(t.Context(), n, o)
		var e struct {
			Path, Flags string
			Sandbox     bool
		}
		if err != nil || n.folder().Load(folder.Emulator, &e) != nil || !strings.HasSuffix(e.Path, emulator) || e.Flags != flags || e.Sandbox != sandbox || strings.Contains(lines, "qemu-of-sources.drv") {
			t.Errorf("%s: %v, %+v\n%s", what, err, e, lines)
		}
	}
	const qemu = "-qemu-user-static-x86_64-unknown-linux-musl-7.2.0"
	try("static", static, qemu, "PF", false)
	try("not static", "legacyPackages.x86_64-linux = { pkgsStatic.qemu-user = "+compiled+" qemu-user = import ./pkgs/qemu-user.nix; };", qemu, "P", true)
	try("neither", "legacyPackages.x86_64-linux = { pkgsStatic.qemu-user = "+compiled+" qemu-user = throw \"broken\"; };", "-qemu-user-static", "PF", false)

	// None at all: the one that is here does, however old. Without one it is told.
	none := without(t, flake(t, t.TempDir(), unique(), ""), static, "")
	lock, h, err := n.use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	p, err := n.program(h, inputs(none)...)
	if err != nil {
		t.Fatal(err)
	}
	p.pin.Emulator.SHA256 = ""
	if err := n.emulate(t.Context(), &p, none, func(string) {}); err != nil || !strings.Contains(p.space.Emulator, "-qemu-user-static/bin/") {
		t.Errorf("%v, %q", err, p.space.Emulator)
	}
	if err := os.Remove(n.folder().At("piwiz/emulator.json")); err != nil {
		t.Fatal(err)
	}
	err = n.emulate(t.Context(), &p, none, func(string) {})
	told, ok := err.(fault.Told)
	if !ok || !strings.HasPrefix(err.Error(), "piwiz's own Nix could not download an emulator of the Raspberry Pi's processor.\n") || !strings.Contains(err.Error(), "none is pinned") || len(told.Hints()) == 0 {
		t.Error(err)
	}
}

// An emulator that does not answer is none.
func TestRealEmulatorIsOneThatAnswers(t *testing.T) {
	if !alone(t) {
		return
	}
	n := own(t)
	if err := n.Fetch(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	h, _ := n.here()
	p, err := n.program(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.answers(t.Context(), p, emulator{Path: h.Path, Program: "bin/nix", Flags: "PF"}); err == nil || !strings.Contains(err.Error(), "nix-2.26.3 does not run programs for the Raspberry Pi") {
		t.Error(err)
	}
	if err := n.answers(t.Context(), p, emulator{Path: h.Path, Program: "bin/none", Flags: "PF"}); err == nil || !strings.Contains(err.Error(), "register the emulator: "+h.Path+"/bin/none: no such file") {
		t.Error(err)
	}
	// A step that fails in a run, and not in the trial, is told as well.
	p.space.Folders = append(p.space.Folders, "/none")
	const want = "piwiz's own Nix cannot be shown the folder /none.\nno such file or directory\n- See whether it is there and yours: ls -ld /none\n"
	if _, err := p.run(t.Context(), nil, "nix", "--version"); !strings.HasPrefix(said(err), want) {
		t.Error(said(err))
	}
}

// Most flakes pin their nixpkgs themselves, by a lock that the first build writes.
func TestRealFlakeWithALockOfItsOwn(t *testing.T) {
	if !alone(t) {
		return
	}
	n := own(t)
	o := flake(t, t.TempDir(), unique(), "")
	file := filepath.Join(o.Flake, "flake.nix")
	text, err := os.ReadFile(file)
	if err == nil {
		text = bytes.Replace(text, []byte("github:NixOS/nixpkgs/nixos-26.05"), []byte(o.Nixpkgs), 1)
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	o.Nixpkgs = ""
	for range 2 { // without the lock, then with it
		lines, err := built(t.Context(), n, o)
		var e emulator
		if err != nil || n.folder().Load(folder.Emulator, &e) != nil || !strings.HasSuffix(e.Path, "-qemu-user-static-x86_64-unknown-linux-musl-7.2.0") {
			t.Fatalf("%v, %+v\n%s", err, e, lines)
		}
		image(t, o)
	}
	if locked := nixpkgs(o); !strings.Contains(locked, "narHash") {
		t.Errorf("locked: %q", locked)
	}
	lines, err := built(t.Context(), n, o)
	if err != nil || strings.Contains(lines, "emulator") {
		t.Errorf("asked for an emulator that is here: %v\n%s", err, lines)
	}
}
