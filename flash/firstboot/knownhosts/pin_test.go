package knownhosts

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err == nil {
		return
	}
	if os.Getenv("PIWIZ_REAL") == "1" {
		t.Fatalf("needs %s (apt-get install openssh-client)", tool)
	}
	t.Skipf("needs %s (apt-get install openssh-client): it judges known_hosts", tool)
}

func newKey(t testing.TB) (ssh.PublicKey, string) {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return k, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k)))
}

// hashed is what ssh-keygen -H makes of a line.
func hashed(t *testing.T, line string) string {
	t.Helper()
	need(t, "ssh-keygen")
	f := filepath.Join(t.TempDir(), "kh")
	put(t, f, line+"\n")
	if out, err := exec.Command("ssh-keygen", "-H", "-f", f).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen -H: %v\n%s", err, out)
	}
	return strings.TrimSpace(get(t, f))
}

// sshFinds gives the keys that OpenSSH itself finds for a name. It also lists
// malformed lines, which it then skips.
func sshFinds(t *testing.T, file, name string) []string {
	t.Helper()
	need(t, "ssh-keygen")
	out, err := exec.Command("ssh-keygen", "-F", name, "-f", file).Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	var keys []string
	for l := range strings.Lines(string(out)) {
		if _, sound := parseEntry([]byte(l)); sound {
			f := strings.Fields(l)
			keys = append(keys, f[1]+" "+f[2])
		}
	}
	return keys
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOnlyTheLinesOfThisHostChange(t *testing.T) {
	key, right := newKey(t)
	_, old := newKey(t)
	_, other := newKey(t)
	tests := []struct {
		name  string
		names []string // bach.local if empty
		in    string
		want  string
	}{
		{"an empty file gets the line", nil, "", "bach.local " + right + "\n"},
		{"an old key is replaced", nil, "bach.local " + old + "\n", "bach.local " + right + "\n"},
		{"two old keys are replaced by one", nil, "bach.local " + old + "\nbach.local " + other + "\n", "bach.local " + right + "\n"},
		{"the case of a name does not matter", nil, "Bach.LOCAL " + old + "\n", "bach.local " + right + "\n"},
		{"other hosts stay", nil, "a " + other + "\nbach.local " + old + "\nb " + other + " x\n", "a " + other + "\nb " + other + " x\nbach.local " + right + "\n"},
		{"a host whose name only begins like it stays", nil, "bach.local.net " + old + "\nbach " + old + "\n", "bach.local.net " + old + "\nbach " + old + "\nbach.local " + right + "\n"},
		{"only the given name leaves a list", nil, "a,bach.local,10.0.0.7 " + old + " c\n", "a,10.0.0.7 " + old + " c\nbach.local " + right + "\n"},
		{"a list of given names alone goes", []string{"bach.local", "10.0.0.7"}, "bach.local,10.0.0.7 " + old + "\n", "bach.local " + right + "\n10.0.0.7 " + right + "\n"},
		{"another port is another host", nil, "[bach.local]:2222 " + old + "\n", "[bach.local]:2222 " + old + "\nbach.local " + right + "\n"},
		{"a name with a port is found", []string{"[bach.local]:2222"}, "[bach.local]:2222 " + old + "\nbach.local " + old + "\n", "bach.local " + old + "\n[bach.local]:2222 " + right + "\n"},
		{"port 22 is the plain name", []string{"[bach.local]:22"}, "bach.local " + old + "\n", "bach.local " + right + "\n"},
		{"markers are not touched", nil, "@revoked bach.local " + old + "\n@cert-authority bach.local " + other + "\n", "@revoked bach.local " + old + "\n@cert-authority bach.local " + other + "\nbach.local " + right + "\n"},
		{"patterns are not touched", nil, "*.local,!x " + old + "\n", "*.local,!x " + old + "\nbach.local " + right + "\n"},
		{"comments and empty lines stay", nil, "# bach.local " + old + "\n\n \t\nbach.local " + old + "\n", "# bach.local " + old + "\n\n \t\nbach.local " + right + "\n"},
		{"malformed lines stay and hide nothing", nil, "|1|bad\nbach.local\nbach.local ssh-ed25519\nbach.local ssh-ed25519 !!!\n\xff\xfe\x00\nbach.local " + old + "\n", "|1|bad\nbach.local\nbach.local ssh-ed25519\nbach.local ssh-ed25519 !!!\n\xff\xfe\x00\nbach.local " + right + "\n"},
		{"a key that is not of its type is malformed", nil, "bach.local ssh-rsa" + strings.TrimPrefix(old, "ssh-ed25519") + "\n", "bach.local ssh-rsa" + strings.TrimPrefix(old, "ssh-ed25519") + "\nbach.local " + right + "\n"},
		{"CRLF is kept and used", nil, "a " + other + "\r\nbach.local,b " + old + "\r\n", "a " + other + "\r\nb " + old + "\r\nbach.local " + right + "\r\n"},
		{"what is left of a list does not become a marker", nil, "bach.local,@revoked " + old + "\n", ",@revoked " + old + "\nbach.local " + right + "\n"},
		{"a missing last newline is put in", nil, "a " + other, "a " + other + "\nbach.local " + right + "\n"},
		{"tabs and leading blanks stay", nil, " \ta,bach.local\t" + old + "\tc d\n", " \ta\t" + old + "\tc d\nbach.local " + right + "\n"},
		{"the right key alone is left alone", nil, "a,bach.local " + right + " old comment\n", "a,bach.local " + right + " old comment\n"},
		{"beside the right key the wrong one goes", nil, "bach.local " + right + "\nbach.local " + old + "\n", "bach.local " + right + "\n"},
		{"only the missing name is added", []string{"bach.local", "bach-2.local"}, "bach.local " + right + "\n", "bach.local " + right + "\nbach-2.local " + right + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.names == nil {
				tt.names = []string{"bach.local"}
			}
			file := filepath.Join(t.TempDir(), "known_hosts")
			put(t, file, tt.in)
			backup, err := Pin(file, tt.names, key, false)
			if err != nil {
				t.Fatal(err)
			}
			if got := get(t, file); got != tt.want {
				t.Errorf("got\n%q\nwant\n%q", got, tt.want)
			}
			switch changed := tt.in != tt.want && tt.in != ""; {
			case changed && backup != file+".piwiz-old":
				t.Errorf("backup %q", backup)
			case changed && get(t, backup) != tt.in:
				t.Error("the backup is not the old text")
			case !changed && backup != "":
				t.Errorf("backup %q of an unchanged file", backup)
			}
			again, err := Pin(file, tt.names, key, false)
			if err != nil || again != "" || get(t, file) != tt.want {
				t.Errorf("a second time changes something: %q %v", again, err)
			}
			if strings.Contains(tt.in, "@r") || strings.Contains(tt.in, "*") {
				return // those match too, on purpose
			}
			for _, n := range tt.names {
				if n == "[bach.local]:22" {
					n = "bach.local" // as ssh asks for it
				}
				if k := sshFinds(t, file, n); len(k) != 1 || k[0] != right {
					t.Errorf("ssh-keygen -F %s finds %q", n, k)
				}
			}
		})
	}
}

