package ownnix

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"piwiz/nixgen/nix"
)

// TestRealOverhead is .ci/bench-own: the same image in turns by an ordinary Nix of
// the same version, which is in a namespace already, and by piwiz's own.
func TestRealOverhead(t *testing.T) {
	turns, err := strconv.Atoi(os.Getenv("PIWIZ_BENCH"))
	if err != nil {
		t.Skip("measures only where nothing else runs: .ci/bench-own RIG")
	}
	if os.Getenv("PIWIZ_ALONE") == "" {
		script, err := filepath.Abs("../../../.ci/rig/with-nix")
		if err != nil {
			t.Fatal(err)
		}
		alone(t, "PIWIZ_BENCH="+os.Getenv("PIWIZ_BENCH"), "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "PIWIZ_WITH_NIX="+script, "PIWIZ_PLAIN="+rig(t))
		return
	}
	n := own(t)
	began := time.Now()
	if err := n.Fetch(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("nothing to a Nix: %v\n", time.Since(began).Round(time.Millisecond))
	times := map[string][]time.Duration{}
	took := func(what string, do func() error) {
		began := time.Now()
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		times[what] = append(times[what], time.Since(began))
	}
	for turn := range turns + 1 {
		if turn == 1 {
			clear(times) // the first turn fetches what the others have
		}
		took("asking what is allowed", func() error { return n.Allowed(t.Context()) })
		o := flake(t, t.TempDir(), unique(), "")
		took("own Nix", func() error {
			lines, err := built(t.Context(), n, o)
			if err != nil {
				err = fmt.Errorf("%w\n%s", err, lines)
			}
			return err
		})
		h, _ := n.here()
		p, err := n.program(h)
		if err != nil {
			t.Fatal(err)
		}
		took("entering, and nix --version", func() error {
			_, err := nix.Run(t.Context(), p.command("nix", "--version"), nil)
			return err
		})
		plain := flake(t, t.TempDir(), unique(), "")
		// Only Nix is timed: it says when it begins and ends.
		args := append([]string{os.Getenv("PIWIZ_PLAIN"), "bash", "-euc", `a=$EPOCHREALTIME; nix "$@" 2> /dev/null > /dev/null; b=$EPOCHREALTIME; echo $((${b/./} - ${a/./}))`, "bash"}, plain.Args()...)
		out, err := exec.Command(os.Getenv("PIWIZ_WITH_NIX"), args...).Output()
		if err != nil {
			t.Fatalf("plain Nix: %v\n%s", err, out)
		}
		us, err := strconv.Atoi(string(out[:len(out)-1]))
		if err != nil {
			t.Fatal(err)
		}
		times["plain Nix"] = append(times["plain Nix"], time.Duration(us)*time.Microsecond)
	}
	median := map[string]time.Duration{}
	for what, list := range times {
		slices.Sort(list)
		median[what] = list[len(list)/2]
		fmt.Printf("%-28s median %v, least %v, most %v of %d\n", what, median[what].Round(time.Millisecond), list[0].Round(time.Millisecond), list[len(list)-1].Round(time.Millisecond), len(list))
	}
	// It is the same for each build, however long: to ask, to enter and to leave.
	more := median["own Nix"] - median["plain Nix"]
	fmt.Printf("own against plain: %+.1f %%, that is %v for each build, with %v for asking what is allowed\n",
		100*more.Seconds()/median["plain Nix"].Seconds(), more.Round(time.Millisecond), median["asking what is allowed"].Round(time.Millisecond))
}
