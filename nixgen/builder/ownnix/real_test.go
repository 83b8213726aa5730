package ownnix

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/forecast"
)

// user is nobody of this computer: no name, no group, no rights.
const user = 62003

// rig is the folder made by .ci/rig/prepare.
func rig(t testing.TB) string {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs a real Nix in a cache: .ci/rig/prepare RIG, then PIWIZ_REAL=1 PIWIZ_RIG=RIG go test")
	}
	if os.Getenv("PIWIZ_RIG") == "" {
		t.Fatal("PIWIZ_RIG must name the folder made by .ci/rig/prepare")
	}
	return os.Getenv("PIWIZ_RIG")
}

// room is where the tests run as that user: a copy of the cache that they may
// read, with a table of pins for it and this program built to believe that one.
var room = sync.OnceValues(func() (dir string, err error) {
	dir, err = os.MkdirTemp("", "piwiz-own-")
	if err != nil {
		return "", err
	}
	made = dir
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "home"), 0o755)); err != nil {
		return dir, err
	}
	from := os.Getenv("PIWIZ_RIG")
	for _, name := range []string{"own-cache/cache", "own-cache/emulator.deb", "nixpkgs"} {
		if err := copyTree(filepath.Join(from, name), filepath.Join(dir, filepath.Base(name))); err != nil {
			return dir, err
		}
	}
	releases, err := filepath.Glob(filepath.Join(from, "own-cache/nix-*.tar.xz"))
	if err != nil || len(releases) != 1 {
		return dir, fmt.Errorf("%v, %w", releases, err)
	}
	if err := copyTree(releases[0], filepath.Join(dir, filepath.Base(releases[0]))); err != nil {
		return dir, err
	}
	pins, err := os.ReadFile(filepath.Join(from, "own-cache/pins.toml"))
	if err != nil {
		return dir, err
	}
	real, err := filepath.EvalSymlinks(filepath.Join(from, "own-cache"))
	if err != nil {
		return dir, err
	}
	file := filepath.Join(dir, "pins.toml")
	if err := os.WriteFile(file, bytes.ReplaceAll(pins, []byte("file://"+real), []byte("file://"+dir)), 0o644); err != nil {
		return dir, err
	}
	build := exec.Command("go", "test", "-c", "-o", filepath.Join(dir, "test"), "-ldflags", "-X piwiz/nixgen/builder/ownnix/pins.override="+file, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%w\n%s", err, out)
	}
	if os.Getuid() == 0 {
		err = os.Chown(filepath.Join(dir, "home"), user, user)
	}
	return dir, err
})

var made string // by room

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := to + strings.TrimPrefix(path, from)
		switch {
		case d.IsDir():
			return os.Mkdir(name, 0o755)
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, name)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(name, text, info.Mode().Perm()|0o444)
	})
}

// alone runs the calling test again as somebody without rights and with nothing
// in PATH, and says whether this is that second run.
func alone(t *testing.T, env ...string) bool {
	t.Helper()
	rig(t)
	if os.Getenv("PIWIZ_ALONE") == t.Name() {
		return true
	}
	cmd := again(t, env...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("%v", err)
	}
	return false
}

