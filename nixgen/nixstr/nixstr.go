// Package nixstr writes texts as the strings of the Nix language, and is the
// only one that does. Source: the Nix manual, "String literals".
package nixstr

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// Quote writes s as a string: "...". Nix strings have no NUL, and what is not
// UTF-8 cannot be read back from Nix as JSON; both are refused.
func Quote(s string) (string, error) {
	if strings.Contains(s, "\x00") {
		return "", errors.New("it holds a NUL byte, which Nix cannot store; remove it")
	}
	if !utf8.ValidString(s) {
		return "", errors.New("it is not text (UTF-8); write it again")
	}
	return `"` + quoter.Replace(s) + `"`, nil
}

// ${ begins an interpolation even after a $; a lone $ is itself. A carriage
// return would be taken for a line end.
var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `${`, `\${`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// Attr writes a name of letters, digits, - and _ as an attribute. It may begin
// with a digit or be a keyword of Nix, so it is always quoted.
func Attr(name string) string { return `"` + quoter.Replace(name) + `"` }

// Path writes the path of a file, which as a literal could hold neither a space
// nor much else.
func Path(file string) (string, error) {
	q, err := Quote(file)
	return "(/. + " + q + ")", err
}

// Indented writes text as an indented string: ”...”, shifted by margin. Nix
// strips the common margin again.
func Indented(text, margin string) string {
	escaped := strings.NewReplacer(`''`, `'''`, `${`, `''${`).Replace(text)
	var b strings.Builder
	b.WriteString("''\n")
	for line := range strings.Lines(escaped) {
		if line != "\n" {
			b.WriteString(margin + "  ")
		}
		b.WriteString(line)
	}
	b.WriteString(margin + "''")
	return b.String()
}
