package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"piwiz/tui/screen"
)

// beginner is somebody with piwiz and nothing else: no Nix, no container, no sudo,
// none of the usual programs, no rights, and a network with one binary cache.
type beginner struct {
	t            *testing.T
	dir, rig, ns string
	server       *exec.Cmd // of the cache
}

// beginnerID is a user without an entry in the user database, who runs nothing else.
var beginnerID = strconv.Itoa(200000 + os.Getpid()%100000)

const cacheURL = "http://127.0.0.1:8080"

func newBeginner(t *testing.T) *beginner {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root, setpriv, a network namespace and the rig's binary cache: set PIWIZ_REAL=1 and see .ci/run")
	}
	b := &beginner{t: t, dir: t.TempDir(), rig: os.Getenv("PIWIZ_RIG"), ns: fmt.Sprintf("own%d", os.Getpid()%100000)}
	if b.rig == "" {
		t.Fatal("PIWIZ_RIG must name the folder made by .ci/rig/prepare")
	}
	// The rig is perhaps root's alone, and trust is the linker's to change.
	b.must("sh", "-c", `chmod 755 "$1" "$1/.." && mkdir "$1/bin" "$1/home" && mkdir -m 700 "$1/home/.ssh" && cp -r "$2/nixpkgs" "$1/nixpkgs" &&
cp "$2/own-cache/pins.toml" "$1/pins.toml" && ssh-keygen -q -t ed25519 -N '' -C me@laptop -f "$1/home/.ssh/id_ed25519" && chown -R "$3:$3" "$1/home"`,
		"sh", b.dir, b.rig, beginnerID)
	b.must("go", "build", "-ldflags", "-X piwiz/nixgen/builder/ownnix/pins.override="+filepath.Join(b.dir, "pins.toml"), "-o", filepath.Join(b.dir, "bin/piwiz"), ".")
	b.must("ip", "netns", "add", b.ns)
	t.Cleanup(func() { b.must("ip", "netns", "del", b.ns) })
	b.must("ip", "-n", b.ns, "link", "set", "lo", "up")
	b.serve()
	return b
}

// serve begins to serve the cache.
func (b *beginner) serve() {
	b.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	b.server = exec.CommandContext(ctx, "ip", "netns", "exec", b.ns, "python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", filepath.Join(b.rig, "own-cache/cache"), "8080")
	if err := b.server.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		stop()
		_ = b.server.Wait() // killed
	})
	for end := time.Now().Add(10 * time.Second); exec.Command("ip", "netns", "exec", b.ns, "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080").Run() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatal("the cache does not answer")
		}
	}
}

// cutOff ends the cache: from here on the network has nothing.
func (b *beginner) cutOff() {
	b.t.Helper()
	if err := b.server.Process.Kill(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *beginner) must(name string, args ...string) string {
	b.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		b.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// command is piwiz as that person starts it.
func (b *beginner) command(args ...string) *exec.Cmd {
	home := filepath.Join(b.dir, "home")
	cmd := exec.Command("ip", append([]string{
		"netns", "exec", b.ns, "setpriv", "--reuid", beginnerID, "--regid", beginnerID, "--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all",
		"env", "-i", "HOME=" + home, "PATH=" + filepath.Join(b.dir, "bin"), "LANG=de_DE.UTF-8", "TERM=xterm-256color", filepath.Join(b.dir, "bin/piwiz"),
	}, args...)...)
	cmd.Dir = home
	return cmd
}

// verb runs a verb, which must end with that exit code, and returns what it printed.
func (b *beginner) verb(code int, args ...string) string {
	b.t.Helper()
	cmd := b.command(args...)
	out, _ := cmd.CombinedOutput() // its exit code is what counts
	if got := cmd.ProcessState.ExitCode(); got != code {
		b.t.Fatalf("%v ended with %d, want %d\n%s", args, got, code, out)
	}
	return string(out)
}

// nix is the folder of piwiz's own Nix.
func (b *beginner) nix() string { return filepath.Join(b.dir, "home/.local/share/piwiz/nix") }

// status is what own-nix status says.
func (b *beginner) status() (s struct {
	Version  string
	Emulator string
	Size     int64
	Hosts    []string
	Runs     bool
},
) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.verb(0, "own-nix", "status", "--json")), &s); err != nil {
		b.t.Fatal(err)
	}
	return s
}

// build are the options for the stand-in of nixpkgs, and for the cache.
func (b *beginner) build(args ...string) []string {
	return append(args, "--nixpkgs", "path:"+filepath.Join(b.dir, "nixpkgs"), "--cache", cacheURL)
}

// image is the image that the last build of a host left, by its link.
func (b *beginner) image(host string) (link, sum string) {
	b.t.Helper()
	link, err := os.Readlink(filepath.Join(b.dir, "home/.local/share/piwiz/hosts", host, "result"))
	if err != nil {
		b.t.Fatal(err)
	}
	return link, b.must("sh", "-c", `sha256sum "$1"/sd-image/*.img* | cut -d' ' -f1`, "sh", link)
}

