package nar

import (
	"fmt"
	"strings"
)

// alphabet is that of Nix: no e, o, t and u.
const alphabet = "0123456789abcdfghijklmnpqrsvwxyz"

// Encode32 is b in the base 32 of Nix: five bits a character, from the last bit
// of the last byte to the first of the first.
func Encode32(b []byte) string {
	var text strings.Builder
	for n := length32(len(b)) - 1; n >= 0; n-- {
		i, shift := n*5/8, n*5%8
		c := uint(b[i]) >> shift
		if i+1 < len(b) {
			c |= uint(b[i+1]) << (8 - shift)
		}
		text.WriteByte(alphabet[c&31])
	}
	return text.String()
}

// Decode32 reads n bytes that Encode32 wrote. Of the several texts that could
// mean them it takes that one alone.
func Decode32(text string, n int) ([]byte, error) {
	if len(text) != length32(n) {
		return nil, fmt.Errorf("%d characters of base 32, not %d", len(text), length32(n))
	}
	b := make([]byte, n)
	for k := range len(text) {
		c := strings.IndexByte(alphabet, text[len(text)-1-k])
		if c < 0 {
			return nil, fmt.Errorf("%q is no character of Nix's base 32", text[len(text)-1-k])
		}
		i, shift := k*5/8, k*5%8
		b[i] |= byte(c << shift)
		if carry := c >> (8 - shift); i+1 < n {
			b[i+1] |= byte(carry)
		} else if carry != 0 {
			return nil, fmt.Errorf("base 32 with more than %d bits", n*8)
		}
	}
	return b, nil
}

func length32(bytes int) int { return (bytes*8 + 4) / 5 }
