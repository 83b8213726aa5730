//go:build race

package pins

const raced = true
