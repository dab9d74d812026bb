package crashes

import "testing"

func TestCrashes(*testing.T) { panic("as it has to") }
