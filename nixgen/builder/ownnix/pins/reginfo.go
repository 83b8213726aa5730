package pins

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/narinfo"
	"piwiz/nixgen/builder/ownnix/storedir"
)

// parseReginfo reads the list of a release: for each path its hash, size,
// deriver, number of references, and those. Source: decodeValidPathInfo of
// src/libstore/store-api.cc of Nix.
func parseReginfo(text []byte) ([]narinfo.Info, error) {
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	next := func() string {
		if len(lines) == 0 {
			return ""
		}
		line := lines[0]
		lines = lines[1:]
		return line
	}
	var infos []narinfo.Info
	seen := map[string]bool{}
	for len(lines) > 0 {
		i := narinfo.Info{Path: next()}
		hash, err := sha256of(next())
		size, bad := strconv.ParseUint(next(), 10, 62)
		_ = next() // the deriver
		count, worse := strconv.ParseUint(next(), 10, 31)
		if err := errors.Join(storedir.Check(i.Path), err, bad, worse); err != nil {
			return nil, fmt.Errorf("its list: %w", err)
		}
		if seen[i.Path] || int(count) > len(lines) {
			return nil, fmt.Errorf("its list has %s twice, or ends too early", i.Path)
		}
		seen[i.Path] = true
		i.NarHash, i.NarSize, i.References = hash, int64(size), slices.Clone(lines[:count])
		slices.Sort(i.References)
		lines = lines[count:]
		infos = append(infos, i)
	}
	return infos, nil
}

// sha256of reads a hash in each of the ways that Nix has written it, and is what
// narinfos have: sha256:NIX32.
func sha256of(text string) (string, error) {
	var b []byte
	var err error
	if base64text, ok := strings.CutPrefix(text, "sha256-"); ok {
		b, err = base64.StdEncoding.DecodeString(base64text)
	} else {
		digits, ok := strings.CutPrefix(text, "sha256:")
		if b, err = hex.DecodeString(digits); err != nil {
			b, err = nar.Decode32(digits, 32)
		}
		if !ok {
			err = errors.New("no SHA-256")
		}
	}
	if err != nil || len(b) != 32 {
		return "", fmt.Errorf("%.80q is no SHA-256 (%w)", text, err)
	}
	return "sha256:" + nar.Encode32(b), nil
}
