package nix

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// maxLine bounds one line of the log in bytes. The rest of a longer line is
// dropped: a builder may write megabytes without a newline.
const maxLine = 1 << 20

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

// read takes the next line, cut to maxLine, into d.line.
func (d *Decoder) read() error {
	d.line = d.line[:0]
	for {
		piece, err := d.in.ReadSlice('\n')
		if room := maxLine - len(d.line); room > 0 {
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

func decode(line []byte) Event {
	body, ok := bytes.CutPrefix(line, prefix)
	var w wire
	if !ok || json.Unmarshal(body, &w) != nil {
		return Event{Action: Plain, Text: Clean(string(line))}
	}
	e := Event{Action: Action(w.Action), ID: w.ID, Parent: w.Parent, Level: Level(w.Level)}
	kind, err := strconv.Atoi(string(w.Type))
	if err != nil {
		kind = 0 // absent, or one of the named activities of newer versions
	}
	switch e.Action {
	case Start:
		e.Activity, e.Text, e.Fields = Activity(kind), Clean(w.Text), fields(w.Fields)
	case Result:
		e.Kind, e.Fields = Kind(kind), fields(w.Fields)
	case Msg:
		e.Text, e.Cause, e.Line, e.Column = Clean(w.Msg), Clean(w.Raw), w.Line, w.Column
		e.File = place(w.File)
	case Stop:
	default:
		return Event{Action: Plain, Text: Clean(string(line))}
	}
	return e
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
	return Clean(file)
}

func fields(raw []json.RawMessage) []Field {
	out := make([]Field, len(raw))
	for i, r := range raw {
		var text string
		if json.Unmarshal(r, &text) == nil {
			out[i].Text = Clean(text)
			continue
		}
		var n float64
		if json.Unmarshal(r, &n) == nil && math.Abs(n) < 1<<62 {
			out[i].Num = int64(n)
		}
	}
	return out
}
