package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piwiz/tui/screen"
)

// wizardRegisters drives the check page: the emulator is there, and nobody has
// registered it.
func wizardRegisters(t *testing.T, r *room) {
	r.table()
	before := r.shown()
	cmd := r.as("TERM=xterm-256color", filepath.Join(r.dir, "piwiz"), "--builder", "local")
	cmd.SysProcAttr = nil                // the terminal is its own
	s, err := screen.Start(cmd, 200, 60) // the folder of the test fits into a line
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	play(t, s, [][]string{
		{"Set up a new Raspberry Pi", "enter"},
		{"piwiz can register it while it runs", "down", "down", "down", "type f"},
		{"sudo " + filepath.Join(r.dir, "piwiz") + " grant emulation", "enter"},
		{"Programs for the Pi's processor run here"},
	})
	if now := r.shown(); !strings.Contains(now, "piwiz-aarch64") {
		t.Errorf("nothing is registered:\n%s", now)
	}
	if err := s.Key("ctrl+c"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wait(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	r.gone(before)
}
