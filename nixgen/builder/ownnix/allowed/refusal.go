package allowed

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"piwiz/nixgen/builder/ownnix/folder"
	"piwiz/nixgen/builder/ownnix/namespace"
	"piwiz/nixgen/emulate/register"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/osrelease"
	"piwiz/nixgen/shell"
)

// computer is what else is known when the kernel has refused. A version says
// nothing about what is allowed; here it only fits the advice.
type computer struct {
	root   string // where its /proc and /etc are
	system osrelease.System
	kernel string // release
}

func this() computer {
	var u unix.Utsname
	_ = unix.Uname(&u) // cannot fail
	return computer{"/", osrelease.Read("/"), unix.ByteSliceToString(u.Release[:])}
}

// setting is a file below /proc/sys, "" when there is none.
func (c computer) setting(name string) string {
	text, _ := os.ReadFile(filepath.Join(c.root, "proc/sys", name))
	return strings.TrimSpace(string(text))
}

// elsewhere ends each advice: what needs nothing of this computer.
const elsewhere = "Or let another computer with Nix build: piwiz --builder ssh://USER@HOST"

// Explain says in words of people which step failed, and what helps.
func Explain(r *namespace.Refusal) error { return this().explain(r) }

func (c computer) explain(r *namespace.Refusal) error {
	e := &fault.Error{Lacks: true, Err: r}
	set := func(headline, why string, todo ...string) error {
		e.Headline, e.Why, e.Todo = headline, why, append(todo, elsewhere)
		return e
	}
	denied := r.Errno == unix.EPERM || r.Errno == unix.EACCES
	namespaces := r.Step == namespace.Clone || r.Step == sandboxClone || r.Step == namespace.Self && !errors.Is(r, unix.ENOENT)
	switch {
	case denied && c.setting("kernel/unprivileged_userns_clone") == "0" && namespaces:
		return set("This computer lets only the administrator make namespaces (kernel.unprivileged_userns_clone is 0).", "",
			"Allow it until the next start: sudo sysctl kernel.unprivileged_userns_clone=1", keepSetting("kernel.unprivileged_userns_clone=1"))
	case denied && c.setting("kernel/apparmor_restrict_unprivileged_userns") == "1" && r.Step != namespace.Table && r.Step != namespace.Register:
		return set("Ubuntu does not let programs make namespaces of their own (AppArmor).", "",
			"Use a container instead, which piwiz finds by itself: sudo apt-get install podman", "Or allow it for a copy of piwiz that only the administrator can change: "+profile())
	case r.Errno == unix.ENOSPC && namespaces:
		return c.tooMany(set)
	case r.Errno == unix.EUSERS && namespaces:
		return set("Namespaces are nested too deeply here.", "piwiz runs in a container in a container.", outOfContainer)
	case r.Errno == unix.EINVAL && namespaces:
		return set("This kernel has no user namespaces.", "Linux "+c.kernel+" was built without them (CONFIG_USER_NS).", "Install the usual kernel of your distribution.")
	case denied && namespaces, denied && r.Step == namespace.Private:
		return set("piwiz runs inside a container or a chroot that forbids namespaces.", "", outOfContainer)
	case denied && (r.Step == namespace.Proc || r.Step == sandboxMount):
		return set("piwiz runs inside a container whose /proc is covered in part.", "The sandbox of Nix needs a /proc of its own, which Linux allows only where all of it is visible.", outOfContainer)
	case r.Step == namespace.Table:
		return c.noTable(set)
	case r.Step == namespace.Register && denied:
		return set("The folder of piwiz's own Nix is on a file system that does not let programs run (noexec).", "", folder.OtherFolder())
	case r.Step == namespace.Pivot && r.Errno == unix.EINVAL:
		return set("This system runs from its first root, in memory, where no program can have a root of its own.", "A live system that was started over the network can be such a one.", "Run piwiz on an installed system.")
	case r.Step == namespace.Show || r.Step == namespace.Store:
		return set("piwiz's own Nix cannot be shown the folder "+r.Path+".", r.Errno.Error(), "See whether it is there and yours: ls -ld "+shell.Quote(r.Path))
	}
	why := r.Error()
	return set("This computer does not let piwiz's own Nix run.", "The step that failed: "+why+".", "Use a container instead: install podman, which piwiz finds by itself.")
}

const outOfContainer = "Run piwiz outside of it."

// tooMany explains a number that is used up. The kernel says that a disk is full.
func (c computer) tooMany(set func(headline, why string, todo ...string) error) error {
	for _, kind := range []string{"user", "mnt", "pid", "net", "ipc", "uts"} {
		if name := "max_" + kind + "_namespaces"; c.setting("user/"+name) == "0" {
			return set("The kernel allows no namespaces (user."+name+" is 0).", "",
				"Allow them until the next start: sudo sysctl user."+name+"=15000", keepSetting("user."+name+"=15000"))
		}
	}
	return set("All namespaces that the kernel allows are in use.", "See the limits: sysctl user", "Close containers and browsers, then try again.")
}

func keepSetting(line string) string {
	return "To keep it: echo " + line + " | sudo tee /etc/sysctl.d/90-piwiz.conf"
}

// noTable explains that programs for the Pi do not run.
func (c computer) noTable(set func(headline, why string, todo ...string) error) error {
	version, _, _ := strings.Cut(c.kernel, "-")
	headline := "Linux " + version + " does not let piwiz emulate the Raspberry Pi's processor for itself alone; Linux 6.7 and later do."
	if strings.Contains(strings.ToLower(c.kernel), "microsoft") {
		return set(headline, "", "Update WSL, in Windows: wsl --update", "Then restart it: wsl --shutdown")
	}
	return set(headline, "An emulator that is installed for the whole computer serves as well.", slices.Concat(register.Install(c.system), []string{"Then try again."})...)
}

// What the administrator of an Ubuntu installs. A path that the user can write
// would let every program of theirs do the same.
const profileFile = "/etc/apparmor.d/piwiz-own-nix"

// profile are the commands that let a copy of piwiz make namespaces, in one
// line. The form is that of the profiles which Ubuntu brings for browsers.
//
// The parser of AppArmor 4.1 takes it; nobody has tried it on a real Ubuntu yet.
func profile() string {
	self, err := os.Executable()
	if err != nil {
		self = "piwiz"
	}
	return "sudo install -D -m 755 " + shell.Quote(self) + " " + namespace.Copy +
		" && printf '%s\\n' 'abi <abi/4.0>,' 'include <tunables/global>' 'profile piwiz-own-nix " + namespace.Copy + " flags=(unconfined) { userns, }'" +
		" | sudo tee " + profileFile +
		" && sudo apparmor_parser -r " + profileFile
}

// Outside are the commands that take away what profile installs, none when
// nothing of it is there.
func Outside() (commands []string) {
	if _, err := os.Lstat(profileFile); err == nil {
		commands = append(commands, "sudo apparmor_parser -R "+profileFile, "sudo rm "+profileFile)
	}
	if _, err := os.Lstat(namespace.Copy); err == nil {
		commands = append(commands, "sudo rm -r "+filepath.Dir(namespace.Copy))
	}
	return commands
}
