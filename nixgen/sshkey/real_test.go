package sshkey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/shell"
	"piwiz/nixgen/sshkey/offer"
)

// kinds are folders ~/.ssh: a script that makes one, in it, and the comment of
// the key that piwiz is to choose beforehand, "" for none. The script may start
// an agent by calling agent. The passphrase is always "secret".
var kinds = []struct{ name, script, want string }{
	{"one ed25519 key", `gen id_ed25519`, "id_ed25519"},
	{"only RSA", `gen id_rsa -t rsa -b 2048`, "id_rsa"},
	{"two of ssh's own", `gen id_ed25519; gen id_ecdsa -t ecdsa`, "id_ecdsa"},
	{"encrypted, in the agent", `gen id_ed25519 -N secret; agent id_ed25519`, "id_ed25519"},
	{"encrypted, no agent", `gen id_ed25519 -N secret`, "id_ed25519"},
	{"encrypted, without .pub", `gen id_ed25519 -N secret; rm id_ed25519.pub`, "id_ed25519"},
	{"private without .pub", `gen id_ed25519; rm id_ed25519.pub`, "id_ed25519"},
	{"PEM without .pub", `gen id_rsa -t rsa -m PEM; rm id_rsa.pub`, "id_rsa"},
	{"encrypted PEM with .pub", `gen id_rsa -t rsa -m PEM -N secret`, "id_rsa"},
	{"encrypted PEM without .pub", `gen id_rsa -t rsa -m PEM -N secret; rm id_rsa.pub`, ""},
	{"encrypted PKCS8 with .pub", `gen id_ecdsa -t ecdsa -m PKCS8 -N secret`, "id_ecdsa"},
	{"an agent with nine keys", `for i in 1 2 3 4 5 6 7 8 9; do gen k$i; done; agent k3 k1 k2 k4 k5 k6 k7 k8 k9; rm k*`, "k3"},
	{"an agent with nine keys and a file", `gen id_ed25519; for i in 1 2 3 4 5 6 7 8 9; do gen k$i; done; agent k1 k2 k3 k4 k5 k6 k7 k8 k9; rm k*`, "k1"},
	{"an agent that has the file's key last", `gen id_ed25519; for i in 1 2 3 4 5 6 7 8; do gen k$i; done; agent k1 k2 k3 k4 k5 k6 k7 k8 id_ed25519; rm k*`, "id_ed25519"},
	{"IdentityFile in the configuration", `gen id_ed25519; gen work; echo "IdentityFile ~/.ssh/work" > config`, "work"},
	{"IdentityFile of another host", `gen id_ed25519; gen work; printf 'Host work.example\n IdentityFile ~/.ssh/work\n' > config`, "id_ed25519"},
	{"IdentitiesOnly", `gen id_ed25519; gen other; agent other; rm other*; echo "IdentitiesOnly yes" > config`, "id_ed25519"},
	{"IdentitiesOnly and a .pub for the agent", `gen a; gen b; agent a b; rm a a.pub b; printf 'IdentitiesOnly yes\nIdentityFile ~/.ssh/b.pub\n' > config`, "b"},
	{"a .pub as IdentityFile, no agent", `gen work; echo "IdentityFile ~/.ssh/work.pub" > config`, ""},
	{"IdentityAgent in the configuration", `gen a; agent a; rm a*; echo "IdentityAgent $SSH_AUTH_SOCK" > config; away`, "a"},
	{"IdentityAgent none", `gen id_ed25519; gen a; agent a; rm a*; echo "IdentityAgent none" > config`, "id_ed25519"},
	{".pub without its private half", `gen id_rsa -t rsa; rm id_rsa; gen id_ed25519`, "id_ed25519"},
	{"nothing but a .pub", `gen id_rsa -t rsa; rm id_rsa`, ""},
	{"authorized_keys only", `gen id_ed25519; mv id_ed25519.pub authorized_keys; rm id_ed25519`, ""},
	{"authorized_keys has the own key, with options", `gen id_ed25519; (printf 'restrict '; cat id_ed25519.pub) > authorized_keys`, "id_ed25519"},
	{"a security key and another", `gen id_ed25519; cat "$SK.pub" > id_ecdsa_sk.pub; rm -f id_ecdsa_sk`, "id_ed25519"},
	{"mixed old formats", `gen id_rsa -t rsa -m PEM; gen id_ecdsa -t ecdsa -m PKCS8; ssh-keygen -e -m RFC4716 -f id_rsa.pub > old.pub; echo "ssh-dss AAAAB3NzaC1kc3M= old" > id_dsa.pub; echo "1024 35 1234 old" > identity.pub`, "id_rsa"},
	{"a .pub of another key beside the private one", `gen id_rsa -t rsa; gen x; mv x.pub id_rsa.pub; gen id_ed25519`, "id_ed25519"},
	{"only a pair that does not match", `gen id_ed25519; gen x; mv x.pub id_ed25519.pub; rm x`, ""},
	{"an unmatching .pub, and the agent has its key", `gen id_ed25519; gen x; agent x; mv x.pub id_ed25519.pub; rm x`, "x"},
	{"Include and Match", `gen id_ed25519; gen pi; echo 'IdentityFile ~/.ssh/no' > never; mkdir conf.d; printf 'Match host *.local user alice\n IdentityFile %%d/.ssh/pi\n' > conf.d/pi; echo 'Include conf.d/*' > config`, "pi"},
	{"Match exec", `gen id_ed25519; gen pi; printf 'Match exec "test %%h = bach.local"\n IdentityFile ~/.ssh/pi\n' > config`, "pi"},
	{"a private key that others may read", `gen id_rsa -t rsa; chmod 644 id_rsa; gen id_ed25519`, "id_ed25519"},
	{"a name that ssh does not try", `gen work`, ""},
	{"RequiredRSASize", `gen id_rsa -t rsa -b 1024; gen id_ed25519; echo 'RequiredRSASize 2048' > config`, "id_ed25519"},
	{"PubkeyAcceptedAlgorithms", `gen id_rsa -t rsa; gen id_ed25519; echo 'PubkeyAcceptedAlgorithms ssh-ed25519' > config`, "id_ed25519"},
	{"a certificate beside the key", `gen ca; gen id_ed25519; ssh-keygen -q -s ca -I me -n alice id_ed25519.pub; rm ca*`, "id_ed25519"},
	{"a folder of odd things", `mkfifo id_x.pub; mkdir id_ecdsa keys.pub; ln -s /dev/zero zero.pub; ln -s nowhere gone.pub; head -c 200000 /dev/zero > big.pub; gen id_ed25519`, "id_ed25519"},
	{"a damaged key before a good one", `gen id_rsa -t rsa; rm id_rsa.pub; head -c 400 id_rsa > x; cat x > id_rsa; rm x; gen id_ed25519`, "id_ed25519"},
}

