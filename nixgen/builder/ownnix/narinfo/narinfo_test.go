package narinfo

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"piwiz/nixgen/builder/ownnix/nar"
	"piwiz/nixgen/builder/ownnix/storedir"
)

// Of cache.nixos.org itself: what the public key says is known to be right.
const official = `StorePath: /nix/store/kwmqk7ygvhypxadsdaai27gl6qfxv7za-hello-2.10
URL: nar/0vlbfxbbl6ggz81wqrhxkz4kvf24k50ymjkkiy1yxvdzprpfi7y4.nar.xz
Compression: xz
FileHash: sha256:0vlbfxbbl6ggz81wqrhxkz4kvf24k50ymjkkiy1yxvdzprpfi7y4
FileSize: 40588
NarHash: sha256:0sbb3w8vwpi40pj6g0fi3n2drjjfpnnqavlvdyr83wqqmx0n5v1x
NarSize: 206104
References: 
`

// FuzzNarinfo: what is read has the form that it must have, means the same when it
// is read again, and is signed by whom signed all of it.
func FuzzNarinfo(f *testing.F) {
	seed := sha256.Sum256([]byte("seed"))
	secret := ed25519.NewKeyFromSeed(seed[:])
	key := Key{"k", secret.Public().(ed25519.PublicKey)}
	f.Add(official)
	f.Add("StorePath: /nix/store/" + strings.Repeat("a", 32) + "-a\nURL: nar/x?hash=y\nNarHash: sha256:" + nar.Encode32(seed[:]) + "\nNarSize: 1\nReferences: " + strings.Repeat("b", 32) + "-b " + strings.Repeat("a", 32) + "-a\nSig: k:AAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		if n.SignedBy([]Key{key}) {
			t.Error("who signed it?")
		}
		if storedir.Check(n.Path) != nil || inside(n.URL) != nil || n.NarSize < 0 || n.FileSize < 0 || n.MostPacked() < n.NarSize || n.Download() < 0 {
			t.Errorf("%+v", n)
		}
		base := &url.URL{Scheme: "https", Host: "cache.example", Path: "/sub"}
		if at := At(base, n.URL); at.Host != "cache.example" || at.Scheme != "https" || !strings.HasPrefix(filepath.Clean(at.Path), "/sub/") && filepath.Clean(at.Path) != "/sub" {
			t.Errorf("%q is at %s", n.URL, at)
		}
		var refs []string
		for _, r := range n.References {
			if storedir.Check(r) != nil {
				t.Errorf("reference %q", r)
			}
			refs = append(refs, filepath.Base(r))
		}
		again, err := Parse(strings.NewReader(fmt.Sprintf("StorePath: %s\nURL: %s\nCompression: %s\nFileSize: %d\nNarHash: %s\nNarSize: %d\nReferences: %s\nSig: k:%s\n",
			n.Path, n.URL, n.Compression, n.FileSize, n.NarHash, n.NarSize, strings.Join(refs, " "), base64.StdEncoding.EncodeToString(ed25519.Sign(secret, []byte(n.fingerprint()))))))
		if err != nil || !reflect.DeepEqual(again.Info, n.Info) && len(refs) > 0 {
			t.Fatalf("%+v became %+v (%v)", n, again, err)
		}
		if !again.SignedBy([]Key{key}) || again.SignedBy(nil) || again.SignedBy([]Key{{"other", key.PublicKey}}) || again.SignedBy([]Key{{Name: "k"}}) {
			t.Error("it is not signed by its key alone")
		}
		for _, other := range []Info{
			{n.Path + "x", n.NarHash, n.NarSize, n.References, "", "", "", 0},
			{n.Path, "sha256:" + nar.Encode32(seed[:]), n.NarSize, n.References, "", "", "", 0},
			{n.Path, n.NarHash, n.NarSize + 1, n.References, "", "", "", 0},
			{n.Path, n.NarHash, n.NarSize, append([]string{n.Path + "y"}, n.References...), "", "", "", 0},
		} {
			if other.NarHash+other.Path != n.NarHash+n.Path || other.NarSize != n.NarSize || len(other.References) != len(n.References) {
				if (Signed{other, again.Sigs}).SignedBy([]Key{key}) {
					t.Errorf("%+v was never signed", other)
				}
			}
		}
	})
}
