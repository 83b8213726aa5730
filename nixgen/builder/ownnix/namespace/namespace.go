// Package namespace runs a program where a folder is /nix, without root, and
// where programs for the Pi's processor are emulated by one of that folder.
//
// This program starts itself again for it, twice, because only a process with
// one thread can change its own namespaces, and a Go program has many:
//
//	outside  ──clone──▶  inside  ──clone──▶  the program
//
// outside waits and passes signals on. It is there because its parent may have
// other plans for its own children, and may not be let map a user namespace.
// inside is root of a user namespace in which only the caller's number is
// mapped, and process 1 of a process namespace: when it ends, in whatever way,
// the kernel ends all that is in there, and what it mounted goes with it. It
// reads from a pipe that outside holds open, and ends when outside has ended.
// The program runs under the caller's own number, in one more user namespace: it
// has no rights over the mounts and the table.
//
// The mounts, in this order, each a step that is named where it fails:
//
//	/           private and recursive: nothing is seen outside
//	tmpfs       on NIX/.root, the new root: nothing of the computer is the mount point
//	/proc       a new one, of this process namespace; the kernel allows it only where one
//	            is wholly visible, and Nix's sandbox needs that too
//	/dev        the computer's: null, zero, full, random, urandom, tty, and pts for builders
//	/etc, /run  the computer's: names of hosts and certificates. Folders and not files,
//	            because resolv.conf is replaced, and may be a link into /run
//	FOLDERS     what the program is to read, also single files, each under its own name
//	NIX         on /nix
//	binfmt_misc on /.binfmt: the kernel finds the table by the user namespace, so that any
//	            folder will do; over /proc/sys/fs/binfmt_misc systemd may have an automount
//	/tmp        empty, and /var/run, a link to /run
//
// Then pivot_root, because the kernel forbids new namespaces under chroot, and the
// old root is unmounted. No /usr, /bin, /home, /sys: the program has what is
// in NIX and nothing else.
package namespace

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Verb is the first argument with which this program is started again. Its
// number changes with what follows, because Copy may be of another piwiz.
const Verb = "own-nix-inside-1"

// Copy is started in place of this program where AppArmor lets only programs
// with a profile make namespaces, and an administrator has installed it there. It
// is used only if nobody else can change it.
const Copy = "/usr/local/libexec/piwiz/own-nix"

// self is what is started again.
func self(restriction, copied string) string {
	set, err := os.ReadFile(restriction)
	if err != nil || strings.TrimSpace(string(set)) != "1" {
		return "/proc/self/exe"
	}
	var file syscall.Stat_t
	if syscall.Stat(copied, &file) != nil || file.Uid != 0 || file.Mode&0o022 != 0 {
		return "/proc/self/exe"
	}
	return copied
}

// Space is what a program sees. Paths are absolute and have no symbolic links.
type Space struct {
	Nix      string   // folder that becomes /nix; .root in it is a mount point
	Folders  []string // shown as well, or files
	Emulator string   // of programs for aarch64, as it is called inside; "" leaves the computer's table
	Flags    string   // of its entry in the table: P, and F when no other file is needed to run it
}

// ErrNotCalled says that a program forgets to call Inside.
var ErrNotCalled = errors.New("this program cannot be started again: main does not call namespace.Inside")

// Through are the program and the arguments that run a program of the space
// with the arguments that follow.
func (s Space) Through(program string) []string {
	if !Called {
		panic(ErrNotCalled)
	}
	through := order{Space: s}.through(program)
	through[0] = self("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", Copy)
	return through
}

// order is what one stage is told.
type order struct {
	Space
	Stage    stage  `json:",omitempty"`
	UID, GID int    // of the caller
	PID      int    // of outside, seen from outside
	Root     string // the new root
}

type stage string

// The stages, each a start of this program.
const (
	outside stage = ""
	inside  stage = "inside"
)

func (o order) through(program ...string) []string {
	text, _ := json.Marshal(o) // strings and numbers
	return append([]string{"/proc/self/exe", Verb, string(text)}, program...)
}

