package main

import (
	"bytes"
	"path/filepath"
	"testing"
)

// mostLines is how many lines of code a package holds before it is split at a
// seam.
const mostLines = 800

// large are the packages that hold more, and how many they may. A number only
// ever goes down, and a package that is below mostLines leaves the list.
var large = map[string]int{
	"cmd/piwiz/engine": 1650,
	"nixgen":           900,
}

// faces have a file for each page, which nothing but the story uses, or for each
// verb, which nothing but main uses.
var faces = map[string]bool{"tui": true, "cmd/piwiz": true}

func TestPackagesStaySmall(t *testing.T) {
	lines := map[string]int{}
	compiledFiles(t, func(path string, text []byte) {
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !bytes.HasPrefix(line, []byte("//")) {
				lines[filepath.Dir(path)]++
			}
		}
	})
	for dir, n := range lines {
		most, listed := large[dir]
		switch {
		case faces[dir]:
		case listed && n > most:
			t.Errorf("%s has %d lines of code, and no more than %d may be: split it at a seam", dir, n, most)
		case listed && n <= mostLines:
			t.Errorf("%s has %d lines of code: take it out of the list of large packages", dir, n)
		case !listed && n > mostLines:
			t.Errorf("%s has %d lines of code, and a package has at most %d: split it at a seam", dir, n, mostLines)
		}
	}
	for dir := range large {
		if lines[dir] == 0 {
			t.Errorf("%s is listed and has no code", dir)
		}
	}
}
