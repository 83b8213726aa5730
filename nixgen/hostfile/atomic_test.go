package hostfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile/inspect"
	"piwiz/nixgen/hostfile/kept"
	"piwiz/nixgen/hostfile/layout"
	"piwiz/nixgen/wifi"
)

// picture is all of a folder: names, modes, content. What is kept has a time
// in its name, which is left out.
func picture(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, dir)
		if i := strings.Index(name, keptPrefix); i >= 0 {
			name = name[:i+len(keptPrefix)] + strings.TrimLeft(name[i+len(keptPrefix):], "0123456789-")
		}
		fmt.Fprintf(&b, "%s %v", name, st.Mode())
		if st.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", data)
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return b.String()
}

var errOff = errors.New("the plug was pulled")

// off lets the first n steps happen and none after them, as a kill does.
func off(n int) func(step, path string) error {
	return func(string, string) error {
		if n--; n < 0 {
			return errOff
		}
		return nil
	}
}

// full lets step n fail for want of space, and the others happen.
func full(n int) func(step, path string) error {
	return func(string, string) error {
		if n--; n == -1 {
			return syscall.ENOSPC
		}
		return nil
	}
}

// flakeOf is a small flake that differs by text.
func flakeOf(text string) []nixgen.File {
	return []nixgen.File{{Name: "flake.nix", Text: text}, {Name: "piwiz.nix", Text: text}, {Name: "configuration.nix", Text: "own", Once: true}}
}

// TestAChangeHappensWhollyOrNotAtAll lets each change end at each of its
// steps, by a kill or by a full disk, and checks the store afterwards.
func TestAChangeHappensWhollyOrNotAtAll(t *testing.T) {
	old := saved(t, "bach")
	next := saved(t, "bach") // another key
	next.Host.User = "bob"
	next.Host.Networks = []nixgen.Network{{SSID: "other", Security: wifi.WPA2}}
	next.PSK = map[string]wifi.Secret{"other": wifi.NewSecret(strings.Repeat("ab", 32))}
	save := func(h Saved, text string) func(Store) error {
		return func(s Store) error {
			_, err := s.Save(h, flakeOf(text))
			return err
		}
	}
	for name, first := range map[string]func(Store) error{
		"a new host":         func(Store) error { return nil },
		"a host saved again": save(old, "1"),
	} {
		t.Run(name, func(t *testing.T) {
			happensOrNot(t, func() Store {
				s := Store{Dir: filepath.Join(quickDir(t), "hosts")}
				must(t, first(s))
				return s
			}, save(next, "2"))
		})
	}
}

// quickDir is an empty folder where syncing costs nothing, if there is one.
func quickDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "piwiz-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func happensOrNot(t *testing.T, prepare func() Store, do func(Store) error) {
	t.Helper()
	before := prepare()
	was := state(t, before)
	must(t, do(before))
	is := state(t, before)
	if was == is {
		t.Fatal("the change changes nothing")
	}
	for how, fault := range map[string]func(int) func(string, string) error{"killed": off, "full": full} {
		for n := 0; ; n++ {
			s := prepare()
			s.disk.Before = fault(n)
			err := do(s)
			s.disk.Before = nil
			got := state(t, s)
			if got != was && got != is {
				t.Fatalf("%s at step %d (%v):\n%s\nwas\n%s\nis to be\n%s", how, n, err, got, was, is)
			}
			if err == nil {
				if got != is {
					t.Fatalf("%s at step %d: no error, and not done", how, n)
				}
				break
			}
			if got == was {
				must(t, do(s)) // it can be done again
			}
			if got := state(t, s); got != is {
				t.Fatalf("%s at step %d, then done again:\n%s\nis to be\n%s", how, n, got, is)
			}
		}
	}
}

// state is what the store holds for whoever opens it: the hosts and their
// files. Leftovers that are named as such do not count.
func state(t *testing.T, s Store) string {
	t.Helper()
	found, problems, err := s.List()
	must(t, err)
	var out strings.Builder
	for _, h := range found {
		out.WriteString(picture(t, h.Folder))
		for _, p := range h.Problems {
			t.Errorf("%v", p)
		}
	}
	for _, p := range problems {
		if !strings.HasPrefix(filepath.Base(p.File), layout.Staging) && !strings.HasPrefix(filepath.Base(p.File), layout.Importing) && !strings.HasPrefix(filepath.Base(p.File), layout.Forgetting) {
			t.Errorf("%v", p)
		}
	}
	return out.String()
}