func TestHashedNamesAreFoundAndOtherHashesStay(t *testing.T) {
	key, right := newKey(t)
	_, old := newKey(t)
	mine, port, other := hashed(t, "bach.local "+old), hashed(t, "[bach.local]:2222 "+old), hashed(t, "liszt.local "+old)
	file := filepath.Join(t.TempDir(), "known_hosts")
	put(t, file, mine+"\n"+other+"\n"+port+"\n")
	if _, err := Pin(file, []string{"Bach.local", "[bach.local]:2222"}, key, false); err != nil {
		t.Fatal(err)
	}
	if got, want := get(t, file), other+"\nbach.local "+right+"\n[bach.local]:2222 "+right+"\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for name, want := range map[string]string{"bach.local": right, "[bach.local]:2222": right, "liszt.local": old} {
		if k := sshFinds(t, file, name); len(k) != 1 || k[0] != want {
			t.Errorf("ssh-keygen -F %s finds %q", name, k)
		}
	}
	put(t, file, hashed(t, "bach.local "+right)+"\n")
	if backup, err := Pin(file, []string{"bach.local"}, key, false); err != nil || backup != "" {
		t.Errorf("the right key under a hash was changed: %q %v", backup, err)
	}
}

func TestAMissingFileIsMadeForItsOwnerAlone(t *testing.T) {
	key, right := newKey(t)
	dir := filepath.Join(t.TempDir(), ".ssh")
	file := filepath.Join(dir, "known_hosts")
	backup, err := Pin(file, []string{"bach.local"}, key, false)
	if err != nil || backup != "" {
		t.Fatalf("backup %q, error %v", backup, err)
	}
	if got := get(t, file); got != "bach.local "+right+"\n" {
		t.Errorf("got %q", got)
	}
	for name, want := range map[string]fs.FileMode{dir: fs.ModeDir | 0o700, file: 0o600} {
		if i, err := os.Stat(name); err != nil || i.Mode() != want {
			t.Errorf("%s has mode %v, error %v", name, i.Mode(), err)
		}
	}
}

