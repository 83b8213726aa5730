package builder

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"piwiz/nixgen/follow"
)

// withContainers runs the calling test again where podman is, and no Nix
// (.ci/rig/with-containers), and says whether this is that second run.
func withContainers(t *testing.T, env ...string) bool {
	t.Helper()
	return rerun(t, "with-containers", "root, podman and runc", append(env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin")...)
}

// boxedHost is a host that is built with the rig's images.
func boxedHost(t *testing.T, more string) Request {
	t.Helper()
	r := host(t, more)
	var err error
	if r.Builder, err = Choose(t.Context(), Wish{Builder: "podman:localhost/nix,localhost/emulate"}); err != nil {
		t.Fatal(err)
	}
	return r
}

// again is a setting that makes a run build again.
func again() string {
	return "  boot.kernelParams = [ \"run=" + strconv.FormatInt(time.Now().UnixNano(), 10) + "\" ];"
}

func podman(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("podman", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("podman %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestRealContainerRegistersOnceAndIsFastTheSecondTime(t *testing.T) {
	if !withContainers(t, "WITHOUT_EMULATION=1") {
		return
	}
	r := boxedHost(t, again())
	var privileged []string
	build := func() (Result, []string) {
		t.Helper()
		var lines []string
		got, err := Image(t.Context(), r, func(e follow.Event) {
			if strings.HasPrefix(e.Line, "building ") {
				id := podman(t, "ps", "--quiet")
				privileged = append(privileged, podman(t, "inspect", "--format", "{{.HostConfig.Privileged}} {{.HostConfig.CapAdd}} {{.HostConfig.Devices}}", id))
			}
			if e.Line != "" {
				lines = append(lines, e.Line)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if left := podman(t, "ps", "--all", "--quiet"); left != "" {
			t.Errorf("left: %s", left)
		}
		return got, lines
	}
	has := func(lines []string, begin string) bool {
		return slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, begin) })
	}

	first, lines := build()
	if !has(lines, "registering QEMU") || !has(lines, "building ") || len(privileged) == 0 {
		t.Errorf("the first time it said\n%s", strings.Join(lines, "\n"))
	}
	for _, p := range privileged {
		if p != "false [] []" {
			t.Errorf("the container that builds has more rights than usual: %s", p)
		}
	}
	made, err := os.Stat(first.Image)
	if err != nil || first.Size != made.Size() || filepath.Base(first.Image) != "piwiz-bach.img" {
		t.Errorf("%+v, %v", first, err)
	}
	// The emulator is not needed again, nor is anything fetched.
	podman(t, "rmi", "--force", "localhost/emulate")
	second, lines := build()
	if has(lines, "registering") || has(lines, "building ") || second.Image != first.Image {
		t.Errorf("the second time it said\n%s", strings.Join(lines, "\n"))
	}
	if again, err := os.Stat(second.Image); err != nil || !again.ModTime().Equal(made.ModTime()) {
		t.Errorf("the same image was copied again: %v", err)
	}
	t.Logf("first %v, second %v", first.Took, second.Took)
	if p, err := DryRun(t.Context(), r, nil); err != nil || len(p.Builds) != 0 {
		t.Errorf("plan %+v, %v", p, err)
	}
	if left, _ := filepath.Glob(r.OutLink + "*.part"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestRealContainerNamesTheLineOfAMistake(t *testing.T) {
	if !withContainers(t) {
		return
	}
	r := boxedHost(t, "  services.avahi.enabel = true;")
	_, err := Image(t.Context(), r, nil)
	var e *Error
	if !errors.As(err, &e) || e.Headline != "The option services.avahi.enabel does not exist." || !strings.Contains(e.Why, r.Flake+"/configuration.nix:3") {
		t.Errorf("%v", err)
	}
	r = boxedHost(t, `  fixture.fail = "exit";`)
	if _, err = Image(t.Context(), r, nil); !errors.As(err, &e) || e.Derivation != "linux-6.18.2" || strings.Contains(strings.Join(e.Hints(), "\n"), "nix-store") {
		t.Errorf("%v", err)
	}
}

// The flake brings its own nixpkgs, so that nothing is overridden.
func TestRealContainerBringsTheLockFile(t *testing.T) {
	if !withContainers(t) {
		return
	}
	r := boxedHost(t, "")
	r.Nixpkgs = ""
	if out, err := exec.Command("cp", "-r", os.Getenv("PIWIZ_RIG")+"/nixpkgs", r.Flake+"/nixpkgs").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	flake := `{
  outputs = { self }: {
    nixosConfigurations.bach = ((import ./nixpkgs/flake.nix).outputs { self = ./nixpkgs; }).lib.nixosSystem { modules = [ ./piwiz.nix ./configuration.nix ]; };
  };
}
`
	if err := os.WriteFile(filepath.Join(r.Flake, "flake.nix"), []byte(flake), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Image(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
	if lock, err := os.ReadFile(filepath.Join(r.Flake, "flake.lock")); err != nil || !bytes.Contains(lock, []byte(`"root": "root"`)) {
		t.Errorf("%s, %v", lock, err)
	}
}

func TestRealContainerOfAnImageThatIsNotThere(t *testing.T) {
	if !withContainers(t) {
		return
	}
	b, err := Choose(t.Context(), Wish{})
	if err != nil || !strings.Contains(b.String(), "in a container of podman: Nix is not installed on this computer, but a container can do it.") {
		t.Errorf("%q, %v", b, err)
	}
	r := host(t, "")
	r.Builder = b
	_, err = Image(t.Context(), r, nil)
	var hints interface{ Hints() []string }
	if !errors.As(err, &hints) || !strings.Contains(err.Error(), "podman cannot fetch docker.io/nixos/nix:") || !strings.Contains(strings.Join(hints.Hints(), "\n"), "podman pull") {
		t.Errorf("%v", err)
	}
}

func TestRealContainerEndsWithUs(t *testing.T) {
	if !withContainers(t) {
		return
	}
	const hangs = "LD      vmlinux"
	if os.Getenv("PIWIZ_HANG") != "" { // to be killed
		_, err := Image(t.Context(), boxedHost(t, `  fixture.fail = "hang";`), func(e follow.Event) {
			if strings.Contains(e.Line, hangs) {
				_, _ = os.Stdout.WriteString("hangs\n")
			}
		})
		t.Fatal(err)
	}
	gone := func(why string) {
		t.Helper()
		began := time.Now()
		for podman(t, "ps", "--all", "--quiet") != "" {
			if time.Since(began) > 5*time.Second {
				t.Fatalf("%s: a container is left: %s", why, podman(t, "ps", "--all"))
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Logf("%s: gone after %v", why, time.Since(began))
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var began time.Time
	_, err := Image(ctx, boxedHost(t, `  fixture.fail = "hang";`), func(e follow.Event) {
		if strings.Contains(e.Line, hangs) {
			began = time.Now()
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || began.IsZero() {
		t.Fatal(err)
	}
	t.Logf("stopped after %v", time.Since(began))
	if time.Since(began) > 3*time.Second {
		t.Error("that is too long")
	}
	gone("cancelled")

	for _, whole := range []bool{false, true} {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "PIWIZ_HANG=1", "TMPDIR="+t.TempDir()) // what is killed leaves its own there
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, 6)
		if _, err := out.Read(said); err != nil || string(said) != "hangs\n" {
			t.Fatalf("%q, %v", said, err)
		}
		if whole { // podman itself dies, and cannot pass anything on
			clients, err := exec.Command("pgrep", "-P", strconv.Itoa(cmd.Process.Pid), "podman").Output()
			n, bad := strconv.Atoi(strings.TrimSpace(string(clients)))
			if err := errors.Join(err, bad); err != nil {
				t.Fatalf("one podman: %q, %v", clients, err)
			}
			_ = syscall.Kill(n, syscall.SIGKILL) // it was there just now
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		gone("killed with podman: " + strconv.FormatBool(whole))
	}
}
