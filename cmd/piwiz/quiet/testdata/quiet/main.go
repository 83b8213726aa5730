// A program with Bubble Tea and the cure: it must not question the terminal.
package main

import (
	"fmt"
	"os"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/cmd/piwiz/quiet"
)

func main() {
	quiet.Undo()
	_, set := os.LookupEnv("CI")
	fmt.Println("CI set:", set, tea.KeyEnter)
}
