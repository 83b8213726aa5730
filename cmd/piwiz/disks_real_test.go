package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/sshkey"
)

// saveAnew saves the host bach with another user, as a build begins.
func saveAnew(_ context.Context, p *program) error {
	e, err := p.engine()
	if err != nil {
		return err
	}
	s, err := e.Store.Load("bach")
	if err != nil {
		return err
	}
	s.Host.User = "mozart"
	_, err = e.Save(s)
	return err
}

// troubles are what a disk can do to a program, made for real in a mount
// namespace of its own: how (at $D, which has the hosts of user $U), how that is
// undone, and what is to be told.
var troubles = map[string]struct{ make, undo, says string }{
	"full":                     {"cat /dev/zero > $D/fill 2>/dev/null || :", "rm $D/fill", "df -h "},
	"no names left":            {"i=0; while touch $D/fill$i 2>/dev/null; do i=$((i+1)); done", "rm $D/fill*", "df -i "},
	"read only":                {"mount -o remount,ro $D", "mount -o remount,rw $D", "findmnt -T "},
	"somebody else's":          {"chown -R 1:1 $D; chmod -R go= $D", "chown -R $U:$U $D", "chown -R "},
	"a folder that is closed":  {"chmod a-w $D $D/piwiz/hosts $D/state $D/mine", "chmod u+w $D $D/piwiz/hosts $D/state $D/mine", "chmod u+rwX "},
	"a host that is closed":    {"chmod -R a-rwx $D/piwiz/hosts/bach/secrets", "chmod -R u+rwX $D/piwiz/hosts", "u+rwX "},
	"too few files":            {"", "", "ulimit -n "},
	"a file for a folder":      {"mv $D/piwiz $D/aside; : > $D/piwiz; chown $U $D/piwiz; rm -r $D/mine; : > $D/mine", "rm $D/piwiz $D/mine; mv $D/aside $D/piwiz; mkdir $D/mine", "is a file, not a folder"},
	"a disk that knows no age": {"", "", ""}, // nothing at all: the tests themselves
}

// Whatever the disk does, every verb that uses it ends in what to do about that,
// and the host is as it was or as it was to be once it is done.
func TestEveryErrorOfADiskSaysWhatToDo(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root, for mounts in a namespace of its own; PIWIZ_REAL=1 runs it")
	}
	if os.Geteuid() != 0 {
		t.Fatal("needs root")
	}
	base, err := os.MkdirTemp("/dev/shm", "piwiz-disks-") // where others may look as well
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	piwiz := filepath.Join(base, "piwiz")
	copyFile(t, os.Args[0], piwiz)
	u := person{t, filepath.Join(base, "made")}
	u.has("bach")
	if _, err := sshkey.Make(filepath.Join(base, "keys"), "id_ed25519", "x"); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(base, "keys/id_ed25519")
	for dir, mode := range map[string]os.FileMode{"keys": 0o755, "state": 0o777} {
		if err := errors.Join(os.MkdirAll(filepath.Join(base, dir), mode), os.Chmod(filepath.Join(base, dir), mode)); err != nil {
			t.Fatal(err)
		}
	}
	if _, stderr, code := u.piwiz("hosts", "export", "bach", "--to", base, "--recipient", key+".pub"); code != 0 {
		t.Fatal(stderr)
	}
	verbs := map[string]string{
		"export": "$PIWIZ hosts export bach --to $D/mine/out.age --recipient $KEY.pub",
		"import": "$PIWIZ hosts import $B/bach.age --as haydn --identity $KEY",
		"over":   "$PIWIZ hosts import $B/bach.age --replace --identity $KEY",
		"rename": "$PIWIZ hosts rename bach haydn",
		"forget": "$PIWIZ hosts forget bach --yes",
		"save":   "env -u PIWIZ_TEST_IS_PIWIZ PIWIZ_TEST_PART=save $PIWIZ",
		"list":   "$PIWIZ hosts",
		"render": "$PIWIZ render bach",
		"log":    "XDG_STATE_HOME=$D/state $PIWIZ render nobody",
	}
	tried, failures := 0, 0
	for _, uid := range []string{"0", "65534"} {
		for trouble, x := range troubles {
			for verb, command := range verbs {
				if uid == "0" && (strings.Contains(trouble, "closed") || strings.Contains(trouble, "else's")) {
					continue // root may do that
				}
				limit := ""
				if trouble == "too few files" {
					limit = "ulimit -n 8; "
				}
				script := `set -eu
mount -t tmpfs -o mode=755,size=1m,nr_inodes=200 disk $D
cp -a $B/made/data/piwiz $D/piwiz; mkdir $D/state $D/mine; chown -R $U:$U $D; chown $U $KEY $B/bach.age $B/state; rm -rf $B/state/piwiz
` + x.make + `
set +e
$RUN sh -c '` + limit + command + `' > $OUT 2>&1; code=$?
set -e
` + x.undo + `
echo "== $code"; cat $OUT; echo "== after"
$RUN $PIWIZ hosts 2>&1`
				cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", script)
				run := "setpriv --reuid " + uid + " --regid " + uid + " --clear-groups"
				disk := filepath.Join(base, "disk")
				if err := os.MkdirAll(disk, 0o755); err != nil {
					t.Fatal(err)
				}
				out := filepath.Join(base, "out")
				cmd.Env = []string{
					"PATH=" + os.Getenv("PATH"), "HOME=" + base, "XDG_DATA_HOME=" + disk, "XDG_STATE_HOME=" + filepath.Join(base, "state"), "GOCOVERDIR=" + base,
					"PIWIZ_TEST_IS_PIWIZ=1", "D=" + disk, "B=" + base, "U=" + uid, "RUN=" + run, "KEY=" + key, "OUT=" + out, "PIWIZ=" + piwiz,
				}
				said, err := cmd.CombinedOutput()
				before, after, _ := strings.Cut(string(said), "== after\n")
				_, text, ok := strings.Cut(before, "== ")
				if err != nil && !ok {
					t.Fatalf("%s of %s with %s: %v\n%s", verb, uid, trouble, err, said)
				}
				tried++
				code, text, _ := strings.Cut(text, "\n")
				if code != "0" {
					failures++
				}
				if strings.Contains(text, "runtime: eventfd failed") || strings.Contains(text, "runtime: epollcreate failed") {
					t.Log("too few for the Go runtime itself")
					continue
				}
				name := verb + " with " + trouble + ", user " + uid
				if verb == "log" {
					if x.says != "" && trouble != "a host that is closed" && trouble != "too few files" && trouble != "full" && !strings.Contains(text, "This run has no log") && !strings.Contains(text, x.says) {
						t.Errorf("%s: %s", name, text)
					}
				} else if code != "0" && !strings.Contains(text, x.says) {
					t.Errorf("%s: exit code %s, %q is not told:\n%s", name, code, x.says, text)
				}
				if code != "0" && !strings.Contains(text, "\n  ") || strings.Contains(text, "not a complete file from") || strings.Contains(text, "panic") || x.says == "" && code != "0" && verb != "log" {
					t.Errorf("%s: exit code %s\n%s", name, code, text)
				}
				if !strings.Contains(after, "SHA256:") && verb != "forget" || strings.Contains(after, "skipped") && strings.Contains(after, "host.toml") {
					t.Errorf("%s: afterwards\n%s\nand before\n%s", name, after, text)
				}
			}
		}
	}
	t.Logf("%d tried, %d failed as they must", tried, failures)
	if failures < 60 {
		t.Errorf("only %d of %d failed: the disks do nothing", failures, tried)
	}
}

// copyFile copies a program.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(to)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
