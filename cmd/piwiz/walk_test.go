package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// moodyNix is a Nix that now and then fails, hangs, or says something hostile.
const moodyNix = `#!/bin/sh
n=$(($(od -An -N1 -tu1 /dev/urandom) % 6))
case "$*" in
*--version*) echo "nix (Nix) 2.26.3" ;;
*"store info"*) [ $n = 0 ] && exit 1; echo '{"url":"daemon","trusted":true}' ;;
*"config show"*) echo '{}' ;;
*)
  printf '@nix {"action":"msg","level":0,"msg":"\\u001b]0;title\\u0007\\u001b[2Jhostile"}\n' >&2
  case $n in
  0) echo 'error: attribute missing' >&2; exit 1 ;;
  1) sleep 1000 ;;
  2) while :; do echo 'building something' >&2; sleep 0.01; done ;;
  3) kill -9 $$ ;;
  *) echo '[]' ;;
  esac ;;
esac
`

// steps of a walk: keys, letters, pastes and sizes. No walk types the name of a
// real disk: it has neither digits nor the letters of sd, vd, mmcblk or nvme.
var steps = []string{
	"enter", "enter", "enter", "enter", "esc", "up", "down", "space", "tab", "backspace", "home", "pgdown", "ctrl+t",
	"type a", "type y", "type n", "type f", "type h", "type r", "type q", "type ?", "type j", "type bach",
	"paste x\ry", "paste \x1b]0;t\x07", "size 60 20", "size 80 24", "size 59 19", "size 10 3", "size 200 60", "ctrl+c", "type z",
}

// TestARandomWalkOnATerminalEndsWell plays at random, with the real program on a
// Nix that is not one, and with the pretended engine behind it. However the walk
// ends, nothing is left.
func TestARandomWalkOnATerminalEndsWell(t *testing.T) {
	walks := 2
	if wholeSweep {
		walks = 60
	}
	for seed := range walks {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "nix"), []byte(moodyNix), 0o700); err != nil {
				t.Fatal(err)
			}
			for _, tool := range []string{"od", "sleep"} {
				if err := os.Symlink("/usr/bin/"+tool, filepath.Join(dir, tool)); err != nil {
					t.Fatal(err)
				}
			}
			// No sudo, no container, and a network of its own: only root can have
			// that.
			name, env := "", []string{"PATH=" + dir}
			if seed%2 == 1 || os.Getuid() != 0 {
				name = "wizard"
				env = append(env, "PIWIZ_TEST_HOLDS="+[]string{"check", "hostname", "wifi", "keys", "build", "card", "write", "wait"}[r.IntN(8)])
				if r.IntN(3) == 0 {
					env = append(env, "PIWIZ_TEST_PANICS="+pages[r.IntN(len(pages))].name)
				}
			}
			// The race detector writes here, not over the screen.
			env = append(env, "GORACE=log_path="+filepath.Join(dir, "race"))
			p := startPart(t, name, env, alone)
			if err := p.WaitFor("Welcome", 20*time.Second); err != nil {
				t.Fatal(err)
			}
			way := walk(t, p, r, name != "")
			defer func() {
				if t.Failed() {
					t.Logf("the walk: %q", way)
				}
			}()
			p.Signal(syscall.SIGTERM)
			code, err := p.Wait(25 * time.Second)
			if err != nil {
				t.Fatal(err)
			}
			switch code {
			case 0, failed, refused, lacking, cancelled:
			default:
				t.Errorf("exit code %d; the screen:\n%s", code, p.Text())
			}
			p.ends(code, false)
			races, _ := filepath.Glob(filepath.Join(dir, "race*"))
			for _, f := range races {
				text, _ := os.ReadFile(f)
				t.Errorf("a data race:\n%s", text)
			}
			if raw := p.Raw(); bytes.Contains(raw, []byte("\x1b]0;")) || bytes.Contains(raw, []byte("goroutine ")) {
				t.Error("something hostile, or a stack, reached the terminal")
			}
		})
	}
}

// alone gives a program of root a network without connections.
func alone(cmd *exec.Cmd) {
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	}
}

// walk takes random steps until the program ends or there were enough of them.
// It returns what it did.
func walk(t *testing.T, p *running, r *rand.Rand, pretended bool) (way []string) {
	t.Helper()
	for range 60 {
		step := steps[r.IntN(len(steps))]
		if step == "type f" && !pretended {
			continue // as root, what it offers would change this computer
		}
		way = append(way, step)
		var err error
		kind, rest, _ := strings.Cut(step, " ")
		switch kind {
		case "type":
			err = p.Type(rest)
		case "paste":
			err = p.Type("\x1b[200~" + rest + "\x1b[201~")
		case "size":
			var w, h int
			fmt.Sscan(rest, &w, &h)
			err = p.Resize(w, h)
		default:
			err = p.Key(step)
		}
		if err != nil {
			return way // it has ended
		}
		// The program may be at this step or a later one: that is part of the walk.
		time.Sleep(time.Duration(r.IntN(25)) * time.Millisecond)
		if _, err := p.Wait(0); err == nil {
			return way
		}
	}
	return way
}
