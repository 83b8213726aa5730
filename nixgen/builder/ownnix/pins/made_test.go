package pins

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache/cachetest"
)

// made is a small release of Nix in a cache and as a tarball.

type made struct {
	cache *cachetest.Cache
	pin   Pin
	infos []narinfo.Info
	top   string
	files []tar.Header // of the tarball, in order
	text  map[string]string
}

// newRelease makes it for a system.

func newRelease(t testing.TB, c *cachetest.Cache, system string) *made {
	t.Helper()
	m := &made{cache: c, text: map[string]string{}, top: "nix-2.99.1-" + system}
	trees := map[string]map[string]string{
		"glibc-2.41":       {"lib/libc.so*": strings.Repeat("libc", 5000), "lib/libc.so.6": "->libc.so"},
		"nix-2.99.1":       {"bin/nix*": "program for " + system, "etc/conf": "a b", "etc/none": ""},
		"nss-cacert-3.123": {"etc/ssl/certs/ca-bundle.crt": "certificates for " + system},
	}
	var libc string
	for _, name := range []string{"glibc-2.41", "nix-2.99.1", "nss-cacert-3.123"} {
		var refs []string
		if name == "nix-2.99.1" {
			refs = append(refs, libc)
		}
		path := c.Add(t, name, "xz", cachetest.Tree(t, trees[name]), refs...)
		switch name {
		case "glibc-2.41":
			libc = path
		case "nix-2.99.1":
			m.pin.Path = path
		default:
			m.pin.CACert = path
		}
		m.add(filepath.Base(path), trees[name])
	}
	m.pin.Version, m.pin.System, m.pin.Keys, m.pin.Caches = "2.99.1", system, []narinfo.Key{c.Key}, []string{c.URL()}
	infos, err := m.pin.Closure(t.Context(), m.pin.Cache())
	if err != nil {
		t.Fatal(err)
	}
	m.infos = infos
	list := string(narinfo.Registration(infos))
	m.files = append([]tar.Header{{Name: m.top + "/install", Typeflag: tar.TypeReg, Mode: 0o755}, {Name: m.top + "/.reginfo", Typeflag: tar.TypeReg, Mode: 0o644}}, m.files...)
	m.text[m.top+"/install"], m.text[m.top+"/.reginfo"] = "#!/bin/sh\n", list
	return m
}

// add puts a tree into the tarball, with modes as a release has them.

func (m *made) add(base string, files map[string]string) {
	dirs := map[string]bool{}
	names := slices.Sorted(maps.Keys(files))
	m.files = append(m.files, tar.Header{Name: m.top + "/store/" + base + "/", Typeflag: tar.TypeDir, Mode: 0o755})
	for _, name := range names {
		for at := filepath.Dir(name); at != "." && !dirs[at]; at = filepath.Dir(at) {
			dirs[at] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		m.files = append(m.files, tar.Header{Name: m.top + "/store/" + base + "/" + dir + "/", Typeflag: tar.TypeDir, Mode: 0o755})
	}
	for _, name := range names {
		at := m.top + "/store/" + base + "/" + strings.TrimSuffix(name, "*")
		head := tar.Header{Name: at, Typeflag: tar.TypeReg, Mode: 0o644}
		if strings.HasSuffix(name, "*") {
			head.Mode = 0o755
		}
		if to, ok := strings.CutPrefix(files[name], "->"); ok {
			head.Typeflag, head.Linkname = tar.TypeSymlink, to
		} else {
			m.text[at] = files[name]
		}
		m.files = append(m.files, head)
	}
}

// pack writes the tarball and pins it.

func (m *made) pack(t testing.TB, file string) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, head := range m.files {
		if head.Typeflag == tar.TypeReg {
			head.Size = int64(len(m.text[head.Name]))
		}
		if err := w.WriteHeader(&head); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.text[head.Name])[:head.Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	packed := cachetest.Pack(t, "xz", b.Bytes())
	if err := os.WriteFile(file, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(packed)
	m.pin.Tarball = Tarball{URL: "file://" + file, SHA256: hex.EncodeToString(sum[:])}
}

// store is a folder for store paths, in memory where it can be.

func store(t testing.TB) string {
	t.Helper()
	in := "/dev/shm"
	if _, err := os.Stat(in); err != nil {
		in = ""
	}
	dir, err := os.MkdirTemp(in, "piwiz-store-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := nar.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Whatever is in a tarball, even one with the right hash: all of it or nothing.

// Each way that Nix has written a hash.

// releases is a folder as on releases.nixos.org, with a cache.

// A list, a tarball or a cache that somebody changed gives no table.

// deb is a package: ar(5) of these files.
