package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// tool is a program that packs and unpacks as everybody does.
func tool(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal("needs " + name)
		}
		t.Skip("needs " + name)
	}
}

// unpackedBy is what a program makes of a packed file, and whether it takes it
// for good. gzip says 2 where it warns, and only where something is ignored.
func unpackedBy(t *testing.T, program string, data []byte) ([]byte, bool) {
	t.Helper()
	c := exec.Command(program, "-dc")
	c.Stdin = bytes.NewReader(data)
	out, err := c.Output()
	good := err == nil || program == "gzip" && c.ProcessState.ExitCode() == 2
	return out, good
}

// unpackedHere is what this package makes of it.
func unpackedHere(t *testing.T, data []byte) ([]byte, bool) {
	t.Helper()
	i, err := Open(t.Context(), From{Path: write(t, data), SHA256: fmt.Sprintf("%x", sha256.Sum256(data))})
	if err != nil {
		return nil, false
	}
	defer i.Close()
	out, err := io.ReadAll(i)
	return out, err == nil
}

// small is an image of 192 KiB.
func small() []byte {
	b := make([]byte, 192<<10)
	for i := range 9 << 10 {
		b[i], b[100<<10+i] = byte(i*i>>7), byte(i*i>>5)
	}
	clear(b[440:510])
	part := func(i int, kind byte, start, size uint32) {
		e := b[446+16*i:]
		e[4] = kind
		binary.LittleEndian.PutUint32(e[8:], start)
		binary.LittleEndian.PutUint32(e[12:], size)
	}
	b[510], b[511] = 0x55, 0xaa
	part(0, 0x0b, 16, 64)
	part(1, 0x83, 128, 256)
	return b
}

// In a row, cut, and with all kinds of things behind the last: it is what the
// program that packs it makes of it, or refused as that refuses it.
func TestWhatLiesBehindIsTakenAsTheReferenceProgramTakesIt(t *testing.T) {
	half, other := small()[:100<<10], small()[100<<10:]
	for _, name := range []string{"gzip", "bzip2", "xz", "zstd"} {
		t.Run(name, func(t *testing.T) {
			tool(t, name)
			whole, a, b := packedBy(t, small(), name), packedBy(t, half, name), packedBy(t, other, name)
			nothing := packedBy(t, nil, name)
			zeros := func(n int) []byte { return make([]byte, n) }
			join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
			cases := map[string][]byte{
				"alone": whole, "in two": join(a, b), "in two with nothing between": join(a, nothing, b), "nothing first": join(nothing, whole),
				"nothing last": join(whole, nothing), "text": join(whole, []byte("and more, of no meaning at all\n")), "itself": join(whole, whole[:len(whole)/2]),
				"of another kind": join(whole, packedBy(t, other, "gzip")), "padded between": join(a, zeros(4), b), "padded more between": join(a, zeros(512), b),
				"zeros and text": join(whole, zeros(512), []byte("text")), "odd zeros between": join(a, zeros(3), b), "much": join(whole, zeros(70001)),
				"much in fours": join(whole, zeros(70000)), "ff": join(whole, []byte{0xff}), "last byte twice": join(whole, whole[len(whole)-1:]),
			}
			few := 3
			if os.Getenv("PIWIZ_REAL") == "1" {
				few = 13
			}
			for n := range few {
				cases[fmt.Sprint(n, " zeros")] = join(whole, zeros(n))
				cases[fmt.Sprint("the first ", n+1, " of the next")] = join(a, b[:n+1])
				cases[fmt.Sprint("without the last ", n+1)] = whole[:len(whole)-n-1]
				cases[fmt.Sprint("in two, without the last ", n+1)] = join(a, b[:len(b)-n-1])
			}
			for label, data := range cases {
				want, good := unpackedBy(t, name, data)
				got, ok := unpackedHere(t, data)
				if name == "zstd" && label == "of another kind" {
					good = false // some builds of it unpack gzip as well
				}
				if good && !bytes.HasPrefix(want, small()) { // that is no image to begin with
					continue
				}
				if ok != good || ok && !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, %v; %s makes %d of it, %v", label, len(got), ok, name, len(want), good)
				}
			}
		})
	}
}

