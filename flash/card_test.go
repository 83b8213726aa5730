package flash

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"piwiz/flash/bootfs"
	"piwiz/flash/image"
)

// span is a part of a card.
type span struct{ from, to int64 }

func (s span) meets(off int64, n int) bool {
	return s.to > s.from && off < s.to && off+int64(n) > s.from
}

// card is a card in memory that can lie and fail.
type card struct {
	mu       sync.Mutex
	b        []byte
	wrap     int64 // what lies behind this is in front again
	drop     span  // what is written here is forgotten
	badWrite span  // writes here fail with err
	badRead  span  // reads here fail with err
	err      error
	flip     int64 // this byte reads back changed
	once     bool  // the fault passes after the first time it was met
	fresh    bool  // reading fails only where something was written
	after    int   // faults begin with so many large requests
	asked    int
	large    int
	hang     chan struct{}
	pause    time.Duration
	slow     time.Duration // to write more than a block: then it pays to look first
	read     int64
	written  []span // without the first block and what only tests the size
	seen     func(off int64, n int)
}

func newCard(size int) *card {
	return &card{b: bytes.Repeat([]byte{0xa5}, size), flip: -1, wrap: int64(size), err: unix.EIO}
}

func (c *card) fails(bad *span, off int64, n int) bool {
	c.asked++
	if n > block {
		c.large++
	}
	if c.large < c.after || !bad.meets(off, n) {
		return false
	}
	if c.once {
		*bad = span{}
	}
	return true
}

func (c *card) wrote(off int64) bool {
	return slices.ContainsFunc(c.written, func(s span) bool { return s.meets(off, 1) })
}

func (c *card) WriteAt(p []byte, off int64) (int, error) {
	if c.hang != nil && off > 0 {
		<-c.hang
	}
	time.Sleep(c.pause)
	if len(p) > block {
		time.Sleep(c.slow)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(p)%block != 0 || off%block != 0 {
		return 0, unix.EINVAL
	}
	if off+int64(len(p)) > int64(len(c.b)) {
		return 0, unix.ENOSPC
	}
	if c.fails(&c.badWrite, off, len(p)) {
		return 0, c.err
	}
	for i := 0; i < len(p); i += block {
		at := off + int64(i)
		if !c.drop.meets(at, block) {
			copy(c.b[at%c.wrap:], p[i:i+block])
		}
	}
	if len(p) > block {
		c.written = append(c.written, span{off, off + int64(len(p))})
	}
	if c.seen != nil {
		c.seen(off, len(p))
	}
	return len(p), nil
}

func (c *card) ReadAt(p []byte, off int64) (int, error) {
	time.Sleep(c.pause)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(p)%block != 0 || off%block != 0 {
		return 0, unix.EINVAL
	}
	if off+int64(len(p)) > int64(len(c.b)) {
		return 0, io.EOF
	}
	if (!c.fresh || c.wrote(off)) && c.fails(&c.badRead, off, len(p)) {
		return 0, c.err
	}
	for i := 0; i < len(p); i += block {
		copy(p[i:i+block], c.b[(off+int64(i))%c.wrap:])
	}
	c.read += int64(len(p))
	if (!c.fresh || c.wrote(off)) && c.flip >= off && c.flip < off+int64(len(p)) && c.large >= c.after {
		p[c.flip-off] ^= 0x10
		if c.once {
			c.flip = -1
		}
	}
	return len(p), nil
}

func (c *card) Sync() error { return nil }

// img is an image with a FAT16 volume of 4 MiB at 1 MiB and 8 MiB behind it,
// of which two are zero.
func img() []byte {
	b := make([]byte, 13<<20+1536)
	for i := range b {
		b[i] = byte(i>>9) ^ byte(i)
	}
	clear(b[9<<20 : 11<<20])
	return withTable(b, 2048, 8192, 16384)
}

// small is one of 2.5 MiB, with a FAT12 volume of 64 KiB at 1 MiB.
func small() []byte {
	b := make([]byte, 5<<19)
	for i := range b {
		b[i] = byte(i>>9) ^ byte(i)
	}
	return withTable(b, 2048, 128, 2048)
}

// withTable makes it an image: boot and root are in sectors.
func withTable(b []byte, start, boot, root uint32) []byte {
	le := binary.LittleEndian
	clear(b[440:510])
	part := func(i int, kind byte, start, size uint32) {
		e := b[446+16*i:]
		e[4] = kind
		le.PutUint32(e[8:], start)
		le.PutUint32(e[12:], size)
	}
	part(0, 0x0b, start, boot)
	part(1, 0x83, start+boot, root)
	b[510], b[511] = 0x55, 0xaa
	v := b[start*512 : (start+boot)*512]
	clear(v)
	le.PutUint16(v[11:], 512)
	v[13], v[16] = 1, 2
	le.PutUint16(v[14:], 1)
	le.PutUint16(v[17:], 512)
	le.PutUint16(v[19:], uint16(boot))
	le.PutUint16(v[22:], uint16(max(boot/256, 1)))
	v[510], v[511] = 0x55, 0xaa
	return b
}

var hostFiles = []bootfs.File{{Path: "piwiz/wireless.conf", Data: []byte("psk_00=x\n")}}

var clock = time.Unix(1.8e9, 0)

// final is what a card must hold in the end.
func final(t testing.TB, data []byte, start, size int) []byte {
	t.Helper()
	out := append(bytes.Clone(data), make([]byte, (block-len(data)%block)%block)...)
	patches, err := bootfs.Changes(out[start:start+size], hostFiles, clock)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range patches {
		copy(out[start+int(p.Offset):], p.Data)
	}
	return out
}

func job(t testing.TB, data []byte, c Card, size int) Job {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bach.img")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return Job{Image: image.From{Path: path}, Card: c, CardSize: int64(size), Files: hostFiles, When: clock}
}

func pack(t *testing.T, b []byte) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return e.EncodeAll(b, nil)
}

// streamed is packed with zstd, without a size in its header.
func streamed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	return closed(t, &b, w, err, data)
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	return closed(t, &b, gzip.NewWriter(&b), nil, data)
}

func closed(t *testing.T, b *bytes.Buffer, w io.WriteCloser, err error, data []byte) []byte {
	t.Helper()
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// packedBy asks a program.
func packedBy(t *testing.T, data []byte, program string) []byte {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal("needs " + program)
		}
		t.Skip("needs " + program)
	}
	c := exec.Command(program)
	c.Stdin = bytes.NewReader(data)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}
