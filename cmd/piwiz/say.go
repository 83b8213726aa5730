package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/charmbracelet/x/term"

	"piwiz/nixgen"
	"piwiz/tui/clean"
)

// nothing says why there is nothing to list, where it cannot be taken for a
// line of the list.
func (p *program) nothing(text string) {
	if !p.json {
		tell(text)
	}
}

// file prints a file. Only a terminal gets it cleaned: elsewhere every byte
// counts.
func (p *program) file(f nixgen.File) {
	text := "# ---- " + f.Name + "\n" + f.Text
	if !p.json && !term.IsTerminal(os.Stdout.Fd()) {
		fmt.Fprintln(p.out, text)
		return
	}
	p.say("file", map[string]any{"name": f.Name, "text": f.Text, "yours": f.Once}, text)
}

// tell prints what is not part of the output: questions, what is about to be
// run, errors.
func tell(text string) { fmt.Fprintln(os.Stderr, clean.Text(text)) }

// line prints one JSON object: {"event": kind, ...value}.
func (p *program) line(kind string, value map[string]any) {
	value["event"] = kind
	b, err := json.Marshal(value)
	if err != nil {
		b, _ = json.Marshal(map[string]string{"event": "error", "error": err.Error()})
	}
	fmt.Fprintf(p.out, "%s\n", clean.JSON(b))
}

// say prints an event as JSON or as its sentence.
func (p *program) say(kind string, value map[string]any, text string) {
	if p.json {
		p.line(kind, value)
	} else if text != "" {
		fmt.Fprintln(p.out, clean.Text(text))
	}
}
