package flash

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const oldSize = 65 << 20 // of a card with an earlier life; ZFS looks at none below 64 MiB

var le = binary.LittleEndian

// magic puts words at so many bytes before the end.
func magic(before int, words string) func(*testing.T, []byte) {
	return func(_ *testing.T, b []byte) { copy(b[len(b)-before:], words) }
}

// md1 is the superblock of an md array of version 1.0 (linux/raid/md_p.h).
func md1(_ *testing.T, b []byte) {
	at := len(b)&^0xfff - 8192
	s := b[at : at+256+2]
	clear(s)
	le.PutUint32(s, 0xa92b4efc)
	le.PutUint32(s[4:], 1)
	copy(s[16:], "0123456789abcdef")
	copy(s[32:], "old:0")
	le.PutUint32(s[72:], 1)
	le.PutUint64(s[80:], uint64(at/512-256))
	le.PutUint32(s[92:], 1)
	le.PutUint64(s[136:], uint64(at/512-256))
	le.PutUint64(s[144:], uint64(at/512))
	le.PutUint32(s[220:], 1)
	sum := uint64(le.Uint16(s[256:]))
	for i := 0; i < 256; i += 4 {
		sum += uint64(le.Uint32(s[i:]))
	}
	le.PutUint32(s[216:], uint32(sum)+uint32(sum>>32))
}

// md0 is that of version 0.90.
func md0(_ *testing.T, b []byte) {
	at := len(b)&^0xffff - 65536
	s := b[at : at+4096]
	clear(s)
	for i, v := range map[int]uint32{0: 0xa92b4efc, 2: 90, 5: 0x11223344, 6: 1.7e9, 7: 1, 8: uint32(at / 1024), 9: 1, 10: 1, 32: 1.7e9, 33: 1, 34: 1, 35: 1} {
		le.PutUint32(s[4*i:], v)
	}
	sum := uint64(0)
	for i := 0; i < 4096; i += 4 {
		sum += uint64(le.Uint32(s[i:]))
	}
	le.PutUint32(s[4*38:], uint32(sum)+uint32(sum>>32))
}

// zfs is the labels 2 and 3 of a pool: uberblocks, and a list of names and
// values in XDR (openzfs: include/sys/vdev_impl.h, module/nvpair).
func zfs(_ *testing.T, b []byte) {
	be := binary.BigEndian
	pair := func(name string, kind uint32, value []byte) []byte {
		padded := (len(name) + 3) &^ 3
		p := be.AppendUint32(nil, uint32(12+padded+8+len(value)))
		p = be.AppendUint32(p, uint32(12+padded+8+len(value)))
		p = be.AppendUint32(p, uint32(len(name)))
		p = append(append(p, name...), make([]byte, padded-len(name))...)
		p = be.AppendUint32(p, kind)
		return append(be.AppendUint32(p, 1), value...)
	}
	number := func(v uint64) []byte { return be.AppendUint64(nil, v) }
	list := []byte{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}
	list = append(list, pair("version", 8, number(5000))...)
	list = append(list, pair("name", 9, append(be.AppendUint32(nil, 4), "tank"...))...)
	list = append(list, pair("state", 8, number(0))...)
	list = append(list, pair("txg", 8, number(4))...)
	list = append(list, pair("pool_guid", 8, number(1234567))...)
	list = append(list, pair("guid", 8, number(7654321))...)
	for _, label := range []int{len(b)&^(256<<10-1) - 512<<10, len(b)&^(256<<10-1) - 256<<10} {
		copy(b[label+16<<10:], list)
		for at := label + 128<<10; at < label+256<<10; at += 1 << 10 {
			le.PutUint64(b[at:], 0x00bab10c)
			le.PutUint64(b[at+8:], 5000)
			le.PutUint64(b[at+16:], 4)
		}
	}
}

