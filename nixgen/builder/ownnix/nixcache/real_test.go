package nixcache_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/nixcache"
	"piwiz/nixgen/builder/ownnix/nixcache/meter"
	"piwiz/nixgen/builder/ownnix/storedir"
)

// rig is the folder with the cache that the real Nix wrote and signed, its key,
// and the store paths in it.
func rig(t *testing.T) (dir string, key narinfo.Key, closure []string) {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs a real Nix: .ci/rig/prepare RIG, then PIWIZ_REAL=1 PIWIZ_RIG=RIG go test")
	}
	dir = filepath.Join(os.Getenv("PIWIZ_RIG"), "own-cache")
	text, err := os.ReadFile(filepath.Join(dir, "key.public"))
	if err != nil {
		t.Fatal(err)
	}
	if key, err = narinfo.ParseKey(strings.TrimSpace(string(text))); err != nil {
		t.Fatal(err)
	}
	paths, err := os.ReadFile(filepath.Join(dir, "closure"))
	if err != nil {
		t.Fatal(err)
	}
	return dir, key, strings.Fields(string(paths))
}

// roots are what to fetch: Nix, certificates and the emulator, which is all there
// is. The race detector makes xz some ten times slower; it gets a library.
func roots(closure []string) []string {
	if raced {
		return closure[len(closure)/2 : len(closure)/2+1]
	}
	return closure[len(closure)-3:]
}

// nix runs a program of the real Nix.
func nix(t *testing.T, input []byte, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(os.Getenv("PIWIZ_RIG"), "nix/bin", args[0]), args[1:]...)
	cmd.Env = append(os.Environ(), "NIX_CONFIG=experimental-features = nix-command\nsubstituters =\nbuild-users-group =", "HOME="+t.TempDir())
	cmd.Stdin = bytes.NewReader(input)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || strings.Contains(said.String(), "error") {
		t.Fatalf("%v: %v\n%s%s", args, err, out, &said)
	}
	return string(out)
}

// judge has the real Nix register and verify what is in ROOT/nix/store.
func judge(t *testing.T, root string, infos []narinfo.Info) {
	t.Helper()
	nix(t, narinfo.Registration(infos), "nix-store", "--store", root, "--load-db")
	nix(t, nil, "nix-store", "--store", root, "--verify", "--check-contents")
	for _, i := range infos {
		at := filepath.Join(root, i.Path)
		dumped := nix(t, nil, "nix-store", "--dump", at)
		sum := sha256.Sum256([]byte(dumped))
		if hash := strings.TrimSpace(nix(t, nil, "nix", "hash", "path", "--type", "sha256", "--base32", at)); "sha256:"+nar.Encode32(sum[:]) != i.NarHash || "sha256:"+hash != i.NarHash || int64(len(dumped)) != i.NarSize {
			t.Errorf("%s is not what was signed", i.Path)
		}
	}
	for _, name := range names(t, filepath.Join(root, "nix/store")) {
		if strings.HasPrefix(name, storedir.Part) {
			t.Errorf("%s is left", name)
		}
	}
}

// rooted is a folder with nix/store in it.
func rooted(t *testing.T) (root, dir string) {
	t.Helper()
	root = filepath.Dir(store(t))
	dir = filepath.Join(root, "nix/store")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return root, dir
}

func TestRealNixRegistersAndVerifiesWhatIsFetched(t *testing.T) {
	from, key, closure := rig(t)
	web := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(from, "cache"))))
	defer web.Close()
	root, dir := rooted(t)
	one := nixcache.Cache{URLs: []string{web.URL}, Keys: []narinfo.Key{key}}
	began := time.Now()
	infos, err := one.Closure(t.Context(), roots(closure))
	if err != nil {
		t.Fatal(err)
	}
	asked := time.Since(began)
	download, unpacked := narinfo.Sum(infos)
	var last meter.Progress
	if err := one.Fetch(t.Context(), dir, infos, func(p meter.Progress) { last = p }); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d paths, %d bytes to download, %d unpacked: narinfos %v, all %v", len(infos), download, unpacked, asked, time.Since(began))
	if len(infos) != len(closure) && !raced || len(infos) < 5 || last != (meter.Progress{Parts: len(infos), AllParts: len(infos), Bytes: download, AllBytes: download}) {
		t.Errorf("%d infos of %d, at the end %+v, %d to download", len(infos), len(closure), last, download)
	}
	judge(t, root, infos)
}

