package sshkey

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"piwiz/nixgen/sshkey/keypair"
	"piwiz/nixgen/sshkey/offer"
)

// home is a folder ~/.ssh with files in it.
func home(t *testing.T, files map[string]string) (dir, ssh string) {
	t.Helper()
	dir = t.TempDir()
	ssh = filepath.Join(dir, ".ssh")
	if err := os.Mkdir(ssh, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(ssh, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, ssh
}

func made(t *testing.T, name string) keypair.Pair {
	t.Helper()
	id, err := keypair.New(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestKeysThatLogInComeFirstAndEachSaysWhyItDoesNot(t *testing.T) {
	rsa, ed, work, lost, friend := made(t, "rsa"), made(t, "ed"), made(t, "work"), made(t, "lost"), made(t, "friend")
	dir, ssh := home(t, map[string]string{
		"a_work": string(work.Reveal()), "a_work.pub": work.PublicLine(),
		"id_ed25519":  string(ed.Reveal()),
		"id_lost.pub": lost.PublicLine(),
		"id_rsa":      string(rsa.Reveal()), "id_rsa.pub": rsa.PublicLine(),
		"authorized_keys": "restrict " + friend.PublicLine() + "\n" + ed.PublicLine() + "\n",
	})
	found, problems := Find(t.Context(), ssh, offer.Defaults(dir, ""))
	if len(problems) > 0 {
		t.Error(problems)
	}
	want := []struct {
		is  keypair.Pair
		use Use
		why string
	}{{rsa, Offered, ""}, {ed, Offered, ""}, {work, Here, "ssh -i " + ssh + "/a_work"}, {lost, Elsewhere, "not here"}, {friend, Unknown, "may log in to this computer"}}
	if len(found) != len(want) {
		t.Fatal(found)
	}
	for i, w := range want {
		if k := found[i]; k.Fingerprint != w.is.Fingerprint() || k.Use != w.use || !strings.Contains(k.Why, w.why) || (w.why == "") != (k.Why == "") {
			t.Errorf("%d: %+v", i, k)
		}
	}
	if o := found[4].Options; len(o) != 1 || o[0] != "restrict" {
		t.Error(o)
	}
}

func TestNothingInTheFolderIsWaitedForAndEachFileHasOneNote(t *testing.T) {
	id := made(t, "me")
	dir, ssh := home(t, map[string]string{
		"id_ed25519": string(id.Reveal()), "big.pub": strings.Repeat("x", maxFile+1), "junk.pub": "a\nb\nc\n",
		"putty.ppk": "PuTTY-User-Key-File-3: ssh-ed25519\nPublic-Lines: 2\n", "config": "Host *\n",
		"old.pub": "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n", "pem.pub": "-----BEGIN PUBLIC KEY-----\nMIIB\n",
	})
	for _, name := range []string{"id_rsa", "pipe.pub", "fifo"} {
		if err := syscall.Mkfifo(filepath.Join(ssh, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_ = os.Mkdir(filepath.Join(ssh, "folder.pub"), 0o700)
	_ = os.Mkdir(filepath.Join(ssh, "sockets"), 0o700)
	_ = os.Symlink("/dev/zero", filepath.Join(ssh, "zero.pub"))
	_ = os.Symlink("nowhere", filepath.Join(ssh, "gone.pub"))
	began := time.Now()
	found, problems := Find(t.Context(), ssh, offer.Defaults(dir, ""))
	if took := time.Since(began); took > time.Second || len(found) != 1 || found[0].Use != Offered {
		t.Errorf("%v, %v", took, found)
	}
	named := map[string]int{}
	for _, p := range problems {
		named[filepath.Base(p.File)]++
	}
	for _, name := range []string{"id_rsa", "pipe.pub", "folder.pub", "zero.pub", "gone.pub", "big.pub", "junk.pub", "putty.ppk", "old.pub", "pem.pub"} {
		if named[name] != 1 {
			t.Errorf("%s: %d notes", name, named[name])
		}
		delete(named, name)
	}
	if len(named) > 0 {
		t.Errorf("and notes about %v", named)
	}
	for _, p := range problems {
		if strings.HasSuffix(p.File, ".ppk") && !strings.Contains(strings.Join(p.Todo, "\n"), "puttygen "+ssh+"/putty.ppk -O private-openssh -o ") {
			t.Error(p.Todo)
		}
	}
}

func TestAnAgentThatHangsHoldsNothingUp(t *testing.T) {
	id := made(t, "me")
	dir, ssh := home(t, map[string]string{"id_ed25519": string(id.Reveal())})
	short, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(short)
	socket := filepath.Join(short, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	began := time.Now()
	found, problems := Find(t.Context(), ssh, offer.Defaults(dir, socket))
	if took := time.Since(began); took < agentLimit || took > agentLimit+2*time.Second {
		t.Error(took)
	}
	if len(found) != 1 || len(problems) != 1 || !strings.Contains(problems[0].Error(), "did not answer within 2 seconds") {
		t.Error(found, problems)
	}
}

func TestAPrivateKeyThatSSHRefusesIsNotOffered(t *testing.T) {
	id, other := made(t, "me"), made(t, "other")
	for name, c := range map[string]struct {
		files map[string]string
		open  bool
		says  string
	}{
		"others may read it": {map[string]string{"id_rsa": string(id.Reveal()), "id_rsa.pub": id.PublicLine()}, true, "chmod 600 "},
		"another .pub":       {map[string]string{"id_rsa": string(id.Reveal()), "id_rsa.pub": other.PublicLine()}, false, "ssh-keygen -y -f "},
		"cut off":            {map[string]string{"id_rsa": string(id.Reveal()[:200]), "id_rsa.pub": id.PublicLine()}, false, "backup"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, ssh := home(t, c.files)
			if c.open {
				if err := os.Chmod(filepath.Join(ssh, "id_rsa"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			found, problems := Find(t.Context(), ssh, offer.Defaults(dir, ""))
			if len(found) != 1 || found[0].Use != Elsewhere || found[0].Why == "" {
				t.Errorf("%+v", found)
			}
			if len(problems) != 1 || !strings.Contains(strings.Join(problems[0].Hints(), ""), c.says) {
				t.Errorf("%+v", problems)
			}
		})
	}
}
