package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// sample is an image of 3 MiB: FAT at 1 MiB, root at 2 MiB.
func sample() []byte {
	b := make([]byte, 3<<20)
	for i := range b {
		b[i] = byte(i * 7)
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

func TestPlainAndPackedImagesReadTheSame(t *testing.T) {
	want := sample()
	for name, data := range map[string][]byte{"plain": want, "zstd": packed(t, want)} {
		t.Run(name, func(t *testing.T) {
			i, err := Open(write(t, data))
			if err != nil {
				t.Fatal(err)
			}
			defer i.Close()
			got, err := io.ReadAll(i)
			if err != nil || !bytes.Equal(got, want) || i.Size() != int64(len(want)) {
				t.Errorf("%d bytes, %v, size %d", len(got), err, i.Size())
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
		"xz": []byte("\xfd7zXZ\x00 and more"), "gzip": []byte("\x1f\x8b\x08 and more"),
	} {
		_, err := Open(write(t, data))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), word) || len(e.Hints()) == 0 {
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
	data := packed(t, sample())
	i, err := Open(write(t, data[:len(data)-100]))
	if err == nil {
		defer i.Close()
		_, err = io.ReadAll(i)
	}
	if err == nil {
		t.Error("read to the end")
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
