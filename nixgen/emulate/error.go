package emulate

import (
	"fmt"

	"piwiz/nixgen/emulate/binfmt"
	"piwiz/nixgen/emulate/register"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/osrelease"
)

// Reason is why programs for aarch64 do not run here, or not in a build.
type Reason string

// The reasons.
const (
	NotMounted         Reason = "binfmt_misc is not mounted"
	NotRegistered      Reason = "no emulator is registered"     // the kernel said ENOEXEC
	Disabled           Reason = "the emulator is switched off"  // likewise
	InterpreterMissing Reason = "the emulator is missing"       // the kernel said ENOENT
	Broken             Reason = "the emulator does not work"    // it ran and gave a wrong answer
	OldQEMU            Reason = "the emulator is too old"       // it works now and then
	NotInSandbox       Reason = "the emulator lacks the flag F" // it works, but not in Nix's sandbox
	LeftOver           Reason = "an emulator was left over"     // it works, but nobody will remove it
	NotTried           Reason = "the test could not be started" // no folder to run a program from
)

// Error says why, and what to do on this distribution.
type Error struct {
	Reason Reason
	Err    error
	fault.Todo
	entry   binfmt.Entry // the one that the kernel takes, if any
	absent  bool         // there is no place for the table
	version int          // of QEMU, 0 when not known
}

func (e *Error) Error() string {
	const cannot = "This computer cannot run programs for the Raspberry Pi yet: "
	name, file := binfmt.Printable(e.entry.Name), binfmt.Printable(e.entry.Interpreter)
	switch e.Reason {
	case NotMounted:
		return cannot + "the kernel's table of emulators (binfmt_misc) is not mounted."
	case Disabled:
		if e.entry.Name == "" {
			return cannot + "all emulators are switched off."
		}
		return cannot + "the emulator " + name + " is switched off."
	case InterpreterMissing:
		if file != "" {
			return cannot + "the emulator " + name + " is registered, but there is no " + file + "."
		}
	case OldQEMU:
		return fmt.Sprintf("The emulator %s is QEMU %d, under which builds fail at random because memory cannot be allocated. Version %d or newer is needed.", name, e.version, oldest)
	case NotInSandbox:
		return "Programs for the Raspberry Pi run here, but not inside Nix's sandbox or a chroot: the emulator " + name + " is registered without the flag F."
	case LeftOver:
		return "A piwiz that was killed left its emulator registered. Programs for the Raspberry Pi run, but the emulator stays until it is removed."
	case Broken:
		if name != "" {
			return fmt.Sprintf("%sthe emulator %s (%s) does not work (%v).", cannot, name, file, e.Err)
		}
	}
	return cannot + string(e.Reason) + "."
}

// Unwrap is what the kernel or the program answered.
func (e *Error) Unwrap() error { return e.Err }

// on is the error with its Todo: the commands for a distribution.
func (e *Error) on(system osrelease.System) *Error {
	e.Todo = e.remedy(system)
	return e
}

func (e *Error) remedy(system osrelease.System) []string {
	switch e.Reason {
	case NotTried:
		return []string{"Let piwiz run a small test program: set TMPDIR to a folder of yours, e.g. TMPDIR=$HOME piwiz"}
	case Disabled:
		if e.entry.Name == "" {
			return []string{register.Command("1", "status")}
		}
		return []string{register.Command("1", e.entry.Name)}
	case LeftOver:
		return []string{register.Command("-1", e.entry.Name)}
	case NotMounted:
		mount := []string{"sudo mount -t binfmt_misc binfmt_misc " + binfmt.Dir}
		if e.absent {
			mount = append([]string{"sudo modprobe binfmt_misc"}, mount...)
		}
		if !system.Is("nixos") {
			return append(mount, register.Install(system)...)
		}
	case NotInSandbox:
		if system.Is("nixos") {
			return []string{
				"Add to this computer's configuration: boot.binfmt.preferStaticEmulators = true;",
				"Then: sudo nixos-rebuild switch",
			}
		}
		return append([]string{register.Command("-1", e.entry.Name)}, register.Install(system)...)
	case InterpreterMissing:
		if e.entry.Name == "" {
			return append(register.Install(system), "In a container, register the emulator outside of it, with the flag F.")
		}
	case OldQEMU:
		return append(register.Install(system), "If that brings no newer version, this release of the distribution is too old: upgrade it.")
	case Broken:
		if e.entry.Name != "" && !system.Is("nixos") {
			return append([]string{register.Command("-1", e.entry.Name)}, register.Install(system)...)
		}
	}
	return register.Install(system)
}
