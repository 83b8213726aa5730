package register

import (
	"piwiz/nixgen/emulate/binfmt"
	"piwiz/nixgen/osrelease"
	"piwiz/nixgen/shell"
)

// Command is the command that writes a word to an entry of the kernel's table.
// To sysctl(8) the table is a folder like any other below /proc/sys.
func Command(word, name string) string {
	return "sudo sysctl " + shell.Quote("fs/binfmt_misc/"+binfmt.Printable(name)+"="+word)
}

// Install are the commands that install QEMU and register it. The emulators
// are registered again because with flag F the kernel keeps the old file.
func Install(system osrelease.System) []string {
	const restart = "sudo systemctl restart systemd-binfmt"
	switch {
	case system.Is("nixos"):
		return []string{
			`Add to this computer's configuration: boot.binfmt.emulatedSystems = [ "aarch64-linux" ];`,
			"Then: sudo nixos-rebuild switch",
		}
	case system.Is("fedora", "rhel"):
		return []string{"sudo dnf install qemu-user-static-aarch64", restart}
	case system.Is("arch"):
		return []string{"sudo pacman -S qemu-user-static qemu-user-static-binfmt", restart}
	case system.Is("debian", "ubuntu"):
		return []string{"sudo apt-get install qemu-user-static binfmt-support", restart}
	}
	return []string{"Install QEMU's user emulation for aarch64 (often called qemu-user-static) and restart systemd-binfmt."}
}
