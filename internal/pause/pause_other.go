//go:build !js

package pause

// Point does nothing here.
func Point() {}

// Rested does nothing here.
func Rested() {}
