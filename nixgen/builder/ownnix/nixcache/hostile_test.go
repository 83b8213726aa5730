package nixcache_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/builder/ownnix/nixcache/cachetest"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/builder/ownnix/storedir"
	"piwiz/nixgen/fault"
)

// words are strings as a NAR has them.
func words(texts ...string) []byte {
	var b []byte
	for _, t := range texts {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(t)))
		b = append(append(b, t...), make([]byte, -len(t)&7)...)
	}
	return b
}

// evil are NARs that a signer would have to be fooled into signing: one, a file of
// whom is outside of it.
func evil() map[string][]byte {
	begin := []string{"nix-archive-1", "(", "type", "directory"}
	file := func(name string) []string {
		return []string{"entry", "(", "name", name, "node", "(", "type", "regular", "contents", "x", ")", ")"}
	}
	link := []string{"entry", "(", "name", "a", "node", "(", "type", "symlink", "target", "..", ")", ")"}
	deep := slices.Clone(begin)
	for range 300 {
		deep = append(deep, "entry", "(", "name", "d", "node", "(", "type", "directory")
	}
	for range 300 {
		deep = append(deep, ")", ")")
	}
	deep = append(deep, ")")
	nars := map[string][]byte{"deep": words(deep...), "through a link": words(append(slices.Concat(begin, link, file("a/evil")), ")")...)}
	for _, name := range []string{"..", "../evil", "/tmp/piwiz-evil", "a\x00b", ""} {
		nars[fmt.Sprintf("%q", name)] = words(append(slices.Concat(begin, file(name)), ")")...)
	}
	nars["twice"] = words(append(slices.Concat(begin, file("a"), file("a")), ")")...)
	nars["over a link"] = words(append(slices.Concat(begin, link, file("a")), ")")...)
	nars["not sorted"] = words(append(slices.Concat(begin, file("b"), file("a")), ")")...)
	nars["a device"] = words("nix-archive-1", "(", "type", "device", ")")
	return nars
}

// refused fetches root, and makes sure that it fails with something to do, and
// that neither the path nor anything unverified is in the store.
func refused(t *testing.T, c nixcache.Cache, root string, bad ...string) error {
	t.Helper()
	dir := store(t)
	beside := filepath.Join(filepath.Dir(dir), "evil")
	infos, err := c.Closure(t.Context(), []string{root})
	if err == nil {
		err = c.Fetch(t.Context(), dir, infos, nil)
	}
	told, ok := errors.AsType[fault.Told](err)
	if !ok || len(told.Hints()) == 0 || !strings.HasSuffix(strings.Split(told.Error(), "\n")[0], ".") {
		t.Errorf("no error for people: %v", err)
	}
	for _, name := range names(t, dir) {
		if strings.HasPrefix(name, storedir.Part) || slices.Contains(bad, "/nix/store/"+name) {
			t.Errorf("%s is in the store", name)
		}
	}
	if _, there := os.Lstat(beside); there == nil {
		t.Errorf("%s was written", beside)
	}
	return err
}

