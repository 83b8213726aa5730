package hostfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen"
	"piwiz/nixgen/hostfile/inspect"
	"piwiz/nixgen/hostfile/layout"
	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/wifi"
)

func saved(t *testing.T, name string) Saved {
	t.Helper()
	id, err := keypair.ForHost(name)
	if err != nil {
		t.Fatal(err)
	}
	return Saved{
		Host: nixgen.Host{Name: name, Board: nixgen.Pi4, User: "alice", Keys: []string{id.PublicLine()}, HostKey: id.PublicLine(), Networks: []nixgen.Network{{SSID: `a "b" \ c`, Security: wifi.WPA2}}},
		PSK:  map[string]wifi.Secret{`a "b" \ c`: wifi.NewSecret(strings.Repeat("0f", 32))}, Identity: id,
	}
}

func TestAHostComesBackAsItWasSaved(t *testing.T) {
	s := Store{Dir: filepath.Join(t.TempDir(), "hosts")}
	h := saved(t, "bach")
	for range 2 { // the second time over the first
		if kept, err := s.Save(h, nil); err != nil || kept != "" {
			t.Fatal(kept, err)
		}
	}
	got, err := s.Load("bach")
	if err != nil {
		t.Fatal(err)
	}
	if got.Identity.PublicLine() != h.Identity.PublicLine() || got.PSK[`a "b" \ c`].Reveal() != strings.Repeat("0f", 32) || got.Host.Networks[0] != h.Host.Networks[0] {
		t.Errorf("%+v", got)
	}
	answers, _ := os.ReadFile(s.Path("bach", "host.toml"))
	if bytes.Contains(answers, []byte("0f0f")) || bytes.Contains(answers, []byte("PRIVATE")) {
		t.Error("host.toml holds a secret")
	}
	for file, mode := range map[string]fs.FileMode{"secrets": 0o700, "secrets/wifi.toml": 0o600, "secrets/ssh_host_ed25519_key": 0o600, "host.toml": 0o600} {
		if st, err := os.Stat(s.Path("bach", file)); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", file, st, err)
		}
	}
}

func TestABrokenHostDoesNotHideTheOthers(t *testing.T) {
	s := Store{Dir: t.TempDir()}
	if _, err := s.Save(saved(t, "good"), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.Path("bad"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Path("bad", "host.toml"), []byte("name = \"bad\"\nwrong_key = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found, problems, err := s.List()
	if err != nil || len(found) != 1 || len(problems) != 1 || !strings.Contains(problems[0].Error(), "wrong_key") || !strings.Contains(problems[0].Error(), "bad/host.toml") {
		t.Errorf("%v %v %v", found, problems, err)
	}
	if _, err := s.Load("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, evil := range []string{"../x", "", "a/b", "."} {
		if _, err := s.Load(evil); err == nil {
			t.Errorf("%q was looked up", evil)
		}
	}
}

func TestTheUsersOwnFileIsNeverOverwritten(t *testing.T) {
	s, h := Store{Dir: filepath.Join(t.TempDir(), "hosts")}, saved(t, "bach")
	files := []nixgen.File{{Name: "piwiz.nix", Text: "1"}, {Name: "configuration.nix", Text: "theirs to be", Once: true}}
	own, err := s.EditConfiguration("bach", files[1].Text)
	if err != nil {
		t.Fatal(err)
	}
	if found, _, _ := s.List(); len(found) != 0 {
		t.Error("a draft made a host")
	}
	for i, text := range []string{"mine", "changed"} { // before the host is saved, and after
		if err := os.WriteFile(own, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		files[0].Text = text
		if _, err := s.Save(h, files); err != nil {
			t.Fatal(err)
		}
		got, _ := s.ReadConfiguration("bach")
		module, _ := os.ReadFile(s.Path("bach", "flake", "piwiz.nix"))
		if got != text || string(module) != text {
			t.Errorf("%d: %q %q", i, got, module)
		}
		if own, err = s.EditConfiguration("bach", "never"); err != nil || own != s.Path("bach", layout.Configuration) {
			t.Error(own, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAConfigurationThatWasThereBeforehandIsUsed(t *testing.T) {
	s := Store{Dir: filepath.Join(quickDir(t), "hosts")}
	must(t, os.MkdirAll(s.Path("bach", "flake"), 0o755))
	must(t, os.WriteFile(s.Path("bach", layout.Configuration), []byte("mine"), 0o644))
	if _, err := s.Load("bach"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, problems, _ := s.List(); len(problems) != 1 || problems[0].Kind != inspect.Note || len(problems[0].Todo) == 0 {
		t.Error(problems)
	}
	_, err := s.Save(saved(t, "bach"), flakeOf("1"))
	must(t, err)
	if own, _ := s.ReadConfiguration("bach"); own != "mine" {
		t.Error(own)
	}
	if h, err := s.Load("bach"); err != nil || len(h.Problems) > 0 {
		t.Error(err, h.Problems)
	}
}
