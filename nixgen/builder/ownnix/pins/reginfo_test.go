package pins

import (
	"bytes"
	"testing"

	"piwiz/nixgen/builder/ownnix/narinfo"
)

func TestTheListIsReadInEachForm(t *testing.T) {
	const path = "/nix/store/00000000000000000000000000000000-a"
	for _, hash := range []string{
		"sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
	} {
		infos, err := parseReginfo([]byte(path + "\n" + hash + "\n8\n/nix/store/x.drv\n1\n" + path + "\n"))
		if err != nil || len(infos) != 1 || infos[0].NarHash != "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73" || len(infos[0].References) != 1 {
			t.Errorf("%s: %+v, %v", hash, infos, err)
		}
	}
	for _, wrong := range []string{"", "md5:0mdqa9w1p6cmli6976v4wi0sw9", "sha256:", "sha256-", "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"} {
		if got, err := sha256of(wrong); err == nil {
			t.Errorf("%q is %s", wrong, got)
		}
	}
}

// FuzzReginfo: the list of a release is whatever it is, and is read as written.

func FuzzReginfo(f *testing.F) {
	f.Add("/nix/store/00000000000000000000000000000000-a\nsha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73\n8\n\n0\n")
	f.Fuzz(func(t *testing.T, text string) {
		infos, err := parseReginfo([]byte(text))
		if err != nil {
			return
		}
		again, err := parseReginfo(narinfo.Registration(infos))
		if err != nil || !bytes.Equal(narinfo.Registration(infos), narinfo.Registration(again)) {
			t.Errorf("%+v became %+v (%v)", infos, again, err)
		}
	})
}
