package builder

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"piwiz/nixgen/builder/ownnix"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/forecast"
	"piwiz/nixgen/nix"
)

// flood is a log that a builder, or a program that Nix runs, can write.
type flood struct {
	name  string
	lines int
	bytes int // of a line
	as    func(text string) string
}

const floodStart = `@nix {"action":"start","fields":["/nix/store/s0lxml7c979j1rb404g40yqzi9vas0wh-x.drv","",1,1],"id":7,"level":3,"parent":0,"text":"building","type":105}`

func event(format string) func(string) string {
	return func(text string) string {
		b, _ := json.Marshal(text)
		return strings.ReplaceAll(format, "TEXT", string(b))
	}
}

// wholeFloods asks for the full size.
var wholeFloods = os.Getenv("PIWIZ_SWEEP") != ""

// floods are all kinds of lines, many or long; whole says in full size.
func floods(whole bool) (all []flood) {
	size := func(full, quick int) int {
		if whole {
			return full
		}
		return quick
	}
	for name, as := range map[string]func(string) string{
		"builder": event(`@nix {"action":"result","fields":[TEXT],"id":7,"type":101}`),
		"program": func(text string) string { return text },
		"error":   event(`@nix {"action":"msg","column":null,"file":null,"level":0,"line":null,"msg":TEXT,"raw_msg":TEXT}`),
		"notice":  event(`@nix {"action":"msg","level":0,"msg":TEXT}`),
	} {
		all = append(all,
			flood{name + "-long", size(300, 12), 1 << 20, as},
			flood{name + "-many", size(2_000_000, 20_000), 40, as},
			flood{name + "-endless", 1, size(200<<20, 20<<20), as},
		)
	}
	return all
}

// TestMain lets the test program be the nix of a test, or the piwiz that follows
// it.
func TestMain(m *testing.M) {
	ownnix.Inside() // this program is started again by piwiz's own Nix
	if name := os.Getenv("PIWIZ_TEST_FLOOD"); name != "" {
		for _, f := range floods(wholeFloods) {
			if f.name == name && os.Getenv("PIWIZ_TEST_FOLLOW") == "" {
				f.write()
			} else if f.name == name {
				f.follow()
			}
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// write is what nix does.
func (f flood) write() {
	out := bufio.NewWriter(os.Stderr)
	defer out.Flush()
	fmt.Fprintln(out, floodStart)
	if f.lines == 1 {
		frame := f.as("\x00")
		head, tail, _ := strings.Cut(frame, `\u0000`)
		if head == frame {
			head, tail = "", ""
		}
		tail, _, _ = strings.Cut(tail, `\u0000`)
		out.WriteString(head)
		for range f.bytes / 64 {
			out.WriteString(strings.Repeat("x", 64))
		}
		fmt.Fprintln(out, tail)
		return
	}
	line := f.as("error: " + strings.Repeat("x", f.bytes))
	for range f.lines {
		fmt.Fprintln(out, line)
	}
}

// follow is what piwiz does. It prints how much memory it had at most, in KiB.
func (f flood) follow() {
	os.Unsetenv("PIWIZ_TEST_FOLLOW")
	dir, _ := os.MkdirTemp("", "piwiz-flood-")
	defer os.RemoveAll(dir)
	r := Request{LogFile: filepath.Join(dir, "build.log")}
	log, err := r.record(false, nil)
	if err != nil {
		panic(err)
	}
	w := follow.New(forecast.Times{}, log.event)
	c := r.order(false).Command()
	c.Through = []string{os.Args[0]}
	_, err = nix.Run(context.Background(), c, w.Event)
	log.end(r.explain(w, errors.Join(err, errors.New("exit status 1"))))
	status, _ := os.ReadFile("/proc/self/status")
	fmt.Print(regexp.MustCompile(`VmHWM:\s*(\d+)`).FindStringSubmatch(string(status))[1])
}

// TestMemoryIsBoundedInBytes: no log, however many or long its lines are, makes
// piwiz need more than 64 MiB.
func TestMemoryIsBoundedInBytes(t *testing.T) {
	if raced {
		t.Skip("the race detector needs memory of its own; .ci/sweep memory tests it without")
	}
	for _, f := range floods(wholeFloods) {
		t.Run(f.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "PIWIZ_TEST_FLOOD="+f.name, "PIWIZ_TEST_FOLLOW=1")
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			kib, err := strconv.Atoi(string(out))
			if err != nil {
				t.Fatalf("%q", out)
			}
			t.Logf("%d MiB", kib>>10)
			if kib > 64<<10 {
				t.Errorf("%d MiB", kib>>10)
			}
		})
	}
}
