package sumfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

var (
	hash = sha256.Sum256([]byte("image"))
	hexa = hex.EncodeToString(hash[:])
	b64  = base64.StdEncoding.EncodeToString(hash[:])
)

// wideLE is a text as PowerShell redirects it.
func wideLE(text string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, u := range utf16.Encode([]rune(text)) {
		b.Write([]byte{byte(u), byte(u >> 8)})
	}
	return b.String()
}

func wideBE(text string) string {
	b := []byte(wideLE(text))
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}

// groups is a sum as gpg prints it.
func groups(sum []byte) string {
	var out []string
	for ; len(sum) > 0; sum = sum[4:] {
		out = append(out, fmt.Sprintf("%X", sum[:4]))
	}
	return strings.Join(out, " ")
}

func TestTheFormsInWhichPeopleSayASum(t *testing.T) {
	upper := strings.ToUpper(hexa)
	psTable := "\r\nAlgorithm       Hash                                                                   Path\r\n---------       ----                                                                   ----\r\nSHA256          " + upper + "       C:\\Users\\me\\image.img.zst\r\n\r\n"
	psList := "\r\n\r\nAlgorithm : SHA256\r\nHash      : " + upper + "\r\nPath      : C:\\Users\\me\\image.img.zst\r\n\r\n"
	for label, c := range map[string]struct{ text, name string }{
		"alone": {hexa, ""}, "alone, a line": {hexa + "\n", ""}, "alone, CRLF": {hexa + "\r\n", ""}, "upper": {upper, ""},
		"text": {hexa + "  image.img.zst\n", "image.img.zst"}, "binary": {hexa + " *image.img.zst\n", "image.img.zst"}, "portable": {hexa + " ?image.img.zst\n", "image.img.zst"},
		"stdin": {hexa + "  -\n", ""}, "tab": {hexa + "\timage.img.zst\n", "image.img.zst"}, "one blank": {hexa + " image.img.zst", "image.img.zst"},
		"a name with blanks": {hexa + "  my image.img\n", "my image.img"}, "a path": {hexa + "  ./out/image.img\n", "image.img"}, "an old Mac": {hexa + "  image.img\r", "image.img"},
		"escaped": {`\` + hexa + `  a\\b\nc`, "b\nc"}, "escaped, tag": {`\SHA256 (x\\y) = ` + hexa, "y"},
		"tag": {"SHA256 (image.img) = " + hexa + "\n", "image.img"}, "tag, path": {"SHA256 (/home/me/image.img) = " + hexa, "image.img"}, "tag, brackets": {"SHA256 (image (1).img) = " + hexa, "image (1).img"},
		"openssl 1": {"SHA256(image.img)= " + hexa, "image.img"}, "openssl 3": {"SHA2-256(out/image.img)= " + hexa, "image.img"}, "openssl, stdin": {"SHA2-256(stdin)= " + hexa, ""}, "openssl, old": {"(stdin)= " + hexa, ""},
		"BOM": {"\ufeff" + hexa + "  image.img\r\n", "image.img"}, "UTF-16": {wideLE(hexa + "  image.img\r\n"), "image.img"}, "UTF-16, big": {wideBE(hexa + "\r\n"), ""},
		"UTF-16, no mark":  {wideLE(hexa + "  image.img\r\n")[2:], "image.img"},
		"PowerShell table": {psTable, "image.img.zst"}, "PowerShell list": {psList, "image.img.zst"}, "PowerShell table, UTF-16": {wideLE(psTable), "image.img.zst"}, "PowerShell list, UTF-16": {wideLE(psList), "image.img.zst"},
		"PowerShell, cut":     {"SHA256          " + upper + "       C:\\Users\\me\\Downl...", ""},
		"PowerShell, wrapped": {"Algorithm : SHA256\nHash      : " + upper + "\nPath      : C:\\Users\\me\\image-\n            23.img\n", "image-23.img"},
		"PowerShell, CSV":     {"\"Algorithm\",\"Hash\",\"Path\"\n\"SHA256\",\"" + upper + "\",\"C:\\image.img\"\n", "image.img"},
		"certutil":            {"SHA256 hash of image.img:\r\n" + hexa + "\r\nCertUtil: -hashfile command completed successfully.\r\n", "image.img"},
		"certutil of old":     {"SHA256 hash of file image.img:\r\n" + strings.TrimSpace(fmt.Sprintf("% x", hash)) + "\r\nCertUtil: -hashfile command completed successfully.\r\n", "image.img"},
		"SRI":                 {"sha256-" + b64, ""}, "SRI, a line": {"sha256-" + b64 + "\n", ""}, "base64": {b64, ""}, "prefix": {"sha256:" + hexa, ""}, "words": {"SHA-256: " + hexa, ""}, "words, equals": {"SHA256=" + hexa, ""},
		"zero": {hexa + "  image.img\x00", "image.img"}, "openssl -c": {"SHA2-256(image.img)= " + strings.ReplaceAll(fmt.Sprintf("% x", hash), " ", ":"), "image.img"}, "colons": {strings.ReplaceAll(fmt.Sprintf("% x", hash), " ", ":"), ""},
		"7z":  {"SHA256                                                                    Size  Name\n" + strings.Repeat("-", 64) + "  -------------  ------------\n" + hexa + "      123456789  out/my image.img\n" + strings.Repeat("-", 64) + "  -------------  ------------\n" + hexa + "      123456789  \n\nSize: 123456789\n", "my image.img"},
		"gpg": {"image.img: " + groups(hash[:]) + "\n", "image.img"}, "gpg, long": {strings.Repeat("a", 70) + ".img:\n    " + strings.Replace(groups(hash[:]), " ", "\n    ", 1) + "\n", strings.Repeat("a", 70) + ".img"},
		"name before": {"image.img: " + hexa, "image.img"}, "name before, blanks": {"my image.img  " + hexa, "my image.img"}, "Markdown": {"| image.img | `" + hexa + "` |", "image.img"}, "JSON": {`{"sha256":"` + hexa + `","name":"image.img"}`, "image.img"},
		"hashdeep":    {"%%%% HASHDEEP-1.0\n%%%% size,sha256,filename\n## $ hashdeep -c sha256\n##\n9," + hexa + ",/x/image.img\n", "image.img"},
		"in a phrase": {"SHA256 checksum: " + hexa, ""}, "0x": {"0x" + hexa, ""}, "SRI, options": {"sha256-" + b64 + "?ct=x", ""}, "UTF-16, big, no mark": {wideBE(hexa + "  image.img\r\n")[2:], "image.img"},
		"certutil, German": {"SHA256-Hash von image.img:\r\n" + hexa + "\r\nCertUtil: -hashfile-Befehl wurde erfolgreich ausgef\x81hrt.\r\n", ""},
		"comment":          {"# the image of today\n" + hexa + "  image.img\n", "image.img"}, "signed": {"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + hexa + "  image.img\n-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE\n-----END PGP SIGNATURE-----\n", "image.img"},
	} {
		got := Parse([]byte(c.text))
		if len(got) != 1 || got[0].Hash != hash || got[0].Base() != c.name {
			t.Errorf("%s: %+v", label, got)
		}
	}
	for label, text := range map[string]string{
		"nothing": "", "html": "<html>", "MD5": "d41d8cd98f00b204e9800998ecf8427e  image.img", "SHA-512": strings.Repeat("a", 128) + "  image.img", "tag of another": "SHA512 (image.img) = " + strings.Repeat("a", 128),
		"SHA-1 in a tag": "SHA1 (image.img) = " + hexa, "one digit less": hexa[1:], "one more": hexa + "0", "no hex": strings.Repeat("g", 64), "bad base64": "sha256-" + b64[:40] + "!!!=", "BLAKE2": "BLAKE2b (image.img) = " + hexa,
		"SHA3": "SHA3-256(image.img)= " + hexa, "BLAKE3 in JSON": `{"blake3":"` + hexa + `","name":"image.img"}`, "a SHA-512 in groups": "image.img: " + groups(append(hash[:], hash[:]...)), "two in a line": "image.img " + hexa + " " + hexa + "!",
	} {
		if got := Parse([]byte(text)); len(got) != 0 {
			t.Errorf("%s: %+v", label, got)
		}
	}
	zero := Parse([]byte(hexa + "  a\x00" + strings.Repeat("0", 64) + "  /x/b\x00"))
	if len(zero) != 2 || zero[0].Name != "a" || zero[1].Name != "/x/b" {
		t.Errorf("--zero: %+v", zero)
	}
	several := Parse([]byte(hexa + "  a\n" + strings.Repeat("0", 64) + "  b\n\n" + strings.Repeat("1", 64) + " *c\n"))
	if len(several) != 3 || several[0].Name != "a" || several[1].Name != "b" || several[2].Name != "c" {
		t.Errorf("%+v", several)
	}
}

// From the manual of nix-hash: nix-hash --type sha256 --to-base32.
func TestTheBase32OfNix(t *testing.T) {
	// The SHA-256 of nothing, which Nix writes like this everywhere.
	const nothing = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"
	for _, text := range []string{nothing, "sha256:" + nothing} {
		if got, ok := Hash(text); !ok || got != sha256.Sum256(nil) {
			t.Errorf("%s: %x", text, got)
		}
	}
	for _, text := range []string{strings.Repeat("z", 52), strings.Repeat("e", 52)} {
		if _, ok := Hash(text); ok {
			t.Errorf("%s was taken", text)
		}
	}
}

// What the programs print of files with any names is read as they mean it.
func TestWhatProgramsPrintIsReadAsTheyMeanIt(t *testing.T) {
	dir := t.TempDir()
	names := []string{"image.img.zst", "with blanks .img", "back\\slash", "new\nline", "brackets (1) = x", "*star", "ünï", "-", " lead", "a  b"}
	for i, n := range names {
		if err := os.WriteFile(filepath.Join(dir, n), []byte{byte(i)}, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for label, args := range map[string][]string{
		"sha256sum": {"sha256sum"}, "sha256sum -b": {"sha256sum", "-b"}, "sha256sum --tag": {"sha256sum", "--tag"}, "shasum": {"shasum", "-a", "256"}, "openssl": {"openssl", "dgst", "-sha256"}, "openssl -r": {"openssl", "dgst", "-sha256", "-r"},
	} {
		if _, err := exec.LookPath(args[0]); err != nil {
			if os.Getenv("PIWIZ_REAL") == "1" {
				t.Fatal("needs " + args[0])
			}
			t.Log("needs " + args[0])
			continue
		}
		for i, n := range names {
			c := exec.Command(args[0], append(args[1:], "./"+n)...)
			c.Dir = dir
			out, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			got := Parse(out)
			if strings.Contains(n, "\n") && args[0] == "openssl" && (len(got) != 1 || got[0].Hash == sha256.Sum256([]byte{byte(i)})) {
				continue // it prints the name as it is, on two lines
			}
			if len(got) != 1 || got[0].Hash != sha256.Sum256([]byte{byte(i)}) || n != "-" && strings.TrimPrefix(got[0].Name, "./") != n {
				t.Errorf("%s of %q: %q is %+v", label, n, out, got)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(hexa + "  image.img\n"))
	f.Add([]byte("SHA2-256(image)= " + hexa))
	f.Add([]byte("Algorithm : SHA256\nHash : " + hexa + "\nPath : x\n            y\n            z"))
	f.Add([]byte(wideLE("SHA256 hash of x:\n" + hexa)))
	f.Add([]byte("sha256-" + b64))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, s := range Parse(b) {
			// What is found says the same when it is said plainly.
			again := Parse([]byte(hex.EncodeToString(s.Hash[:])))
			if len(again) != 1 || again[0].Hash != s.Hash {
				t.Errorf("%+v is %+v", s, again)
			}
		}
		if s := Parse(append(bytes.Clone([]byte(hexa+"\n")), '#')); len(s) != 1 {
			t.Error(s)
		}
	})
}
