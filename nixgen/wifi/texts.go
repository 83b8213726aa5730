package wifi

import (
	"errors"
	"io/fs"

	"piwiz/nixgen/wifi/files"
)

// Texts are files of networks by path, which hold secrets.
type Texts map[string][]byte

// Wipe zeroes them.
func (t Texts) Wipe() {
	for _, b := range t {
		clear(b)
	}
}

// ReadTexts reads files as the user who runs this. locked tells that some are
// the administrator's, which is no problem of theirs.
func ReadTexts(paths []string) (texts Texts, problems []Problem, locked bool) {
	texts = Texts{}
	for _, path := range paths {
		b, err := files.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrPermission):
			locked = true
		case err != nil:
			problems = append(problems, Problem{File: path, Err: err})
		default:
			texts[path] = b
		}
	}
	return texts, problems, locked
}
