package image

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

type entry struct {
	kind        byte
	start, size uint32
}

// table is a first sector with noise where there are no entries.
func table(entries ...entry) []byte {
	b := bytes.Repeat([]byte{0x5a}, 512)
	clear(b[446:510])
	for i, e := range entries {
		at := b[446+16*i:]
		at[4] = e.kind
		binary.LittleEndian.PutUint32(at[8:], e.start)
		binary.LittleEndian.PutUint32(at[12:], e.size)
	}
	b[446+16] = 0x80 // NixOS marks the second
	b[510], b[511] = 0x55, 0xaa
	return b
}

var nixos = []entry{{0x0b, 16384, 61440}, {0x83, 77824, 40960}}

const nixosEnd = 77824 + 40960

// Whatever the card, nothing but the size of the second entry and its end in
// cylinders becomes another, and it ends with the card.
func TestOnlyTheEndOfTheLastPartitionChanges(t *testing.T) {
	for _, sectors := range []int64{nixosEnd, nixosEnd + 1, nixosEnd + 7, 200000, 200001, 16450559, 16450560, 62333952, 62333953, 1<<32 - 1, 1 << 32, 1<<32 + 1, 6 << 30} {
		for _, rest := range []int64{0, 1, 511} {
			was := table(nixos...)
			now := bytes.Clone(was)
			m, grown, err := Grow(now, sectors*512+rest)
			if err != nil || grown != (sectors > nixosEnd && sectors < 1<<32) {
				t.Errorf("%d sectors: %v, %v", sectors, grown, err)
			}
			if end := m.End() / 512; grown && end != sectors || !grown && (end != nixosEnd || !bytes.Equal(was, now)) {
				t.Errorf("%d sectors: it ends at %d", sectors, end)
			}
			if read, err := ParseMBR(now); err != nil || read != m {
				t.Errorf("%d sectors: %+v is written, %+v said", sectors, read, m)
			}
			copy(now[467:470], was[467:470])
			copy(now[474:478], was[474:478])
			if !bytes.Equal(was, now) {
				t.Errorf("%d sectors: something else was changed", sectors)
			}
		}
	}
}

func TestATableThatIsNotOneOfNixOSIsLeftAlone(t *testing.T) {
	boot, root := nixos[0], nixos[1]
	for name, entries := range map[string][]entry{
		"three":                {boot, root, {0x83, 200000, 8}},
		"a third of type 0":    {boot, root, {0, 200000, 8}},
		"a fourth":             {boot, root, {}, {0x82, 200000, 8}},
		"one":                  {boot},
		"the first is missing": {{}, root},
		"extended":             {boot, {0x05, 77824, 40960}},
		"extended, LBA":        {boot, {0x0f, 77824, 40960}},
		"another type":         {boot, {0x8e, 77824, 40960}},
		"the second is first":  {{0x0b, 77824, 40960}, {0x83, 16384, 61440}},
		"overlapping":          {boot, {0x83, 77823, 40961}},
		"empty":                {boot, {0x83, 77824, 0}},
		"beyond the card":      {boot, {0x83, 77824, 900000}},
		"beyond 2 TiB":         {boot, {0x83, 1<<32 - 8, 1<<32 - 1}},
	} {
		was := table(entries...)
		now := bytes.Clone(was)
		if m, grown, err := Grow(now, 900000*512); err != nil || grown || !bytes.Equal(was, now) {
			t.Errorf("%s: %v, %v, %+v", name, grown, err, m)
		}
	}
	if _, grown, err := Grow(table(boot, entry{0xee, 1, 900}), 900000*512); err == nil || grown {
		t.Error("a GPT was grown")
	}
}

// What NixOS runs on the first start finds nothing to do.
func TestSfdiskHasNothingLeftToChange(t *testing.T) {
	for _, tool := range []string{"sfdisk", "parted", "fdisk"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("PIWIZ_REAL") == "1" {
				t.Fatalf("needs %s (apt-get install fdisk parted)", tool)
			}
			t.Skipf("needs %s (apt-get install fdisk parted)", tool)
		}
	}
	for _, sectors := range []int64{nixosEnd + 1, nixosEnd + 7, 200000, 200001, 62333952, 62333953, 1<<32 - 1} {
		was := table(nixos...)
		address(was[446+1:], 16384)
		address(was[446+5:], 77823)
		address(was[462+1:], 77824)
		if _, grown, err := Grow(was, sectors*512); err != nil || !grown {
			t.Fatal(grown, err)
		}
		card := filepath.Join(t.TempDir(), "card")
		if err := os.WriteFile(card, was, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(card, sectors*512); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sfdisk", "-N2", "--no-reread", card)
		cmd.Stdin = strings.NewReader(",+,\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%d sectors: %v: %s", sectors, err, out)
		}
		f, err := os.Open(card)
		if err != nil {
			t.Fatal(err)
		}
		now := make([]byte, 512)
		_, err = f.Read(now)
		f.Close()
		if err != nil || !bytes.Equal(was, now) {
			t.Errorf("%d sectors: %v; sfdisk changed\n%x to\n%x", sectors, err, was[446:], now[446:])
		}
		for _, judge := range [][]string{{"sfdisk", "--verify"}, {"fdisk", "-l"}, {"parted", "-s"}} {
			args := append(judge[1:], card)
			if judge[0] == "parted" {
				args = append(args, "unit", "s", "print")
			}
			out, err := exec.Command(judge[0], args...).CombinedOutput()
			if err != nil || bytes.Contains(bytes.ToLower(out), []byte("warning")) || bytes.Contains(out, []byte("past")) || bytes.Contains(out, []byte("cannot be used")) {
				t.Errorf("%d sectors: %v: %v: %s", sectors, judge, err, out)
			}
		}
	}
}