func TestNothingThatWasTamperedWithGetsItsName(t *testing.T) {
	other, _, _ := graph(t, "none")
	for what, tamper := range map[string]func(c *cachetest.Cache, path, innocent string) (narinfo string){
		"another signature": func(c *cachetest.Cache, path, _ string) string {
			return strings.ReplaceAll(c.Narinfo(t, path), "Sig: test-1:", "Sig: test-1:A")
		},
		"signed by another key": func(c *cachetest.Cache, path, _ string) string {
			text := c.Narinfo(t, path)
			return other.Sign(text[:strings.Index(text, "Sig: ")])
		},
		"another hash": func(c *cachetest.Cache, path, innocent string) string {
			return cachetest.With(c.Narinfo(t, path), "NarHash", cachetest.Field(c.Narinfo(t, innocent), "NarHash"))
		},
		"a larger size": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "NarSize", "999999")
		},
		"a smaller size": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "NarSize", "8")
		},
		"one reference less": func(c *cachetest.Cache, path, _ string) string {
			refs := strings.Fields(cachetest.Field(c.Narinfo(t, path), "References"))
			return cachetest.With(c.Narinfo(t, path), "References", strings.Join(refs[1:], " "))
		},
		"one reference more": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "References", cachetest.Field(c.Narinfo(t, path), "References")+" "+strings.Repeat("a", 32)+"-evil")
		},
		"another name": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "StorePath", path+"-evil")
		},
		"the narinfo of another path": func(c *cachetest.Cache, _, innocent string) string { return c.Narinfo(t, innocent) },
		"the NAR of another path": func(c *cachetest.Cache, path, innocent string) string {
			return cachetest.With(c.Narinfo(t, path), "URL", cachetest.Field(c.Narinfo(t, innocent), "URL"))
		},
		"an unsigned one": func(c *cachetest.Cache, path, _ string) string {
			text := c.Narinfo(t, path)
			return text[:strings.Index(text, "Sig: ")]
		},
		"a flipped byte": func(c *cachetest.Cache, path, _ string) string {
			b, err := os.ReadFile(c.Nar(t, path))
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2] ^= 1
			if err := os.WriteFile(c.Nar(t, path), b, 0o600); err != nil {
				t.Fatal(err)
			}
			return ""
		},
		"a NAR that is cut": func(c *cachetest.Cache, path, _ string) string {
			if err := os.Truncate(c.Nar(t, path), 40); err != nil {
				t.Fatal(err)
			}
			return ""
		},
		"a NAR with more behind it": func(c *cachetest.Cache, path, _ string) string {
			f, err := os.OpenFile(c.Nar(t, path), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			_, _ = f.WriteString("more than is signed")
			return ""
		},
		"an empty NAR": func(c *cachetest.Cache, path, _ string) string { return empty(t, c.Nar(t, path)) },
		"no NAR":       func(c *cachetest.Cache, path, _ string) string { _ = os.Remove(c.Nar(t, path)); return "" },
		"a folder for a NAR": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "URL", "nar")
		},
		"an address above": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "URL", "../../etc/passwd")
		},
		"an address above, hidden": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "URL", "nar/%2e%2e/%2e%2e/x")
		},
		"an absolute address": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "URL", "/etc/passwd")
		},
		"another host": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "URL", "https://evil.example/x")
		},
		"another host, hidden": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "URL", "//evil.example/x")
		},
		"a file of this computer": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "URL", "file:///etc/passwd")
		},
		"an unknown compression": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "Compression", "br")
		},
		"another compression": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "Compression", "zstd")
		},
		"an empty narinfo": func(*cachetest.Cache, string, string) string { return "\n" },
		"half a narinfo":   func(c *cachetest.Cache, path, _ string) string { return c.Narinfo(t, path)[:100] },
		"a field twice":    func(c *cachetest.Cache, path, _ string) string { return "NarSize: 1\n" + c.Narinfo(t, path) },
		"no URL": func(c *cachetest.Cache, path, _ string) string {
			return strings.Replace(c.Narinfo(t, path), "URL: ", "URI: ", 1)
		},
		"a size below zero": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "NarSize", "-1")
		},
		"a size of 2^64": func(c *cachetest.Cache, path, _ string) string {
			return cachetest.With(c.Narinfo(t, path), "NarSize", "18446744073709551616")
		},
		"a huge narinfo": func(c *cachetest.Cache, path, _ string) string {
			return c.Narinfo(t, path) + strings.Repeat("X: x\n", 1<<18)
		},
		"a huge line": func(c *cachetest.Cache, path, _ string) string {
			return c.Narinfo(t, path) + "X: " + strings.Repeat("x", 1<<21) + "\n"
		},
	} {
		t.Run(what, func(t *testing.T) {
			c, root, nars := graph(t, "xz")
			path := find(nars, "libz")
			if text := tamper(c, path, find(nars, "glibc")); text != "" {
				c.Write(t, path, text)
			}
			web := httptest.NewServer(http.FileServer(http.Dir(c.Dir)))
			defer web.Close()
			refused(t, cache(c, web.URL), root, path)
			refused(t, cache(c), root, path)
		})
	}
}

func empty(t *testing.T, file string) string {
	if err := os.Truncate(file, 0); err != nil {
		t.Fatal(err)
	}
	return ""
}

