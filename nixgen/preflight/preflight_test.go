package preflight

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/aarch64"
)

// system makes a computer out of files; a name that ends in / is a folder.
func system(t *testing.T, osRelease string, names ...string) Computer {
	t.Helper()
	root := t.TempDir()
	for _, name := range append(names, "etc/os-release") {
		path := filepath.Join(root, name)
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(osRelease), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := at(root)
	c.user = "alice"
	return c
}

const (
	nixos  = "ID=nixos\nVERSION_ID=\"26.05\"\n"
	debian = "ID=debian\nVERSION_ID=\"13\"\n"
	old    = "ID=debian\nVERSION_ID=\"12\"\n"
	ubuntu = "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\n"
	mint   = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"22\"\n"
	fedora = "ID=fedora\nVERSION_ID=44\n"
	arch   = "ID=arch\n"
	other  = "ID=void\n"
	booted = "run/systemd/system/"
	unit   = "usr/lib/systemd/system/nix-daemon.service"
	socket = "usr/lib/systemd/system/nix-daemon.socket"
)

func TestEachSystemIsToldItsOwnWayToGetNix(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, c := range []struct{ release, want string }{
		{nixos, "nix.enable = true;"},
		{debian, "apt-get install nix-setup-systemd && sudo usermod -aG nix-users alice"},
		{ubuntu, "apt-get install nix-setup-systemd"},
		{old, "https://nixos.org/nix/install"},
		{mint, "https://nixos.org/nix/install"},
		{fedora, "dnf install nix nix-daemon"},
		{arch, "pacman -S nix"},
		{other, "--no-daemon"},
	} {
		names := []string{booted}
		if c.release == other {
			names = nil
		}
		_, err := system(t, c.release, names...).Nix(t.Context())
		var p *Problem
		if !errors.As(err, &p) || p.Why == "" || !strings.Contains(strings.Join(p.Hints(), "\n"), c.want) {
			t.Errorf("%s: %v, want %q", c.release, p, c.want)
		}
	}
}

func TestEachSystemIsToldItsOwnWayToAllowTheBuild(t *testing.T) {
	for _, c := range []struct {
		release string
		files   []string
		want    string
	}{
		{nixos, []string{booted, unit}, `boot.binfmt.emulatedSystems = [ "aarch64-linux" ];`},
		{debian, []string{booted, unit}, "sudo tee -a /etc/nix/nix.conf && sudo systemctl restart nix-daemon.service"},
		{fedora, []string{booted, unit, "etc/nix/nix.custom.conf"}, "sudo tee -a /etc/nix/nix.custom.conf && "},
		{other, nil, "restart the Nix service (nix-daemon)"},
	} {
		got := system(t, c.release, c.files...).setting("extra-extra-platforms", aarch64.System, "boot.binfmt.emulatedSystems")
		if text := strings.Join(append(got.todo, got.command), "\n"); !strings.Contains(text, c.want) {
			t.Errorf("%s: %s", c.release, text)
		}
		if isNixos := c.release == nixos; isNixos != (got.command == "") {
			t.Errorf("%s: a command to run: %q", c.release, got.command)
		}
	}
}

func TestEachSystemIsToldItsOwnWayToStartTheService(t *testing.T) {
	for _, c := range []struct {
		release        string
		files          []string
		start, restart string
	}{
		{nixos, []string{booted}, "sudo systemctl start nix-daemon.socket", "sudo systemctl stop nix-daemon.service nix-daemon.socket; sudo systemctl start nix-daemon.socket"},
		{arch, []string{booted, unit, socket}, "enable --now nix-daemon.socket", "sudo systemctl stop nix-daemon.service nix-daemon.socket; sudo systemctl start nix-daemon.socket"},
		{fedora, []string{booted, unit}, "enable --now nix-daemon.service", "restart nix-daemon.service"},
		{fedora, []string{booted}, "dnf install nix-daemon", "dnf install nix-daemon"},
		{debian, []string{booted}, "apt-get install nix-setup-systemd", "apt-get install nix-setup-systemd"},
		{other, []string{unit}, "sudo nix-daemon", "sudo nix-daemon"},
	} {
		s := system(t, c.release, c.files...)
		for _, x := range []struct {
			got  remedy
			want string
		}{{s.start(), c.start}, {s.restart(), c.restart}} {
			if text := strings.Join(append(x.got.todo, x.got.command), "\n"); !strings.Contains(text, x.want) {
				t.Errorf("%s: %q, want %q", c.release, text, x.want)
			}
		}
	}
}

func TestRoomNamesThePlaceThatIsTooSmall(t *testing.T) {
	found, err := judge(collectGarbage, []place{{"/nix/store", 20e9, roomStore + roomBuild}})
	if err != nil || !strings.Contains(found, "20.0 GB in /nix/store") {
		t.Errorf("%q, %v", found, err)
	}
	_, err = judge(collectGarbage, []place{{"/nix/store", 20e9, roomStore}, {"/tmp", 4e9, roomBuild}})
	var p *Problem
	if !errors.As(err, &p) || !strings.Contains(p.Headline, "4.0 GB are free in /tmp, up to 9.0 GB are needed") || strings.Contains(p.Headline, "/nix/store") || p.Runs {
		t.Errorf("%+v", p)
	}
	_, err = judge(collectGarbage, []place{{"/nix/store", 14.9e9, roomStore + roomBuild}})
	if !errors.As(err, &p) || !strings.Contains(p.Headline, "14.9 GB are free") || !p.Runs || p.Todo[0] != "nix-collect-garbage" {
		t.Errorf("%+v", p)
	}
}

func TestLittleMemoryIsAWarningWithTheNumbers(t *testing.T) {
	for _, c := range []struct {
		meminfo string
		little  bool
	}{
		{"MemTotal: 8000000 kB\nMemAvailable:    3000000 kB\nSwapFree:   2000000 kB\n", false},
		{"MemTotal: 8000000 kB\nMemAvailable:    3000000 kB\nSwapFree:   0 kB\n", true},
	} {
		s := system(t, debian)
		if err := os.MkdirAll(filepath.Join(s.root, "proc"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.root, "proc/meminfo"), []byte(c.meminfo), 0o644); err != nil {
			t.Fatal(err)
		}
		found, err := s.Memory(t.Context())
		var p *Problem
		switch {
		case !c.little && (err != nil || !strings.Contains(found, "3.1 GB of memory and 2.0 GB of swap")):
			t.Errorf("%q, %v", found, err)
		case c.little && (!errors.As(err, &p) || !p.Warning || !strings.Contains(p.Headline, "3.1 GB") || !p.Runs || !strings.Contains(p.Todo[0], "swapon")):
			t.Errorf("%+v", p)
		}
	}
}

func TestACacheThatDoesNotAnswerRightIsAWarning(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/nix-cache-info" || r.Method != http.MethodHead {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()
	if found, err := Cache(t.Context(), server.URL+"/nix-cache-info"); err != nil || found == "" {
		t.Errorf("%q, %v", found, err)
	}
	_, err := Cache(t.Context(), server.URL+"/portal")
	var p *Problem
	if !errors.As(err, &p) || !p.Warning || !strings.Contains(p.Headline, "403") {
		t.Errorf("%+v", err)
	}
	server.Close()
	if _, err = Cache(t.Context(), server.URL); !errors.As(err, &p) || !p.Warning || !strings.Contains(p.Headline, "cannot be reached") {
		t.Errorf("%+v", err)
	}
}

func TestWithoutNixOnlyTheFirstCauseIsTold(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	c := This()
	for name, check := range map[string]func(context.Context) (string, error){"daemon": c.Daemon, "platform": c.Platform} {
		if _, err := check(t.Context()); !errors.Is(err, ErrEarlier) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Room(t.Context()); errors.Is(err, ErrEarlier) {
		t.Error("room was not looked at")
	}
}

func TestACacheMayBeAFolder(t *testing.T) {
	dir := t.TempDir()
	address := "file://" + dir + "/nix-cache-info"
	var p *Problem
	if _, err := Cache(t.Context(), address); !errors.As(err, &p) || !p.Warning || !strings.Contains(p.Headline, dir) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "nix-cache-info"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := Cache(t.Context(), address); err != nil || said != "Ready-made packages are taken from "+dir+"." {
		t.Errorf("%q, %v", said, err)
	}
}

func TestTheRoomOfANixInAFolderIsThatOfTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not/yet/there/nix")
	said, err := This().RoomIn(dir, "piwiz own-nix gc")
	p, few := errors.AsType[*Problem](err)
	switch {
	case err == nil && strings.Contains(said, dir): // there is room
	case few && p.Runs && p.Todo[0] == "piwiz own-nix gc" && strings.Contains(p.Headline, dir) && strings.Contains(strings.Join(p.Todo, ""), "--own-nix-dir"):
	default:
		t.Errorf("%q, %v", said, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was made")
	}
}
