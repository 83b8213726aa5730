package kind

import (
	"testing"
)

func FuzzKind(f *testing.F) {
	for _, k := range kinds {
		f.Add(append(make([]byte, k.at), k.magic...))
	}
	fat := make([]byte, 512)
	copy(fat, "\xeb\x3c\x90mkfs.fat\x00\x02\x04")
	copy(fat[54:], "FAT16   ")
	f.Add(fat)
	f.Add([]byte("\x8c\x0d\x04\x09\x03\x02abcdef"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, ok := Of(b); ok && k.what == "" {
			t.Error("it is known, but not said")
		}
	})
}