// gpt is a partition table with its copy at the end, as sgdisk makes it.
func gpt(t *testing.T, b []byte) {
	need(t, "sgdisk")
	path := filepath.Join(t.TempDir(), "gpt")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, int64(len(b)))); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sgdisk", "-n", "1:2048:+60M", "-c", "1:old", path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[len(b)-1<<20:], made[len(b)-1<<20:])
}

func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err == nil {
		return
	}
	if os.Getenv("PIWIZ_REAL") == "1" {
		t.Fatalf("needs %s (apt-get install mdadm gdisk e2fsprogs)", tool)
	}
	t.Skipf("needs %s (apt-get install mdadm gdisk e2fsprogs)", tool)
}

// earlierLives are what a card can have been. judge recognises it in the words
// that its judge says.
var earlierLives = map[string]struct {
	put   func(*testing.T, []byte)
	judge []string
	words string
}{
	"md 1.0, mdadm":  {md1, []string{"mdadm", "--examine"}, "Version : 1.0"},
	"md 1.0":         {md1, blkid, "linux_raid_member"},
	"md 0.90, mdadm": {md0, []string{"mdadm", "--examine"}, "Version : 0.90"},
	"md 0.90":        {md0, blkid, "linux_raid_member"},
	"ZFS":            {zfs, blkid, "zfs_member"},
	"GPT":            {gpt, []string{"sgdisk", "-p"}, "valid backup| old\n"},
	"DDF":            {magic(512, "\xde\x11\xde\x11"), blkid, "ddf_raid_member"},
	"Intel":          {magic(1024, "Intel Raid ISM Cfg Sig. 1.1.00"), blkid, "isw_raid_member"},
	"LSI":            {magic(512, "$XIDE$"), blkid, "lsi_mega_raid_member"},
	"Promise":        {magic(512*591, "Promise Technology, Inc."), blkid, "promise_fasttrack_raid_member"},
	"several":        {several, []string{"wipefs"}, "raid|zfs"},
}

var blkid = []string{"blkid", "-p"}

func several(t *testing.T, b []byte) {
	zfs(t, b)
	md0(t, b)
	md1(t, b)
	magic(1024, "Intel Raid ISM Cfg Sig. 1.1.00")(t, b)
}

// says is what a tool says about a card that holds b.
func says(t *testing.T, tool []string, b []byte) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "card"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	end := len(b) - 2<<20
	_, first := f.Write(b[:16<<20]) // what is between is not asked for
	_, last := f.WriteAt(b[end:], int64(end))
	if err := errors.Join(first, last); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(tool[0], append(tool[1:], f.Name())...).CombinedOutput() // some fail when they find nothing
	return string(out)
}

func TestWhatTheCardWasBeforeIsNotRecognisedAfterwards(t *testing.T) {
	want := final(t, img(), 1<<20, 4<<20)
	for name, life := range earlierLives {
		t.Run(name, func(t *testing.T) {
			need(t, life.judge[0])
			words := regexp.MustCompile(life.words)
			c := newCard(oldSize)
			clear(c.b)
			life.put(t, c.b)
			copy(c.b, want)
			if out := says(t, life.judge, c.b); !words.MatchString(out) {
				t.Fatalf("the test is wrong: without being wiped it is no %s:\n%s", name, out)
			}
			clear(c.b[:len(want)])
			for range 2 {
				if _, err := Write(context.Background(), job(t, img(), c, oldSize), nil); err != nil {
					t.Fatal(err)
				}
				if out := says(t, life.judge, c.b); words.MatchString(out) {
					t.Errorf("it is recognised:\n%s", out)
				}
				if out := says(t, blkid, c.b); !strings.Contains(out, `PTTYPE="dos"`) || strings.Contains(out, "TYPE=\"zfs") || strings.Contains(out, "raid") {
					t.Errorf("blkid: %s", out)
				}
				// The same image with another end, and one piece to write.
				life.put(t, c.b)
				c.b[7<<20] ^= 1
			}
		})
	}
}

