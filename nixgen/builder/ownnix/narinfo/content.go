package narinfo

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"piwiz/nixgen/builder/ownnix/nar"
)

// Content reads a NAR and gives no more of it than was signed.
type Content struct {
	info Info
	r    io.Reader
	left int64
	hash hash.Hash
}

// Content is the NAR of i, which r brings.
func (i Info) Content(r io.Reader) *Content {
	return &Content{info: i, r: r, left: i.NarSize, hash: sha256.New()}
}

func (c *Content) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if int64(n) > c.left {
		return 0, errors.New("it is larger than the signed size")
	}
	c.left -= int64(n)
	c.hash.Write(p[:n])
	return n, err
}

// Verify tells, when all is read, whether it is what was signed.
func (c *Content) Verify() error {
	if got := "sha256:" + nar.Encode32(c.hash.Sum(nil)); c.left != 0 || got != c.info.NarHash {
		return fmt.Errorf("its hash is %s, and %s was signed", got, c.info.NarHash)
	}
	return nil
}
