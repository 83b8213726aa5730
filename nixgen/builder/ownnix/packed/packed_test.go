package packed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

func unpack(how string, b []byte) ([]byte, error) {
	r, err := Reader(how, iotest.HalfReader(bytes.NewReader(b)))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func packXz(t testing.TB, text []byte, c xz.WriterConfig) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := c.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sample does not become much smaller, nor stays as it is.
func sample(n int) []byte {
	b := make([]byte, n)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = "abcdefgh"[random.IntN(8)]
	}
	return b
}

func TestXzIsUnpackedHoweverItWasMade(t *testing.T) {
	text := sample(20_000)
	for _, c := range []xz.WriterConfig{
		{}, {CheckSum: xz.CRC32}, {CheckSum: xz.SHA256}, {CheckSum: xz.None}, {NoCheckSum: true}, {BlockSize: 7777}, {DictCap: 4096},
	} {
		one := packXz(t, text, c)
		for what, b := range map[string][]byte{
			"one":             one,
			"two streams":     append(bytes.Clone(one), one...),
			"padding between": append(append(bytes.Clone(one), 0, 0, 0, 0, 0, 0, 0, 0), one...),
			"padding at end":  append(bytes.Clone(one), 0, 0, 0, 0),
			"an empty stream": append(packXz(t, nil, c), one...),
		} {
			got, err := unpack("xz", b)
			if err != nil || !bytes.Equal(got, bytes.Repeat(text, bytes.Count(b, one))) {
				t.Errorf("%+v, %s: %d bytes, %v", c, what, len(got), err)
			}
		}
	}
}

func TestXzThatEndsTooEarlyIsNoticed(t *testing.T) {
	b := packXz(t, sample(2000), xz.WriterConfig{BlockSize: 500, DictCap: 4096})
	for n := range b {
		if _, err := unpack("xz", b[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d of %d: %v", n, len(b), err)
		}
	}
}

// A stream that says it needs more memory than there may be is refused before
// the memory is there.
func TestNoStreamGetsMoreMemoryThanTheLimit(t *testing.T) {
	b := packXz(t, []byte("x"), xz.WriterConfig{NoCheckSum: true})
	const dictionary = 12 + 4 // the stream's header, then size, flags, and the filter's id and size
	if b[dictionary-2] != 0x21 {
		t.Fatalf("no LZMA2 in % x", b[:32])
	}
	with := func(code byte) []byte {
		b := bytes.Clone(b)
		b[dictionary] = code
		end := 12 + int(b[12]+1)*4 - 4
		binary.LittleEndian.PutUint32(b[end:], crc32.ChecksumIEEE(b[12:end]))
		return b
	}
	for code := range byte(41) {
		_, err := unpack("xz", with(code))
		if most := byte(30); (err == nil) != (code <= most) { // 2<<(code/2+11), the odd ones half more
			t.Errorf("dictionary %d: %v", code, err)
		}
	}
	var packed bytes.Buffer
	for _, window := range []int{1 << 20, maxWindow, 2 * maxWindow} {
		packed.Reset()
		w, err := zstd.NewWriter(&packed, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(make([]byte, 1000)) // nothing is said of its size before it is closed
		_ = w.Flush()
		_ = w.Close()
		if _, err := unpack("zstd", packed.Bytes()); (err == nil) != (window <= maxWindow) {
			t.Errorf("window %d: %v", window, err)
		}
	}
}

func TestWhatIsNotKnownIsRefused(t *testing.T) {
	for _, how := range []string{"", "br", "lzip", "XZ", "none "} {
		_, err := Reader(how, strings.NewReader(""))
		if _, ok := errors.AsType[UnknownError](err); !ok {
			t.Errorf("%q: %v", how, err)
		}
	}
	b := packXz(t, []byte("x"), xz.WriterConfig{})
	for at := range 12 + 12 { // both headers have sums
		b := bytes.Clone(b)
		b[at] ^= 1
		if got, err := unpack("xz", b); err == nil {
			t.Errorf("byte %d: %q", at, got)
		}
	}
	for _, how := range []string{"xz", "zstd", "bzip2", "gzip"} {
		if got, err := unpack(how, []byte("<html><body>Log in</body></html>")); err == nil {
			t.Errorf("%s: %q", how, got)
		}
	}
}

func FuzzXz(f *testing.F) {
	f.Add(packXz(f, []byte("hello"), xz.WriterConfig{}))
	f.Add(packXz(f, sample(500), xz.WriterConfig{BlockSize: 100, CheckSum: xz.SHA256}))
	f.Add(packXz(f, nil, xz.WriterConfig{NoCheckSum: true}))
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, err := Reader("xz", bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		got, bad := io.ReadAll(io.LimitReader(ours, 1<<20))
		if bad != nil {
			return
		}
		theirs, err := xz.NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		want, err := io.ReadAll(io.LimitReader(theirs, 1<<20))
		if err == nil && !bytes.Equal(got, want) {
			t.Errorf("%d bytes, and the library has %d", len(got), len(want))
		}
	})
}

// The programs that others pack with.
func TestRealProgramsPackWhatIsUnpacked(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs xz, zstd, bzip2 and gzip: PIWIZ_REAL=1")
	}
	text := sample(400_000)
	for _, c := range []string{
		"xz -0", "xz -6", "xz -9e", "xz -T2 --block-size=100000", "xz --check=none", "xz --check=crc32", "xz --check=sha256",
		"zstd -1", "zstd -19", "zstd --ultra -22", "zstd --long=27", "zstd -T2", "zstd --no-check", "bzip2 -1", "bzip2 -9", "gzip -1", "gzip -9",
	} {
		how, options, _ := strings.Cut(c, " ")
		cmd := exec.Command(how, append(strings.Fields(options), "-c")...)
		cmd.Stdin = bytes.NewReader(text)
		b, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		if got, err := unpack(how, b); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes, %v", c, len(got), err)
		}
		if _, err := unpack(how, b[:len(b)/2]); err == nil {
			t.Errorf("%s: half of it is taken", c)
		}
	}
}
