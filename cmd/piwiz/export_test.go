package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/sshkey"
	"piwiz/tui/screen"
)

// tree is all that is in a folder: names, modes, content.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		b.WriteString(strings.TrimPrefix(path, dir) + " " + st.Mode().String() + "\n")
		if st.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b.Write(data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestAHostMovesToAnotherHome is export, forget, import: with the user's SSH
// key, and judged by age itself where there is one.
func TestAHostMovesToAnotherHome(t *testing.T) {
	u := newPerson(t)
	store := u.has("bach")
	if err := os.WriteFile(store.Path("bach", "flake", "flake.lock"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	sshDir := filepath.Join(u.home, ".ssh")
	if _, err := sshkey.Make(sshDir, "id_ed25519", "alice@laptop"); err != nil {
		t.Fatal(err)
	}
	want := tree(t, store.Path("bach"))
	file := filepath.Join(u.home, "bach.age")
	out, stderr, code := u.piwiz("hosts", "export", "bach", "--to", u.home, "--recipient", filepath.Join(sshDir, "id_ed25519.pub"))
	if st, err := os.Stat(file); code != 0 || err != nil || st.Mode().Perm() != 0o600 || !strings.Contains(out, "piwiz hosts import "+file) {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, out, stderr)
	}
	if b, _ := os.ReadFile(file); bytes.Contains(b, []byte("bach")) || bytes.Contains(b, []byte("0f0f0f")) {
		t.Error("it is not encrypted")
	}
	if _, stderr, code = u.piwiz("hosts", "export", "bach", "--to", file, "--recipient", filepath.Join(sshDir, "id_ed25519.pub")); code != refused || !strings.Contains(stderr, "--to FILE") {
		t.Errorf("a second export over the first: exit code %d\n%s", code, stderr)
	}
	if age, err := exec.LookPath("age"); err == nil {
		cmd := exec.Command("sh", "-ec", `"$1" -d -i "$2" "$3" | tar x`, "sh", age, filepath.Join(sshDir, "id_ed25519"), file)
		cmd.Dir = t.TempDir()
		if said, err := cmd.CombinedOutput(); err != nil || tree(t, filepath.Join(cmd.Dir, "bach")) != want {
			t.Errorf("age and tar: %v %s", err, said)
		}
	} else if os.Getenv("PIWIZ_REAL") == "1" {
		t.Error("needs age (apt-get install age)")
	}
	if _, stderr, code = u.piwiz("hosts", "forget", "bach"); code != refused || !strings.Contains(stderr, "--yes") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if out, stderr, code = u.piwiz("hosts", "forget", "bach", "--yes"); code != 0 || !strings.Contains(out, "copies on write") {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(store.Dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	v := newPerson(t)
	if _, stderr, code = v.piwiz("hosts", "import", file); code != failed || !strings.Contains(stderr, "--identity") {
		t.Errorf("without the key: exit code %d\n%s", code, stderr)
	}
	key := filepath.Join(sshDir, "id_ed25519")
	if _, stderr, code = v.piwiz("hosts", "import", file, "--identity", key); code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	there := hostfile.Store{Dir: filepath.Join(v.home, "data/piwiz/hosts")}
	if got := tree(t, there.Path("bach")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, stderr, code = v.piwiz("hosts", "import", file, "--identity", key); code != refused || !strings.Contains(stderr, "--replace") {
		t.Errorf("over a host that is there: exit code %d\n%s", code, stderr)
	}
	if out, stderr, code = v.piwiz("hosts", "import", file, "--identity", key, "--replace"); code != 0 || !strings.Contains(out, "is kept in ") {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	if out, stderr, code = v.piwiz("hosts", "import", file, "--identity", key, "--as", "haydn", "--json"); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	var said struct{ Event, Host, Folder string }
	if err := json.Unmarshal([]byte(out), &said); err != nil || said.Event != "imported" || said.Host != "haydn" || said.Folder != there.Path("haydn") {
		t.Errorf("%v %s", err, out)
	}
	if _, stderr, code = v.piwiz("hosts", "rename", "bach", "Haydn"); code == 0 {
		t.Errorf("renamed\n%s", stderr)
	}
	if _, stderr, code = v.piwiz("hosts", "rename", "bach", "haydn"); code != refused {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if out, stderr, code = v.piwiz("hosts", "rename", "bach", "mozart"); code != 0 || !strings.Contains(out, "keeps the name bach") {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	if out, _, _ = v.piwiz("render", "mozart"); !strings.Contains(out, `networking.hostName = "mozart"`) {
		t.Error(out)
	}
	if s, err := there.Load("mozart"); err != nil || len(s.Problems) > 0 {
		t.Error(err, s.Problems)
	}
}

func TestHostsVerbsSayWhatIsWrong(t *testing.T) {
	u := newPerson(t)
	store := u.has("bach")
	folder := u.file("junk/x.age", "this is no export")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"hosts", "nonsense"}, usage, "wrong arguments for hosts"},
		{[]string{"hosts", "export"}, usage, "piwiz hosts export NAME"},
		{[]string{"hosts", "export", "nobody", "--recipient", "x"}, failed, "no saved host nobody"},
		{[]string{"hosts", "export", "bach", "--recipient", "/none"}, failed, "/none: no such file"},
		{[]string{"hosts", "export", "bach", "--recipient", "age1nonsense"}, failed, "not an age public key"},
		{[]string{"hosts", "export", "bach", "--recipient", "ssh-ed25519 AAAA x"}, failed, "not an SSH public key"},
		{[]string{"hosts", "export", "bach", "--recipient", store.Path("bach", "secrets/ssh_host_ed25519_key")}, failed, "private key"},
		{[]string{"hosts", "export", "bach", "--to", "/none/x.age", "--recipient", store.Path("bach", "secrets/ssh_host_ed25519_key.pub")}, failed, "create /none/x.age: no such"},
		{[]string{"hosts", "export", "bach", "--to", u.home}, usage, "--recipient"},
		{[]string{"hosts", "import", folder}, failed, "not a complete file from `piwiz hosts export`"},
		{[]string{"hosts", "import", "/proc/self/mem"}, failed, "save what is on it"}, // a read that fails
		{[]string{"hosts", "import", folder + "/x"}, failed, "is a file, not a folder"},
		{[]string{"hosts", "import", "/none/none"}, failed, "mkdir -p /none"},
		{[]string{"hosts", "export", "bach", "--to", filepath.Join(u.home, strings.Repeat("x", 300)), "--recipient", store.Path("bach", "secrets/ssh_host_ed25519_key.pub")}, failed, "shorter name"},
		{[]string{"hosts", "export", "bach", "--to", "/dev/full/x", "--recipient", store.Path("bach", "secrets/ssh_host_ed25519_key.pub")}, failed, "is a file, not a folder"},
		{[]string{"hosts", "export", "bach", "--recipient", "/none"}, failed, "Check the spelling"},
		{[]string{"hosts", "import", filepath.Dir(folder)}, failed, "a folder"},
		{[]string{"hosts", "import", "/none"}, failed, "no such file"},
		{[]string{"hosts", "import", folder, "--as", "Ba_ch"}, failed, "not a valid host name"},
		{[]string{"hosts", "import", folder, "--identity", folder}, failed, "no private key"},
		{[]string{"hosts", "rename", "nobody", "x"}, failed, "no saved host nobody"},
		{[]string{"hosts", "forget", "nobody"}, failed, "no saved host nobody"},
		{[]string{"hosts", "forget", "../hosts/bach", "--yes"}, failed, "not a valid host name"},
	} {
		_, stderr, code := u.piwiz(c.args...)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("piwiz %v: exit code %d, want %d, and %q\n%s", c.args, code, c.code, c.says, stderr)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(u.home, "*.age")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if s, err := store.Load("bach"); err != nil || len(s.Problems) > 0 {
		t.Error(err, s.Problems)
	}
}

// answer runs piwiz on a terminal of its own and types an answer to each
// question.
func (u person) answer(args []string, answers ...string) (screen string, code int) {
	u.t.Helper()
	cmd := u.command(args...)
	cmd.Dir = u.home
	tty, err := pty.Start(cmd)
	if err != nil {
		u.t.Fatal(err)
	}
	defer tty.Close()
	var seen []byte
	buf := make([]byte, 4096)
	for err == nil {
		n, bad := tty.Read(buf)
		seen, err = append(seen, buf[:n]...), bad
		if len(answers) > 0 && bytes.HasSuffix(seen, []byte(": ")) {
			if question := seen[bytes.LastIndexByte(seen, '\n')+1:]; bytes.Contains(bytes.ToLower(question), []byte("passphrase")) {
				u.waitUnseen(tty)
			}
			if _, err := tty.WriteString(answers[0]); err != nil {
				u.t.Fatal(err)
			}
			answers = answers[1:]
		}
	}
	_ = cmd.Wait() // the code says it
	return string(seen), cmd.ProcessState.ExitCode()
}

// waitUnseen waits until what is typed is not shown: the echo goes off right after
// the question.
func (u person) waitUnseen(tty *os.File) {
	u.t.Helper()
	late := time.Now().Add(20 * time.Second)
	for {
		modes, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil || time.Now().After(late) {
			u.t.Fatalf("the passphrase would be shown: %v", err)
		}
		if modes.Lflag&unix.ECHO == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestCtrlCAnswersEachQuestionAboutAHost(t *testing.T) {
	u := newPerson(t)
	u.has("bach")
	for _, c := range []struct {
		args    []string
		answers []string
	}{
		{[]string{"hosts", "forget", "bach"}, []string{"\x03"}},
		{[]string{"hosts", "export", "bach"}, []string{"\x03"}},
		{[]string{"hosts", "export", "bach"}, []string{"secret\n", "\x03"}},
		{[]string{"hosts", "export", "bach"}, []string{"secret\n", "other\n", "\x03"}},
		{[]string{"hosts", "export", "bach"}, []string{"\n", "\n", "\x03"}},
	} {
		screen, code := u.answer(c.args, c.answers...)
		if code != cancelled || strings.Contains(screen, "secret") {
			t.Errorf("%v %q: exit code %d\n%s", c.args, c.answers, code, screen)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(u.home, "*age*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if screen, code := u.answer([]string{"hosts", "forget", "bach"}, "Bach\n"); code != refused {
		t.Errorf("exit code %d\n%s", code, screen)
	}
	if screen, code := u.answer([]string{"hosts", "forget", "bach"}, "bach\n"); code != 0 || !strings.Contains(screen, "is forgotten") {
		t.Errorf("exit code %d\n%s", code, screen)
	}
}

// A passphrase, by hand: scrypt takes a second each time.
func TestAPassphraseOpensAnExport(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("takes some seconds; PIWIZ_REAL=1 runs it")
	}
	u := newPerson(t)
	store := u.has("bach")
	want := tree(t, store.Path("bach"))
	if screen, code := u.answer([]string{"hosts", "export", "bach"}, " geheim ü\n", " geheim ü\n"); code != 0 || strings.Contains(screen, "geheim") {
		t.Fatalf("exit code %d\n%s", code, screen)
	}
	if screen, code := u.answer([]string{"hosts", "import", "bach.age", "--as", "x"}, "falsch\n"); code != failed || !strings.Contains(screen, "cannot be opened with this passphrase") {
		t.Errorf("exit code %d\n%s", code, screen)
	}
	if screen, code := u.answer([]string{"hosts", "import", "bach.age", "--as", "x"}, "\x03"); code != cancelled {
		t.Errorf("exit code %d\n%s", code, screen)
	}
	if _, stderr, code := u.piwiz("hosts", "forget", "bach", "--yes"); code != 0 {
		t.Fatal(stderr)
	}
	if screen, code := u.answer([]string{"hosts", "import", "bach.age"}, " geheim ü\n"); code != 0 || tree(t, store.Path("bach")) != want {
		t.Errorf("exit code %d\n%s", code, screen)
	}
	cmd := exec.Command("sh", "-ec", "age -d bach.age | tar x")
	cmd.Dir = u.home
	s, err := screen.Start(cmd, 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// age throws away what was typed before it asks.
	if err := errors.Join(s.WaitFor("passphrase", 10*time.Second), s.WaitUnseen(10*time.Second), s.Type(" geheim ü"), s.Key("enter")); err != nil {
		t.Fatal(err)
	}
	code, err := s.Wait(time.Minute)
	if err != nil || code != 0 || tree(t, filepath.Join(u.home, "bach")) != want {
		t.Errorf("age and tar: %v, exit code %d\n%s", err, code, s.Text())
	}
}

// An SSH key that is locked is asked for; the agent is no help, and that is
// said.
func TestALockedSSHKeyIsAskedFor(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal("needs ssh-keygen (apt-get install openssh-client)")
		}
		t.Skip("needs ssh-keygen (apt-get install openssh-client)")
	}
	u := newPerson(t)
	u.has("bach")
	key := filepath.Join(u.home, "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-a", "1", "-N", "geheim", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if _, stderr, code := u.piwiz("hosts", "export", "bach", "--to", u.home, "--recipient", key+".pub"); code != 0 {
		t.Fatal(stderr)
	}
	args := []string{"hosts", "import", "bach.age", "--as", "x", "--identity", key}
	if _, stderr, code := u.piwiz(args[0], args[1], filepath.Join(u.home, args[2]), args[3], args[4], args[5], args[6]); code != usage || !strings.Contains(stderr, "in a terminal") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if screen, code := u.answer(args, "falsch\n"); code != failed || !strings.Contains(screen, "not its passphrase") {
		t.Errorf("exit code %d\n%s", code, screen)
	}
	if screen, code := u.answer(args, "\x03"); code != cancelled {
		t.Errorf("exit code %d\n%s", code, screen)
	}
	if screen, code := u.answer(args, "geheim\n"); code != 0 || !strings.Contains(screen, "ssh-agent cannot decrypt") {
		t.Errorf("exit code %d\n%s", code, screen)
	}
}
