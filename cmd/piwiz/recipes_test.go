package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A recipe that names a file which was moved sends its reader nowhere. Words in
// capitals stand for something; what is behind a path is for the command.
func TestTheRecipesNameFilesThatExist(t *testing.T) {
	text, err := os.ReadFile("../../.github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, recipes, _ := strings.Cut(string(text), "\n## Recipes\n")
	recipes, _, _ = strings.Cut(recipes, "\n## ")
	named := 0
	for _, m := range regexp.MustCompile("`((?:cmd|tui|nixgen|flash|\\.ci|\\.github)/[^`\\s]*)[^`]*`").FindAllStringSubmatch(recipes, -1) {
		if strings.Contains(m[1], "NAME") {
			continue
		}
		named++
		if found, err := filepath.Glob("../../" + m[1]); err != nil || len(found) == 0 {
			t.Errorf("CONTRIBUTING names %s, which does not exist (%v)", m[1], err)
		}
	}
	if named < 12 {
		t.Errorf("only %d files are named", named)
	}
}
