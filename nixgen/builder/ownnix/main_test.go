package ownnix

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/nar"
)

// The tests run this program again, as main does. PIWIZ_SMALL is a folder where
// it is to fetch a Nix, in a namespace, onto a disk of 40 MB.
func TestMain(m *testing.M) {
	Inside()
	if dir := os.Getenv("PIWIZ_SMALL"); dir != "" {
		if err := unix.Mount("none", dir, "tmpfs", 0, "size=40m"); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Print(said(Nix{Dir: filepath.Join(dir, "nix")}.fetched()))
		os.Exit(0)
	}
	status := m.Run()
	if made != "" {
		_ = nar.Remove(made)
	}
	os.Exit(status)
}