// again is the calling test as that user.
func again(t testing.TB, env ...string) *exec.Cmd {
	t.Helper()
	dir, err := room()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{filepath.Join(dir, "test"), "-test.run=^" + t.Name() + "$", "-test.v"}
	if os.Getuid() == 0 {
		id := strconv.Itoa(user)
		setpriv, err := exec.LookPath("setpriv")
		if err != nil {
			t.Fatal(err)
		}
		args = append([]string{setpriv, "--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs", "--bounding-set=-all"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = filepath.Join(dir, "home")
	cmd.Env = append([]string{
		"PIWIZ_REAL=1", "PIWIZ_RIG=" + dir, "PIWIZ_ALONE=" + t.Name(), "PATH=", "TMPDIR=" + cmd.Dir, "HOME=" + cmd.Dir,
		"PIWIZ_SWEEP=" + os.Getenv("PIWIZ_SWEEP"),
	}, env...)
	return cmd
}

// flake writes the host bach; run makes it another image than any other.
func flake(t testing.TB, dir, run, more string) order.Order {
	return flakeOf(t, "bach", dir, run, more)
}

func flakeOf(t testing.TB, host, dir, run, more string) order.Order {
	t.Helper()
	o := order.Order{
		Flake: filepath.Join(dir, "my host? 100%"), Host: host, OutLink: filepath.Join(dir, "result"),
		Nixpkgs: "path:" + os.Getenv("PIWIZ_RIG") + "/nixpkgs",
	}
	if err := os.MkdirAll(o.Flake, 0o755); err != nil {
		t.Fatal(err)
	}
	text := `{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
  outputs = { self, nixpkgs }: {
    nixosConfigurations.` + host + ` = nixpkgs.lib.nixosSystem { modules = [ ({ lib, modulesPath, ... }: {
      imports = [ (modulesPath + "/installer/sd-card/sd-image-aarch64.nix") ];
      nixpkgs.hostPlatform = "aarch64-linux";
      system.stateVersion = "26.05";
      networking.hostName = "bach";
      image.baseName = "piwiz-bach";
      sdImage.compressImage = lib.mkDefault false;
      boot.kernelParams = [ "run=` + run + `" ];
      ` + more + `
    }) ]; };
  };
}
`
	if err := os.WriteFile(filepath.Join(o.Flake, "flake.nix"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return o
}

// own is a Nix that is removed when the test ends.
func own(t testing.TB) Nix {
	t.Helper()
	dir, err := os.MkdirTemp("", "own ")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := nar.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return Nix{Dir: filepath.Join(dir, "nix")}
}

func unique() string { return strconv.FormatInt(time.Now().UnixNano(), 36) }

// built builds o, and returns what went over the screen.
func built(ctx context.Context, n Nix, o order.Order) (lines string, err error) {
	b, err := Find(ctx, n, "you chose it")
	if err != nil {
		return "", err
	}
	var said strings.Builder
	w := follow.New(forecast.Times{}, func(e follow.Event) {
		if e.Line != "" {
			fmt.Fprintln(&said, e.Line)
		}
	})
	err = b.Build(ctx, o, w)
	return said.String(), err
}

// image is the file that o was built to, and its SHA-256.
func image(t testing.TB, o order.Order) (path, sum string) {
	t.Helper()
	out, err := os.Readlink(o.OutLink)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(out, "sd-image/piwiz-bach.img"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return out, hex.EncodeToString(h.Sum(nil))
}

func TestRealFromNothingToAnImage(t *testing.T) {
	// The same by an ordinary Nix, first: it has the files of a folder of its own.
	if os.Getenv("PIWIZ_ALONE") == "" {
		rig := rig(t)
		run := unique()
		o := flake(t, t.TempDir(), run, "")
		cmd := exec.Command("../../../.ci/rig/with-nix", append([]string{rig, "nix"}, o.Args()...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		out, err := os.Readlink(o.OutLink)
		if err != nil {
			t.Fatal(err)
		}
		store := filepath.Join(rig, "nix-of-"+strconv.Itoa(os.Getuid()))
		o.OutLink = filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(filepath.Join(store, strings.TrimPrefix(out, "/nix")), o.OutLink); err != nil {
			t.Fatal(err)
		}
		_, sum := image(t, o)
		alone(t, "PIWIZ_WANT="+run+" "+out+" "+sum)
		return
	}
	word := strings.Fields(os.Getenv("PIWIZ_WANT"))
	n := own(t)
	download, unpacked, err := n.Size(t.Context())
	if _, ready := n.Ready(); err != nil || ready || download < 1<<20 || unpacked < download {
		t.Fatalf("%d, %d, %v, ready %v", download, unpacked, err, ready)
	}
	began := time.Now()
	var last meter.Progress
	if err := n.Fetch(t.Context(), func(p meter.Progress) { last = p }); err != nil {
		t.Fatal(err)
	}
	t.Logf("fetched in %v: %+v", time.Since(began), last)
	if version, ready := n.Ready(); !ready || version != "2.26.3" || last.Parts != last.AllParts || last.Parts < 50 {
		t.Errorf("%s, %v, %+v", version, ready, last)
	}
	o := flake(t, t.TempDir(), word[0], "")
	lines, err := built(t.Context(), n, o)
	t.Logf("from nothing to an image: %v", time.Since(began))
	if err != nil {
		t.Fatalf("%v\n%s", err, lines)
	}
	path, sum := image(t, o)
	if path != n.folder().Outside(word[1]) || sum != word[2] {
		t.Errorf("%s %s, and an ordinary Nix made %s", path, sum, word[1:])
	}
	began = time.Now()
	lines, err = built(t.Context(), n, o)
	t.Logf("again, with nothing to do: %v", time.Since(began))
	if err != nil || strings.Contains(lines, "building ") {
		t.Errorf("%v\n%s", err, lines)
	}
}
