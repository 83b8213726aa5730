// Package regular reads files that are found by name: keys, passwords, settings.
//
// Behind such a name may be anything: a pipe into which nobody writes, a folder,
// a device, a file without end. None of them may hold up the program, or be read
// as if it were a file. So each path from outside is opened here, as a regular
// file and nothing else, and read up to a limit. It is linked by what runs as
// root, so it needs nothing but the system.
package regular
