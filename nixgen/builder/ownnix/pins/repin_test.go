package pins

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/builder/ownnix/nixcache/cachetest"
)

func releases(t *testing.T) (table, map[string]*made) {
	t.Helper()
	dir := t.TempDir()
	at := filepath.Join(dir, "nix-2.99.1")
	if err := os.Mkdir(at, 0o700); err != nil {
		t.Fatal(err)
	}
	c := cachetest.New(t, "k")
	all, list := map[string]*made{}, "{\n"
	for _, system := range systems {
		m := newRelease(t, c, system)
		file := filepath.Join(at, "nix-2.99.1-"+system+".tar.xz")
		m.pack(t, file)
		if err := os.WriteFile(file+".sha256", []byte(m.pin.Tarball.SHA256), 0o600); err != nil {
			t.Fatal(err)
		}
		all[system], list = m, list+fmt.Sprintf("  %s = %q;\n", system, m.pin.Path)
	}
	list += "  riscv64-linux = \"/nix/store/00000000000000000000000000000000-nix-riscv64-unknown-linux-gnu-2.99.1\";\n  x86_64-darwin = \"/nix/store/00000000000000000000000000000000-nix-2.99.1\";\n}\n"
	if err := os.WriteFile(filepath.Join(at, "fallback-paths.nix"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	old, err := parse(embedded)
	if err != nil {
		t.Fatal(err)
	}
	old.Releases, old.Caches, old.Keys = "file://"+dir, []string{c.URL()}, []string{c.Key.String()}
	return old, all
}

func TestRepinWritesATableOfWhatItFetched(t *testing.T) {
	old, all := releases(t)
	text, err := old.repin(t.Context(), "2.99.1", nixcache.Cache{})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := parse(text)
	if err != nil || len(fresh.Nix) != 2 || !reflect.DeepEqual(fresh.Emulator, old.Emulator) || !reflect.DeepEqual(fresh.Keys, old.Keys) {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, n := range fresh.Nix {
		m := all[n.System]
		if n.Path != m.pin.Path || n.CACert != m.pin.CACert || n.NarHash == "" || !n.Fetched || !n.Tarball.Fetched || n.Tarball.SHA256 != m.pin.Tarball.SHA256 {
			t.Errorf("%+v", n)
		}
		p, err := fresh.pin(n.System)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.FetchTarball(t.Context(), store(t), nil); err != nil {
			t.Error(err)
		}
		if _, err := p.Closure(t.Context(), p.Cache()); err != nil {
			t.Error(err)
		}
	}
}

func TestRepinTrustsOnlySignatures(t *testing.T) {
	other := cachetest.New(t, "other")
	for what, change := range map[string]func(old *table, m *made, at string){
		"a path that is not signed": func(_ *table, m *made, _ string) {
			m.cache.Write(t, m.pin.Path, strings.ReplaceAll(m.cache.Narinfo(t, m.pin.Path), "Sig: ", "Sig: x"))
		},
		"certificates that are not signed": func(_ *table, m *made, _ string) {
			m.cache.Write(t, m.pin.CACert, strings.ReplaceAll(m.cache.Narinfo(t, m.pin.CACert), "Sig: ", "Sig: x"))
		},
		"signed by others": func(old *table, _ *made, _ string) { old.Keys = []string{other.Key.String()} },
		"an older Nix": func(_ *table, m *made, at string) {
			rewrite(t, at+"/fallback-paths.nix", m.pin.Path, "/nix/store/00000000000000000000000000000000-nix-2.3")
		},
		"a path that is none": func(_ *table, m *made, at string) {
			rewrite(t, at+"/fallback-paths.nix", m.pin.Path, "/nix/store/evil-nix-2.99.1")
		},
		"no list":       func(_ *table, _ *made, at string) { _ = os.Remove(at + "/fallback-paths.nix") },
		"an empty list": func(_ *table, _ *made, at string) { _ = os.Truncate(at+"/fallback-paths.nix", 0) },
		"no tarball":    func(_ *table, m *made, at string) { _ = os.Remove(at + "/nix-2.99.1-" + m.pin.System + ".tar.xz") },
		"no sum": func(_ *table, m *made, at string) {
			_ = os.Remove(at + "/nix-2.99.1-" + m.pin.System + ".tar.xz.sha256")
		},
		"another tarball": func(_ *table, m *made, at string) {
			m.text[m.top+"/store/"+filepath.Base(m.pin.Path)+"/bin/nix"] = "evil"
			m.pack(t, at+"/nix-2.99.1-"+m.pin.System+".tar.xz")
			_ = os.WriteFile(at+"/nix-2.99.1-"+m.pin.System+".tar.xz.sha256", []byte(m.pin.Tarball.SHA256+"  file\n"), 0o600)
		},
		"a tarball and its list": func(_ *table, m *made, at string) {
			evil := cachetest.Tree(t, map[string]string{"bin/nix*": "evil", "etc/conf": "a b", "etc/none": ""})
			sum := sha256.Sum256(evil)
			m.text[m.top+"/store/"+filepath.Base(m.pin.Path)+"/bin/nix"] = "evil"
			for i := range m.infos {
				if m.infos[i].Path == m.pin.Path {
					m.infos[i].NarHash, m.infos[i].NarSize = "sha256:"+nar.Encode32(sum[:]), int64(len(evil))
				}
			}
			m.text[m.top+"/.reginfo"] = string(narinfo.Registration(m.infos))
			m.pack(t, at+"/nix-2.99.1-"+m.pin.System+".tar.xz")
			_ = os.WriteFile(at+"/nix-2.99.1-"+m.pin.System+".tar.xz.sha256", []byte(m.pin.Tarball.SHA256), 0o600)
		},
	} {
		old, all := releases(t)
		change(&old, all["aarch64-linux"], strings.TrimPrefix(old.Releases, "file://")+"/nix-2.99.1")
		if text, err := old.repin(t.Context(), "2.99.1", nixcache.Cache{}); err == nil || text != "" {
			t.Errorf("%s: %v\n%s", what, err, text)
		}
	}
	old, _ := releases(t)
	for _, release := range []string{"", "2.99.1/../x", "latest", "2.99.0"} {
		if _, err := old.repin(t.Context(), release, nixcache.Cache{}); err == nil {
			t.Errorf("%q was pinned", release)
		}
	}
}

func rewrite(t *testing.T, file, old, fresh string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(b, []byte(old), []byte(fresh)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRealReleaseIsPinnedFromBothSources(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs a real Nix: .ci/rig/prepare RIG, then PIWIZ_REAL=1 PIWIZ_RIG=RIG go test")
	}
	text, err := os.ReadFile(filepath.Join(os.Getenv("PIWIZ_RIG"), "own-cache/pins.toml"))
	if err != nil {
		t.Fatal(err)
	}
	rig, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := rig.pin("x86_64-linux")
	if err != nil {
		t.Fatal(err)
	}
	if !raced { // then it takes a minute, and .ci/drift pins does the same
		repinned(t, rig, p)
	}
	dir := store(t)
	if err := p.FetchEmulator(t.Context(), filepath.Join(dir, "qemu"), nil); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(filepath.Join(dir, "qemu"), "--version").Output(); err != nil || !strings.HasPrefix(string(out), "qemu-aarch64 version") {
		t.Errorf("%s (%v)", out, err)
	}
}

// repinned pins again what is pinned, from a list, a tarball and a cache.
func repinned(t *testing.T, rig table, p Pin) {
	t.Helper()
	fresh, err := rig.repin(t.Context(), p.Version, nixcache.Cache{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := parse(fresh)
	if err != nil {
		t.Fatal(err)
	}
	if q, err := again.pin("x86_64-linux"); err != nil || q.Path != p.Path || q.NarHash != p.NarHash || q.CACert != p.CACert || q.Tarball.SHA256 != p.Tarball.SHA256 || !q.Tarball.Fetched {
		t.Errorf("%+v became %+v (%v)", p, q, err)
	}
}
