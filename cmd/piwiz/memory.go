package main

import "golang.org/x/sys/unix"

// What is secret in memory: the Wi-Fi keys, the private half of a Pi's host
// key, and for a moment whatever stands in the same files.
//
// What is done. No part of piwiz leaves a core file: its limit is 0 from the
// start, and so is that of what piwiz runs. (A handler of cores, such as
// systemd-coredump, is asked by the kernel anyway; it keeps none when
// the limit is 0.) The parts that hold a card or read root's files cannot be
// looked into by other programs of the same user either. Buffers with secrets
// that piwiz makes or reads are zeroed when they have been used: files that
// were read, answers of the privileged half, the files for the card, and the
// memory that is shared with the part that asks the card.
//
// What cannot be done. The main process stays open to the user's own programs
// (/proc/PID/mem, ptrace): one that is not cannot map a user namespace, and
// those programs could read the user's files anyway. What Go holds as a string
// cannot be zeroed: a typed password, a key decoded from TOML or JSON, what
// wifi.Secret holds. When a slice grows or is handed to a library, copies of
// it are left to the garbage collector, which frees and does not zero them;
// the stack of a goroutine is copied when it grows. Nothing is locked into
// RAM, so swap may get a copy. All of this ends with the process: the kernel
// zeroes a page before it gives it to another.

// noCore turns core files off.
func noCore() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil {
		limit.Cur = 0
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &limit) // lowering it cannot fail
	}
}

// shut keeps the user's other programs out of this process (prctl(2),
// PR_SET_DUMPABLE). Never to be called in the main process, see above.
func shut() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) } // cannot fail
