package remote

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/fault"
)

// besideAnother runs the calling test again with a Nix that cannot emulate,
// beside another computer that builds (.ci/rig/with-other-computer). It returns
// that computer's folder in the second run, "" in the first.
func besideAnother(t *testing.T) string {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root, sshd and a real Nix: .ci/rig/prepare RIG, then PIWIZ_REAL=1 PIWIZ_RIG=RIG go test")
	}
	if dir := os.Getenv("PIWIZ_OTHER"); dir != "" {
		return dir
	}
	rig := os.Getenv("PIWIZ_RIG")
	if rig == "" {
		t.Fatal("PIWIZ_RIG must name the folder made by .ci/rig/prepare")
	}
	dir := t.TempDir()
	if out, err := exec.Command("sh", "-c", `mkdir "$1/ssh" && ssh-keygen -q -t ed25519 -N '' -f "$1/ssh/id_ed25519" && ssh-keygen -q -t ed25519 -N '' -f "$1/host-key"`, "sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command("../../../.ci/rig/with-other-computer", rig, dir, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "PIWIZ_OTHER="+dir, "WITHOUT_EMULATION=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		log, _ := os.ReadFile(filepath.Join(dir, "sshd.log"))
		t.Errorf("%v\n%s\n%s", err, out, log)
	}
	return ""
}

func TestRealMachinesProveThemselvesOrSayWhatIsMissing(t *testing.T) {
	dir := besideAnother(t)
	if dir == "" {
		return
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	login := read("login")
	check := func(name, address, headline, hint string) {
		t.Helper()
		m, err := parse("ssh://" + address)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err = verify(t.Context(), []Machine{m})
		t.Logf("%s: %.1f s", name, time.Since(began).Seconds())
		if headline == "" && err == nil {
			return
		}
		var e *fault.Error
		if !errors.As(err, &e) || headline == "" || !strings.Contains(e.Headline, headline) || !strings.Contains(strings.Join(e.Hints(), "\n"), hint) {
			t.Errorf("%s: %v\n%q", name, err, e)
		}
	}

	check("nobody has confirmed the key", "root@127.0.0.1", "The key of root@127.0.0.1 is not known yet", ": ssh root@127.0.0.1 true")
	other := read("ssh/id_ed25519.pub")
	write("ssh/known_hosts", "127.0.0.1 "+other)
	check("a different key than before", "root@127.0.0.1", "a different key than before", "ssh-keygen -R 127.0.0.1")
	write("ssh/known_hosts", "127.0.0.1 "+read("host-key.pub"))
	check("the key may not log in", "root@127.0.0.1", "does not accept the key", "ssh-copy-id -i ~/.ssh/id_ed25519 root@127.0.0.1")
	write("ssh/authorized_keys", read("ssh/id_ed25519.pub"))
	check("all is right", "root@127.0.0.1", "", "")
	check("nothing listens", "root@127.0.0.2", "root@127.0.0.2 does not answer", "on this network")
	check("no such name", "root@no-such-pi.invalid", "no computer called no-such-pi.invalid", "spelling")
	write("login", "#!/bin/sh\nPATH=/nonexistent exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"\n")
	check("no Nix there", "root@127.0.0.1", "There is no Nix on root@127.0.0.1", "Install it there")
	write("login", strings.ReplaceAll(login, "extra-platforms", "#"))
	check("another processor", "root@127.0.0.1", "does not build for the Raspberry Pi's processor", "ARM")

	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	write("login", "#!/bin/sh\nexec sleep 60\n")
	began := time.Now()
	if err := verify(ctx, []Machine{"ssh-ng://root@127.0.0.1"}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 3*time.Second {
		t.Errorf("stopped with %v after %v", err, time.Since(began))
	}
}
