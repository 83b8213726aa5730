package computer

import "testing"

func TestOnlyThePlacesForPluggedInDisksAreFree(t *testing.T) {
	for mount, want := range map[string]Harm{
		"/": Root, "/boot": Start, "/boot/firmware": Start, "/efi": Start, "/bootstrap": Own,
		"/home": Own, "/run": Own, "/run/media2/x": Own, "/mnt2": Own, "/mediathek": Own, "/srv/mnt": Own,
		"/mnt": Plugged, "/mnt/x": Plugged, "/media": Plugged, "/run/media/ann/X": Plugged, "/var/mnt/x": Plugged,
	} {
		if got := HarmOf(mount); got != want {
			t.Errorf("%s: got %d, want %d", mount, got, want)
		}
	}
}
