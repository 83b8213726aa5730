package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"piwiz/tui/screen"
)

// nixComputer is a computer with a Nix service, an administrator and an
// ordinary user (nobody): its own /nix, /etc and emulation in a user
// namespace. Nothing on this machine changes.
type nixComputer struct {
	t         *testing.T
	dir, nix  string // nix is the folder of the programs
	emulation string // 1 or ""
}

// enterNix is with-nix with more than one user: the service is root's.
const enterNix = `
set -eu
new=$DIR/root
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$new"
for e in /*; do
  case $e in /nix | /etc) continue ;; esac
  if [ -L "$e" ]; then cp -P "$e" "$new$e"
  elif [ -d "$e" ]; then mkdir "$new$e"; mount --rbind "$e" "$new$e"
  else : > "$new$e"; mount --bind "$e" "$new$e"; fi
done
cp -a /etc "$new/etc"
mkdir -p "$new/nix" "$new/etc/nix" "$new/programs" "$new/.old"
mount --bind "$DIR/nix" "$new/nix"
mount --bind "$NIX" "$new/programs"
cp "$DIR/nix.conf" "$new/etc/nix/nix.conf"
cp "$DIR/piwiz" "$new/programs.piwiz"
cd "$new"; pivot_root . .old; umount -l /.old; rmdir /.old
if [ -n "$EMULATION" ]; then
  mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  printf '%s' ':aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/libexec/qemu-binfmt/aarch64-binfmt-P:PF' > /proc/sys/fs/binfmt_misc/register
fi
export PATH=/programs/bin:$PATH
unset NIX_CONFIG NIX_REMOTE NIX_PATH XDG_DATA_HOME XDG_STATE_HOME XDG_CONFIG_HOME CI
daemon=
trap '[ -z "$daemon" ] || kill "$daemon"' EXIT
serve() {
  if [ -n "$daemon" ]; then kill "$daemon"; wait "$daemon" || true; fi
  rm -f /nix/var/nix/daemon-socket/socket
  nix-daemon > "$DIR/daemon.log" 2>&1 & daemon=$!
  for try in $(seq 200); do [ ! -S /nix/var/nix/daemon-socket/socket ] || return 0; sleep 0.05; done
  cat "$DIR/daemon.log" >&2; return 1
}
as_user() { HOME=$DIR/home setpriv --reuid=nobody --regid=nogroup "${GROUPS_OF:---clear-groups}" "$@"; }
check() { as_user /programs.piwiz check --builder local --json "$@" || echo "$?" > "$DIR/code"; }
eval "$1"
`

func newNixComputer(t *testing.T) *nixComputer {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root and Nix: set PIWIZ_REAL=1 and see .ci/run")
	}
	rig := os.Getenv("PIWIZ_RIG")
	if rig == "" || os.Getuid() != 0 {
		t.Fatal("this must be root, and PIWIZ_RIG must name the folder made by .ci/rig/prepare")
	}
	// Not t.TempDir, whose parent an ordinary user cannot enter.
	dir, err := os.MkdirTemp("", "piwiz-nix-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // a read-only store is no fault of the test
	c := &nixComputer{t: t, dir: dir, nix: filepath.Join(rig, "nix"), emulation: "1"}
	for _, d := range []string{"nix/store", "nix/var/nix/daemon-socket", "root", "home"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(filepath.Join(dir, "home"), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c.conf("trusted-users = root")
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "piwiz"), ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return c
}

// conf is the nix.conf of the computer.
func (c *nixComputer) conf(more string) {
	c.t.Helper()
	text := "substituters =\nbuild-users-group =\nsandbox-paths =\nsandbox-fallback = false\n" + more + "\n"
	if err := os.WriteFile(filepath.Join(c.dir, "nix.conf"), []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

type line struct {
	Event, Name, State, What, Why, Command string
	Todo                                   []string
}

func (c *nixComputer) inside(script string) *exec.Cmd {
	cmd := exec.Command("bash", "-c", enterNix, "bash", script)
	cmd.Env = append(os.Environ(), "DIR="+c.dir, "NIX="+c.nix, "EMULATION="+c.emulation, "TERM=xterm-256color")
	all := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: all, GidMappings: all, GidMappingsEnableSetgroups: true,
	}
	return cmd
}

// run runs a script on the computer, in which check is the verb as the
// ordinary user. It returns the findings of each check, by name, and the last
// exit code.
func (c *nixComputer) run(script string) (rounds []map[string]line, code string) {
	c.t.Helper()
	_ = os.Remove(filepath.Join(c.dir, "code")) // of an earlier run
	cmd := c.inside(script)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("%v\n%s\n%s", err, out, said.String())
	}
	for l := range strings.Lines(string(out)) {
		var one line
		if json.Unmarshal([]byte(l), &one) != nil || one.Event != "check" {
			continue
		}
		if one.Name == "nix" {
			rounds = append(rounds, map[string]line{})
		}
		if len(rounds) > 0 {
			rounds[len(rounds)-1][one.Name] = one
		}
	}
	if len(rounds) == 0 {
		c.t.Fatalf("no findings:\n%s\n%s", out, said.String())
	}
	b, err := os.ReadFile(filepath.Join(c.dir, "code"))
	if err != nil {
		return rounds, "0"
	}
	return rounds, strings.TrimSpace(string(b))
}

// wants compares a finding with its state and words.
func wants(t *testing.T, round map[string]line, name, state string, words ...string) {
	t.Helper()
	f := round[name]
	text := strings.Join(append([]string{f.What, f.Why, f.Command}, f.Todo...), "\n")
	if f.State != state {
		t.Errorf("%s is %q, want %q:\n%s", name, f.State, state, text)
	}
	if state != "ok" && state != "skipped" && (f.Why == "" || f.Command == "" && len(f.Todo) == 0) {
		t.Errorf("%s has no reason or no remedy: %+v", name, f)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q:\n%s", name, w, text)
		}
	}
}

