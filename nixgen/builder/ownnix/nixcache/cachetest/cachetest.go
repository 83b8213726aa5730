// Package cachetest makes small binary caches, signed with keys of their own, for
// tests that need no Nix. The same caches by the real Nix are in .ci/rig/own-cache.
package cachetest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/narinfo"
)

// Cache is a binary cache in a folder.
type Cache struct {
	Dir    string
	Key    narinfo.Key
	secret ed25519.PrivateKey
}

// New is an empty cache with a key of that name.
func New(t testing.TB, name string) *Cache {
	t.Helper()
	public, secret, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &Cache{Dir: t.TempDir(), Key: narinfo.Key{Name: name, PublicKey: public}, secret: secret}
	if err := os.Mkdir(filepath.Join(c.Dir, "nar"), 0o700); err != nil {
		t.Fatal(err)
	}
	return c
}

// URL is its address.
func (c *Cache) URL() string { return "file://" + c.Dir }

// Tree is the NAR of a folder with these files. A name that ends in * is a
// program, a content that begins with -> a link.
func Tree(t testing.TB, files map[string]string) []byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	for name, text := range files {
		at := filepath.Join(dir, strings.TrimSuffix(name, "*"))
		err := os.MkdirAll(filepath.Dir(at), 0o700)
		switch to, link := strings.CutPrefix(text, "->"); {
		case err != nil:
		case link:
			err = os.Symlink(to, at)
		default:
			err = os.WriteFile(at, []byte(text), map[bool]os.FileMode{true: 0o700, false: 0o600}[strings.HasSuffix(name, "*")])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := nar.Dump(&b, dir); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Add puts a NAR into the cache, compressed with xz, zstd or none, and is its
// store path.
func (c *Cache) Add(t testing.TB, name, how string, content []byte, refs ...string) string {
	t.Helper()
	path := Path(name, content)
	c.AddAs(t, path, how, content, Pack(t, how, content), refs...)
	return path
}

// Path is the store path that Add gives.
func Path(name string, content []byte) string {
	sum := sha256.Sum256(append([]byte(name+":"), content...))
	return "/nix/store/" + nar.Encode32(sum[:20]) + "-" + name
}

// AddAs is Add for that store path, and for what is compressed already.
func (c *Cache) AddAs(t testing.TB, path, how string, content, packed []byte, refs ...string) {
	t.Helper()
	sum, fileSum := sha256.Sum256(content), sha256.Sum256(packed)
	url := "nar/" + nar.Encode32(fileSum[:]) + ".nar"
	if how != "none" {
		url += "." + how
	}
	refs = slices.Clone(refs)
	for i, r := range refs {
		refs[i] = filepath.Base(r)
	}
	if err := os.WriteFile(filepath.Join(c.Dir, url), packed, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Write(t, path, c.Sign(fmt.Sprintf(`StorePath: %s
URL: %s
Compression: %s
FileHash: sha256:%s
FileSize: %d
NarHash: sha256:%s
NarSize: %d
References: %s
Deriver: %s.drv
`, path, url, how, nar.Encode32(fileSum[:]), len(packed), nar.Encode32(sum[:]), len(content), strings.Join(refs, " "), filepath.Base(path))))
}

func (c *Cache) file(path string) string {
	return filepath.Join(c.Dir, filepath.Base(path)[:32]+".narinfo")
}

// Narinfo is what the cache says of a path.
func (c *Cache) Narinfo(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(c.file(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Write is what the cache says of a path from now on.
func (c *Cache) Write(t testing.TB, path, narinfo string) {
	t.Helper()
	if err := os.WriteFile(c.file(path), []byte(narinfo), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Nar is the file with the content of a path.
func (c *Cache) Nar(t testing.TB, path string) string {
	return filepath.Join(c.Dir, Field(c.Narinfo(t, path), "URL"))
}

// Field is one line of a narinfo, without its name.
func Field(narinfo, name string) string {
	for line := range strings.Lines(narinfo) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// With is a narinfo with another value.
func With(narinfo, name, value string) string {
	return strings.Replace(narinfo, name+": "+Field(narinfo, name)+"\n", name+": "+value+"\n", 1)
}

// Sign adds the signature of the cache to what a narinfo says.
func (c *Cache) Sign(narinfo string) string {
	refs := strings.Fields(Field(narinfo, "References"))
	slices.Sort(refs)
	refs = slices.Compact(refs)
	for i, r := range refs {
		refs[i] = "/nix/store/" + r
	}
	size, _ := strconv.Atoi(Field(narinfo, "NarSize"))
	text := fmt.Sprintf("1;%s;%s;%d;%s", Field(narinfo, "StorePath"), Field(narinfo, "NarHash"), size, strings.Join(refs, ","))
	return narinfo + "Sig: " + c.Key.Name + ":" + base64.StdEncoding.EncodeToString(ed25519.Sign(c.secret, []byte(text))) + "\n"
}

// Pack compresses with xz, zstd or none.
func Pack(t testing.TB, how string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var err error
	switch how {
	case "none":
		return b
	case "xz":
		var w *xz.Writer
		if w, err = (xz.WriterConfig{DictCap: 1 << 16}).NewWriter(&out); err == nil {
			if _, err = w.Write(b); err == nil {
				err = w.Close()
			}
		}
	case "zstd":
		var w *zstd.Encoder
		if w, err = zstd.NewWriter(&out); err == nil {
			if _, err = w.Write(b); err == nil {
				err = w.Close()
			}
		}
	default:
		t.Fatalf("no %s here", how)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
