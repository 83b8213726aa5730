package aarch64

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNotWritten says that a program was not started at all: there is no folder
// to run it from.
var ErrNotWritten = errors.New("write the test program")

// Run runs a program under the name argv0, for at most ten seconds. It returns
// the exit status, or why there is none.
func Run(ctx context.Context, program []byte, argv0 string) (status int, err error) {
	dir, err := os.MkdirTemp("", "piwiz-emulate-")
	if err != nil {
		return 0, errors.Join(ErrNotWritten, err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "aarch64")
	if err := os.WriteFile(file, program, 0o700); err != nil {
		return 0, errors.Join(ErrNotWritten, err)
	}
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	for try := 0; ; try++ {
		cmd := exec.CommandContext(ctx, file)
		cmd.Args = []string{argv0}
		err = cmd.Run()
		// A child that another goroutine forked a moment ago may still hold the
		// file open for writing.
		if !errors.Is(err, syscall.ETXTBSY) || try == 20 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	var st unix.Statfs_t
	if errors.Is(err, os.ErrPermission) && unix.Statfs(dir, &st) == nil && st.Flags&unix.ST_NOEXEC != 0 {
		return 0, errors.Join(ErrNotWritten, err)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// Script is for a shell: it runs Answering. Said tells from what it printed
// whether that answered. It is printed because the exit status of a container
// that removes itself gets lost now and then.
func Script() string {
	var octal strings.Builder
	for _, b := range Answering() {
		fmt.Fprintf(&octal, `\%03o`, b)
	}
	return fmt.Sprintf("printf '%s' > /tmp/program && chmod +x /tmp/program && /tmp/program; echo answer $?", &octal)
}

// Said says whether this is what Script prints when the program ran.
func Said(out string) bool { return strings.HasSuffix(out, fmt.Sprintf("answer %d", Answer)) }
