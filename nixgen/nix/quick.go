package nix

import (
	"piwiz/nixgen/nix/clean"
	"piwiz/nixgen/nix/scan"
)

// quick decodes the JSON that Nix really writes: one flat object without
// spaces, of strings, whole numbers, null and one list of these. It gives up on
// everything else, and thorough decides. A download writes 170 lines per MiB,
// and encoding/json takes five times as long for them.
func quick(body []byte) (Event, bool) {
	s := scan.New(body)
	var e Event
	var kind int
	var text, msg, raw string
	if !s.Take('{') {
		return e, false
	}
	for !s.Bad() {
		switch key := s.Key(); string(key) {
		case "action":
			e.Action = Action(s.Word(string(e.Action), string(Result), string(Start), string(Stop), string(Msg)))
		case "id":
			e.ID = uint64(s.Whole(int64(e.ID)))
		case "parent":
			e.Parent = uint64(s.Whole(int64(e.Parent)))
		case "type":
			kind = s.Kind()
		case "level":
			e.Level = Level(s.Signed(int64(e.Level)))
		case "text":
			text = s.Text(text)
		case "msg":
			msg = s.Text(msg)
		case "raw_msg":
			raw = s.Text(raw)
		case "file":
			e.File = s.Text(e.File)
		case "line":
			e.Line = int(s.Signed(int64(e.Line)))
		case "column":
			e.Column = int(s.Signed(int64(e.Column)))
		case "fields":
			e.Fields = s.List()
		default:
			s.Other(key)
		}
		if s.Take(',') {
			continue
		}
		if !s.Take('}') || !s.AtEnd() {
			return e, false
		}
		break
	}
	if s.Bad() {
		return e, false
	}
	return assemble(e, kind, clean.Text(text), clean.Text(msg), clean.Text(raw))
}
