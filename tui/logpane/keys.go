package logpane

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"piwiz/tui/clean"
	"piwiz/tui/style"
)

var keys = struct{ up, down, pageUp, pageDown, top, tail, pause, search, next, before, only, accept, leave, all key.Binding }{
	up:       key.NewBinding(key.WithKeys("up", "k"), key.WithHelp(style.Up+"/"+style.Down, "scroll")),
	down:     key.NewBinding(key.WithKeys("down", "j")),
	pageUp:   key.NewBinding(key.WithKeys("pgup")),
	pageDown: key.NewBinding(key.WithKeys("pgdown")),
	top:      key.NewBinding(key.WithKeys("home", "g")),
	tail:     key.NewBinding(key.WithKeys("end", "G"), key.WithHelp("end", "follow")),
	pause:    key.NewBinding(key.WithKeys(" "), key.WithHelp("space", "pause")),
	search:   key.NewBinding(key.WithKeys("/"), key.WithHelp("/", "search")),
	next:     key.NewBinding(key.WithKeys("n"), key.WithHelp("n/N", "next/previous hit")),
	before:   key.NewBinding(key.WithKeys("N")),
	only:     key.NewBinding(key.WithKeys("d"), key.WithHelp("d", "one step's lines")),
	accept:   key.NewBinding(key.WithKeys("enter"), key.WithHelp("enter", "search")),
	all:      key.NewBinding(key.WithKeys("esc"), key.WithHelp("esc", "all lines")),
	leave:    key.NewBinding(key.WithKeys("esc"), key.WithHelp("esc", "end search")),
}

// Help returns the keys that work now, for the help line.
func (p *Pane) Help() []key.Binding {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.typing:
		return []key.Binding{keys.accept, keys.leave}
	case p.query != "":
		return []key.Binding{keys.up, keys.next, keys.leave, keys.tail}
	case p.only != "":
		return []key.Binding{keys.up, keys.only, keys.all, keys.search}
	case p.follow:
		return []key.Binding{keys.up, keys.pause, keys.search, keys.only}
	}
	return []key.Binding{keys.up, keys.tail, keys.search, keys.only}
}

// Update takes a key and tells whether it was one of the pane's. While a
// search is typed all keys are, save ctrl+c.
func (p *Pane) Update(k tea.KeyMsg) (handled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.typing {
		handled = p.typeSearch(k)
	} else {
		handled = p.command(k)
	}
	if handled {
		p.version++
	}
	return handled
}

func (p *Pane) command(k tea.KeyMsg) bool {
	top := p.window()
	switch {
	case key.Matches(k, keys.up):
		p.scroll(top - 1)
	case key.Matches(k, keys.down):
		p.scroll(top + 1)
	case key.Matches(k, keys.pageUp):
		p.scroll(top - p.height)
	case key.Matches(k, keys.pageDown):
		p.scroll(top + p.height)
	case key.Matches(k, keys.top):
		p.scroll(p.shown().first())
		p.follow = false
	case key.Matches(k, keys.tail):
		p.follow = true
	case key.Matches(k, keys.pause):
		p.top, p.follow = top, !p.follow
	case key.Matches(k, keys.search):
		p.typing, p.query, p.missed = true, "", false
	case key.Matches(k, keys.next) && p.query != "":
		p.find(p.found+1, 1)
	case key.Matches(k, keys.before) && p.query != "":
		p.find(p.found-1, -1)
	case key.Matches(k, keys.only):
		p.narrow()
	case key.Matches(k, keys.leave) && p.query != "":
		p.query, p.missed = "", false
	case key.Matches(k, keys.leave) && p.only != "":
		p.only = ""
		p.refill()
	default:
		return false
	}
	return true
}

// typeSearch edits the query. The first search looks upwards from the tail:
// what went wrong is usually near the end.
func (p *Pane) typeSearch(k tea.KeyMsg) bool {
	switch k.Type {
	case tea.KeyCtrlC:
		return false
	case tea.KeyRunes, tea.KeySpace:
		p.query += strings.ToLower(clean.Name(string(k.Runes)))
	case tea.KeyBackspace:
		if r := []rune(p.query); len(r) > 0 {
			p.query = string(r[:len(r)-1])
		}
	case tea.KeyEsc:
		p.typing, p.query = false, ""
	case tea.KeyEnter:
		p.typing = false
		if p.query != "" {
			p.find(p.shown().total-1, -1)
		}
	}
	return true
}
