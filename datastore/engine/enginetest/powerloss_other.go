//go:build !linux

package enginetest

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

func testPowerLoss(t *testing.T, _ func(c engine.Config) engine.Engine) {
	t.Skip("mounting loop devices needs Linux")
}