// The same on a real node, in two processes, and for the kernel.
func TestTheKernelAndItsToolsSeeOnlyTheImageOnARealCard(t *testing.T) {
	node, file := fastCard(t, oldSize)
	for _, tool := range []string{"mdadm", "sgdisk", "wipefs", "partx"} {
		need(t, tool)
	}
	old := make([]byte, oldSize)
	gpt(t, old)
	several(t, old)
	path := filepath.Join(t.TempDir(), "image.img")
	if err := errors.Join(os.WriteFile(file, old, 0o600), os.WriteFile(path, img(), 0o600)); err != nil {
		t.Fatal(err)
	}
	if out, _ := exec.Command("blkid", "-p", node).CombinedOutput(); !strings.Contains(string(out), "member") {
		t.Fatalf("the test is wrong: %s", out)
	}
	if _, err := writeTo(node, path); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("partx", "-u", node).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("partx", "-d", node).Run() })
	for tool, words := range map[string]string{
		"blkid -p": `PTTYPE="dos"`, "wipefs --noheadings": "dos", "partx -sgo NR": "1\n *2\n$",
		"mdadm --examine": "MBR Magic : aa55", "sgdisk -p": "MBR to GPT",
	} {
		args := append(strings.Fields(tool), node)
		out, _ := exec.Command(args[0], args[1:]...).CombinedOutput()
		if !regexp.MustCompile(words).Match(out) || regexp.MustCompile("raid|zfs|a92b4efc|valid backup").Match(out) {
			t.Errorf("%s: %s", tool, out)
		}
	}
	parts, err := filepath.Glob(node + "p*")
	if err != nil || len(parts) != 2 {
		t.Error(err, parts)
	}
}

func TestASignatureIsWipedBeforeTheLastProof(t *testing.T) {
	c := newCard(oldSize)
	md1(t, c.b)
	read, wiped := int64(0), false
	c.seen = func(off int64, n int) {
		if off+int64(n) == oldSize && bytes.Equal(c.b[off:], make([]byte, n)) {
			wiped, read = true, c.read
		}
		if off == 0 && bytes.Equal(c.b[:512], img()[:512]) && (!wiped || c.read-read < 13<<20) {
			t.Error("the card was finished, and not proven after it was wiped")
		}
	}
	if _, err := Write(context.Background(), job(t, img(), c, oldSize), nil); err != nil || !wiped {
		t.Error(err, wiped)
	}
}

func TestABadBlockBehindTheImageIsNoMatter(t *testing.T) {
	for _, at := range []int64{15<<20 + 5*block, cardSize - 3*block} {
		c := newCard(cardSize)
		c.badRead = span{at, at + block}
		_, err := Write(context.Background(), job(t, img(), c, cardSize), nil)
		if want := final(t, img(), 1<<20, 4<<20); err != nil || !bytes.Equal(c.b[:len(want)], want) {
			t.Errorf("at %d: %v", at, err)
		}
	}
}

// What is at the end may be like something in the image, and be the same place.
func TestWhatIsWipedIsNoPartOfTheImage(t *testing.T) {
	const claims, real, at = oldSize, oldSize - 49<<20 - 8*block, 12 << 20
	want := final(t, img(), 1<<20, 4<<20)
	for name, f := range map[string]*fake{"an honest card": newFake(claims, claims), "a counterfeit one": newFake(claims, real)} {
		copy(f.kept, want)
		noise(rand.New(rand.NewPCG(1, 1)), f.kept[len(want):])
		f.kept[7<<20] ^= 1 // so that there is something to write
		if f.real == claims {
			copy(f.kept[claims-block:], want[at:])
		} else {
			f.base = at - (claims-block-real)%(real-at)
		}
		_, err := Write(context.Background(), job(t, img(), f, claims), nil)
		if wrong := f.wrong(want); wrong >= 0 && err == nil || err != nil && f.real == claims {
			t.Errorf("%s: %v; it is wrong from %d on", name, err, wrong)
		}
	}
}
