//go:build !race

package flash

const raced = false
