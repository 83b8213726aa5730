//go:build race

package flash

// raced: the race detector makes each round ten times slower, and finds in a
// few what it finds in a thousand.
const raced = true
