package sshkey

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/sshkey/offer"
)

func TestBrokenFilesAreNamedAndTheRestFound(t *testing.T) {
	dir := t.TempDir()
	id, _ := keypair.ForHost("me")
	other, _ := keypair.ForHost("you")
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
	c := offer.Defaults(dir, filepath.Join(dir, "no-agent"))
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
