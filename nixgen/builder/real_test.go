package builder

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/emulate"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
)

// inRig runs the calling test again with a real Nix (.ci/rig/with-nix), and
// says whether this is that second run. Without PIWIZ_REAL=1 the test is
// skipped.
func inRig(t *testing.T, env ...string) bool {
	t.Helper()
	return rerun(t, "with-nix", "a real Nix and user namespaces", append(env, "TMPDIR="+t.TempDir())...)
}

// rerun is inRig with a script of .ci/rig and what that needs.
func rerun(t *testing.T, script, needs string, env ...string) (again bool) {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs " + needs + ": .ci/rig/prepare RIG, then PIWIZ_REAL=1 PIWIZ_RIG=RIG go test")
	}
	rig := os.Getenv("PIWIZ_RIG")
	if rig == "" {
		t.Fatal("PIWIZ_RIG must name the folder made by .ci/rig/prepare")
	}
	if os.Getenv("PIWIZ_IN_RIG") == t.Name() {
		return true
	}
	cmd := exec.Command("../../.ci/rig/"+script, rig, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(append(os.Environ(), "PIWIZ_IN_RIG="+t.Name(), "HOME="+t.TempDir()), env...)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	return false
}

// host writes a flake whose folder has an awkward name, with more lines in
// the user's own configuration.nix.
func host(t testing.TB, more string) Request {
	t.Helper()
	dir := t.TempDir()
	r := Request{
		Flake: filepath.Join(dir, "my host? 100%"), Host: "bach",
		OutLink: filepath.Join(dir, "result"), LogFile: filepath.Join(dir, "build.log"),
		Nixpkgs: "path:" + os.Getenv("PIWIZ_RIG") + "/nixpkgs",
	}
	if err := os.Mkdir(r.Flake, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"flake.nix": `{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
  outputs = { self, nixpkgs }: {
    nixosConfigurations.bach = nixpkgs.lib.nixosSystem { modules = [ ./piwiz.nix ./configuration.nix ]; };
  };
}
`,
		"piwiz.nix": `{ lib, pkgs, modulesPath, ... }:
{
  imports = [ (modulesPath + "/installer/sd-card/sd-image-aarch64.nix") ];
  nixpkgs.hostPlatform = "aarch64-linux";
  system.stateVersion = "26.05";
  networking.hostName = "bach";
  image.baseName = "piwiz-bach";
  sdImage.compressImage = lib.mkDefault false;
  boot.supportedFilesystems.zfs = lib.mkForce false;
}
`,
		"configuration.nix": "{ lib, pkgs, ... }:\n{\n" + more + "\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(r.Flake, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestRealBuildEndsInAnImage(t *testing.T) {
	if !inRig(t) {
		return
	}
	if err := errors.Join(nix.Check(t.Context()), emulate.Check(t.Context())); err != nil {
		t.Fatal(err)
	}
	// A number of its own makes every run build again.
	r := host(t, again())
	var last follow.Event
	phases := map[string]bool{}
	got, err := Image(t.Context(), r, func(e follow.Event) {
		last = e
		for _, n := range e.Progress.Now {
			phases[n.Phase] = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes in %v", got.Size, got.Took)
	if filepath.Base(got.Image) != "piwiz-bach.img" {
		t.Errorf("image %s", got.Image)
	}
	disk, err := os.ReadFile(got.Image)
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	if le.Uint32(disk[440:]) != 0x2178694e || le.Uint16(disk[510:]) != 0xaa55 || disk[446] != 0 || disk[450] != 0x0b || disk[462] != 0x80 {
		t.Errorf("partition table % x", disk[440:512])
	}
	if string(disk[8<<20+43:8<<20+54]) != "FIRMWARE   " || string(disk[8<<20+54:8<<20+62]) != "FAT16   " {
		t.Errorf("no FAT16 FIRMWARE at 8 MiB: %q", disk[8<<20+43:8<<20+62])
	}
	if ext := disk[38<<20+1024:]; le.Uint16(ext[56:]) != 0xef53 || string(ext[120:128]) != "NIXOS_SD" {
		t.Error("no ext4 NIXOS_SD behind it")
	}
	if p := last.Progress; p.Stage != "done" || p.Done != p.Expected || p.Done < 3 || p.Running != 0 {
		t.Errorf("ends with %+v", p)
	}
	if !phases["buildPhase"] {
		t.Errorf("phases %v", phases)
	}
	if raw, err := os.ReadFile(r.LogFile); err != nil || !bytes.Contains(raw, []byte("Creating an EXT4 image of ")) {
		t.Errorf("raw log: %d bytes, %v", len(raw), err)
	}
}

func TestRealCompressedImage(t *testing.T) {
	if !inRig(t) {
		return
	}
	got, err := Image(t.Context(), host(t, "  sdImage.compressImage = true;"), nil)
	if err != nil || filepath.Base(got.Image) != "piwiz-bach.img.zst" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRealFailureNamesTheFirstCause(t *testing.T) {
	if !inRig(t) {
		return
	}
	_, err := Image(t.Context(), host(t, `  fixture.fail = "exit";`), nil)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	if e.Derivation != "linux-6.18.2" || !strings.Contains(strings.Join(e.LogTail, "\n"), "has no member named 'piwiz'") || e.LogFile == "" || len(e.Hints()) == 0 {
		t.Errorf("%+v", e)
	}
}

func TestRealBuildWithoutEmulation(t *testing.T) {
	if !inRig(t, "WITHOUT_EMULATION=1") {
		return
	}
	var no *emulate.Error
	if err := emulate.Check(t.Context()); !errors.As(err, &no) || no.Reason != emulate.NotRegistered {
		t.Errorf("check: %v", err)
	}
	r := host(t, again())
	_, err := Image(t.Context(), r, nil)
	var e *Error
	if !errors.As(err, &e) || e.Page != "check" || !strings.Contains(e.Headline, "no emulator is registered") {
		t.Errorf("error %v", err)
	}
}

func TestRealCancelLeavesNoProcess(t *testing.T) {
	if !inRig(t) {
		return
	}
	before := children(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hangs := false
	began := time.Now()
	_, err := Image(ctx, host(t, `  fixture.fail = "hang";`), func(e follow.Event) {
		if strings.Contains(e.Line, "LD      vmlinux") {
			hangs = true
			began = time.Now()
			cancel()
		}
	})
	if !hangs || !errors.Is(err, context.Canceled) {
		t.Fatalf("hangs %v, error %v", hangs, err)
	}
	took := time.Since(began)
	t.Logf("stopped after %v", took)
	if took > 2*time.Second {
		t.Errorf("stopped after %v only", took)
	}
	for wait := time.Now().Add(3 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := children(t)
		for pid := range before {
			delete(left, pid)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(wait) {
			t.Fatalf("left: %v", left)
		}
	}
}

// children are the processes whose command line has to do with Nix: nix
// itself, and builders out of its store.
func children(t *testing.T) map[string]string {
	t.Helper()
	list, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range list {
		text, err := os.ReadFile(name)
		line := strings.ReplaceAll(string(text), "\x00", " ")
		if err == nil && (strings.Contains(line, "/nix/store/") || strings.Contains(line, "config.system.build.sdImage")) {
			out[name] = line
		}
	}
	return out
}
