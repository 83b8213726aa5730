package networkmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// setup runs a real NetworkManager, with a bus and polkit of its own, in a
// network and mount namespace without any hardware. W is the folder of the
// test. The users are Alice, at the desk; Bob too, but he is not in the group
// netdev; Carol, logged in by ssh; Dave, whose session is in the background.
// logind's notes about them are written by hand. It lives as long as its standard input is open.
const setup = `set -e
mount -t tmpfs -o mode=755 none "$W/etc"
cp -a /etc/. "$W/etc/"
mount --bind "$W/etc" /etc
for d in /run /var/lib/NetworkManager /var/lib/dbus; do mkdir -p $d; mount -t tmpfs -o mode=755 none $d; done
rm -rf /etc/NetworkManager && mkdir -p /etc/NetworkManager/system-connections /run/NetworkManager/system-connections
printf '[main]\nplugins=keyfile\ndns=none\nrc-manager=unmanaged\nno-auto-default=*\n[keyfile]\nunmanaged-devices=*\n' > /etc/NetworkManager/NetworkManager.conf
sed -i '/^netdev:/d;/^sudo:/d' /etc/group
printf 'netdev:x:2101:pwalice,pwcarol,pwdave\nsudo:x:2102:\n' >> /etc/group
n=62001
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /run/systemd/users /run/systemd/sessions /run/systemd/seats
for u in pwalice pwbob pwcarol pwdave; do
  echo "$u:x:$n:$n::/:/bin/sh" >> /etc/passwd
  echo "$u:x:$n:" >> /etc/group
  echo "$u:*:20000::::::" >> /etc/shadow
  seat=seat0 state=active active=1 remote=0
  [ $u = pwcarol ] && seat= remote=1
  [ $u = pwdave ] && state=online active=0
  [ $u = pwcarol ] || printf "STATE=$state\nSESSIONS=$u\nDISPLAY=$u\nSEATS=seat0\nONLINE_SEATS=seat0\n" > /run/systemd/users/$n
  [ $active = 0 ] || [ $u = pwcarol ] || printf "ACTIVE_SESSIONS=$u\nACTIVE_SEATS=seat0\n" >> /run/systemd/users/$n
  printf "UID=$n\nUSER=$u\nACTIVE=$active\nSTATE=$state\nREMOTE=$remote\nTYPE=x11\nCLASS=user\nSEAT=$seat\n" > /run/systemd/sessions/$u
  mkdir -p /sys/fs/cgroup/user.slice/user-$n.slice/session-$u.scope
  n=$((n + 1))
done
printf '%s\n' root:rootpw pwalice:alicepw pwbob:bobpw pwcarol:carolpw pwdave:davepw | chpasswd
cp "$W"/profiles/* /etc/NetworkManager/system-connections/
chown 0:0 /etc/NetworkManager/system-connections/*
chmod 600 /etc/NetworkManager/system-connections/*
mkdir -p /run/dbus
dbus-uuidgen > /etc/machine-id
daemons=
die() { "$@" >> /run/log 2>&1 & daemons="$daemons $!"; }
die dbus-daemon --system --nofork --nopidfile
until [ -S /run/dbus/system_bus_socket ]; do sleep .1; done
die /usr/lib/polkit-1/polkitd --no-debug
die NetworkManager --no-daemon
until nmcli -t -f RUNNING general 2> /dev/null | grep -qx running; do sleep .1; done
echo ready
cat
# A death signal would not do: it is dropped with the rights of root.
kill -KILL $daemons || true
# Who has gone leaves the group a moment later.
for try in $(seq 50); do rmdir /sys/fs/cgroup/user.slice/user-6200?.slice/*/ /sys/fs/cgroup/user.slice/user-6200?.slice 2>> /run/log && break; sleep .1; done
rmdir /sys/fs/cgroup/user.slice 2> /dev/null || true
`

// lab is the computer that setup makes.
type lab struct {
	t     *testing.T
	enter []string
}

// By its control group libsystemd, and so polkit, tells whose session a process
// belongs to.
const sessions = "/sys/fs/cgroup/user.slice/"

var users = map[string]string{"alice": "62001", "bob": "62002", "carol": "62003", "dave": "62004"}

