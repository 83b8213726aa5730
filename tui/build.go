package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash/disk"
	"piwiz/nixgen/build"
	"piwiz/tui/logpane"
	"piwiz/tui/style"
)

// buildPage runs the build and shows what it is doing.
type buildPage struct {
	run  *run[build.Progress, build.Result]
	pane *logpane.Pane
	over bool // the end was seen by a tick
	err  error
}

func (p *buildPage) enter(s *state) tea.Cmd {
	p.over, p.err, p.pane = false, nil, logpane.New()
	name, makeImage, pane := s.saved.Host.Name, s.engine.Build, p.pane
	saved, save, replace := s.saved, s.engine.Save, s.replace
	p.run = start(s.ctx, func(ctx context.Context, report func(build.Progress)) (build.Result, error) {
		if replace { // a newer piwiz writes a newer module from the same answers
			if _, err := save(saved); err != nil {
				return build.Result{}, err
			}
		}
		return makeImage(ctx, name, func(e build.Event) {
			if e.Line != "" {
				pane.Append(logpane.Line{Text: e.Line, Err: e.Error})
			}
			report(e.Progress)
		})
	})
	return beat(p.run)
}

func (p *buildPage) update(s *state, msg tea.Msg) (move, tea.Cmd) {
	switch msg := msg.(type) {
	case tick:
		if msg.of != any(p.run) {
			return stay, nil
		}
		if p.run.running() {
			return stay, beat(p.run)
		}
		return p.finish(s), nil
	case tea.KeyMsg:
		return p.key(s, msg)
	}
	return stay, nil
}

// finish notes the end; an image for a replaced card goes straight on.
func (p *buildPage) finish(s *state) move {
	p.over, p.err = true, p.run.err
	if p.err == nil {
		s.image = p.run.result
		if s.replace {
			return next
		}
	}
	return stay
}

func (p *buildPage) key(s *state, msg tea.KeyMsg) (move, tea.Cmd) {
	if p.pane.Searching() && p.pane.Update(msg) {
		return stay, nil
	}
	switch msg.String() {
	case "esc":
		if !p.over {
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
	case "r":
		if p.over && p.err != nil {
			return stay, p.enter(s)
		}
	}
	p.pane.Update(msg)
	return stay, nil
}

// remedy is the page whose answer can put the failure right.
func (p *buildPage) remedy() move {
	var e *build.Error
	if errors.As(p.err, &e) && e.Page != "" {
		return move(e.Page)
	}
	return "preview"
}

func (p *buildPage) view(_ *state, width, height int) string {
	var top string
	switch {
	case p.over && p.err != nil:
		top = failure(p.err, width) + "\n\n" + wrap(fmt.Sprintf("Press enter to go to the page that can put it right (%s), r to build again.", p.remedy()), width) + "\n"
	case p.over:
		top = style.OK.Render("√ The image is ready") + fmt.Sprintf(": %s, made in %s.\nPress enter to choose the card.\n", disk.Human(p.run.result.Size), clock(p.run.result.Took))
	default:
		top = progressOf(p.run.sample(), time.Since(p.run.began), width)
	}
	used := strings.Count(top, "\n") + 1
	return top + "\n" + p.pane.View(width, max(height-used-1, 3))
}

func progressOf(g build.Progress, elapsed time.Duration, width int) string {
	stage := g.Stage
	if stage == "" {
		stage = "starting Nix"
	}
	share := 0.0
	if g.Expected > 0 {
		share = float64(g.Done) / float64(g.Expected)
	}
	line := fmt.Sprintf("%s · %s", stage, clock(elapsed))
	if g.Expected > 0 {
		line += fmt.Sprintf(" · %d of %d steps built", g.Done, g.Expected)
	}
	if g.BytesExpected > 0 {
		line += fmt.Sprintf(" · %s of %s fetched", disk.Human(g.BytesDone), disk.Human(g.BytesExpected))
	}
	var now []string
	for _, r := range g.Now {
		phase := ""
		if r.Phase != "" {
			phase = " (" + r.Phase + ")"
		}
		now = append(now, r.Name+phase)
	}
	return bar(share, width) + "\n" + line + "\n" + style.Dim.MaxWidth(width).Render("now: "+strings.Join(now, ", ")) + "\n"
}

func (p *buildPage) busy() string {
	if p.run.running() {
		return "The build will be stopped. What is already built is kept by Nix, so the next try is quicker."
	}
	return ""
}

func (p *buildPage) stop() { p.run.stop() }

func (p *buildPage) typing() bool { return p.pane != nil && p.pane.Searching() }

func (p *buildPage) help(*state) []key.Binding {
	log := []key.Binding{bind("↑↓", "scroll"), bind("/", "search"), bind("f", "follow")}
	switch {
	case !p.over:
		return log
	case p.err != nil:
		return slices.Concat([]key.Binding{bind("enter", "put it right"), bind("r", "build again")}, log, []key.Binding{bind("esc", "back")})
	}
	return slices.Concat([]key.Binding{bind("enter", "go on")}, log, []key.Binding{bind("esc", "back")})
}
