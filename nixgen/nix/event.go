// Package nix runs the nix command and reads what it says.
//
// With --log-format internal-json Nix writes one event a line to stderr, as
// "@nix " and a JSON object (Nix, src/libutil/logging.cc and logging.hh).
// Lines without the prefix are other programs' words. Numbers that are not
// known here are kept as they are: newer versions add some.
package nix

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Action is what kind of line it was.
type Action string

// The actions of Nix, and Plain for a line of another program.
const (
	Start  Action = "start"
	Stop   Action = "stop"
	Result Action = "result"
	Msg    Action = "msg"
	Plain  Action = "plain"
)

// Activity types (of Start) and result types (of Result) that are acted upon.
const (
	CopyPath     = 100
	FileTransfer = 101
	Builds       = 104
	Build        = 105

	BuildLogLine = 101
	SetPhase     = 104
	Progress     = 105
	SetExpected  = 106
)

// Event is one line. Fields hold strings and float64s.
type Event struct {
	Action Action `json:"action"`
	ID     uint64 `json:"id"`
	Parent uint64 `json:"parent"`
	Type   int    `json:"type"`
	Level  int    `json:"level"` // 0 error, 1 warning; others are chatter
	Text   string `json:"text"`
	Msg    string `json:"msg"`
	RawMsg string `json:"raw_msg"` // the short cause, without trace
	File   string `json:"file"`
	Line   int    `json:"line"`
	Fields []any  `json:"fields"`
}

// Str is field i as text, "" when it is none.
func (e Event) Str(i int) string {
	if i < len(e.Fields) {
		s, _ := e.Fields[i].(string)
		return s
	}
	return ""
}

// Num is field i as a number, 0 when it is none.
func (e Event) Num(i int) int64 {
	if i < len(e.Fields) {
		f, _ := e.Fields[i].(float64)
		return int64(f)
	}
	return 0
}

// A builder can print a line without end; more than this is cut.
const maxLine = 1 << 20

// Decoder reads events line by line.
type Decoder struct{ in *bufio.Reader }

// NewDecoder reads from r.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{bufio.NewReaderSize(r, 64<<10)} }

// Next returns the next event. A line that cannot be understood is Plain,
// never an error; io.EOF ends the stream.
func (d *Decoder) Next() (Event, error) {
	line, err := d.line()
	if err != nil && len(line) == 0 {
		return Event{}, err
	}
	return parse(line), nil
}

func (d *Decoder) line() ([]byte, error) {
	var line []byte
	for {
		part, err := d.in.ReadSlice('\n')
		if len(line) < maxLine {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimRight(line, "\r\n"), err
		}
	}
}

func parse(line []byte) Event {
	body, ok := bytes.CutPrefix(line, []byte("@nix "))
	var e Event
	if !ok || json.Unmarshal(body, &e) != nil {
		return Event{Action: Plain, Text: strings.ToValidUTF8(string(line), "\uFFFD")}
	}
	switch e.Action {
	case Start, Stop, Result, Msg:
		return e
	}
	return Event{Action: Plain, Text: strings.ToValidUTF8(string(line), "\uFFFD")}
}
