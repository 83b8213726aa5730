// Package osrelease says what system a computer has. Source: os-release(5).
package osrelease

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// System is what os-release says; the zero System is an unknown one.
type System struct {
	IDs     []string // its ID, then those it was made from (ID_LIKE)
	Version float64  // VERSION_ID, 0 when it has none
}

// Read reads etc/os-release below root. A file that cannot be read is that of
// an unknown system.
func Read(root string) System {
	text, err := os.ReadFile(filepath.Join(root, "etc/os-release"))
	if err != nil {
		return System{}
	}
	return parse(string(text))
}

func parse(text string) System {
	var s System
	var like []string
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			s.IDs = []string{value}
		case "ID_LIKE":
			like = strings.Fields(value)
		case "VERSION_ID":
			s.Version = 0
			if number.MatchString(value) { // "rolling" is none, and "NaN" would be one to ParseFloat
				s.Version, _ = strconv.ParseFloat(value, 64)
			}
		}
	}
	s.IDs = append(s.IDs, like...)
	return s
}

var number = regexp.MustCompile(`^\d{1,8}(?:\.\d{1,8})?$`) // 20260301 is one of them

// Is says whether it is one of these systems, or made from one.
func (s System) Is(ids ...string) bool {
	return slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(s.IDs, id) })
}
