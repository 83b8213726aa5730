package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/nixgen/preflight"
	"piwiz/tui/screen"
)

func found(f preflight.Finding) preflight.Check {
	return preflight.Check{Name: "check", Run: func(context.Context) preflight.Finding { return f }}
}

// round are the same checks in each round.
func round(checks ...preflight.Check) func() []preflight.Check {
	return func() []preflight.Check { return checks }
}

// untrusted is a computer where three things are wrong.
func untrusted() []preflight.Check {
	return []preflight.Check{
		found(preflight.Finding{State: preflight.OK, What: "Nix 2.26.3 is installed."}),
		found(preflight.Finding{State: preflight.OK, What: "The Nix service answers."}),
		found(preflight.Finding{
			State: preflight.Failure, What: "Nix does not let you build for the Pi's processor.",
			Why:     "Your user (alice) is not trusted by the Nix service, and its own settings do not name aarch64-linux.",
			Command: `printf '\nextra-extra-platforms = aarch64-linux\n' | sudo tee -a /etc/nix/nix.conf && sudo systemctl restart nix-daemon.service`,
		}),
		found(preflight.Finding{
			State: preflight.Failure, What: "This computer cannot run programs for the Raspberry Pi yet: no emulator is registered.",
			Command: "sudo apt-get install qemu-user-static binfmt-support",
		}),
		found(preflight.Finding{State: preflight.OK, What: "There is room for the build: 61.2 GB in /nix/store."}),
		found(preflight.Finding{State: preflight.Warning, What: "There is little memory: 1.2 GB of memory and 0.0 GB of swap are free, 4.0 GB in all is better.", Why: "When memory runs out, Linux stops a program and the build fails.", Todo: []string{"Close other programs, the web browser first."}}),
		found(preflight.Finding{State: preflight.OK, What: "Guessed: time zone Europe/Berlin, country DE, language de_DE."}),
		{Name: "test build", Last: true, Run: func(context.Context) preflight.Finding {
			return preflight.Finding{State: preflight.OK, What: "A test build worked."}
		}},
	}
}

// command is a repair that only notes what was run.
type command struct {
	line string
	ran  *[]string
	err  error
}

func (c command) SetStdin(io.Reader)  {}
func (c command) SetStdout(io.Writer) {}
func (c command) SetStderr(io.Writer) {}
func (c command) Run() error {
	*c.ran = append(*c.ran, c.line)
	return c.err
}

func TestAFailureIsExplainedAndItsCommandRunsOnlyAfterAYes(t *testing.T) {
	e := engine(t)
	checks := untrusted()
	e.Checks = round(checks...)
	var ran []string
	e.Repair = func(line string) tea.ExecCommand { return command{line: line, ran: &ran} }
	d := drive(t, e)
	d.keys("enter")
	d.on("check")
	d.sees("► × Nix does not let you build")
	d.sees("Your user (alice) is not trusted")
	d.keys("enter")
	d.on("check")
	d.keys("f")
	d.sees("run this in your terminal")
	d.sees("sudo systemctl restart nix-daemon.service")
	d.keys("esc")
	d.lacks("run this in your terminal")
	d.keys("down", "f")
	d.sees("sudo apt-get install qemu-user-static binfmt-support")
	d.lacks("tee -a")
	if len(ran) > 0 {
		t.Fatalf("ran %q without a yes", ran)
	}
	offered := d.w.page().(*checkPage)
	if cmd := offered.answer(d.w.state, "enter"); cmd == nil {
		t.Fatal("nothing would be run")
	}
	checks[3] = found(preflight.Finding{State: preflight.OK, What: "Programs for the Pi run here."})
	d.send(repaired{3, nil})
	d.sees("√ Programs for the Pi run here.")
	d.send(repaired{3, errors.New("the command ended with an error: exit status 100")})
	d.sees("exit status 100")
	d.keys("a")
	d.on("board")
}

