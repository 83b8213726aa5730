//go:build race

package build

const raced = true
