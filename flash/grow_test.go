package flash

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"piwiz/flash/device"
	"piwiz/flash/image"
	"piwiz/flash/wipe"
)

// grown is what a card of that size holds in the end.
func grown(t *testing.T, want []byte, size int) []byte {
	t.Helper()
	want = bytes.Clone(want)
	if _, ok, err := image.Grow(want[:512], int64(size)); err != nil || !ok {
		t.Fatal(ok, err)
	}
	return want
}

// On each card all but the table is the image, and the same again is only read; on a
// card of another size it is another table.
func TestTheLastPartitionTakesTheCardItIsWrittenTo(t *testing.T) { synctest.Test(t, growing) }

func growing(t *testing.T) {
	same := final(t, img(), 1<<20, 4<<20)
	for _, size := range []int{13<<20 + block, 14 << 20, cardSize, cardSize + block} {
		c := newCard(size)
		j := job(t, img(), c, size)
		j.Image.Grow = true
		if _, err := Write(context.Background(), j, nil); err != nil {
			t.Fatal(err)
		}
		want := grown(t, same, size)
		if !bytes.Equal(c.b[:len(want)], want) {
			t.Errorf("%d bytes: the card differs from byte %d on", size, device.Differs(c.b, want))
		}
		for i := range want {
			if want[i] != same[i] && (i < 462+5 || i >= 462+16) {
				t.Fatalf("byte %d is not the image's", i)
			}
		}
		asked := 0
		c.slow, c.seen = time.Millisecond, func(int64, int) { asked++ }
		if r, err := Write(context.Background(), j, nil); err != nil || asked != 0 || r.Written != 0 || r.Skipped != r.Bytes {
			t.Errorf("again: %v, %d writes, %+v", err, asked, r)
		}
		// Byte for byte: the table is another one, so the card is tested and verified again.
		j.Image.Grow = false
		if _, err := Write(context.Background(), j, nil); err != nil || !bytes.Equal(c.b[:len(same)], same) {
			t.Errorf("byte for byte: %v", err)
		}
	}
}

// A mistake in the new table is found as one in any first block is.
func TestAGrownTableThatDoesNotReadBackIsNamed(t *testing.T) {
	c := newCard(cardSize)
	c.flip = 462 + 12
	j := job(t, img(), c, cardSize)
	j.Image.Grow = true
	_, err := Write(context.Background(), j, nil)
	if err == nil || !strings.Contains(err.Error(), "does not return") || bytes.Equal(c.b[:510], img()[:510]) {
		t.Error(err)
	}
}

// ext gives the root partition the superblock of a file system with so many blocks
// of 4 KiB.
func ext(b []byte, blocks uint64) []byte {
	s := b[1<<20+4<<20+1024:]
	clear(s[:1024])
	binary.LittleEndian.PutUint32(s[4:], uint32(blocks))
	binary.LittleEndian.PutUint32(s[24:], 2)
	binary.LittleEndian.PutUint16(s[56:], 0xef53)
	binary.LittleEndian.PutUint32(s[96:], 0x80)
	binary.LittleEndian.PutUint32(s[336:], uint32(blocks>>32))
	return b
}

func TestAFileSystemThatIsLargerThanItsPartitionIsRefused(t *testing.T) {
	const room = (cardSize - 5<<20) / block
	for blocks, fits := range map[uint64]bool{1: true, room: true, room + 1: false, 1 << 32: false, 1 << 63: false} {
		c := newCard(cardSize)
		j := job(t, ext(img(), blocks), c, cardSize)
		j.Image.Grow = true
		_, err := Write(context.Background(), j, nil)
		if (err == nil) != fits || err != nil && (hints(err) == "" || len(c.written) != 0 || c.b[0] != 0xa5) {
			t.Errorf("%d blocks: %v", blocks, err)
		}
	}
}

// What an earlier life has left is inside the partition now, and not recognised there
// either.
func TestNothingOfAnEarlierLifeIsRecognisedInAGrownPartition(t *testing.T) {
	for name, life := range earlierLives {
		t.Run(name, func(t *testing.T) {
			need(t, life.judge[0])
			c := newCard(oldSize + 512*8)
			life.put(t, c.b)
			j := job(t, img(), c, len(c.b))
			j.Image.Grow = true
			if _, err := Write(context.Background(), j, nil); err != nil {
				t.Fatal(err)
			}
			if end := c.b[len(c.b)-wipe.Margin:]; !bytes.Equal(end, make([]byte, len(end))) {
				t.Error("the end of the partition is not empty")
			}
			file := filepath.Join(t.TempDir(), "part")
			if err := os.WriteFile(file, c.b[5<<20:], 0o600); err != nil {
				t.Fatal(err)
			}
			out, _ := exec.Command(life.judge[0], append(life.judge[1:], file)...).CombinedOutput() // some fail when they find nothing
			if bytes.Contains(out, []byte("member")) || bytes.Contains(out, []byte("Version :")) || bytes.Contains(out, []byte("valid backup")) {
				t.Errorf("it is recognised: %s", out)
			}
		})
	}
}

// btrfs counts its copies from where the partition begins.
func TestACopyThatIsCountedFromThePartitionIsWiped(t *testing.T) {
	const size, mirror = 71 << 20, 5<<20 + 64<<20
	for _, grow := range []bool{true, false} {
		c := newCard(size)
		j := job(t, img(), c, size)
		j.Image.Grow = grow
		if _, err := Write(context.Background(), j, nil); err != nil {
			t.Fatal(err)
		}
		if wiped := c.b[mirror] == 0; wiped != grow {
			t.Errorf("grown: %v, wiped: %v", grow, wiped)
		}
	}
}

// A card is grown by us; then NixOS's own step does nothing to it, and its file system
// takes the room.
func TestARealFileSystemTakesAGrownPartition(t *testing.T) {
	for _, tool := range []string{"mkfs.ext4", "resize2fs", "fsck.ext4", "dumpe2fs"} {
		need(t, tool)
	}
	const size = 100<<20 + 512*5
	b := withTable(make([]byte, 40<<20), 2048, 8192, 35<<20/512)
	root := filepath.Join(t.TempDir(), "root")
	if err := errors.Join(os.WriteFile(root, nil, 0o600), os.Truncate(root, 35<<20)); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		return string(out)
	}
	run("mkfs.ext4", "-q", "-F", "-b", "4096", root)
	made, err := os.ReadFile(root)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[5<<20:], made)
	c := &sectors{b: bytes.Repeat([]byte{0xa5}, size)}
	j := job(t, b, c, size)
	j.Image.Grow = true
	if _, err := Write(context.Background(), j, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root, c.b[5<<20:], 0o600); err != nil { // the partition as the kernel sees it
		t.Fatal(err)
	}
	if out := run("blkid", "-p", root); !strings.Contains(out, `TYPE="ext4"`) {
		t.Error(out)
	}
	run("fsck.ext4", "-fn", root)
	run("resize2fs", root)
	run("fsck.ext4", "-fn", root)
	if out := run("dumpe2fs", "-h", root); !strings.Contains(out, fmt.Sprintf("Block count:              %d\n", (size-5<<20)/block)) {
		t.Error(out)
	}
}