// Called says that this program knows what it is started again for. One that does
// not would do all that it does again, and so on.
var Called bool

// Inside is for main to call before anything else: it does what this program
// was started again for, and then does not return. Otherwise it returns at once.
// Nothing is started again in a program that has not called it.
func Inside() {
	Called = true
	if len(os.Args) < 3 || os.Args[1] != Verb {
		return
	}
	var o order
	if err := json.Unmarshal([]byte(os.Args[2]), &o); err != nil {
		fmt.Fprintln(os.Stderr, Verb+":", err)
		os.Exit(2)
	}
	program := os.Args[3:]
	status, err := 0, error(nil)
	switch o.Stage {
	case outside:
		status, err = o.outside(program)
	case inside:
		status, err = o.inside(program)
	}
	End(status, err)
}

// End ends this program: with status, or by telling whoever reads Refused what
// failed.
func End(status int, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, refusal(err).line())
		status = Failed
	}
	os.Exit(status)
}

// outside starts inside, and ends as it does.
func (o order) outside(program []string) (int, error) {
	o.Stage, o.UID, o.GID, o.PID = inside, os.Getuid(), os.Getgid(), os.Getpid()
	hold, held, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer held.Close()
	return start(Clone, o.through(program...), hold, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: o.UID, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: o.GID, Size: 1}},
	})
}

// inside makes the mounts and starts the program.
func (o order) inside(program []string) (int, error) {
	go func() {
		hold := os.NewFile(3, "outside")
		_, _ = hold.Read(make([]byte, 1)) // nobody writes: this is the end of outside
		os.Exit(128 + int(syscall.SIGKILL))
	}()
	syscall.CloseOnExec(3)
	if err := o.mounts(); err != nil {
		return 0, err
	}
	// Nix names files by its process number, which would be the same in every
	// namespace. A kernel that cannot do this has the numbers as they come.
	_ = os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(o.PID)), 0)
	return Start(Self, program, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: o.UID, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: o.GID, HostID: 0, Size: 1}},
	})
}

// insistence is how often a signal is repeated, and patience how long until the
// kill: Nix sleeps over an interrupt now and then.
const (
	insistence = 400 * time.Millisecond
	patience   = 10 * time.Second
)

// Start runs a program as a step, passes signals on to it, and returns its exit
// status as a shell does.
func Start(step Step, program []string, attr *syscall.SysProcAttr) (int, error) {
	return start(step, program, nil, attr)
}

// start is Start with a file after the standard ones.
func start(step Step, program []string, more *os.File, attr *syscall.SysProcAttr) (int, error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	files := []uintptr{0, 1, 2}
	if more != nil {
		files = append(files, more.Fd())
	}
	var pid int
	err := Do(step, program[0], func() (err error) {
		pid, err = syscall.ForkExec(program[0], program, &syscall.ProcAttr{Env: os.Environ(), Files: files, Sys: attr})
		return err
	})
	if err != nil {
		return 0, err
	}
	if more != nil {
		more.Close()
	}
	go func() {
		s := (<-signals).(syscall.Signal)
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(insistence) {
			_ = syscall.Kill(pid, s) // fails only when it is gone
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}()
	for {
		var status syscall.WaitStatus
		switch ended, err := syscall.Wait4(-1, &status, 0, nil); {
		case err == syscall.EINTR:
		case err != nil:
			return 0, fmt.Errorf("wait for %s: %w", program[0], err)
		case ended != pid: // process 1 is the parent of whoever has lost its own
		case status.Signaled():
			return 128 + int(status.Signal()), nil
		default:
			return status.ExitStatus(), nil
		}
	}
}

// Refused reads why the space could not be made, when that is what line says: it
// is a line of the standard error of Through, which then exits with Failed.
func Refused(line string) (*Refusal, bool) {
	text, ok := strings.CutPrefix(strings.TrimSpace(line), Verb+" ")
	if !ok {
		return nil, false
	}
	var r Refusal
	if json.Unmarshal([]byte(text), &r) != nil || r.Step == "" {
		return nil, false
	}
	return &r, true
}
