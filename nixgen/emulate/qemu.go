package emulate

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"piwiz/nixgen/emulate/binfmt"
	"piwiz/nixgen/emulate/register"
)

// readTable is what the kernel's table says about aarch64.
func readTable(dir string) (binfmt.Table, error) { return binfmt.Read(dir, program()) }

// hasOwn tells whether piwiz has an entry in the table.
func hasOwn(t binfmt.Table) bool { return slices.ContainsFunc(t.Entries, register.Own) }

var versionLine = regexp.MustCompile(`^qemu-aarch64 version (\d{1,6})\.`)

// versionOf is the major version of the QEMU behind an entry, 0 when it cannot
// be known: with flag F the kernel runs a file that may be gone, and NixOS's
// wrapper tells no version. Debian's link tells none under its own name.
func versionOf(ctx context.Context, e binfmt.Entry) int {
	file, err := filepath.EvalSymlinks(e.Interpreter)
	if err != nil {
		return 0
	}
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, file, "--version")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return 0
	}
	return parseVersion(string(out))
}

func parseVersion(said string) int {
	m := versionLine.FindStringSubmatch(said)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1]) // a few digits by the expression
	return n
}
