package sshkey

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenSSHReadsTheKeysWeMake(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		if os.Getenv("PIWIZ_REAL") == "1" {
			t.Fatal("needs ssh-keygen (apt-get install openssh-client)")
		}
		t.Skip("needs ssh-keygen (apt-get install openssh-client)")
	}
	id, err := NewIdentity("bach")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, id.Reveal(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ssh-keygen", "-lf", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), id.Fingerprint()) || !strings.Contains(string(out), "root@bach (ED25519)") {
		t.Errorf("ssh-keygen says %s, %v; want %s", out, err, id.Fingerprint())
	}
	again, err := ParseIdentity(id.Reveal(), "root@bach")
	if err != nil || again.PublicLine() != id.PublicLine() {
		t.Errorf("read back %q, %v", again.PublicLine(), err)
	}
}

func TestThePrivateHalfNeverPrints(t *testing.T) {
	id, _ := NewIdentity("bach")
	text := fmt.Sprintf("%v %+v %#v %s %q %x %v", id, id, id, id, id, id, struct{ I Identity }{id})
	if strings.Contains(text, "PRIVATE") || strings.Contains(text, "50524956415445") {
		t.Error(text)
	}
}

func TestBrokenFilesAreNamedAndTheRestFound(t *testing.T) {
	dir := t.TempDir()
	id, _ := NewIdentity("me")
	other, _ := NewIdentity("you")
	for name, text := range map[string]string{
		"id_ed25519.pub":  id.PublicLine() + "\n",
		"copy.pub":        id.PublicLine() + "\n",
		"swapped.pub":     string(id.Reveal()),
		"authorized_keys": "# mine\nnonsense here\nno-pty " + other.PublicLine() + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := Defaults(dir, filepath.Join(dir, "no-agent"))
	found, problems := Find(context.Background(), dir, c)
	if len(found) != 2 || len(problems) != 3 {
		t.Errorf("found %v, problems %v", found, problems)
	}
	for _, p := range problems {
		if strings.Contains(p.Error(), "BEGIN") {
			t.Error("a private key is echoed")
		}
	}
}

func TestMakeNeverOverwrites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".ssh")
	k, err := Make(dir, "id_ed25519", "me@laptop")
	if err != nil || k.Comment != "me@laptop" {
		t.Fatal(k, err)
	}
	if st, _ := os.Stat(filepath.Join(dir, "id_ed25519")); st.Mode().Perm() != 0o600 {
		t.Error(st.Mode())
	}
	if _, err := Make(dir, "id_ed25519", "again"); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIGO4 x")
	f.Fuzz(func(t *testing.T, line string) {
		k, err := ParseLine(line)
		if err == nil && (k.Type == "" || strings.ContainsAny(k.Line, "\n\x00")) {
			t.Errorf("%q gave %+v", line, k)
		}
	})
}
