//go:build race

package nixcache_test

const raced = true
