package seal

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"piwiz/nixgen/sshkey/keypair"
)

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func never(string) (string, error) { return "", errors.New("asked for a passphrase") }

// opens tells whether what is encrypted for one is opened by the other.
func opens(t *testing.T, to []string, with []string, ask Ask) error {
	t.Helper()
	recipients, err := For(to)
	if err != nil {
		return err
	}
	identities, err := Open(with, ask)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, recipients...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(w, "text")
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(&b, identities...)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(r)
	if string(text) != "text" {
		t.Errorf("%q", text)
	}
	return err
}

func TestKeysOpenWhatIsEncryptedForThem(t *testing.T) {
	ed, _ := keypair.ForHost("x")
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	rsaPublic, _ := ssh.NewPublicKey(rsaKey.Public())
	rsaBlock, _ := ssh.MarshalPrivateKey(rsaKey, "")
	native, _ := age.GenerateX25519Identity()
	hybrid, _ := age.GenerateHybridIdentity()
	rsaLine := string(ssh.MarshalAuthorizedKey(rsaPublic))
	for name, c := range map[string]struct{ public, private string }{
		"ed25519": {ed.PublicLine(), string(ed.Reveal())},
		"rsa":     {rsaLine, string(pem.EncodeToMemory(rsaBlock))},
		"age":     {native.Recipient().String(), "# made by age-keygen\n" + native.String() + "\n"},
		"age, pq": {hybrid.Recipient().String(), hybrid.String() + "\n"},
	} {
		if err := opens(t, []string{c.public}, []string{write(t, c.private)}, never); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := opens(t, []string{write(t, "# mine\n\n"+c.public+"\n")}, []string{write(t, c.private)}, never); err != nil {
			t.Errorf("%s, from a file: %v", name, err)
		}
	}
	if err := opens(t, []string{ed.PublicLine(), rsaLine}, []string{write(t, string(ed.Reveal()))}, never); err != nil {
		t.Errorf("one of two keys: %v", err)
	}
	if err := opens(t, []string{rsaLine}, []string{write(t, string(ed.Reveal()))}, never); err == nil {
		t.Error("another key opens it")
	}
}

func TestWhatCannotBeUsedIsNamedAndNeverShown(t *testing.T) {
	ed, _ := keypair.ForHost("x")
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ecPublic, _ := ssh.NewPublicKey(ec.Public())
	ecBlock, _ := ssh.MarshalPrivateKey(ec, "")
	native, _ := age.GenerateX25519Identity()
	for _, c := range []struct {
		to, with, says string
	}{
		{string(ssh.MarshalAuthorizedKey(ecPublic)), "", "of this type"},
		{"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABHNzaDo= x", "", "SSH key"},
		{"age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt", "", "plugin keys"},
		{"age1x", "", "not an age public key"},
		{"ssh-ed25519 x", "", "not an SSH public key"},
		{write(t, ""), "", "no key in it"},
		{write(t, "nonsense"), "", "line 1"},
		{write(t, string(ed.Reveal())), "", "private key"},
		{write(t, native.String()), "", "private key"},
		{t.TempDir(), "", "not a regular file"},
		{write(t, strings.Repeat("#\n", maxKeys)), "", "larger than 1024 KiB"},
		{"", write(t, ed.PublicLine()), "no private key"},
		{"", write(t, ""), "no private key"},
		{"", write(t, "AGE-SECRET-KEY-1NONSENSE"), "no private key"},
		{"", write(t, "-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n"), "cannot be used"},
		{"", write(t, string(pem.EncodeToMemory(ecBlock))), "cannot be used"},
		{"", "/none", "no such file"},
	} {
		var err error
		if c.to != "" {
			_, err = For([]string{c.to})
		} else {
			_, err = Open([]string{c.with}, never)
		}
		var named *Error
		if !errors.As(err, &named) || !strings.Contains(err.Error(), c.says) || len(named.Hints()) == 0 {
			t.Errorf("%q %q: %v", c.to, c.with, err)
		} else if strings.Contains(err.Error(), "NONSENSE") || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("a private key is shown: %v", err)
		}
	}
}

func TestAPassphraseIsAskedForOnlyWhereItOpens(t *testing.T) {
	r, err := age.NewScryptRecipient("right")
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(2)
	for _, c := range []struct {
		answer string
		ok     bool
	}{{"right", true}, {"wrong", false}, {"", false}} {
		var b bytes.Buffer
		w, err := age.Encrypt(&b, r)
		if err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		asked := 0
		ids, err := Open(nil, func(string) (string, error) { asked++; return c.answer, nil })
		if err != nil {
			t.Fatal(err)
		}
		_, err = age.Decrypt(&b, ids...)
		var none *age.NoIdentityMatchError
		if (err == nil) != c.ok || !c.ok && !errors.As(err, &none) || asked != 1 {
			t.Errorf("%q: %v, asked %d times", c.answer, err, asked)
		}
	}
	ed, _ := keypair.ForHost("x")
	if err := opens(t, []string{ed.PublicLine()}, nil, never); err == nil || strings.Contains(err.Error(), "asked") {
		t.Error(err)
	}
}

func FuzzKeys(f *testing.F) {
	ed, _ := keypair.ForHost("x")
	f.Add(ed.PublicLine(), ed.Reveal())
	f.Add("age1x", []byte("AGE-SECRET-KEY-1"))
	f.Fuzz(func(t *testing.T, line string, file []byte) {
		if r, err := recipient(line); err == nil && r == nil {
			t.Error("no key and no error")
		}
		path := filepath.Join(t.TempDir(), "key")
		if os.WriteFile(path, file, 0o600) != nil {
			t.Skip()
		}
		if ids, err := identities(path, never); err == nil && len(ids) == 0 {
			t.Error("no key and no error")
		}
	})
}
