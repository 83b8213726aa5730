package knownhosts

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
)

// The format is that of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": names, type,
// key and comment, apart by blanks. OpenSSH skips a line it cannot read, and
// so do we.

// entry is a line that names hosts and holds a key.
type entry struct {
	start, end int // of the names within the line
	key        []byte
}

// parseEntry reads one line. It is false for all that is never to be touched:
// comments, lines with a marker (@cert-authority, @revoked) and lines that
// are not sound.
func parseEntry(line []byte) (entry, bool) {
	if bytes.IndexByte(line, 0) >= 0 {
		return entry{}, false
	}
	start := len(line) - len(bytes.TrimLeft(line, " \t"))
	if start == len(line) || line[start] == '#' || line[start] == '@' {
		return entry{}, false
	}
	length := bytes.IndexAny(line[start:], " \t")
	if length < 0 {
		return entry{}, false
	}
	fields := bytes.Fields(line[start+length:])
	if len(fields) < 2 {
		return entry{}, false
	}
	key := make([]byte, base64.StdEncoding.DecodedLen(len(fields[1])))
	n, err := base64.StdEncoding.Decode(key, fields[1])
	if err != nil || n < 4 {
		return entry{}, false
	}
	// A key begins with its own type. Nothing more is asked of it: types
	// that we do not know yet are as good.
	key = key[:n]
	size := uint64(binary.BigEndian.Uint32(key))
	if size > uint64(n-4) || !bytes.Equal(key[4:4+size], fields[0]) {
		return entry{}, false
	}
	return entry{start, start + length, key}, true
}

// without takes names from the names of an entry. Patterns like *.local stay:
// they are about other hosts too. found says whether any of the names stood
// there.
func without(field string, names []string) (rest string, found bool) {
	// A hash stands alone in its field.
	if strings.HasPrefix(field, "|") {
		for _, n := range names {
			if hashOf(field, n) {
				return "", true
			}
		}
		return field, false
	}
	var kept []string
	for one := range strings.SplitSeq(field, ",") {
		if has(names, one) {
			found = true
		} else {
			kept = append(kept, one)
		}
	}
	if !found {
		return field, false
	}
	rest = strings.Join(kept, ",")
	// At the front these would make the line a comment, a marker or a hash.
	if rest != "" && strings.IndexByte("#@|", rest[0]) >= 0 {
		rest = "," + rest
	}
	return rest, true
}

func has(names []string, one string) bool {
	for _, n := range names {
		if len(n) == len(one) && strings.EqualFold(n, one) {
			return true
		}
	}
	return false
}

// hashOf says whether field is "|1|salt|hash" of name (HashKnownHosts in
// ssh_config(5)).
func hashOf(field, name string) bool {
	parts := strings.Split(field, "|")
	if len(parts) != 4 || parts[1] != "1" {
		return false
	}
	salt, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	sum, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil {
		return false
	}
	h := hmac.New(sha1.New, salt)
	_, _ = h.Write([]byte(name)) // a hash never fails
	return hmac.Equal(h.Sum(nil), sum)
}

// hash is what hashOf recognizes, with a salt of its own.
func hash(name string) string {
	salt := make([]byte, sha1.Size)
	_, _ = rand.Read(salt) // it never fails
	h := hmac.New(sha1.New, salt)
	_, _ = h.Write([]byte(name)) // a hash never fails
	return "|1|" + base64.StdEncoding.EncodeToString(salt) + "|" + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// repin gives the text of a known_hosts file in which names stand for the one
// key alone. Lines and parts of lines about anything else keep every byte.
func repin(old []byte, names []string, key []byte, line string, hashed bool) []byte {
	var out bytes.Buffer
	pinned := map[string]bool{}
	changed := false
	newline := "\n"
	for l := range bytes.Lines(old) {
		if bytes.HasSuffix(l, []byte("\r\n")) {
			newline = "\r\n"
		}
		e, ok := parseEntry(l)
		if !ok {
			out.Write(l)
			continue
		}
		field := string(l[e.start:e.end])
		rest, found := without(field, names)
		switch {
		case !found:
			out.Write(l)
		case bytes.Equal(e.key, key):
			// The right key already.
			for _, n := range names {
				if _, here := without(field, []string{n}); here {
					pinned[n] = true
				}
			}
			out.Write(l)
		default:
			changed = true
			if rest != "" {
				out.Write(l[:e.start])
				out.WriteString(rest)
				out.Write(l[e.end:])
			}
		}
	}
	var missing []string
	for _, n := range names {
		if !pinned[n] {
			missing = append(missing, n)
		}
	}
	if len(missing) == 0 && !changed {
		return old
	}
	if len(missing) > 0 {
		if b := out.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
			out.WriteString(newline)
		}
		for _, n := range missing { // each alone, as ssh writes it: ssh-keygen -R takes whole lines
			if hashed {
				n = hash(n)
			}
			out.WriteString(n + " " + line + newline)
		}
	}
	return out.Bytes()
}

// checkName makes one name as known_hosts holds it: lower case, and
// "[host]:22" as plain "host".
func checkName(name string) (string, error) {
	n := strings.ToLower(name)
	if inner, ok := strings.CutSuffix(n, "]:22"); ok && strings.HasPrefix(inner, "[") {
		n = inner[1:]
	}
	if n == "" || strings.ContainsAny(n, ",*?!|#@ \t\r\n\x00") {
		return "", fmt.Errorf("%q cannot be a name in known_hosts", name)
	}
	return n, nil
}
