package ownnix

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRealNothingOfAnotherNixIsReadAndTheSandboxIsOn(t *testing.T) {
	if !alone(t) {
		return
	}
	conf := filepath.Join(t.TempDir(), "nix", "nix.conf")
	if err := os.MkdirAll(filepath.Dir(conf), 0o755); err != nil {
		t.Fatal(err)
	}
	const theirs = "sandbox = false\nsandbox-fallback = true\nsubstituters = https://theirs.example\nbuilders = ssh://theirs.example\ntarball-ttl = 77\n"
	if err := os.WriteFile(conf, []byte(theirs), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"NIX_CONFIG": theirs, "NIX_USER_CONF_FILES": conf, "NIX_CONF_DIR": filepath.Dir(conf), "XDG_CONFIG_HOME": filepath.Dir(filepath.Dir(conf)),
		"NIX_REMOTE": "ssh://theirs.example", "NIX_PATH": "nixpkgs=/theirs", "NIX_STORE_DIR": "/theirs", "LD_LIBRARY_PATH": "/theirs", "LD_PRELOAD": "/theirs",
		"https_proxy": "http://127.0.0.1:9", "NO_PROXY": "example.org", "SECRET": "x",
	} {
		t.Setenv(name, value)
	}
	n := own(t)
	if err := n.Fetch(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	h, _ := n.here()
	p, err := n.program(h)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := p.run(t.Context(), nil, "nix", "config", "show")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sandbox = true", "sandbox-fallback = false", "builders = @/nix/etc/machines", "substituters = file://" + os.Getenv("PIWIZ_RIG") + "/cache", "tarball-ttl = 3600", "flake-registry = ", "extra-platforms = aarch64-linux"} {
		if !strings.Contains("\n"+shown+"\n", "\n"+want+"\n") && !strings.Contains("\n"+shown, "\n"+strings.TrimSuffix(want, " ")+"\n") {
			t.Errorf("no %q in\n%s", want, shown)
		}
	}
	if strings.Contains(shown, "theirs") {
		t.Error(shown)
	}
	var names []string
	for _, v := range p.env() {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	for _, name := range []string{"NIX_PATH", "NIX_STORE_DIR", "LD_LIBRARY_PATH", "LD_PRELOAD", "SECRET", "XDG_CONFIG_HOME"} {
		if slices.Contains(names, name) {
			t.Errorf("%s goes in", name)
		}
	}
	for _, name := range []string{"https_proxy", "NO_PROXY"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s does not go in", name)
		}
	}
}

// A company's certificates may be anywhere, and links lead to them.
func TestTheUsersCertificatesAreShown(t *testing.T) {
	dir := t.TempDir()
	file, name := filepath.Join(dir, "company.pem"), filepath.Join(dir, "link.pem")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("company.pem", name); err != nil {
		t.Fatal(err)
	}
	n := Nix{Dir: filepath.Join(dir, "nix")}
	if err := os.Mkdir(n.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NIX_SSL_CERT_FILE", name)
	p, err := n.program(here{CACert: "/nix/store/x/ca.crt"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(p.space.Folders, file) || !slices.Contains(p.env(), "NIX_SSL_CERT_FILE="+file) {
		t.Errorf("%v\n%v", p.space.Folders, p.env())
	}
	// Where a computer has none, those that came with Nix do.
	all := bundles
	defer func() { bundles = all }()
	bundles = nil
	t.Setenv("NIX_SSL_CERT_FILE", filepath.Join(dir, "none"))
	t.Setenv("SSL_CERT_FILE", "")
	if got := certificates(here{CACert: "/nix/store/x/ca.crt"}); got != "/nix/store/x/ca.crt" {
		t.Error(got)
	}
}

func TestTheFoldersThatAFlakeNamesAreShown(t *testing.T) {
	o := flakeOf(t, "bach", t.TempDir(), "x", "")
	o.Nixpkgs = "path:/my/nix%20pkgs?dir=x"
	text := `{ inputs.a.url = "path:/a%20b/c?narHash=x"; inputs.b = { type = "path"; path = "/d e"; }; inputs.c.url = "path:./here"; inputs.d.url = "github:x/y"; }`
	if err := os.WriteFile(filepath.Join(o.Flake, "flake.nix"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := inputs(o); !slices.Equal(got, []string{o.Flake, "/my/nix pkgs", "/a b/c", "/d e"}) {
		t.Errorf("%q", got)
	}
}
