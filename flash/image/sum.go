package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sum is what the file is known to have; nil when that is nothing.
type sum struct {
	path, says string // the image, and who knows its sum
	want       []byte
}

// findSum takes the sum that was given, else that of the file beside the image
// which says it as sha256sum(1) does: the sum alone, or before a name, or, by
// --tag, behind it.
func findSum(path, given string) (*sum, error) {
	if given != "" {
		want, ok := parseSum(given)
		if !ok {
			return nil, &Error{path, errors.New("a SHA-256 has 64 digits from 0 to 9 and a to f"), []string{"Copy the sum once more, from where the image comes from."}}
		}
		return &sum{path, "you say", want}, nil
	}
	beside := path + ".sha256"
	text, err := readSmall(beside)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		for line := range strings.Lines(text) {
			if want, ok := sumOf(line, filepath.Base(path)); ok {
				return &sum{path, "its " + filepath.Base(beside) + " says", want}, nil
			}
		}
		err = errors.New("it does not say the sum of this image")
	}
	return nil, &Error{path, fmt.Errorf("%s lies beside it, but %w", beside, err), []string{"Download that file again, or delete it to write the image unchecked."}}
}

// readSmall reads a file that cannot be large.
func readSmall(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return string(b), err
}

func sumOf(line, name string) ([]byte, bool) {
	if head, tail, ok := strings.Cut(line, ") = "); ok && head == "SHA256 ("+name {
		return parseSum(strings.TrimSpace(tail))
	}
	text, named, _ := strings.Cut(strings.TrimSpace(line), " ")
	if named = strings.TrimLeft(named, " *"); named != "" && filepath.Base(named) != name {
		return nil, false
	}
	return parseSum(text)
}

func parseSum(text string) ([]byte, bool) {
	b, err := hex.DecodeString(text)
	return b, err == nil && len(b) == sha256.Size
}

// over is the file, of which the end is an error if its sum is not the known
// one.
func (s *sum) over(file io.Reader) io.Reader {
	if s == nil {
		return file
	}
	return &summing{file, sha256.New(), s}
}

type summing struct {
	io.Reader
	hash.Hash
	known *sum
}

func (s *summing) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	s.Hash.Write(b[:n])
	if err != io.EOF {
		return n, err
	}
	if got := s.Hash.Sum(nil); !bytes.Equal(got, s.known.want) {
		return n, &Error{s.known.path, fmt.Errorf("it is not the image it should be: its SHA-256 is %x, but %s %x", got, s.known.says, s.known.want), []string{"Download it again."}}
	}
	return n, io.EOF
}
