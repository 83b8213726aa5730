package osrelease

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestTheIDComesBeforeThoseItIsLike(t *testing.T) {
	for text, want := range map[string]System{
		"NAME=\"Linux Mint\"\nID_LIKE=\"ubuntu debian\"\nID=linuxmint\nVERSION_ID=22\n": {[]string{"linuxmint", "ubuntu", "debian"}, 22},
		"ID='ubuntu'\nVERSION_ID=\"24.04\"":                                             {[]string{"ubuntu"}, 24.04},
		"ID=arch\nVERSION_ID=rolling\n":                                                 {IDs: []string{"arch"}},
		"":                                                                              {},
		"nonsense\n=\nID_LIKE=\n":                                                       {},
	} {
		if got := parse(text); !reflect.DeepEqual(got, want) && len(got.IDs)+len(want.IDs) > 0 {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestASystemIsWhatItWasMadeFromToo(t *testing.T) {
	root := t.TempDir()
	if s := Read(root); s.Is("", "debian") {
		t.Errorf("no file: %+v", s)
	}
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "etc/os-release"), []byte("ID=linuxmint\nID_LIKE=ubuntu\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := Read(root); !s.Is("arch", "ubuntu") || !s.Is("linuxmint") || s.Is("debian") {
		t.Errorf("%+v", s)
	}
}