// The same with a real kill at any moment: a child saves two hosts in turn.
func TestAKillAtAnyMomentLeavesOneOrTheOther(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("kills processes for some seconds; PIWIZ_REAL=1 runs it")
	}
	s := Store{Dir: filepath.Join(t.TempDir(), "hosts")}
	want := map[string]bool{}
	for i := range 200 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestSavesForever$")
		cmd.Env = append(os.Environ(), "PIWIZ_SAVE_IN="+s.Dir, "PIWIZ_SAVE_FIRST="+[]string{"alice", "bob"}[i%2])
		began, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		_, err = began.Read(make([]byte, 1)) // on a busy machine it takes long to start
		must(t, err)
		time.Sleep(time.Duration(i%37*(1+i/50)) * time.Millisecond) // any moment is as good as another
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
		h, err := s.Load("bach")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		must(t, err)
		flake, err := os.ReadFile(s.Path("bach", "flake", "piwiz.nix"))
		must(t, err)
		if len(h.PSK) != 1 || h.PSK[h.Host.User].IsZero() || string(flake) != h.Host.User || h.Host.Networks[0].SSID != h.Host.User || h.Lacks(inspect.NoKey) || h.Lacks(inspect.Stop) || h.Lacks(inspect.NoPassword) {
			t.Fatalf("half of each: %v %v %s %v", h.Host, h.PSK, flake, h.Problems)
		}
		want[h.Host.User] = true
	}
	if len(want) < 2 {
		t.Errorf("only %v was ever seen", want)
	}
}

func TestSavesForever(t *testing.T) {
	dir := os.Getenv("PIWIZ_SAVE_IN")
	if dir == "" {
		return // only as the child of the test above
	}
	s := Store{Dir: dir}
	names := []string{"alice", "bob"}
	if names[1] == os.Getenv("PIWIZ_SAVE_FIRST") {
		slices.Reverse(names)
	}
	fmt.Println("it begins")
	for {
		for _, name := range names {
			h := saved(t, "bach")
			h.Host.User = name
			h.Host.Networks = []nixgen.Network{{SSID: name, Security: wifi.WPA2}}
			h.PSK = map[string]wifi.Secret{name: wifi.NewSecret(strings.Repeat("ab", 32))}
			if _, err := s.Save(h, flakeOf(name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// And with a disk that is really full.
func TestAFullDiskLosesNothing(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("mounts a small tmpfs, as root; PIWIZ_REAL=1 runs it")
	}
	dir := t.TempDir()
	must(t, syscall.Mount("none", dir, "tmpfs", 0, "size=128k,mode=700"))
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	s := Store{Dir: filepath.Join(dir, "hosts")}
	h := saved(t, "bach")
	_, err := s.Save(h, flakeOf("1"))
	must(t, err)
	failed := 0
	for room := 0; room < 120<<10; room += 4 << 10 {
		was := state(t, s)
		must(t, os.RemoveAll(filepath.Join(dir, "ballast")))
		f, err := os.Create(filepath.Join(dir, "ballast"))
		must(t, err)
		for size := 0; size < room; size += 4096 { // until it is full, or nearly
			if _, err := f.Write(make([]byte, 4096)); err != nil {
				break
			}
		}
		must(t, f.Close())
		next := saved(t, "bach")
		next.PSK = map[string]wifi.Secret{`a "b" \ c`: wifi.NewSecret(strings.Repeat(fmt.Sprintf("%02x", room>>12), 32))}
		_, err = s.Save(next, flakeOf(strings.Repeat("x", room>>10)))
		must(t, os.RemoveAll(filepath.Join(dir, "ballast")))
		if got := state(t, s); err != nil {
			failed++
			if got != was {
				t.Fatalf("%v, and not as it was:\n%s", err, got)
			}
		}
	}
	if failed == 0 {
		t.Error("the disk was never full")
	}
}

func TestSecretsAreKeptWhenTheyChange(t *testing.T) {
	s := Store{Dir: filepath.Join(quickDir(t), "hosts")}
	h := saved(t, "bach")
	ssid := h.Host.Networks[0].SSID
	_, err := s.Save(h, nil)
	must(t, err)
	for i := range 20 {
		h.PSK = map[string]wifi.Secret{ssid: wifi.NewSecret(strings.Repeat(fmt.Sprintf("%02x", i), 32))}
		before, _ := os.ReadFile(s.Path("bach", layout.Wifi))
		dir, err := s.Save(h, nil)
		must(t, err)
		copied, err := os.ReadFile(filepath.Join(dir, "wifi.toml"))
		if err != nil || string(copied) != string(before) {
			t.Fatalf("%d: %v %q", i, err, copied)
		}
		if st, _ := os.Stat(filepath.Join(dir, "ssh_host_ed25519_key")); st == nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%v", st)
		}
	}
	h.Host.User = "bob" // no secret is lost by that
	if kept, err := s.Save(h, nil); kept != "" || err != nil {
		t.Error(kept, err)
	}
	dirs, _ := filepath.Glob(s.Path("bach", "secrets", keptPrefix+"*"))
	if len(dirs) != kept.Most {
		t.Errorf("%d are kept: %v", len(dirs), dirs)
	}
	h.Host.Networks, h.PSK = nil, nil
	last, err := s.Save(h, nil)
	if text, _ := os.ReadFile(filepath.Join(last, "wifi.toml")); err != nil || !strings.Contains(string(text), "1313") {
		t.Error("the passwords of a host that loses its networks are gone", err)
	}
	if dirs2, _ := filepath.Glob(s.Path("bach", "secrets", keptPrefix+"*")); len(dirs2) != kept.Most {
		t.Errorf("%d are kept", len(dirs2))
	}
}
