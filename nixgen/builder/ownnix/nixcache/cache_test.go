package nixcache_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/builder/ownnix/nixcache/cachetest"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/builder/ownnix/storedir"
	"piwiz/nixgen/fault"
)

// patience of tests: attempts of a server that fails are 10 and 40 ms apart.
const patience = 300 * time.Millisecond

func cache(c *cachetest.Cache, urls ...string) nixcache.Cache {
	if len(urls) == 0 {
		urls = []string{c.URL()}
	}
	return nixcache.Cache{URLs: urls, Keys: []narinfo.Key{c.Key}, Patience: patience}
}

// graph is a cache with a small closure: a program, what it loads, and what both
// need, which refers to itself.
func graph(t testing.TB, compressions ...string) (c *cachetest.Cache, root string, nars map[string][]byte) {
	t.Helper()
	c, nars = cachetest.New(t, "test-1"), map[string][]byte{}
	add := func(name, how string, files map[string]string, refs ...string) string {
		content := cachetest.Tree(t, files)
		path := c.Add(t, name, how, content, append(refs, map[bool][]string{true: {cachetest.Path(name, content)}}[name == "glibc-2.41"]...)...)
		nars[path] = content
		return path
	}
	how := func(k int) string { return compressions[k%len(compressions)] }
	libc := add("glibc-2.41", how(0), map[string]string{"lib/libc.so*": strings.Repeat("libc", 9000), "lib/libc.so.6": "->libc.so"})
	lib := add("libz-1.3", how(1), map[string]string{"lib/libz.so": strings.Repeat("z", 70000)}, libc)
	root = add("nix-2.99", how(2), map[string]string{"bin/nix*": "program", "etc/conf": "a b"}, lib, libc)
	return c, root, nars
}

