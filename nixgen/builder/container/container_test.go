package container

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/fault"
)

// engines is a PATH with programs that answer like docker and podman.
func engines(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func TestWhicheverAnswersIsTaken(t *testing.T) {
	const yes, no = "echo 1", "echo 'Cannot connect to the Docker daemon' >&2; exit 1"
	for _, c := range []struct {
		scripts    map[string]string
		wish, want string
	}{
		{map[string]string{"docker": yes, "podman": yes}, "container", "docker"},
		{map[string]string{"docker": no, "podman": yes}, "container", "podman"},
		{map[string]string{"podman": yes}, "container", "podman"},
		{map[string]string{"docker": yes, "podman": yes}, "podman", "podman"},
	} {
		engines(t, c.scripts)
		if e, err := find(t.Context(), c.wish); err != nil || e.Name != c.want || e.Image != nixImage || e.Emulate != emulateImage {
			t.Errorf("%s of %v: %+v, %v", c.wish, c.scripts, e, err)
		}
	}
}

func TestImagesCanBeNamed(t *testing.T) {
	engines(t, map[string]string{"podman": "exit 0"})
	e, err := find(t.Context(), "podman:reg.lan:5000/nix:2,localhost/emulate")
	if err != nil || e.Image != "reg.lan:5000/nix:2" || e.Emulate != "localhost/emulate" {
		t.Errorf("%+v, %v", e, err)
	}
	for wish, want := range map[string]bool{"container": true, "docker:x": true, "podman": true, "local": false, "ssh://podman": false, "": false} {
		if Is(wish) != want {
			t.Errorf("Is(%q) is %v", wish, !want)
		}
	}
}

func TestAnEngineThatDoesNotAnswerSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		scripts        map[string]string
		headline, hint string
	}{
		{nil, "There is no docker or podman", "apt-get install podman"},
		{map[string]string{"docker": "echo 'permission denied while trying to connect' >&2; exit 1"}, "docker is installed", "usermod -aG docker"},
		{map[string]string{"docker": "echo 'Cannot connect' >&2; exit 1"}, "docker is installed", "systemctl enable --now docker"},
		{map[string]string{"podman": "echo 'no subuid' >&2; exit 125"}, "podman is installed", "podman info"},
	} {
		engines(t, c.scripts)
		_, err := find(t.Context(), "container")
		var e *fault.Error
		if !errors.As(err, &e) || !strings.Contains(e.Headline, c.headline) || !strings.Contains(strings.Join(e.Hints(), "\n"), c.hint) {
			t.Errorf("%v: %v %q", c.scripts, err, e)
		}
	}
}

func TestMountsAreWrittenAsCSV(t *testing.T) {
	if got, want := mount("type=bind", `source=/a,"b`, "readonly"), `type=bind,"source=/a,""b",readonly`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// archive is a tar file of the entries; a name with a slash at the end is a
// folder, one with -> a link.
func archive(t *testing.T, names ...string) []byte {
	t.Helper()
	b := archiveOf(names...)
	if b == nil {
		t.Fatal("the archive cannot be made")
	}
	return b
}

func archiveOf(names ...string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, n := range names {
		h := &tar.Header{Name: n, Mode: 0o444, Typeflag: tar.TypeReg, Size: int64(len(n))}
		if name, ok := strings.CutSuffix(n, "/"); ok {
			h = &tar.Header{Name: name, Mode: 0o555, Typeflag: tar.TypeDir}
		} else if name, to, ok := strings.Cut(n, "->"); ok {
			h = &tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink}
		}
		if err := w.WriteHeader(h); err != nil {
			return nil
		}
		if h.Size > 0 {
			_, _ = w.Write([]byte(n)) // a buffer takes all
		}
	}
	if err := w.Close(); err != nil {
		return nil
	}
	return b.Bytes()
}

