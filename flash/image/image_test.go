package image

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
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

func zstdPacked(t *testing.T, data []byte) []byte {
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

// packedBy asks a tool.
func packedBy(t *testing.T, data []byte, program string, args ...string) []byte {
	t.Helper()
	tool(t, program)
	c := exec.Command(program, args...)
	c.Stdin = bytes.NewReader(data)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func xzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readsTwice opens what holds the sample, and reads it from the first byte
// to the last two times.
func readsTwice(t *testing.T, data, want []byte) *Image {
	t.Helper()
	i, err := Open(t.Context(), From{Path: write(t, data)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
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

func TestWhatTheToolsPackedReadsTheSame(t *testing.T) {
	for name, args := range map[string][]string{
		"bzip2": {}, "xz": {"-9e"}, "xz, threads and blocks": {"-T2", "--block-size=1MiB"}, "xz, no check": {"-0", "--check=none"},
	} {
		t.Run(name, func(t *testing.T) {
			tool, _, _ := strings.Cut(name, ",")
			data := packedBy(t, sample(), tool, args...)
			readsTwice(t, data, sample())
			cutIsAnError(t, data)
		})
	}
}

// A window of more memory than a computer may have is not begun with.
func TestAPackedImageMayNotAskForAllMemory(t *testing.T) {
	for tool, args := range map[string][]string{"xz": {"--lzma2=dict=256MiB"}, "zstd": {"--ultra", "--long=28", "-1"}} {
		_, err := Open(t.Context(), From{Path: write(t, packedBy(t, make([]byte, 1<<20), tool, args...))})
		if err == nil || !strings.Contains(err.Error(), "memory") && !strings.Contains(err.Error(), "window size") {
			t.Errorf("%s: %v", tool, err)
		}
	}
}

// readAll reads an image of which a sum is known.
func readAll(path, sum string) error {
	i, err := Open(context.Background(), From{Path: path, SHA256: sum})
	if err != nil {
		return err
	}
	defer i.Close()
	_, err = io.Copy(io.Discard, i)
	return err
}

// saysNo is an error for people that has these words.
func saysNo(t *testing.T, err error, words string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Error(), words) || len(e.Hints()) == 0 {
		t.Errorf("%v does not say %q", err, words)
	}
}

// saysHint is an error that names a command.
func saysHint(t *testing.T, err error, words string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(strings.Join(e.Hints(), "\n"), words) {
		t.Errorf("%v does not name %q", err, words)
	}
}

// runHint runs the command of a hint, from its first word on, in a folder of its
// own.
func runHint(t *testing.T, err error, first string) (dir string) {
	t.Helper()
	var e *Error
	dir = t.TempDir()
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	_, command, ok := strings.Cut(strings.Join(e.Hints(), "\n"), ": "+first)
	if !ok {
		t.Fatalf("%v: %q names no %s", err, e.Hints(), first)
	}
	command, _, _ = strings.Cut(command, "\n")
	c := exec.Command("sh", "-c", first+command)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s%s: %v\n%s", first, command, err, out)
	}
	return dir
}

var wrongSum = strings.Repeat("0", 64)

func TestAKnownSumIsCheckedHoweverTheImageIsPacked(t *testing.T) {
	for name, data := range map[string][]byte{"plain": sample(), "zstd": zstdPacked(t, sample()), "gzip": gzipped(t, sample()), "xz": xzipped(t, sample()), "bzip2": packedBy(t, sample(), "bzip2")} {
		path, good := write(t, data), fmt.Sprintf("%x", sha256.Sum256(data))
		if err := readAll(path, good); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		saysNo(t, readAll(path, wrongSum), "its SHA-256 is "+good+", but you gave "+wrongSum)
	}
	saysNo(t, readAll(write(t, sample()), "abc"), "64 digits")
}

func TestTheSumIsTakenFromTheFileBesideTheImage(t *testing.T) {
	path, good := write(t, sample()), fmt.Sprintf("%x", sha256.Sum256(sample()))
	for text, words := range map[string]string{
		good: "", good + "  image\n": "", good + " *image\n": "", good + "  out/image\n": "", "SHA256 (image) = " + good + "\n": "",
		wrongSum + "  other\n" + good + "  image\n": "", strings.ToUpper(good): "",
		wrongSum: "image.sha256 says", "SHA256 (image) = " + wrongSum: "image.sha256 says",
		"": "contains no SHA-256", good[1:]: "contains no SHA-256", good + "  other\n": "only that of", "<html>": "contains no SHA-256",
	} {
		if err := os.WriteFile(path+".sha256", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := readAll(path, ""); words != "" {
			saysNo(t, err, words)
		} else if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if err := readAll(path, good); err != nil {
			t.Errorf("what was given is not what counts: %v", err)
		}
	}
}

func TestPlainAndPackedImagesReadTheSame(t *testing.T) {
	want := sample()
	for name, data := range map[string][]byte{"plain": want, "zstd": zstdPacked(t, want), "gzip": gzipped(t, want), "xz": xzipped(t, want)} {
		t.Run(name, func(t *testing.T) {
			i := readsTwice(t, data, want)
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
		"empty": {}, "nothing but zeros": make([]byte, 4096), "no FAT": noFAT, "cut short": sample()[:5<<19], "overlap": overlap,
		"as an xz file does": []byte("\xfd7zXZ\x00 and more"), "gzip -dc": []byte("\x1f\x8b\x07 and more than ten"),
	} {
		_, err := Open(t.Context(), From{Path: write(t, data)})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error()+strings.Join(e.Hints(), " "), word) || len(e.Hints()) == 0 {
			t.Errorf("%s: %v", word, err)
		}
	}
	if _, err := Open(t.Context(), From{Path: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a missing image was opened")
	}
	if _, err := Open(t.Context(), From{Path: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Error(err)
	}
}

func TestACutPackedImageIsAnError(t *testing.T) {
	cutIsAnError(t, zstdPacked(t, sample()))
	cutIsAnError(t, gzipped(t, sample()))
	cutIsAnError(t, xzipped(t, sample()))
}

func cutIsAnError(t *testing.T, data []byte) {
	t.Helper()
	for _, missing := range []int{1, 100, len(data) / 2} {
		i, err := Open(t.Context(), From{Path: write(t, data[:len(data)-missing])})
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
	f.Add([]byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3"))
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := Open(t.Context(), From{Path: write(t, data)})
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