// store is a folder for store paths. It is in memory where it can be: on a disk
// each sync waits for what others write.
func store(t testing.TB) string {
	t.Helper()
	in := "/dev/shm"
	if _, err := os.Stat(in); err != nil {
		in = ""
	}
	top, err := os.MkdirTemp(in, "piwiz-store-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := nar.Remove(top); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(top, "store")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func names(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func fetchAll(ctx context.Context, c nixcache.Cache, dir string, report func(meter.Progress), roots ...string) ([]narinfo.Info, error) {
	infos, err := c.Closure(ctx, roots)
	if err != nil {
		return nil, err
	}
	return infos, c.Fetch(ctx, dir, infos, report)
}

func TestAClosureIsFetchedAndRegistered(t *testing.T) {
	c, root, nars := graph(t, "xz", "zstd", "none")
	web := httptest.NewServer(http.FileServer(http.Dir(c.Dir)))
	defer web.Close()
	for _, url := range []string{c.URL(), c.Dir, c.URL() + "/", web.URL, web.URL + "/?priority=3"} {
		dir := store(t)
		var seen []meter.Progress
		infos, err := fetchAll(t.Context(), cache(c, url), dir, func(p meter.Progress) { seen = append(seen, p) }, root)
		if err != nil {
			t.Fatal(err)
		}
		var size int64
		for path, content := range nars {
			var got bytes.Buffer
			if err := nar.Dump(&got, filepath.Join(dir, filepath.Base(path))); err != nil || !bytes.Equal(got.Bytes(), content) {
				t.Errorf("%s: %s is different (%v)", url, path, err)
			}
			size += int64(len(content))
		}
		if len(infos) != 3 || len(names(t, dir)) != 3 {
			t.Errorf("%s: %d infos, in the store are %v", url, len(infos), names(t, dir))
		}
		download, unpacked := narinfo.Sum(infos)
		if first, last := seen[0], seen[len(seen)-1]; unpacked != size ||
			first != (meter.Progress{AllParts: 3, AllBytes: download}) || last != (meter.Progress{Parts: 3, AllParts: 3, Bytes: download, AllBytes: download}) {
			t.Errorf("%s: from %+v to %+v, %d to download, %d unpacked", url, first, last, download, unpacked)
		}
		for i := 1; i < len(seen); i++ {
			if seen[i].Bytes < seen[i-1].Bytes || seen[i].Parts < seen[i-1].Parts || seen[i].Bytes > seen[i].AllBytes {
				t.Errorf("%s: %+v after %+v", url, seen[i], seen[i-1])
			}
		}
		if n := bytes.Count(narinfo.Registration(infos), []byte("\n\n")); n != 3 || nixcache.Missing(dir, infos) != nil {
			t.Errorf("%s: %d registered, %v missing", url, n, nixcache.Missing(dir, infos))
		}
	}
}

// A NAR that bzip2 packed: a=hello, sub/b=y.
const bzip2ed = "QlpoOTFBWSZTWYfFBxEAAMhZgG7iAGIgAD7n32AwALlQlKZG1NBoAAyaGMJiZMBMAAIpJqPQmyIAGhpxEhM42qlWekgmTKAGRUyDJtDYtIKVDFg0jzAIj7IQoxDBrAKySkLdcMlTOerfU8G/U2UClqMOkikgmoSckx4yTyqFw6EW9bE0nvcDE6he7GBgbklQoQkg6bFC7NFD8XckU4UJCHxQcRA="

func TestBzip2IsWhatACacheMeansWithoutSayingIt(t *testing.T) {
	packed, err := base64.StdEncoding.DecodeString(bzip2ed)
	if err != nil {
		t.Fatal(err)
	}
	content := cachetest.Tree(t, map[string]string{"a": "hello", "sub/b": "y"})
	c := cachetest.New(t, "k")
	path := cachetest.Path("old", content)
	c.AddAs(t, path, "bzip2", content, packed)
	c.Write(t, path, strings.Replace(c.Narinfo(t, path), "Compression: bzip2\n", "", 1))
	if _, err := fetchAll(t.Context(), cache(c), store(t), nil, path); err != nil {
		t.Error(err)
	}
}

func TestWhatIsThereIsKeptAndWhatDeadRunsLeftIsSwept(t *testing.T) {
	c, root, nars := graph(t, "xz")
	dir := store(t)
	infos, err := fetchAll(t.Context(), cache(c), dir, nil, root)
	if err != nil {
		t.Fatal(err)
	}
	if err := nar.Remove(filepath.Join(dir, filepath.Base(root))); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, storedir.Part+filepath.Base(root))
	if err := errors.Join(os.MkdirAll(filepath.Join(left, "bin"), 0o700), os.Chmod(left, 0o555)); err != nil {
		t.Fatal(err)
	}
	for path := range nars { // the rest cannot be fetched again
		if path != root {
			if err := os.Remove(c.Nar(t, path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	var last meter.Progress
	if err := cache(c).Fetch(t.Context(), dir, infos, func(p meter.Progress) {
		if _, err := os.Lstat(left); err == nil && p.Bytes == 0 {
			t.Error("what a dead run left is there as the next begins: the disk may be full of it")
		}
		last = p
	}); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 3 || last.Parts != 1 || last.AllParts != 1 {
		t.Errorf("in the store are %v after %+v", got, last)
	}
}

// A signature by somebody unknown says nothing, and does no harm.
func TestOneSignatureOfATrustedKeyIsEnough(t *testing.T) {
	c, root, _ := graph(t, "none")
	other := cachetest.New(t, "other-1")
	impostor := cachetest.New(t, "test-1") // the same name, another key
	text := c.Narinfo(t, root)
	unsigned := text[:strings.Index(text, "Sig: ")]
	refs := cachetest.Field(text, "References")
	two := strings.Fields(refs)
	slices.Reverse(two)
	turned := strings.Join(two, " ")
	for what, a := range map[string]struct {
		narinfo string
		ok      bool
	}{
		"references in another order": {c.Sign(strings.Replace(unsigned, "References: "+refs, "References: "+turned+" "+turned, 1)), true},
		"as it is":                    {text, true},
		"others first":                {c.Sign(impostor.Sign(other.Sign(unsigned))), true},
		"others last":                 {impostor.Sign(other.Sign(text)), true},
		"something that is none":      {"Sig: what\nSig: :\nSig: test-1:\nSig: test-1:AAAA\n" + text, true},
		"keys that are not known":     {text + "CA: fixed:sha256:x\nSystem: x86_64-linux\nX-New: yes\n", true},
		"only others":                 {other.Sign(unsigned), false},
		"only an impostor":            {impostor.Sign(unsigned), false},
		"nobody":                      {unsigned, false},
	} {
		c.Write(t, root, a.narinfo)
		_, err := cache(c).Closure(t.Context(), []string{root})
		if (err == nil) != a.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
	c.Write(t, root, text)
	both := cache(c)
	both.Keys = []narinfo.Key{other.Key, c.Key}
	if _, err := both.Closure(t.Context(), []string{root}); err != nil {
		t.Error(err)
	}
}

// Several sources: what one lacks comes from the next, and a part that one spoils
// too.
func TestWhatOneSourceLacksComesFromTheNext(t *testing.T) {
	c, root, nars := graph(t, "xz", "none", "zstd")
	bad, _, _ := graph(t, "xz")
	for _, spoil := range []struct {
		what string
		do   func(path string) error
	}{
		{"no narinfo", func(path string) error { return os.Remove(filepath.Join(bad.Dir, filepath.Base(path)[:32]+".narinfo")) }},
		{"no NAR", func(path string) error { return os.Remove(bad.Nar(t, path)) }},
		{"half a NAR", func(path string) error { return os.Truncate(bad.Nar(t, path), 50) }},
		{"another NAR", func(path string) error { return os.WriteFile(bad.Nar(t, path), []byte("other"), 0o600) }},
		{"a narinfo of others", func(path string) error {
			bad.Write(t, path, strings.ReplaceAll(bad.Narinfo(t, path), "Sig: ", "Sig: x"))
			return nil
		}},
	} {
		if err := os.CopyFS(bad.Dir, os.DirFS(c.Dir)); err != nil && !errors.Is(err, fs.ErrExist) {
			t.Fatal(err)
		}
		bad.Dir = t.TempDir()
		if err := os.CopyFS(bad.Dir, os.DirFS(c.Dir)); err != nil {
			t.Fatal(err)
		}
		for path := range nars {
			if err := spoil.do(path); err != nil {
				t.Fatal(err)
			}
		}
		dir := store(t)
		if _, err := fetchAll(t.Context(), cache(c, bad.URL(), c.URL()), dir, nil, root); err != nil || len(names(t, dir)) != 3 {
			t.Errorf("%s: %v, in the store are %v", spoil.what, err, names(t, dir))
		}
	}
}

// Trust is in the key, but what was asked for is what was signed first: the key
// may have signed another build of the same path.
func TestAnotherBuildFromTheNextSourceIsNotTaken(t *testing.T) {
	c, root, nars := graph(t, "none")
	path := find(nars, "libz")
	infos, err := cache(c).Closure(t.Context(), []string{root})
	if err != nil {
		t.Fatal(err)
	}
	first := *c
	first.Dir = t.TempDir()
	if err := os.CopyFS(first.Dir, os.DirFS(c.Dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(c.Nar(t, path)); err != nil {
		t.Fatal(err)
	}
	other := cachetest.Tree(t, map[string]string{"lib/libz.so": "another build"})
	c.AddAs(t, path, "none", other, other, strings.Fields(cachetest.Field(c.Narinfo(t, path), "References"))...)
	dir := store(t)
	err = cache(c, t.TempDir(), c.Dir).Fetch(t.Context(), dir, infos, nil)
	if err == nil || !strings.Contains(err.Error(), "it has another build of it") || slices.Contains(names(t, dir), filepath.Base(path)) {
		t.Errorf("%v, in the store are %v", err, names(t, dir))
	}
	if err := cache(&first).Fetch(t.Context(), dir, infos, nil); err != nil {
		t.Error(err)
	}
}

// A download that begins again does not go back.
func TestProgressNeverGoesBackWhenADownloadBeginsAgain(t *testing.T) {
	c, root, nars := graph(t, "none")
	files := http.FileServer(http.Dir(c.Dir))
	large := find(nars, "libz")
	var asked atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(c.Nar(t, large), filepath.Base(r.URL.Path)) && asked.Add(1) < 3 {
			w.Header().Set("Content-Length", strconv.Itoa(len(nars[large])))
			_, _ = w.Write(nars[large][:60000])
			return
		}
		files.ServeHTTP(w, r)
	}))
	defer web.Close()
	var last meter.Progress
	infos, err := fetchAll(t.Context(), cache(c, web.URL), store(t), func(p meter.Progress) {
		if p.Bytes < last.Bytes || p.Parts < last.Parts || p.Bytes > p.AllBytes {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
	}, root)
	if download, _ := narinfo.Sum(infos); err != nil || asked.Load() != 3 || last.Bytes != download || last.AllBytes != download {
		t.Errorf("asked %d times, at the end %+v: %v", asked.Load(), last, err)
	}
}

func TestAServerThatFailsForAWhileIsAskedAgain(t *testing.T) {
	c, root, _ := graph(t, "xz")
	files := http.FileServer(http.Dir(c.Dir))
	for what, fail := range map[string]http.HandlerFunc{
		"503": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"429": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write([]byte("StorePath: "))
		},
		"closed":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"silence in the middle": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("Sto"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1)%2 == 1 {
					fail(w, r)
					return
				}
				files.ServeHTTP(w, r)
			}))
			defer web.Close()
			one := cache(c, web.URL)
			if _, err := one.Closure(t.Context(), []string{root}); err != nil {
				t.Error(err)
			}
			// What always fails is asked three times, not for ever.
			asked.Store(0)
			always := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1); fail(w, r) }))
			defer always.Close()
			_, err := cache(c, always.URL).Closure(t.Context(), []string{root})
			if told, ok := errors.AsType[fault.Told](err); !ok || len(told.Hints()) == 0 || asked.Load() != 3 {
				t.Errorf("asked %d times: %v", asked.Load(), err)
			}
		})
	}
}

