package sshkey

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"piwiz/nixgen/fault"
	"piwiz/nixgen/regular"
)

// errLocked is a key in an older format, where the passphrase hides all of it.
var errLocked = errors.New("only its passphrase can show the public half of this key")

// private is what can be known of a private key without its passphrase.
type private struct {
	public  *PublicKey // nil when only the passphrase opens it
	problem *Problem   // why ssh cannot use it, or public is nil
}

// readPrivate reads a file that may hold a private key; errNoKey when it does
// not.
func readPrivate(path string) (private, error) {
	data, err := regular.ReadFile(path, maxFile, 0)
	if err != nil {
		return private{}, err
	}
	defer clear(data)
	if errors.Is(kind(string(data)), errPutty) || bytes.HasPrefix(data, []byte("PuTTY-User-Key-File-")) {
		return private{problem: foreign(path, errPutty)}, nil
	}
	block, _ := pem.Decode(data)
	if block == nil || !bytes.HasSuffix([]byte(block.Type), []byte("PRIVATE KEY")) {
		if errors.Is(kind(string(data)), errPrivate) {
			return private{problem: damaged(path)}, nil
		}
		return private{}, errNoKey
	}
	defer clear(block.Bytes)
	key, problem := publicHalf(path, data, block)
	if key == nil {
		return private{problem: problem}, nil
	}
	if err := usable(key); err != nil {
		return private{problem: &Problem{File: path, Err: err}}, nil
	}
	k := fromKey(key, filepath.Base(path))
	k.Source = path
	return private{&k, open(path)}, nil
}

func damaged(path string) *Problem {
	return &Problem{File: path, Err: errors.New("this private key is damaged"), Todo: fault.Todo{"Restore it from a backup, or make another key."}}
}

// publicHalf takes the public half out of a private key.
func publicHalf(path string, data []byte, block *pem.Block) (ssh.PublicKey, *Problem) {
	if block.Type == "OPENSSH PRIVATE KEY" {
		return fromOpenSSH(path, data, block)
	}
	signer, err := ssh.ParsePrivateKey(data)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return signer.PublicKey(), nil
	case errors.As(err, &locked), block.Type == "ENCRYPTED PRIVATE KEY":
		return nil, &Problem{
			File: path, Err: errLocked,
			Todo: fault.Todo{run("ssh-keygen -y -f %s > %s", path, path+".pub")},
		}
	}
	return nil, damaged(path)
}

// fromOpenSSH reads OpenSSH's own format, where the public half is in clear
// (PROTOCOL.key, section 1). Where the private half is too, it must be sound.
func fromOpenSSH(path string, data []byte, block *pem.Block) (ssh.PublicKey, *Problem) {
	var f struct {
		Cipher, KDF, Options string
		Keys                 uint32
		Public               []byte
		Rest                 []byte `ssh:"rest"`
	}
	body, ok := bytes.CutPrefix(block.Bytes, []byte("openssh-key-v1\x00"))
	if !ok || ssh.Unmarshal(body, &f) != nil || f.Keys != 1 || len(f.Rest) < 4 {
		return nil, damaged(path)
	}
	key, err := ssh.ParsePublicKey(f.Public)
	if err != nil {
		return nil, damaged(path)
	}
	switch key.Type() {
	case ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256: // a handle of a security key, which the library does not read
		return key, nil
	}
	if f.Cipher == "none" {
		signer, err := ssh.ParsePrivateKey(data)
		if err != nil || !bytes.Equal(signer.PublicKey().Marshal(), f.Public) {
			return nil, damaged(path)
		}
	}
	return key, nil
}

// open is the problem that others may read a private key of ours: then ssh does
// not use it (sshkey_perm_ok of openssh-portable).
func open(path string) *Problem {
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm()&0o077 == 0 || !ours(st) {
		return nil
	}
	return &Problem{
		File: path, Err: fmt.Errorf("others may read this private key (mode %04o), so ssh refuses it", st.Mode().Perm()),
		Todo: fault.Todo{run("chmod 600 %s", path)},
	}
}

// fromKey is a key that was found without its line.
func fromKey(key ssh.PublicKey, comment string) PublicKey {
	line := string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(key)))
	comment = oneLine(comment)
	if comment != "" {
		line += " " + comment
	}
	return PublicKey{Type: key.Type(), Comment: comment, Fingerprint: ssh.FingerprintSHA256(key), Line: line}
}
