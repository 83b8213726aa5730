package tui

import (
	"context"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/flash/firstboot"
	"piwiz/flash/firstboot/sshlogin"
	"piwiz/nixgen/hostfile"
)

// state is what the pages share: the answers in the engine's own types.
type state struct {
	window
	all      context.Context // of the whole wizard
	ctx      context.Context // of this visit: it ends when the page is left
	leave    context.CancelFunc
	visit    int
	engine   Engine
	*answers                     // of the host that was chosen on the first page
	drafts   map[string]*answers // of all that were, by origin
	card     disk.Device
	opened   flash.Opened
	returned bool // the page was reached by going back
	found    firstboot.Result
	way      sshlogin.Way
	written  bool // from the first byte on there is no way back
	safe     bool // the written card is ejected
}

// takeNew takes up the answers for a new host, those given before if there
// are any.
func (s *state) takeNew() {
	if s.drafts[""] == nil {
		s.drafts[""] = answersOf("", hostfile.Saved{Host: s.engine.Defaults()})
	}
	s.answers = s.drafts[""]
	s.replace = false
}

// takeSaved takes up a saved host. One whose answers were changed, and are
// not saved yet, goes through the questions again.
func (s *state) takeSaved(h hostfile.Saved) {
	name := h.Host.Name
	if s.drafts[name] == nil {
		s.drafts[name] = answersOf(name, h)
	}
	s.answers = s.drafts[name]
	s.replace = !s.changed(h)
	if s.replace {
		s.saved = h
	}
}

// changed tells whether answers for a saved host were given that are not
// saved.
func (s *state) changed(h hostfile.Saved) bool {
	a := s.drafts[h.Host.Name]
	return a != nil && !sameHost(a.saved, h)
}

// filed notes that the answers are saved now. Under another name they are
// that host's from now on.
func (s *state) filed(h hostfile.Saved) {
	s.saved = h
	if name := h.Host.Name; s.origin != "" && s.origin != name {
		delete(s.drafts, s.origin)
		s.origin, s.drafts[name] = name, s.answers
	}
}

// again begins a new visit: what was asked before is cancelled, and what it
// still answers is nobody's.
func (s *state) again() {
	if s.leave != nil {
		s.leave()
	}
	s.ctx, s.leave = context.WithCancel(s.all)
	s.visit++
}