// A server is not blamed for a slow disk, but for sending a byte now and then.
func TestOnlyTheTimeSpentWaitingForAServerCounts(t *testing.T) {
	c, root, nars := graph(t, "none")
	large := c.Nar(t, find(nars, "libz"))
	files := http.FileServer(http.Dir(c.Dir))
	var requests atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { requests.Add(1); files.ServeHTTP(w, r) }))
	defer web.Close()
	slept := false
	if _, err := fetchAll(t.Context(), cache(c, web.URL), store(t), func(p meter.Progress) {
		if !slept && p.Bytes > 1000 {
			slept = true
			time.Sleep(patience + patience/2)
		}
	}, root); err != nil || !slept || requests.Load() != 6 {
		t.Errorf("asked %d times: %v", requests.Load(), err)
	}
	var asked atomic.Int64
	drip := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(large, filepath.Base(r.URL.Path)) {
			files.ServeHTTP(w, r)
			return
		}
		asked.Add(1)
		content := nars[find(nars, "libz")]
		_, _ = w.Write(content[:5000])
		for _, b := range content[5000:] {
			if r.Context().Err() != nil {
				return
			}
			_, _ = w.Write([]byte{b})
			_ = http.NewResponseController(w).Flush()
			time.Sleep(patience / 10)
		}
	}))
	defer drip.Close()
	err := refused(t, cache(c, drip.URL), root, find(nars, "libz"))
	if err == nil || !strings.Contains(err.Error(), "sent almost nothing for 300ms") || asked.Load() != 3 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

