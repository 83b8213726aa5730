package sshkey

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// wire is a public key of a kind, made of its parts.
func wire(parts ...string) string {
	var b []byte
	for _, p := range parts {
		b = append(b, ssh.Marshal(struct{ S string }{p})...)
	}
	return parts[0] + " " + base64.StdEncoding.EncodeToString(b) + " me"
}

func rsaLine(t *testing.T, bits int) string {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ssh.NewPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p)))
}

func TestOnlyKeysThatThePiAcceptsAreTaken(t *testing.T) {
	id := made(t, "me")
	line := id.PublicLine()
	for text, says := range map[string]string{
		line:                     "",
		line + " my private key": "",
		`from="10.0.0.0/8",command="echo \"hi, there\"",no-PTY ` + line:     "",
		wire("sk-ssh-ed25519@openssh.com", strings.Repeat("k", 32), "ssh:"): "",
		rsaLine(t, 1024):                        "",
		rsaLine(t, 768):                         "shorter than 1024 bits, and this one has 768",
		"cert-authority " + line:                "authority",
		`principals="a",CERT-AUTHORITY ` + line: "authority",
		"nonsense " + line:                      "does not know an option",
		"ssh-rsa " + strings.Fields(line)[1]:    "incomplete",
		wire("ssh-dss", "\x00\xff\x11", "\x7f\x01", "\x05", "\x09"): "ssh-dss",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5":                          "incomplete",
		"https://github.com/alice.keys":                             "address",
		"github.com/alice.keys":                                     "address",
		"1024 35 14572 me":                                          "not a public SSH key",
		"-----BEGIN OPENSSH PRIVATE KEY-----":                       "private key",
		"-----BEGIN RSA PRIV":                                       "private key",
		"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU":                           "private key",
		"PuTTY-User-Key-File-2: ssh-rsa":                            "PuTTY",
		"---- BEGIN SSH2 PUBLIC KEY ----":                           "SSH2",
		"-----BEGIN PUBLIC KEY-----":                                "PEM",
		"":                                                          "not a public SSH key",
	} {
		k, err := ParseLine(text)
		switch {
		case says == "" && (err != nil || k.Line != text):
			t.Errorf("%q: %v", text, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%q: %v, not %q", text, err, says)
		}
	}
}

func TestAPasteIsAllKeysOrAnErrorThatEchoesNothing(t *testing.T) {
	a, b := made(t, "a"), made(t, "b")
	for _, eol := range []string{"\n", "\r", "\r\n"} {
		keys, err := Parse("# mine" + eol + a.PublicLine() + eol + eol + b.PublicLine() + eol + a.PublicLine() + eol)
		if err != nil || len(keys) != 2 {
			t.Error(keys, err)
		}
	}
	for _, text := range []string{string(a.Reveal()), strings.Join(strings.Split(string(a.Reveal()), "\n")[1:], "\n"), a.PublicLine() + "\n" + string(b.Reveal())} {
		keys, err := Parse(text)
		if err == nil || len(keys) > 0 || !strings.Contains(err.Error(), "private key") || strings.Contains(err.Error(), "AAAA") {
			t.Error(keys, err)
		}
	}
	if _, err := Parse(a.PublicLine() + "\nsecret words\n"); err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestNamesOfNewKeys(t *testing.T) {
	for name, good := range map[string]bool{
		"id_ed25519": true, "pi-2.key": true, "": false, "../x": false, "a/b": false, ".x": false, "-x": false, "x.pub": false, "config": false,
		"known_hosts": false, "authorized_keys": false, "a b": false, "é": false, strings.Repeat("a", 65): false,
	} {
		if (CheckName(name) == "") != good {
			t.Errorf("%q: %q", name, CheckName(name))
		}
	}
}