// What is not signed is believed in nothing: not even a wrong size does harm.
func TestAWrongFileSizeDoesNoHarm(t *testing.T) {
	c, root, _ := graph(t, "xz")
	right, err := cache(c).Closure(t.Context(), []string{root})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []string{"0", "1", "4611686018427387903", ""} {
		text := cachetest.With(c.Narinfo(t, root), "FileSize", size)
		if size == "" {
			text = strings.Replace(text, "FileSize: \n", "", 1)
		}
		c.Write(t, root, text)
		var last meter.Progress
		infos, err := fetchAll(t.Context(), cache(c), store(t), func(p meter.Progress) {
			if p.Bytes < last.Bytes || p.Bytes > p.AllBytes {
				t.Errorf("%+v after %+v", p, last)
			}
			last = p
		}, root)
		if err != nil {
			t.Fatal(err)
		}
		download, unpacked := narinfo.Sum(infos)
		real, signed := narinfo.Sum(right)
		if download > 2*signed || unpacked != signed || last.Bytes != real || last.AllBytes != real {
			t.Errorf("size %q: %d to download, %d unpacked; at the end %+v, %d in all", size, download, unpacked, last, real)
		}
	}
}

// A signer can be fooled, and a signed NAR may be as large as it says, but it
// stays inside.
func TestASignedButHostileNarStaysInside(t *testing.T) {
	for what, content := range evil() {
		t.Run(what, func(t *testing.T) {
			c := cachetest.New(t, "k")
			path := c.Add(t, "evil", "xz", content)
			refused(t, cache(c), path, path)
			if _, err := os.Lstat("/tmp/piwiz-evil"); err == nil {
				t.Error("it wrote /tmp/piwiz-evil")
			}
		})
	}
}

// A size that was signed and is wrong is refused too: either way.
func TestASignedSizeThatIsWrongIsRefused(t *testing.T) {
	c := cachetest.New(t, "k")
	content := cachetest.Tree(t, map[string]string{"a": "hello"})
	path := c.Add(t, "odd", "none", content)
	text := c.Narinfo(t, path)
	unsigned := text[:strings.Index(text, "Sig: ")]
	for _, size := range []int{0, len(content) - 8, len(content) + 8} {
		c.Write(t, path, c.Sign(cachetest.With(unsigned, "NarSize", strconv.Itoa(size))))
		refused(t, cache(c), path, path)
	}
	c.Write(t, path, c.Sign(cachetest.With(unsigned, "NarSize", strconv.Itoa(len(content)))))
	if _, err := fetchAll(t.Context(), cache(c), store(t), nil, path); err != nil {
		t.Error(err)
	}
}

// The right NAR outside of the cache is not even asked for.
func TestANarStaysInItsCache(t *testing.T) {
	c := cachetest.New(t, "k")
	content := cachetest.Tree(t, map[string]string{"a": "hello"})
	path := c.Add(t, "odd", "none", content)
	text := c.Narinfo(t, path)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "nar"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); _, _ = w.Write(content) }))
	defer far.Close()
	up, err := filepath.Rel(c.Dir, outside)
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{
		far.URL + "/nar", strings.TrimPrefix(far.URL, "http:") + "/nar", strings.Replace(far.URL, "http://", "http:", 1),
		"file://" + outside + "/nar", outside + "/nar", up + "/nar", "nar/../" + up + "/nar", strings.ReplaceAll(up, "..", "%2e%2e") + "/nar", "nar\\..\\..", "",
	} {
		c.Write(t, path, cachetest.With(text, "URL", url))
		refused(t, cache(c), path, path)
	}
	if asked.Load() != 0 {
		t.Errorf("another host was asked %d times", asked.Load())
	}
	// A query stays with it.
	c.Write(t, path, cachetest.With(text, "URL", cachetest.Field(text, "URL")+"?hash=x"))
	if _, err := fetchAll(t.Context(), cache(c), store(t), nil, path); err != nil {
		t.Error(err)
	}
}

// endless gives the same again and again.
type endless struct{ text []byte }

func (e endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], e.text)
	}
	return n, nil
}

