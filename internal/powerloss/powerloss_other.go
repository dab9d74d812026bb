//go:build !linux

package powerloss

import "testing"

// Lose skips the test: mounting loop devices needs Linux.
func Lose(t *testing.T, _ int, _ func(path string), _ ...string) Left {
	t.Helper()
	t.Skip("mounting loop devices needs Linux")
	panic("unreachable")
}

// Keep does nothing: there is no image.
func (l Left) Keep() string { return "" }
