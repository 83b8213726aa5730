package main

import (
	"cmp"
	"runtime/debug"
)

// tag is that of a release; .ci/release sets it.
var tag string

func version() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(tag, info)
}

// versionOf says what the program was made from: the tag, and the commit where
// it was made in a clone.
func versionOf(tag string, info *debug.BuildInfo) string {
	if info == nil {
		info = &debug.BuildInfo{}
	}
	commit, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = ", changed since"
		}
	}
	name := info.Main.Version
	if name == "(devel)" || commit != "" { // then it is made up from the commit
		name = ""
	}
	name = cmp.Or(tag, name, "without a tag")
	if commit == "" {
		return name
	}
	return name + " (commit " + commit[:min(12, len(commit))] + changed + ")"
}