// Where the file says its size, it is known before anything is unpacked.
func TestTheSizeIsKnownBeforehandWhereTheFileSaysIt(t *testing.T) {
	a, b := small()[:100<<10], small()[100<<10:]
	sized := func(b []byte) []byte { return zstdPacked(t, b) }
	streamed := packedBy(t, b, "zstd")
	skip := []byte("\x5e\x2a\x4d\x18\x03\x00\x00\x00abc")
	for label, c := range map[string]struct {
		data []byte
		size int64
	}{
		"one frame":             {sized(small()), 192 << 10},
		"two frames":            {append(sized(a), sized(b)...), 192 << 10},
		"the second is unsized": {append(sized(a), streamed...), -1},
		"skippable":             {bytes.Join([][]byte{skip, sized(a), skip, skip, sized(b), skip}, nil), 192 << 10},
		"pzstd":                 {packedByFile(t, small(), "pzstd", "-q", "-p", "2", "-c"), -1},
		"zstd, of a file":       {packedByFile(t, small(), "zstd", "-q", "-c"), 192 << 10},
		"zstd, threads":         {packedByFile(t, small(), "zstd", "-q", "-T2", "-c"), 192 << 10},
		"zstd, without a sum":   {packedByFile(t, small(), "zstd", "-q", "--no-check", "-19", "-c"), 192 << 10},
		"xz":                    {packedBy(t, small(), "xz"), 192 << 10},
		"xz, two streams":       {append(packedBy(t, a, "xz"), packedBy(t, b, "xz", "-0", "--check=none")...), 192 << 10},
		"xz, blocks":            {packedBy(t, small(), "xz", "-T2", "--block-size=65536"), 192 << 10},
		"xz, sha256":            {packedBy(t, small(), "xz", "--check=sha256"), 192 << 10},
	} {
		i := readsTwice(t, c.data, small())
		if i.Size() != c.size && (label != "pzstd" || i.Size() != 3<<20) {
			t.Errorf("%s: %d", label, i.Size())
		}
	}
}

// packedByFile asks a tool that packs a file.
func packedByFile(t *testing.T, data []byte, name string, args ...string) []byte {
	t.Helper()
	tool(t, name)
	out, err := exec.Command(name, append(args, write(t, data))...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The blocks of a zstd file bound its size: that is enough to know that it fits.
func TestAnUnsizedImageIsBoundedByItsBlocks(t *testing.T) {
	var buf bytes.Buffer
	e, err := zstd.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Write(sample()); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for label, c := range map[string]struct {
		data   []byte
		doubts bool // with room for the partitions alone
	}{"zstd": {buf.Bytes(), false}, "gzip": {gzipped(t, sample()), false}, "bzip2": {packedBy(t, sample(), "bzip2"), true}, "longer": {gzipped(t, append(sample(), 1)), true}} {
		i, err := Open(t.Context(), From{Path: write(t, c.data)})
		if err != nil {
			t.Fatal(err)
		}
		defer i.Close()
		if i.Size() != -1 || i.MayExceed(3<<20) != c.doubts || i.MayExceed(6<<20) || !i.MayExceed(3<<20-1) {
			t.Errorf("%s: size %d, %+v, %v", label, i.Size(), i.size, i.MayExceed(3<<20))
		}
		if err := i.Count(t.Context()); err != nil || i.Size() < 3<<20 {
			t.Errorf("%s: %v, %d", label, err, i.Size())
		}
	}
}

// A window that large takes another program, and which one is said.
func TestAWindowOf2GiBSaysWhatUnpacksIt(t *testing.T) {
	// A frame with a window of 2 GiB (RFC 8878, 3.1.1.1.2) and an empty block.
	_, err := Open(t.Context(), From{Path: write(t, []byte("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"))})
	saysNo(t, err, "2048 MiB")
	saysHint(t, err, "zstd -dc --long=31 ")
	_, err = Open(t.Context(), From{Path: write(t, packedBy(t, small(), "zstd", "-1", "--long=30"))})
	saysHint(t, err, "zstd -dc --long=31 ")
	_, err = Open(t.Context(), From{Path: write(t, packedBy(t, sample(), "xz", "--lzma2=dict=512MiB"))})
	saysHint(t, err, "xz -dc ")
}

// What was packed with a dictionary is unpacked by who has that, and a download
// is no remedy. --no-dictID tells nobody of it.
func TestADictionarySaysWhatUnpacksIt(t *testing.T) {
	dict := filepath.Join(t.TempDir(), "dict")
	if err := os.WriteFile(dict, sample()[:4096], 0o600); err != nil {
		t.Fatal(err)
	}
	// A frame of the dictionary 7 (RFC 8878, 3.1.1.1.3) with an empty block.
	_, err := Open(t.Context(), From{Path: write(t, []byte("\x28\xb5\x2f\xfd\x01\x58\x07\x01\x00\x00"))})
	saysNo(t, err, "compressed with a dictionary")
	saysHint(t, err, "zstd -dc -D DICTIONARY ")
	// One block, in which something is repeated from before the beginning.
	data := packedBy(t, sample()[:4096], "zstd", "-19", "-D", dict, "--no-dictID")
	_, err = Open(t.Context(), From{Path: write(t, data)})
	saysHint(t, err, "see whether its own program can: zstd -dc ")
}

// What is behind is found before a byte is unpacked, and the command that cuts
// it off does.
func TestTheCommandThatCutsOffWhatLiesBehindDoes(t *testing.T) {
	tool(t, "zstd")
	path := write(t, append(zstdPacked(t, sample()), make([]byte, 1000)...))
	_, err := Open(t.Context(), From{Path: path})
	saysNo(t, err, "1000 bytes")
	runHint(t, err, "head ")
	if i, err := Open(t.Context(), From{Path: path + ".cut"}); err != nil {
		t.Error(err)
	} else {
		_ = i.Close()
	}
}
