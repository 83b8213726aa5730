package emulate

import "testing"

func FuzzVersion(f *testing.F) {
	for _, s := range []string{"qemu-aarch64 version 7.2.9 (Debian 1:7.2)\nCopyright", "qemu-aarch64 version 99999999999999999999.1", "qemu-aarch64 version 0."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v := parseVersion(s); v < 0 || v > 999999 {
			t.Fatalf("%q is %d", s, v)
		}
	})
}
