package keypair

import (
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
	id, err := ForHost("bach")
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
	again, err := Parse(id.Reveal(), "root@bach")
	if err != nil || again.PublicLine() != id.PublicLine() {
		t.Errorf("read back %q, %v", again.PublicLine(), err)
	}
}

func TestThePrivateHalfNeverPrints(t *testing.T) {
	id, _ := ForHost("bach")
	text := fmt.Sprintf("%v %+v %#v %s %q %x %v", id, id, id, id, id, id, struct{ I Pair }{id})
	if strings.Contains(text, "PRIVATE") || strings.Contains(text, "50524956415445") {
		t.Error(text)
	}
}
