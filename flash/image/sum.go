package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"piwiz/flash/image/sumfile"
	"piwiz/flash/regular"
)

// sum is what the file is known to have; nil when that is nothing.
type sum struct {
	from From   // the image
	says string // who knows its sum
	want []byte
}

// findSum takes the sum that was given, else that of the file beside the
// image.
func findSum(ctx context.Context, from From) (*sum, error) {
	if from.SHA256 != "" {
		said := sumfile.Parse([]byte(from.SHA256))
		if len(said) != 1 {
			return nil, &Error{from.Path, notASum(from.SHA256), []string{"Copy the SHA-256 again, from the page that the image comes from."}}
		}
		return &sum{from, "you gave", said[0].Hash[:]}, nil
	}
	beside := from.Path + ".sha256"
	text, err := regular.Read(ctx, beside, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		to, err := os.Readlink(beside)
		if err != nil {
			return nil, nil
		}
		return nil, badSum(from, beside, fmt.Errorf("it is a link to %s, which is not there", to))
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var want []byte
	if err == nil {
		want, err = pick(sumfile.Parse(text), filepath.Base(from.Path))
	}
	if err != nil {
		return nil, badSum(from, beside, err)
	}
	return &sum{from, "its " + filepath.Base(beside) + " says", want}, nil
}

// badSum is a file beside the image that does not say its sum. It is there to be
// checked, so the image is not written unchecked.
func badSum(from From, beside string, err error) *Error {
	return &Error{from.Path, fmt.Errorf("%s is next to it, but %w", beside, err), []string{
		"Download that file again, give the right checksum with --sha256, or delete the file to write the image unchecked.",
	}}
}

// notASum says what a text is that holds no SHA-256.
func notASum(text string) error {
	for kind, digits := range map[string]int{"an MD5": 32, "a SHA-1": 40, "a SHA-384": 96, "a SHA-512": 128} {
		if text = strings.TrimSpace(text); len(text) == digits && strings.Trim(strings.ToLower(text), "0123456789abcdef") == "" {
			return fmt.Errorf("what you gave is %s, but piwiz checks the SHA-256", kind)
		}
	}
	return errors.New("what you gave is not a SHA-256, which has 64 digits, 0 to 9 and a to f")
}

// pick finds the sum of the file with this name. One that names no file is that
// of the image only if it is alone.
func pick(sums []sumfile.Sum, name string) ([]byte, error) {
	var mine, others, nameless []sumfile.Sum
	for _, s := range sums {
		switch base := s.Base(); {
		case base == "":
			nameless = append(nameless, s)
		case strings.EqualFold(base, name), filepath.Base(s.Name) == name: // Windows takes case lightly; only there is \ between folders
			mine = append(mine, s)
		default:
			others = append(others, s)
		}
	}
	if exact := slices.DeleteFunc(slices.Clone(mine), func(s sumfile.Sum) bool { return filepath.Base(s.Name) != name && s.Base() != name }); len(exact) > 0 {
		mine = exact
	}
	if len(mine) == 0 && len(others) == 0 {
		mine = nameless
	}
	switch {
	case len(sums) == 0:
		return nil, errors.New("it contains no SHA-256")
	case len(mine) == 0:
		return nil, notNamed(others, name)
	case slices.ContainsFunc(mine, func(s sumfile.Sum) bool { return s.Hash != mine[0].Hash }):
		return nil, errors.New("it has several checksums and does not say which one is for this image")
	}
	return mine[0].Hash[:], nil
}

// notNamed is a file that says sums, but not that of the image.
func notNamed(others []sumfile.Sum, name string) error {
	var names []string
	for _, s := range others {
		base := s.Base()
		if packed, ok := strings.CutPrefix(name, base+"."); ok && !strings.Contains(packed, ".") {
			return fmt.Errorf("it does not have the checksum of this image, but that of %s, unpacked", base)
		}
		if packed, ok := strings.CutPrefix(base, name+"."); ok && !strings.Contains(packed, ".") {
			return fmt.Errorf("it does not have the checksum of this image, but that of %s, before it was unpacked", base)
		}
		names = append(names, fmt.Sprintf("%q", base))
	}
	if len(names) > 3 {
		names = append(names[:3], fmt.Sprintf("%d others", len(names)-3))
	}
	return fmt.Errorf("it does not have the checksum of this image, only that of %s", strings.Join(names, ", "))
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
		return n, &Error{s.known.from.Path, fmt.Errorf("it is not the image it should be: its SHA-256 is %x, but %s %x", got, s.known.says, s.known.want), []string{s.known.from.Remedy()}}
	}
	return n, io.EOF
}