func TestFilesBecomeTheUsersOwn(t *testing.T) {
	dir := t.TempDir()
	if err := unpack(bytes.NewReader(archive(t, "nix/store/x/", "nix/store/x/sd-image/a.img", "nix/store/x/nix-support/list")), dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "nix/store/x/sd-image/a.img"))
	if err != nil || string(text) != "nix/store/x/sd-image/a.img" {
		t.Errorf("%q, %v", text, err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "nix")); err != nil {
		t.Errorf("the copy cannot be removed: %v", err)
	}
}

func TestAnArchiveCannotWriteElsewhere(t *testing.T) {
	whole := archive(t, "nix/a", "nix/b")
	for name, data := range map[string][]byte{
		"above":    archive(t, "../out"),
		"absolute": archive(t, "/etc/out"),
		"a link":   archive(t, "x->/etc", "x/out"),
		"twice":    archive(t, "nix/a", "nix/a"),
		"nothing":  archive(t),
		"cut off":  whole[:512+2],
		"no tar":   bytes.Repeat([]byte("x"), 1024),
	} {
		dir := t.TempDir()
		if err := unpack(bytes.NewReader(data), dir); err == nil {
			t.Errorf("%s: taken", name)
		}
		if found, _ := filepath.Glob(filepath.Join(dir, "..", "out")); len(found) > 0 {
			t.Errorf("%s: wrote %v", name, found)
		}
	}
}

// The program that is process 1 of the container ends when nobody holds its
// standard input any more, and by itself.
func TestTheProgramEndsWithItsStandardInput(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil && os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs a shell (apt-get install dash)")
	}
	// Process 1 is the shell's own number here. With it no container ends, so its
	// group is killed: what waits for standard input is in it, and would send its
	// signal to a number that may be anybody's by then.
	script := strings.ReplaceAll(boxed, "kill -TERM 1", "kill -TERM $$")
	run := func(held bool, args ...string) string {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		defer write.Close()
		cmd := exec.Command("sh", append([]string{"-c", script}, args...)...)
		cmd.Stdin, cmd.SysProcAttr = read, &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if !held {
			write.Close()
		}
		ended := cmd.Wait()
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
			t.Errorf("nothing waits for standard input: %v", err)
		}
		return fmt.Sprint(ended)
	}
	if got := run(false, "sleep", "60"); got != "signal: terminated" {
		t.Errorf("without standard input: %s", got)
	}
	if got := run(true, "sh", "-c", "exit 7"); got != "exit status 7" {
		t.Errorf("by itself: %s", got)
	}
}

func TestOnlyPathsOfTheStoreAreCopied(t *testing.T) {
	for _, path := range []string{"", "/etc", "/nix/store/../../etc", "nix/store/x"} {
		if err := (box{}).copyOut(t.Context(), path, filepath.Join(t.TempDir(), "result")); err == nil {
			t.Errorf("%q is copied", path)
		}
	}
}

func TestTheOrderReadsOtherwiseInTheContainer(t *testing.T) {
	o := order.Order{Flake: "/home/me/my pi?", Host: "bach", OutLink: "/home/me/result", Log: "/home/me/build.jsonl", DryRun: true}
	for nixpkgs, want := range map[string]struct {
		nixpkgs string
		folders int
	}{"": {"", 1}, "github:NixOS/nixpkgs/x": {"github:NixOS/nixpkgs/x", 1}, "path:/home/me/nixpkgs": {"path:/nixpkgs", 2}, "path:nixpkgs": {"path:nixpkgs", 1}} {
		o.Nixpkgs = nixpkgs
		got, folders := inside(o)
		if len(folders) != want.folders || folders[0] != (folder{o.Flake, "/flake"}) {
			t.Errorf("%q: %v", nixpkgs, folders)
		}
		if got != (order.Order{Flake: "/flake", Host: "bach", OutLink: "/nix/var/nix/piwiz-bach", Nixpkgs: want.nixpkgs, Log: o.Log, DryRun: true}) {
			t.Errorf("%q: %+v", nixpkgs, got)
		}
	}
}
