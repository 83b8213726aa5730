// Package shell writes words for the commands that people paste into a shell.
//
// Neither half of piwiz imports the other, so each has this package: the files
// are the same, byte for byte, and a test of cmd/piwiz keeps them so. There is
// no other quoter.
package shell

import "strings"

// harmless characters mean themselves in every shell.
const harmless = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+:@%,="

// Quote makes one word of s, whatever is in it, for a POSIX shell. In zsh a
// word that begins with = is the path of a command.
func Quote(s string) string {
	if s != "" && strings.Trim(s, harmless) == "" && s[0] != '=' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// File is Quote for the name of a file, which is no option either.
func File(name string) string {
	if strings.HasPrefix(name, "-") {
		name = "./" + name
	}
	return Quote(name)
}

// Line makes a command line of the words of a command.
func Line(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w)
	}
	return strings.Join(quoted, " ")
}