// Caches in each way that Nix compresses, of paths of every form.
func TestRealCachesOfEachCompression(t *testing.T) {
	from, key, closure := rig(t)
	some := []string{closure[0], closure[1], closure[len(closure)-3]}
	for _, how := range []string{"xz", "zstd", "bzip2", "none"} {
		to := filepath.Join(t.TempDir(), "cache")
		nix(t, nil, append([]string{"nix", "copy", "--from", from + "/store", "--to", "file://" + to + "?compression=" + how + "&compression-level=1"}, some[:2]...)...)
		root, dir := rooted(t)
		one := nixcache.Cache{URLs: []string{to}, Keys: []narinfo.Key{key}}
		infos, err := fetchAll(t.Context(), one, dir, nil, some[:2]...)
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		for _, i := range infos {
			if i.Compression != how {
				t.Errorf("%s is in %s, not %s", i.Path, i.Compression, how)
			}
		}
		judge(t, root, infos)
	}
}

// What only another key signed is refused, by us as by Nix.
func TestRealSignaturesOfOthersAreRefused(t *testing.T) {
	from, key, closure := rig(t)
	to := filepath.Join(t.TempDir(), "cache")
	nix(t, nil, "nix", "copy", "--from", from+"/store", "--to", "file://"+to, closure[0])
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte(nix(t, nil, "nix", "key", "generate-secret", "--key-name", key.Name)), 0o600); err != nil {
		t.Fatal(err)
	}
	public, err := narinfo.ParseKey(strings.TrimSpace(nix(t, []byte(readFile(t, other)), "nix", "key", "convert-secret-to-public")))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, nixcache.Cache{URLs: []string{to}, Keys: []narinfo.Key{public}}, closure[0], closure[0])
	nix(t, nil, "nix", "store", "sign", "--store", "file://"+to, "-k", other, closure[0])
	for _, k := range []narinfo.Key{key, public} {
		if _, err := (nixcache.Cache{URLs: []string{to}, Keys: []narinfo.Key{k}}).Closure(t.Context(), closure[:1]); err != nil {
			t.Errorf("signed by both: %v", err)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Killed at any moment, the next run has all of it, and nothing is left.
func TestRealFetchKilledAtAnyMoment(t *testing.T) {
	from, key, closure := rig(t)
	if dir := os.Getenv("PIWIZ_TEST_STORE"); dir != "" { // the one that is killed
		one := nixcache.Cache{URLs: []string{os.Getenv("PIWIZ_TEST_CACHE")}, Keys: []narinfo.Key{key}}
		fmt.Println("begun")
		if _, err := fetchAll(t.Context(), one, dir, nil, roots(closure)...); err != nil {
			t.Fatal(err)
		}
		return
	}
	files := http.FileServer(http.Dir(filepath.Join(from, "cache")))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		files.ServeHTTP(&slow{ResponseWriter: w}, r)
	}))
	defer web.Close()
	root, dir := rooted(t)
	times, parts, kept := 6, 0, 0
	pause := 2500 // milliseconds, at most
	if raced {
		times, pause = 3, 4000
	}
	if os.Getenv("PIWIZ_SWEEP") != "" {
		times = 50
	}
	for range times {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "PIWIZ_TEST_STORE="+dir, "PIWIZ_TEST_CACHE="+web.URL)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && lines.Text() != "begun" {
		}
		time.Sleep(time.Duration(rand.IntN(pause)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for _, name := range names(t, dir) {
			if strings.HasPrefix(name, storedir.Part) {
				parts++
			} else {
				kept++
			}
		}
		if len(names(t, dir)) == len(closure) { // begin again
			for _, name := range names(t, dir) {
				if err := nar.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	one := nixcache.Cache{URLs: []string{web.URL}, Keys: []narinfo.Key{key}}
	infos, err := fetchAll(t.Context(), one, dir, nil, roots(closure)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("killed %d times; in sum %d parts were left and %d paths kept", times, parts, kept)
	if parts == 0 {
		t.Error("no kill hit a download")
	}
	judge(t, root, infos)
}

// slow sends some 15 MB a second in all.
type slow struct{ http.ResponseWriter }

func (s *slow) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		var k int
		k, err = s.ResponseWriter.Write(p[:min(len(p), 32<<10)])
		p, n = p[k:], n+k
		time.Sleep(8 * time.Millisecond)
	}
	return n, err
}

func (s *slow) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{s}, r)
}
