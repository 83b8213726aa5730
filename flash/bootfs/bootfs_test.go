package bootfs

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func need(t testing.TB, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatalf("needs %s (apt-get install dosfstools mtools)", tool)
		}
		t.Skipf("needs %s (apt-get install dosfstools mtools)", tool)
	}
}

func mkfs(t testing.TB, mib int, more ...string) []byte {
	t.Helper()
	need(t, "mkfs.vfat")
	file := filepath.Join(t.TempDir(), "volume")
	if err := os.WriteFile(file, make([]byte, mib<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.vfat", append([]string{"--invariant", "-i", "2178694e", "-n", "FIRMWARE", file}, more...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// judge lets fsck.vfat look for any fault, and mtools read the files back.
func judge(t *testing.T, b []byte, files map[string][]byte) {
	t.Helper()
	need(t, "fsck.vfat")
	need(t, "mtype")
	file := filepath.Join(t.TempDir(), "volume")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("fsck.vfat", "-n", file).CombinedOutput(); err != nil {
		t.Fatalf("fsck.vfat: %v\n%s", err, out)
	}
	for path, want := range files {
		if got, err := exec.Command("mtype", "-i", file, "::/"+path).Output(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("mtools reads %d bytes of %s, %v; want %d", len(got), path, err, len(want))
		}
	}
}

var when = time.Date(2026, 5, 30, 12, 0, 0, 0, time.UTC)

func TestReferenceToolsAgreeAfterRandomWrites(t *testing.T) {
	for mib, more := range map[int][]string{4: nil, 30: nil, 40: {"-F", "32", "-s", "1"}} {
		t.Run(fmt.Sprintf("%d MiB", mib), func(t *testing.T) {
			b := mkfs(t, mib, more...)
			r := rand.New(rand.NewPCG(1, uint64(mib)))
			model := map[string][]byte{}
			names := []string{"piwiz/wireless.conf", "piwiz/ssh_host_ed25519_key", "piwiz/ssh_host_ed25519_key.pub", "config.txt", "UPPER.TXT", "Mixed.Txt", "ä ö.txt", "a/b/c/deep.txt", "empty"}
			var batch []File
			for i := range 60 {
				path := names[r.IntN(len(names))]
				if i > 40 {
					path = fmt.Sprintf("many/a rather long name number %d", i)
				}
				data := make([]byte, r.IntN(9000))
				for j := range data {
					data[j] = byte(r.Uint32())
				}
				model[path] = data
				if batch = append(batch, File{path, data}); len(batch) == 12 {
					if err := put(b, batch, when); err != nil {
						t.Fatal(err)
					}
					batch = nil
				}
			}
			for path, want := range model {
				if got, err := get(b, "/"+strings.ToUpper(path)); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, %v", path, len(got), err)
				}
			}
			judge(t, b, model)
		})
	}
}

func TestAFullVolumeStaysAsItWas(t *testing.T) {
	b := mkfs(t, 4)
	before := bytes.Clone(b)
	err := put(b, []File{{"a", []byte("small")}, {"b", make([]byte, 5<<20)}}, when)
	var full *NoSpace
	if !errors.As(err, &full) || full.Need < 5<<20 || !bytes.Equal(b, before) {
		t.Errorf("%v; changed: %v", err, !bytes.Equal(b, before))
	}
}

func TestTheDataOfASecretNeverPrints(t *testing.T) {
	if text := fmt.Sprintf("%v %+v %#v %s %x", File{"p", []byte("secret")}, []File{{"p", []byte("secret")}}, File{"p", []byte("secret")}, File{"p", []byte("secret")}, File{"p", []byte("secret")}); strings.Contains(text, "secret") || strings.Contains(text, "736563") {
		t.Error(text)
	}
}

// small is a FAT12 volume of 64 KiB, made by hand so that fuzzing needs no tool.
func small() []byte {
	b := make([]byte, 64<<10)
	le.PutUint16(b[11:], 512)
	b[13], b[16] = 1, 2
	le.PutUint16(b[14:], 1)
	le.PutUint16(b[17:], 32)
	le.PutUint16(b[19:], 128)
	le.PutUint16(b[22:], 1)
	b[510], b[511] = 0x55, 0xaa
	return b
}

func FuzzPut(f *testing.F) {
	f.Add([]byte{}, "piwiz/key", []byte("data"))
	f.Add([]byte{0, 1, 2}, "A.TXT", []byte{})
	f.Fuzz(func(t *testing.T, patch []byte, path string, data []byte) {
		b := small()
		for i := 0; i+2 < len(patch); i += 3 { // change bytes anywhere but the signature
			b[(int(patch[i])<<8|int(patch[i+1]))%510] = patch[i+2]
		}
		before := bytes.Clone(b)
		err := put(b, []File{{path, data}}, when)
		if err != nil {
			if !bytes.Equal(b, before) {
				t.Error("changed in spite of an error")
			}
			return
		}
		if got, err := get(b, path); err != nil || !bytes.Equal(got, data) {
			t.Errorf("read back %d bytes, %v", len(got), err)
		}
	})
}

func TestChangesSayWhatPutDoesAndLeaveTheVolumeAlone(t *testing.T) {
	b := small()
	before := bytes.Clone(b)
	files := []File{{"piwiz/key", []byte("secret")}, {"piwiz/wireless.conf", bytes.Repeat([]byte("x"), 3000)}}
	patches, err := Changes(b, files, when)
	if err != nil || !bytes.Equal(b, before) {
		t.Fatalf("%v; changed: %v", err, !bytes.Equal(b, before))
	}
	if text := fmt.Sprintf("%v %+v %#v %x", patches, patches[0], patches, patches); strings.Contains(text, "secret") || strings.Contains(text, "736563") {
		t.Error("a secret prints:", text)
	}
	total, end := 0, int64(0)
	for _, p := range patches {
		if p.Offset < end {
			t.Errorf("%v begins before %d", p, end)
		}
		end = p.Offset + int64(len(p.Data))
		total += copy(before[p.Offset:], p.Data)
	}
	if err := put(b, files, when); err != nil || !bytes.Equal(b, before) || total > 8<<10 {
		t.Errorf("%v, %d bytes of changes; same as Put: %v", err, total, bytes.Equal(b, before))
	}
}