func TestARepairThatDidNotHelpSaysWhy(t *testing.T) {
	e := engine(t)
	e.Checks = round(untrusted()...)
	var ran []string
	e.Repair = func(line string) tea.ExecCommand { return command{line: line, ran: &ran} }
	d := drive(t, e)
	d.keys("enter")
	d.sees("► × Nix does not let you build")
	d.keys("down")
	d.sees("► × This computer cannot run")
	d.send(repaired{3, errors.New("The command failed with exit code 100: E: Unable to locate package qemu-user-static")})
	d.sees("► × This computer cannot run")
	d.sees("still wrong. The command failed with exit code 100: E: Unable to")
	d.pictures("check-in-vain")
	d.send(repaired{3, nil})
	d.sees("The command ended without an error, but this is still wrong.")
	d.keys("r")
	d.lacks("still wrong")
	if len(ran) > 0 {
		t.Error("a command ran by itself")
	}
}

func TestTheTestBuildWaitsForTheOthers(t *testing.T) {
	e := engine(t)
	built := 0
	last := preflight.Check{Name: "test build", Last: true, Run: func(context.Context) preflight.Finding {
		built++
		return preflight.Finding{State: preflight.OK, What: "A test build worked."}
	}}
	checks := []preflight.Check{found(preflight.Finding{State: preflight.Failure, What: "Nix is missing."}), last}
	e.Checks = round(checks...)
	d := drive(t, e)
	d.keys("enter")
	d.sees("test build waits")
	if built > 0 {
		t.Fatal("built while something was missing")
	}
	checks[0] = found(preflight.Finding{State: preflight.Warning, What: "Offline."})
	d.keys("r")
	d.sees("A test build worked.")
	d.sees("need not stop you")
	d.keys("enter")
	d.on("board")
}

func TestLeavingTheCheckPageStopsATestBuild(t *testing.T) {
	e := engine(t)
	ended := make(chan struct{})
	e.Checks = round(found(preflight.Finding{State: preflight.OK, What: "fine"}), preflight.Check{Name: "test build", Last: true, Run: func(ctx context.Context) preflight.Finding {
		<-ctx.Done()
		close(ended)
		return preflight.Finding{}
	}})
	d := drive(t, e)
	d.keys("enter")
	d.sees("test build …")
	d.press("esc")
	d.on("welcome")
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the test build goes on")
	}
}

func TestTheCheckPageShowsAllByScrollingInASmallWindow(t *testing.T) {
	for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}} {
		e := engine(t)
		e.Checks = round(untrusted()...)
		d := drive(t, e)
		d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		d.keys("enter")
		d.picture("check")
		seen := map[string]bool{}
		wanted := []string{"Nix 2.26.3 is installed.", "is not trusted", "no emulator", "is little memory", "Close other programs", "Guessed: time zone Europe/Berlin", "test build waits"}
		for range 40 {
			text := screen.Draw(d.w.View(), size[0], size[1]).Text()
			if !strings.Contains(strings.Join(strings.Fields(text), " "), "goes on anyway") {
				t.Fatalf("%v: what to do is not on the screen:\n%s", size, text)
			}
			for _, w := range wanted {
				seen[w] = seen[w] || strings.Contains(text, w)
			}
			d.keys("down")
		}
		d.keys("f")
		d.picture("check-repair")
		d.keys("esc")
		for range 40 {
			d.keys("up")
		}
		d.sees("Nix 2.26.3 is installed.")
		for _, w := range wanted {
			if !seen[w] {
				t.Errorf("%v: %q was never on the screen", size, w)
			}
		}
	}
}

// picture saves the screen when PIWIZ_PICTURES names a folder.
func (d *driver) picture(name string) {
	d.t.Helper()
	dir := os.Getenv("PIWIZ_PICTURES")
	if dir == "" {
		return
	}
	file := filepath.Join(dir, fmt.Sprintf("%s-%dx%d.png", name, d.w.width, d.w.height))
	if err := screen.Draw(d.w.View(), d.w.width, d.w.height).PNG(file); err != nil {
		d.t.Error(err)
	}
}

// pictures saves it at the smallest, the usual and a large size.
func (d *driver) pictures(name string) {
	d.t.Helper()
	was := tea.WindowSizeMsg{Width: d.w.width, Height: d.w.height}
	for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}} {
		d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		d.picture(name)
	}
	d.send(was)
}
