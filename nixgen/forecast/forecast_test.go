package forecast

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var began = time.Unix(1e9, 0)

func at(seconds float64) time.Time {
	return began.Add(time.Duration(seconds * float64(time.Second)))
}

func TestTimesSurviveAsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "not/yet", "times.json")
	var times Times
	times.add(map[string]time.Duration{"linux": time.Hour, "ext4-fs.img": 90 * time.Second}, 2e6)
	if err := times.Save(file); err != nil {
		t.Fatal(err)
	}
	if d, ok := Load(file).of("linux"); d != time.Hour || !ok {
		t.Errorf("%v %v", d, ok)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || len(left) != 1 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
	if err := times.Save(filepath.Join(file, "below a file")); err == nil {
		t.Error("saved below a file")
	}
}

func TestADamagedFileIsNoTimes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "times.json")
	if got := Load(file); got.Seconds != nil {
		t.Errorf("of no file: %v", got)
	}
	for _, text := range []string{"", "{", "[]", `{"seconds":3}`, `{"seconds":{"a":["x"]}}`, "\x00"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Load(file); len(got.Seconds) > 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
	if err := os.WriteFile(file, []byte(`{"seconds":{"a":[-5,7]},"speed":[-1,0]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got := Load(file)
	if d, ok := got.of("a"); d != 7*time.Second || !ok || len(got.Speed) > 0 {
		t.Errorf("impossible numbers are kept: %+v", got)
	}
}

func TestTheMedianOfTheLastTimesCounts(t *testing.T) {
	var times Times
	for _, s := range []int{1000, 10, 11, 900, 12, 13} { // the first is forgotten
		times.add(map[string]time.Duration{"x": time.Duration(s) * time.Second}, 0)
	}
	if d, _ := times.of("x"); d != 12*time.Second {
		t.Errorf("%v of %v", d, times.Seconds["x"])
	}
	if d, ok := times.of("y"); ok {
		t.Errorf("y took %v", d)
	}
}

func TestTheFileStaysSmall(t *testing.T) {
	var times Times
	for i := range 3 {
		took := map[string]time.Duration{}
		for n := range names - 10 {
			took[fmt.Sprint(i, "-", n)] = time.Second
		}
		times.add(took, 1)
	}
	if len(times.Seconds) > names {
		t.Errorf("%d names", len(times.Seconds))
	}
	if _, ok := times.of("2-7"); !ok {
		t.Error("this build's own times are lost")
	}
}

func TestANewVersionIsExpectedToTakeAsLongAsTheOld(t *testing.T) {
	for name, want := range map[string]string{
		"linux-6.18.2": "linux", "linux-6.18.2-modules-shrunk": "linux-modules-shrunk", "etc": "etc",
		"nixos-system-bach-26.05.20260710.8f0500b": "nixos-system-bach", "3": "3", "unit-sshd.service": "unit-sshd.service", "": "",
	} {
		if got := key(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// known is a forecast of two steps, one after the other, that took 100 s and
// 300 s before.
func known() *Forecast {
	f := New(Times{Seconds: map[string][]float64{"a": {100}, "b": {300}, reading: {20}}}, began)
	f.Expect("1", "a-1.0", nil)
	f.Expect("2", "b-2.0", []string{"1"})
	f.Count(0, 2, 0, 0, began)
	return f
}

func TestTheTimeLeftFollowsWhatIsDone(t *testing.T) {
	f := known()
	if share, left := f.At(at(10)); share != before/2 || left != -1 {
		t.Errorf("while reading: %v, %v", share, left)
	}
	if share, _ := f.At(at(1000)); share != before {
		t.Errorf("reading for long: %v", share)
	}
	f = known()
	f.Planned(at(0))
	f.Start("1", "a-1.0", at(0))
	if _, left := f.At(at(0)); left != 400*time.Second {
		t.Errorf("at the start: %v", left)
	}
	if share, left := f.At(at(50)); share != 0.125 || left != 350*time.Second {
		t.Errorf("after 50 s: %v, %v", share, left)
	}
	if waits := f.Waits(); !slices.Equal(waits, [][2]string{{"2", "1"}}) {
		t.Errorf("waits: %v", waits)
	}
	f.Finish("1", at(100))
	f.Start("2", "b-2.0", at(100))
	if share, left := f.At(at(200)); share != 0.5 || left != 200*time.Second {
		t.Errorf("after 200 s: %v, %v", share, left)
	}
	if waits := f.Waits(); len(waits) > 0 {
		t.Errorf("waits: %v", waits)
	}
	if share, left := f.At(at(1100)); share > 0.99 || left < 50*time.Second {
		t.Errorf("a step that takes longer than ever: %v, %v", share, left)
	}
}

func TestAnUnknownStepGivesNoTimeLeft(t *testing.T) {
	f := known()
	f.Planned(at(0))
	f.Expect("3", "c", nil)
	if _, left := f.At(at(0)); left != -1 {
		t.Errorf("%v", left)
	}
	f = known()
	f.Planned(at(0))
	f.Count(0, 2, 0, 1<<30, at(0))
	if _, left := f.At(at(1)); left != -1 {
		t.Errorf("a download of unknown speed: %v", left)
	}
	f.Count(0, 2, 1<<20, 1<<30, at(1))
	f.Count(0, 2, 101<<20, 1<<30, at(11))
	if _, left := f.At(at(11)); left < 90*time.Second {
		t.Errorf("a download of 10 MiB/s: %v", left)
	}
}

func TestWhatABuildTookIsLearned(t *testing.T) {
	f := New(Times{}, began)
	f.Planned(at(5))
	f.Count(0, 1, 1, 8e6, at(10))
	f.Count(0, 1, 8e6, 8e6, at(14))
	f.Start("1", "a-1.0", at(20))
	f.Start("1", "a-1.0", at(30)) // told twice
	f.Finish("1", at(50))
	f.Start("2", "b", at(50)) // was still going on
	times := f.Learn(5 * time.Second)
	if d, _ := times.of("a"); d != 30*time.Second {
		t.Errorf("a took %v", d)
	}
	if _, ok := times.of("b"); ok {
		t.Error("a step without an end is learned")
	}
	if d, _ := times.of(reading); d != 5*time.Second || len(times.Speed) != 1 || times.Speed[0] != 2e6 {
		t.Errorf("reading %v, speed %v", d, times.Speed)
	}
	if f.Past("a-2.0") != 0 || New(times, began).Past("a-2.0") != 30*time.Second {
		t.Error("the past of a is wrong")
	}
}

func TestARingOfStepsEnds(t *testing.T) {
	f := New(Times{Seconds: map[string][]float64{"a": {1}, "b": {1}}}, began)
	f.Expect("1", "a", []string{"2"})
	f.Expect("2", "b", []string{"1"})
	f.Planned(began)
	if _, left := f.At(began); left < 0 {
		t.Errorf("%v", left)
	}
}