func TestAnUntrustedUserIsToldWhatToSetAndItHelps(t *testing.T) {
	c := newNixComputer(t)
	rounds, code := c.run(`serve; check`)
	wants(t, rounds[0], "nix", "ok", "2.26.3")
	wants(t, rounds[0], "nix service", "ok")
	wants(t, rounds[0], "permission", "failure", "nobody", "not trusted", "aarch64-linux", "/etc/nix/nix.conf")
	wants(t, rounds[0], "emulation", "ok")
	wants(t, rounds[0], "test build", "skipped")
	if code != "4" {
		t.Errorf("exit code %s", code)
	}
	// The command as it was shown, and the service restarted.
	rounds, code = c.run(rounds[0]["permission"].Command + ` > /dev/null; serve; check`)
	wants(t, rounds[0], "permission", "ok", "is set to build")
	wants(t, rounds[0], "test build", "ok")
	if code != "0" {
		t.Errorf("exit code %s after the remedy", code)
	}
}

func TestTheUsersOwnSettingsDoNotCountForTheService(t *testing.T) {
	c := newNixComputer(t)
	rounds, _ := c.run(`serve; mkdir -p $DIR/home/.config/nix; echo "extra-platforms = aarch64-linux" > $DIR/home/.config/nix/nix.conf; check --deep`)
	wants(t, rounds[0], "permission", "failure", "not trusted")
	wants(t, rounds[0], "test build", "failure", "test build")
}

func TestATrustedUserIsReady(t *testing.T) {
	c := newNixComputer(t)
	c.conf("trusted-users = root nobody")
	rounds, code := c.run(`serve; check`)
	wants(t, rounds[0], "permission", "ok")
	wants(t, rounds[0], "test build", "ok")
	if code != "0" {
		t.Errorf("exit code %s", code)
	}
}

func TestAStoppedServiceIsToldFromOneThatWasNeverThere(t *testing.T) {
	c := newNixComputer(t)
	rounds, code := c.run(`check`)
	wants(t, rounds[0], "nix service", "failure", "not running", "sudo nix-daemon")
	wants(t, rounds[0], "permission", "skipped")
	if code != "4" {
		t.Errorf("exit code %s", code)
	}
	rounds, _ = c.run(`serve; kill -9 "$daemon"; wait "$daemon" || true; daemon=; check`)
	wants(t, rounds[0], "nix service", "failure", "nothing is listening")
	wants(t, rounds[0], "permission", "skipped")
}

func TestAUserOutsideTheGroupIsToldWhichAndItHelps(t *testing.T) {
	c := newNixComputer(t)
	c.conf("trusted-users = root nobody")
	const closed = `groupadd --system nix-users; serve; chgrp nix-users /nix/var/nix/daemon-socket; chmod 0770 /nix/var/nix/daemon-socket; check; `
	rounds, _ := c.run(closed)
	wants(t, rounds[0], "nix service", "failure", "nobody", "may not use Nix", "usermod -aG nix-users nobody", "log out")
	wants(t, rounds[0], "permission", "skipped")
	rounds, _ = c.run(closed + rounds[0]["nix service"].Command + `; check; GROUPS_OF=--init-groups; check`)
	wants(t, rounds[1], "nix service", "failure", "session began before", "Log out and in again")
	wants(t, rounds[2], "nix service", "ok")
	wants(t, rounds[2], "test build", "ok")
}

func TestASocketClosedToAllIsNamed(t *testing.T) {
	c := newNixComputer(t)
	rounds, _ := c.run(`serve; chmod 0600 /nix/var/nix/daemon-socket/socket; check`)
	wants(t, rounds[0], "nix service", "failure", "may not use Nix", "closed to everybody")
}

