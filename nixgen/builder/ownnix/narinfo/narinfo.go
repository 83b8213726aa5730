// Package narinfo reads what a binary cache of Nix says of a store path, and
// verifies it: the signatures, and the content that comes. It does no I/O.
package narinfo

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/storedir"
)

// Most is how long a narinfo may be, in bytes: the longest of nixpkgs have
// some 100 KiB of references.
const Most = 1 << 20

// Info is what a cache says of one store path. The signature covers Path,
// NarHash, NarSize and References. URL, Compression and FileSize are hearsay:
// they are for a download, and nothing may be trusted or allocated by them.
type Info struct {
	Path       string   // /nix/store/HASH-NAME
	NarHash    string   // sha256:NIX32
	NarSize    int64    // bytes
	References []string // full store paths, sorted; may have Path itself

	URL         string // of the NAR, relative to Source
	Source      string // the cache that said so, as it was given
	Compression string
	FileSize    int64 // bytes of the download, as the cache says; 0 when it does not
}

// Signed is an Info with its signatures.
type Signed struct {
	Info
	Sigs []string // NAME:BASE64, as they were written
}

// Parse reads a narinfo. Source: the manual of Nix, "Narinfo Format", and
// src/libstore/nar-info.cc. Keys that it does not know are skipped.
func Parse(r io.Reader) (Signed, error) {
	text, err := io.ReadAll(io.LimitReader(r, Most+1))
	if err != nil {
		return Signed{}, err
	}
	if len(text) > Most {
		return Signed{}, fmt.Errorf("the narinfo has more than %d bytes", Most)
	}
	n := Signed{Info: Info{Compression: "bzip2"}} // what Nix takes when it is not said
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if !ok || value != "" && value[0] != ' ' {
			return n, fmt.Errorf("the narinfo has the line %.80q", line)
		}
		if seen[key] && key != "Sig" {
			return n, fmt.Errorf("the narinfo has %s twice", key)
		}
		seen[key] = true
		if err := n.set(key, strings.TrimPrefix(value, " ")); err != nil {
			return n, fmt.Errorf("the narinfo says %s:%.80s: %w", key, value, err)
		}
	}
	for _, key := range []string{"StorePath", "URL", "NarHash", "NarSize"} {
		if !seen[key] {
			return n, fmt.Errorf("the narinfo has no %s", key)
		}
	}
	return n, nil
}

func (n *Signed) set(key, value string) (err error) {
	switch key {
	case "StorePath":
		n.Path, err = value, storedir.Check(value)
	case "URL":
		n.URL, err = value, inside(value)
	case "Compression":
		n.Compression = value
	case "FileSize":
		n.FileSize, err = size(value)
	case "NarHash":
		n.NarHash = value
		digits, ok := strings.CutPrefix(value, "sha256:")
		if _, err = nar.Decode32(digits, 32); !ok {
			err = errors.New("it is no SHA-256")
		}
	case "NarSize":
		n.NarSize, err = size(value)
	case "References":
		for name := range strings.FieldsSeq(value) {
			err = errors.Join(err, storedir.Check(storedir.Prefix+name))
			n.References = append(n.References, storedir.Prefix+name)
		}
		slices.Sort(n.References)
		n.References = slices.Compact(n.References)
	case "Sig":
		n.Sigs = append(n.Sigs, value)
	}
	return err
}

func size(value string) (int64, error) {
	n, err := strconv.ParseUint(value, 10, 62)
	return int64(n), err
}

// inside makes sure that the address of a NAR does not leave its cache.
func inside(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	if u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !filepath.IsLocal(u.Path) || strings.ContainsAny(u.Path, "\\\x00") {
		return errors.New("the address leaves the cache")
	}
	return nil
}

// At is the address of what is at URL of an Info, in the cache at base.
func At(base *url.URL, relative string) *url.URL {
	u := *base
	ref, err := url.Parse(relative)
	if err != nil { // inside has parsed it
		ref = &url.URL{Path: relative}
	}
	u.Path, u.RawQuery = u.Path+"/"+ref.Path, ref.RawQuery
	return &u
}

// fingerprint is what is signed. Source: ValidPathInfo::fingerprint of
// src/libstore/path-info.cc.
func (i Info) fingerprint() string {
	return fmt.Sprintf("1;%s;%s;%d;%s", i.Path, i.NarHash, i.NarSize, strings.Join(i.References, ","))
}

// SignedBy tells whether one of keys signed it. Signatures by others say nothing.
func (n Signed) SignedBy(keys []Key) bool {
	for _, sig := range n.Sigs {
		name, raw, err := named(sig)
		if err != nil {
			continue
		}
		for _, k := range keys {
			if k.Name == name && len(k.PublicKey) == ed25519.PublicKeySize && ed25519.Verify(k.PublicKey, []byte(n.fingerprint()), raw) {
				return true
			}
		}
	}
	return false
}

// Signers are the names in the signatures, which anybody can write.
func (n Signed) Signers() string {
	var names []string
	for _, s := range n.Sigs {
		name, _, _ := strings.Cut(s, ":")
		names = append(names, fmt.Sprintf("%.40q", name))
	}
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names[:min(len(names), 5)], ", ")
}

// Same tells whether another cache means the same content.
func (i Info) Same(other Info) bool { return i.fingerprint() == other.fingerprint() }

// Sum is how many bytes infos are to download, as the caches say, and unpacked,
// as was signed.
func Sum(infos []Info) (download, unpacked int64) {
	for _, i := range infos {
		download += i.Download()
		unpacked += i.NarSize
	}
	return download, unpacked
}

// Download is FileSize where it can be true.
func (i Info) Download() int64 {
	if i.FileSize == 0 {
		return i.NarSize
	}
	return min(i.FileSize, i.MostPacked())
}

// MostPacked bounds a download by the signed size: what does not become smaller
// grows a little.
func (i Info) MostPacked() int64 { return i.NarSize + i.NarSize/16 + 1<<16 }

// Registration is what nix-store --load-db reads: of each path the hash, size,
// deriver (not signed, so not told), and references. Source: decodeValidPathInfo
// of src/libstore/store-api.cc.
func Registration(infos []Info) []byte {
	var b strings.Builder
	for _, i := range infos {
		fmt.Fprintf(&b, "%s\n%s\n%d\n\n%d\n", i.Path, i.NarHash, i.NarSize, len(i.References))
		for _, r := range i.References {
			b.WriteString(r + "\n")
		}
	}
	return []byte(b.String())
}
