package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/disk"
	"piwiz/nixgen"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/fault"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/tui/logpane"
	"piwiz/tui/style"
)

// buildPage says what the build will cost, runs it and shows what it is doing.
// It asks only when the answers may be a mistake, before anything is saved, and
// when hours of compiling are ahead.
type buildPage struct {
	doubts []nixgen.Doubt // about the answers: y is a yes to all of them
	plan   *run[follow.Progress, plannedBuild]
	run    *run[follow.Progress, builder.Result] // nil while it is being planned
	pane   *logpane.Pane
	asks   bool // the plan warns: y begins
	over   bool // the end was seen by a tick
	err    error
}

func (p *buildPage) enter(s *state) tea.Cmd {
	if s.returned && p.over && p.err == nil {
		return nil // the image is there, and nothing was changed since
	}
	*p = buildPage{pane: logpane.New()}
	if p.err = s.saved.Host.Check(); p.err != nil {
		p.over = true // all that must be changed is told before anything is asked
		return nil
	}
	if p.doubts = s.saved.Host.Doubts(); len(p.doubts) > 0 {
		return nil
	}
	return p.prepare(s)
}

// prepare saves the host and finds out what its build will cost.
func (p *buildPage) prepare(s *state) tea.Cmd {
	for _, n := range s.saved.Host.Notes() {
		p.pane.Append(logpane.Line{Text: "note: " + n})
	}
	saved, save, plan, pane := s.saved, s.engine.Save, s.engine.Plan, p.pane
	p.plan = start(s.ctx, func(ctx context.Context, report func(follow.Progress)) (plannedBuild, error) {
		// Also for a saved host as it is: a newer piwiz writes a newer module
		// from the same answers.
		saved, err := save(saved)
		if err != nil {
			return plannedBuild{}, err
		}
		if saved.Kept != "" {
			pane.Append(logpane.Line{Text: "The previous passwords and key are kept in " + saved.Kept})
		}
		plan, err := plan(ctx, saved.Host.Name, into(pane, report))
		return plannedBuild{saved, plan}, err
	})
	return beat(p.plan)
}

// plannedBuild is a host as it was saved, and what its build will cost.
type plannedBuild struct {
	saved hostfile.Saved
	plan  builder.Plan
}

// begin builds.
func (p *buildPage) begin(s *state) tea.Cmd {
	p.asks = false
	name, makeImage, pane := s.saved.Host.Name, s.engine.Build, p.pane
	p.run = start(s.ctx, func(ctx context.Context, report func(follow.Progress)) (builder.Result, error) {
		return makeImage(ctx, name, into(pane, report))
	})
	return beat(p.run)
}

// into sends the lines of a run to the log and the rest to its mailbox.
func into(pane *logpane.Pane, report func(follow.Progress)) func(follow.Event) {
	return func(e follow.Event) {
		if e.Line != "" {
			pane.Append(logpane.Line{Text: e.Line, Of: e.Derivation, Err: e.Error})
		}
		report(e.Progress)
	}
}

func (p *buildPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case tick:
		if p.run == nil {
			if ended, cmd := p.plan.ended(msg); !ended {
				return stay, cmd
			}
			return stay, p.planned(s)
		}
		if ended, cmd := p.run.ended(msg); !ended {
			return stay, cmd
		}
		return p.finish(s), nil
	case tea.KeyMsg:
		return p.key(s, msg)
	}
	return stay, nil
}

// planned begins the build when the plan is there and warns of nothing.
func (p *buildPage) planned(s *state) tea.Cmd {
	if saved := p.plan.result.saved; saved.Host.Name != "" {
		s.filed(saved) // whatever became of the plan
	}
	if p.err = p.plan.err; p.err != nil {
		p.over = true
		return nil
	}
	if what := planText(p.plan.result.plan); what != "" {
		p.pane.Append(logpane.Line{Text: "plan: " + what})
	}
	if p.asks = len(p.plan.result.plan.Warning()) > 0; p.asks {
		return nil
	}
	return p.begin(s)
}

// finish notes the end; an image for a replaced card goes straight on.
func (p *buildPage) finish(s *state) move {
	p.over, p.err = true, p.run.err
	if p.err == nil && s.replace {
		return next
	}
	return stay
}