func TestAUserWhomTheSettingsForbidIsToldWhichSetting(t *testing.T) {
	c := newNixComputer(t)
	c.conf("allowed-users = root")
	rounds, _ := c.run(`serve; check`)
	wants(t, rounds[0], "nix service", "failure", "nobody", "extra-allowed-users")
	rounds, _ = c.run(rounds[0]["nix service"].Command + ` > /dev/null; serve; check`)
	wants(t, rounds[0], "nix service", "ok")
}

func TestABuildThatCannotRunFailsWithItsCause(t *testing.T) {
	c := newNixComputer(t)
	c.conf("trusted-users = root nobody")
	c.emulation = ""
	rounds, _ := c.run(`serve; check; check --deep`)
	wants(t, rounds[0], "emulation", "failure")
	wants(t, rounds[0], "test build", "skipped")
	wants(t, rounds[1], "test build", "failure", "no emulator is registered")
}

func TestTheOldNixOfDebian12IsRefused(t *testing.T) {
	c := newNixComputer(t)
	c.nix = oldNix(t)
	rounds, code := c.run(`check`)
	wants(t, rounds[0], "nix", "failure", "Nix 2.8", "2.18.0 or newer", "https://nixos.org/nix/install")
	wants(t, rounds[0], "nix service", "skipped")
	wants(t, rounds[0], "permission", "skipped")
	if code != "4" {
		t.Errorf("exit code %s", code)
	}
}

// oldNix unpacks the Nix of Debian 12 (2.8.0) with the libraries that only it
// needs, once for each rig.
func oldNix(t *testing.T) string {
	t.Helper()
	dest := filepath.Join(os.Getenv("PIWIZ_RIG"), "nix-2.8")
	if _, err := os.Stat(dest); err == nil {
		return dest
	}
	work := t.TempDir()
	script := `set -e; mkdir debs tree bin; cd debs
apt-get -o APT::Sandbox::User=root -qq download nix-bin libgc1 libboost-context1.74.0 libcpuid16 libsodium23 libarchive13 libxml2 libicu72 libcurl4 \
  libbrotli1 libnghttp2-14 libssh2-1 librtmp1 libpsl5 libldap-2.5-0 libsasl2-2
cd ..; for deb in debs/*.deb; do dpkg -x "$deb" tree; done; rm -r debs tree/usr/share
printf '%s\n' '#!/bin/sh' 'here=$(dirname "$(readlink -f "$0")")/../tree/usr' 'export LD_LIBRARY_PATH=$here/lib/nix:$here/lib/x86_64-linux-gnu' 'exec "$here/bin/${0##*/}" "$@"' > bin/nix
chmod +x bin/nix; mkdir -p "$1.part" && cp -a bin tree "$1.part/" && mv -T "$1.part" "$1"`
	cmd := exec.Command("sh", "-c", script, "sh", dest)
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the Nix of Debian 12: %v\n%s", err, out)
	}
	return dest
}

func TestTheCheckPagePutsItRightAfterAYes(t *testing.T) {
	c := newNixComputer(t)
	s, err := screen.Start(c.inside(`echo 'nobody ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/piwiz; serve; as_user /programs.piwiz --builder local || code=$?; cat /etc/nix/nix.conf; exit "$code"`), 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	play(t, s, [][]string{
		{"Set up a new Raspberry Pi", "enter"},
		{"× Nix does not let you build for the Pi's processor", "type f"},
		{"piwiz will leave these pages", "esc"},
		{"more below", "type f"},
		{"Press enter to run it", "enter"},
		// The service was not restarted, and only the test build finds out.
		{"√ Nix is set to build for the Pi's processor"},
		{"has not read its new settings yet", "ctrl+c"},
	})
	if code, err := s.Wait(10 * time.Second); err != nil || code != lacking {
		t.Errorf("the wizard ended with %d, %v", code, err)
	}
	ran, conf, _ := bytes.Cut(s.Raw(), []byte("substituters ="))
	if !bytes.Contains(ran, []byte("$ printf '")) || bytes.Count(conf, []byte("extra-extra-platforms = aarch64-linux")) != 1 {
		t.Errorf("not run once, as it was shown:\n%s", conf)
	}
}

func TestAllChecksTogetherAreQuick(t *testing.T) {
	c := newNixComputer(t)
	c.conf("trusted-users = root nobody")
	took := time.Hour
	for range 5 { // the others on this machine may be busy
		if _, code := c.run(`serve; check; s=$(date +%s%N); check > /dev/null; echo $((($(date +%s%N) - s) / 1000000)) > $DIR/ms`); code != "0" {
			t.Fatalf("exit code %s", code)
		}
		b, err := os.ReadFile(filepath.Join(c.dir, "ms"))
		var ms int
		if _, scan := fmt.Sscan(string(b), &ms); err != nil || scan != nil {
			t.Fatal(err, scan)
		}
		took = min(took, time.Duration(ms)*time.Millisecond)
	}
	t.Logf("all checks and a test build: %v", took)
	if took > time.Second {
		t.Errorf("all checks took %v", took)
	}
}
