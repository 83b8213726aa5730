//go:build !race

package builder

const raced = false
