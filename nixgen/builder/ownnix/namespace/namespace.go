// Package namespace runs a program where a folder is /nix, without root.
package namespace

// Inside is for main to call before anything else: it does what this program
// was started again for, and then does not return. Otherwise it returns at once.
func Inside() {}
