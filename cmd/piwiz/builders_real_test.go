package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// workshop is one person's home and the computers on which an image of the same
// answers is built. They share nothing but the home.
type workshop struct {
	t    *testing.T
	dir  string
	rig  string
	root string // of the repository
}

func newWorkshop(t *testing.T) workshop {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root, Nix, sshd and podman: set PIWIZ_REAL=1 and see .ci/run")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	w := workshop{t, t.TempDir(), os.Getenv("PIWIZ_RIG"), root}
	if w.rig == "" {
		t.Fatal("PIWIZ_RIG must name the folder made by .ci/rig/prepare")
	}
	w.must("go", "build", "-o", filepath.Join(w.dir, "piwiz"), ".")
	// A user name of its own makes every run build again.
	w.write("bach.toml", fmt.Sprintf("name = \"bach\"\nboard = \"4\"\nuser = \"u%d\"\nkeys = [%q]\n", time.Now().UnixNano(),
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+fa2b0UFQHJ4dCL3OJbqU5yYxJmwOz9jsPPRN8sTQM me@laptop"))
	return w
}

func (w workshop) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w workshop) must(name string, args ...string) string {
	w.t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		w.t.Fatalf("%s %v: %v", name, args, err)
	}
	return strings.TrimSpace(string(out))
}

// computer is a folder for with-nix with an empty store of its own.
func (w workshop) computer(name string) string {
	w.t.Helper()
	dir := filepath.Join(w.dir, name)
	w.must("mkdir", dir)
	w.must("ln", "-s", filepath.Join(w.rig, "nix"), dir)
	return dir
}

// built is what a build told.
type built struct {
	image string // path as piwiz named it
	hash  string
	log   string
	took  time.Duration
}

// build runs piwiz build on the computer that enter leads into, and hashes the
// image there.
func (w workshop) build(builder string, env []string, enter ...string) built {
	w.t.Helper()
	began := time.Now()
	script := `"$1/piwiz" build "$1/bach.toml" --nixpkgs "path:$2/nixpkgs" --builder "$3" --yes --json > "$1/out.json" || { cat "$1/out.json"; exit 1; }
image=$(sed -n 's/.*"event":"image".*"image":"\([^"]*\)".*/\1/p' "$1/out.json")
echo "$image"
sha256sum < "$image"
cat "$1/out.json"`
	args := append(enter, "sh", "-c", script, "sh", w.dir, w.rig, builder)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(append(os.Environ(), "HOME="+filepath.Join(w.dir, "home"), "XDG_DATA_HOME="+filepath.Join(w.dir, "data"),
		"XDG_STATE_HOME="+filepath.Join(w.dir, "state")), env...)
	out, err := cmd.CombinedOutput()
	lines := strings.SplitN(string(out), "\n", 3)
	if err != nil || len(lines) != 3 {
		w.t.Fatalf("builder %q: %v\n%s", builder, err, out)
	}
	b := built{lines[0], strings.Fields(lines[1])[0], lines[2], time.Since(began)}
	w.t.Logf("builder %q: %.1f s, %s, %s", builder, b.took.Seconds(), b.image, b.hash)
	return b
}

func TestEveryBuilderEndsInTheSameImage(t *testing.T) {
	w := newWorkshop(t)
	rig := func(script string) string { return filepath.Join(w.root, ".ci/rig", script) }

	here := w.build("", nil, rig("with-nix"), w.computer("here"))
	if !strings.Contains(here.log, "The image is built on this computer") {
		t.Errorf("the choice is not told:\n%s", here.log)
	}

	w.must("sh", "-c", `mkdir -p "$1/ssh" && ssh-keygen -q -t ed25519 -N '' -f "$1/ssh/id_ed25519" && ssh-keygen -q -t ed25519 -N '' -f "$1/host-key" &&
cp "$1/ssh/id_ed25519.pub" "$1/ssh/authorized_keys" && echo "127.0.0.1 $(cat "$1/host-key.pub")" > "$1/ssh/known_hosts"`, "sh", w.dir)
	there := w.build("ssh://root@127.0.0.1", []string{"WITHOUT_EMULATION=1"}, rig("with-other-computer"), w.computer("near"), w.dir)
	w.same(here, there)
	if !strings.Contains(there.log, "The image is built on root@127.0.0.1") {
		t.Errorf("the choice is not told:\n%s", there.log)
	}

	boxed := w.build("container:localhost/nix,localhost/emulate", []string{"WITHOUT_EMULATION=1", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, rig("with-containers"), w.rig)
	w.same(here, boxed)
	if !strings.Contains(boxed.log, "The image is built in a container of") {
		t.Errorf("the choice is not told:\n%s", boxed.log)
	}
	// What the container left is in the way of no other builder.
	if again := w.build("local", nil, rig("with-nix"), filepath.Join(w.dir, "here")); again.image != here.image {
		t.Errorf("%s instead of %s", again.image, here.image)
	}
}

func TestTheCheckIsThatOfTheBuilder(t *testing.T) {
	w := newWorkshop(t)
	check := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(filepath.Join(w.root, ".ci/rig/with-containers"), append([]string{w.rig, filepath.Join(w.dir, "piwiz"), "check"}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+filepath.Join(w.dir, "home"), "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
		out, _ := cmd.CombinedOutput() // the cache cannot be reached from there
		return string(out)
	}
	if out := check("--own-nix-dir", "/dev/null"); !strings.Contains(out, "WARNING ") || !strings.Contains(out, "/dev/null") || strings.Contains(out, "nix-daemon") ||
		!strings.Contains(out, "The image is built in a container of podman: Nix is not installed on this computer, and piwiz's own Nix cannot run here") {
		t.Errorf("without a wish:\n%s", out)
	}
	if out := check("--builder", "docker"); !strings.Contains(out, "docker") || strings.Contains(out, "Nix is not installed") {
		t.Errorf("docker:\n%s", out)
	}
	if out := check("--builder", "local"); !strings.Contains(out, "nixos.org/nix/install") || strings.Contains(out, "podman") {
		t.Errorf("local:\n%s", out)
	}
}

// same compares images, and what was told while they were built again.
func (w workshop) same(a, b built) {
	w.t.Helper()
	if a.hash != b.hash {
		w.t.Errorf("the images differ:\n%s %s\n%s %s", a.hash, a.image, b.hash, b.image)
	}
	if !strings.HasSuffix(b.image, a.image) {
		w.t.Errorf("the paths differ: %s and %s", a.image, b.image)
	}
	for _, line := range []string{"building nixos-system-bach-", "building ext4-fs.img", "Running phase: installPhase", "Preparing store paths for image...", "Creating an EXT4 image of ", `"stage":"done"`} {
		if !strings.Contains(a.log, line) || !strings.Contains(b.log, line) {
			w.t.Errorf("not in both logs: %q", line)
		}
	}
}