func (p *buildPage) key(s *state, msg tea.KeyMsg) (move, tea.Cmd) {
	if p.pane.Searching() && p.pane.Update(msg) {
		return stay, nil
	}
	if len(p.doubts) > 0 {
		return p.decide(s, msg.String())
	}
	switch msg.String() {
	case "esc":
		if !p.over && !p.asks {
			return stay, nil // a build is not thrown away by a stray key: ctrl+c asks
		}
		return back, nil
	case "enter":
		switch {
		case p.over && p.err == nil:
			return next, nil
		case p.over:
			return p.remedy(), nil
		}
	case "y":
		if p.asks {
			return stay, p.begin(s)
		}
	case "r":
		if p.over && p.err != nil {
			return stay, p.enter(s)
		}
	}
	p.pane.Update(msg)
	return stay, nil
}

// remedy is the page whose answer can fix the failure.
func (p *buildPage) remedy() move {
	if e, ok := errors.AsType[*builder.Error](p.err); ok && e.Page != "" {
		return move(e.Page)
	}
	// A builder that says itself what is wrong does not speak of the answers.
	if _, ok := errors.AsType[*fault.Error](p.err); ok {
		return "check"
	}
	return "preview"
}

func (p *buildPage) view(s *state, width, height int) string {
	var top, hint string
	switch {
	case len(p.doubts) > 0:
		return s.fit(drawDoubts(p.doubts, width), "\n"+wrap("Press enter to change the answers, or y to build it like this.", width), height)
	case p.over && p.err != nil:
		top, hint = failure(p.err, width), "\n"+wrap(fmt.Sprintf("Press enter to go to the page that can fix it (%s), r to build again.", p.remedy()), width)
	case p.over:
		top = style.OK.Render(style.Done+" The image is ready") + fmt.Sprintf(": %s, made in %s.", disk.Human(p.run.result.Size), clock(p.run.result.Took))
		hint = "Press enter to choose the card."
	case p.asks:
		top, hint = drawWarning(p.plan.result.plan, width), "\n"+wrap("Press esc to go back and change it, y to build it anyway.", width)
	default:
		top = drawProgress(p.sample(), since(p.plan.began), width)
	}
	rest := height - lines(top) - lines(hint) - 1
	return s.fit(top, hint+"\n"+p.pane.View(width, max(rest, 3)), height)
}

// sample is how far the reading or the building is.
func (p *buildPage) sample() follow.Progress {
	if p.run == nil {
		return p.plan.sample()
	}
	return p.run.sample()
}

func (p *buildPage) busy() string {
	if p.plan.running() || p.run.running() {
		return "The build will be stopped. What is already downloaded or built is kept, so the next try is quicker."
	}
	return ""
}

func (p *buildPage) stop() {
	p.plan.stop()
	p.run.stop()
}

func (p *buildPage) typing() bool { return p.pane != nil && p.pane.Typing() }

func (p *buildPage) help(*state) []key.Binding {
	log := []key.Binding{bind(style.UpDown, "scroll"), bind("/", "search"), bind("end", "follow"), bind("d", "one step's lines")}
	switch {
	case len(p.doubts) > 0:
		return []key.Binding{bind("enter", "change it"), bind("y", "keep it"), bind("esc", "back")}
	case p.asks:
		return []key.Binding{bind("y", "build it all"), bind(style.UpDown, "scroll"), bind("esc", "back")}
	case !p.over:
		return log
	case p.err != nil:
		return slices.Concat([]key.Binding{bind("enter", "fix it"), bind("r", "build again")}, log, []key.Binding{bind("esc", "back")})
	}
	return slices.Concat([]key.Binding{bind("enter", "go on")}, log, []key.Binding{bind("esc", "back")})
}

// decide takes the answer to the doubts. The yes is saved with the host, so that
// nobody is asked twice.
func (p *buildPage) decide(s *state, k string) (move, tea.Cmd) {
	switch k {
	case "esc":
		return back, nil
	case "enter":
		return move("wifi"), nil // all of them can be fixed there, but for the release
	case "y":
		var keys []string
		for _, d := range p.doubts {
			keys = append(keys, d.Key)
		}
		s.saved.Host = s.saved.Host.Confirm(keys...)
		p.doubts = nil
		return stay, p.prepare(s)
	}
	return stay, nil
}

func (p *buildPage) failed() error {
	if p.over {
		return p.err
	}
	return nil
}