func TestALinkIsWrittenThrough(t *testing.T) {
	key, right := newKey(t)
	_, old := newKey(t)
	dir := t.TempDir()
	for _, there := range []bool{true, false} {
		real := filepath.Join(dir, "dotfiles", "hosts")
		file := filepath.Join(dir, "known_hosts")
		_ = os.RemoveAll(filepath.Dir(real))
		_ = os.Remove(file)
		if err := os.Symlink("dotfiles/hosts", file); err != nil {
			t.Fatal(err)
		}
		if there {
			if err := os.Mkdir(filepath.Dir(real), 0o755); err != nil {
				t.Fatal(err)
			}
			put(t, real, "bach.local "+old+"\n")
			if err := os.Chmod(real, 0o640); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Pin(file, []string{"bach.local"}, key, false); err != nil {
			t.Fatal(err)
		}
		if to, err := os.Readlink(file); err != nil || to != "dotfiles/hosts" {
			t.Errorf("the link is now %q, %v", to, err)
		}
		if got := get(t, real); got != "bach.local "+right+"\n" {
			t.Errorf("got %q", got)
		}
		if i, err := os.Stat(real); err != nil || (there && i.Mode() != 0o640) || (!there && i.Mode() != 0o600) {
			t.Errorf("mode %v, error %v", i.Mode(), err)
		}
	}
}

func TestBackupsAreNeverOverwritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "known_hosts")
	put(t, file, "# mine\n")
	for _, want := range []string{".piwiz-old", ".piwiz-old-2", ".piwiz-old-3"} {
		key, _ := newKey(t)
		before := get(t, file)
		backup, err := Pin(file, []string{"bach.local"}, key, false)
		if err != nil || backup != file+want || get(t, backup) != before {
			t.Errorf("backup %q, error %v", backup, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".known_hosts-*"))
	if err != nil || left != nil {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestWhatCannotBeDoneSaysHowToDoItByHand(t *testing.T) {
	key, right := newKey(t)
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop")
	null := filepath.Join(dir, "null")
	if err := errors.Join(os.Symlink("loop", loop), os.Symlink("/dev/null", null)); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{dir, loop, null, filepath.Join(null, "known_hosts")} {
		_, err := Pin(file, []string{"bach.local"}, key, false)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(strings.Join(e.Hints(), "\n"), "bach.local "+right) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if i, err := os.Stat("/dev/null"); err != nil || i.Mode()&fs.ModeCharDevice == 0 {
		t.Fatal("/dev/null is gone")
	}
	for _, names := range [][]string{nil, {""}, {"a b"}, {"a,b"}, {"*"}, {"x\ny"}, {"|1|x"}, {"@revoked"}} {
		if _, err := Pin(filepath.Join(dir, "k"), names, key, false); err == nil {
			t.Errorf("names %q are taken", names)
		}
	}
}

// FuzzRepin holds the promise: all lines of others keep every byte, in order,
// and nothing but the right key is left for the name.
func FuzzRepin(f *testing.F) {
	key, right := newKey(f)
	_, old := newKey(f)
	for _, s := range []string{
		"", "\n", "bach.local " + old, "a,bach.local " + old + "\r\nx\n", "|1|a|b " + old + "\n", "@revoked bach.local " + old + "\n",
		"bach.local,bach.local " + right + "\nbach.local " + old, "|1|" + base64.StdEncoding.EncodeToString([]byte("salt")) + "|AAAA " + old, ",bach.local, " + old + "\n",
	} {
		f.Add([]byte(s))
	}
	names := []string{"bach.local", "[bach.local]:2222"}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		out := repin(in, names, key.Marshal(), right, false)
		if !bytes.Equal(in, before) {
			t.Fatal("the input was changed")
		}
		rest := out
		for l := range bytes.Lines(in) {
			e, ok := parseEntry(l)
			if ok {
				if _, mine := without(string(l[e.start:e.end]), names); mine {
					continue
				}
			}
			i := bytes.Index(rest, l)
			if i < 0 {
				t.Fatalf("lost %q", l)
			}
			rest = rest[i+len(l):]
		}
		pinned := map[string]bool{}
		for l := range bytes.Lines(out) {
			e, ok := parseEntry(l)
			if !ok {
				continue
			}
			for _, n := range names {
				if _, mine := without(string(l[e.start:e.end]), []string{n}); mine {
					pinned[n] = true
					if !bytes.Equal(e.key, key.Marshal()) {
						t.Fatalf("another key is left: %q", l)
					}
				}
			}
		}
		if len(pinned) != len(names) {
			t.Fatalf("pinned %v in %q", pinned, out)
		}
		if again := repin(out, names, key.Marshal(), right, false); !bytes.Equal(again, out) {
			t.Fatalf("not at rest: %q then %q", out, again)
		}
	})
}
