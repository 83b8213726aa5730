package image

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// sample is an image of 3 MiB: FAT at 1 MiB, root at 2 MiB.
func sample() []byte {
	b := make([]byte, 3<<20)
	for i := range b {
		if i%(1<<20) < 64<<10 { // little, because bzip2 is slow
			b[i] = byte(i*i>>7 ^ i>>11)
		}
	}
	clear(b[440:512])
	put := func(i int, kind byte, start, size uint32) {
		e := b[446+16*i:]
		e[4] = kind
		binary.LittleEndian.PutUint32(e[8:], start)
		binary.LittleEndian.PutUint32(e[12:], size)
	}
	put(0, 0x0b, 2048, 2048)
	put(1, 0x83, 4096, 2048)
	b[510], b[511] = 0x55, 0xaa
	return b
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return e.EncodeAll(data, nil)
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bzipped asks the tool: the standard library cannot pack.
func bzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	if _, err := exec.LookPath("bzip2"); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal("needs bzip2 (apt-get install bzip2)")
		}
		t.Skip("needs bzip2 (apt-get install bzip2)")
	}
	c := exec.Command("bzip2")
	c.Stdin = bytes.NewReader(data)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// readsTwice opens what holds the sample, and reads it from the first byte
// to the last two times.
func readsTwice(t *testing.T, data []byte) *Image {
	t.Helper()
	i, err := Open(write(t, data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	want := sample()
	for range 2 {
		got, err := io.ReadAll(i)
		if err != nil || !bytes.Equal(got, want) || i.Size() != int64(len(want)) && i.Size() != -1 {
			t.Errorf("%d bytes, %v, size %d", len(got), err, i.Size())
		}
		if err := i.Rewind(); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

func TestWhatBzip2PackedReadsTheSame(t *testing.T) {
	data := bzipped(t, sample())
	readsTwice(t, data)
	cutIsAnError(t, data)
}

func TestPlainAndPackedImagesReadTheSame(t *testing.T) {
	want := sample()
	for name, data := range map[string][]byte{"plain": want, "zstd": packed(t, want), "gzip": gzipped(t, want)} {
		t.Run(name, func(t *testing.T) {
			i := readsTwice(t, data)
			if end := i.MBR().End(); end != int64(len(want)) {
				t.Errorf("the last partition ends at %d", end)
			}
			if boot, ok := i.MBR().Boot(); !ok || boot.Start != 1<<20 || boot.Size != 1<<20 {
				t.Errorf("%+v", boot)
			}
		})
	}
}

func TestWhatIsNoImageIsRefusedWithARemedy(t *testing.T) {
	noFAT := sample()
	noFAT[446+4] = 0x83
	overlap := sample()
	binary.LittleEndian.PutUint32(overlap[446+16+8:], 3000)
	for word, data := range map[string][]byte{
		"empty": {}, "partition table": make([]byte, 4096), "no FAT": noFAT, "cut short": sample()[:5<<19], "overlap": overlap,
		"xz -dk": []byte("\xfd7zXZ\x00 and more"), "unpack it": []byte("\x1f\x8b\x07 and more than ten"),
	} {
		_, err := Open(write(t, data))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error()+strings.Join(e.Hints(), " "), word) || len(e.Hints()) == 0 {
			t.Errorf("%s: %v", word, err)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing image was opened")
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Error(err)
	}
}

func TestACutPackedImageIsAnError(t *testing.T) {
	cutIsAnError(t, packed(t, sample()))
	cutIsAnError(t, gzipped(t, sample()))
}

func cutIsAnError(t *testing.T, data []byte) {
	t.Helper()
	for _, missing := range []int{1, 100, len(data) / 2} {
		i, err := Open(write(t, data[:len(data)-missing]))
		if err == nil {
			defer i.Close()
			_, err = io.ReadAll(i)
		}
		if err == nil {
			t.Errorf("without its last %d of %d bytes it was read to the end", missing, len(data))
		}
	}
}

func FuzzParseMBR(f *testing.F) {
	f.Add(sample()[:512], int64(3<<20))
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		m, err := ParseMBR(b)
		if err != nil || size < 0 || m.check(size) != nil {
			return
		}
		if boot, ok := m.Boot(); !ok || boot.Start+boot.Size > size {
			t.Errorf("%+v passed for %d bytes", boot, size)
		}
	})
}

// Whatever a file begins with, it is opened or refused, and read to an end
// without more memory than a window.
func FuzzOpen(f *testing.F) {
	f.Add(sample()[:2048])
	f.Add([]byte("\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00"))
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"))
	f.Add([]byte("BZh91AY&SY"))
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := Open(write(t, data))
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || len(e.Hints()) == 0 {
				t.Errorf("%v says nothing to do", err)
			}
			return
		}
		defer i.Close()
		n, err := io.Copy(io.Discard, io.LimitReader(i, 1<<24))
		if err == nil && n < 512 {
			t.Errorf("%d bytes were an image", n)
		}
	})
}
