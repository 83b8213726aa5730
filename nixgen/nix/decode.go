package nix

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"piwiz/nixgen/nix/clean"
	"piwiz/nixgen/nix/scan"
)

// Bounds of one line of the log in bytes; the rest of a longer line is dropped.
// The trace of an endless recursion is one event of some MiB. What a program
// writes besides may have no newline for ever.
const (
	maxLine  = 8 << 20
	maxPlain = 64 << 10
)

// tooLong stands for an event that was cut, which cannot be read.
var tooLong = fmt.Sprintf("(an event of more than %d MiB was skipped)", maxLine>>20)

var prefix = []byte("@nix ")

// Decoder reads events from the stderr of nix --log-format internal-json.
type Decoder struct {
	in   *bufio.Reader
	line []byte
}

// NewDecoder reads from r.
func NewDecoder(r io.Reader) *Decoder {
	return &Decoder{in: bufio.NewReaderSize(r, 64<<10)}
}

// Next returns the next event. A line that is no event comes back as Plain; an
// error is only ever one of the reader, io.EOF at the end.
func (d *Decoder) Next() (Event, error) {
	if err := d.read(); err != nil {
		return Event{}, err
	}
	return decode(d.line), nil
}

// read takes the next line, cut to its bound, into d.line.
func (d *Decoder) read() error {
	if cap(d.line) > maxPlain {
		d.line = nil // a giant is seldom followed by another
	}
	d.line = d.line[:0]
	for {
		piece, err := d.in.ReadSlice('\n')
		most := maxPlain
		if bytes.HasPrefix(d.line, prefix) || len(d.line) == 0 && bytes.HasPrefix(piece, prefix) {
			most = maxLine
		}
		if room := most - len(d.line); room > 0 {
			d.line = append(d.line, piece[:min(len(piece), room)]...)
		}
		switch {
		case err == nil:
			d.line = bytes.TrimRight(d.line, "\r\n")
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
		case len(d.line) > 0 && errors.Is(err, io.EOF):
			return nil // the last line has no newline
		default:
			return err
		}
	}
}

func decode(line []byte) Event {
	if len(line) >= maxLine {
		return Event{Action: Plain, Text: tooLong}
	}
	if body, ok := bytes.CutPrefix(line, prefix); ok {
		if e, ok := quick(body); ok {
			return e
		}
		if e, ok := thorough(body); ok {
			return e
		}
	}
	return Event{Action: Plain, Text: clean.Text(string(line))}
}

// wire is one line as Nix writes it.
type wire struct {
	Action string            `json:"action"`
	ID     uint64            `json:"id"`
	Parent uint64            `json:"parent"`
	Type   json.RawMessage   `json:"type"`
	Level  int               `json:"level"`
	Text   string            `json:"text"`
	Msg    string            `json:"msg"`
	Raw    string            `json:"raw_msg"`
	File   string            `json:"file"`
	Line   int               `json:"line"`
	Column int               `json:"column"`
	Fields []json.RawMessage `json:"fields"`
}

// thorough decodes any JSON. It says what is right; quick must agree.
func thorough(body []byte) (Event, bool) {
	var w wire
	if json.Unmarshal(body, &w) != nil {
		return Event{}, false
	}
	kind, err := strconv.Atoi(string(w.Type))
	if err != nil {
		kind = 0 // absent, or one of the named activities of newer versions
	}
	return assemble(Event{
		Action: Action(w.Action), ID: w.ID, Parent: w.Parent, Level: Level(w.Level),
		Fields: fields(w.Fields), File: w.File, Line: w.Line, Column: w.Column,
	}, kind, clean.Text(w.Text), clean.Text(w.Msg), clean.Text(w.Raw))
}

// assemble keeps of an event what its action gives a meaning to.
func assemble(e Event, kind int, text, msg, raw string) (Event, bool) {
	out := Event{Action: e.Action, ID: e.ID}
	switch e.Action {
	case Start:
		out.Parent, out.Level, out.Activity, out.Text, out.Fields = e.Parent, e.Level, Activity(kind), text, e.Fields
	case Result:
		out.Kind, out.Fields = Kind(kind), e.Fields
	case Msg:
		out.Level, out.Text, out.Cause = e.Level, msg, raw
		out.File, out.Line, out.Column = place(e.File), e.Line, e.Column
	case Stop:
	default:
		return Event{}, false
	}
	return out, true
}

// place takes ":LINE:COLUMN" off, which newer versions append to the path.
func place(file string) string {
	for range 2 {
		if i := strings.LastIndexByte(file, ':'); i > 0 {
			if _, err := strconv.Atoi(file[i+1:]); err == nil {
				file = file[:i]
			}
		}
	}
	return clean.Text(file)
}

func fields(raw []json.RawMessage) []scan.Field {
	if len(raw) == 0 {
		return nil
	}
	out := make([]scan.Field, len(raw))
	for i, r := range raw {
		var text string
		if json.Unmarshal(r, &text) == nil {
			out[i].Text = clean.Text(text)
			continue
		}
		if n, err := strconv.ParseInt(string(r), 10, 64); err == nil {
			out[i].Num = n
			continue
		}
		var n float64
		if json.Unmarshal(r, &n) == nil && math.Abs(n) < 1<<62 {
			out[i].Num = int64(n)
		}
	}
	return out
}
