package builder

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"piwiz/nixgen/follow"
)

// fresh is a host that nobody has built yet.
func fresh(t testing.TB, more string) Request {
	t.Helper()
	r := host(t, more+"\n"+again())
	r.State = t.TempDir()
	return r
}

func TestRealPlanSaysWhatTheBuildThenDoes(t *testing.T) {
	if !inRig(t) {
		return
	}
	r := fresh(t, "")
	plan, err := DryRun(t.Context(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", plan)
	if _, err := os.Lstat(r.OutLink); err == nil || plan.Takes != -1 || plan.Fetches != 0 || plan.Download != 0 {
		t.Errorf("plan %+v, link %v", plan, err)
	}
	built := map[string]bool{}
	waits := map[string]bool{}
	if _, err := Image(t.Context(), r, func(e follow.Event) {
		for _, n := range e.Progress.Now {
			built[n.Name] = true
		}
		for _, w := range e.Progress.Waits {
			waits[w] = true
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, name := range plan.Builds {
		if !built[name] {
			t.Errorf("%s was announced, but not built", name)
		}
	}
	if len(built) != len(plan.Builds) {
		t.Errorf("built %v, announced %v", built, plan.Builds)
	}
	if !slices.ContainsFunc(plan.Builds, func(name string) bool {
		return slices.ContainsFunc(plan.Builds, func(other string) bool { return waits[name+" waits for "+other] })
	}) {
		t.Errorf("nothing waits for anything: %v", waits)
	}
	plan, err = DryRun(t.Context(), r, nil)
	if err != nil || len(plan.Builds) > 0 || plan.Takes != 0 {
		t.Errorf("after the build: %+v, %v", plan, err)
	}
}

func TestRealPlanCountsWhatACacheHas(t *testing.T) {
	if !inRig(t) {
		return
	}
	r := fresh(t, "")
	if _, err := Image(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
	result, err := os.Readlink(r.OutLink)
	if err != nil {
		t.Fatal(err)
	}
	cache := "file://" + t.TempDir()
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("nix", append([]string{"--extra-experimental-features", "nix-command"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("nix %v: %v\n%s", args, err, out)
		}
	}
	run("copy", "--to", cache, result)
	if err := os.Remove(r.OutLink); err != nil {
		t.Fatal(err)
	}
	run("store", "delete", "--ignore-liveness", result)
	t.Setenv("NIX_CONFIG", strings.Replace(os.Getenv("NIX_CONFIG"), "substituters =", "substituters = "+cache+"?trusted=true", 1))
	plan, err := DryRun(t.Context(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", plan)
	if len(plan.Builds) > 0 || plan.Fetches != 1 || plan.Download <= 0 || plan.Unpacked < plan.Download {
		t.Errorf("%+v", plan)
	}
	var last follow.Progress
	if _, err := Image(t.Context(), r, func(e follow.Event) { last = e.Progress }); err != nil {
		t.Fatal(err)
	}
	if last.Fetched != 1 || last.ToFetch != 1 || last.Done != 0 || last.Expected != 0 {
		t.Errorf("%+v", last)
	}
}

func TestRealPlanWarnsOfAKernel(t *testing.T) {
	if !inRig(t) {
		return
	}
	plan, err := DryRun(t.Context(), fresh(t, "  fixture.pace = "+fmt.Sprint(100000+time.Now().Unix()%100000)+";"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(plan.Big, []string{"linux-6.18.2"}) || !strings.Contains(strings.Join(plan.Warning(), "\n"), "linux-6.18.2 would be compiled") {
		t.Errorf("%+v\n%q", plan, plan.Warning())
	}
}

func TestRealSecondBuildKnowsItsTime(t *testing.T) {
	if !inRig(t) {
		return
	}
	first := fresh(t, "  fixture.pace = 1;")
	if _, err := Image(t.Context(), first, nil); err != nil {
		t.Fatal(err)
	}
	second := fresh(t, "  fixture.pace = 1;")
	second.State = first.State
	plan, err := DryRun(t.Context(), second, nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	type point struct{ left, at time.Duration }
	var told []point
	if _, err := Image(t.Context(), second, func(e follow.Event) {
		if e.Progress.Left >= 0 {
			told = append(told, point{e.Progress.Left, time.Since(began)})
		}
	}); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	off := 0.0
	for _, p := range told {
		off += math.Abs((p.left - (took - p.at)).Seconds()) / float64(len(told))
	}
	t.Logf("plan %v, took %v; %d times left, off by %.2f s on average", plan.Takes, took, len(told), off)
	if len(told) < 5 || plan.Takes <= 0 || math.Abs((plan.Takes-took).Seconds()) > 0.5*took.Seconds() || off > 0.3*took.Seconds() {
		t.Error("that is not the truth")
	}
	if _, err := os.Stat(filepath.Join(first.State, timesFile)); err != nil {
		t.Error(err)
	}
}