// A part that is begun and cut is removed, and what is verified stays.
func TestAnEndInTheMiddleLeavesOnlyWhatIsVerified(t *testing.T) {
	c, root, nars := graph(t, "none")
	large := cachetest.Path("libz-1.3", nars[find(nars, "libz")])
	files := http.FileServer(http.Dir(c.Dir))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, filepath.Base(c.Nar(t, large))) {
			_, _ = w.Write(nars[large][:50000])
			_ = http.NewResponseController(w).Flush()
			cancel()
			<-r.Context().Done()
			return
		}
		files.ServeHTTP(w, r)
	}))
	defer web.Close()
	dir := store(t)
	infos, err := cache(c, web.URL).Closure(t.Context(), []string{root})
	if err != nil {
		t.Fatal(err)
	}
	if err := cache(c, web.URL).Fetch(ctx, dir, infos, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	for _, name := range names(t, dir) {
		if strings.HasPrefix(name, storedir.Part) || name == filepath.Base(large) {
			t.Errorf("%s is left", name)
		}
	}
	if err := cache(c).Fetch(t.Context(), dir, infos, nil); err != nil || len(names(t, dir)) != 3 {
		t.Errorf("%v, in the store are %v", err, names(t, dir))
	}
}

func find(nars map[string][]byte, part string) string {
	for path := range nars {
		if strings.Contains(path, part) {
			return path
		}
	}
	return ""
}

func TestKeysAndAddressesAreRead(t *testing.T) {
	const official = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="
	if k, err := narinfo.ParseKey(official); err != nil || k.String() != official {
		t.Errorf("%s (%v)", k, err)
	}
	for _, wrong := range []string{"", ":", "name", "name:", "name:AAAA", ":6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=", official + "AAAA"} {
		if k, err := narinfo.ParseKey(wrong); err == nil {
			t.Errorf("%q is %s", wrong, k)
		}
	}
	for text, want := range map[string]string{
		"https://cache.nixos.org": "https://cache.nixos.org", "https://cache.nixos.org/": "https://cache.nixos.org",
		"http://10.0.0.1:8080/a/b//": "http://10.0.0.1:8080/a/b", "file:///mnt/usb": "file:///mnt/usb", "file://localhost/mnt": "file://localhost/mnt",
		"/mnt/a folder%": "file:///mnt/a%20folder%25", "https://u:p@x.example?a=b": "https://u:p@x.example",
		"": "", "cache.nixos.org": "", "ftp://x": "", "s3://bucket": "", "file://host/mnt": "", "file:mnt": "", "file://": "", "https://": "", "mnt": "", "https://a b": "", ":": "",
	} {
		u, err := nixcache.CheckURL(text)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is %s", text, u)
		case want != "" && (err != nil || u.String() != want):
			t.Errorf("%q is %v, not %s (%v)", text, u, want, err)
		}
	}
	for _, roots := range [][]string{{"nix"}, {"/nix/store/x"}, {"/nix/store/" + strings.Repeat("a", 32) + "-nix/bin/nix"}, {strings.Repeat("a", 32) + "-nix"}, {"/nix/store/../" + strings.Repeat("a", 32) + "-nix"}} {
		if _, err := cache(cachetest.New(t, "k")).Closure(t.Context(), roots); err == nil {
			t.Errorf("%v was asked for", roots)
		}
	}
	if _, err := (nixcache.Cache{URLs: []string{"file:///"}}).Closure(t.Context(), nil); err == nil {
		t.Error("a cache without keys was trusted")
	}
}
