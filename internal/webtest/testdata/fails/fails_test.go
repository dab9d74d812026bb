package fails

import "testing"

func TestFails(t *testing.T) { t.Error("as it has to: ä€") }

func TestOther(*testing.T) {}
