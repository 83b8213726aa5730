package nar

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// Unpack reads one NAR, to the end of r, and makes path of it, which must not
// exist: as the Nix store has it, modes 0444 and 0555, time 1. How much r gives
// is for the caller to bound. What is there after an error is for the caller to
// remove, with Remove. A failure of this computer is a WriteError.
//
// Nothing is written outside of path: each file, link and folder is made anew or
// not at all, and only in folders made by this call, so that no link is followed.
func Unpack(r io.Reader, path string) error {
	u := unpacker{in: bufio.NewReaderSize(r, 1<<16), buf: make([]byte, 1<<16)}
	if err := u.want(magic); err != nil {
		return fmt.Errorf("it is no NAR: %w", err)
	}
	if err := u.node(path, 0); err != nil {
		return err
	}
	_, err := u.in.ReadByte()
	switch {
	case err == nil:
		return errors.New("something follows the NAR")
	case errors.Is(err, io.EOF):
		return nil
	}
	return err
}

type unpacker struct {
	in  *bufio.Reader
	buf []byte
}

// length reads how long a string is.
func (u *unpacker) length(most uint64) (int64, error) {
	var b [8]byte
	if _, err := io.ReadFull(u.in, b[:]); err != nil {
		return 0, cut(err)
	}
	n := binary.LittleEndian.Uint64(b[:])
	if n > most {
		return 0, fmt.Errorf("a NAR with a string of %d bytes", n)
	}
	return int64(n), nil
}

// text reads a string: its length, itself, zeros up to a multiple of eight.
func (u *unpacker) text(most uint64) (string, error) {
	n, err := u.length(most)
	if err != nil {
		return "", err
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(u.in, b); err != nil {
		return "", cut(err)
	}
	return string(b), u.padding(n)
}

func (u *unpacker) padding(n int64) error {
	for range -n & 7 {
		b, err := u.in.ReadByte()
		if err != nil {
			return cut(err)
		}
		if b != 0 {
			return errors.New("a NAR with padding that is not zero")
		}
	}
	return nil
}

func (u *unpacker) want(words ...string) error {
	for _, w := range words {
		if got, err := u.text(maxWord); err != nil {
			return err
		} else if got != w {
			return fmt.Errorf("a NAR with %q instead of %q", got, w)
		}
	}
	return nil
}

func (u *unpacker) node(path string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("a NAR with more than %d folders in each other", maxDepth)
	}
	if err := u.want("(", "type"); err != nil {
		return err
	}
	kind, err := u.text(maxWord)
	if err != nil {
		return err
	}
	switch kind {
	case "regular":
		return u.file(path)
	case "symlink":
		return u.link(path)
	case "directory":
		return u.folder(path, depth)
	}
	return fmt.Errorf("a NAR with the type %q", kind)
}

func (u *unpacker) file(path string) error {
	mode := os.FileMode(fileMode)
	word, err := u.text(maxWord)
	if err == nil && word == "executable" {
		mode = programMode
		if err = u.want(""); err == nil {
			word, err = u.text(maxWord)
		}
	}
	if err != nil {
		return err
	}
	if word != "contents" {
		return fmt.Errorf("a NAR with %q instead of contents", word)
	}
	size, err := u.length(math.MaxInt64)
	if err != nil {
		return err
	}
	if err := u.contents(path, size, mode); err != nil {
		return err
	}
	if err := u.padding(size); err != nil {
		return err
	}
	return u.want(")")
}

func (u *unpacker) contents(path string, size int64, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return own(err)
	}
	for size > 0 {
		b := u.buf[:min(size, int64(len(u.buf)))]
		n, err := u.in.Read(b)
		if _, bad := f.Write(b[:n]); bad != nil {
			return errors.Join(own(bad), f.Close())
		}
		if size -= int64(n); err != nil && size > 0 {
			return errors.Join(cut(err), f.Close())
		}
	}
	return own(f.Chmod(mode), f.Close(), os.Chtimes(path, epoch, epoch))
}

func (u *unpacker) link(path string) error {
	if err := u.want("target"); err != nil {
		return err
	}
	target, err := u.text(maxTarget)
	if err != nil {
		return err
	}
	if target == "" || strings.IndexByte(target, 0) >= 0 {
		return fmt.Errorf("a NAR with a link to %q", target)
	}
	if err := os.Symlink(target, path); err != nil {
		return own(err)
	}
	if err := timeOf(path); err != nil {
		return own(err)
	}
	return u.want(")")
}

func (u *unpacker) folder(path string, depth int) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return own(err)
	}
	for last := ""; ; {
		word, err := u.text(maxWord)
		if err != nil {
			return err
		}
		if word == ")" {
			return own(os.Chmod(path, folderMode), os.Chtimes(path, epoch, epoch))
		}
		if word != "entry" {
			return fmt.Errorf("a NAR with %q in a folder", word)
		}
		if err := u.want("(", "name"); err != nil {
			return err
		}
		name, err := u.text(maxName)
		if err != nil {
			return err
		}
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
			return fmt.Errorf("a NAR with a file named %q", name)
		}
		if name <= last {
			return fmt.Errorf("a NAR with %q after %q", name, last)
		}
		last = name
		if err := u.want("node"); err != nil {
			return err
		}
		if err := u.node(filepath.Join(path, name), depth+1); err != nil {
			return err
		}
		if err := u.want(")"); err != nil {
			return err
		}
	}
}

// cut is err, or that the NAR ends too early.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the NAR is cut short: %w", io.ErrUnexpectedEOF)
	}
	return err
}
