// The same program without the cure.
package main

import (
	"fmt"
	"os"

	tea "github.com/charmbracelet/bubbletea"
)

func main() {
	_, set := os.LookupEnv("CI")
	fmt.Println("CI set:", set, tea.KeyEnter)
}
