// Package tui is the wizard: it asks, shows and confirms. It does no work of
// its own; what has to be done is in Engine, a struct of functions.
//
// The rules of this interface:
//
//   - One question a page, one page a file, in the order of the story, which
//     story.go lists.
//   - Enter goes on, esc goes back, ? shows the keys, ctrl+c leaves. Before the
//     first byte is written esc always works and every answer is kept. While
//     work is running ctrl+c asks first and names the consequence.
//   - A sentence says what happens and ends in what the user can do. No
//     jargon without its meaning, no exclamation marks, no blame.
//   - The screen samples the work; the work never calls the screen.
//   - An answer belongs to the visit that asked (visit.go). The wizard ties
//     what a page's commands bring to its visit and drops what comes after the
//     page was left or asked again: pages need no check of their own, start
//     work from state.ctx, which ends with the visit, and leave the terminal
//     to a command by exec. A message that holds something implements late.
//   - Keys come one by one, however many a read brought, and a paste is none
//     (read.go).
//   - Nothing secret is ever drawn. Texts from outside are drawn through
//     package clean, at the moment they are drawn: wrap does it for sentences.
//   - A page too small to be right is not drawn at all: below 60x20 one
//     sentence asks for a larger window.
//   - The bottom row is the help line and never a border, because a terminal
//     that gets shorter can lose the last cell of that row.
//
// Files build on each other in one direction, which a test keeps: draw and move
// know nothing of the rest; on them stand the answers, then state and page, then
// the pages, each with its view, and under a page what it is made of, which
// does not know it; then story, which has all pages and the wizard itself;
// leave, terminal, visit, crash, read and view say what the wizard does; on top
// wizard.go starts it.
package tui
