package sshkey

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// accepted are the kinds of keys that a user can log in to the Pi with:
// PubkeyAcceptedAlgorithms of OpenSSH 10 (sshd_config(5)), which NixOS leaves
// as it is, without those of certificates.
var accepted = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoRSA,
}

// options are those that sshd knows (sshd(8), AUTHORIZED_KEYS FILE FORMAT); it
// ignores a line with any other. The value of those with = is quoted.
var options = strings.Fields(`agent-forwarding no-agent-forwarding port-forwarding no-port-forwarding pty no-pty
	user-rc no-user-rc x11-forwarding no-x11-forwarding restrict no-touch-required verify-required
	command= environment= expiry-time= from= permitlisten= permitopen= principals= tunnel=`)

// minRSA is RequiredRSASize of sshd, in bits.
const minRSA = 1024

// What a text is that is no public key. None of them says what was in it.
var (
	errPrivate = errors.New("this is a private key, which stays secret; the public half is one line and its file ends in .pub")
	errPutty   = errors.New("this is a key in the format of PuTTY, which ssh cannot use")
	errSSH2    = errors.New("this is a public key in the format of SSH2, not of OpenSSH")
	errPEM     = errors.New("this is a public key in PEM, not in the format of OpenSSH")
	errURL     = errors.New("this is an address, not a key; open it in a browser, copy the key and paste that")
	errDSA     = errors.New("the Pi does not accept ssh-dss: it is too weak, and OpenSSH no longer supports it; use another key")
	errNoKey   = errors.New("not a public SSH key; one looks like: ssh-ed25519 AAAA... name@computer")
)

// kind tells what is not a public key by its marks.
func kind(text string) error {
	low := strings.ToLower(text)
	switch {
	case strings.Contains(low, "putty-user-key-file-"):
		return errPutty
	// The last is how the body of OpenSSH's format begins, pasted without its first line.
	case strings.Contains(low, "private key--"), strings.Contains(low, "private-lines:"), strings.Contains(text, "b3BlbnNzaC1rZXktdjE"):
		return errPrivate
	case strings.Contains(low, "begin ssh2 public key"):
		return errSSH2
	case strings.Contains(low, "-----begin") && strings.Contains(low, "public key--"):
		return errPEM
	case strings.Contains(low, "-----begin "): // cut off behind it
		return errPrivate
	}
	return nil
}

// IsPrivate tells whether a text has a private key in it, or a part of one.
func IsPrivate(text string) bool {
	err := kind(text)
	return errors.Is(err, errPrivate) || errors.Is(err, errPutty)
}

// ParseLine reads one line as authorized_keys has it, options included. It
// refuses what the Pi's sshd would, and what is more than a key.
func ParseLine(line string) (PublicKey, error) {
	line = strings.TrimSpace(line)
	if err := kind(line); err != nil {
		return PublicKey{}, err
	}
	if strings.ContainsAny(line, "\n\r\x00") {
		return PublicKey{}, errors.New("a public key is one line")
	}
	key, comment, opts, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return PublicKey{}, unread(line)
	}
	if err := usable(key); err != nil {
		return PublicKey{}, err
	}
	if err := checkOptions(opts); err != nil {
		return PublicKey{}, err
	}
	return PublicKey{Type: key.Type(), Comment: comment, Fingerprint: ssh.FingerprintSHA256(key), Line: line, Options: opts}, nil
}

// unread says why a line cannot be read as a key.
func unread(line string) error {
	words := strings.Fields(line)
	switch {
	case len(words) == 1 && (strings.Contains(line, "://") || strings.HasSuffix(line, ".keys") || strings.HasPrefix(line, "github.com/") || strings.HasPrefix(line, "www.")):
		return errURL
	case slices.Contains(words, "ssh-dss"):
		return errDSA
	case slices.ContainsFunc(words, func(w string) bool { return slices.Contains(accepted, w) }):
		return errors.New("this public key is incomplete; copy the whole line")
	}
	return errNoKey
}

// usable tells whether sshd takes such a key.
func usable(key ssh.PublicKey) error {
	if c, ok := key.(*ssh.Certificate); ok {
		return fmt.Errorf("a certificate (%s) cannot be used to log in here; use the key itself", c.Type())
	}
	if key.Type() == "ssh-dss" {
		return errDSA
	}
	if !slices.Contains(accepted, key.Type()) {
		return fmt.Errorf("the Pi does not accept keys of type %s", key.Type())
	}
	if n := bitsRSA(key); n > 0 && n < minRSA {
		return fmt.Errorf("the Pi does not accept RSA keys shorter than %d bits, and this one has %d; use another key", minRSA, n)
	}
	return nil
}

// bitsRSA is the size of an RSA key in bits, 0 of another one.
func bitsRSA(key ssh.PublicKey) int {
	if c, ok := key.(ssh.CryptoPublicKey); ok {
		if k, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok {
			return k.N.BitLen()
		}
	}
	return 0
}

// bits is the size of an RSA key in bits, 0 of another one.
func bits(k PublicKey) int {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(k.Line))
	if err != nil {
		return 0
	}
	return bitsRSA(key)
}

func checkOptions(opts []string) error {
	for _, o := range opts {
		name, _, valued := strings.Cut(strings.ToLower(o), "=")
		if valued {
			name += "="
		}
		switch {
		case name == "cert-authority":
			return errors.New("this line is for an authority that signs keys (cert-authority): whoever it signs could log in; use the keys themselves")
		case !slices.Contains(options, name):
			return errors.New("sshd would ignore this line, because it does not know an option before the key")
		}
	}
	return nil
}

// Parse reads what was pasted: the lines of one or more public keys. Either all
// of it is keys, or there is an error that echoes nothing of it.
func Parse(text string) ([]PublicKey, error) {
	if err := kind(text); err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, errors.New("too long to be public keys")
	}
	keys, problem := parseLines(text)
	switch {
	case problem != nil:
		return nil, problem
	case len(keys) == 0:
		return nil, errNoKey
	}
	return keys, nil
}

// parseLines reads lines. The problem names the first that is no key, and tells
// if there are more.
func parseLines(text string) (found []PublicKey, problem *Problem) {
	number, more := 0, 0
	for line := range strings.Lines(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, err := ParseLine(line)
		switch {
		case err == nil:
			if !slices.ContainsFunc(found, func(f PublicKey) bool { return f.Fingerprint == k.Fingerprint }) {
				found = append(found, k)
			}
		case problem == nil:
			problem = &Problem{Line: number, Err: err}
		default:
			more++
		}
	}
	if more > 0 {
		problem.Err = fmt.Errorf("%w (and %d more lines that were skipped)", problem.Err, more)
	}
	if problem != nil && number == 1 {
		problem.Line = 0
	}
	return found, problem
}
