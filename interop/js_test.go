package interop_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// startJS starts js/peer.mjs, or skips the test where Node or its packages are missing.
func startJS(t *testing.T) *process {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not there")
	}
	if _, err := os.Stat(filepath.Join("js", "node_modules", "libp2p")); err != nil {
		t.Skip("js-libp2p is not there: run npm ci in interop/js")
	}
	return start(t, "js", node, "--import", "./polyfill.mjs", "peer.mjs")
}

func TestJS(t *testing.T) { exchangeItems(t, startJS(t), newPeer(t)) }

func TestJSPolicies(t *testing.T) { putByPolicies(t, startJS(t), newPeer(t)) }
