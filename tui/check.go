package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/viewport"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"piwiz/flash/crash"
	"piwiz/nixgen/preflight"
	"piwiz/tui/style"
)

// checkPage says before any question whether this computer can do it, and
// fixes what it can after showing the command.
type checkPage struct {
	checklist
	checks []preflight.Check // of this round
	moved  bool              // by the user: it stays where it is
	pane   viewport.Model
	offer  string // the command that waits for a yes, "" when none does
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
}

type checkDone struct {
	index int
	found preflight.Finding
}

// repaired is how the command of a check ended.
type repaired struct {
	of  int
	err error
}

func (p *checkPage) enter(s *state) tea.Cmd {
	p.tried, p.err = -1, nil
	return p.ask(s)
}

// ask begins anew: the checks run side by side, the slow ones after them.
func (p *checkPage) ask(s *state) tea.Cmd {
	if p.cancel != nil {
		p.cancel()
	}
	s.again()
	p.ctx, p.cancel = context.WithCancel(s.ctx)
	p.checks, p.results, p.offer, p.moved, p.cursor = s.engine.Checks(), nil, "", false, 0
	var cmds []tea.Cmd
	var answers []chan preflight.Finding
	for i := range p.checks {
		answer := make(chan preflight.Finding, 1)
		p.results, answers = append(p.results, &checked{}), append(answers, answer)
		cmds = append(cmds, func() tea.Msg { return checkDone{i, <-answer} })
	}
	ctx, checks := p.ctx, p.checks
	p.work.Add(1)
	crash.Go(func() error {
		preflight.Ask(ctx, checks, false, crash.Go, func(i int, f preflight.Finding) { answers[i] <- f })
		return nil
	}, func(error) { p.work.Done() })
	p.fill(s)
	return tea.Batch(cmds...)
}

// busy is empty: nothing is lost by leaving. stop ends what still runs.
func (p *checkPage) busy() string { return "" }

func (p *checkPage) stop() {
	if p.cancel != nil {
		p.cancel()
		p.work.Wait()
	}
}

func (p *checkPage) took(s *state, msg checkDone) {
	if p.ctx.Err() != nil {
		return
	}
	r := p.results[msg.index]
	r.Finding, r.done = msg.found, true
	if !p.moved {
		p.cursor = max(p.worst(), 0)
	} else if p.results[p.cursor].hidden() {
		p.cursor = p.beside(1)
	}
	p.fill(s)
}

func (p *checkPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case checkDone:
		p.took(s, msg)
	case repaired:
		cmd := p.ask(s)
		p.tried, p.err = msg.of, msg.err
		p.fill(s)
		return stay, cmd
	case tea.WindowSizeMsg:
		p.fill(s)
	case tea.KeyMsg:
		if p.offer != "" {
			return stay, p.answer(s, msg.String())
		}
		return p.key(s, msg)
	}
	return stay, nil
}

// answer takes the yes or no to a command that is shown.
func (p *checkPage) answer(s *state, key string) tea.Cmd {
	command, of := p.offer, p.fixable()
	switch key {
	case "esc", "n":
		p.offer = ""
	case "enter":
		p.offer = ""
		return exec(s.engine.Repair(command), func(err error) tea.Msg { return repaired{of, err} })
	}
	return nil
}

func (p *checkPage) key(s *state, msg tea.KeyMsg) (move, tea.Cmd) {
	switch msg.String() {
	case "esc":
		return back, nil
	case "r":
		p.tried, p.err = -1, nil
		return stay, p.ask(s)
	case "f":
		p.offer = p.repair()
	case "enter":
		if pending, states := p.count(); pending == 0 && states[preflight.Failure] == 0 {
			return p.leave(s), nil
		}
	case "a":
		return p.leave(s), nil
	case "up", "k":
		p.step(s, -1)
	case "down", "j":
		p.step(s, 1)
	default:
		p.pane, _ = p.pane.Update(msg)
	}
	return stay, nil
}

// leave goes on to the questions; what must be fetched comes meanwhile.
func (p *checkPage) leave(s *state) move {
	s.engine.Fetch()
	return next
}

// step moves the cursor, after the lines of a finding that is taller than the
// pane have been seen.
func (p *checkPage) step(s *state, by int) {
	if len(p.results) == 0 {
		return
	}
	p.moved = true
	r := p.results[p.cursor]
	switch {
	case by > 0 && r.end > p.pane.YOffset+p.pane.Height:
		p.pane.ScrollDown(1)
		return
	case by < 0 && r.first < p.pane.YOffset:
		p.pane.ScrollUp(1)
		return
	}
	p.cursor = p.beside(by)
	p.fill(s)
}

// fill writes the findings into the pane and keeps the one under the cursor
// in sight.
func (p *checkPage) fill(s *state) {
	width := max(s.width-4, 1)
	var lines []string
	for i, r := range p.results {
		r.first = len(lines)
		lines = append(lines, p.finding(p.checks[i].Name, i, width)...)
		r.end = len(lines)
	}
	room := max(s.height-4-lipgloss.Height(p.advice(width))-1-spare(p.lastEnd(width)), 1)
	p.pane.Width, p.pane.Height = width, min(room, len(lines))
	p.pane.SetContent(strings.Join(lines, "\n"))
	if len(p.results) == 0 {
		return
	}
	at := p.results[p.cursor]
	if at.end > p.pane.YOffset+p.pane.Height {
		p.pane.SetYOffset(at.end - p.pane.Height)
	}
	if at.first < p.pane.YOffset {
		p.pane.SetYOffset(at.first)
	}
}

func (p *checkPage) view(s *state, width, height int) string {
	if p.offer != "" {
		return s.fit(wrap("piwiz will leave these pages for a moment and run this in your terminal:", width)+"\n\n  "+
			style.Command.Render(strings.ReplaceAll(hang(p.offer, width), "\n", "\n  ")), "\n"+wrap("Press enter to run it: you may be asked for your password. Then piwiz checks this computer again. Press esc to cancel.", width), height)
	}
	more := ""
	if !p.pane.AtBottom() {
		more = style.Dim.Render("    " + style.Down + " more below")
	}
	return s.fit(p.lastEnd(width), p.pane.View()+"\n"+more+"\n"+p.advice(width), height)
}

func (p *checkPage) help(*state) []key.Binding {
	if p.offer != "" {
		return []key.Binding{bind("enter", "run it"), bind("esc", "cancel")}
	}
	var h []key.Binding
	if _, states := p.count(); states[preflight.Failure] > 0 {
		h = []key.Binding{bind("r", "check again"), bind("a", "go on anyway")}
	} else {
		h = []key.Binding{bind("enter", "go on"), bind("r", "check again")}
	}
	if p.repair() != "" {
		h = slices.Insert(h, 0, bind("f", "fix it"))
	}
	h = append(h, bind(style.UpDown, "scroll"), bind("esc", "back"))
	return h
}

func (p *checkPage) failed() error {
	if _, states := p.count(); states[preflight.Failure] > 0 {
		return NotReady{states[preflight.Failure]}
	}
	return nil
}

// NotReady says that this computer lacks something.
type NotReady struct{ Missing int }

func (e NotReady) Error() string {
	return fmt.Sprintf("%s must be fixed before an image can be built", count(e.Missing, "thing"))
}
