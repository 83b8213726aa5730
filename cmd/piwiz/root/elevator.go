package root

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// An elevator is a program that gives administrator rights. That it is installed
// does not mean that it can: NixOS 26.11 installs pkexec without the setuid bit,
// a container has sudo and may forbid new rights, and pkexec needs the system bus
// to ask polkit. Whether it will, only a try can say.
//
// run0 is not among them: it has not been tried with a socket as standard input.

// bus is where pkexec reaches polkit.
const bus = "/run/dbus/system_bus_socket"

// elevator finds the first elevator in the folders of PATH that can give rights
// to this process. It is named as a shell would find it. The error says why there
// is none.
func elevator() (name string, err error) {
	if on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && on == 1 {
		return "", Denied(
			"administrator rights are needed, and this program was started without the right to get them (no_new_privs), as in a sandbox or container",
			"Run piwiz in a terminal outside of it, or run it as root.",
		)
	}
	var unfit []string
	for _, name := range []string{"sudo", "pkexec"} {
		for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
			file := filepath.Join(dir, name)
			if !filepath.IsAbs(file) || unix.Access(file, unix.X_OK) != nil {
				continue
			}
			why := unable(file)
			if why == "" && name == "pkexec" && !isSocket(bus) {
				why = "needs the system bus, which is not running"
			}
			if why == "" {
				if first, err := exec.LookPath(name); err == nil && first == file {
					return name, nil
				}
				return file, nil
			}
			if len(unfit) == 0 || !strings.Contains(unfit[len(unfit)-1], "/"+name+" ") { // /bin may be /usr/bin
				unfit = append(unfit, file+" "+why)
			}
		}
	}
	if len(unfit) > 0 {
		return "", Denied("administrator rights are needed, but the programs that give them do not work: "+strings.Join(unfit, "; "), "Run piwiz as root, or ask the administrator of this computer.")
	}
	return "", Denied("administrator rights are needed, but neither sudo nor pkexec is installed", "Install sudo, or run piwiz as root.")
}

// unable says why the kernel gives no rights to whoever runs a file (execve(2)).
func unable(file string) string {
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil || st.Mode&unix.S_ISUID == 0 || st.Uid != 0 {
		return "is not installed setuid root"
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(file, &fs); err == nil && fs.Flags&unix.ST_NOSUID != 0 {
		return "is on a file system that is mounted nosuid"
	}
	return ""
}

func isSocket(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK
}

func isPkexec(elevator string) bool { return filepath.Base(elevator) == "pkexec" }

// environment is what an elevator, or root itself, is started with. pkexec
// refuses a user whose shell is not in /etc/shells, and takes nothing of value
// from the environment.
func environment(elevator string) []string {
	drop := []string{}
	switch {
	case elevator == "": // a shell of sudo names the user it was made for, who did not make the socket
		drop = invokers
	case isPkexec(elevator):
		drop = []string{"SHELL", "XAUTHORITY"}
	}
	return slices.DeleteFunc(os.Environ(), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		return slices.Contains(drop, name)
	})
}

// agent starts what asks for the password of pkexec on the terminal; without a
// terminal it ends at once, and the agent of the desktop asks in a window. pkexec
// has one of its own for terminals, which fails: it registers as root, and its
// helper answers as the user ("No session for cookie"). stop ends it.
func agent() (stop func()) {
	r, w, err := os.Pipe()
	if err != nil {
		return func() {}
	}
	defer r.Close()
	cmd := exec.Command("pkttyagent", "--process", strconv.Itoa(os.Getpid()), "--notify-fd", "3")
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGTERM}
	err = cmd.Start()
	_ = w.Close() // the child has its own
	if err != nil {
		return func() {} // there is none: pkexec says what it lacks
	}
	_ = r.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, _ = r.Read(make([]byte, 1)) // it closes its end when it is ready, or ends without a terminal
	return func() { _, _ = cmd.Process.Signal(unix.SIGTERM), cmd.Wait() }
}