// A download ends at what was signed, whether it unpacks to too much or to
// nothing at all, and memory is bounded.
func TestABombIsStoppedAtTheSignedSize(t *testing.T) {
	const most = 1 << 30
	zeros := cachetest.Pack(t, "zstd", make([]byte, 64<<20))
	xzeros := cachetest.Pack(t, "xz", make([]byte, 4<<20))
	begin := append(words("nix-archive-1", "(", "type", "regular", "contents"), 0, 0, 0, 0, 0, 0, 0, 0x40)
	after := func(how string, zeros []byte) io.Reader {
		return io.MultiReader(bytes.NewReader(cachetest.Pack(t, how, begin)), endless{zeros})
	}
	for what, bomb := range map[string]struct {
		how  string
		body io.Reader
	}{
		"a NAR without end": {"none", io.MultiReader(bytes.NewReader(begin), endless{make([]byte, 1000)})},
		"a NAR in zstd":     {"zstd", after("zstd", zeros)},
		"a NAR in xz":       {"xz", after("xz", xzeros)},
		"zeros in zstd":     {"zstd", endless{zeros}},
		"zeros in xz":       {"xz", endless{xzeros}},
		"nothing in zstd":   {"zstd", endless{[]byte("\x50\x2a\x4d\x18\xff\x00\x00\x00" + strings.Repeat("x", 255))}}, // a skippable frame
		"nothing in xz":     {"xz", endless{cachetest.Pack(t, "xz", nil)}},
		"padding in xz":     {"xz", io.MultiReader(bytes.NewReader(cachetest.Pack(t, "xz", nil)), endless{make([]byte, 1000)})},
		"noise":             {"none", endless{[]byte("noise")}},
	} {
		t.Run(what, func(t *testing.T) {
			c := cachetest.New(t, "k")
			content := cachetest.Tree(t, map[string]string{"a": strings.Repeat("a", 100_000)})
			path := c.Add(t, "bomb", "none", content)
			text := c.Narinfo(t, path)
			c.Write(t, path, cachetest.With(text, "Compression", bomb.how))
			var sent int64
			files := http.FileServer(http.Dir(c.Dir))
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, ".narinfo") {
					files.ServeHTTP(w, r)
					return
				}
				n, _ := io.CopyN(w, bomb.body, most)
				sent += n
			}))
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			err := refused(t, cache(c, web.URL), path, path)
			if strings.HasPrefix(what, "a NAR") && !strings.Contains(fmt.Sprint(err), "it is larger than the signed size") {
				t.Error(err)
			}
			runtime.ReadMemStats(&now)
			web.Close() // sent is whole
			if sent > 64<<20 || now.Sys-before.Sys > 200<<20 {
				t.Errorf("%d bytes were sent, and %d of memory taken", sent, now.Sys-before.Sys)
			}
		})
	}
}

// Redirects are followed, since what comes is verified; a password is not taken
// along, and no file of this computer is read.
func TestRedirectsCarryNoPasswordAndLeadToNoFile(t *testing.T) {
	c, root, _ := graph(t, "xz")
	var passwords, asked, turns atomic.Int64
	files := http.FileServer(http.Dir(c.Dir))
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if _, _, has := r.BasicAuth(); has || r.Header.Get("Authorization") != "" || strings.Contains(r.Header.Get("Referer"), "secret") {
			passwords.Add(1)
		}
		files.ServeHTTP(w, r)
	}))
	defer far.Close()
	to := strings.Replace(far.URL, "127.0.0.1", "localhost", 1) // another host
	near := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, word, _ := r.BasicAuth(); name != "me" || word != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, to+r.URL.Path, http.StatusFound)
	}))
	defer near.Close()
	one := cache(c, strings.Replace(near.URL, "http://", "http://me:secret@", 1))
	one.URLs = append(one.URLs, "file:///nowhere")
	if _, err := fetchAll(t.Context(), one, store(t), nil, root); err != nil || passwords.Load() != 0 || asked.Load() < 6 {
		t.Errorf("asked %d times, %d with the password: %v", asked.Load(), passwords.Load(), err)
	}
	wrong := refused(t, cache(c, strings.Replace(near.URL, "http://", "http://me:other-secret@", 1)), root, root)
	if strings.Contains(fmt.Sprint(wrong, wrong.(fault.Told).Hints()), "other-secret") {
		t.Errorf("the password is in %v", wrong)
	}
	for _, to := range []string{"file://" + c.Dir, "ftp://127.0.0.1/", "//"} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to+r.URL.Path)
			w.WriteHeader(http.StatusFound)
		}))
		refused(t, cache(c, web.URL), root, root)
		web.Close()
	}
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turns.Add(1)
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
	}))
	defer loop.Close()
	refused(t, cache(c, loop.URL), root, root)
	if turns.Load() > 11 {
		t.Errorf("%d redirects were followed", turns.Load())
	}
	tls := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, far.URL+r.URL.Path, http.StatusFound)
	}))
	defer tls.Close()
	secure := cache(c, tls.URL)
	secure.Client = tls.Client()
	if err := refused(t, secure, root, root); err != nil && !strings.Contains(err.Error(), "from https to http") {
		t.Error(err)
	}
}
