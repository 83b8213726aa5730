package ownnix

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/fault"
)

func TestRealCollectKeepsWhatSavedHostsNeedAndRemoveLeavesNothing(t *testing.T) {
	if !alone(t) {
		return
	}
	n := own(t)
	if freed, err := n.Collect(t.Context(), nil); freed != 0 || err != nil {
		t.Errorf("of nothing: %d, %v", freed, err)
	}
	make := func(host, run string) (path, sum string) {
		t.Helper()
		o := flakeOf(t, host, filepath.Join(filepath.Dir(n.Dir), host), run, "")
		if lines, err := built(t.Context(), n, o); err != nil {
			t.Fatalf("%v\n%s", err, lines)
		}
		return image(t, o)
	}
	old, _ := make("bach", unique())
	run := unique()
	kept, sum := make("bach", run)
	gone, _ := make("carl", unique())
	s, err := n.Status(t.Context())
	if err != nil || !slices.Equal(s.Hosts, []string{"bach", "carl"}) || s.Version != "2.26.3" || s.Pinned != s.Version || s.Since.IsZero() ||
		s.Emulator != "qemu-user-static-x86_64-unknown-linux-musl-7.2.0" || s.Refused != nil || s.Size < 50<<20 || s.Dir != n.Dir {
		t.Errorf("%+v, %v", s, err)
	}

	// Nobody deletes what somebody uses.
	lock, err := n.folder().Lock(t.Context(), unix.LOCK_SH, 0)
	if err != nil {
		t.Fatal(err)
	}
	const used = "piwiz's own Nix is in use: another piwiz builds or downloads.\n- Wait until it has ended, or stop it, then try again.\n"
	_, err = n.Collect(t.Context(), nil)
	if said(err) != used || said(n.Remove(t.Context())) != used {
		t.Error(said(err))
	}
	lock.Close()

	freed, err := n.Collect(t.Context(), []string{"bach", "dora"})
	if err != nil || freed < 50<<20 {
		t.Errorf("freed %d, %v", freed, err)
	}
	for path, want := range map[string]bool{old: false, kept: true, gone: false} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	// With the network cut: the image is there, and so is what builds it again.
	cut := Nix{Dir: n.Dir, Caches: []string{"file:///nowhere"}}
	o := flake(t, filepath.Join(filepath.Dir(n.Dir), "bach"), run, "")
	if path, now := image(t, o); path != kept || now != sum {
		t.Errorf("%s is %s, was %s", path, now, sum)
	}
	if lines, err := built(t.Context(), cut, o); err != nil || strings.Contains(lines, "building '") {
		t.Errorf("%v\n%s", err, lines)
	}
	if s, err := n.Status(t.Context()); err != nil || !slices.Equal(s.Hosts, []string{"bach"}) {
		t.Errorf("%+v, %v", s, err)
	}
	if lines, err := built(t.Context(), cut, flake(t, t.TempDir(), unique(), "")); err != nil {
		t.Errorf("a new host with the network cut: %v\n%s", err, lines)
	}

	home := os.Getenv("HOME")
	if err := os.Rename(n.folder().At("piwiz/nix.json"), n.folder().At("piwiz/x")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.use(t.Context()); said(err) != "piwiz's own Nix was removed just now.\n- Build again: piwiz downloads it again.\n" {
		t.Error(said(err))
	}
	if err := n.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.Remove(t.Context()); err != nil {
		t.Errorf("of nothing: %v", err)
	}
	var left []string
	_ = filepath.WalkDir(home, func(path string, _ os.DirEntry, _ error) error {
		if strings.HasPrefix(path, n.Dir) || strings.Contains(strings.TrimPrefix(path, home), "/.") {
			left = append(left, path)
		}
		return nil
	})
	if len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// said is an error as a face of the program tells it.
func said(err error) string {
	var text strings.Builder
	text.WriteString(fmt.Sprintln(err))
	if told, ok := errors.AsType[fault.Told](err); ok {
		for _, h := range told.Hints() {
			text.WriteString("- " + h + "\n")
		}
	}
	return text.String()
}

func TestNothingOfSomebodyElsesIsTouched(t *testing.T) {
	dir := t.TempDir()
	n := Nix{Dir: filepath.Join(dir, "nix")}
	if err := os.MkdirAll(filepath.Join(n.Dir, "store/x"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := n.Dir + " is not a folder of piwiz's: it has store.\n" +
		"piwiz deletes what it no longer needs in its own folder, so it takes only a new or an empty one.\n" +
		"- Choose another folder: --own-nix-dir FOLDER\n"
	_, collect := n.Collect(t.Context(), nil)
	for what, err := range map[string]error{"allowed": n.Allowed(t.Context()), "fetch": n.Fetch(t.Context(), nil), "gc": collect, "remove": n.Remove(t.Context())} {
		if said(err) != want {
			t.Errorf("%s: %s", what, said(err))
		}
	}
	if list, err := os.ReadDir(n.Dir); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	for _, dir := range []string{"nix", dir, filepath.Join(dir, "nix2")} {
		if err := (Nix{Dir: dir}).Allowed(t.Context()); err == nil || !strings.Contains(err.Error(), "must be absolute and end in nix") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestRealOfTwoThatFetchAtOnceOneDoes(t *testing.T) {
	if !alone(t) {
		return
	}
	n := own(t)
	var parts [2]atomic.Int64
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() {
			if err := n.Fetch(t.Context(), func(meter.Progress) { parts[i].Add(1) }); err != nil {
				t.Error(err)
			}
			if _, ready := n.Ready(); !ready {
				t.Error("not ready")
			}
		})
	}
	wg.Wait()
	if a, b := parts[0].Load(), parts[1].Load(); (a == 0) == (b == 0) {
		t.Errorf("%d and %d reports", a, b)
	}
}
