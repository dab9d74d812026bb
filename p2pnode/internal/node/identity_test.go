package node_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/node"
)

// TestOneIdentity checks that processes which make the identity of a directory at the same time all get
// the one that stays.
func TestOneIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.key")
	var made [16][]byte
	var group errgroup.Group
	for i := range made {
		group.Go(func() error {
			key, err := node.LoadKey(path)
			if err == nil {
				made[i], err = key.Raw()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	stays, err := node.LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := stays.Raw()
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range made {
		if string(key) != string(want) {
			t.Errorf("call %d got an identity that is gone", i)
		}
	}
}
