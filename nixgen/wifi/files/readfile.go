package files

import (
	"errors"
	"io"
	"os"
)

// Max bounds a file of networks, in bytes; most are below 1 KiB, but a
// certificate may be inside.
const Max = 64 << 10

// ReadFile reads a file of networks as the user who runs this, into memory that
// the caller clears. Of one that is too large it reads a byte more than Max, and
// of what is no regular file nothing: no program takes networks from a folder or
// a pipe.
func ReadFile(path string) ([]byte, error) {
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return content(f)
}

// content reads at most a byte more than Max.
func content(f io.Reader) ([]byte, error) {
	b := make([]byte, Max+1) // one that grows leaves copies
	n, err := io.ReadFull(f, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return b[:n], nil
}
