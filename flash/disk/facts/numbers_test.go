package facts

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNumbersThatTheKernelCannotMeanAreUnknown(t *testing.T) {
	for text, want := range map[string][2]int64{ // as a number, as bytes
		"8":                    {8, 4096},
		"-8":                   {0, 0},
		"":                     {0, 0},
		"NaN":                  {0, 0},
		"0x10":                 {0, 0},
		"9223372036854775807":  {math.MaxInt64, 0},
		"9223372036854775808":  {0, 0},
		"99999999999999999999": {0, 0},
		"18014398509481983":    {18014398509481983, 18014398509481983 * 512},
		"18014398509481984":    {18014398509481984, 0},
	} {
		file := filepath.Join(t.TempDir(), "size")
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := [2]int64{Number(file), Bytes(file)}; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func FuzzUdev(f *testing.F) {
	f.Add("S:disk/by-id/x\nE:ID_FS_LABEL=a_b\nE:ID_FS_LABEL_ENC=a\\x20b\nE:ID_FS_TYPE=vfat\n", "123")
	f.Add("E:=\nE:ID_FS_LABEL_ENC=\\x1b\\x5d\\xff\\x\nE:E", "-9223372036854775808")
	f.Fuzz(func(t *testing.T, text, n string) {
		u := udev(text)
		for k, v := range u {
			if !strings.Contains(text, "E:"+k) || !strings.Contains(text, v) {
				t.Fatalf("%q has %q=%q", text, k, v)
			}
		}
		if l := Label(u); l != Clean(l) {
			t.Fatalf("%q has the label %q", text, l)
		}
		if number(n) < 0 {
			t.Fatalf("%q is %d", n, number(n))
		}
	})
}
