package sources

import (
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/wifi/files"
)

// names are those of files that programs keep, and of what is none of theirs.
var names = strings.Fields("Home.psk Cafe.open Work.8021x =436166e9.psk wpa_supplicant.conf wpa_supplicant-wlan0.conf home.nmconnection" +
	" .psk .Home.psk Home.psk.bak Home.psk~ functions.sh shadow passwd private.key known_network.freq")

// What root reads of a source is what the source takes, and nothing is read from
// anywhere but the folder of a program.
func TestRootReadsWhatTheSourcesTake(t *testing.T) {
	taken, folders := 0, map[string]bool{}
	for _, f := range Folders() {
		if !filepath.IsAbs(f.Path) || filepath.Clean(f.Path) != f.Path || strings.Count(f.Path, "/") < 2 || folders[f.Path] {
			t.Errorf("root reads %s", f.Path)
		}
		folders[f.Path] = true
	}
	takes := func(s source, path string) bool {
		networks, problems := s.FromFiles(map[string][]byte{path: []byte("network={\n\tssid=\"Home\"\n")}, "")
		return len(networks)+len(problems) > 0
	}
	for _, s := range inFiles {
		own := map[string]bool{}
		for _, f := range s.Folders() {
			own[f.Path] = true
			for _, name := range names {
				if is := f.Is(name); is != takes(s, filepath.Join(f.Path, name)) {
					t.Errorf("%T: root reads %s: %v, and it takes it: %v", s, name, is, !is)
				} else if is {
					taken++
				}
			}
			for _, other := range append(Folders(), files.Folder{Path: "/etc"}, files.Folder{Path: filepath.Join(f.Path, "below")}) {
				for _, name := range names {
					if !own[other.Path] && takes(s, filepath.Join(other.Path, name)) {
						t.Errorf("%T takes %s of %s", s, name, other.Path)
					}
				}
			}
		}
	}
	if taken < 6 {
		t.Errorf("only %d files are taken", taken)
	}
}