// prelude are the words of the scripts.
const prelude = `set -eu
gen() { n=$1; shift; case " $* " in *" -N "*) ;; *) set -- -N "" "$@";; esac; case " $* " in *" -t "*) ;; *) set -- -t ed25519 "$@";; esac; ssh-keygen -q -f "$n" -C "$n" "$@"; }
agent() { eval "$(ssh-agent -a "$W/agent")" > /dev/null; echo "$SSH_AGENT_PID" > "$W/agent.pid"; for k in "$@"; do ssh-add -q "$k" < /dev/null; done; echo "$SSH_AUTH_SOCK" > "$W/socket"; }
away() { rm "$W/socket"; }
`

// insideKinds is set when this test binary runs itself again with a home of its
// own: it prints the keys it finds.
const insideKinds = "PIWIZ_SSHKEY_INSIDE"

func TestMain(m *testing.M) {
	if host := os.Getenv(insideKinds); host != "" {
		out, err := exec.Command("ssh", "-G", "alice@"+host).Output()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		c := offer.Read(said(string(out)), "alice", host, "/root", os.Getenv("SSH_AUTH_SOCK"))
		keys, problems := Find(context.Background(), "/root/.ssh", c)
		texts := []string{}
		for _, p := range problems {
			texts = append(texts, p.Error())
		}
		_ = json.NewEncoder(os.Stdout).Encode(looked{keys, texts})
		return
	}
	os.Exit(m.Run())
}

type looked struct {
	Keys     []PublicKey
	Problems []string
}

// TestTheKeyChosenBeforehandLogsIn makes folders ~/.ssh, lets a real sshd know
// nothing but the key that piwiz chooses beforehand, and runs ssh as the user
// will. Where piwiz chooses none, no key of the list may log in either.
func TestTheKeyChosenBeforehandLogsIn(t *testing.T) {
	if os.Getenv("PIWIZ_REAL") != "1" {
		t.Skip("needs root and namespaces: set PIWIZ_REAL=1")
	}
	for tool, pkg := range map[string]string{"sshd": "openssh-server", "ssh": "openssh-client", "ssh-agent": "openssh-client", "unshare": "util-linux", "ip": "iproute2", "setsid": "util-linux"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("needs %s (apt-get install %s)", tool, pkg)
		}
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			h := newDesk(t, k.script)
			got := h.look()
			chosen := ""
			if len(got.Keys) > 0 && got.Keys[0].Use == Offered {
				chosen = got.Keys[0].Comment
			}
			if chosen != k.want {
				t.Errorf("chosen is %q, not %q", chosen, k.want)
			}
			if t.Failed() {
				for _, key := range got.Keys {
					t.Logf("%+v", key)
				}
			}
			t.Log(strings.Join(got.Problems, "\n"))
			for _, key := range got.Keys {
				if key.Use != Offered && chosen != "" && key.Use != Here {
					continue // another one is not promised
				}
				err := h.login(key)
				if first := key.Fingerprint == got.Keys[0].Fingerprint; first && key.Use == Offered && err != nil {
					t.Errorf("the chosen key does not log in: %v", err)
				}
				if key.Use != Offered && err == nil {
					t.Errorf("%s (%s) is said not to log in, and does", key.Comment, key.Why)
				}
			}
		})
	}
}

