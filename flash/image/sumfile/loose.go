package sumfile

import (
	"regexp"
	"strings"
)

var (
	gpg     = regexp.MustCompile(`(?m)^.+?:(?:\s+[0-9A-F]{8}){7,}$`)
	word    = regexp.MustCompile(`\b(?:0x)?([0-9A-Fa-f]{64})\b`)
	another = regexp.MustCompile(`(?i)md5|sha-?1\b|sha-?224|sha-?384|sha-?512|sha-?3|blake|\bb[23](sum)?\b|sm3|keccak|streebog|gost|shake|whirlpool|ripemd|tiger`)
	first   = regexp.MustCompile(`^(.*[^\s:]):?\s+(?:0x)?[0-9A-Fa-f]{64}$`)
	between = regexp.MustCompile("[\\s\"'`|,;:={}\\[\\]()]+")
)

// ungroup puts a sum that gpg has printed in groups on one line. Those of
// another length are of another kind.
func ungroup(text string) string {
	name, groups, _ := cutLast(text, ":")
	hash := strings.Join(strings.Fields(groups), "")
	if len(hash) != 2*Size {
		return text
	}
	return hash + "  " + name
}

func cutLast(text, sep string) (before, after string, found bool) {
	at := strings.LastIndex(text, sep)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(sep):], true
}

// somewhere finds a sum in a line of no known form.
func somewhere(line string) (Sum, bool) {
	found := word.FindAllStringSubmatchIndex(line, -1)
	if len(found) != 1 {
		return Sum{}, false
	}
	at := found[0]
	rest := line[:at[0]] + " " + line[at[1]:]
	if another.MatchString(rest) {
		return Sum{}, false
	}
	hash, name := line[at[2]:at[3]], ""
	if m := first.FindStringSubmatch(line); m != nil && strings.Contains(m[1], ".") {
		return one(hash, m[1])
	}
	for _, w := range between.Split(rest, -1) {
		if strings.Contains(strings.Trim(w, "."), ".") {
			name = w
		}
	}
	return one(hash, name)
}
