package main

import (
	"runtime/debug"
	"testing"
)

func TestTheVersionNamesTagAndCommit(t *testing.T) {
	built := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "50dffcb0123456789abcdef0123456789abcdef0"}
	changed := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	clean := debug.BuildSetting{Key: "vcs.modified", Value: "false"}
	for _, c := range []struct {
		tag  string
		info *debug.BuildInfo
		want string
	}{
		{"v0.2.0", built("(devel)", commit, clean), "v0.2.0 (commit 50dffcb01234)"},
		{"", built("(devel)", commit, changed), "without a tag (commit 50dffcb01234, changed since)"},
		{"", built("v0.0.0-20261128204500-50dffcb01234", commit, clean), "without a tag (commit 50dffcb01234)"},
		{"", built("v0.2.0"), "v0.2.0"}, // go install piwiz@v0.2.0
		{"v0.2.0", built(""), "v0.2.0"},
		{"", built("(devel)"), "without a tag"},
		{"", nil, "without a tag"},
	} {
		if got := versionOf(c.tag, c.info); got != c.want {
			t.Errorf("%q, %+v: %q, want %q", c.tag, c.info, got, c.want)
		}
	}
}
