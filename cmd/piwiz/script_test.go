package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts of testdata/script are what a person types, with what is printed:
// a mistake becomes a line there. They run as somebody without any tools.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.SplitList(env.Getenv("PATH"))[0]) // piwiz alone
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, "data"))
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("LANG", "de_DE.UTF-8")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "image": smallImage},
	})
}

// exits CODE COMMAND... runs a command that must end with that code.
func exits(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// smallImage FILE makes an image that a card would be written with: two
// partitions, the first one FAT.
func smallImage(ts *testscript.TestScript, _ bool, args []string) {
	b := make([]byte, 3<<20)
	copy(b[446:], "\x00\xfe\xff\xff\x0b\xfe\xff\xff\x00\x08\x00\x00\x00\x08\x00\x00")
	copy(b[462:], "\x00\xfe\xff\xff\x83\xfe\xff\xff\x00\x10\x00\x00\x00\x08\x00\x00")
	copy(b[510:], "\x55\xaa")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}
