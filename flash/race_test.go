//go:build race

package flash

// raced: the race detector makes each round ten times slower, and finds in a
// few what it finds in a thousand.
const raced = true

// few is how often of n tries a real card is written under the detector.
func few(n int) int { return n / 5 }
