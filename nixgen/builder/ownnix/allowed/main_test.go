package allowed

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"piwiz/nixgen/builder/ownnix/namespace"
)

// The tests run this program again, as main does. PIWIZ_FAIL is a step that is to
// fail in it, and the number of its error; PIWIZ_SPOIL is what is wrong with the
// computer that it makes of its namespace, to ask there whether Nix may run.
func TestMain(m *testing.M) {
	if step, errno, ok := strings.Cut(os.Getenv("PIWIZ_FAIL"), "="); ok {
		n, _ := strconv.Atoi(errno)
		namespace.Before = func(s namespace.Step, _ string) error {
			if string(s) == step {
				return syscall.Errno(n)
			}
			return nil
		}
	}
	Inside()
	if how := os.Getenv("PIWIZ_SPOIL"); how != "" {
		os.Exit(spoiled(how, os.Getenv("PIWIZ_DIR")))
	}
	os.Exit(m.Run())
}