func TestABeginnerComesFromTheFirstPageToAnImageWithPiwizAlone(t *testing.T) {
	b := newBeginner(t)
	began := time.Now()
	s, err := screen.Start(b.command(b.build()...), 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	play(t, s, [][]string{
		{"Set up a new Raspberry Pi", "enter"},
		{"Press enter to begin the download", "enter"},
		{"Which Raspberry Pi?", "enter"},
		{"Name of the Raspberry Pi", "type bach", "enter"},
		{"Your user name", "enter"},
		{"Country", "enter"},
		{"me@laptop", "enter"},
		{"This is what will be built", "enter"},
		{"y to build it anyway", "type y"}, // the cache has no kernel
		{"The image is ready"},
	})
	t.Logf("from the first page to the image: %.1f s", time.Since(began).Seconds())
	if err := s.Key("ctrl+c"); err != nil {
		t.Fatal(err)
	}
	if code, err := s.Wait(10 * time.Second); err != nil || code != cancelled {
		t.Errorf("the wizard ended with %d, %v", code, err)
	}

	// Without another network Nix asks no cache by itself, even one on this computer.
	if e := b.status().Emulator; !strings.Contains(e, "-musl-") {
		t.Errorf("the emulator is %s, not that of nixpkgs out of the cache", e)
	}
	link, sum := b.image("bach")
	if !strings.HasPrefix(link, b.nix()+"/store/") {
		t.Errorf("the image is at %s", link)
	}
	// The same answers on a computer with Nix: the same store path and bytes.
	here, hash := b.here("bach")
	if filepath.Base(here) != filepath.Base(link) || hash != sum {
		t.Errorf("the images differ:\n%s %s\n%s %s", link, sum, here, hash)
	}
	b.nothingRuns()
	if st := b.status(); st.Version == "" || st.Size == 0 || !st.Runs || !slices.Equal(st.Hosts, []string{"bach"}) {
		t.Errorf("%+v", st)
	}
	b.survives(link, sum)
	b.leaves()
}

// here builds a host of that person with the Nix of this computer, and returns its
// store path and the sum of the image.
func (b *beginner) here(host string) (path, sum string) {
	b.t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		b.t.Fatal(err)
	}
	b.must("sh", "-c", `cp -r "$1/home" "$1/second" && chown -R 0:0 "$1/second" && rm -rf "$1/second/.local/share/piwiz/nix"`, "sh", b.dir)
	out := b.must(filepath.Join(root, ".ci/rig/with-nix"), b.rig, "env", "HOME="+filepath.Join(b.dir, "second"), "sh", "-c",
		`"$1/bin/piwiz" build "$2" --builder local --yes --nixpkgs "path:$1/nixpkgs" > /dev/null && link=$(readlink "$HOME/.local/share/piwiz/hosts/$2/result") && echo "$link" && sha256sum "$link"/sd-image/*.img*`, "sh", b.dir, host)
	lines := strings.Fields(out)
	if len(lines) < 2 {
		b.t.Fatalf("%q", out)
	}
	return lines[0], lines[1]
}

// nothingRuns finds what a build left: processes of that person.
func (b *beginner) nothingRuns() {
	b.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		out, err := exec.Command("pgrep", "-a", "-u", beginnerID).CombinedOutput()
		if err != nil { // none
			return
		}
		if time.Now().After(end) {
			b.t.Errorf("left:\n%s", out)
			return
		}
	}
}

// survives has a second host built and forgotten: what the first needs for a new card
// is there after a clean-up, without a network.
func (b *beginner) survives(link, sum string) {
	b.t.Helper()
	file := filepath.Join(b.dir, "anna.toml")
	key := b.must("cat", filepath.Join(b.dir, "home/.ssh/id_ed25519.pub"))
	if err := os.WriteFile(file, fmt.Appendf(nil, "name = \"anna\"\nboard = \"4\"\nuser = \"alice\"\nkeys = [%q]\n", key), 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.verb(0, b.build("build", file, "--yes", "--json")...)
	if st := b.status(); !slices.Equal(st.Hosts, []string{"anna", "bach"}) {
		b.t.Errorf("it keeps the images of %v", st.Hosts)
	}
	gone, _ := b.image("anna")
	b.verb(0, "hosts", "forget", "anna", "--yes")
	b.cutOff()
	var freed struct{ Freed int64 }
	if err := json.Unmarshal([]byte(b.verb(0, "own-nix", "gc", "--json")), &freed); err != nil || freed.Freed <= 0 {
		b.t.Errorf("%+v, %v", freed, err)
	}
	if _, err := os.Lstat(gone); err == nil {
		b.t.Errorf("%s is still there", gone)
	}
	if again, is := b.image("bach"); again != link || is != sum {
		b.t.Errorf("%s %s, before %s %s", again, is, link, sum)
	}
	if out := b.verb(0, "check", "--builder", "own", "--cache", cacheURL); !strings.Contains(out, "ok      piwiz's own Nix ") || !strings.Contains(out, " is ready (") {
		b.t.Errorf("check printed\n%s", out)
	}
	began := time.Now()
	if out := b.verb(0, b.build("build", "bach")...); !strings.Contains(out, "image: "+link) {
		b.t.Errorf("build printed\n%s", out)
	}
	b.t.Logf("again, without a network: %.1f s", time.Since(began).Seconds())
}

// leaves has it removed, of which not one file is left.
func (b *beginner) leaves() {
	b.t.Helper()
	if out := b.verb(refused, "own-nix", "remove"); !strings.Contains(out, "--yes") {
		b.t.Errorf("remove printed\n%s", out)
	}
	b.verb(0, "own-nix", "remove", "--yes")
	if out := b.must("find", filepath.Join(b.dir, "home"), "-path", "*/nix*", "-not", "-path", "*/hosts/*"); out != "" {
		b.t.Errorf("left:\n%s", out)
	}
	if out := b.verb(0, "own-nix", "remove", "--yes"); !strings.Contains(out, "There is nothing in") {
		b.t.Errorf("remove printed\n%s", out)
	}
	if out := b.verb(0, "hosts"); !strings.Contains(out, "bach") {
		b.t.Errorf("hosts printed\n%s", out)
	}
}
