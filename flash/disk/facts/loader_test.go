package facts

import (
	"os"
	"path/filepath"
	"testing"
)

// A load option as the firmware of a PC has it: flags, length of the path, a
// name, then the node of a partition with GPT or MBR among others.
func option(nodes string) []byte {
	return []byte("\x01\x00\x00\x00\x2e\x00L\x00i\x00\x00\x00" + nodes)
}

const (
	pci  = "\x01\x01\x06\x00\x00\x1d"
	at   = "\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00"
	gpt  = "\x04\x01\x2a\x00\x01\x00\x00\x00" + at + "\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b\x02\x02"
	mbr  = "\x04\x01\x2a\x00\x02\x00\x00\x00" + at + "\x78\x56\x34\x12\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01"
	none = "\x7f\xff\x04\x00"
)

func TestThePartitionOfABootEntryIsReadAsTheSpecificationWritesIt(t *testing.T) {
	for nodes, want := range map[string]string{
		pci + gpt + none: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", // the bytes of the type of an EFI partition
		mbr + none:       "12345678-02",
		pci + none:       "", "": "", gpt[:20]: "", "\x04\x01\x00\x00" + gpt: "", pci + "\x04\x01\xff\xff": "", "\x04\x01\x08\x00\x01\x00\x00\x00": "",
	} {
		if got := partitionOf(option(nodes)); got != want {
			t.Errorf("%x: %q, want %q", nodes, got, want)
		}
	}
}

func TestTheNoteOfAPiIsFourBytesThatBeginWithTheLargest(t *testing.T) {
	root := t.TempDir()
	put := func(name, text string) {
		path := filepath.Join(root, "proc/device-tree", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := PiBoot(root); ok {
		t.Error("a computer without a device tree is a Pi")
	}
	put("model", "Raspberry Pi 4 Model B Rev 1.5\x00")
	if p, ok := PiBoot(root); !ok || p != (Pi{}) {
		t.Errorf("%+v, %v", p, ok)
	}
	put("chosen/bootloader/boot-mode", "\x00\x00\x00\x06")
	put("chosen/bootloader/partition", "\x00\x00\x01\x02")
	if p, _ := PiBoot(root); p != (Pi{true, 6, 258}) {
		t.Errorf("%+v", p)
	}
	put("chosen/bootloader/boot-mode", "6")
	if p, _ := PiBoot(root); p.Told {
		t.Errorf("%+v", p)
	}
}

func FuzzBootEntry(f *testing.F) {
	f.Add(option(pci + gpt + none))
	f.Add(option(mbr))
	f.Fuzz(func(t *testing.T, b []byte) {
		if id := partitionOf(b); id != "" && len(id) != 36 && len(id) < 11 {
			t.Errorf("%q", id)
		}
	})
}
