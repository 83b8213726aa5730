package nix

import (
	"strings"

	"piwiz/nixgen/nix/scan"
)

// Action says what kind of line an event was.
type Action string

// The actions. Plain is a line that Nix did not write as an event: a program
// that Nix started (ssh, git) wrote to stderr itself.
const (
	Start  Action = "start"
	Stop   Action = "stop"
	Result Action = "result"
	Msg    Action = "msg"
	Plain  Action = "plain"
)

// Activity is the type number of a Start. Newer versions of Nix add numbers;
// unknown ones are passed on as they are.
type Activity int

// The activities that matter to somebody watching.
const (
	Unknown       Activity = 0
	CopyPath      Activity = 100
	FileTransfer  Activity = 101
	Realise       Activity = 102
	CopyPaths     Activity = 103
	Builds        Activity = 104
	Build         Activity = 105 // Fields: derivation, machine ("" = here)
	Substitute    Activity = 108
	QueryPathInfo Activity = 109
	BuildWaiting  Activity = 111 // for a lock or for a machine
)

// Kind is the type number of a Result.
type Kind int

// The results that matter to somebody watching.
const (
	LogLine     Kind = 101 // Fields: one line of the builder
	SetPhase    Kind = 104 // Fields: name of the phase
	Progress    Kind = 105 // Fields: done, expected, running, failed
	SetExpected Kind = 106 // Fields: activity type, expected
)

// Level is how important Nix thinks a line is. It is no severity: a warning
// that a daemon passes on arrives as an error.
type Level int

// The levels that are shown.
const (
	LevelError  Level = 0
	LevelWarn   Level = 1
	LevelNotice Level = 2
	LevelInfo   Level = 3
)

// Event is one line of Nix's log.
type Event struct {
	Action   Action
	ID       uint64 // of the activity: Start, Stop, Result
	Parent   uint64 // Start; 0 when there is none
	Activity Activity
	Kind     Kind
	Level    Level
	Text     string // Start: what it does; Msg: the message with its trace; Plain: the line
	Cause    string // Msg: the innermost cause without trace, "" when Nix gave none
	Fields   []scan.Field
	File     string // Msg: where in the Nix source, path only, "" when unknown
	Line     int    // Msg: 0 when unknown
	Column   int    // Msg: 0 when unknown
}

// Most is the largest number that NumAt believes, of bytes or of anything else:
// 2^15 of them can be added up.
const Most = 1 << 48

// TextAt is field i as text, "" when there is no such field.
func (e Event) TextAt(i int) string {
	if i >= len(e.Fields) {
		return ""
	}
	return e.Fields[i].Text
}

// NumAt is field i as a number from 0 to Most, the nearest one when it is
// outside; 0 when there is no such field.
func (e Event) NumAt(i int) int64 {
	if i >= len(e.Fields) {
		return 0
	}
	return min(max(e.Fields[i].Num, 0), Most)
}

// StoreName is what people call a store path or a derivation: without the
// folder, the hash and .drv.
func StoreName(path string) string {
	path = strings.TrimPrefix(path, "/nix/store/")
	if len(path) > 33 && path[32] == '-' {
		path = path[33:]
	}
	return strings.TrimSuffix(path, ".drv")
}
