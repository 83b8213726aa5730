package source

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
	"time"

	"piwiz/flash/bootfs"
	"piwiz/flash/image"
)

var when = time.Unix(1.8e9, 0)

// img is an image of 200 KiB and 700 bytes with a FAT12 volume of 64 KiB at
// 64 KiB.
func img() []byte {
	b := bytes.Repeat([]byte("piwiz test"), 20550)
	le := binary.LittleEndian
	clear(b[440:510])
	b[446+4] = 0x01
	le.PutUint32(b[446+8:], 128)
	le.PutUint32(b[446+12:], 128)
	b[510], b[511] = 0x55, 0xaa
	v := b[64<<10 : 128<<10]
	clear(v)
	le.PutUint16(v[11:], 512)
	v[13], v[16] = 1, 2
	le.PutUint16(v[14:], 1)
	le.PutUint16(v[17:], 32)
	le.PutUint16(v[19:], 128)
	le.PutUint16(v[22:], 1)
	v[510], v[511] = 0x55, 0xaa
	return b
}

func open(t *testing.T, data []byte, files ...bootfs.File) (*Source, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), image.From{Path: path}, 1<<30, files, when)
	if err == nil {
		t.Cleanup(s.Close)
	}
	return s, err
}

// all reads a source to its end.
func all(s *Source) ([]byte, error) {
	s.Rewind()
	b := make([]byte, 12<<10)
	var out []byte
	for {
		c, err := s.Next(b)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if int64(len(out)) != c.Off {
			return out, errors.New("out of order")
		}
		out = append(out, c.Data...)
	}
}

func TestASourceIsTheImageWithTheFilesAsOftenAsItIsAskedFor(t *testing.T) {
	file := bootfs.File{Path: "piwiz/key", Data: bytes.Repeat([]byte("k"), 20000)}
	want := append(img(), make([]byte, Block-len(img())%Block)...)
	first := bytes.Clone(want[:Block])
	patches, err := bootfs.Changes(want[64<<10:128<<10], []bootfs.File{file}, when)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range patches {
		copy(want[64<<10+p.Offset:], p.Data)
	}
	copy(want, Unfinished())
	s, err := open(t, img(), file)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := all(s); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, want %d: %v", len(got), len(want), err)
		}
	}
	if !bytes.Equal(s.First(), first) || s.Least() != int64(len(img())) {
		t.Error(s.Least())
	}
}

func TestAnImageThatEndsEarlyIsNamed(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.Copy(z, bytes.NewReader(img())); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := open(t, packed.Bytes()[:packed.Len()-9])
	if err == nil {
		_, err = all(s)
	}
	var e *image.Error
	if !errors.As(err, &e) || len(e.Hints()) == 0 || !strings.Contains(err.Error(), "damaged") {
		t.Error(err)
	}
}

func TestAnImageThatIsCutAfterItWasOpenedIsNamed(t *testing.T) {
	s, err := open(t, img())
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{int64(len(img())) - 1, 150 << 10, 0} {
		if err := os.Truncate(s.from.Path, size); err != nil {
			t.Fatal(err)
		}
		var e *image.Error
		if _, err := all(s); !errors.As(err, &e) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("at %d bytes: %v", size, err)
		}
	}
}

func TestFilesThatDoNotFitSayWhatToDo(t *testing.T) {
	_, err := open(t, img(), bootfs.File{Path: "large", Data: make([]byte, 100<<10)})
	var e *image.Error
	if !errors.As(err, &e) || !strings.Contains(strings.Join(e.Hints(), " "), "firmwareSize") {
		t.Error(err)
	}
}

// A firmware partition may have any size; 256 MiB was once the most.
func TestAFirmwarePartitionOf300MiBTakesTheFiles(t *testing.T) {
	if _, err := exec.LookPath("mkfs.vfat"); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal("needs mkfs.vfat (apt-get install dosfstools)")
		}
		t.Skip("needs mkfs.vfat (apt-get install dosfstools)")
	}
	path := filepath.Join(t.TempDir(), "image")
	table := img()[:512]
	table[446+4] = 0x0c
	binary.LittleEndian.PutUint32(table[446+8:], 2048)
	binary.LittleEndian.PutUint32(table[446+12:], 300<<11)
	if err := errors.Join(os.WriteFile(path, table, 0o600), os.Truncate(path, 302<<20)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.vfat", "-F", "32", "--offset", "2048", path, "307200").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s, err := Open(t.Context(), image.From{Path: path}, 1<<30, []bootfs.File{{Path: "piwiz/key", Data: []byte("k")}}, when)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(s.patches) < 4 || s.patches[0].Offset < 1<<20 {
		t.Errorf("%v", s.patches)
	}
}
