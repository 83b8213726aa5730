package answers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/hostfile/layout"
)

// mistake is something wrong that is put into a good file, at one of its lines.
type mistake struct {
	what  string
	field string                   // of document, whose line it is on
	put   func(line string) string // the line with it
	says  string
}

// mistakes are all that a file can have: every bad meaning, and every wrong form.
func mistakes(t testing.TB) []mistake {
	t.Helper()
	var out []mistake
	say := func(what, field, says string, put func(string) string) {
		out = append(out, mistake{what, field, put, says})
	}
	for field, values := range badAnswers(t) {
		if field == "state_version" || field == "host_key" || field == "networks[0].secret_name" || field == "confirmed[0]" {
			continue // state_version depends on another field, and the good file has not the others
		}
		for _, v := range values {
			say(field+" = "+text(v), field, field+": ", func(line string) string { return strings.Replace(line, text(good[field]), text(v), 1) })
		}
	}
	for _, field := range []string{"name", "board", "user", "country", "time_zone", "locale", "keymap", "release", "networks[0].ssid", "networks[0].security"} {
		for _, v := range []string{"4", "true", "2026-05-01", "[]", "{a = 1}"} {
			say(field+" = "+v, field, "the value of "+field+" has the wrong form", func(line string) string { return strings.Replace(line, text(good[field]), v, 1) })
		}
		for what, put := range map[string]func(string) string{
			"no value":          func(l string) string { return l[:strings.Index(l, "=")+1] },
			"no quotes":         func(l string) string { return strings.ReplaceAll(l, `"`, "") + " x" },
			"no second quote":   func(l string) string { return strings.TrimSuffix(l, `"`) },
			"a wrong quote":     func(l string) string { return strings.Replace(l, `"`, "'", 1) },
			"no equals sign":    func(l string) string { return strings.Replace(l, "=", "", 1) },
			"a colon":           func(l string) string { return strings.Replace(l, "=", ":", 1) },
			"a word behind it":  func(l string) string { return l + " and more" },
			"a wrong escape":    func(l string) string { return strings.Replace(l, `= "`, `= "\q`, 1) },
			"a control byte":    func(l string) string { return strings.Replace(l, `= "`, "= \"\x01", 1) },
			"an open list":      func(l string) string { return strings.Replace(l, `= "`, `= ["`, 1) },
			"three open quotes": func(l string) string { return strings.Replace(l, `= "`, `= """`, 1) },
		} {
			say(field+": "+what, field, "this is not TOML", put)
		}
		say(field+": Latin-1", field, "not written in UTF-8", func(l string) string { return strings.Replace(l, `= "`, "= \"\xe4", 1) })
		say(field+": a key that is not known", field, "is not known", func(l string) string { return "x_" + l })
	}
	slices.SortFunc(out, func(a, b mistake) int { return strings.Compare(a.what, b.what) })
	return out
}

// One mistake hides no other: 2 to 4 of all that can be wrong, in one file, and
// each is told with its line.
func TestNoMistakeHidesAnother(t *testing.T) {
	all, rounds := mistakes(t), 300
	if os.Getenv("PIWIZ_REAL") == "1" {
		rounds = 60_000
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	doc, at := document(good)
	lines := strings.Split(doc, "\n")
	for range rounds {
		spoilt := slices.Clone(lines)
		var put []mistake
		for n := 2 + random.IntN(3); len(put) < n; {
			f := all[random.IntN(len(all))]
			if slices.ContainsFunc(put, func(g mistake) bool { return g.field == f.field }) {
				continue
			}
			line := at[f.field]
			spoilt[line-1] = f.put(spoilt[line-1])
			put = append(put, f)
		}
		_, err := ReadHost(strings.NewReader(strings.Join(spoilt, "\n")))
		var u *Unreadable
		if !errors.As(err, &u) {
			t.Fatalf("seed %d: %v for\n%s", seed, err, strings.Join(spoilt, "\n"))
		}
		for _, f := range put {
			if !slices.ContainsFunc(u.Faults, func(s string) bool {
				return strings.HasPrefix(s, fmt.Sprintf("line %d", at[f.field])) && strings.Contains(s, f.says)
			}) {
				t.Errorf("seed %d: %s, on line %d, is hidden:\n%s\nof\n%s", seed, f.what, at[f.field], strings.Join(u.Faults, "\n"), strings.Join(spoilt, "\n"))
			}
		}
		if t.Failed() {
			return
		}
	}
}

// Nothing is told that is not so: one mistake of form is one line of the error.
func TestOneMistakeIsToldOnce(t *testing.T) {
	doc, at := document(good)
	lines := strings.Split(doc, "\n")
	for _, f := range mistakes(t) {
		spoilt := slices.Clone(lines)
		spoilt[at[f.field]-1] = f.put(spoilt[at[f.field]-1])
		_, err := ReadHost(strings.NewReader(strings.Join(spoilt, "\n")))
		var u *Unreadable
		if !errors.As(err, &u) || len(u.Faults) != 1 && !(strings.Contains(f.what, "not known") && len(u.Faults) == 2) {
			t.Errorf("%s: %v of\n%s", f.what, err, strings.Join(spoilt, "\n"))
		}
	}
}

// A file that is something else altogether costs no time, whatever it holds.
func TestNonsenseIsSoonTold(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for name, line := range map[string]string{"lists": "a = [\n", "tables": "[a\n", "words": "a b\n", "twice": "a = 1\n", "texts": "a = \"\"\"\n", "bytes": "\xff = \n"} {
		for _, size := range []int{mostSifted - 100, layout.MaxSize - 100} {
			if size > mostSifted && name != "twice" && os.Getenv("PIWIZ_REAL") != "1" {
				continue
			}
			began := worked(t)
			_, err := ReadHost(strings.NewReader(strings.Repeat(line, size/len(line))))
			var u *Unreadable
			if !errors.As(err, &u) || len(u.Faults) > mostFaults+3 {
				t.Errorf("%s: %v", name, err)
			}
			if took := worked(t) - began; took > 3*time.Second {
				t.Errorf("%s, %d bytes: %v", name, size, took)
			}
		}
	}
}

// worked is how long this thread has had the processor: what others do on the
// machine does not count.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
