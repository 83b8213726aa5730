package pins

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache/cachetest"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/builder/ownnix/storedir"
	"piwiz/nixgen/fault"
)

func TestTheTarballHasTheSameAsTheCache(t *testing.T) {
	m := newRelease(t, cachetest.New(t, "k"), "x86_64-linux")
	m.pack(t, filepath.Join(t.TempDir(), "tarball"))
	dir := store(t)
	// One path is there already, and what a dead run left.
	if err := m.pin.Cache().Fetch(t.Context(), dir, m.infos[:1], nil); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, storedir.Part+filepath.Base(m.pin.Path), "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	var last meter.Progress
	infos, err := m.pin.FetchTarball(t.Context(), dir, func(p meter.Progress) { last = p })
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(narinfo.Registration(infos), narinfo.Registration(m.infos)) || last.Parts != 1 || last.Bytes == 0 || last.Bytes != last.AllBytes {
		t.Errorf("%+v, at the end %+v", infos, last)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(m.infos) {
		t.Errorf("in the store are %v (%v)", entries, err)
	}
	for _, i := range m.infos {
		sum := sha256.New()
		if err := nar.Dump(sum, filepath.Join(dir, filepath.Base(i.Path))); err != nil || "sha256:"+nar.Encode32(sum.Sum(nil)) != i.NarHash {
			t.Errorf("%s is different (%v)", i.Path, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, filepath.Base(m.pin.Path), "bin/nix")); err != nil || info.Mode() != 0o555 || info.ModTime().Unix() != 1 {
		t.Errorf("%v (%v)", info, err)
	}
}

func TestAHostileTarballLeavesNothing(t *testing.T) {
	reg := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644} }
	for what, change := range map[string]func(m *made, nix, libc string){
		"another hash":  func(m *made, _, _ string) { m.top = "" },
		"a name above":  func(m *made, _, _ string) { m.files = append(m.files, reg("../evil")) },
		"above, hidden": func(m *made, nix, _ string) { m.files = append(m.files, reg(nix+"/../../../../evil")) },
		"out of store":  func(m *made, nix, _ string) { m.files = append(m.files, reg(m.top+"/store/../../evil")) },
		"absolute":      func(m *made, _, _ string) { m.files = append(m.files, reg("/tmp/evil")) },
		"no store path": func(m *made, _, _ string) { m.files = append(m.files, reg(m.top+"/store/evil")) },
		"a hidden name": func(m *made, nix, _ string) {
			m.files = append(m.files, reg(m.top+"/store/"+storedir.Part+filepath.Base(nix)))
		},
		"through a link": func(m *made, nix, _ string) {
			m.files = append(m.files, tar.Header{Name: nix + "/up", Typeflag: tar.TypeSymlink, Linkname: ".."}, reg(nix+"/up/evil"))
		},
		"a folder over a link": func(m *made, nix, _ string) {
			m.files = append(m.files, tar.Header{Name: nix + "/up", Typeflag: tar.TypeSymlink, Linkname: ".."}, tar.Header{Name: nix + "/up", Typeflag: tar.TypeDir, Mode: 0o755}, reg(nix+"/up/evil"))
		},
		"twice": func(m *made, nix, _ string) { m.files = append(m.files, reg(nix+"/bin/nix")) },
		"a device": func(m *made, nix, _ string) {
			m.files = append(m.files, tar.Header{Name: nix + "/null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3})
		},
		"a pipe": func(m *made, nix, _ string) {
			m.files = append(m.files, tar.Header{Name: nix + "/pipe", Typeflag: tar.TypeFifo})
		},
		"a hard link": func(m *made, nix, _ string) {
			m.files = append(m.files, tar.Header{Name: nix + "/hard", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"})
		},
		"without its folder": func(m *made, nix, _ string) { m.files = append(m.files, reg(nix+"/new/file")) },
		"more than listed": func(m *made, nix, _ string) {
			m.files = append(m.files, reg(m.top+"/store/"+strings.Repeat("a", 32)+"-more"))
		},
		"more in a path": func(m *made, nix, _ string) { m.files = append(m.files, reg(nix+"/more")) },
		"less in a path": func(m *made, nix, _ string) {
			m.files = slices.DeleteFunc(m.files, func(h tar.Header) bool { return strings.HasPrefix(h.Name, nix+"/bin/nix") })
		},
		"a path less": func(m *made, _, libc string) {
			m.files = slices.DeleteFunc(m.files, func(h tar.Header) bool { return strings.HasPrefix(h.Name, libc) })
		},
		"another content": func(m *made, nix, _ string) { m.text[nix+"/bin/nix"] += "evil" },
		"another mode": func(m *made, nix, _ string) {
			for i := range m.files {
				if m.files[i].Name == nix+"/etc/conf" {
					m.files[i].Mode = 0o755
				}
			}
		},
		"no list":         func(m *made, _, _ string) { delete(m.text, m.top+"/.reginfo") },
		"half a list":     func(m *made, _, _ string) { m.text[m.top+"/.reginfo"] = m.text[m.top+"/.reginfo"][:200] },
		"a list of noise": func(m *made, _, _ string) { m.text[m.top+"/.reginfo"] = "noise\n" },
		"a reference to what is not there": func(m *made, _, _ string) {
			for i := range m.infos {
				if m.infos[i].Path == m.pin.Path {
					m.infos[i].References = []string{"/nix/store/" + strings.Repeat("a", 32) + "-x"}
				}
			}
			m.text[m.top+"/.reginfo"] = string(narinfo.Registration(m.infos))
		},
		"a list without a path": func(m *made, _, libc string) {
			m.text[m.top+"/.reginfo"] = strings.ReplaceAll(m.text[m.top+"/.reginfo"], filepath.Base(libc), strings.Repeat("a", 32)+"-x")
		},
		"another top":  func(m *made, _, _ string) { m.pin.Version = "2.99.0" },
		"another Nix":  func(m *made, _, _ string) { m.pin.Path = m.pin.CACert },
		"another NAR":  func(m *made, _, _ string) { m.pin.NarHash = "sha256:" + strings.Repeat("0", 52) },
		"another file": func(m *made, _, _ string) { m.files = nil },
	} {
		t.Run(what, func(t *testing.T) {
			m := newRelease(t, cachetest.New(t, "k"), "x86_64-linux")
			pinned := m.pin.NarHash
			libc := m.infos[slices.IndexFunc(m.infos, func(i narinfo.Info) bool { return strings.Contains(i.Path, "glibc") })].Path
			top := m.top
			change(m, top+"/store/"+filepath.Base(m.pin.Path), top+"/store/"+filepath.Base(libc))
			m.pack(t, filepath.Join(t.TempDir(), "tarball"))
			if m.top == "" {
				m.pin.Tarball.SHA256 = strings.Repeat("0", 64)
			}
			if what == "another Nix" {
				m.pin.NarHash = "sha256:" + nar.Encode32(make([]byte, 32))
			}
			parent := store(t)
			dir := filepath.Join(parent, "store")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := m.pin.FetchTarball(t.Context(), dir, nil)
			told, ok := errors.AsType[*fault.Error](err)
			if !ok || len(told.Hints()) == 0 {
				t.Errorf("%v (pinned %q)", err, pinned)
			}
			for _, at := range []string{dir, parent} {
				if left, _ := os.ReadDir(at); len(left) != map[bool]int{true: 0, false: 1}[at == dir] {
					t.Errorf("in %s are %v", at, left)
				}
			}
		})
	}
}

func TestWithoutATarballThereIsNoSecondSource(t *testing.T) {
	_, err := Pin{Version: "1.0"}.FetchTarball(t.Context(), t.TempDir(), nil)
	if told, ok := errors.AsType[*fault.Error](err); !ok || !told.Lacks {
		t.Errorf("%v", err)
	}
}
