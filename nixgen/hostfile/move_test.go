package hostfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile/layout"
)

// rendered stands for nixgen.Files, which knows the boards.
func rendered(h nixgen.Host) ([]nixgen.File, error) { return flakeOf("about " + h.Name), nil }

var testKey, _ = age.GenerateX25519Identity()

// exported is a host bach in an export, with a user of another name.
func exported(t *testing.T) []byte {
	t.Helper()
	s := Store{Dir: filepath.Join(quickDir(t), "hosts")}
	h := saved(t, "bach")
	h.Host.User = "exported"
	_, err := s.Save(h, flakeOf("exported"))
	must(t, err)
	var b bytes.Buffer
	_, err = s.Export(&b, "bach", testKey.Recipient())
	must(t, err)
	return b.Bytes()
}

func TestAMoveHappensWhollyOrNotAtAll(t *testing.T) {
	file, old := exported(t), saved(t, "bach")
	for name, do := range map[string]func(Store) error{
		"rename": func(s Store) error { return s.Rename("bach", "haydn", rendered) },
		"forget": func(s Store) error { return s.Forget("bach") },
		"import": func(s Store) error {
			_, _, err := s.Import(bytes.NewReader(file), "haydn", false, rendered, testKey)
			return err
		},
		"import over it": func(s Store) error {
			_, _, err := s.Import(bytes.NewReader(file), "", true, rendered, testKey)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			happensOrNot(t, func() Store {
				s := Store{Dir: filepath.Join(quickDir(t), "hosts")}
				_, err := s.Save(old, flakeOf("1"))
				must(t, err)
				return s
			}, do)
		})
	}
}

// A rename that cannot be finished says so, and how it is.
func TestARenameThatIsNotFinishedSaysHowToFinishIt(t *testing.T) {
	s := one(t)
	s.disk.Before = func(step, path string) error {
		if strings.HasPrefix(path, s.Path("haydn", "flake")) {
			return &fs.PathError{Op: step, Path: path, Err: fs.ErrPermission}
		}
		return nil
	}
	err := s.Rename("bach", "haydn", rendered)
	if err == nil || !strings.Contains(hintsOf(err), "chmod -R u+rwX "+s.Path("haydn")) || !strings.Contains(hintsOf(err), "piwiz hosts") {
		t.Errorf("%v\n%s", err, hintsOf(err))
	}
	s.disk.Before = nil
	if h, err := s.Load("haydn"); err != nil || len(h.Problems) > 0 {
		t.Error(err, h.Problems)
	}
}

func TestAnotherNameIsTheSameHost(t *testing.T) {
	s := Store{Dir: filepath.Join(quickDir(t), "hosts")}
	h := saved(t, "bach")
	_, err := s.Save(h, flakeOf("1"))
	must(t, err)
	must(t, os.WriteFile(s.Path("bach", layout.Configuration), []byte("mine"), 0o644))
	must(t, os.Symlink("/nix/store/x", s.Path("bach", "result")))
	key, _ := os.ReadFile(s.Path("bach", layout.Key))
	must(t, s.Rename("bach", "haydn", rendered))
	got, err := s.Load("haydn")
	must(t, err)
	own, _ := s.ReadConfiguration("haydn")
	flake, _ := os.ReadFile(s.Path("haydn", "flake", "flake.nix"))
	again, _ := os.ReadFile(s.Path("haydn", layout.Key))
	if len(got.Problems) > 0 || got.Identity.Fingerprint() != h.Identity.Fingerprint() || own != "mine" || string(flake) != "about haydn" || !bytes.Equal(key, again) || !strings.HasSuffix(got.Host.HostKey, " root@haydn") {
		t.Errorf("%+v %q %q", got, own, flake)
	}
	if layout.Exists(s.Path("haydn", "result")) || layout.Exists(s.Path("bach")) {
		t.Error("the image of the old name, or the old folder, is there")
	}
	for _, c := range []struct{ from, to, says string }{
		{"bach", "x", "no saved host bach"},
		{"haydn", "Haydn", "lowercase"},
		{"haydn", "haydn", "already"},
		{"haydn", "../x", "not a valid host name"},
		{"haydn", "mozart", "already"},
	} {
		must(t, os.MkdirAll(s.Path("Mozart"), 0o700))
		if err := s.Rename(c.from, c.to, rendered); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestForgettingLeavesNothing(t *testing.T) {
	s := Store{Dir: filepath.Join(quickDir(t), "data", "hosts")}
	for i := range 3 {
		h := saved(t, "bach")
		h.Host.User = string(rune('a' + i))
		_, err := s.Save(h, flakeOf("1"))
		must(t, err)
	}
	_, _, err := s.Import(bytes.NewReader(exported(t)), "", true, rendered, testKey)
	must(t, err)
	other := saved(t, "bach-2") // a name that begins like it
	_, err = s.Save(other, flakeOf("1"))
	must(t, err)
	// A backup made of hard links is another file of the user's.
	linked := filepath.Join(filepath.Dir(filepath.Dir(s.Dir)), "backup")
	must(t, os.Link(s.Path("bach", layout.Wifi), linked))
	was, _ := os.ReadFile(linked)
	must(t, s.Forget("bach"))
	if is, _ := os.ReadFile(linked); !bytes.Equal(is, was) {
		t.Error("the backup was overwritten")
	}
	left := picture(t, filepath.Dir(s.Dir))
	if strings.Contains(left, "/bach ") || strings.Contains(left, "/bach.") || strings.Contains(left, layout.Forgetting) || !strings.Contains(left, "/bach-2 ") {
		t.Error(left)
	}
	if err := s.Forget("bach"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	must(t, os.Symlink(s.Path("bach-2"), s.Path("haydn")))
	if err := s.Forget("haydn"); err == nil || !layout.Exists(s.Path("bach-2", layout.Wifi)) {
		t.Errorf("a link was followed: %v", err)
	}
}

// What the system refuses is not the fault of the file.
func TestAFullDiskIsNotADamagedExport(t *testing.T) {
	for errno, hint := range map[syscall.Errno]string{syscall.ENOSPC: "df -h /", syscall.EDQUOT: "quota -s", syscall.EIO: "dmesg", syscall.EROFS: "findmnt -T /", syscall.ENAMETOOLONG: "shorter name", syscall.EMFILE: "ulimit -n"} {
		err := unwritten("/nowhere/hosts", fmt.Errorf("unpack: %w", &fs.PathError{Op: "write", Path: "x", Err: errno}))
		if err == nil || errors.Is(err, ErrNoExport) || !strings.Contains(hintsOf(err), hint) {
			t.Errorf("%v\n%s", err, hintsOf(err))
		}
	}
	for _, err := range []error{nil, io.ErrUnexpectedEOF, errors.New("x")} {
		if err := unwritten("/x/y", err); err != nil {
			t.Error(err)
		}
	}
}
