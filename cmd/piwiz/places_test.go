package main

import (
	"os"
	"strings"
	"testing"
)

// untrustedNix is a Nix whose service does not build for the Pi for this user.
const untrustedNix = `case "$*" in
*--version*) echo "nix (Nix) 2.26.3" ;;
*"store info"*) echo '{"url":"daemon","trusted":false}' ;;
*"config show"*) echo '{"system":{"value":"x86_64-linux"},"extra-platforms":{"value":[]}}' ;;
*) exit 1 ;;
esac`

func TestANixInstalledInAnotherPlaceIsFound(t *testing.T) {
	for _, place := range []string{".nix-profile/bin", "state/nix/profile/bin"} {
		u := newPerson(t)
		before, _, _ := u.piwiz("check", "--builder", "local", "--json")
		if !strings.Contains(before, "Nix is not installed") {
			t.Skip("this computer has a Nix in a place that cannot be taken away")
		}
		program := u.file(place+"/nix", "#!/bin/sh\n"+untrustedNix)
		if err := os.Chmod(program, 0o700); err != nil {
			t.Fatal(err)
		}
		if after, _, _ := u.piwiz("check", "--builder", "local", "--json"); !strings.Contains(after, "Nix 2.26.3 is installed") {
			t.Errorf("in %s:\n%s", place, after)
		}
	}
}