// desk is a computer with a home and a network of its own, in namespaces.
type desk struct {
	t   *testing.T
	dir string
}

func newDesk(t *testing.T, script string) *desk {
	t.Helper()
	dir, err := os.MkdirTemp("", "desk") // short, for the agent's socket
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t, dir}
	t.Cleanup(func() {
		d.sh(`[ ! -e "$W/agent.pid" ] || kill "$(cat "$W/agent.pid")"`)
		_ = os.RemoveAll(dir)
	})
	d.must(`mkdir -m 700 "$W/home" "$W/home/.ssh"; ssh-keygen -q -t ed25519 -N "" -f "$W/host"
cat > "$W/sk.pub" << 'END'
sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBB/CZx0jNiDVVa5cs1MmkGKuq8rD8gwLVUGX8WC2iBpqPMzQPOSNgOCWBNF9JuvR/6/pZN9pzmLmJjgHGKWT7WcAAAAEc3NoOg== sk
END
printf '#!/bin/sh\necho secret\n' > "$W/askpass"; chmod 755 "$W/askpass"
`)
	d.must("export SK=$W/sk; cd $W/home/.ssh\n" + script)
	return d
}

// sh runs a script.
func (d *desk) sh(script string) (string, error) {
	cmd := exec.Command("bash", "-c", prelude+script)
	cmd.Env = append(os.Environ(), "W="+d.dir, "SSH_ASKPASS="+d.dir+"/askpass", "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0")
	cmd.WaitDelay = time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, said.String())
	}
	return out.String(), err
}

func (d *desk) must(script string) string {
	d.t.Helper()
	out, err := d.sh(script)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// apart runs a script with the home of the desk as root's, in a network where
// there is nothing but a loopback. Most of ssh takes the home from the user
// database; Include takes it from HOME, by glob(3).
func (d *desk) apart(script string) (string, error) {
	file := filepath.Join(d.dir, "script")
	if err := os.WriteFile(file, []byte(prelude+`export HOME=/root; mount --bind "$W/home" /root; ip link set lo up; unset SSH_AUTH_SOCK
mount --bind "$W/hosts" /etc/hosts; [ ! -e "$W/socket" ] || export SSH_AUTH_SOCK=$(cat "$W/socket"); cd /
`+script), 0o700); err != nil {
		d.t.Fatal(err)
	}
	return d.sh(`echo "127.0.0.1 localhost bach.local" > "$W/hosts"; exec timeout -k 1 30 unshare --kill-child -fpmn --propagation private bash "$W/script"`)
}

func (d *desk) look() (got looked) {
	d.t.Helper()
	self, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	began := time.Now()
	out, err := d.apart(insideKinds + "=bach.local exec " + shell.Quote(self))
	if err == nil {
		err = json.Unmarshal([]byte(out), &got)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		d.t.Errorf("took %v", took)
	}
	return got
}

// login runs ssh as a user types it, where only this key may log in. That of
// the test is to ask nothing, and to know the host.
func (d *desk) login(k PublicKey) error {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, "allowed"), []byte(k.Line+"\n"), 0o600); err != nil {
		d.t.Fatal(err)
	}
	out, err := d.apart(`mkdir -p /run/sshd
cp /etc/passwd "$W/passwd"; grep -q ^alice: "$W/passwd" || echo "alice:x:0:0::/root:/bin/sh" >> "$W/passwd"; mount --bind "$W/passwd" /etc/passwd
cat > "$W/sshd_config" << END
ListenAddress 127.0.0.1:22
HostKey $W/host
AuthorizedKeysFile $W/allowed
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
UsePAM no
StrictModes no
PidFile $W/sshd.pid
END
rm -f "$W/sshd.pid" # of the login before, which was killed
"$(command -v sshd)" -f "$W/sshd_config" -E "$W/sshd.log"
trap 'kill "$(cat "$W/sshd.pid")"' EXIT
for i in $(seq 100); do [ -s "$W/sshd.pid" ] && break; sleep 0.05; done
echo "bach.local $(cut -d' ' -f1,2 "$W/host.pub")" > "$W/known"
setsid ssh -o GlobalKnownHostsFile="$W/known" alice@bach.local echo logged in < /dev/null`)
	if err == nil && !strings.Contains(out, "logged in") {
		err = errors.New("it said " + out)
	}
	return err
}

// said takes what ssh -G printed as the engine hands it in.
func said(text string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(text) {
		word, value, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		all[word] = append(all[word], value)
	}
	return all
}
