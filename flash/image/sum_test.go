package image

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file of sums says which file it means, and that is told from the image.
func TestTheSumOfAnotherFileIsNotThatOfTheImage(t *testing.T) {
	data := small()
	good := fmt.Sprintf("%x", sha256.Sum256(data))
	other := strings.Repeat("1", 64)
	for label, c := range map[string]struct{ image, text, words string }{
		"unpacked":        {"x.img.zst", other + "  x.img\n", "but that of x.img, unpacked"},
		"packed":          {"x.img", other + "  x.img.xz\n", "but that of x.img.xz, before it was unpacked"},
		"several others":  {"x.img", other + "  a\n" + wrongSum + "  b\n", `only that of "a", "b"`},
		"many":            {"x.img", other + " a\n" + other + " b\n" + other + " c\n" + other + " d\n" + other + " e\n", "2 others"},
		"one of several":  {"x.img", other + "  a\n" + good + "  x.img\n" + other + "  b\n", ""},
		"two of it":       {"x.img", other + "  x.img\n" + good + "  x.img\n", "several checksums"},
		"the same twice":  {"x.img", good + "  x.img\nSHA256 (x.img) = " + good, ""},
		"two without":     {"x.img", other + "\n" + good + "\n", "several checksums"},
		"another case":    {"X.img", good + "  C:\\Users\\me\\x.IMG\r\n", ""},
		"both cases":      {"x.img", other + "  X.IMG\n" + good + "  x.img\n", ""},
		"a backslash":     {`x\y.img`, `\` + good + `  x\\y.img`, ""},
		"another kind":    {"x.img", strings.Repeat("a", 128) + "  x.img\n", "contains no SHA-256"},
		"from a pipe":     {"x.img", good + "  -\n", ""},
		"openssl, a path": {"x.img", "SHA2-256(/tmp/x.img)= " + good, ""},
	} {
		path := filepath.Join(t.TempDir(), c.image)
		for name, text := range map[string]string{path: string(data), path + ".sha256": c.text} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := readAll(path, "")
		if c.words == "" && err != nil {
			t.Errorf("%s: %v", label, err)
		} else if c.words != "" {
			saysNo(t, err, c.words)
		}
	}
	saysNo(t, readAll(write(t, data), strings.Repeat("a", 128)), "a SHA-512, but piwiz checks the SHA-256")
}

// A file of sums that cannot be read is none that is not there.
func TestALinkToNoSumIsNotWrittenUnchecked(t *testing.T) {
	path := write(t, small())
	if err := os.Symlink("nowhere", path+".sha256"); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), From{Path: path})
	saysNo(t, err, "is a link to nowhere, which is not there")
	saysHint(t, err, "--sha256")
}