func newLab(t *testing.T, profiles map[string]string) *lab {
	t.Helper()
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root, NetworkManager, polkit and D-Bus: set PIWIZ_REAL=1 and see .ci/run")
	}
	dir := t.TempDir()
	for _, sub := range []string{"etc", "profiles"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range profiles {
		if err := os.WriteFile(filepath.Join(dir, "profiles", name+".nmconnection"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", setup)
	cmd.Env = append(os.Environ(), "W="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	l := &lab{t, []string{"nsenter", fmt.Sprintf("--mount=/proc/%d/ns/mnt", cmd.Process.Pid), fmt.Sprintf("--net=/proc/%d/ns/net", cmd.Process.Pid), "--"}}
	up := make(chan error, 1)
	go func() { _, err := io.ReadFull(out, make([]byte, len("ready\n"))); up <- err }()
	select {
	case err = <-up:
	case <-time.After(60 * time.Second):
		err = os.ErrDeadlineExceeded
	}
	if err != nil {
		log, _ := exec.Command(l.enter[0], append(l.enter[1:], "cat", "/run/log")...).Output()
		t.Fatalf("NetworkManager does not start: %v\n%s", err, log)
	}
	return l
}

// inside is a command in the lab.
func (l *lab) inside(args ...string) []string { return slices.Concat(l.enter, args) }

// user begins a command of a user: what follows is for env.
func (l *lab) user(name string) []string {
	id := users[name]
	if id == "" {
		return l.inside("env", "-u", "DBUS_SYSTEM_BUS_ADDRESS")
	}
	return l.inside("sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, sessions+"user-"+id+".slice/session-pw"+name+".scope",
		"setpriv", "--reuid", id, "--regid", id, "--init-groups", "env", "-u", "DBUS_SYSTEM_BUS_ADDRESS")
}

// as runs a command as a user of the lab.
func (l *lab) as(name string, args ...string) string {
	l.t.Helper()
	all := append(l.user(name), args...)
	out, err := exec.Command(all[0], all[1:]...).Output()
	if err != nil {
		var said []byte
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			said = e.Stderr
		}
		l.t.Fatalf("%s: %v: %v\n%s", name, args, err, said)
	}
	return string(out)
}

// caller puts this program into the lab, where everybody may run it.
func (l *lab) caller() {
	l.t.Helper()
	self, err := os.Executable()
	if err != nil {
		l.t.Fatal(err)
	}
	// The folder it is in may be root's alone; an earlier one may still be running.
	l.as("root", "cp", "--remove-destination", self, "/run/caller")
}

// told is what the other half of the test says: this program, run in the lab.
type told struct {
	Locked   bool
	Where    string
	Networks map[string]toldNetwork // by SSID
	Problems []string
}

type toldNetwork struct {
	Security, Kept, Lacks, Secret, Passphrase, Problem string
	Rights                                             bool // administrator rights may help
}

func init() {
	switch os.Getenv("PIWIZ_NM_ASK") {
	case "":
		return
	case "raw":
		raw()
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	found, err := Source{}.Read(ctx)
	out := told{Locked: errors.Is(err, fs.ErrPermission), Where: found.Where, Networks: map[string]toldNetwork{}}
	if err != nil && !out.Locked {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, p := range found.Problems {
		out.Problems = append(out.Problems, p.Error())
	}
	for _, n := range found.Networks {
		var m toldNetwork
		kept := n.Kept
		if only := os.Getenv("PIWIZ_NM_ONLY"); only != "" && only != n.SSID {
			continue
		}
		if n.Kept != "" {
			if n, err = Secret(ctx, n); err != nil {
				m.Problem, m.Rights = err.Error(), errors.Is(err, fs.ErrPermission)
			}
		}
		m.Kept, m.Security, m.Lacks, m.Secret, m.Passphrase = kept, string(n.Security), n.Lacks, n.Secret.Reveal(), n.Passphrase.Reveal()
		out.Networks[n.SSID] = m
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
	os.Exit(0)
}

func (l *lab) ask(user string) (out told) {
	l.t.Helper()
	l.caller()
	text := l.as(user, "env", "PIWIZ_NM_ASK=1", "/run/caller")
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		l.t.Fatalf("%s: %v\n%s", user, err, text)
	}
	return out
}

const uuid = "6a2c1c2e-0000-4000-8000-0000000000%02d"

func keyFile(number int, ssid, more string) string {
	return fmt.Sprintf("[connection]\nid=p-%s\nuuid="+uuid+"\ntype=wifi\n%s\n[wifi]\nssid=%s\n%s", ssid, number, first(more), ssid, rest(more))
}

func first(s string) string { a, _, _ := strings.Cut(s, "\x00"); return a }
func rest(s string) string  { _, b, _ := strings.Cut(s, "\x00"); return b }

// every kind of profile: name of the network, then text of [connection] and,
// behind NUL, what follows [wifi].
var kinds = []struct{ ssid, text string }{
	{"psk", "\x00[wifi-security]\nkey-mgmt=wpa-psk\npsk=correct horse\n"},
	{"sae", "\x00[wifi-security]\nkey-mgmt=sae\npsk=correct horse\n"},
	{"sae-short", "\x00[wifi-security]\nkey-mgmt=sae\npsk=short\n"},
	{"hex", "\x00[wifi-security]\nkey-mgmt=wpa-psk\npsk=" + strings.Repeat("ab", 32) + "\n"},
	{"open", "\x00"},
	{"alices", "permissions=user:pwalice:;\x00[wifi-security]\nkey-mgmt=wpa-psk\npsk=correct horse\n"},
	{"bobs", "permissions=user:pwbob:;\x00[wifi-security]\nkey-mgmt=wpa-psk\npsk=correct horse\n"},
	{"both", "permissions=user:pwalice:;user:pwbob:;\x00[wifi-security]\nkey-mgmt=wpa-psk\npsk=correct horse\n"},
	{"agent", "\x00[wifi-security]\nkey-mgmt=wpa-psk\npsk-flags=1\n"},
	{"unsaved", "\x00[wifi-security]\nkey-mgmt=wpa-psk\npsk-flags=2\n"},
	{"none-kept", "\x00[wifi-security]\nkey-mgmt=wpa-psk\n"},
	{"hotspot", "\x00mode=ap\n[wifi-security]\nkey-mgmt=wpa-psk\npsk=correct horse\n"},
	{"wep", "\x00[wifi-security]\nkey-mgmt=none\nwep-key0=abcde\n"},
	{"dynamic", "\x00[wifi-security]\nkey-mgmt=ieee8021x\n[802-1x]\neap=peap;\nidentity=a\nphase2-auth=mschapv2\npassword=correct horse\n"},
	{"company", "\x00[wifi-security]\nkey-mgmt=wpa-eap\n[802-1x]\neap=peap;\nidentity=a\nphase2-auth=mschapv2\npassword=correct horse\n"},
	{"owe", "\x00[wifi-security]\nkey-mgmt=owe\n"},
}

func TestEveryKindOfProfileAsEveryKindOfUser(t *testing.T) {
	profiles := map[string]string{}
	for i, k := range kinds {
		profiles[k.ssid] = keyFile(i, k.ssid, k.text)
	}
	l := newLab(t, profiles)
	// How each network ends: "wpa2" or "wpa3" with its secret here, "open",
	// "asked" where the secret was refused only when it was asked for,
	// "locked" where administrator rights would help, "lacks" where the
	// password must be typed in, "no" where it is not even listed.
	want := map[string][5]string{ // root, alice, bob, carol, dave
		"psk": {"wpa2", "wpa2", "asked", "asked", "asked"}, "sae": {"wpa2", "wpa2", "asked", "asked", "asked"}, "sae-short": {"wpa3", "wpa3", "asked", "asked", "asked"},
		"hex": {"wpa2", "wpa2", "asked", "asked", "asked"}, "open": {"open", "open", "open", "open", "open"},
		"alices": {"wpa2", "wpa2", "no", "no", "no"}, "bobs": {"wpa2", "no", "wpa2", "no", "no"}, "both": {"wpa2", "wpa2", "asked", "no", "no"},
		"agent": {"asked", "asked", "asked", "asked", "asked"}, "unsaved": {"lacks", "lacks", "lacks", "lacks", "lacks"}, "none-kept": {"asked", "asked", "asked", "asked", "asked"},
	}
	for _, dbus := range []bool{true, false} {
		for i, user := range []string{"root", "alice", "bob", "carol", "dave"} {
			if !dbus && i > 0 {
				continue
			}
			got := l.ask(user)
			t.Logf("%s, %s, locked %v", user, got.Where, got.Locked)
			for _, p := range got.Problems {
				t.Log("  ", p)
			}
			for _, k := range kinds {
				n, there := got.Networks[k.ssid]
				end := n.Security
				switch {
				case !there:
					end = "no"
				case n.Problem != "":
					end = "asked"
				case n.Lacks == "NetworkManager does not give its password to your user":
					end = "locked"
				case n.Lacks != "":
					end = "lacks"
				}
				t.Logf("  %-10s %-7s %s%s", k.ssid, end, n.Problem, n.Lacks)
				w := "no"
				if row, ok := want[k.ssid]; ok {
					w = row[i]
				}
				if !dbus && w == "asked" {
					w = "lacks"
				}
				if end != w {
					t.Errorf("%s: %s is %q, want %q", user, k.ssid, end, w)
				}
				if (end == "wpa2" || end == "wpa3") && len(n.Secret) != 64 && n.Secret != "short" || end == "wpa3" && n.Secret != "short" {
					t.Errorf("%s: the secret of %s is %d characters long", user, k.ssid, len(n.Secret))
				}
			}
			if i == 0 || i == 1 {
				for _, word := range []string{"WEP", "802.1X", "OWE"} {
					if !slices.ContainsFunc(got.Problems, func(p string) bool { return strings.Contains(p, word) }) {
						t.Errorf("%s: nothing is said of %s: %q", user, word, got.Problems)
					}
				}
			}
			if s := strings.Join(got.Problems, " "); strings.Contains(s, "horse") || strings.Contains(s, "hotspot") {
				t.Error(s)
			}
		}
		if dbus {
			l.as("root", "sh", "-c", "for p in /proc/[0-9]*; do [ \"$(readlink $p/ns/mnt)\" = \"$(readlink /proc/self/ns/mnt)\" ] && grep -qx NetworkManager $p/comm && kill ${p#/proc/}; done; sleep 1")
		}
	}
}
