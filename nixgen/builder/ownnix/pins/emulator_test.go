package pins

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/builder/ownnix/nixcache/cachetest"
)

func deb(files ...[2]string) []byte {
	b := []byte("!<arch>\n")
	for _, f := range files {
		b = append(b, fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10d`\n", f[0], 0, 0, 0, "100644", len(f[1]))...)
		b = append(b, f[1]...)
		if len(f[1])%2 == 1 {
			b = append(b, '\n')
		}
	}
	return b
}

func TestTheEmulatorIsTakenOutOfItsPackage(t *testing.T) {
	tarOf := func(name, text string, kind byte) string {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		head := tar.Header{Name: name, Typeflag: kind, Mode: 0o755, Size: int64(len(text))}
		if kind != tar.TypeReg {
			head.Size, head.Linkname, text = 0, text, ""
		}
		if err := errors.Join(w.WriteHeader(&head), func() error { _, err := w.Write([]byte(text)); return err }(), w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	right := tarOf("./usr/bin/qemu", "emulator", tar.TypeReg)
	pack := func(how, text string) string { return string(cachetest.Pack(t, how, []byte(text))) }
	const begin = "debian-binary"
	for what, a := range map[string]struct {
		deb []byte
		ok  bool
	}{
		"as it is":        {deb([2]string{begin, "2.0\n"}, [2]string{"control.tar.xz", "odd"}, [2]string{"data.tar", right}), true},
		"in xz":           {deb([2]string{begin, "2.0\n"}, [2]string{"data.tar.xz", pack("xz", right)}), true},
		"in zstd":         {deb([2]string{begin, "2.0\n"}, [2]string{"data.tar.zst/", pack("zstd", right)}), true},
		"in lzma":         {deb([2]string{begin, "2.0\n"}, [2]string{"data.tar.lzma", right}), false},
		"another name":    {deb([2]string{"data.tar", tarOf("usr/bin/other", "emulator", tar.TypeReg)}), false},
		"a link":          {deb([2]string{"data.tar", tarOf("usr/bin/qemu", "/bin/sh", tar.TypeSymlink)}), false},
		"no data":         {deb([2]string{begin, "2.0\n"}), false},
		"cut":             {deb([2]string{"data.tar", right})[:8+60+512+4], false},
		"no package":      {[]byte("PK\x03\x04 something else"), false},
		"an endless size": {append([]byte("!<arch>\n"), fmt.Sprintf("%-48s%-10s`\n", "control", "9999999999")...), false},
	} {
		from, dir := filepath.Join(t.TempDir(), "deb"), t.TempDir()
		if err := os.WriteFile(from, a.deb, 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(a.deb)
		p := Pin{Emulator: Emulator{URL: from, SHA256: hex.EncodeToString(sum[:]), Program: "usr/bin/qemu"}}
		err := p.FetchEmulator(t.Context(), filepath.Join(dir, "qemu"), nil)
		got, _ := os.ReadFile(filepath.Join(dir, "qemu"))
		left, _ := os.ReadDir(dir)
		if (err == nil) != a.ok || a.ok != (string(got) == "emulator") || len(left) != map[bool]int{true: 1}[a.ok] {
			t.Errorf("%s: %q, %v, left %v", what, got, err, left)
		}
		p.Emulator.SHA256 = strings.Repeat("0", 64)
		if err := p.FetchEmulator(t.Context(), filepath.Join(dir, "other"), nil); err == nil {
			t.Errorf("%s: another hash was taken", what)
		}
	}
	if err := (Pin{}).FetchEmulator(t.Context(), "x", nil); err == nil {
		t.Error("no package was fetched")
	}
}
