//go:build race

package builder

const raced = true
